// Properties of the Zipkin codec on generated and damaged input.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "codec/testing/arbitrary_batch.h"
#include "codec/zipkin/zipkin_json.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;

std::string Encode(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  EncodeZipkinSpans(batch, rows, out);
  return out;
}

void ExpectSame(const SpanBatch& a, const SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    ASSERT_TRUE(SpansEqual(a, a.spans[i], b, b.spans[i])) << "row " << i << "\n"
                                                          << DescribeSpan(a, a.spans[i]) << "\n"
                                                          << DescribeSpan(b, b.spans[i]);
  }
}

// Zipkin's normal form: tags by key, annotations by time and value, no client that shares its span,
// no span that is its own parent.
void Normalize(SpanBatch& batch) {
  for (auto& span : batch.spans) {
    if (span.kind == SpanKind::kClient) span.kind = SpanKind::kServer;
    if (span.parent_id == span.span_id) span.parent_id = {};
    const auto tags = batch.attributes.begin() + span.attributes.begin;
    const auto end = std::stable_partition(tags, tags + span.attributes.count,
                                           [](const auto& tag) { return !tag.synthetic(); });
    std::sort(tags, end,
              [&](const auto& a, const auto& b) { return batch.text(a.key) < batch.text(b.key); });
    const auto events = batch.events.begin() + span.events.begin;
    std::sort(events, events + span.events.count, [&](const auto& a, const auto& b) {
      return std::pair(a.time_ns, batch.text(a.name)) < std::pair(b.time_ns, batch.text(b.name));
    });
  }
}

TEST(ZipkinJsonProperty, DecodesWhatItEncoded) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kZipkin;
    SpanBatch batch = ArbitraryBatch(seed, options);
    Normalize(batch);
    const std::string text = Encode(batch);
    SpanBatch again;
    const auto report = DecodeZipkinJson(text, again, {.strict = true});
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
    ASSERT_EQ(Encode(again), text);
  }
}

// What Zipkin's format can't say is lost once; from then on nothing changes.
TEST(ZipkinJsonProperty, ConvertsEveryOriginToStableJson) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = seed % 2 == 0 ? Origin::kOtlp : Origin::kJaeger;
    options.beyond_origin = seed % 5 == 0;
    options.unknown_fields = seed % 3 == 0;
    options.invalid_utf8 = seed % 7 == 0;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    SpanBatch zipkin;
    const auto report = DecodeZipkinJson(Encode(batch), zipkin, {.strict = true});
    ASSERT_TRUE(report.has_value()) << report.error().message();
    ASSERT_EQ(zipkin.size(), batch.size());
    for (std::size_t i = 0; i < batch.size(); ++i) {
      ASSERT_EQ(zipkin.spans[i].trace_id, batch.spans[i].trace_id);
      ASSERT_EQ(zipkin.spans[i].span_id, batch.spans[i].span_id);
      // A Zipkin span that no decoder made may have failed without the tag that says so.
      if (options.beyond_origin) continue;
      ASSERT_EQ(zipkin.spans[i].status == StatusCode::kError,
                batch.spans[i].status == StatusCode::kError);
    }
    SpanBatch again;
    ASSERT_TRUE(DecodeZipkinJson(Encode(zipkin), again).has_value());
    ASSERT_NO_FATAL_FAILURE(ExpectSame(zipkin, again));
  }
}

TEST(ZipkinJsonProperty, RefusesEveryTruncation) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  options.spans = 6;
  const std::string text = Encode(ArbitraryBatch(3, options));
  for (std::size_t cut = 0; cut < text.size(); ++cut) {
    SpanBatch batch;
    const auto report = DecodeZipkinJson(std::string_view(text).substr(0, cut), batch);
    ASSERT_FALSE(report.has_value()) << cut;
    ASSERT_EQ(report.error().code(), ErrorCode::kInvalidArgument);
    ASSERT_TRUE(batch.spans.empty() && batch.attributes.empty());
  }
}

// The same spans with a field that nobody knows, which only a tree is made of.
std::string WithUnknownField(const std::string& text) {
  const std::size_t at = text.find('{');
  if (at == std::string::npos) return text;
  const bool empty = text.find_first_not_of(" \n", at + 1) == text.find('}', at);
  return text.substr(0, at + 1) + "\"~\":[]" + (empty ? "" : ",") + text.substr(at + 1);
}

// Read as it stands and as a tree: the same spans, the same refusals.
void ExpectSameAsTree(const std::string& text, bool strict) {
  SpanBatch plain, tree;
  const auto a = DecodeZipkinJson(text, plain, {.strict = strict});
  const auto b = DecodeZipkinJson(WithUnknownField(text), tree, {.strict = strict});
  ASSERT_EQ(a.has_value(), b.has_value()) << text;
  if (!a.has_value()) return;
  ASSERT_EQ((*a).accepted, (*b).accepted) << text;
  ASSERT_EQ((*a).rejected, (*b).rejected) << text;
  ASSERT_NO_FATAL_FAILURE(ExpectSame(plain, tree)) << text;
}

TEST(ZipkinJsonProperty, PlainTextsAreReadAsATreeReadsThem) {
  for (std::uint64_t seed = 0; seed < 3000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    ArbitraryOptions options;
    options.origin = Origin::kZipkin;
    options.spans = 3;
    Random random(seed);
    std::string text = Encode(ArbitraryBatch(seed % 50, options));
    for (std::uint64_t i = seed < 50 ? 0 : 1 + random.Below(2); i > 0; --i) {
      // What stands in front of the first brace isn't damaged: the unknown field goes behind it.
      const std::size_t at = 2 + random.Below(text.size() - 2);
      constexpr std::string_view kTelling = "{}[]\",:0e-ntf\\u";
      if (random.Percent(30))
        text.insert(at, 1, kTelling[random.Below(kTelling.size())]);
      else if (random.Percent(30))
        text.erase(at, 1);
      else
        text[at] = static_cast<char>(random.Percent(60) ? kTelling[random.Below(kTelling.size())]
                                                        : text[at] ^ (1 << random.Below(8)));
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsTree(text, true));
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsTree(text, false));
  }
}

// Hosts whose texts begin or end alike, of which each may stand in any span, and near the end.
TEST(ZipkinJsonProperty, HostsThatComeAgainAreReadAsATreeReadsThem) {
  constexpr std::string_view kHosts[] = {
      R"({"serviceName":"shop","ipv4":"10.0.0.1","port":80})",
      R"({"serviceName":"shop","ipv4":"10.0.0.1","port":8080})",
      R"({"serviceName":"shop","ipv4":"10.0.0.1"})",
      R"({"serviceName":"Shop","ipv4":"10.0.0.1"})",
      R"({"serviceName":"shop"})",
      R"( {"serviceName":"shop"})",
      R"({"serviceName":"sh\u006fp","ipv4":"10.0.0.2"})",
      R"({"serviceName":"café","ipv6":"2001:db8::1"})",
      R"({"port":80,"ipv4":"10.0.0.1","serviceName":"shop"})",
      R"({"port":0})",
      R"({})",
      R"({"serviceName":"a service whose name is longer than what is looked at, one"})",
      R"({"serviceName":"a service whose name is longer than what is looked at, two"})"};
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto host = [&] { return std::string(kHosts[random.Below(std::size(kHosts))]); };
    std::string text = "[";
    for (std::uint64_t i = 2 + random.Below(12); i > 0; --i) {
      text += R"({"traceId":"a","id":"b)" + std::to_string(i) + "\"";
      if (random.Percent(5)) text += R"(,"localEndpoint":)" + host();
      if (random.Percent(40)) text += R"(,"tags":{"key":"value"})";
      if (random.Percent(90)) text += R"(,"localEndpoint":)" + host();
      if (random.Percent(30)) text += R"(,"remoteEndpoint":)" + host();
      text += i == 1 ? "}]" : "},";
    }
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsTree(text, true));
    ASSERT_NO_FATAL_FAILURE(ExpectSameAsTree(text, false));
  }
}

TEST(ZipkinJsonProperty, BearsDamagedBytes) {
  ArbitraryOptions options;
  options.origin = Origin::kZipkin;
  options.spans = 6;
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::string text = Encode(ArbitraryBatch(seed % 20, options));
    const std::uint64_t flips = 1 + random.Below(3);
    for (std::uint64_t i = 0; i < flips; ++i) {
      char& byte = text[random.Below(text.size())];
      // Bytes that mean something to JSON break more than random ones.
      byte = random.Percent(50) ? "{}[]\",:0e-ntf\\"[random.Below(14)]
                                : static_cast<char>(byte ^ (1 << random.Below(8)));
    }
    SpanBatch strict;
    const bool accepted = DecodeZipkinJson(text, strict, {.strict = true}).has_value();
    ASSERT_TRUE(accepted || strict.spans.empty());
    SpanBatch batch;
    const auto report = DecodeZipkinJson(text, batch);
    if (!report.has_value()) {
      ASSERT_TRUE(batch.spans.empty());
      continue;
    }
    ASSERT_EQ((*report).accepted, batch.size());
    SpanBatch again;
    ASSERT_TRUE(DecodeZipkinJson(Encode(batch), again).has_value());
    ASSERT_NO_FATAL_FAILURE(ExpectSame(batch, again));
  }
}

}  // namespace
}  // namespace tracestore::codec
