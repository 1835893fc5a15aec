// The stages together, from messages to a store's engine: nothing is lost without being counted,
// whatever comes and whatever the disk does.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <thread>

#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/testing/arbitrary_batch.h"
#include "fs/fault_file_system.h"
#include "fs/memory_file_system.h"
#include "ingest/head_sink.h"
#include "ingest/intake.h"
#include "ingest/processors.h"
#include "ingest/sanitize.h"
#include "ingest/tail_sampler.h"
#include "model/value_blob.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"

namespace tracestore::ingest {
namespace {

const IntakeSource kFrom{transport::kGrpc, format::kOtlpProto, ""};

// A store on a file system of the test's.
class EngineSink final : public SpanSink, public TailTarget {
 public:
  explicit EngineSink(fs::FileSystem& files) {
    StoreOptions options;
    options.background_sealing = false;
    options.append_timeout = std::chrono::milliseconds(10);
    auto opened =
        store::Engine::Open(files, "store", std::make_unique<store::MemoryCatalog>(disk_), options);
    EXPECT_TRUE(opened.has_value()) << opened.error().message();
    engine_ = std::move(opened).value();
  }
  Status Accept(model::SpanBatch&& batch, const SpanContext& /*context*/) override {
    return engine_->Append(std::move(batch));
  }
  Status Append(model::SpanBatch&& batch) override { return engine_->Append(std::move(batch)); }
  Status Sync() override { return engine_->Sync(); }
  Result<std::shared_ptr<const model::SpanBatch>> SpansOf(TraceId /*id*/) override {
    return std::make_shared<const model::SpanBatch>();  // no restart here
  }
  std::uint64_t Spans() {
    const auto data = engine_->TakeSnapshot();
    EXPECT_TRUE(data.has_value());
    std::uint64_t spans = 0;
    for (const auto& batch : (*data)->head) spans += batch->batch().size();
    for (const auto& segment : (*data)->segments) spans += segment->meta().rows;
    return spans;
  }
  model::SpanBatch Head() {
    model::SpanBatch out;
    model::BatchAppender appender(out);
    const auto data = engine_->TakeSnapshot();
    for (const auto& batch : (*data)->head) {
      appender.SetSource(batch->batch());
      for (std::uint32_t row = 0; row < batch->batch().size(); ++row) appender.Append(row);
    }
    return out;
  }

 private:
  std::shared_ptr<store::MemoryCatalogDisk> disk_ = std::make_shared<store::MemoryCatalogDisk>();
  std::unique_ptr<store::Engine> engine_;
};

// All stages as a service has them, with their counts.
class Stages {
 public:
  Stages(SpanSink& end, TailTarget* target, fs::FileSystem& files) {
    SpanSink* next = &end;
    const StageObserver count = [this](const StageEvent& event) {
      const std::lock_guard lock(mutex);
      if (event.action == StageAction::kDropped) dropped += event.spans;
    };
    if (target != nullptr) {
      TailSamplerOptions options;
      options.background = false;
      options.file_bytes = 10'000;
      tail_ = TailSampler::Open(files, "pending", policies_, options, *target, count).value();
      next = tail_.get();
    }
    head_ = MakeHeadSink(sampling::HeadSampler(0.7), *next, count);
    ProcessorConfig drop;
    drop.action = "drop-spans";
    drop.where = "kind = server";
    ProcessorConfig redact;
    redact.action = "redact";
    redact.pattern = "[0-9]+";
    process_ = MakeProcessSink(
        std::make_shared<const Processors>(Processors::Compile({drop, redact}).value()), *head_,
        count);
    SanitizeOptions limits;
    limits.max_attributes = 4;
    limits.max_value_bytes = 100;
    sanitize_ = MakeSanitizeSink(limits, *process_, count);
    intake.emplace(*sanitize_, IntakeOptions{[this](const IntakeEvent& event) {
                                               const std::lock_guard lock(mutex);
                                               received += event.received;
                                               accepted += event.answer.report.accepted;
                                               rejected += event.answer.report.rejected;
                                               others += event.received -
                                                         event.answer.report.accepted -
                                                         event.answer.report.rejected;
                                               ++outcomes[event.answer.cause];
                                             },
                                             &budget});
  }
  IntakeAnswer Take(const model::SpanBatch& batch) {
    model::SpanBatch copy = batch;
    model::DecodeReport report;
    report.accepted = copy.size();
    return intake->TakeDecoded(std::move(copy), std::move(report), 1, kFrom);
  }
  TailSampler& tail() { return *tail_; }

  std::mutex mutex;
  std::uint64_t received = 0;
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t others = 0;
  std::uint64_t dropped = 0;
  std::map<std::string_view, int> outcomes;
  ByteBudget budget{std::size_t{64} << 20};
  std::optional<Intake> intake;

 private:
  static sampling::TailPolicies SomePolicies() {
    sampling::TailPolicyConfig half;
    half.type = "probability";
    half.probability = "0.5";
    sampling::TailPolicyConfig errors;
    errors.type = "error";
    return sampling::TailPolicies::Compile({errors, half}).value();
  }
  sampling::TailPolicies policies_ = SomePolicies();
  std::unique_ptr<TailSampler> tail_;
  std::unique_ptr<SpanSink> head_;
  std::unique_ptr<SpanSink> process_;
  std::unique_ptr<SpanSink> sanitize_;
};

model::SpanBatch SomeSpans(std::uint64_t seed) {
  codec::Random random(seed);
  codec::ArbitraryOptions options;
  options.spans = 1 + static_cast<std::uint32_t>(random.Below(40));
  options.invalid_utf8 = true;
  options.beyond_origin = random.Percent(50);
  return codec::ArbitraryBatch(random.Next(), options);
}

TEST(Pipeline, AccountsForEverySpan) {
  for (const bool with_tail : {false, true}) {
    SCOPED_TRACE(with_tail);
    fs::MemoryFileSystem files;
    EngineSink engine(files);
    Stages stages(engine, with_tail ? &engine : nullptr, files);
    std::uint64_t sent = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      const model::SpanBatch batch = SomeSpans(seed);
      sent += batch.size();
      EXPECT_EQ(stages.Take(batch).outcome, IntakeOutcome::kTaken);
    }
    if (with_tail) {
      ASSERT_TRUE(stages.tail().DecideAll().has_value());
    }
    EXPECT_EQ(stages.received, sent);
    EXPECT_EQ(stages.accepted + stages.rejected, sent);
    EXPECT_EQ(stages.accepted, engine.Spans() + stages.dropped);
    EXPECT_GT(stages.dropped, sent / 4);
    EXPECT_GT(engine.Spans(), sent / 20);
    EXPECT_EQ(stages.budget.used(), 0u);
  }
}

// The store's disk is full for a while: senders are told to come again, and what they were told is
// kept is there.
TEST(Pipeline, RefusesWhileTheDiskIsFullAndGoesOn) {
  fs::MemoryFileSystem memory;
  fs::FaultFileSystem files(memory, {});
  EngineSink engine(files);
  Stages stages(engine, nullptr, files);
  fs::Fault full;
  full.at_call = 1;
  full.from_then_on = true;
  full.error_number = ENOSPC;
  full.effect = fs::Fault::Effect::kHalf;
  int refused = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    if (seed % 20 == 10) files.Arm(full);
    if (seed % 20 == 15) files.Arm({});
    const bool broken = seed % 20 >= 10 && seed % 20 < 15;
    const IntakeAnswer answer = stages.Take(SomeSpans(seed));
    if (broken && answer.outcome != IntakeOutcome::kTaken) {
      ++refused;
      EXPECT_EQ(answer.outcome, IntakeOutcome::kUnavailable);
      EXPECT_EQ(answer.cause, "unavailable");
      EXPECT_THAT(answer.message, testing::HasSubstr("ENOSPC"));
    } else if (!broken) {
      EXPECT_EQ(answer.outcome, IntakeOutcome::kTaken) << answer.message;
    }
  }
  EXPECT_GT(refused, 10);
  EXPECT_EQ(stages.accepted, engine.Spans() + stages.dropped);
  EXPECT_EQ(stages.received, stages.accepted + stages.rejected + stages.others);
}

TEST(Pipeline, TakesFromManyThreads) {
  fs::MemoryFileSystem files;
  EngineSink engine(files);
  Stages stages(engine, &engine, files);
  {
    std::vector<std::jthread> threads;
    for (std::uint64_t t = 0; t < 4; ++t) {
      threads.emplace_back([&, t] {
        for (std::uint64_t i = 0; i < 40; ++i) {
          EXPECT_EQ(stages.Take(SomeSpans(1000 * t + i)).outcome, IntakeOutcome::kTaken);
          if (t == 0) {
            EXPECT_TRUE(stages.tail().DecideAll().has_value());
          }
        }
      });
    }
  }
  ASSERT_TRUE(stages.tail().DecideAll().has_value());
  EXPECT_EQ(stages.accepted, engine.Spans() + stages.dropped);
}

model::SpanBatch SpanWithAttributes(int count) {
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  model::SpanRecord span;
  span.trace_id = {1, 2};
  span.span_id = {3};
  span.name = batch.strings.Intern("wide");
  span.attributes = {0, static_cast<std::uint32_t>(count)};
  for (int i = 0; i < count; ++i) batch.AddInt(batch.strings.Intern("key" + std::to_string(i)), i);
  batch.spans.push_back(span);
  return batch;
}

Result<model::DecodeReport> DecodeProto(std::string_view message, model::SpanBatch& batch) {
  return codec::DecodeOtlpProtobuf(message, batch);
}

TEST(Pipeline, CutsTenThousandAttributesWithAMark) {
  fs::MemoryFileSystem files;
  EngineSink engine(files);
  const auto sanitize = MakeSanitizeSink({}, engine, {});
  const Intake intake(*sanitize);
  std::string message;
  codec::EncodeOtlpProtobuf(SpanWithAttributes(10'000), message);
  EXPECT_EQ(intake.Take(message, DecodeProto, kFrom).outcome, IntakeOutcome::kTaken);
  const model::SpanBatch stored = engine.Head();
  ASSERT_EQ(stored.size(), 1u);
  EXPECT_EQ(stored.spans[0].attributes.count, 8193u);
  EXPECT_EQ(stored.spans[0].dropped_attributes, 1808u);
  const model::Attribute* mark = FindString(stored, stored.spans[0].attributes, kCutKey);
  ASSERT_NE(mark, nullptr);
  EXPECT_EQ(stored.text(static_cast<model::StringId>(mark->bits)), "attributes");
}

// Values nested deeper than the model allows: that span is refused by name, the other one kept.
// KeyValue { key = 1, value = 2 }; AnyValue { array_value = 5 }; ArrayValue { values = 1 }.
TEST(Pipeline, RefusesValuesNestedTooDeep) {
  const auto field = [](int number, const std::string& bytes) {
    std::string out(1, static_cast<char>(number << 3 | 2));
    std::size_t size = bytes.size();
    for (; size >= 0x80; size >>= 7) out += static_cast<char>(size | 0x80);
    out += static_cast<char>(size);
    return out + bytes;
  };
  std::string value;
  for (unsigned depth = 0; depth < 2000; ++depth) value = field(5, field(1, value));
  const std::string attribute = field(9, field(1, "deep") + field(2, value));
  const std::string ids = field(1, std::string(16, 'a')) + field(2, std::string(8, 'b'));
  const std::string message =
      field(1, field(2, field(2, ids + attribute) + field(2, ids + field(5, "fine"))));
  fs::MemoryFileSystem files;
  EngineSink engine(files);
  const Intake intake(engine);
  const IntakeAnswer answer = intake.Take(message, DecodeProto, kFrom);
  EXPECT_EQ(answer.outcome, IntakeOutcome::kTaken) << answer.message;
  EXPECT_EQ(answer.report.accepted, 1u);
  EXPECT_EQ(answer.report.rejected, 1u);
  EXPECT_EQ(engine.Spans(), 1u);
}

}  // namespace
}  // namespace tracestore::ingest
