// gRPC 1.51 frees its queue of callbacks twice, once in some hundred times, where the last of a
// process's servers and clients ends while the machine is busy (docs/roadmap.md). Services end them
// once; this program makes hundreds, and so keeps one to its end.
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <utility>

#include "net/grpc_client.h"

namespace tracestore::net {
namespace {

class KeptClient final : public testing::Environment {
 public:
  void SetUp() override {
    GrpcClientOptions options;
    options.port = 1;  // nobody's
    options.reconnect_after = std::chrono::hours(1);
    options.reconnect_at_most = std::chrono::hours(1);
    auto made = GrpcClient::Make(options);
    ASSERT_TRUE(made.has_value());
    client_ = std::move(made).value();
    // The queue is taken with the first call.
    EXPECT_EQ(client_->Call("/test.Service/None", "", {}).code, GrpcCode::kUnavailable);
  }
  void TearDown() override { client_.reset(); }

 private:
  std::unique_ptr<GrpcClient> client_;
};

const testing::Environment* const kKept = testing::AddGlobalTestEnvironment(new KeptClient);

}  // namespace
}  // namespace tracestore::net
