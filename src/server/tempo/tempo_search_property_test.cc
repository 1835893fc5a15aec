// Random searches of Tempo's API over random traces, through its handler, against a walk over plain
// spans that knows nothing of the store.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/tempo/tempo_api.h"

namespace tracestore::server {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kBegin = 1'700'000'000 * kSecond;
constexpr const char* kServices[] = {"front", "Back", "db", "back-office"};
constexpr const char* kNames[] = {"GET /", "get", "put", "a.b"};
constexpr const char* kKeys[] = {"error", "env", "http.url", "status.code", "region"};
constexpr const char* kValues[] = {"", "prod", "PROD-2", "true", "a b", "x=\\\"y\\\"", "7"};
constexpr const char* kStatuses[] = {"unset", "ok", "error"};

struct PlainSpan {
  std::uint64_t trace = 0, id = 0, parent = 0, start = 0, end = 0;
  std::string service, name;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> attributes, of_resource;  // JSON-escaped values
};

std::string Unescaped(std::string text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') ++i;
    out += text[i];
  }
  return out;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

struct PlainSearch {
  std::vector<std::pair<std::string, std::string>> tags;  // values unescaped
  std::uint64_t min_ms = 0, max_ms = 0;
  std::uint64_t start = 0, end = 0;  // seconds; both 0: all of time
  std::size_t limit = 1000;
};

// `text` holds `value`; of an empty value: is empty.
bool Has(const std::string& text, const std::string& value) {
  if (value.empty()) return text.empty();
  return Lower(text).find(Lower(value)) != std::string::npos;
}

bool MeetsTag(const PlainSpan& span, const std::string& key, const std::string& value) {
  if (key == "service.name") return Has(span.service, value);
  if (key == "name") return Has(span.name, value);
  if (key == "status.code")
    return value == kStatuses[span.status] || value == std::to_string(span.status);
  if (key == "error" && value == "true" && span.status == 2) return true;
  for (const auto* list : {&span.attributes, &span.of_resource}) {
    for (const auto& [name, text] : *list) {
      if (name == key && Has(Unescaped(text), value)) return true;
    }
  }
  return false;
}

class World {
 public:
  explicit World(std::uint64_t seed, std::size_t spans) : random_(seed) {
    for (std::size_t i = 0; i < spans; ++i) spans_.push_back(MakeSpan(i, spans / 5 + 1));
  }

  std::size_t Below(std::size_t n) { return random_() % n; }
  template <std::size_t N>
  std::string Pick(const char* const (&from)[N]) { return from[Below(N)]; }

  std::string Otlp() const {
    std::string out = R"({"resourceSpans":[)";
    for (const PlainSpan& span : spans_) {
      if (&span != &spans_[0]) out += ',';
      out += R"({"resource":{"attributes":[)" + Attribute("service.name", span.service);
      for (const auto& [key, value] : span.of_resource) out += ',' + Attribute(key, value);
      out += R"(]},"scopeSpans":[{"spans":[{"traceId":")" + Hex(span.trace, 32) +
             R"(","spanId":")" + Hex(span.id, 16) + R"(","name":")" + span.name +
             R"(","startTimeUnixNano":")" + std::to_string(span.start) +
             R"(","endTimeUnixNano":")" + std::to_string(span.end) + R"(","status":{"code":)" +
             std::to_string(span.status) + "}";
      if (span.parent != 0) out += R"(,"parentSpanId":")" + Hex(span.parent, 16) + '"';
      out += R"(,"attributes":[)";
      for (std::size_t i = 0; i < span.attributes.size(); ++i) {
        if (i > 0) out += ',';
        out += Attribute(span.attributes[i].first, span.attributes[i].second);
      }
      out += "]}]}]}";
    }
    return out + "]}";
  }

  PlainSearch Search() {
    PlainSearch search;
    std::set<std::string> keys;
    for (std::size_t i = Below(4); i > 0; --i) {
      std::string key = Pick(kKeys);
      std::string value = Unescaped(Pick(kValues));
      switch (Below(6)) {
        case 0: key = "service.name"; value = Part(Pick(kServices)); break;
        case 1: key = "name"; value = Part(Pick(kNames)); break;
        case 2: key = "status.code"; value = Below(2) == 0 ? Pick(kStatuses) : "2"; break;
        case 3: value = Part(value); break;
        default: break;
      }
      if (keys.insert(key).second) search.tags.emplace_back(key, value);
    }
    if (Below(3) == 0) search.min_ms = 1 + Below(3'000);
    if (Below(3) == 0) search.max_ms = search.min_ms + 1 + Below(3'000);
    if (Below(2) == 0) {
      search.start = kBegin / kSecond + Below(20);
      search.end = search.start + 1 + Below(10);
    }
    if (Below(5) == 0) search.limit = 1 + Below(4);
    return search;
  }

  // Ids of the traces that match, newest first.
  std::vector<std::string> Find(const PlainSearch& search) const {
    struct Trace {
      std::uint64_t start = std::numeric_limits<std::uint64_t>::max(), end = 0;
      std::vector<const PlainSpan*> in_range;
    };
    std::map<std::uint64_t, Trace> traces;
    for (const PlainSpan& span : spans_) {
      Trace& trace = traces[span.trace];
      trace.start = std::min(trace.start, span.start);
      trace.end = std::max(trace.end, span.end);
      if (search.start == 0 ||
          (span.start >= search.start * kSecond && span.start <= search.end * kSecond)) {
        trace.in_range.push_back(&span);
      }
    }
    std::vector<std::pair<std::uint64_t, std::uint64_t>> found;  // start, id
    for (const auto& [id, trace] : traces) {
      const std::uint64_t duration = trace.end - trace.start;
      if (trace.in_range.empty() || duration < search.min_ms * 1'000'000) continue;
      if (search.max_ms != 0 && duration > search.max_ms * 1'000'000) continue;
      const bool all = std::all_of(
          search.tags.begin(), search.tags.end(), [&](const auto& tag) {
            return std::any_of(trace.in_range.begin(), trace.in_range.end(), [&](const auto* span) {
              return MeetsTag(*span, tag.first, tag.second);
            });
          });
      if (all) found.emplace_back(trace.start, id);
    }
    std::sort(found.begin(), found.end(), [](const auto& a, const auto& b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    if (found.size() > search.limit) found.resize(search.limit);
    std::vector<std::string> ids;
    for (const auto& [start, id] : found) ids.push_back(Bare(id));
    return ids;
  }

 private:
  static std::string Hex(std::uint64_t value, std::size_t digits) {
    return TraceId{0, value}.ToHex().substr(32 - digits);
  }
  static std::string Bare(std::uint64_t value) {
    const std::string hex = Hex(value, 16);
    return hex.substr(hex.find_first_not_of('0'));
  }
  static std::string Attribute(const std::string& key, const std::string& value) {
    const bool number = value == "7";
    return R"({"key":")" + key + R"(","value":{")" + (number ? "intValue" : "stringValue") +
           R"(":")" + value + "\"}}";
  }
  std::string Part(const std::string& text) {
    if (text.empty()) return text;
    const std::size_t begin = Below(text.size());
    return text.substr(begin, 1 + Below(text.size() - begin));
  }

  PlainSpan MakeSpan(std::size_t number, std::size_t traces) {
    PlainSpan span;
    span.trace = 1 + Below(traces);
    span.id = number + 1;
    if (Below(2) == 0) span.parent = 1 + Below(number + 2);
    span.start = kBegin + Below(30) * kSecond + (Below(3) == 0 ? 0 : Below(kSecond));
    span.end = span.start + Below(4 * kSecond);
    span.service = Pick(kServices);
    span.name = Pick(kNames);
    span.status = static_cast<int>(Below(3));
    for (std::size_t i = Below(3); i > 0; --i)
      span.attributes.emplace_back(Pick(kKeys), Pick(kValues));
    if (Below(3) == 0) span.of_resource.emplace_back(Pick(kKeys), Pick(kValues));
    return span;
  }

  std::mt19937_64 random_;
  std::vector<PlainSpan> spans_;
};

std::string Encoded(const std::string& text) {
  std::string out;
  constexpr const char* kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string Target(const PlainSearch& search) {
  std::string tags;
  for (const auto& [key, value] : search.tags) tags += key + '=' + Quoted(value) + ' ';
  std::string out = "/api/search?limit=" + std::to_string(search.limit) + "&tags=" + Encoded(tags);
  if (search.min_ms != 0) out += "&minDuration=" + std::to_string(search.min_ms) + "ms";
  if (search.max_ms != 0) out += "&maxDuration=" + std::to_string(search.max_ms) + "ms";
  if (search.start != 0) {
    out += "&start=" + std::to_string(search.start) + "&end=" + std::to_string(search.end);
  }
  return out;
}

// The whole body, streamed or not.
std::string Ask(const net::HttpHandler& handler, const std::string& target) {
  net::HttpRequest request;
  request.method = "GET";
  EXPECT_TRUE(request.SetTarget(target).has_value()) << target;
  const net::HttpResponse response = handler(request);
  EXPECT_EQ(response.status, 200) << response.body;
  if (!response.stream) return response.body;
  std::string body;
  for (bool more = true; more;) {
    std::string chunk;
    const auto next = response.stream(chunk);
    EXPECT_TRUE(next.has_value());
    more = next.has_value() && *next;
    body += chunk;
  }
  return body;
}

std::vector<std::string> IdsOf(const std::string& body) {
  std::vector<std::string> ids;
  constexpr std::string_view kKey = "\"traceID\":\"";
  for (auto at = body.find(kKey); at != std::string::npos; at = body.find(kKey, at + 1)) {
    const auto begin = at + kKey.size();
    ids.push_back(body.substr(begin, body.find('"', begin) - begin));
  }
  return ids;
}

net::HttpHandler HandlerOf(const World& world) {
  AppendResult report;
  auto snapshot = SnapshotOfFiles({world.Otlp()}, report);
  EXPECT_TRUE(snapshot.has_value());
  EXPECT_EQ(report.rejected, 0U) << report.first_error;
  TempoQueryOptions options;
  options.snapshot = [shared = *snapshot]() -> Result<Snapshot> { return shared; };
  return MakeTempoQueryHandler(std::move(options));
}

TEST(TempoSearchProperty, EqualsAWalkOverPlainSpans) {
  std::size_t found = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world(seed, 60);
    const net::HttpHandler handler = HandlerOf(world);
    for (int i = 0; i < 60; ++i) {
      const PlainSearch search = world.Search();
      const std::string target = Target(search);
      SCOPED_TRACE("seed " + std::to_string(seed) + ": " + target);
      const std::vector<std::string> expected = world.Find(search);
      EXPECT_EQ(IdsOf(Ask(handler, target)), expected);
      found += expected.size();
    }
  }
  EXPECT_GT(found, 1'000U);  // the searches are not all in vain
}

TEST(TempoSearchProperty, ALongAnswerIsStreamedWhole) {
  World world(7, 4'000);
  const net::HttpHandler handler = HandlerOf(world);
  PlainSearch search;
  search.limit = 5'000;
  const std::vector<std::string> expected = world.Find(search);
  EXPECT_GT(expected.size(), 700U);
  net::HttpRequest request;
  request.method = "GET";
  ASSERT_TRUE(request.SetTarget(Target(search)).has_value());
  EXPECT_TRUE(handler(request).stream);
  EXPECT_EQ(IdsOf(Ask(handler, Target(search))), expected);
  search.limit = 450;  // no whole number of pages
  EXPECT_EQ(IdsOf(Ask(handler, Target(search))), world.Find(search));
}

}  // namespace
}  // namespace tracestore::server
