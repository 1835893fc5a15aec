// Layout: docs/format/filters.md, "Fuse filter".
#include "index/fuse_filter.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <vector>

#include "base/bytes.h"

namespace tracestore::index {
namespace {

constexpr std::uint32_t kProbes = 4;
constexpr std::size_t kMaxKeys = std::size_t{1} << 27;
constexpr std::uint8_t kMaxSegmentBits = 18;  // three offsets of 18 bits fit below the first probe
constexpr std::uint32_t kMaxAttempts = 64;
constexpr std::uint64_t kMaxLength = std::uint64_t{1} << 30;

// A bijection for each attempt: different hashes stay different.
std::uint64_t Mix(std::uint64_t hash, std::uint32_t attempt) noexcept {
  std::uint64_t h = hash + (attempt + 1) * 0x9E3779B97F4A7C15ULL;
  h = (h ^ (h >> 30)) * 0xBF58476D1CE4E5B9ULL;
  h = (h ^ (h >> 27)) * 0x94D049BB133111EBULL;
  return h ^ (h >> 31);
}

std::uint8_t Fingerprint(std::uint64_t mixed) noexcept {
  return static_cast<std::uint8_t>((mixed * 0xD6E8FEB86659FD93ULL) >> 56);
}

struct Shape {
  std::uint8_t segment_bits;
  std::uint32_t starts;

  std::size_t length() const noexcept {
    return static_cast<std::size_t>(starts + kProbes - 1) << segment_bits;
  }
  // One slot in each of four consecutive segments; the top bits choose the first, so keys sorted
  // by their mixed hash touch the array from front to back.
  std::array<std::uint32_t, kProbes> Slots(std::uint64_t mixed) const noexcept {
    const std::uint64_t range = static_cast<std::uint64_t>(starts) << segment_bits;
    const auto first = static_cast<std::uint32_t>(((mixed >> 32) * range) >> 32);  // range <= 2^30
    const std::uint32_t length_of_one = 1U << segment_bits;
    const std::uint32_t mask = length_of_one - 1;
    const auto low = static_cast<std::uint32_t>(mixed);
    const auto middle = static_cast<std::uint32_t>(mixed >> kMaxSegmentBits);
    const auto high = static_cast<std::uint32_t>(mixed >> (2 * kMaxSegmentBits));
    return {first, (first + length_of_one) ^ (low & mask),
            (first + 2 * length_of_one) ^ (middle & mask),
            (first + 3 * length_of_one) ^ (high & mask)};
  }
};

// Sizes measured for four probes (100 to 300,000 keys, 8 to 40 seeds each): segments of n^0.6 slots
// are near the best, and n · (1.07 + 0.105 · (10,000 / n)^0.38) slots are enough for about two
// seeds in three; every failed attempt adds 2 %, so the expected cost is 1.5 attempts.
Shape ShapeFor(std::size_t keys, std::uint32_t attempt) {
  const double n = static_cast<double>(keys);
  const auto bits = static_cast<std::uint8_t>(
      std::min<double>(kMaxSegmentBits, std::round(0.6 * std::log2(n))));
  const double slots = n * (1.07 + 0.105 * std::pow(10'000.0 / n, 0.38) + 0.02 * attempt);
  const auto segments =
      static_cast<std::uint32_t>(std::ceil(slots / static_cast<double>(1U << bits)));
  return {bits, std::max(segments, kProbes) - (kProbes - 1)};
}

// The mixed hashes, sorted and each once: scattered by their top bits into buckets of about eight,
// then sorted within. Equal hashes would never peel.
std::vector<std::uint64_t> MixedOnce(std::span<const std::uint64_t> hashes, std::uint32_t attempt) {
  const auto bucket_bits = static_cast<unsigned>(std::bit_width(hashes.size() / 8)) + 1;
  const unsigned shift = 64 - bucket_bits;
  std::vector<std::uint32_t> ends((std::size_t{1} << bucket_bits) + 1, 0);
  for (const std::uint64_t hash : hashes) ++ends[(Mix(hash, attempt) >> shift) + 1];
  for (std::size_t i = 1; i < ends.size(); ++i) ends[i] += ends[i - 1];
  std::vector<std::uint64_t> mixed(hashes.size());
  for (const std::uint64_t hash : hashes) {
    const std::uint64_t h = Mix(hash, attempt);
    mixed[ends[h >> shift]++] = h;  // ends[b] moves from the begin of bucket b to its end
  }
  std::size_t begin = 0;
  for (std::size_t b = 0; b + 1 < ends.size(); ++b) {
    std::sort(mixed.begin() + static_cast<std::ptrdiff_t>(begin), mixed.begin() + ends[b]);
    begin = ends[b];
  }
  mixed.erase(std::unique(mixed.begin(), mixed.end()), mixed.end());
  return mixed;
}

struct Slot {
  std::uint64_t keys_xor = 0;
  std::uint32_t keys = 0;
};

struct Peeled {
  std::uint64_t mixed;
  std::uint32_t slot;  // the slot that this key had alone
};

// Takes away, one by one, a key that is alone in some slot. True when none is left.
bool Peel(std::span<const std::uint64_t> mixed, const Shape& shape, std::vector<Peeled>& order) {
  std::vector<Slot> slots(shape.length());
  for (const std::uint64_t h : mixed) {
    for (const std::uint32_t s : shape.Slots(h)) {
      slots[s].keys_xor ^= h;
      ++slots[s].keys;
    }
  }
  order.clear();
  order.reserve(mixed.size());
  std::vector<std::uint32_t> alone;
  for (std::uint32_t s = 0; s < slots.size(); ++s) {
    alone.push_back(s);  // from front to back, so that the work stays in the cache
    while (!alone.empty()) {
      const std::uint32_t at = alone.back();
      alone.pop_back();
      if (slots[at].keys != 1) continue;
      const std::uint64_t h = slots[at].keys_xor;
      order.push_back({h, at});
      for (const std::uint32_t other : shape.Slots(h)) {
        slots[other].keys_xor ^= h;
        if (--slots[other].keys == 1 && other <= s) alone.push_back(other);
      }
    }
  }
  return order.size() == mixed.size();
}

// Last peeled first: when a key gets its byte, its other three bytes are already final.
std::string Assign(std::span<const Peeled> order, const Shape& shape) {
  std::string bytes(shape.length(), '\0');
  for (auto key = order.rbegin(); key != order.rend(); ++key) {
    unsigned value = Fingerprint(key->mixed);
    for (const std::uint32_t s : shape.Slots(key->mixed)) {
      value ^= static_cast<unsigned char>(bytes[s]);  // its own byte is still zero
    }
    bytes[key->slot] = static_cast<char>(value);
  }
  return bytes;
}

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("fuse filter: ") + what};
}

}  // namespace

Result<FuseFilter> FuseFilter::Build(std::span<const std::uint64_t> hashes) {
  FuseFilter filter;
  if (hashes.empty()) return filter;
  if (hashes.size() > kMaxKeys) {
    return Error(ErrorCode::kInvalidArgument, "fuse filter: more than 134217728 keys");
  }
  std::vector<Peeled> order;
  for (std::uint32_t attempt = 0; attempt < kMaxAttempts; ++attempt) {
    const std::vector<std::uint64_t> mixed = MixedOnce(hashes, attempt);
    const Shape shape = ShapeFor(mixed.size(), attempt);
    if (!Peel(mixed, shape, order)) continue;
    filter.attempt_ = attempt;
    filter.segment_bits_ = shape.segment_bits;
    filter.starts_ = shape.starts;
    filter.fingerprints_ = Assign(order, shape);
    return filter;
  }
  return Error(ErrorCode::kInvalidArgument, "fuse filter: no seed of 64 fits these keys");
}

bool FuseFilter::MayContain(std::uint64_t hash) const noexcept {
  if (starts_ == 0) return false;
  const std::uint64_t mixed = Mix(hash, attempt_);
  unsigned value = Fingerprint(mixed);
  for (const std::uint32_t s : Shape{segment_bits_, starts_}.Slots(mixed)) {
    value ^= static_cast<unsigned char>(fingerprints_[s]);
  }
  return value == 0;
}

void FuseFilter::AppendTo(std::string& out) const {
  base::ByteWriter writer(out);
  writer.Varint(starts_);
  if (starts_ == 0) return;
  writer.U8(segment_bits_);
  writer.U8(static_cast<std::uint8_t>(attempt_));
  writer.Raw(fingerprints_);
}

Result<FuseFilter> FuseFilter::Parse(std::string_view bytes) {
  base::ByteReader in(bytes);
  FuseFilter filter;
  filter.starts_ = static_cast<std::uint32_t>(in.BoundedVarint(kMaxLength));
  if (!in.ok()) return Corrupt("bad segment count");
  if (filter.starts_ > 0) {
    filter.segment_bits_ = in.U8();
    filter.attempt_ = in.U8();
    if (!in.ok()) return Corrupt("header cut short");
    if (filter.segment_bits_ > kMaxSegmentBits) return Corrupt("segments too long");
    if (filter.attempt_ >= kMaxAttempts) return Corrupt("unknown seed");
    const std::uint64_t length = (std::uint64_t{filter.starts_} + kProbes - 1)
                                 << filter.segment_bits_;
    if (length > kMaxLength || length != in.remaining()) {
      return Corrupt("length differs from what the header says");
    }
    filter.fingerprints_ = std::string(in.Raw(length));
  }
  if (!in.done()) return Corrupt("bytes after the end");
  return filter;
}

}  // namespace tracestore::index
