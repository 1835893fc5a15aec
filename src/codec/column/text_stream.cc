#include "codec/column/text_stream.h"

#include <cstdint>

#include "base/try.h"
#include "codec/column/frame.h"
#include "codec/column/int_stream.h"

namespace tracestore::column {
namespace {

constexpr std::size_t kKeepScratchBytes = std::size_t{1} << 20;

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("text stream: ") + what};
}

}  // namespace

void EncodeTexts(std::span<const std::string_view> texts, std::string& out) {
  thread_local std::vector<std::uint64_t> lengths;
  thread_local std::string bytes;
  lengths.clear();
  bytes.clear();
  for (const std::string_view text : texts) {
    lengths.push_back(text.size());
    bytes.append(text);
  }
  EncodeInts(lengths, out);
  if (!bytes.empty()) AppendFrame(bytes, out);
  if (bytes.capacity() > kKeepScratchBytes) std::string().swap(bytes);
}

Status DecodeTexts(base::ByteReader& in, std::size_t count, std::size_t max_total_bytes,
                   std::string& arena, std::vector<std::string_view>& out) {
  return DecodeTextRange(in, count, {0, count}, max_total_bytes, arena, out);
}

Status DecodeTextRange(base::ByteReader& in, std::size_t count, StreamRange range,
                       std::size_t max_total_bytes, std::string& arena,
                       std::vector<std::string_view>& out) {
  out.clear();
  if (range.begin > range.end || range.end > count) return Corrupt("texts past its end are wanted");
  thread_local std::vector<std::uint64_t> lengths;
  if (Status status = DecodeInts(in, count, lengths); !status) {
    return std::move(status.error()).WithContext("text lengths");
  }
  std::uint64_t total = 0;
  std::uint64_t before = 0;  // of the range
  for (std::size_t i = 0; i < count; ++i) {
    if (i == range.begin) before = total;
    if (lengths[i] > max_total_bytes - total) return Corrupt("more bytes than allowed");
    total += lengths[i];
  }
  std::string_view bytes;
  if (total > 0) {
    TS_TRY_ASSIGN(bytes, ReadFrame(in, static_cast<std::size_t>(total), arena));
    if (bytes.size() != total) return Corrupt("the lengths don't add up to the bytes");
  }
  out.resize(range.size());
  const char* at = bytes.data() + before;
  for (std::size_t i = 0; i < range.size(); ++i) {
    const auto length = static_cast<std::size_t>(lengths[range.begin + i]);
    out[i] = length ? std::string_view(at, length) : std::string_view();
    at += length;
  }
  return {};
}

}  // namespace tracestore::column
