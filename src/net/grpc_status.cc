// The two google.rpc messages that the server sends, by hand: a dozen bytes of protobuf are no
// reason for generated code.
//   Status    { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
//   Any       { string type_url = 1; bytes value = 2; }
//   RetryInfo { google.protobuf.Duration retry_delay = 1; }
//   Duration  { int64 seconds = 1; int32 nanos = 2; }
#include <algorithm>
#include <utility>

#include "net/grpc_server.h"

namespace tracestore::net {
namespace {

void AppendVarint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>((value & 0x7F) | 0x80);
  out += static_cast<char>(value);
}

void AppendNumber(std::string& out, unsigned field, std::uint64_t value) {
  if (value == 0) return;
  AppendVarint(out, field << 3);
  AppendVarint(out, value);
}

void AppendBytes(std::string& out, unsigned field, std::string_view value) {
  AppendVarint(out, field << 3 | 2);
  AppendVarint(out, value.size());
  out += value;
}

}  // namespace

std::string EncodeRetryStatus(GrpcCode code, std::string_view message,
                              std::chrono::milliseconds after) {
  const auto delay = static_cast<std::uint64_t>(std::max<std::int64_t>(after.count(), 0));
  std::string duration;
  AppendNumber(duration, 1, delay / 1000);
  AppendNumber(duration, 2, delay % 1000 * 1'000'000);
  std::string retry_info;
  AppendBytes(retry_info, 1, duration);
  std::string any;
  AppendBytes(any, 1, "type.googleapis.com/google.rpc.RetryInfo");
  AppendBytes(any, 2, retry_info);
  std::string status;
  AppendNumber(status, 1, static_cast<std::uint64_t>(code));
  AppendBytes(status, 2, message);
  AppendBytes(status, 3, any);
  return status;
}

RawReply RawReply::Ok(std::string bytes) {
  RawReply reply;
  reply.bytes = std::move(bytes);
  return reply;
}

RawReply RawReply::Fail(GrpcCode code, std::string message) {
  RawReply reply;
  reply.code = code;
  reply.message = std::move(message);
  return reply;
}

RawReply RawReply::Retry(GrpcCode code, std::string message, std::chrono::milliseconds after) {
  RawReply reply = Fail(code, std::move(message));
  reply.details = EncodeRetryStatus(code, reply.message, after);
  return reply;
}

}  // namespace tracestore::net
