// Summaries of many traces: all of them, in order, and none before its turn.
#include "server/jaeger/found_summaries.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "api_v3/query_service.pb.h"
#include "codec/wire/wire_reader.h"
#include "server/jaeger/query_grpc_test_support.h"
#include "server/storage/storage_v2.h"

namespace tracestore::server {
namespace {

// So many traces of one span, the first the newest, whose operations have long names.
std::string ManyTraces(std::uint64_t count) {
  std::string text = R"({"resourceSpans":[{"scopeSpans":[{"spans":[)";
  const std::string name(300, 'n');
  for (std::uint64_t i = 1; i <= count; ++i) {
    text += R"({"traceId":")" + TraceId{1, i}.ToHex() +
            R"(","spanId":"00f067aa0ba902b7","name":")" + name + R"(","startTimeUnixNano":")" +
            std::to_string(kTraceStart - i) + "\"},";
  }
  text.back() = ']';
  return text + "}]}]}";
}

class FoundSummariesTest : public JaegerGrpc {
 protected:
  void SetUp() override {}
  // The low halves of ids, as they come, five at a time.
  std::vector<std::uint64_t> Read(Query query, std::uint32_t at_a_time) {
    const JaegerQuerySource source(options);
    const auto found = FoundSummaries::Open(source, stop.get_token(), std::move(query), at_a_time);
    EXPECT_TRUE(found.has_value());
    std::vector<std::uint64_t> ids;
    while (!(*found)->done()) {
      std::string out;
      const Status written = (*found)->WriteTo(out, 5, [&](const TraceSummary& summary) {
        out += '.';
        ids.push_back(summary.trace_id.low);
      });
      EXPECT_TRUE(written.has_value());
      if (!written.has_value()) break;
    }
    next_page = (*found)->next_page();
    return ids;
  }

  std::string next_page;
};

TEST_F(FoundSummariesTest, GivesAllInOrderHoweverManyAreFoundAtATime) {
  Serve({ManyTraces(40)});
  std::vector<std::uint64_t> all;
  for (std::uint64_t i = 1; i <= 40; ++i) all.push_back(i);
  for (const std::uint32_t at_a_time : {1U, 3U, 5U, 10U, 39U, 40U, 41U}) {
    Query unlimited;
    unlimited.limit = 0;
    EXPECT_EQ(Read(unlimited, at_a_time), all) << at_a_time;
    EXPECT_EQ(next_page, "");
    for (const std::uint32_t limit : {1U, 5U, 10U, 12U, 40U, 50U}) {
      Query query;
      query.limit = limit;
      const std::size_t some = std::min<std::size_t>(limit, all.size());
      EXPECT_EQ(Read(query, at_a_time), std::vector(all.begin(), all.begin() + some));
      EXPECT_EQ(next_page.empty(), limit >= 40) << limit;
      if (next_page.empty()) continue;
      query.limit = 0;
      query.cursor = next_page;
      EXPECT_EQ(Read(query, at_a_time), std::vector(all.begin() + some, all.end())) << limit;
    }
  }
  Query none;
  none.Service("nobody");
  EXPECT_TRUE(Read(none, 3).empty());
}

constexpr std::uint64_t kMany = 9'000;  // some messages

// storage.v2's, whose search has no limit: a request with an empty query.
TEST_F(FoundSummariesTest, AStorageTellsAllWithoutALimit) {
  Serve({ManyTraces(kMany)});
  methods = StorageV2Readers(options);
  service = "/jaeger.storage.v2.TraceReader/";
  const GrpcAnswer answer = CallBytes("FindTraceSummaries", std::string("\x0a\x00", 2));
  EXPECT_EQ(answer.code, net::GrpcCode::kOk) << answer.message;
  EXPECT_GE(answer.messages.size(), 3U);
  std::size_t summaries = 0;
  for (const std::string& message : answer.messages) {
    codec::WireReader reader(message);
    while (reader.Next()) {
      summaries += reader.tag() == codec::WireTag(1, codec::kWireBytes) ? 1 : 0;
      reader.Skip();
    }
    EXPECT_TRUE(reader.done());
  }
  EXPECT_EQ(summaries, kMany);
}

// What is told later is made later: a call that ends leaves it undone.
TEST_F(FoundSummariesTest, NoneIsMadeBeforeItsTurn) {
  Serve({ManyTraces(kMany)});
  methods.merge(StorageV2Readers(options));
  jaeger::api_v3::FindTraceSummariesRequest query;
  query.mutable_query()->mutable_start_time_min()->set_seconds(1795376030);
  query.mutable_query()->mutable_start_time_max()->set_seconds(1795376031);
  query.mutable_query()->set_search_depth(100'000);
  for (const auto& [method, message] :
       {std::pair("/jaeger.api_v3.QueryService/FindTraceSummaries", query.SerializeAsString()),
        std::pair("/jaeger.storage.v2.TraceReader/FindTraceSummaries",
                  std::string("\x0a\x00", 2))}) {
    std::stop_source ending;
    net::RawRequest request;
    request.message = message;
    request.stop = ending.get_token();
    const net::RawReply reply = methods.at(method)(request);
    std::string bytes;
    ASSERT_FALSE(reply.stream(bytes).has_value()) << method;
    EXPECT_GT(bytes.size(), 1'000'000U);
    ending.request_stop();
    bytes.clear();
    const auto end = reply.stream(bytes);
    ASSERT_TRUE(end.has_value()) << method;
    EXPECT_EQ(end->code, net::GrpcCode::kDeadlineExceeded);
  }
}

}  // namespace
}  // namespace tracestore::server
