// How a gRPC call ends, as plain values: what a handler answers and what a client gets.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::net {

// gRPC's status codes, by their numbers on the wire.
enum class GrpcCode : int {
  kOk = 0,
  kCancelled = 1,
  kUnknown = 2,
  kInvalidArgument = 3,
  kDeadlineExceeded = 4,
  kNotFound = 5,
  kAlreadyExists = 6,
  kPermissionDenied = 7,
  kResourceExhausted = 8,
  kFailedPrecondition = 9,
  kAborted = 10,
  kOutOfRange = 11,
  kUnimplemented = 12,
  kInternal = 13,
  kUnavailable = 14,
  kDataLoss = 15,
  kUnauthenticated = 16,
};

// "RESOURCE_EXHAUSTED"; "CODE_42" for a number that gRPC doesn't have.
std::string GrpcCodeName(GrpcCode code);

struct RawReply;

// A server's stream. Puts the next message's protobuf bytes into `message` (empty on entry) and
// gives nullopt; or gives how the call ends, of which code, message and details count.
using RawStream = std::function<std::optional<RawReply>(std::string& message)>;

struct RawReply {
  GrpcCode code = GrpcCode::kOk;
  std::string message;  // the status message
  std::string bytes;    // the response's protobuf bytes, sent if code is kOk
  std::string details;  // a serialized google.rpc.Status for grpc-status-details-bin, or ""
  // If set and code is kOk, the response's messages come from here and `bytes` is not sent. Servers
  // only. Called on worker threads, one call at a time, and only when the message before has been
  // written as far as the client takes it; an exception ends the call as kInternal. It is let go
  // when the call ends, in whatever way. RawRequest::stop tells of an end while a message is made.
  RawStream stream = {};
  // If true and code is kOk, `bytes` are not the last message of the call: the client's next
  // message goes to the handler in the same way, and the call ends well when it has no more.
  // Servers only.
  bool again = false;
  // Kept until the call ends, where `bytes` are its last message. Servers only.
  std::shared_ptr<const void> held = {};

  static RawReply Ok(std::string bytes);
  static RawReply Stream(RawStream stream);
  static RawReply Again(std::string bytes);
  static RawReply Fail(GrpcCode code, std::string message);
  // With google.rpc.RetryInfo in the details: what tells OTLP clients that a full queue is
  // worth another try (without it they must drop on kResourceExhausted). `after` is not negative.
  static RawReply Retry(GrpcCode code, std::string message, std::chrono::milliseconds after);
};

// The bytes of a reply that is OK; else an Error "RESOURCE_EXHAUSTED: queue full" of the code that
// comes nearest: kBusy (RESOURCE_EXHAUSTED), kIo (UNAVAILABLE and what else may pass),
// kInvalidArgument, kNotFound, kUnsupported, kCancelled (also DEADLINE_EXCEEDED), kCorruption.
Result<std::string> BytesOf(RawReply reply);

// A serialized google.rpc.Status with one google.rpc.RetryInfo in its details.
std::string EncodeRetryStatus(GrpcCode code, std::string_view message,
                              std::chrono::milliseconds after);

// The delay of the first RetryInfo in a serialized google.rpc.Status, at most a day; nullopt if
// there is none, or the bytes are broken.
std::optional<std::chrono::milliseconds> RetryAfter(std::string_view details);

}  // namespace tracestore::net
