#include "ingest/tail_sampler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "codec/testing/arbitrary_batch.h"
#include "fs/fault_file_system.h"
#include "fs/memory_file_system.h"
#include "ingest/tail_sampler_test_support.h"

namespace tracestore::ingest {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr SpanContext kFrom{{transport::kGrpc, format::kOtlpProto, ""}, nullptr};
const auto kError = StatusCode::kError;

class TailSamplerTest : public testing::Test {
 protected:
  TailSamplerTest() {
    options.background = false;
    options.wait = std::chrono::seconds(10);
    options.clock = [this] { return now.load(); };
  }
  std::unique_ptr<TailSampler> Open(fs::FileSystem& on) {
    auto opened = TailSampler::Open(
        on, "data/pending", policies, options, target, [this](const StageEvent& event) {
          counts[std::string(event.rule) + " " + StageActionName(event.action)] += event.spans;
        });
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    return std::move(opened).value();
  }
  std::unique_ptr<TailSampler> Open() { return Open(files); }
  static void Take(TailSampler& sampler, const std::vector<TestSpan>& spans) {
    const Status taken = sampler.Accept(BatchOf(spans), kFrom);
    ASSERT_TRUE(taken.has_value()) << taken.error().message();
  }
  void TickAfter(TailSampler& sampler, std::uint64_t seconds) {
    now += seconds * kSecond;
    const Status ticked = sampler.Tick();
    ASSERT_TRUE(ticked.has_value()) << ticked.error().message();
  }
  int Stored(std::uint64_t trace, std::uint64_t span) { return target.CountOf({1, trace}, {span}); }

  std::atomic<std::uint64_t> now{1000 * kSecond};
  fs::MemoryFileSystem files;
  MemoryTarget target;
  sampling::TailPolicies policies = ErrorPolicy();
  TailSamplerOptions options;
  std::map<std::string, std::uint64_t> counts;
};

TEST_F(TailSamplerTest, KeepsWholeTracesOrNone) {
  const auto sampler = Open();
  Take(*sampler, {{1, 1}, {2, 2}, {1, 3, kError}});
  Take(*sampler, {{1, 4}, {2, 5}});
  TickAfter(*sampler, 9);
  EXPECT_EQ(sampler->Stats().traces, 2u);
  EXPECT_TRUE(target.spans.empty());
  TickAfter(*sampler, 1);
  EXPECT_EQ(sampler->Stats().traces, 0u);
  for (const std::uint64_t span : {1, 3, 4}) EXPECT_EQ(Stored(1, span), 1);
  EXPECT_EQ(target.spans.size(), 3u);
  EXPECT_EQ(counts["errors kept"], 3u);
  EXPECT_EQ(counts["no-policy dropped"], 2u);
}

TEST_F(TailSamplerTest, LetsLateSpansFollow) {
  const auto sampler = Open();
  Take(*sampler, {{1, 1, kError}, {2, 2}});
  TickAfter(*sampler, 10);
  Take(*sampler, {{1, 3}, {2, 4, kError}, {3, 5}});
  EXPECT_EQ(Stored(1, 3), 1);
  EXPECT_EQ(Stored(2, 4), 0);
  EXPECT_EQ(counts["late-kept kept"], 1u);
  EXPECT_EQ(counts["late-dropped dropped"], 1u);
  EXPECT_EQ(sampler->Stats().traces, 1u);
}

TEST_F(TailSamplerTest, KeepsDebugAndFirehoseTraces) {
  const auto sampler = Open();
  Take(*sampler, {{1, 1},
                  {1, 2, StatusCode::kUnset, model::kFlagDebug},
                  {2, 3, StatusCode::kUnset, model::kFlagFirehose},
                  {3, 4}});
  TickAfter(*sampler, 10);
  EXPECT_EQ(target.spans.size(), 3u);
  EXPECT_EQ(counts["debug kept"], 3u);
}

TEST_F(TailSamplerTest, WaitsAgainAfterARestart) {
  Take(*Open(), {{1, 1, kError}, {2, 2}});
  now += 100 * kSecond;
  const auto sampler = Open();
  EXPECT_EQ(sampler->Stats().traces, 2u);
  TickAfter(*sampler, 9);
  EXPECT_TRUE(target.spans.empty());
  Take(*sampler, {{1, 3}});
  TickAfter(*sampler, 1);
  EXPECT_EQ(Stored(1, 1), 1);
  EXPECT_EQ(Stored(1, 3), 1);
  EXPECT_EQ(target.spans.size(), 2u);
}

TEST_F(TailSamplerTest, RemembersDecisionsOverARestart) {
  {
    const auto sampler = Open();
    Take(*sampler, {{1, 1, kError}, {2, 2}, {3, 9}});
    TickAfter(*sampler, 10);
    Take(*sampler, {{3, 10}, {4, 11}});  // a trace that waits keeps the file
  }
  const auto sampler = Open();
  Take(*sampler, {{1, 3}, {2, 4, kError}});
  EXPECT_EQ(Stored(1, 3), 1);
  EXPECT_EQ(Stored(2, 4), 0);
}

TEST_F(TailSamplerTest, SpillsBeyondItsMemoryAndReadsBack) {
  options.max_memory_bytes = 0;
  const auto sampler = Open();
  for (std::uint64_t trace = 1; trace <= 50; ++trace)
    Take(*sampler, {{trace, 1, trace % 2 == 0 ? kError : StatusCode::kOk}, {trace + 1, 2}});
  EXPECT_EQ(sampler->Stats().memory_bytes, 0u);
  EXPECT_EQ(sampler->Stats().spilled_records, 50u);
  TickAfter(*sampler, 10);
  EXPECT_EQ(sampler->Stats().spilled_records, 0u);
  for (std::uint64_t trace = 1; trace <= 50; ++trace) {
    EXPECT_EQ(Stored(trace, 1), trace % 2 == 0 ? 1 : 0);
    EXPECT_EQ(Stored(trace, 2), trace > 1 && trace % 2 == 0 ? 1 : 0);
  }
}

TEST_F(TailSamplerTest, RemovesFilesThatNothingNeeds) {
  options.file_bytes = 2'000;
  const auto sampler = Open();
  std::uint64_t most = 0;
  for (std::uint64_t trace = 1; trace <= 300; ++trace) {
    Take(*sampler, {{trace, trace, kError}});
    TickAfter(*sampler, 1);
    most = std::max(most, sampler->Stats().disk_bytes);
  }
  EXPECT_LT(most, 12'000u);
  TickAfter(*sampler, 10);
  EXPECT_LT(sampler->Stats().disk_bytes, 4'000u);
  EXPECT_EQ(target.spans.size(), 300u);
}

TEST_F(TailSamplerTest, DecidesEarlyNearItsLimitsAndIsBusyAtThem) {
  options.max_traces = 8;
  const auto sampler = Open();
  for (std::uint64_t trace = 1; trace <= 8; ++trace) Take(*sampler, {{trace, 1, kError}});
  const Status refused = sampler->Accept(BatchOf({{9, 1}}), kFrom);
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kBusy);
  EXPECT_EQ(refused.error().message(), "8 traces await a decision, no more fit");
  TickAfter(*sampler, 0);
  EXPECT_EQ(target.spans.size(), 8u);
  Take(*sampler, {{9, 1}});
}

TEST_F(TailSamplerTest, GoesOnAfterTheStoresDiskWasFull) {
  const auto sampler = Open();
  Take(*sampler, {{1, 1, kError}});
  Take(*sampler, {{1, 2, kError}});
  target.appends_until_failure = 1;  // the second record
  now += 10 * kSecond;
  EXPECT_FALSE(sampler->Tick().has_value());
  EXPECT_EQ(Stored(1, 1), 1);
  EXPECT_EQ(Stored(1, 2), 0);
  target.appends_until_failure.reset();
  TickAfter(*sampler, 0);
  EXPECT_EQ(Stored(1, 1), 1);
  EXPECT_EQ(Stored(1, 2), 1);
}

TEST_F(TailSamplerTest, DecidesAllWhenAsked) {
  const auto sampler = Open();
  Take(*sampler, {{1, 1, kError}, {2, 2}});
  EXPECT_TRUE(sampler->DecideAll().has_value());
  EXPECT_EQ(target.spans.size(), 1u);
  EXPECT_EQ(sampler->Stats().traces, 0u);
}

// The disk fails at every call in turn, or the store does; then the process begins anew over what
// is there. Each acknowledged span of a kept trace is in the store once, none of a dropped one is.
TEST_F(TailSamplerTest, KeepsEachSpanOnceWhereverItIsInterrupted) {
  options.file_bytes = 300;
  const auto scenario = [this](TailSampler& sampler, std::vector<TestSpan>& acknowledged) {
    std::uint64_t span = 1;
    for (std::uint64_t round = 0; round < 6; ++round) {
      std::vector<TestSpan> spans;
      for (std::uint64_t trace = round; trace < round + 3; ++trace)
        spans.push_back({trace, span++, trace % 2 == 0 ? kError : StatusCode::kOk});
      if (sampler.Accept(BatchOf(spans), kFrom).has_value())
        acknowledged.insert(acknowledged.end(), spans.begin(), spans.end());
      now += 5 * kSecond;
      std::ignore = sampler.Tick();
    }
  };
  std::uint64_t calls = 1;
  int interrupted = 0;
  for (std::uint64_t n = 1; n <= calls; ++n) {
    for (const int failing_append : {-1, 0, 1, 2}) {
      if (failing_append >= 0 && n > 1) continue;
      SCOPED_TRACE("call " + std::to_string(n) + ", append " + std::to_string(failing_append));
      fs::MemoryFileSystem memory;
      target.spans.clear();
      target.all.Clear();
      target.appends_until_failure.reset();
      std::vector<TestSpan> acknowledged;
      {
        fs::FaultFileSystem faulty(memory, {});
        const auto sampler = Open(faulty);
        fs::Fault fault;
        fault.at_call = failing_append < 0 ? n : 0;
        fault.from_then_on = true;
        fault.error_number = ENOSPC;
        fault.effect = n % 2 == 0 ? fs::Fault::Effect::kHalf : fs::Fault::Effect::kAll;
        faulty.Arm(fault);
        if (failing_append >= 0) target.appends_until_failure = failing_append;
        scenario(*sampler, acknowledged);
        if (failing_append < 0) calls = std::max(calls, faulty.calls());
        interrupted += faulty.fired() ? 1 : 0;
        if (!faulty.fired() && failing_append < 0) calls = n;
      }
      target.appends_until_failure.reset();
      const auto again = Open(memory);
      ASSERT_TRUE(again->DecideAll().has_value());
      for (const TestSpan& span : acknowledged)
        EXPECT_EQ(Stored(span.trace, span.span), span.status == kError ? 1 : 0)
            << span.trace << " " << span.span;
      for (const auto& [key, count] : target.spans) EXPECT_EQ(count, 1);
      if (testing::Test::HasFailure()) return;
    }
  }
  EXPECT_GT(interrupted, 20);
}

// Any spans, through restarts: what came in is stored as it was, or counted as dropped.
TEST_F(TailSamplerTest, LosesNothingOfAnySpans) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    codec::Random random(seed);
    fs::MemoryFileSystem memory;
    target.spans.clear();
    target.all.Clear();
    counts.clear();
    options.max_memory_bytes = random.Below(3) * 20'000;
    options.file_bytes = 1 + random.Below(50'000);
    std::uint64_t came = 0;
    auto sampler = Open(memory);
    for (int step = 0; step < 20; ++step) {
      codec::ArbitraryOptions arbitrary;
      arbitrary.spans = 1 + static_cast<std::uint32_t>(random.Below(20));
      arbitrary.beyond_origin = true;
      model::SpanBatch batch = codec::ArbitraryBatch(random.Next(), arbitrary);
      came += batch.size();
      ASSERT_TRUE(sampler->Accept(std::move(batch), kFrom).has_value());
      TickAfter(*sampler, random.Below(4));
      if (random.Percent(20)) {
        sampler.reset();
        sampler = Open(memory);
      }
    }
    ASSERT_TRUE(sampler->DecideAll().has_value());
    std::uint64_t dropped = 0;
    std::uint64_t kept = 0;
    for (const auto& [what, spans] : counts) (what.ends_with(" dropped") ? dropped : kept) += spans;
    EXPECT_EQ(came, kept + dropped);
    EXPECT_EQ(target.all.size(), kept);
    sampler.reset();
  }
}

// A target whose disk loses what wasn't synced.
class PowerTarget final : public TailTarget {
 public:
  explicit PowerTarget(bool each) : each_(each) {}
  Status Append(model::SpanBatch&& batch) override {
    unsynced_.push_back(std::move(batch));
    return each_ ? Flush() : Status();
  }
  Status Sync() override {
    if (Status flushed = Flush(); !flushed.has_value()) return flushed;
    if (!std::exchange(ends_at_sync, false)) return {};
    cut_power();
    return Error(ErrorCode::kIo, "the power is gone");
  }
  Status Flush() {
    for (model::SpanBatch& batch : unsynced_)
      if (Status status = medium_.Append(std::move(batch)); !status.has_value()) return status;
    unsynced_.clear();
    return {};
  }
  Result<std::shared_ptr<const model::SpanBatch>> SpansOf(TraceId id) override {
    return medium_.SpansOf(id);  // asked after a restart only
  }
  void CutPower() { unsynced_.clear(); }
  MemoryTarget& medium() { return medium_; }

  bool ends_at_sync = false;  // the next Sync does its work, and then the power is gone
  std::function<void()> cut_power;

 private:
  const bool each_;
  std::vector<model::SpanBatch> unsynced_;
  MemoryTarget medium_;
};

// Power cuts at any moment. With `full` each acknowledged span of a kept trace is there once; with
// `interval` what was acknowledged lately may be lost, but nothing is there twice.
TEST_F(TailSamplerTest, OutlivesPowerCuts) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(seed);
    codec::Random random(seed);
    const bool full = seed % 2 == 0;
    options.sync = full ? SyncPolicy::kFull : SyncPolicy::kInterval;
    options.file_bytes = 200 + random.Below(600);
    fs::MemoryFileSystem disk;
    PowerTarget power(full);
    power.cut_power = [&] {
      disk.DropUnsynced(random.Next());
      power.CutPower();
    };
    std::vector<std::unique_ptr<TailSampler>> dead;
    const auto open = [&] {
      return TailSampler::Open(disk, "pending", policies, options, power, {}).value();
    };
    auto sampler = open();
    std::vector<TestSpan> acknowledged;
    std::uint64_t span = 1;
    for (std::uint64_t step = 0; step < 40; ++step) {
      std::vector<TestSpan> spans;
      for (std::uint64_t trace = step / 2; trace < step / 2 + 3; ++trace)
        spans.push_back({trace, span++, trace % 2 == 0 ? kError : StatusCode::kOk});
      ASSERT_TRUE(sampler->Accept(BatchOf(spans), kFrom).has_value());
      acknowledged.insert(acknowledged.end(), spans.begin(), spans.end());
      now += random.Below(6) * kSecond;
      power.ends_at_sync = random.Percent(15);
      const bool ended = random.Percent(70) && !sampler->Tick().has_value();
      if (ended || random.Percent(10)) {
        if (!ended) power.cut_power();
        dead.push_back(std::move(sampler));  // its handles fail from now on
        sampler = open();
      }
    }
    power.ends_at_sync = false;
    ASSERT_TRUE(sampler->DecideAll().has_value());
    ASSERT_TRUE(power.Sync().has_value());
    for (const TestSpan& one : acknowledged) {
      const int count = power.medium().CountOf({1, one.trace}, {one.span});
      const int most = one.status == kError ? 1 : 0;
      EXPECT_LE(count, most) << one.trace << " " << one.span;
      if (full) {
        EXPECT_EQ(count, most) << one.trace << " " << one.span;
      }
    }
    sampler.reset();
    if (HasFailure()) return;
  }
}

TEST_F(TailSamplerTest, TakesFromManyThreadsWhileItDecides) {
  options.background = true;
  options.wait = std::chrono::milliseconds(20);
  options.clock = {};
  options.max_memory_bytes = 50'000;
  options.file_bytes = 20'000;
  std::atomic<std::uint64_t> kept{0};
  std::atomic<std::uint64_t> dropped{0};
  auto sampler =
      TailSampler::Open(files, "pending", policies, options, target, [&](const StageEvent& event) {
        (event.action == StageAction::kDropped ? dropped : kept) += event.spans;
      }).value();
  constexpr std::uint64_t kThreads = 4;
  constexpr std::uint64_t kBatches = 300;
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < kBatches; ++i) {
          const std::uint64_t span = 1 + t * kBatches + i;
          const std::uint64_t trace = i / 3;  // shared between threads
          const Status taken = sampler->Accept(
              BatchOf({{trace, span, trace % 2 == 0 ? kError : StatusCode::kOk}}), kFrom);
          EXPECT_TRUE(taken.has_value()) << taken.error().message();
        }
      });
    }
  }
  EXPECT_TRUE(sampler->DecideAll().has_value());
  sampler->Stop();
  EXPECT_EQ(kept + dropped, kThreads * kBatches);
  EXPECT_EQ(target.spans.size(), kThreads * kBatches / 2);
  for (const auto& [key, count] : target.spans) EXPECT_EQ(count, 1);
}

}  // namespace
}  // namespace tracestore::ingest
