// gRPC's own generic client, for tests: any method, bytes in and out.
#pragma once
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace tracestore::net {

class GrpcTestClient {
 public:
  struct Answer {
    grpc::Status status;
    std::string bytes;
  };

  explicit GrpcTestClient(std::uint16_t port,
                          grpc_compression_algorithm packing = GRPC_COMPRESS_NONE) {
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    arguments.SetCompressionAlgorithm(packing);
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments));
  }

  Answer Call(const std::string& method, const std::string& request) {
    grpc::ClientContext context;
    return Call(context, method, request);
  }
  Answer Call(grpc::ClientContext& context, const std::string& method, const std::string& request) {
    context.set_deadline(std::chrono::system_clock::now() + deadline);
    const grpc::Slice slice(request);
    const grpc::ByteBuffer sent(&slice, 1);
    grpc::ByteBuffer received;
    std::promise<grpc::Status> done;
    stub_->UnaryCall(&context, method, grpc::StubOptions(), &sent, &received,
                     [&](grpc::Status status) { done.set_value(std::move(status)); });
    Answer answer;
    answer.status = done.get_future().get();
    std::vector<grpc::Slice> slices;
    if (answer.status.ok() && received.Dump(&slices).ok()) {
      for (const auto& s : slices) {
        answer.bytes.append(reinterpret_cast<const char*>(s.begin()), s.size());
      }
    }
    return answer;
  }
  std::chrono::seconds deadline{20};
  grpc::GenericStub& stub() { return *stub_; }

 private:
  std::unique_ptr<grpc::GenericStub> stub_;
};

// A call whose messages are read one by one.
class GrpcTestStream {
 public:
  GrpcTestStream(GrpcTestClient& client, const std::string& method) {
    context.set_deadline(std::chrono::system_clock::now() + client.deadline);
    call_ = client.stub().PrepareCall(&context, method, &queue_);
    call_->StartCall(nullptr);
    Wait();
  }
  // With one request, and no more.
  GrpcTestStream(GrpcTestClient& client, const std::string& method, const std::string& request)
      : GrpcTestStream(client, method) {
    const grpc::Slice slice(request);
    call_->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
    Wait();
  }
  ~GrpcTestStream() {
    context.TryCancel();
    queue_.Shutdown();
    void* tag = nullptr;
    bool ok = false;
    while (queue_.Next(&tag, &ok)) continue;
  }

  bool Write(const std::string& request) {
    const grpc::Slice slice(request);
    call_->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    return Wait();
  }
  void EndWriting() {
    call_->WritesDone(nullptr);
    Wait();
  }
  // nullopt: there are no more.
  std::optional<std::string> Read() {
    grpc::ByteBuffer message;
    call_->Read(&message, nullptr);
    if (!Wait()) return std::nullopt;
    std::vector<grpc::Slice> slices;
    std::string bytes;
    if (!message.Dump(&slices).ok()) return bytes;
    for (const auto& s : slices) bytes.append(reinterpret_cast<const char*>(s.begin()), s.size());
    return bytes;
  }
  // What is left, then how it ended.
  std::vector<std::string> ReadAll() {
    std::vector<std::string> all;
    while (auto message = Read()) all.push_back(std::move(*message));
    return all;
  }
  grpc::Status End() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Wait();
    return status;
  }
  grpc::ClientContext context;

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

}  // namespace tracestore::net
