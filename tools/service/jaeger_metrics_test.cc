#include "service/jaeger_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "model/text.h"

namespace tracestore::tools {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr ingest::IntakeSource kThriftByUdp{ingest::transport::kUdp, ingest::format::kJaegerThrift,
                                            ""};

ingest::ServiceCount CountOf(std::string service, std::uint64_t spans, std::uint64_t roots) {
  ingest::ServiceCount count;
  count.service = std::move(service);
  count.spans[0] = spans;
  count.roots[0][static_cast<std::size_t>(ingest::SamplerType::kConst)] = roots;
  return count;
}

void Count(JaegerCollectorMetrics& metrics, const std::vector<ingest::ServiceCount>& services,
           ingest::IntakeOutcome outcome = ingest::IntakeOutcome::kTaken) {
  ingest::IntakeAnswer answer;
  answer.outcome = outcome;
  std::uint64_t spans = 0;
  for (const auto& service : services) spans += service.spans[0] + service.spans[1];
  metrics.Count({.source = kThriftByUdp,
                 .bytes = 100,
                 .received = spans,
                 .decoded = spans,
                 .answer = answer,
                 .services = services,
                 .decode_time = std::chrono::milliseconds(7),
                 .keep_time = std::chrono::milliseconds(30)});
}

TEST(JaegerMetrics, ACollectorCountsBySenderAndService) {
  server::MetricRegistry registry;
  JaegerCollectorMetrics metrics(registry);
  ingest::ServiceCount debug = CountOf("shop", 1, 0);
  debug.spans = {1, 2};
  Count(metrics, {CountOf("shop", 3, 1), CountOf("", 1, 1)});
  Count(metrics, {debug});
  Count(metrics, {CountOf("shop", 5, 0)}, ingest::IntakeOutcome::kBusy);
  const std::string text = registry.Text();
  const auto has = [&](const std::string& line) { EXPECT_THAT(text, HasSubstr(line + "\n")); };
  has("jaeger_collector_spans_received_total{debug=\"false\",format=\"jaeger\",svc=\"shop\","
      "transport=\"udp\"} 9");
  has("jaeger_collector_spans_received_total{debug=\"true\",format=\"jaeger\",svc=\"shop\","
      "transport=\"udp\"} 2");
  has("jaeger_collector_spans_received_total{debug=\"false\",format=\"jaeger\",svc=\"unknown\","
      "transport=\"udp\"} 1");
  has("jaeger_collector_spans_saved_by_svc_total{debug=\"false\",result=\"ok\",svc=\"shop\"} 4");
  has("jaeger_collector_spans_saved_by_svc_total{debug=\"false\",result=\"err\",svc=\"shop\"} 5");
  has("jaeger_collector_traces_received_total{debug=\"false\",format=\"jaeger\","
      "sampler_type=\"const\",svc=\"shop\",transport=\"udp\"} 1");
  EXPECT_THAT(text,
              testing::ContainsRegex("jaeger_collector_spans_dropped_total.host=\"[^\"]*\". 5\n"));
  EXPECT_THAT(text, testing::ContainsRegex("jaeger_collector_save_latency_bucket.host=\"[^\"]*\","
                                           "le=\"0.025\". 0\n"));
  EXPECT_THAT(text, testing::ContainsRegex("jaeger_collector_save_latency_count.[^}]*. 3\n"));
  EXPECT_THAT(text, testing::ContainsRegex("jaeger_collector_spans_serviceNames.[^}]*. 2\n"));
}

TEST(JaegerMetrics, ServicesAreBounded) {
  server::MetricRegistry registry;
  JaegerCollectorMetrics metrics(registry);
  for (int i = 0; i < 4'010; ++i) Count(metrics, {CountOf("s" + std::to_string(i), 1, 0)});
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("svc=\"s3999\""));
  EXPECT_THAT(text, Not(HasSubstr("svc=\"s4000\"")));
  EXPECT_THAT(text, HasSubstr("jaeger_collector_spans_received_total{debug=\"false\","
                              "format=\"jaeger\",svc=\"other-services\",transport=\"udp\"} 10\n"));
}

TEST(JaegerMetrics, NamesOfServicesAreShortUtf8) {
  server::MetricRegistry registry;
  JaegerCollectorMetrics metrics(registry);
  Count(metrics, {CountOf("a\xFF\x62", 1, 1)});
  // Names that are shown alike count together.
  const std::string same(3'000'000, 'x');
  Count(metrics, {CountOf(same + "1", 1, 1), CountOf(same + "2", 1, 1)});
  const std::string text = registry.Text();
  EXPECT_TRUE(model::IsUtf8(text));
  EXPECT_LT(text.size(), 20'000U);
  EXPECT_THAT(text, HasSubstr("svc=\"a\xEF\xBF\xBD\x62\""));
  EXPECT_THAT(text, testing::ContainsRegex("spans_received_total.debug=\"false\",format="
                                           "\"jaeger\",svc=\"xx*…\",transport=\"udp\". 2\n"));
  EXPECT_THAT(text, testing::ContainsRegex("jaeger_collector_spans_serviceNames.[^}]*. 2\n"));
}

TEST(JaegerMetrics, QueriesAreCountedAsReadsOfTheStore) {
  server::MetricRegistry registry;
  CountJaegerQuery(registry, "/api/traces", true, std::chrono::milliseconds(20));
  CountJaegerQuery(registry, "/api/traces", false, std::chrono::milliseconds(20));
  CountJaegerQuery(registry, "other", true, std::chrono::milliseconds(20));
  const std::string text = registry.Text();
  EXPECT_THAT(text, HasSubstr("jaeger_storage_requests_total{operation=\"find_traces\","
                              "result=\"ok\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("jaeger_query_requests_total{operation=\"find_traces\","
                              "result=\"err\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("jaeger_query_latency_count{operation=\"find_traces\","
                              "result=\"ok\"} 1\n"));
}

}  // namespace
}  // namespace tracestore::tools
