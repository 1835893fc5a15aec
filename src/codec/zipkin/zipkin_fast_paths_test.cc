// What the decoder reads many bytes at a time, or looks up, against what each byte says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_text.h"

namespace tracestore::codec {
namespace {

bool Takes(const std::string& id, bool strict, TraceId* read) {
  model::SpanBatch batch;
  const auto report = DecodeZipkinJson(R"([{"traceId":")" + id + R"(","id":"1"}])", batch,
                                       {.strict = strict});
  if (!report.has_value() || batch.spans.empty()) return false;
  *read = batch.spans[0].trace_id;
  return true;
}

// Digit by digit, and by each byte that may stand in JSON's text as it is.
TEST(ZipkinFastPaths, EachByteOfAnId) {
  const std::string digits = "0123456789abcdef";
  for (const std::size_t size : {std::size_t{16}, std::size_t{32}}) {
    for (std::size_t at = 0; at < size; ++at) {
      for (char c = ' '; c <= '~'; ++c) {
        if (c == '"' || c == '\\') continue;
        std::string id = (digits + digits).substr(0, size);
        id[at] = c;
        const bool lower = digits.find(c) != std::string::npos;
        const bool capital = c >= 'A' && c <= 'F';
        TraceId read;
        EXPECT_EQ(Takes(id, true, &read), lower) << id;
        ASSERT_EQ(Takes(id, false, &read), lower || capital) << id;
        if (!lower && !capital) continue;
        const std::string low = ZipkinLowerCase(id);
        EXPECT_EQ(read.ToHex(), size == 32 ? low : "0000000000000000" + low) << id;
      }
    }
  }
}

TEST(ZipkinFastPaths, EachByteOfAName) {
  for (std::size_t size = 1; size <= 20; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'm');
        text[at] = static_cast<char>(byte);
        EXPECT_EQ(IsZipkinLowerCase(text), byte < 0x80 && !(byte >= 'A' && byte <= 'Z')) << byte;
      }
    }
  }
}

// More hosts than are kept, by turns, some with the same looks.
TEST(ZipkinFastPaths, ManyRemoteHosts) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 100; ++i) {
    const std::string n = std::to_string(i);
    hosts.push_back(R"({"serviceName":"s)" + n + R"(","ipv4":"10.0.0.)" + n + R"(","port":)" +
                    std::to_string(80 + i % 3) + "}");
    hosts.push_back(R"({"serviceName":"s)" + n + R"("})");
    hosts.push_back(R"({"ipv6":"2001:db8::)" + std::to_string(i + 1) + R"("})");
  }
  std::string text = "[";
  std::vector<std::string> expected;
  for (std::size_t i = 0; i < 3 * hosts.size(); ++i) {
    const std::string& host = hosts[i * 7 % hosts.size()];
    text += (i == 0 ? "" : ",") + (R"({"traceId":"000000000000000a","id":"000000000000000b")" +
                                   (R"(,"remoteEndpoint":)" + host) + "}");
    expected.push_back(host);
  }
  text += "]";
  model::SpanBatch batch;
  ASSERT_TRUE(DecodeZipkinJson(text, batch).has_value());
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    std::string one;
    EncodeZipkinSpans(batch, std::vector<std::uint32_t>{row}, one);
    EXPECT_NE(one.find(expected[row]), std::string::npos) << one << " has not " << expected[row];
  }
}

// Of keys that differ before, at and behind their eighth byte, also above 0x7F: in the order of bytes.
TEST(ZipkinFastPaths, TheOrderOfTags) {
  std::vector<std::string> keys = {"abcdefgh",  "abcdefg",   "abcdefghi", "abcdefgi", "abcdefgha",
                                   "\xC3\xA4" "bcdefgh", "a",   "abcdefg\xC3\xA4", "zz", "abcdefgz1",
                                   "bbcdefgh",  "abcdefghb"};
  std::string tags;
  for (const std::string& key : keys) tags += (tags.empty() ? "\"" : ",\"") + key + R"(":"v")";
  model::SpanBatch batch;
  ASSERT_TRUE(
      DecodeZipkinJson(R"([{"traceId":"a","id":"b","tags":{)" + tags + "}}]", batch).has_value());
  std::sort(keys.begin(), keys.end());
  ASSERT_EQ(batch.attributes.size(), keys.size());
  for (std::size_t i = 0; i < keys.size(); ++i)
    EXPECT_EQ(batch.text(batch.attributes[i].key), keys[i]);
}

}  // namespace
}  // namespace tracestore::codec
