#include "codec/jaeger/query_requests.h"

#include <gtest/gtest.h>

#include <limits>

#include "codec/jaeger/query_fields.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = jaeger_query_field;

std::string Text(std::uint32_t number, std::string_view value) {
  std::string out;
  WireWriter(out).BytesAlways(number, value);
  return out;
}
std::string Varint(std::uint32_t number, std::uint64_t value) {
  std::string out;
  WireWriter(out).UintAlways(number, value);
  return out;
}
std::string Time(std::uint32_t number, std::int64_t seconds, std::int64_t nanos) {
  return Text(number, Varint(1, static_cast<std::uint64_t>(seconds)) +
                          Varint(2, static_cast<std::uint64_t>(nanos)));
}
JaegerFindTraces Find(const std::string& query) {
  const auto find = DecodeJaegerFindTraces(Text(field::kFindQuery, query));
  EXPECT_TRUE(find.has_value()) << find.error().message();
  return find.has_value() ? *find : JaegerFindTraces();
}

TEST(JaegerQueryRequests, TellsAMissingQueryFromAnEmptyOne) {
  EXPECT_FALSE(DecodeJaegerFindTraces("")->has_query);
  EXPECT_TRUE(Find("").has_query);
}

TEST(JaegerQueryRequests, ReadsASearch) {
  const JaegerFindTraces find = Find(
      Text(1, "fe") + Text(2, "GET /") + Text(3, Text(1, "a") + Text(2, "1")) +
      Text(3, Text(1, "b")) + Text(3, Text(1, "a") + Text(2, "2")) + Time(4, 5, 6) + Time(5, 7, 0) +
      Time(6, 0, 1'000) + Time(7, 2, 500'000'000) + Varint(8, 20) + Varint(9, 1) + Text(99, "new"));
  EXPECT_EQ(find.service, "fe");
  EXPECT_EQ(find.operation, "GET /");
  EXPECT_EQ(find.attributes, (std::map<std::string, std::string>{{"a", "2"}, {"b", ""}}));
  EXPECT_EQ(find.start_min_ns, 5'000'000'006u);
  EXPECT_EQ(find.start_max_ns, 7'000'000'000u);
  EXPECT_EQ(find.duration_min_ns, 1'000);
  EXPECT_EQ(find.duration_max_ns, 2'500'000'000);
  EXPECT_EQ(find.depth, 20);
  EXPECT_TRUE(find.raw);
  EXPECT_FALSE(find.filter.has_value());
  const std::string filtered = Text(1, Text(10, "call"));
  EXPECT_EQ(DecodeJaegerFindTraces(filtered)->filter, "call");
  const std::string empty = Text(1, Text(10, ""));
  EXPECT_EQ(DecodeJaegerFindTraces(empty)->filter, "");
}

TEST(JaegerQueryRequests, TellsAnAbsentTimeFromTheYear1970) {
  EXPECT_FALSE(Find("").start_min_ns.has_value());
  EXPECT_EQ(Find(Text(4, "")).start_min_ns, 0u);
}

TEST(JaegerQueryRequests, CutsTimesOffAtTheirEnds) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(Find(Time(4, -1, 5)).start_min_ns, 0u);
  EXPECT_EQ(Find(Time(4, kMost, 0)).start_min_ns, std::numeric_limits<std::uint64_t>::max());
  EXPECT_EQ(Find(Time(4, 1, -5)).start_min_ns, 1'000'000'000u);
  EXPECT_EQ(Find(Time(6, -1, -500'000'000)).duration_min_ns, -1'500'000'000);
  EXPECT_GT(Find(Time(6, kMost, 0)).duration_min_ns, std::int64_t{9'000'000'000'000'000'000});
  EXPECT_LT(Find(Time(6, -kMost, 0)).duration_min_ns, std::int64_t{-9'000'000'000'000'000'000});
  EXPECT_EQ(Find(Varint(8, static_cast<std::uint64_t>(-3))).depth, -3);
}

TEST(JaegerQueryRequests, GosTimeThatNobodySetIsAbsent) {
  const JaegerFindTraces find = Find(Time(4, -62'135'596'800, 0) + Time(5, -62'135'596'800, 1));
  EXPECT_EQ(find.start_min_ns, std::nullopt);
  EXPECT_EQ(find.start_max_ns, 0u);
}

TEST(JaegerQueryRequests, ReadsASearchOfAStorage) {
  const std::string key_value = Text(1, "a") + Text(2, Varint(3, 1));
  const std::string message = Text(
      field::kFindQuery,
      Text(1, "fe") + Text(3, key_value) + Text(3, "") + Time(4, 5, 6) + Varint(8, 20) +
          Varint(9, 1) + Text(9, "filter") + Text(10, Varint(1, 7) + Text(2, "next")) +
          Text(99, "new"));
  const auto asked = DecodeJaegerStorageFind(message);
  ASSERT_TRUE(asked.has_value()) << asked.error().message();
  EXPECT_TRUE(asked->find.has_query);
  EXPECT_EQ(asked->find.service, "fe");
  EXPECT_EQ(asked->find.start_min_ns, 5'000'000'006u);
  EXPECT_EQ(asked->find.depth, 20);
  EXPECT_EQ(asked->find.filter, "filter");
  EXPECT_TRUE(asked->find.attributes.empty());
  EXPECT_EQ(asked->attributes, (std::vector<std::string_view>{key_value, ""}));
  EXPECT_EQ(asked->page_size, 7u);
  EXPECT_EQ(asked->page_token, "next");
  const auto pages = DecodeJaegerStorageFind(Text(1, Text(10, "\x0a\x7f")));
  EXPECT_FALSE(pages.has_value());
}

TEST(JaegerQueryRequests, ReadsTheIdsOfTraces) {
  const std::string message = Text(1, Text(1, "one") + Time(2, 1, 0)) + Text(1, "") +
                              Varint(1, 5) + Text(1, Text(1, "two"));
  const auto ids = DecodeJaegerGetTraces(message);
  ASSERT_TRUE(ids.has_value()) << ids.error().message();
  EXPECT_EQ(*ids, (std::vector<std::string_view>{"one", "", "two"}));
  EXPECT_FALSE(DecodeJaegerGetTraces(Text(1, "\x0a\x7f")).has_value());
}

TEST(JaegerQueryRequests, MergesMessagesThatComeTwice) {
  const auto find = DecodeJaegerFindTraces(Text(1, Text(1, "a") + Text(4, Varint(1, 3))) +
                                           Text(1, Text(2, "b") + Text(4, Varint(2, 4))));
  EXPECT_EQ(find->service, "a");
  EXPECT_EQ(find->operation, "b");
  EXPECT_EQ(find->start_min_ns, 3'000'000'004u);
}

TEST(JaegerQueryRequests, ReadsTheOthers) {
  const std::string message = Text(1, "0123456789abcdef") + Time(2, 1, 1) + Varint(4, 1);
  const auto get = DecodeJaegerGetTrace(message);
  EXPECT_EQ(get->trace_id, "0123456789abcdef");
  EXPECT_TRUE(get->raw);
  const std::string of_service = Text(1, "fe") + Text(2, "server");
  const auto operations = DecodeJaegerGetOperations(of_service);
  EXPECT_EQ(operations->service, "fe");
  EXPECT_EQ(operations->span_kind, "server");
  const auto dependencies = DecodeJaegerGetDependencies(Time(1, 1, 0));
  EXPECT_EQ(dependencies->start_ns, 1'000'000'000u);
  EXPECT_FALSE(dependencies->end_ns.has_value());
}

TEST(JaegerQueryRequests, RefusesWhatIsNoProtobuf) {
  const auto refused = [](const auto& result) {
    ASSERT_FALSE(result.has_value());
    EXPECT_EQ(result.error().code(), ErrorCode::kInvalidArgument);
    EXPECT_EQ(result.error().message(),
              "the request can't be read: a field runs past the end of its message");
  };
  refused(DecodeJaegerGetTrace("\x0A\x10xx"));
  refused(DecodeJaegerFindTraces("\x0A\x10xx"));
  for (const std::uint32_t within : {3u, 4u, 5u, 6u, 7u})
    refused(DecodeJaegerFindTraces(Text(1, Text(within, "\x0A\x10xx"))));
  refused(DecodeJaegerGetOperations("\x0A\x10xx"));
  refused(DecodeJaegerGetDependencies("\x0A\x10xx"));
  refused(DecodeJaegerGetDependencies(Text(2, "\x0A\x10xx")));
}

}  // namespace
}  // namespace tracestore::codec
