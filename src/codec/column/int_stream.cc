// The writer of integer streams: looks at the values, estimates what each kind would take, writes
// the best. Layout: docs/format/column-encodings.md, "Integer stream".
#include "codec/column/int_stream.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "codec/column/bit_pack.h"
#include "codec/column/frame.h"
#include "codec/column/int_stream_format.h"

namespace tracestore::column {
namespace {

using Values = std::span<const std::uint64_t>;
using Histogram = std::array<std::uint32_t, 256>;

// What a zstd frame adds to its order-0 entropy: its headers, and half a byte of Huffman table for
// each distinct symbol (measured on page-sized streams of bucket symbols).
constexpr double kFrameBytes = 12;
constexpr double kTableBytesPerSymbol = 0.5;
// Another kind must promise this much less than plain bit-packing, which decodes fastest.
constexpr double kWorthIt = 0.985;
// A factor or differences must save at least this much to be taken: their header and a second pass.
constexpr std::size_t kLeastSavedBytes = 3;
// Neighbours looked at to see whether differences are worth a full look.
constexpr std::size_t kSmoothSamples = 64;

struct Range {
  std::uint64_t least = 0;
  std::uint64_t most = 0;
  bool constant() const noexcept { return least == most; }
  unsigned width() const noexcept { return BitWidth(most - least); }
};

// Per-thread memory; one vector for each wrapper that can be open at a time.
struct Scratch {
  std::vector<std::uint64_t> outer_scaled;
  std::vector<std::uint64_t> deltas;
  std::vector<std::uint64_t> inner_scaled;
  std::vector<std::uint64_t> zigzag;
  std::string bytes;
  std::string candidate;
};
Scratch& ThreadScratch() {
  thread_local Scratch scratch;
  return scratch;
}

std::size_t VarintBytes(std::uint64_t value) noexcept {
  return (BitWidth(value | 1) + 6) / 7;
}

void PutTag(IntKind kind, unsigned argument, std::string& out) {
  out.push_back(static_cast<char>(static_cast<unsigned>(kind) | argument << kKindBits));
}

Range FindRange(Values values) noexcept {
  Range range{values[0], values[0]};
  for (const std::uint64_t value : values) {
    range.least = std::min(range.least, value);
    range.most = std::max(range.most, value);
  }
  return range;
}

void WriteConstant(std::uint64_t value, std::string& out) {
  const bool follows = value >= kConstantFollows;
  PutTag(IntKind::kConstant, follows ? kConstantFollows : static_cast<unsigned>(value), out);
  if (follows) base::ByteWriter(out).Varint(value);
}

std::size_t ConstantSize(std::uint64_t value) noexcept {
  return value < kConstantFollows ? 1 : 1 + VarintBytes(value);
}

std::size_t PackedSize(std::size_t count, Range range) noexcept {
  const unsigned width = range.width();
  return 1 + (width > 31) + (width < 64 ? VarintBytes(range.least) : 0) +
         PackedBytes(count * width);
}

void WritePacked(Values values, Range range, std::string& out) {
  const unsigned width = range.width();
  PutTag(IntKind::kPacked, width <= 31 ? width : 0, out);
  base::ByteWriter writer(out);
  if (width > 31) writer.U8(static_cast<std::uint8_t>(width));
  if (width == 64) {
    return writer.Raw({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
  }
  writer.Varint(range.least);
  BitWriter bits(out, values.size() * width);
  for (const std::uint64_t value : values) bits.Put(value - range.least, width);
  bits.Finish();
}

// The estimated size of `total` symbols through a compressed frame.
double FramedEstimate(const Histogram& histogram, std::size_t total) {
  double bits = 0;
  unsigned distinct = 0;
  const double log_total = std::log2(static_cast<double>(total));
  for (const std::uint32_t count : histogram) {
    if (count == 0) continue;
    ++distinct;
    bits += count * (log_total - std::log2(static_cast<double>(count)));
  }
  return kFrameBytes + kTableBytesPerSymbol * distinct + bits / 8;
}

// What the buckets of a stream look like.
struct Buckets {
  Histogram histogram = {};
  std::size_t low_bits = 0;
  unsigned least = 255;
  unsigned most = 0;
};

Buckets LookAtBuckets(Values values) noexcept {
  Buckets buckets;
  for (const std::uint64_t value : values) ++buckets.histogram[BucketSymbol(value)];
  for (unsigned symbol = 0; symbol < kBucketSymbols; ++symbol) {
    const std::uint32_t count = buckets.histogram[symbol];
    if (count == 0) continue;
    buckets.least = std::min(buckets.least, symbol);
    buckets.most = symbol;
    buckets.low_bits += std::size_t{count} * BucketLowBits(symbol);
  }
  return buckets;
}

// The bytes of the symbols when bit-packed, with their base byte; or the one constant symbol.
std::size_t PackedSymbolsSize(std::size_t count, const Buckets& buckets) noexcept {
  return 1 + PackedBytes(count * BitWidth(buckets.most - buckets.least));
}

void WriteBuckets(Values values, const Buckets& buckets, std::string& out) {
  const std::size_t tag_at = out.size();
  const unsigned width = BitWidth(buckets.most - buckets.least);
  unsigned argument = kSymbolsFramed;
  PutTag(IntKind::kBucket, argument, out);
  std::string& symbols = ThreadScratch().bytes;
  symbols.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    symbols[i] = static_cast<char>(BucketSymbol(values[i]));
  }
  if (width > 0 && values.size() >= kLeastCompressedBytes) {
    AppendFrame(symbols, out, FrameContent::kSymbols);
  }
  const std::size_t framed = out.size() - tag_at - 1;
  if (framed == 0 || framed > PackedSymbolsSize(values.size(), buckets)) {
    out.resize(tag_at + 1);
    argument = width == 0 ? kSymbolsConstant : width;
    out.push_back(static_cast<char>(buckets.least));
    BitWriter bits(out, values.size() * width);
    for (const char symbol : symbols) {
      bits.Put(static_cast<std::uint8_t>(symbol) - buckets.least, width);
    }
    bits.Finish();
  }
  out[tag_at] = static_cast<char>(static_cast<unsigned>(IntKind::kBucket) | argument << kKindBits);
  BitWriter bits(out, buckets.low_bits);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const unsigned low = BucketLowBits(static_cast<std::uint8_t>(symbols[i]));
    bits.Put(values[i] & LowMask(low), low);
  }
  bits.Finish();
}

void WriteVarints(Values values, std::string& out) {
  std::string& bytes = ThreadScratch().bytes;
  bytes.clear();
  base::ByteWriter writer(bytes);
  for (const std::uint64_t value : values) writer.Varint(value);
  PutTag(IntKind::kVarints, 0, out);
  AppendFrame(bytes, out);
}

// Several small values go into one byte: zstd's Huffman codes have whole bits, so pairs come nearer
// to the entropy than single values (10 to 25 % on skewed ranks), in half the time.
void WriteBytes(Values values, Range range, std::string& out) {
  std::string& bytes = ThreadScratch().bytes;
  const unsigned width = std::bit_ceil(BitWidth(range.most));
  if (width == 8) {
    bytes.resize(values.size());
    for (std::size_t i = 0; i < values.size(); ++i) bytes[i] = static_cast<char>(values[i]);
  } else {
    bytes.clear();
    BitWriter bits(bytes, values.size() * width);
    for (const std::uint64_t value : values) bits.Put(value, width);
    bits.Finish();
  }
  PutTag(IntKind::kBytes, width & 7, out);
  AppendFrame(bytes, out, FrameContent::kSymbols);
}

// True if many values have been seen shortly before: then zstd finds matches in their varints,
// which the raw low bits of buckets would hide from it.
bool Repetitive(Values values) noexcept {
  constexpr std::size_t kSlots = 256;
  const std::size_t sample = std::min<std::size_t>(values.size(), 512);
  std::array<std::uint64_t, kSlots> last = {};
  std::size_t hits = 0;
  for (std::size_t i = 0; i < sample; ++i) {
    std::uint64_t& slot = last[(values[i] * 0x9E3779B97F4A7C15ULL) >> 56];
    hits += slot == values[i];
    slot = values[i];
  }
  return hits * 4 > sample;
}

// The kind without wrappers that is best for the values, and about how many bytes it will take.
struct Plan {
  IntKind kind = IntKind::kPacked;
  double bytes = 0;
};

Plan PlanShort(Values values, const Buckets& buckets, Plan best) {
  const std::size_t bucket_bytes =
      1 + PackedSymbolsSize(values.size(), buckets) + PackedBytes(buckets.low_bits);
  if (static_cast<double>(bucket_bytes) < best.bytes) {
    best = {IntKind::kBucket, static_cast<double>(bucket_bytes)};
  }
  std::size_t varint_bytes = 0;
  for (const std::uint64_t value : values) varint_bytes += VarintBytes(value);
  varint_bytes += 1 + VarintBytes(varint_bytes * 2);
  if (static_cast<double>(varint_bytes) < best.bytes) {
    best = {IntKind::kVarints, static_cast<double>(varint_bytes)};
  }
  return best;
}

Plan PlanLeaf(Values values, Range range, Buckets& buckets) {
  if (range.constant()) return {IntKind::kConstant, static_cast<double>(ConstantSize(range.least))};
  Plan best{IntKind::kPacked, static_cast<double>(PackedSize(values.size(), range))};
  buckets = LookAtBuckets(values);
  if (values.size() < kLeastCompressedBytes) return PlanShort(values, buckets, best);
  const double framed = FramedEstimate(buckets.histogram, values.size());
  const auto packed = static_cast<double>(PackedSymbolsSize(values.size(), buckets));
  const double bucket_bytes =
      1 + std::min(framed, packed) + static_cast<double>(buckets.low_bits) / 8;
  if (bucket_bytes < best.bytes * kWorthIt) best = {IntKind::kBucket, bucket_bytes};
  if (range.most < 256) {
    Histogram histogram = {};
    for (const std::uint64_t value : values) ++histogram[value];
    const double bytes = 1 + FramedEstimate(histogram, values.size());
    // On equal terms bytes are better: zstd can also match repeated sequences in them.
    if (bytes * kWorthIt < best.bytes || best.kind == IntKind::kPacked) {
      best = {IntKind::kBytes, std::min(bytes, best.bytes)};
    }
  }
  return best;
}

void WriteKind(IntKind kind, Values values, Range range, const Buckets& buckets,
               std::string& out) {
  switch (kind) {
    case IntKind::kBucket: return WriteBuckets(values, buckets, out);
    case IntKind::kVarints: return WriteVarints(values, out);
    default: return WriteBytes(values, range, out);
  }
}

// Writes the planned kind; falls back to bit-packing where the estimate was too hopeful.
void WriteLeaf(Values values, Range range, const Plan& plan, const Buckets& buckets,
               std::string& out) {
  if (plan.kind == IntKind::kConstant) return WriteConstant(range.least, out);
  const std::size_t begin = out.size();
  std::size_t best = PackedSize(values.size(), range);
  if (plan.kind != IntKind::kPacked) {
    WriteKind(plan.kind, values, range, buckets, out);
    if (out.size() - begin < best) best = out.size() - begin;
    else out.resize(begin);
  }
  const bool long_and_wide = values.size() >= kLeastCompressedBytes && range.width() > 8;
  if (long_and_wide && plan.kind != IntKind::kVarints && Repetitive(values)) {
    std::string& candidate = ThreadScratch().candidate;
    candidate.clear();
    WriteVarints(values, candidate);
    if (candidate.size() < best) {
      out.resize(begin);
      out.append(candidate);
      return;
    }
  }
  if (out.size() == begin) WritePacked(values, range, out);
}

// The greatest common factor of all values, 1 if there is none worth naming. Ends at the first few
// values of ordinary data.
std::uint64_t CommonFactor(Values values) noexcept {
  std::uint64_t factor = 0;
  for (const std::uint64_t value : values) {
    if (factor != 0 && value % factor == 0) continue;
    factor = std::gcd(factor, value);
    if (factor == 1) return 1;
  }
  const std::size_t saved = values.size() * (BitWidth(factor | 1) - 1) / 8;
  return saved >= kLeastSavedBytes ? factor : 1;
}

// A sample of neighbours: are their differences narrower than the values above their minimum?
bool Smooth(Values values, std::uint64_t least) noexcept {
  if (values.size() < 4) return false;
  const std::size_t step = std::max<std::size_t>(1, (values.size() - 1) / kSmoothSamples);
  std::size_t value_bits = 0;
  std::size_t delta_bits = 0;
  for (std::size_t i = 1; i < values.size(); i += step) {
    value_bits += BitWidth(values[i] - least);
    const auto delta = static_cast<std::int64_t>(values[i] - values[i - 1]);
    delta_bits += BitWidth(base::ZigZag(delta));
  }
  return delta_bits < value_bits;
}

void FillDeltas(Values values, std::vector<std::uint64_t>& deltas) {
  deltas.resize(values.size() - 1);
  for (std::size_t i = 1; i < values.size(); ++i) {
    deltas[i - 1] = base::ZigZag(static_cast<std::int64_t>(values[i] - values[i - 1]));
  }
}

void FillQuotients(Values values, std::uint64_t factor, std::vector<std::uint64_t>& quotients) {
  quotients.resize(values.size());
  const auto fill = [&](auto divide) {
    for (std::size_t i = 0; i < values.size(); ++i) quotients[i] = divide(values[i]);
  };
  if (std::has_single_bit(factor)) {
    const int shift = std::countr_zero(factor);
    fill([shift](std::uint64_t value) { return value >> shift; });
  } else if (factor == 1000) {
    fill([](std::uint64_t value) { return value / 1000; });
  } else {
    fill([factor](std::uint64_t value) { return value / factor; });
  }
}


void WriteLevel(Values values, Wrappers allowed, std::string& out) {
  const Range range = FindRange(values);
  if (range.constant()) return WriteConstant(range.least, out);
  Scratch& scratch = ThreadScratch();
  if (allowed.scaled) {
    const std::uint64_t factor = CommonFactor(values);
    if (factor > 1) {
      auto& quotients = allowed.delta ? scratch.outer_scaled : scratch.inner_scaled;
      FillQuotients(values, factor, quotients);
      PutTag(IntKind::kScaled, 0, out);
      base::ByteWriter(out).Varint(factor);
      return WriteLevel(quotients, allowed.InsideScaled(), out);
    }
  }
  Buckets buckets;
  const Plan plan = PlanLeaf(values, range, buckets);
  if (allowed.delta && Smooth(values, range.least)) {
    FillDeltas(values, scratch.deltas);
    const Values deltas = scratch.deltas;
    Buckets delta_buckets;
    const Range delta_range = FindRange(deltas);
    const double header = 1 + static_cast<double>(VarintBytes(values[0]));
    double bytes = header + PlanLeaf(deltas, delta_range, delta_buckets).bytes;
    // Ascending values have even zigzag differences: the factor 2 goes, with its two bytes.
    if (!delta_range.constant() && CommonFactor(deltas) > 1) {
      bytes += 2 - static_cast<double>(deltas.size()) / 8;
    }
    if (bytes + kLeastSavedBytes / 2.0 < plan.bytes * kWorthIt) {
      PutTag(IntKind::kDelta, 0, out);
      base::ByteWriter(out).Varint(values[0]);
      return WriteLevel(deltas, allowed.InsideDelta(), out);
    }
  }
  WriteLeaf(values, range, plan, buckets, out);
}

}  // namespace

void EncodeInts(std::span<const std::uint64_t> values, std::string& out) {
  if (!values.empty()) WriteLevel(values, Wrappers{}, out);
}

void EncodeSignedInts(std::span<const std::int64_t> values, std::string& out) {
  auto& zigzag = ThreadScratch().zigzag;
  zigzag.resize(values.size());
  for (std::size_t i = 0; i < values.size(); ++i) zigzag[i] = base::ZigZag(values[i]);
  EncodeInts(zigzag, out);
}

}  // namespace tracestore::column
