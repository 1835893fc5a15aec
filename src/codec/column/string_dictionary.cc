// Layout: varint count, shared prefix lengths, suffix lengths (integer streams), suffixes (frame).
#include "codec/column/string_dictionary.h"

#include <algorithm>
#include <cassert>

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/frame.h"
#include "codec/column/int_stream.h"

namespace tracestore::column {
namespace {

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("string dictionary: ") + what};
}

std::size_t SharedPrefix(std::string_view a, std::string_view b) noexcept {
  const auto at = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  return static_cast<std::size_t>(at.first - a.begin());
}

// The bytes of all strings together, or nullopt where a shared length is longer than the string
// before or the sum passes `max_total_bytes`.
std::optional<std::size_t> TotalBytes(const std::vector<std::uint64_t>& shared,
                                      const std::vector<std::uint64_t>& suffixes,
                                      std::size_t max_total_bytes) noexcept {
  std::size_t total = 0;
  std::uint64_t previous = 0;
  for (std::size_t i = 0; i < shared.size(); ++i) {
    if (shared[i] > previous || suffixes[i] > max_total_bytes) return std::nullopt;
    previous = shared[i] + suffixes[i];
    if (previous > max_total_bytes - total) return std::nullopt;
    total += static_cast<std::size_t>(previous);
  }
  return total;
}

}  // namespace

std::string EncodeStringDictionary(std::span<const std::string_view> sorted_unique) {
  std::vector<std::uint64_t> shared;
  std::vector<std::uint64_t> suffixes;
  std::string bytes;
  shared.reserve(sorted_unique.size());
  suffixes.reserve(sorted_unique.size());
  std::string_view previous;
  for (const std::string_view text : sorted_unique) {
    assert(shared.empty() || previous < text);
    const std::size_t same = SharedPrefix(previous, text);
    shared.push_back(same);
    suffixes.push_back(text.size() - same);
    bytes.append(text.substr(same));
    previous = text;
  }
  std::string out;
  base::ByteWriter(out).Varint(sorted_unique.size());
  EncodeInts(shared, out);
  EncodeInts(suffixes, out);
  if (!bytes.empty()) AppendFrame(bytes, out);
  return out;
}

Result<StringDictionary> StringDictionary::Parse(std::string_view bytes,
                                                 const StringDictionaryLimits& limits) {
  base::ByteReader in(bytes);
  const std::size_t max_bytes = std::min<std::size_t>(limits.max_total_bytes, UINT32_MAX);
  const std::size_t max_entries = std::min<std::size_t>(limits.max_entries, UINT32_MAX);
  const auto count = static_cast<std::size_t>(in.BoundedVarint(max_entries));
  if (!in.ok()) return Corrupt("the count is cut short or larger than allowed");
  std::vector<std::uint64_t> shared;
  std::vector<std::uint64_t> suffixes;
  TS_TRY(DecodeInts(in, count, shared));
  TS_TRY(DecodeInts(in, count, suffixes));
  const std::optional<std::size_t> total = TotalBytes(shared, suffixes, max_bytes);
  if (!total) return Corrupt("impossible lengths, or more bytes than allowed");
  std::string scratch;
  std::string_view suffix_bytes;
  if (*total > 0) {
    TS_TRY_ASSIGN(suffix_bytes, ReadFrame(in, *total, scratch));
  }
  if (!in.done()) return Corrupt("bytes after the end");

  StringDictionary dictionary;
  dictionary.arena_.reserve(*total);
  dictionary.ends_.reserve(count);
  std::size_t previous_at = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t at = dictionary.arena_.size();
    const auto same = static_cast<std::size_t>(shared[i]);
    const auto rest = static_cast<std::size_t>(suffixes[i]);
    if (rest > suffix_bytes.size()) return Corrupt("the lengths don't add up to the bytes");
    dictionary.arena_.append(dictionary.arena_, previous_at, same);
    dictionary.arena_.append(suffix_bytes.substr(0, rest));
    suffix_bytes.remove_prefix(rest);
    dictionary.ends_.push_back(static_cast<std::uint32_t>(dictionary.arena_.size()));
    const std::string_view arena = dictionary.arena_;
    if (i > 0 && arena.substr(previous_at, at - previous_at) >= arena.substr(at)) {
      return Corrupt("the strings are not strictly ascending");
    }
    previous_at = at;
  }
  if (!suffix_bytes.empty()) return Corrupt("the lengths don't add up to the bytes");
  return dictionary;
}

template <bool kAbove>
std::uint32_t StringDictionary::Bound(std::string_view text, std::size_t length) const noexcept {
  std::uint32_t low = 0;
  auto high = static_cast<std::uint32_t>(ends_.size());
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    const int order = At(middle).substr(0, length).compare(text);
    if (kAbove ? order <= 0 : order < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

std::optional<std::uint32_t> StringDictionary::Find(std::string_view text) const noexcept {
  const std::uint32_t id = Bound<false>(text, std::string_view::npos);
  if (id < ends_.size() && At(id) == text) return id;
  return std::nullopt;
}

std::pair<std::uint32_t, std::uint32_t> StringDictionary::PrefixRange(
    std::string_view prefix) const noexcept {
  return {Bound<false>(prefix, prefix.size()), Bound<true>(prefix, prefix.size())};
}

}  // namespace tracestore::column
