// Random filters over random traces, asked of segments and head, against an evaluator that walks
// the filter as it was made and reads the spans as they are.
#include <gtest/gtest.h>
#include <re2/re2.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "model/text.h"
#include "predicate/testing/random.h"
#include "query/query_test_support.h"
#include "query/search.h"
#include "server/jaeger/filter_naive_test_support.h"
#include "server/jaeger/filter_test_support.h"
#include "server/jaeger/v3_params.h"

namespace tracestore::server {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using namespace filter_naive;
using predicate::testing::Random;

std::string Rfc3339(std::uint64_t ns) {
  const std::chrono::sys_seconds seconds{std::chrono::seconds(ns / 1'000'000'000)};
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date(day);
  const auto of_day = static_cast<unsigned>((seconds - day).count());
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02u:%02u:%02u.%09uZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), of_day / 3600, of_day / 60 % 60, of_day % 60,
                static_cast<unsigned>(ns % 1'000'000'000));
  return text;
}

class Maker {
 public:
  Maker(std::uint64_t seed, const SpanBatch& sample) : random_(seed), sample_(sample) {}

  Node Call(int depth) {
    const std::uint32_t which = depth == 0 ? 9 : random_.Below(12);
    switch (which) {
      case 0:
      case 1:
        return Make(random_.Pick<const char*>({"and", "and", "or"}),
                    {Call(depth - 1), Call(depth - 1)});
      case 2: return Make("not", {Call(depth - 1)});
      case 3:
      case 4: return Some(depth);
      default: return Leaf();
    }
  }

 private:
  static Node Make(const std::string& op, std::vector<Node> args) {
    Node node;
    node.what = op;
    node.args = std::move(args);
    return node;
  }

  Node Some(int depth) {
    const bool event = random_.Percent(70);
    bool& inside = event ? in_event_ : in_link_;
    if (inside) return Call(depth - 1);
    inside = true;
    Node collection;
    collection.what = "nested";
    collection.level = event ? "event" : "link";
    Node node = Make("some", {collection, Call(depth - 1)});
    inside = false;
    return node;
  }

  const SpanRecord& AnySpan() { return sample_.spans[random_.Below(sample_.size())]; }

  Node Attribute() {
    Node node;
    node.what = "attr";
    node.level =
        random_.Pick<const char*>({"", "", "span", "resource", "scope", "event", "event", "link"});
    if (in_event_ && random_.Percent(40)) node.level = "event";
    node.name = sample_.text(sample_.attributes[random_.Below(sample_.attributes.size())].key);
    return node;
  }

  Node FieldNode() {
    static constexpr const char* kNames[] = {"span.traceID",
                                             "span.spanID",
                                             "span.parentSpanID",
                                             "span.traceState",
                                             "span.name",
                                             "span.statusMessage",
                                             "span.kind",
                                             "span.status",
                                             "span.duration",
                                             "span.startTime",
                                             "span.endTime",
                                             "resource.service",
                                             "resource.schemaURL",
                                             "scope.name",
                                             "scope.version",
                                             "scope.schemaURL",
                                             "event.name",
                                             "event.time",
                                             "event.timeSinceStart",
                                             "link.traceID",
                                             "link.spanID",
                                             "link.traceState"};
    const std::string name = kNames[random_.Below(std::size(kNames))];
    Node node;
    node.what = "field";
    node.level = name.substr(0, name.find('.'));
    node.name = name.substr(name.find('.') + 1);
    return node;
  }

  static char DomainOf(const Node& reference) {
    if (reference.what == "attr") return '?';
    const std::string& name = reference.name;
    if (name == "duration" || name == "timeSinceStart") return 'd';
    if (name == "time" || name == "startTime" || name == "endTime") return 'i';
    return name == "kind" || name == "status" ? 'w' : 't';
  }

  // A value as some span has it, or one nearby.
  void AddValue(const Node& reference, Node& constant) {
    std::vector<Value> values;
    for (int i = 0; i < 20 && values.empty(); ++i)
      values = Reader(sample_, AnySpan()).Read(reference);
    Value value;
    if (!values.empty()) value = values[random_.Below(values.size())];
    const char domain = DomainOf(reference);
    if (domain == 'd') {
      auto ns =
          static_cast<std::int64_t>(std::min<long double>(value.ns, 9'000'000'000'000'000'000.0L));
      ns += static_cast<std::int64_t>(random_.Below(3)) - 1;
      if (random_.Percent(5)) ns = -ns;
      constant.values.push_back(std::to_string(ns) + "ns");
      constant.ns.push_back(static_cast<long double>(ns));
    } else if (domain == 'i') {
      auto ns = static_cast<std::uint64_t>(
          std::min<long double>(value.ns, 18'446'744'071'000'000'000.0L));
      ns += random_.Below(3);
      constant.values.push_back(Rfc3339(ns));
      constant.ns.push_back(static_cast<long double>(ns));
    } else {
      std::string text = value.text;
      if (domain == 'w' && text.empty()) text = reference.name == "kind" ? "server" : "ok";
      if (domain == 't' && random_.Percent(20)) text = text.substr(0, random_.Below(4));
      constant.values.push_back(TextOfType(constant, domain, text));
    }
  }

  // A constant that declares a type has to be of it.
  std::string TextOfType(const Node& constant, char domain, const std::string& text) {
    if (domain != '?' || constant.type.empty() || constant.type == "string") return text;
    if (constant.type == "bool") return random_.Pick<const char*>({"true", "false", "1", "T"});
    if (constant.type == "int") {
      char* end = nullptr;
      const long long number = std::strtoll(text.c_str(), &end, 10);
      return std::to_string(*end == '\0' ? number : random_.Pick({200LL, 500LL, 0LL}));
    }
    return random_.Pick<const char*>({"0.5", "2.0", "0", "-0", "1e300", "Infinity", "-Inf", "NaN"});
  }

  Node Constant(const Node& reference, bool list) {
    Node constant;
    constant.what = list ? "list" : "value";
    if (DomainOf(reference) == '?') {
      constant.type = random_.Pick<const char*>({"string", "int", "double", "bool"});
      if (!list && random_.Percent(50)) constant.type = "";
      if (reference.name == "ratio" && random_.Percent(60)) constant.type = "double";
    }
    for (std::uint32_t i = list ? random_.Below(3) + 1 : 1; i > 0; --i)
      AddValue(reference, constant);
    return constant;
  }

  Node Leaf() {
    const bool attribute = random_.Percent(50);
    const Node left = attribute ? Attribute() : FieldNode();
    const char domain = DomainOf(left);
    const std::uint32_t kind = random_.Below(10);
    if (kind == 0) return Make("exists", {left});
    if (kind == 1 && domain != 'd' && domain != 'i') return Regex(left);
    if (kind <= 3) return Make(random_.Percent(60) ? "in" : "not_in", {left, Constant(left, true)});
    std::string op = random_.Pick<const char*>({"eq", "eq", "ne", "gt", "gte", "lt", "lte"});
    const auto unordered = [](const Node& node) {
      return DomainOf(node) == 'w' || node.type == "bool";
    };
    Node right = Constant(left, false);
    if (kind == 4) {
      Node other = random_.Percent(50) ? Attribute() : FieldNode();
      const char of_other = DomainOf(other);
      const auto group = [](char d) { return d == 'w' ? 't' : d; };
      if (domain == '?' || of_other == '?' || group(domain) == group(of_other)) right = other;
    }
    const bool constant = IsConstant(right);
    if (unordered(left) || (constant ? right.type == "bool" : unordered(right)))
      op = random_.Pick<const char*>({"eq", "ne"});
    if (random_.Percent(20)) return Make(op, {right, left});
    return Make(op, {left, right});
  }

  Node Regex(const Node& left) {
    Node pattern;
    pattern.what = "value";
    AddValue(left, pattern);
    const std::string text = pattern.values[0].substr(0, random_.Below(5) + 1);
    pattern.values[0] = (model::IsUtf8(text) ? re2::RE2::QuoteMeta(text) : std::string(".")) +
                        random_.Pick<const char*>({"", "[a-z]?", ".*", "|zzz"});
    return Make("regex", {left, pattern});
  }

  Random random_;
  const SpanBatch& sample_;
  bool in_event_ = false;
  bool in_link_ = false;
};

std::set<TraceId> Expected(const SpanBatch& all, const Node& filter) {
  std::set<TraceId> ids;
  for (const SpanRecord& span : all.spans) {
    const bool counts = span.has_start() && span.start_ns <= 18'446'744'072'000'000'000ULL &&
                        (span.flags & model::kFlagFirehose) == 0;
    if (counts && !ids.contains(span.trace_id) && Evaluate(all, span, filter))
      ids.insert(span.trace_id);
  }
  return ids;
}

TEST(FilterProperty, EqualsAWalkOverTheFilter) {
  std::uint64_t found_some = 0;
  std::uint64_t asked = 0;
  for (std::uint64_t seed = 1; seed < 25; ++seed) {
    query::testing::TestWorld world;
    query::testing::FillSmallWorld(seed, world);
    if (world.all().empty()) continue;
    for (std::uint64_t i = 0; i < 60; ++i) {
      const Node filter = Maker(seed * 1000 + i, world.all()).Call(3);
      const std::string json = JsonOf(filter);
      SCOPED_TRACE("world " + std::to_string(seed) + " filter " + std::to_string(i) + ": " + json);
      const auto params = net::QueryParams::Parse(
          "query.start_time_min=1970-01-01T00:00:00Z&query.start_time_max=2554-07-21T23:34:32Z&"
          "query.filter=" +
          filter_json::Escaped(json));
      ASSERT_TRUE(params.has_value());
      auto search = ParseV3Search(*params);
      ASSERT_TRUE(search.has_value()) << search.error().message();
      search->query.limit = 0;
      const auto page = query::FindTraces(world.data(), search->query);
      ASSERT_TRUE(page.has_value()) << page.error().message();
      std::set<TraceId> found;
      for (const auto& trace : page->traces) found.insert(trace.trace_id);
      const std::set<TraceId> expected = Expected(world.all(), filter);
      ASSERT_EQ(found, expected);
      ++asked;
      found_some += !found.empty();
    }
  }
  EXPECT_GT(asked, 1000u);
  EXPECT_GT(found_some, asked / 3);  // filters that never match prove little
}

}  // namespace
}  // namespace tracestore::server
