// A gRPC server that gets no memory for a message: the call fails, the process stays. Apart from the
// room's other tests, because the operators new and delete are replaced here.
#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <new>
#include <string>

#include "net/grpc_server.h"
#include "net/grpc_test_client.h"

namespace {
std::atomic<std::size_t> refused_from = std::numeric_limits<std::size_t>::max();
}

// Not inlined: the compiler would take new and free() for a mismatch.
[[gnu::noinline]] void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  return bytes < refused_from ? std::malloc(bytes == 0 ? 1 : bytes) : nullptr;
}
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  void* const got = operator new(bytes, std::nothrow);
  if (got == nullptr) throw std::bad_alloc();
  return got;
}
[[gnu::noinline]] void operator delete(void* at) noexcept { std::free(at); }
[[gnu::noinline]] void operator delete(void* at, std::size_t) noexcept { std::free(at); }

namespace tracestore::net {
namespace {

constexpr char kMethod[] = "/test.Service/One";

// While it lives, no piece of so many bytes is to be had; gRPC's own buffers don't come from new.
class ShortOfMemory {
 public:
  explicit ShortOfMemory(std::size_t from) { refused_from = from; }
  ~ShortOfMemory() { refused_from = std::numeric_limits<std::size_t>::max(); }
  ShortOfMemory(const ShortOfMemory&) = delete;
  ShortOfMemory& operator=(const ShortOfMemory&) = delete;
};

class GrpcMemory : public testing::Test {
 protected:
  void Start(GrpcServerOptions options) {
    auto started = GrpcServer::Start(std::move(options), {{kMethod, [](const RawRequest& request) {
                                       return RawReply::Ok(std::to_string(request.message.size()));
                                     }}});
    ASSERT_TRUE(started.has_value()) << started.error().message();
    server = std::move(started).value();
  }
  std::unique_ptr<GrpcServer> server;
};

TEST_F(GrpcMemory, ACallWithoutMemoryFails) {
  Start({});
  GrpcTestClient client(server->port(), GRPC_COMPRESS_GZIP);
  const std::string large(8'000'000, 'x');
  EXPECT_EQ(client.Call(kMethod, large).bytes, "8000000");
  {
    const ShortOfMemory shortage(1'000'000);
    const grpc::Status status = client.Call(kMethod, large).status;
    EXPECT_EQ(status.error_code(), grpc::StatusCode::INTERNAL);
    EXPECT_EQ(status.error_message(), "internal error: std::bad_alloc");
  }
  EXPECT_EQ(client.Call(kMethod, large).bytes, "8000000");
}

TEST_F(GrpcMemory, AClientsStreamWithoutMemoryFails) {
  GrpcServerOptions options;
  options.client_streams = {kMethod};
  Start(options);
  GrpcTestClient client(server->port(), GRPC_COMPRESS_GZIP);
  const std::string large(8'000'000, 'x');
  {
    const ShortOfMemory shortage(1'000'000);
    GrpcTestStream call(client, kMethod);
    EXPECT_TRUE(call.Write(large));
    EXPECT_EQ(call.Read(), std::nullopt);
    EXPECT_EQ(call.End().error_message(), "internal error: std::bad_alloc");
  }
  GrpcTestStream call(client, kMethod, large);
  EXPECT_EQ(call.Read(), "8000000");
  EXPECT_TRUE(call.End().ok());
}

}  // namespace
}  // namespace tracestore::net
