#include "ingest/forward/forwarder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <latch>
#include <map>
#include <set>

namespace tracestore::ingest {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

model::SpanBatch BatchOf(std::uint64_t first_id, std::size_t spans, std::string_view text = "") {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "shop");
  model::ResourceRecord resource;
  resource.attributes = {0, 1};
  batch.resources.push_back(resource);
  batch.scopes.emplace_back();
  for (std::size_t i = 0; i < spans; ++i) {
    const auto begin = static_cast<std::uint32_t>(batch.attributes.size());
    batch.AddString(batch.strings.Intern("text"), text);
    model::SpanRecord span;
    span.trace_id = TraceId{1, 1};
    span.span_id = SpanId{first_id + i};
    span.name = batch.strings.Intern("buy");
    span.attributes = {begin, 1};
    batch.spans.push_back(span);
  }
  return batch;
}

// A collector in this process's memory, which answers as it is told.
class FakeCollector {
 public:
  SendResult Take(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                  const SendContext& context) {
    const std::lock_guard lock(mutex_);
    ++messages_;
    if (answer) {
      if (auto refused = answer(rows.size()); refused.outcome != SendOutcome::kDelivered)
        return refused;
    }
    for (const std::uint32_t row : rows) ++spans_[SpanNumber(batch.spans[row].span_id)];
    tenants_.emplace(context.tenant);
    return {};
  }
  static std::uint64_t SpanNumber(SpanId id) { return id.value; }

  std::function<SendResult(std::size_t rows)> answer;  // set before the forwarder starts

  std::map<std::uint64_t, int> spans() const {
    const std::lock_guard lock(mutex_);
    return spans_;
  }
  std::size_t messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  std::set<std::string> tenants() const {
    const std::lock_guard lock(mutex_);
    return tenants_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, int> spans_;  // how often each came
  std::set<std::string> tenants_;
  std::size_t messages_ = 0;
};

class FakeTarget final : public ForwardTarget {
 public:
  FakeTarget(FakeCollector& collector, std::string name)
      : collector_(collector), name_(std::move(name)) {}
  SendResult Send(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                  const SendContext& context) override {
    return collector_.Take(batch, rows, context);
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  FakeCollector& collector_;
  const std::string name_;
};

std::unique_ptr<CollectorPool> PoolOf(std::vector<FakeCollector*> collectors) {
  std::vector<std::unique_ptr<ForwardTarget>> targets;
  for (FakeCollector* each : collectors)
    targets.push_back(
        std::make_unique<FakeTarget>(*each, "collector-" + std::to_string(targets.size())));
  return std::make_unique<CollectorPool>(std::move(targets),
                                         BackoffOptions{milliseconds(1), milliseconds(5)}, 1);
}

ForwardOptions Quick() {
  ForwardOptions options;
  options.batch_wait = milliseconds(5);
  options.accept_timeout = milliseconds(50);
  return options;
}

SpanContext Udp(std::string_view tenant = "") {
  return {{transport::kUdp, format::kJaegerThrift, tenant}};
}
SpanContext Grpc() { return {{transport::kGrpc, format::kOtlpProto, ""}}; }

struct Events {
  ForwardObserver observer() {
    return [this](const ForwardEvent& event) {
      const std::lock_guard lock(mutex);
      spans[event.kind] += event.spans;
      if (!event.message.empty()) last = event.message;
    };
  }
  std::mutex mutex;
  std::map<ForwardEvent::Kind, std::uint64_t> spans;
  std::string last;
};
using Kind = ForwardEvent::Kind;

TEST(Forwarder, MergesSmallBatchesAndSplitsTenants) {
  FakeCollector collector;
  Events events;
  ForwardOptions options = Quick();
  options.batch_spans = 50;
  options.batch_wait = milliseconds(60'000);  // only the number counts
  options.senders = 1;
  const auto forwarder =
      Forwarder::Start(options, MakeMemoryQueue(1 << 20), PoolOf({&collector}), events.observer());
  for (std::uint64_t i = 0; i < 100; ++i)
    ASSERT_TRUE(forwarder->Accept(BatchOf(i + 1, 1), Udp()).has_value());
  forwarder->Stop(milliseconds(60'000));
  EXPECT_EQ(collector.spans().size(), 100U);
  EXPECT_EQ(collector.messages(), 2U);
  EXPECT_EQ(events.spans[Kind::kDelivered], 100U);
  EXPECT_EQ(forwarder->queue().batches, 0U);
  EXPECT_EQ(forwarder->queue().bytes, 0U);

  const auto tenants = Forwarder::Start(Quick(), MakeMemoryQueue(1 << 20), PoolOf({&collector}));
  for (std::uint64_t i = 0; i < 20; ++i)
    ASSERT_TRUE(tenants->Accept(BatchOf(i + 1, 1), Udp(i % 2 == 0 ? "a" : "b")).has_value());
  tenants->Stop(milliseconds(60'000));
  EXPECT_THAT(collector.tenants(), testing::ElementsAre("", "a", "b"));
}

TEST(Forwarder, TriesAgainUntilACollectorIsBack) {
  FakeCollector away;
  FakeCollector back;
  away.answer = [](std::size_t) {
    return SendResult{SendOutcome::kRetry, "UNAVAILABLE", 0, std::nullopt};
  };
  std::atomic<int> refusals{7};
  back.answer = [&refusals](std::size_t) {
    if (refusals-- > 0) return SendResult{SendOutcome::kRetry, "full", 0, milliseconds(2)};
    return SendResult{};
  };
  Events events;
  const auto forwarder = Forwarder::Start(Quick(), MakeMemoryQueue(1 << 20), PoolOf({&away, &back}),
                                          events.observer());
  for (std::uint64_t i = 0; i < 30; ++i)
    ASSERT_TRUE(forwarder->Accept(BatchOf(i * 10 + 1, 10), Udp()).has_value());
  forwarder->Stop(milliseconds(60'000));
  EXPECT_EQ(back.spans().size(), 300U);
  for (const auto& [id, times] : back.spans()) EXPECT_EQ(times, 1) << id;
  EXPECT_GT(events.spans[Kind::kFailed], 0U);
  EXPECT_EQ(events.spans[Kind::kRejected], 0U);
}

TEST(Forwarder, SplitsWhatIsTooLargeAndGivesUpWhatNobodyCanRead) {
  FakeCollector collector;
  collector.answer = [](std::size_t rows) {
    if (rows > 3) return SendResult{SendOutcome::kTooLarge, "larger than max", 0, std::nullopt};
    if (rows == 1) return SendResult{SendOutcome::kRejected, "bad span", 0, std::nullopt};
    return SendResult{};
  };
  Events events;
  const auto forwarder =
      Forwarder::Start(Quick(), MakeMemoryQueue(1 << 20), PoolOf({&collector}), events.observer());
  ASSERT_TRUE(forwarder->Accept(BatchOf(1, 9), Udp()).has_value());  // 4 + 5 = 2+2 + 2+3
  ASSERT_TRUE(forwarder->Accept(BatchOf(100, 1), Grpc()).has_value());
  forwarder->Stop(milliseconds(60'000));
  EXPECT_EQ(collector.spans().size(), 9U);
  EXPECT_EQ(events.spans[Kind::kRejected], 1U);
  EXPECT_THAT(events.last, HasSubstr("bad span"));
}

TEST(Forwarder, InMemoryAnAcknowledgementIsTheCollectors) {
  FakeCollector collector;
  std::atomic<bool> away{true};
  collector.answer = [&away](std::size_t) {
    return away ? SendResult{SendOutcome::kRetry, "UNAVAILABLE: refused", 0, std::nullopt}
                : SendResult{};
  };
  Events events;
  const auto forwarder =
      Forwarder::Start(Quick(), MakeMemoryQueue(1 << 20), PoolOf({&collector}), events.observer());
  const Status refused = forwarder->Accept(BatchOf(1, 5), Grpc());
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(refused.error().message(),
            "no collector took the spans in 50 ms: collector-0: UNAVAILABLE: refused");
  EXPECT_TRUE(collector.spans().empty());
  away = false;
  EXPECT_TRUE(forwarder->Accept(BatchOf(1, 5), Grpc()).has_value());
  EXPECT_EQ(collector.spans().size(), 5U);
  EXPECT_EQ(forwarder->queue().batches, 0U);  // never went through it
}

TEST(Forwarder, AFullQueueRefusesAndMemoryStaysBounded) {
  FakeCollector collector;
  collector.answer = [](std::size_t) {
    return SendResult{SendOutcome::kRetry, "away", 0, std::nullopt};
  };
  Events events;
  constexpr std::uint64_t kMost = 100'000;
  const auto forwarder =
      Forwarder::Start(Quick(), MakeMemoryQueue(kMost), PoolOf({&collector}), events.observer());
  std::uint64_t kept = 0;
  Status last;
  for (std::uint64_t i = 0; (last = forwarder->Accept(BatchOf(i + 1, 1), Udp())).has_value(); ++i)
    ++kept;
  EXPECT_EQ(last.error().code(), ErrorCode::kBusy);
  EXPECT_THAT(last.error().message(), HasSubstr("the queue to the collectors is full"));
  EXPECT_LE(forwarder->queue().bytes, kMost);
  EXPECT_EQ(forwarder->queue().batches, kept);
  forwarder->Stop(milliseconds(0));
  EXPECT_EQ(events.spans[Kind::kUnsent], kept);  // counted, not silently gone
  EXPECT_EQ(forwarder->Accept(BatchOf(1, 1), Udp()).error().message(), "the service is stopping");
}

class DiskForwarderTest : public testing::Test {
 protected:
  void SetUp() override {
    directory_ = std::filesystem::temp_directory_path() /
                 ("forwarder_test_" + std::to_string(getpid()) + "_" +
                  testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(directory_);
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }
  std::unique_ptr<ForwardQueue> OpenQueue() const {
    auto queue = OpenDiskQueue(directory_.string(), 64 << 20, false);
    EXPECT_TRUE(queue.has_value()) << queue.error().message();
    return queue.has_value() ? std::move(*queue) : nullptr;
  }
  std::filesystem::path directory_;
};

TEST_F(DiskForwarderTest, WhatIsLeftAtTheEndIsSentByTheNextOne) {
  FakeCollector away;
  away.answer = [](std::size_t) {
    return SendResult{SendOutcome::kRetry, "away", 0, std::nullopt};
  };
  Events events;
  {
    const auto forwarder =
        Forwarder::Start(Quick(), OpenQueue(), PoolOf({&away}), events.observer());
    for (std::uint64_t i = 0; i < 50; ++i)
      ASSERT_TRUE(forwarder->Accept(BatchOf(i * 4 + 1, 4), Grpc()).has_value());
  }
  EXPECT_EQ(events.spans[Kind::kUnsent], 0U);
  FakeCollector collector;
  const auto forwarder = Forwarder::Start(Quick(), OpenQueue(), PoolOf({&collector}));
  forwarder->Stop(milliseconds(60'000));
  EXPECT_EQ(collector.spans().size(), 200U);
  for (const auto& [id, times] : collector.spans()) EXPECT_EQ(times, 1) << id;
}

TEST_F(DiskForwarderTest, ABatchBeyondARecordGoesInParts) {
  FakeCollector collector;
  const auto forwarder = Forwarder::Start(Quick(), OpenQueue(), PoolOf({&collector}));
  const std::string text(100'000, 'x');
  model::SpanBatch large = BatchOf(1, 400, text);
  for (std::uint32_t i = 0; i < 400; ++i)  // texts that aren't shared: 40 MB
    large.attributes[i + 1].bits = large.strings.Intern(text + std::to_string(i));
  ASSERT_TRUE(forwarder->Accept(std::move(large), Grpc()).has_value());
  forwarder->Stop(milliseconds(60'000));
  EXPECT_EQ(collector.spans().size(), 400U);
  EXPECT_GT(collector.messages(), 1U);
}

// An agent is killed while it takes spans and its collector comes and goes: every span it had
// acknowledged arrives, by itself or by the agent that is started after it.
TEST_F(DiskForwarderTest, NothingAcknowledgedIsLostOverAKill) {
  // What arrived is told by the child through a pipe, a byte row of ids; "acknowledged" by another.
  int arrived[2], acknowledged[2];
  ASSERT_EQ(pipe(arrived), 0);
  ASSERT_EQ(pipe(acknowledged), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    close(arrived[0]);
    close(acknowledged[0]);
    FakeCollector collector;
    std::atomic<int> calls{0};
    collector.answer = [&calls](std::size_t) {
      if (calls++ % 3 != 2) return SendResult{SendOutcome::kRetry, "away", 0, std::nullopt};
      return SendResult{};
    };
    class Telling final : public ForwardTarget {
     public:
      Telling(FakeCollector& inner, int fd) : inner_(inner, "c"), fd_(fd) {}
      SendResult Send(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                      const SendContext& context) override {
        SendResult result = inner_.Send(batch, rows, context);
        if (result.outcome != SendOutcome::kDelivered) return result;
        for (const std::uint32_t row : rows) {
          const std::uint64_t id = FakeCollector::SpanNumber(batch.spans[row].span_id);
          if (write(fd_, &id, sizeof id) != sizeof id) _exit(3);
        }
        return result;
      }
      const std::string& name() const noexcept override { return inner_.name(); }

     private:
      FakeTarget inner_;
      const int fd_;
    };
    std::vector<std::unique_ptr<ForwardTarget>> targets;
    targets.push_back(std::make_unique<Telling>(collector, arrived[1]));
    const auto forwarder = Forwarder::Start(
        Quick(), OpenQueue(),
        std::make_unique<CollectorPool>(std::move(targets),
                                        BackoffOptions{milliseconds(1), milliseconds(2)}, 1));
    for (std::uint64_t id = 1;; ++id) {
      if (!forwarder->Accept(BatchOf(id, 1), Grpc()).has_value()) _exit(2);
      if (write(acknowledged[1], &id, sizeof id) != sizeof id) _exit(4);
    }
  }
  close(arrived[1]);
  close(acknowledged[1]);
  std::set<std::uint64_t> kept;
  std::uint64_t id = 0;
  while (kept.size() < 3'000 && read(acknowledged[0], &id, sizeof id) == sizeof id) kept.insert(id);
  kill(child, SIGKILL);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself: " << WEXITSTATUS(status);
  while (read(acknowledged[0], &id, sizeof id) == sizeof id) kept.insert(id);
  std::map<std::uint64_t, int> got;
  while (read(arrived[0], &id, sizeof id) == sizeof id) ++got[id];
  close(arrived[0]);
  close(acknowledged[0]);
  const std::size_t before = got.size();

  FakeCollector collector;
  const auto forwarder = Forwarder::Start(Quick(), OpenQueue(), PoolOf({&collector}));
  forwarder->Stop(milliseconds(60'000));
  std::size_t twice = 0;
  for (const auto& [span, times] : collector.spans()) {
    got[span] += times;
    if (got[span] > 1) ++twice;
  }
  for (const std::uint64_t span : kept) ASSERT_TRUE(got.contains(span)) << "lost span " << span;
  // Twice: at most the messages under way at the kill, two senders with up to 1,000 spans.
  EXPECT_LE(twice, 2'000U);
  RecordProperty("acknowledged", static_cast<int>(kept.size()));
  RecordProperty("delivered_before_the_kill", static_cast<int>(before));
  RecordProperty("delivered_twice", static_cast<int>(twice));
}

TEST(CollectorPool, GoesRoundAndLetsFailedOnesRest) {
  FakeCollector fake;
  std::vector<std::unique_ptr<ForwardTarget>> targets;
  for (int i = 0; i < 3; ++i) targets.push_back(std::make_unique<FakeTarget>(fake, "c"));
  CollectorPool pool(std::move(targets), {milliseconds(100), milliseconds(1'000)}, 7);
  const CollectorPool::Time start{};
  EXPECT_EQ(pool.Pick(start), 0U);
  EXPECT_EQ(pool.Pick(start), 1U);
  EXPECT_EQ(pool.Pick(start), 2U);
  pool.Failed(0, start, std::nullopt);
  EXPECT_EQ(pool.healthy(), 2U);
  EXPECT_EQ(pool.Pick(start), 1U);
  EXPECT_EQ(pool.Pick(start), 2U);
  EXPECT_EQ(pool.Pick(start), 1U);
  EXPECT_EQ(pool.Pick(start + milliseconds(100)), 2U);
  EXPECT_EQ(pool.Pick(start + milliseconds(100)), 0U);  // its rest is 50 to 100 ms
  // Doubled with each failure, up to the longest; a success forgets them.
  milliseconds least{50};
  for (int i = 0; i < 8; ++i) {
    pool.Succeeded(1);
    pool.Succeeded(2);
    pool.Failed(1, start, milliseconds(900'000));  // believed up to the longest wait
    pool.Failed(2, start, milliseconds(900'000));
    if (i > 0) pool.Failed(0, start, std::nullopt);
    const auto rest = pool.NextTry() - start;
    EXPECT_GE(rest, std::min(least, milliseconds(500)));
    EXPECT_LE(rest, std::min(least * 2, milliseconds(1'000)));
    least *= 2;
    EXPECT_EQ(pool.Pick(start), std::nullopt);
  }
  pool.Succeeded(0);
  EXPECT_EQ(pool.Pick(start), 0U);
}

TEST(ForwardQueue, PayloadsRoundTripAndDamageIsToldOf) {
  const std::string payload = EncodeQueued(BatchOf(7, 3), "tenant-1");
  EXPECT_EQ(SpansOfQueued(payload), 3U);
  const auto back = DecodeQueued(payload);
  ASSERT_TRUE(back.has_value()) << back.error().message();
  EXPECT_EQ(back->tenant, "tenant-1");
  ASSERT_EQ(back->batch.size(), 3U);
  EXPECT_TRUE(
      model::SpansEqual(BatchOf(7, 3), BatchOf(7, 3).spans[1], back->batch, back->batch.spans[1]));
  for (std::size_t cut = 0; cut < payload.size(); ++cut)
    ASSERT_FALSE(DecodeQueued(std::string_view(payload).substr(0, cut)).has_value());
  EXPECT_EQ(DecodeQueued("\x02" + payload.substr(1)).error().code(), ErrorCode::kUnsupported);
}

}  // namespace
}  // namespace tracestore::ingest
