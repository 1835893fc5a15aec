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
GrpcQuestion::~GrpcQuestion() { asked_.AwaitNone(); }

void GrpcQuestion::Ask(std::shared_ptr<std::atomic<bool>> answered) {
  asked_.Begin();
  auto* const call = new Call;  // back in a unique_ptr in the callback, which always runs
  stub_.UnaryCall(&call->context, "/none", grpc::StubOptions(), &call->request, &call->response,
                  [this, call, answered = std::move(answered)](const grpc::Status&) {
                    std::unique_ptr<Call>(call).reset();
                    *answered = true;
                    asked_.End();
                  });
}

}  // namespace tracestore::net
