// GrpcQuestion: a call of this process that fails at once. That it has failed is told at the end of
// the queue that all callbacks of gRPC in the process come through, calls of servers among them.
// Private to the gRPC server.
#pragma once
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>

#include <atomic>
#include <memory>
#include <utility>

namespace tracestore::net {

// One thread.
class GrpcQuestion {
 public:
  void Ask(std::shared_ptr<std::atomic<bool>> answered) {
    struct Call {
      grpc::ClientContext context;
      grpc::Slice nothing;
      grpc::ByteBuffer request{&nothing, 1}, response;
    };
    const auto call = std::make_shared<Call>();
    stub_.UnaryCall(&call->context, "/none", grpc::StubOptions(), &call->request, &call->response,
                    [call, answered = std::move(answered)](const grpc::Status&) {
                      *answered = true;
                    });
  }

 private:
  // Without credentials a channel refuses each call.
  grpc::GenericStub stub_{grpc::CreateCustomChannel("none", nullptr, grpc::ChannelArguments())};
};

}  // namespace tracestore::net
