#include "server/admin/admin_api.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/text.h"

namespace tracestore::server {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

net::HttpRequest Get(const std::string& target) {
  net::HttpRequest request;
  request.method = "GET";
  EXPECT_TRUE(request.SetTarget(target).has_value());
  return request;
}

TEST(Admin, HealthFollowsTheService) {
  Health health;
  MetricRegistry metrics;
  const net::HttpHandler admin = MakeAdminHandler({.health = &health, .metrics = &metrics});
  EXPECT_EQ(admin(Get("/")).status, 503);
  EXPECT_THAT(admin(Get("/")).body, HasSubstr(R"({"status":"Server not available",)"));
  health.Set(Health::State::kAvailable);
  const net::HttpResponse up = admin(Get("/status"));
  EXPECT_EQ(up.status, 200);
  EXPECT_EQ(up.content_type, "application/json");
  EXPECT_THAT(up.body, MatchesRegex(R"re(\{"status":"Server available",)re"
                                    R"re("upSince":"[0-9-]+T[0-9:.]+Z",)re"
                                    R"re("uptime":"[0-9.]+(ns|µs|ms|s)"\})re"));
  health.Set(Health::State::kStopping);
  EXPECT_EQ(admin(Get("/")).status, 503);
}

TEST(Admin, VersionHasJaegersKeys) {
  Health health;
  MetricRegistry metrics;
  const auto answer = MakeAdminHandler({.health = &health, .metrics = &metrics})(Get("/version"));
  EXPECT_THAT(answer.body,
              MatchesRegex(R"(\{"gitCommit":"","gitVersion":"v[0-9.]+","buildDate":""\})"));
}

TEST(Admin, MetricsAreCollectedWhenAsked) {
  Health health;
  MetricRegistry metrics;
  metrics.Describe("tracestore_spans_total", "Spans\nof all kinds.");
  metrics.Describe("tracestore_unused_total", "Never counted.");
  metrics.Add("tracestore_spans_total", {{"reason", "a \"quoted\" \\ reason"}}, 2);
  metrics.Add("tracestore_spans_total", {{"reason", "a \"quoted\" \\ reason"}});
  metrics.Add("tracestore_spans_total", {});
  const auto answer = MakeAdminHandler({.health = &health,
                                        .metrics = &metrics,
                                        .metrics_route = "/all",
                                        .collect = [](auto& registry) {
                                          registry.Set("tracestore.head-spans", {}, 12.5);
                                        }})(Get("/all"));
  EXPECT_EQ(answer.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(answer.body,
            "# TYPE tracestore_head_spans gauge\n"
            "tracestore_head_spans 12.5\n"
            "# HELP tracestore_spans_total Spans\\nof all kinds.\n"
            "# TYPE tracestore_spans_total counter\n"
            "tracestore_spans_total 1\n"
            "tracestore_spans_total{reason=\"a \\\"quoted\\\" \\\\ reason\"} 3\n");
}

TEST(Metrics, HistogramsCountUpToEachBound) {
  MetricRegistry metrics;
  metrics.DescribeHistogram("wait", "Seconds.", {0.5, 1});
  MetricHistogram& wait = metrics.Histogram("wait", {{"a", "b"}});
  for (const double value : {0.25, 0.5, 0.75, 2.0}) wait.Observe(value);
  metrics.Observe("other", {}, 1);
  const std::string text = metrics.Text();
  EXPECT_THAT(text, HasSubstr("# HELP wait Seconds.\n"
                              "# TYPE wait histogram\n"
                              "wait_bucket{a=\"b\",le=\"0.5\"} 2\n"
                              "wait_bucket{a=\"b\",le=\"1\"} 3\n"
                              "wait_bucket{a=\"b\",le=\"+Inf\"} 4\n"
                              "wait_sum{a=\"b\"} 3.5\n"
                              "wait_count{a=\"b\"} 4\n"));
  EXPECT_THAT(text, HasSubstr("other_bucket{le=\"0.005\"} 0\n"));
  EXPECT_THAT(text, HasSubstr("other_bucket{le=\"+Inf\"} 1\nother_sum 1\nother_count 1\n"));
}

TEST(Metrics, ValuesOfLabelsAreShortUtf8) {
  MetricRegistry metrics;
  metrics.Add("one_total", {{"svc", "a\xFF\x62"}});
  metrics.Add("one_total", {{"svc", std::string(kMostLabelBytes, 'x')}});
  metrics.Add("one_total", {{"svc", std::string(3'000'000, 'y')}});
  metrics.Add("one_total", {{"svc", std::string(3'000'000, '\xFF')}});
  metrics.Observe("wait", {{"svc", std::string(kMostLabelBytes, 'z') + "\xE2\x82\xAC"}}, 1);
  const std::string text = metrics.Text();
  EXPECT_TRUE(model::IsUtf8(text));
  EXPECT_LT(text.size(), 8'000U);
  EXPECT_THAT(text, HasSubstr("one_total{svc=\"a\xEF\xBF\xBD\x62\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{svc=\"" + std::string(kMostLabelBytes, 'x') + "\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("{svc=\"" + std::string(kMostLabelBytes - 3, 'y') + "…\"} 1\n"));
  EXPECT_THAT(text, HasSubstr("wait_count{svc=\"" + std::string(kMostLabelBytes - 3, 'z') + "…"));
  EXPECT_LE(LabelText(std::string(1'000, '\xFF')).size(), kMostLabelBytes);
}

TEST(Metrics, ReferencesStayGood) {
  MetricRegistry metrics;
  MetricValue& one = metrics.Counter("one_total", {{"a", "b"}});
  for (int i = 0; i < 1000; ++i) metrics.Add("one_total", {{"a", std::to_string(i)}});
  one.Add(2);
  EXPECT_EQ(&metrics.Counter("one_total", {{"a", "b"}}), &one);
  EXPECT_THAT(metrics.Text(), HasSubstr("one_total{a=\"b\"} 2\n"));
}

TEST(Metrics, AFamilyMayHaveTwoNames) {
  MetricRegistry metrics;
  metrics.Describe("one_total", "One.");
  metrics.Alias("one_total", "other");
  EXPECT_EQ(metrics.Text(), "");
  metrics.Add("one_total", {{"a", "b"}}, 2);
  EXPECT_EQ(metrics.Text(),
            "# HELP one_total One.\n# TYPE one_total counter\none_total{a=\"b\"} 2\n"
            "# HELP other One.\n# TYPE other counter\nother{a=\"b\"} 2\n");
}

TEST(Admin, TimesAreRfc3339) {
  using std::chrono::nanoseconds;
  const auto at = [](std::int64_t ns) {
    return FormatRfc3339(std::chrono::system_clock::time_point(
        std::chrono::duration_cast<std::chrono::system_clock::duration>(nanoseconds(ns))));
  };
  EXPECT_EQ(at(1795376030375022592), "2026-11-22T19:33:50.375022592Z");
  EXPECT_EQ(at(1795376030000000000), "2026-11-22T19:33:50Z");
}

}  // namespace
}  // namespace tracestore::server
