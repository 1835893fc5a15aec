// The intake with a decoder and a sink of the test's own.
#include "ingest/intake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace tracestore::ingest {
namespace {

class RecordingSink final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    if (refusal) return *refusal;
    kept += batch.size();
    tenants.emplace_back(context.source.tenant);
    return {};
  }
  std::optional<Error> refusal;
  std::size_t kept = 0;
  std::vector<std::string> tenants;
};

// A message of this test: 'g' is a good span, 'b' a bad one, '!' makes the message unreadable.
Result<model::DecodeReport> DecodeLetters(std::string_view message, model::SpanBatch& batch) {
  model::DecodeReport report;
  for (const char letter : message) {
    if (letter == '!') return Error(ErrorCode::kInvalidArgument, "no letter");
    if (letter == 'b') {
      report.Reject("bad", "a span is bad");
      continue;
    }
    if (batch.resources.empty()) batch.resources.emplace_back();
    batch.spans.emplace_back();
    ++report.accepted;
  }
  return report;
}

struct Seen {
  std::string source;
  std::size_t bytes;
  std::uint64_t decoded, accepted, rejected;
  IntakeOutcome outcome;
  bool operator==(const Seen&) const = default;
};

class IntakeTest : public testing::Test {
 protected:
  RecordingSink sink;
  std::vector<Seen> seen;
  Intake intake{sink, [this](const IntakeEvent& event) {
                  seen.push_back(
                      {std::string(event.source.transport) + " " + std::string(event.source.format),
                       event.bytes, event.decoded, event.answer.report.accepted,
                       event.answer.report.rejected, event.answer.outcome});
                }};
  const IntakeSource keeps{transport::kUdp, format::kJaegerThrift, "shop"};
  const IntakeSource refuses{transport::kHttp, format::kZipkinJsonV2, "", BadSpans::kRefuseMessage};
};

TEST_F(IntakeTest, KeepsTheGoodSpansAndTellsTheSinkWhoseTheyAre) {
  const IntakeAnswer answer = intake.Take("gbg", DecodeLetters, keeps);
  EXPECT_EQ(answer.outcome, IntakeOutcome::kTaken);
  EXPECT_EQ(answer.report.accepted, 2u);
  EXPECT_EQ(answer.report.rejected, 1u);
  EXPECT_EQ(sink.kept, 2u);
  EXPECT_THAT(sink.tenants, testing::ElementsAre("shop"));
  EXPECT_THAT(seen,
              testing::ElementsAre(Seen{"udp jaeger-thrift", 3, 2, 2, 1, IntakeOutcome::kTaken}));
}

TEST_F(IntakeTest, RefusesAWholeMessageWhereTheProtocolDoes) {
  const IntakeAnswer answer = intake.Take("gbg", DecodeLetters, refuses);
  EXPECT_EQ(answer.outcome, IntakeOutcome::kMalformed);
  EXPECT_EQ(answer.message, "a span is bad");
  EXPECT_EQ(sink.kept, 0u);
  EXPECT_EQ(intake.Take("gg", DecodeLetters, refuses).outcome, IntakeOutcome::kTaken);
  EXPECT_EQ(sink.kept, 2u);
  EXPECT_THAT(
      seen, testing::ElementsAre(Seen{"http zipkin-json-v2", 3, 2, 0, 1, IntakeOutcome::kMalformed},
                                 Seen{"http zipkin-json-v2", 2, 2, 2, 0, IntakeOutcome::kTaken}));
}

TEST_F(IntakeTest, TakesBatchesThatCameDecoded) {
  model::SpanBatch batch;
  auto report = DecodeLetters("gbbg", batch);
  ASSERT_TRUE(report.has_value());
  const IntakeAnswer answer =
      intake.TakeDecoded(std::move(batch), std::move(report).value(), 99, keeps);
  EXPECT_EQ(answer.outcome, IntakeOutcome::kTaken);
  EXPECT_EQ(answer.report.rejected, 2u);
  EXPECT_EQ(sink.kept, 2u);
  EXPECT_THAT(seen,
              testing::ElementsAre(Seen{"udp jaeger-thrift", 99, 2, 2, 2, IntakeOutcome::kTaken}));
}

TEST_F(IntakeTest, SaysWhyNothingWasKept) {
  EXPECT_EQ(intake.Take("g!", DecodeLetters, keeps).message, "no letter");
  const struct {
    ErrorCode code;
    IntakeOutcome outcome;
  } cases[] = {{ErrorCode::kBusy, IntakeOutcome::kBusy},
               {ErrorCode::kIo, IntakeOutcome::kUnavailable},
               {ErrorCode::kUnsupported, IntakeOutcome::kUnsupported}};
  for (const auto& [code, outcome] : cases) {
    sink.refusal = Error(code, "not now");
    const IntakeAnswer answer = intake.Take("gg", DecodeLetters, keeps);
    EXPECT_EQ(answer.outcome, outcome);
    EXPECT_EQ(answer.message, "not now");
    EXPECT_EQ(answer.report.accepted, 0u);
    EXPECT_EQ(seen.back().decoded, 2u);
  }
}

TEST_F(IntakeTest, AsksTheSinkForNothingWhereAMessageHasNoSpan) {
  sink.refusal = Error(ErrorCode::kIo, "asked");
  EXPECT_EQ(intake.Take("", DecodeLetters, keeps).outcome, IntakeOutcome::kTaken);
  EXPECT_EQ(intake.Take("b", DecodeLetters, keeps).outcome, IntakeOutcome::kTaken);
}

TEST_F(IntakeTest, AnswersBusyWhileTheBudgetIsUsed) {
  ByteBudget budget(10);
  std::string cause;
  const Intake bounded(
      sink, IntakeOptions{[&](const IntakeEvent& event) { cause = event.answer.cause; }, &budget});
  {
    ByteBudget::Hold other(budget);
    ASSERT_TRUE(other.Take(1));
    const IntakeAnswer answer = bounded.Take("gggggggggg", DecodeLetters, keeps);
    EXPECT_EQ(answer.outcome, IntakeOutcome::kBusy);
    EXPECT_EQ(answer.message, "messages of 10 bytes in all are being taken in, no more fit");
    EXPECT_EQ(cause, "ingest-full");
    // The message fits, its batch doesn't.
    EXPECT_EQ(bounded.Take("g", DecodeLetters, keeps).cause, "ingest-full");
    EXPECT_EQ(sink.kept, 0u);
  }
  EXPECT_EQ(bounded.Take("gggggggggg", DecodeLetters, keeps).outcome, IntakeOutcome::kTaken);
  EXPECT_EQ(budget.used(), 0u);
}

TEST_F(IntakeTest, CountsSpansByServiceAndSampler) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "shop");
  batch.AddString(batch.strings.Intern("sampler.type"), "probabilistic");
  batch.resources.emplace_back().attributes = {0, 1};
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  batch.spans.resize(4);
  batch.spans[0].attributes = {1, 1};
  batch.spans[1].parent_id = {5};
  batch.spans[1].flags = model::kFlagDebug;
  batch.spans[2].resource = 1;
  batch.spans[3].resource = 1;
  const std::vector<ServiceCount> counts = CountServices(batch);
  ASSERT_EQ(counts.size(), 2u);
  EXPECT_EQ(counts[0].service, "shop");
  EXPECT_THAT(counts[0].spans, testing::ElementsAre(1, 1));
  EXPECT_EQ(counts[0].roots[0][static_cast<std::size_t>(SamplerType::kProbabilistic)], 1u);
  EXPECT_EQ(counts[1].service, "");
  EXPECT_EQ(counts[1].roots[0][static_cast<std::size_t>(SamplerType::kUnknown)], 2u);
}

}  // namespace
}  // namespace tracestore::ingest
