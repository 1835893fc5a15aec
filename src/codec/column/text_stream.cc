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
  out.clear();
  thread_local std::vector<std::uint64_t> lengths;
  if (Status status = DecodeInts(in, count, lengths); !status) {
    return std::move(status.error()).WithContext("text lengths");
  }
  std::uint64_t total = 0;
  for (const std::uint64_t length : lengths) {
    if (length > max_total_bytes - total) return Corrupt("more bytes than allowed");
    total += length;
  }
  std::string_view bytes;
  if (total > 0) {
    TS_TRY_ASSIGN(bytes, ReadFrame(in, static_cast<std::size_t>(total), arena));
    if (bytes.size() != total) return Corrupt("the lengths don't add up to the bytes");
  }
  out.resize(count);
  const char* at = bytes.data();
  for (std::size_t i = 0; i < count; ++i) {
    const auto length = static_cast<std::size_t>(lengths[i]);
    out[i] = length ? std::string_view(at, length) : std::string_view();
    at += length;
  }
  return {};
}

}  // namespace tracestore::column
