// The two google.rpc messages that servers send with a status, by hand: a dozen bytes of protobuf
// are no reason for generated code.
//   Status    { int32 code = 1; string message = 2; repeated google.protobuf.Any details = 3; }
//   Any       { string type_url = 1; bytes value = 2; }
//   RetryInfo { google.protobuf.Duration retry_delay = 1; }
//   Duration  { int64 seconds = 1; int32 nanos = 2; }
#include <algorithm>
#include <cstdint>
#include <utility>

#include "net/grpc_reply.h"

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

// The fields of one message, in order. A broken one ends the walk.
class FieldWalk {
 public:
  explicit FieldWalk(std::string_view message) : left_(message) {}

  // False at the end, and where the bytes are broken. Fields of fixed width are stepped over.
  bool Next() {
    std::uint64_t key = 0;
    if (left_.empty() || !Varint(key)) return false;
    field = key >> 3;
    number = 0;
    bytes = {};
    std::uint64_t size = 0;
    switch (key & 7) {
      case 0: return Varint(number);
      case 1: size = 8; break;
      case 2:
        if (!Varint(size)) return false;
        break;
      case 5: size = 4; break;
      default: return false;
    }
    if (size > left_.size()) return false;
    if ((key & 7) == 2) bytes = left_.substr(0, size);
    left_.remove_prefix(size);
    return true;
  }

  std::uint64_t field = 0;
  std::uint64_t number = 0;  // of a varint
  std::string_view bytes;    // of a length-delimited field

 private:
  bool Varint(std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !left_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(left_.front());
      left_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  }

  std::string_view left_;
};

// The bytes of the first field of that number; nullopt if there is none.
std::optional<std::string_view> FieldBytes(std::string_view message, std::uint64_t field) {
  for (FieldWalk walk(message); walk.Next();) {
    if (walk.field == field) return walk.bytes;
  }
  return std::nullopt;
}

std::chrono::milliseconds DelayOf(std::string_view duration) {
  constexpr std::uint64_t kDaySeconds = 86'400;
  std::uint64_t seconds = 0;
  std::uint64_t nanos = 0;
  for (FieldWalk walk(duration); walk.Next();) {
    if (walk.field == 1) seconds = walk.number;
    if (walk.field == 2) nanos = walk.number;
  }
  if (seconds > kDaySeconds << 32) seconds = 0;  // negative: the sender's mistake, "at once"
  seconds = std::min(seconds, kDaySeconds);
  nanos = nanos < 1'000'000'000 ? nanos : 0;
  return std::chrono::milliseconds(static_cast<std::int64_t>(seconds * 1000 + nanos / 1'000'000));
}

ErrorCode ErrorCodeOf(GrpcCode code) {
  switch (code) {
    case GrpcCode::kInvalidArgument:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kFailedPrecondition:
    case GrpcCode::kAlreadyExists:
    case GrpcCode::kPermissionDenied:
    case GrpcCode::kUnauthenticated: return ErrorCode::kInvalidArgument;
    case GrpcCode::kNotFound: return ErrorCode::kNotFound;
    case GrpcCode::kResourceExhausted: return ErrorCode::kBusy;
    case GrpcCode::kUnimplemented: return ErrorCode::kUnsupported;
    case GrpcCode::kCancelled:
    case GrpcCode::kDeadlineExceeded: return ErrorCode::kCancelled;
    case GrpcCode::kDataLoss: return ErrorCode::kCorruption;
    default: return ErrorCode::kIo;
  }
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

RawReply RawReply::Stream(RawStream stream) {
  RawReply reply;
  reply.stream = std::move(stream);
  return reply;
}

RawReply RawReply::Again(std::string bytes) {
  RawReply reply = Ok(std::move(bytes));
  reply.again = true;
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

std::optional<std::chrono::milliseconds> RetryAfter(std::string_view details) {
  constexpr std::string_view kRetryInfo = "type.googleapis.com/google.rpc.RetryInfo";
  for (FieldWalk status(details); status.Next();) {
    if (status.field != 3 || FieldBytes(status.bytes, 1) != kRetryInfo) continue;
    const auto info = FieldBytes(status.bytes, 2).value_or(std::string_view());
    return DelayOf(FieldBytes(info, 1).value_or(std::string_view()));
  }
  return std::nullopt;
}

std::string GrpcCodeName(GrpcCode code) {
  static constexpr const char* kNames[] = {"OK",
                                           "CANCELLED",
                                           "UNKNOWN",
                                           "INVALID_ARGUMENT",
                                           "DEADLINE_EXCEEDED",
                                           "NOT_FOUND",
                                           "ALREADY_EXISTS",
                                           "PERMISSION_DENIED",
                                           "RESOURCE_EXHAUSTED",
                                           "FAILED_PRECONDITION",
                                           "ABORTED",
                                           "OUT_OF_RANGE",
                                           "UNIMPLEMENTED",
                                           "INTERNAL",
                                           "UNAVAILABLE",
                                           "DATA_LOSS",
                                           "UNAUTHENTICATED"};
  const auto number = static_cast<int>(code);
  if (number < 0 || number > 16) return "CODE_" + std::to_string(number);
  return kNames[number];
}

Result<std::string> BytesOf(RawReply reply) {
  if (reply.code == GrpcCode::kOk) return std::move(reply.bytes);
  return Error{ErrorCodeOf(reply.code), GrpcCodeName(reply.code) + ": " + reply.message};
}

}  // namespace tracestore::net
