// What is done about a question that gRPC doesn't get round to, and when.
#include "net/grpc_backlog.h"

#include <gtest/gtest.h>

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;
using Step = GrpcBacklog::Step;

class GrpcBacklogTest : public testing::Test {
 protected:
  // Both clocks go on by so much.
  Step After(std::chrono::milliseconds time) { return After(time, time); }
  Step After(std::chrono::milliseconds wall, std::chrono::milliseconds cpu) {
    now_.wall += wall;
    now_.cpu += cpu;
    return backlog_.Next(now_);
  }
  void Answer() { *backlog_.answered() = true; }

  GrpcBacklog backlog_;
  GrpcBacklog::Now now_;
};

TEST_F(GrpcBacklogTest, WhoDoesNothingIsNotAsked) {
  EXPECT_EQ(After(1h, 19ms), Step::kNothing);
  EXPECT_EQ(After(1h, 1ms), Step::kAsk);
  Answer();
  EXPECT_EQ(After(5ms), Step::kNothing);
  EXPECT_EQ(After(19ms), Step::kNothing);
  EXPECT_EQ(After(1ms), Step::kAsk);
}

TEST_F(GrpcBacklogTest, ALateAnswerHasItsSteps) {
  ASSERT_EQ(After(20ms), Step::kAsk);
  EXPECT_EQ(After(9ms), Step::kNothing);
  EXPECT_EQ(After(1ms), Step::kMark);
  EXPECT_EQ(After(39ms), Step::kNothing);
  EXPECT_EQ(After(1ms), Step::kPause);
  EXPECT_EQ(After(99ms), Step::kNothing);
  EXPECT_EQ(After(1ms), Step::kClose);
  EXPECT_EQ(After(9ms), Step::kNothing);  // then others may be read
  EXPECT_EQ(After(1ms), Step::kMark);
  Answer();
  EXPECT_EQ(After(1ms), Step::kResume);
  EXPECT_EQ(After(20ms), Step::kAsk);
}

TEST_F(GrpcBacklogTest, NothingWasPausedNothingGoesOn) {
  ASSERT_EQ(After(20ms), Step::kAsk);
  ASSERT_EQ(After(49ms), Step::kMark);
  Answer();
  EXPECT_EQ(After(1h), Step::kNothing);
}

TEST_F(GrpcBacklogTest, BothClocksCount) {
  ASSERT_EQ(After(20ms), Step::kAsk);
  EXPECT_EQ(After(1h, 9ms), Step::kNothing);  // it got no CPU
  ASSERT_EQ(After(1ms), Step::kMark);
  Answer();
  ASSERT_EQ(After(1ms), Step::kNothing);
  ASSERT_EQ(After(20ms), Step::kAsk);
  EXPECT_EQ(After(9ms, 1h), Step::kNothing);  // many cores
}

}  // namespace
}  // namespace tracestore::net
