// A question that is let go of before it was answered.
#include "net/grpc_question.h"

#include <gtest/gtest.h>

namespace tracestore::net {
namespace {

// Each is the only user of gRPC's queue of callbacks, which ends with it: the sanitizer sees the
// queue freed twice where gRPC's own thread lets go of the channel last.
TEST(GrpcQuestion, IsAnsweredBeforeItsChannelEnds) {
  for (int round = 0; round < 500; ++round) {
    const auto first = std::make_shared<std::atomic<bool>>(false);
    const auto second = std::make_shared<std::atomic<bool>>(false);
    {
      GrpcQuestion question;
      question.Ask(first);
      question.Ask(second);
    }
    ASSERT_TRUE(*first && *second) << "round " << round;
  }
}

}  // namespace
}  // namespace tracestore::net
