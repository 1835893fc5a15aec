#include "net/grpc_question.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include <utility>

namespace tracestore::net {

struct GrpcQuestion::Call {
  grpc::ClientContext context;  // has a share of the channel
  grpc::Slice nothing;
  grpc::ByteBuffer request{&nothing, 1}, response;
};

// Without credentials a channel refuses each call.
GrpcQuestion::GrpcQuestion()
    : stub_(grpc::CreateCustomChannel("none", nullptr, grpc::ChannelArguments())) {}

// The channel ends here and not with a call: it may be the last user of gRPC's queue, which then
// ends too and waits for the threads that run callbacks. On one of these it would wait for itself,
// go on, and free the queue under it.
GrpcQuestion::~GrpcQuestion() {
  std::unique_lock lock(mutex_);
  none_left_.wait(lock, [this] { return asked_ == 0; });
}

void GrpcQuestion::Ask(std::shared_ptr<std::atomic<bool>> answered) {
  {
    const std::lock_guard lock(mutex_);
    ++asked_;
  }
  auto* const call = new Call;  // back in a unique_ptr in the callback, which always runs
  stub_.UnaryCall(&call->context, "/none", grpc::StubOptions(), &call->request, &call->response,
                  [this, call, answered = std::move(answered)](const grpc::Status&) {
                    std::unique_ptr<Call>(call).reset();
                    *answered = true;
                    Ended();
                  });
}

void GrpcQuestion::Ended() {
  // Under the lock: the destructor may destroy the condition as soon as the count is 0.
  const std::lock_guard lock(mutex_);
  if (--asked_ == 0) none_left_.notify_all();
}

}  // namespace tracestore::net
