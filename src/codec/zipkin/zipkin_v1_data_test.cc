// Random spans of version 1 become what Zipkin 3.6.1 made of them (tests/data/zipkin-v1-to-v2.txt).
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <string>

#include "base/testing/source_dir.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_message.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

// Each by itself, without the brackets of the list.
std::set<std::string> SpansOf(const SpanBatch& batch) {
  std::set<std::string> spans;
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    std::string list;
    EncodeZipkinSpans(batch, {&row, 1}, list);
    spans.insert(list.substr(1, list.size() - 2));
  }
  return spans;
}

TEST(ZipkinV1Data, BecomesWhatZipkinMadeOfIt) {
  std::ifstream in(base::SourceDir() + "/tests/data/zipkin-v1-to-v2.txt");
  ASSERT_TRUE(in.is_open());
  std::size_t compared = 0;
  std::string message;
  while (std::getline(in, message)) {
    std::set<std::string> expected;
    for (std::string line; std::getline(in, line) && !line.empty();) expected.insert(line);
    SpanBatch batch;
    const auto report = DecodeZipkinMessage(message, ZipkinEncoding::kJsonV1, batch);
    ASSERT_TRUE(report.has_value()) << report.error().message() << "\n" << message;
    EXPECT_EQ(SpansOf(batch), expected) << message;
    ++compared;
  }
  EXPECT_EQ(compared, 250U);
}

}  // namespace
}  // namespace tracestore::codec
