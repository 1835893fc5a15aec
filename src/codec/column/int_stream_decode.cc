// The reader of integer streams. Layout: docs/format/column-encodings.md, "Integer stream".
#include <algorithm>
#include <cstring>

#include "base/try.h"
#include "codec/column/bit_pack.h"
#include "codec/column/frame.h"
#include "codec/column/int_stream.h"
#include "codec/column/int_stream_format.h"

namespace tracestore::column {
namespace {

using Values = std::span<std::uint64_t>;

struct BucketTable {
  std::uint64_t base[256] = {};
  std::uint8_t low_bits[256] = {};
};
constexpr BucketTable MakeBucketTable() {
  BucketTable table;
  for (unsigned s = 0; s < kBucketSymbols; ++s) {
    table.base[s] = BucketBase(s);
    table.low_bits[s] = static_cast<std::uint8_t>(BucketLowBits(s));
  }
  return table;
}
constexpr BucketTable kBuckets = MakeBucketTable();

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("integer stream: ") + what};
}

// Bounded by the caller's count; kept per thread.
std::string& FrameScratch() {
  thread_local std::string scratch;
  return scratch;
}

Status ReadConstant(base::ByteReader& in, std::uint8_t argument, Values out) {
  const std::uint64_t value = argument == kConstantFollows ? in.Varint() : argument;
  if (!in.ok()) return Corrupt("the constant is cut short");
  std::fill(out.begin(), out.end(), value);
  return {};
}

// Of `count` values those from number `begin` on, as many as `out` has room for.
Status ReadPacked(base::ByteReader& in, std::uint8_t argument, std::size_t count,
                  std::size_t begin, Values out) {
  const unsigned width = argument != 0 ? argument : in.U8();
  const std::uint64_t least = width == 64 ? 0 : in.Varint();
  if (!in.ok()) return Corrupt("the packed header is cut short");
  if (width == 0 || width > 64) return Corrupt("impossible width");
  if (count > SIZE_MAX / 64) return Corrupt("too many values");
  const std::string_view bytes = in.Raw(PackedBytes(count * width));
  if (!in.ok()) return Corrupt("the packed values are cut short");
  if (width == 64) {
    if (!out.empty()) std::memcpy(out.data(), bytes.data() + begin * 8, out.size() * 8);
    return {};
  }
  const BitReader reader(bytes);
  std::size_t bit = begin * width;
  for (std::uint64_t& value : out) {
    value = least + reader.Get(bit, width);
    bit += width;
  }
  return {};
}

// Leaves the bucket symbols in out[i].
template <typename Symbol>
Status ReadSymbols(base::ByteReader& in, std::uint8_t argument, std::span<Symbol> out) {
  if (argument == kSymbolsConstant) {
    const std::uint8_t symbol = in.U8();
    if (!in.ok()) return Corrupt("the bucket symbol is cut short");
    std::fill(out.begin(), out.end(), symbol);
    return {};
  }
  if (argument == kSymbolsFramed) {
    TS_TRY_ASSIGN(const std::string_view bytes, ReadFrame(in, out.size(), FrameScratch()));
    if (bytes.size() != out.size()) return Corrupt("wrong number of bucket symbols");
    std::transform(bytes.begin(), bytes.end(), out.begin(),
                   [](char c) { return static_cast<std::uint8_t>(c); });
    return {};
  }
  if (argument > 8) return Corrupt("unknown form of bucket symbols");
  const std::uint8_t least = in.U8();
  const std::string_view bytes = in.Raw(PackedBytes(out.size() * argument));
  if (!in.ok()) return Corrupt("the bucket symbols are cut short");
  const BitReader reader(bytes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    out[i] = static_cast<Symbol>(least + reader.Get(i * argument, argument));
  }
  return {};
}

Status ReadBuckets(base::ByteReader& in, std::uint8_t argument, Values out) {
  if (out.size() > SIZE_MAX / 64) return Corrupt("too many values");
  TS_TRY(ReadSymbols(in, argument, out));
  std::size_t bits = 0;
  std::uint64_t most = 0;
  for (const std::uint64_t symbol : out) {
    most = std::max(most, symbol);
    bits += kBuckets.low_bits[symbol & 0xFF];
  }
  if (most >= kBucketSymbols) return Corrupt("impossible bucket symbol");
  const std::string_view bytes = in.Raw(PackedBytes(bits));
  if (!in.ok()) return Corrupt("the low bits are cut short");
  const BitReader reader(bytes);
  std::size_t bit = 0;
  for (std::uint64_t& value : out) {
    const auto symbol = static_cast<std::size_t>(value);
    const unsigned width = kBuckets.low_bits[symbol];
    value = kBuckets.base[symbol] + reader.Get(bit, width);
    bit += width;
  }
  return {};
}

// As ReadBuckets, of `count` values those of a range. Symbols are read of all, low bits of the
// range.
Status ReadBucketRange(base::ByteReader& in, std::uint8_t argument, std::size_t count,
                       std::size_t begin, Values out) {
  if (count > SIZE_MAX / 64) return Corrupt("too many values");
  thread_local std::vector<std::uint16_t> symbols;  // a packed one may be past a byte
  symbols.resize(count);
  TS_TRY(ReadSymbols(in, argument, std::span(symbols)));
  std::size_t bits = 0;
  std::size_t bit = 0;  // where the range begins
  std::uint16_t most = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (i == begin) bit = bits;
    most = std::max(most, symbols[i]);
    bits += kBuckets.low_bits[symbols[i] & 0xFF];
  }
  if (most >= kBucketSymbols) return Corrupt("impossible bucket symbol");
  const std::string_view bytes = in.Raw(PackedBytes(bits));
  if (!in.ok()) return Corrupt("the low bits are cut short");
  const BitReader reader(bytes);
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::size_t symbol = symbols[begin + i];
    const unsigned width = kBuckets.low_bits[symbol];
    out[i] = kBuckets.base[symbol] + reader.Get(bit, width);
    bit += width;
  }
  return {};
}

Status ReadVarints(base::ByteReader& in, Values out) {
  if (out.size() > SIZE_MAX / 10) return Corrupt("too many values");
  TS_TRY_ASSIGN(const std::string_view bytes, ReadFrame(in, out.size() * 10, FrameScratch()));
  base::ByteReader reader(bytes);
  for (std::uint64_t& value : out) value = reader.Varint();
  if (!reader.ok() || !reader.done()) return Corrupt("the varints don't fill their frame");
  return {};
}

Status ReadBytes(base::ByteReader& in, std::uint8_t argument, Values out) {
  if (argument > 4 || argument == 3) return Corrupt("unknown width of small values");
  const unsigned width = argument != 0 ? argument : 8;
  if (out.size() > SIZE_MAX / 8) return Corrupt("too many values");
  const std::size_t size = PackedBytes(out.size() * width);
  TS_TRY_ASSIGN(const std::string_view bytes, ReadFrame(in, size, FrameScratch()));
  if (bytes.size() != size) return Corrupt("wrong number of small values");
  if (width == 8) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::uint8_t>(bytes[i]);
    return {};
  }
  const unsigned per_byte = 8 / width;
  const auto mask = static_cast<unsigned>(LowMask(width));
  std::size_t i = 0;
  for (const char c : bytes) {
    unsigned packed = static_cast<std::uint8_t>(c);
    const std::size_t end = std::min(i + per_byte, out.size());
    for (; i < end; ++i, packed >>= width) out[i] = packed & mask;
  }
  return {};
}

Status ReadLevel(base::ByteReader& in, Wrappers allowed, Values out);

Status ReadDelta(base::ByteReader& in, Wrappers allowed, Values out) {
  const std::uint64_t first = in.Varint();
  if (!in.ok()) return Corrupt("the first value is cut short");
  TS_TRY(ReadLevel(in, allowed.InsideDelta(), out.subspan(1)));
  std::uint64_t value = first;
  out[0] = value;
  for (std::size_t i = 1; i < out.size(); ++i) {
    value += static_cast<std::uint64_t>(base::UnZigZag(out[i]));
    out[i] = value;
  }
  return {};
}

Status ReadScaled(base::ByteReader& in, Wrappers allowed, Values out) {
  const std::uint64_t factor = in.Varint();
  if (!in.ok()) return Corrupt("the factor is cut short");
  TS_TRY(ReadLevel(in, allowed.InsideScaled(), out));
  for (std::uint64_t& value : out) value *= factor;
  return {};
}

// Calls itself at most three times deep: `allowed` loses a wrapper at each level.
Status ReadLevel(base::ByteReader& in, Wrappers allowed, Values out) {
  if (out.empty()) return {};
  const std::uint8_t tag = in.U8();
  if (!in.ok()) return Corrupt("the tag is missing");
  const auto argument = static_cast<std::uint8_t>(tag >> kKindBits);
  const auto kind = static_cast<IntKind>(tag & 7);
  switch (kind) {
    case IntKind::kConstant: return ReadConstant(in, argument, out);
    case IntKind::kPacked: return ReadPacked(in, argument, out.size(), 0, out);
    case IntKind::kBucket: return ReadBuckets(in, argument, out);
    case IntKind::kBytes: return ReadBytes(in, argument, out);
    default: break;
  }
  if (argument != 0) return Corrupt("unknown argument in the tag");
  switch (kind) {
    case IntKind::kVarints: return ReadVarints(in, out);
    case IntKind::kDelta:
      if (allowed.delta) return ReadDelta(in, allowed, out);
      break;
    case IntKind::kScaled:
      if (allowed.scaled) return ReadScaled(in, allowed, out);
      break;
    default: break;
  }
  return Corrupt("unknown kind");
}

}  // namespace

Status DecodeInts(base::ByteReader& in, std::size_t count, std::vector<std::uint64_t>& out) {
  out.resize(count);
  return ReadLevel(in, Wrappers{}, out);
}

namespace {

// For encodings in which a value depends on those before.
Status DecodeAllOfRange(base::ByteReader& in, std::size_t count, StreamRange range,
                        std::vector<std::uint64_t>& out) {
  thread_local std::vector<std::uint64_t> all;
  TS_TRY(DecodeInts(in, count, all));
  std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(range.begin), range.size(), out.begin());
  return {};
}

}  // namespace

Status DecodeIntRange(base::ByteReader& in, std::size_t count, StreamRange range,
                      std::vector<std::uint64_t>& out) {
  if (range.begin > range.end || range.end > count)
    return Corrupt("values past its end are wanted");
  if (count == 0 || (range.begin == 0 && range.end == count)) return DecodeInts(in, count, out);
  base::ByteReader inside = in;
  const std::uint8_t tag = inside.U8();
  if (!inside.ok()) return Corrupt("the tag is missing");
  const auto argument = static_cast<std::uint8_t>(tag >> kKindBits);
  out.resize(range.size());
  Status read;
  switch (static_cast<IntKind>(tag & 7)) {
    case IntKind::kConstant: read = ReadConstant(inside, argument, out); break;
    case IntKind::kPacked: read = ReadPacked(inside, argument, count, range.begin, out); break;
    case IntKind::kBucket: read = ReadBucketRange(inside, argument, count, range.begin, out); break;
    default: return DecodeAllOfRange(in, count, range, out);
  }
  in = inside;
  return read;
}

Status DecodeSignedInts(base::ByteReader& in, std::size_t count, std::vector<std::int64_t>& out) {
  thread_local std::vector<std::uint64_t> zigzag;
  out.clear();
  TS_TRY(DecodeInts(in, count, zigzag));
  out.resize(count);
  for (std::size_t i = 0; i < count; ++i) out[i] = base::UnZigZag(zigzag[i]);
  return {};
}

}  // namespace tracestore::column
