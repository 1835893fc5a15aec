#include "net/grpc_calls.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace tracestore::net {
namespace {

constexpr std::chrono::milliseconds kRetryAfter{1'000};

// gRPC counts a stream that was reset as ended before the call is done away with: some calls more
// than streams are honest, many times as many are not, nor are thousands.
constexpr std::size_t kCallsAStream = 4, kEndedCalls = 1024;
// Where a connection may have thousands of streams: before messages have come of them.
constexpr std::size_t kFirstCalls = 512;

// Where clients stream, one may begin as many streams at once as there may be.
std::size_t MostSilent(const GrpcServerOptions& options) {
  return options.client_streams.empty()
             ? options.max_silent_calls
             : std::max(options.max_silent_calls, options.max_client_streams);
}

GrpcConnectionLimits LimitsOf(const GrpcServerOptions& options) {
  GrpcConnectionLimits limits;
  limits.connections = options.max_connections;
  const auto streams = static_cast<std::size_t>(options.max_streams_per_connection);
  limits.calls = std::min(kCallsAStream * streams, streams + kEndedCalls);
  limits.first_calls = kFirstCalls;
  limits.all_calls = MostSilent(options) + options.max_client_streams +
                     options.max_calls_in_flight + 2 * kEndedCalls;
  limits.message_bytes = options.max_message_bytes;
  limits.waiting_bytes = options.max_bytes_in_flight;
  limits.all_waiting_bytes = 2 * options.max_bytes_in_flight;
  return limits;
}

}  // namespace

GrpcCalls::GrpcCalls(GrpcServerOptions o, RawGrpcServices m)
    : options(std::move(o)),
      methods(std::move(m)),
      connections(LimitsOf(options), options.on_connection_closed,
                  [this](std::shared_ptr<std::atomic<bool>> answered) {
                    question.Ask(std::move(answered));
                  }),
      peers(options.peer_timeout),
      silent(peers, MostSilent(options)),
      pool(options.worker_threads) {}

grpc::Status GrpcCalls::Busy(std::string_view cause, const char* why) const {
  Tell(cause);
  return ToStatus(RawReply::Retry(GrpcCode::kResourceExhausted, why, kRetryAfter));
}

grpc::Status GrpcCalls::CheckLength(const grpc::ByteBuffer& message) const {
  const std::size_t length = message.Length();
  if (length <= options.max_message_bytes) return grpc::Status::OK;
  Tell("too-long");
  return {grpc::StatusCode::RESOURCE_EXHAUSTED,
          "SERVER: Received message larger than max (" + std::to_string(length) + " vs. " +
              std::to_string(options.max_message_bytes) + ")"};
}

RawReply GrpcCalls::Unpack(const grpc::ByteBuffer& message, Unpacked& into) const {
  RawReply taken = into.Take(message, options.max_message_bytes);
  if (taken.code == GrpcCode::kResourceExhausted) Tell("too-long");
  if (taken.code == GrpcCode::kInvalidArgument) Tell("broken");
  if (taken.code == GrpcCode::kUnimplemented) Tell("unsupported");
  return taken;
}

grpc::Status StoppingStatus() { return {grpc::StatusCode::UNAVAILABLE, "the server is stopping"}; }

RawReply ThrownReply(const std::exception& error) {
  return RawReply::Fail(GrpcCode::kInternal, std::string("internal error: ") + error.what());
}

RawReply Unpacked::Take(const grpc::ByteBuffer& buffer, std::size_t max_bytes) {
  sent_.emplace(buffer);
  message = sent_->view();
  const auto coding = CodingOf(buffer);
  if (!coding) return RawReply::Fail(GrpcCode::kUnimplemented, "unknown message compression");
  if (*coding == Coding::kIdentity) return {};
  unpacked_ = Decompress(*coding, sent_->view(), max_bytes);
  if (unpacked_.outcome == Decompressed::Outcome::kTooLarge)
    return RawReply::Fail(GrpcCode::kResourceExhausted, unpacked_.message);
  if (unpacked_.outcome == Decompressed::Outcome::kCorrupt)
    return RawReply::Fail(GrpcCode::kInvalidArgument, unpacked_.message);
  message = unpacked_.bytes;
  return {};
}

RawReply CallHandler(const RawHandler& handler, std::string_view message, std::string_view peer,
                     grpc::GenericCallbackServerContext& context, std::stop_token stop) {
  RawRequest request;
  request.message = message;
  request.method = context.method();
  request.peer = peer;
  request.stop = std::move(stop);
  request.metadata = [&context](std::string_view key) -> std::optional<std::string_view> {
    const auto& all = context.client_metadata();
    const auto at = all.find(grpc::string_ref(key.data(), key.size()));
    if (at == all.end()) return std::nullopt;
    return std::string_view(at->second.data(), at->second.size());
  };
  request.metadata_count = [&context](std::string_view key) {
    return context.client_metadata().count(grpc::string_ref(key.data(), key.size()));
  };
  try {
    return handler(request);
  } catch (const std::exception& error) {
    return ThrownReply(error);
  }
}

}  // namespace tracestore::net
