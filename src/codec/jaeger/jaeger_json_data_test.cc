// Jaeger JSON on real files: decode, encode and decode again give equal spans, and the JSON written
// says what the JSON read said, field by field. The comparison reads both texts by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>

#include "base/testing/source_dir.h"
#include "codec/jaeger/jaeger_json.h"
#include "codec/json/json_dom.h"
#include "model/text.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::element_type;
using simdjson::dom::object;

const std::filesystem::path kData = base::SharedData();

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::optional<element> Field(element value, std::string_view key) {
  element found;
  if (value.at_key(key).get(found) != simdjson::SUCCESS) return std::nullopt;
  if (found.type() == element_type::NULL_VALUE) return std::nullopt;
  return found;
}

std::string Text(std::optional<element> value) { return value ? PlainTextOf(*value) : ""; }

std::string Number(std::optional<element> value) {
  return value ? std::to_string(IntegerOf(*value).value_or(-1)) : "0";
}

std::vector<element> Items(std::optional<element> list) {
  std::vector<element> items;
  array values;
  if (list && list->get(values) == simdjson::SUCCESS)
    for (const element value : values) items.push_back(value);
  return items;
}

std::string TraceHex(const std::string& text) {
  const auto id = TraceId::FromHex(text);
  return id ? id->ToShortHex() : "?";
}
std::string SpanHex(const std::string& text) {
  const auto id = SpanId::FromHex(text);
  return id ? id->ToHex() : "?";
}

std::string Tag(element tag) {
  const std::string type = Text(Field(tag, "type"));
  const auto value = Field(tag, "value");
  std::string text = Text(value);
  if (type == "bool") text = BoolOf(*value).value() ? "true" : "false";
  if (type == "float64") text = std::to_string(DoubleOf(*value).value());
  return "\n    " + Text(Field(tag, "key")) + " (" + type + ") " + text;
}

// What a span says, in one text, whatever order its fields stand in.
std::string Meaning(element trace, element span) {
  std::string out = TraceHex(Text(Field(span, "traceID"))) + " " +
                    SpanHex(Text(Field(span, "spanID"))) + " " +
                    Text(Field(span, "operationName")) + " start " +
                    Number(Field(span, "startTime")) + " duration " +
                    Number(Field(span, "duration")) + " flags " + Number(Field(span, "flags"));
  for (const element reference : Items(Field(span, "references"))) {
    out += "\n  " + Text(Field(reference, "refType")) + " " +
           TraceHex(Text(Field(reference, "traceID"))) + " " +
           SpanHex(Text(Field(reference, "spanID")));
  }
  for (const element tag : Items(Field(span, "tags"))) out += Tag(tag);
  for (const element log : Items(Field(span, "logs"))) {
    out += "\n  log " + Number(Field(log, "timestamp"));
    for (const element field : Items(Field(log, "fields"))) out += Tag(field);
  }
  for (const element warning : Items(Field(span, "warnings")))
    out += "\n  warning " + Text(warning);
  const auto process = Field(*Field(trace, "processes"), Text(Field(span, "processID")));
  if (process) {
    out += "\n  process " + Text(Field(*process, "serviceName"));
    for (const element tag : Items(Field(*process, "tags"))) out += Tag(tag);
  }
  return out;
}

// The meanings of all spans whose ids are hexadecimal, in order, and how many others there are.
struct Document {
  std::vector<std::string> spans;
  std::size_t bad = 0;
};

Document Read(const std::string& text) {
  JsonTree tree;
  const auto root = tree.Parse(text);
  EXPECT_TRUE(root.has_value());
  if (!root.has_value()) return {};
  std::vector<element> traces;
  if ((*root).type() == element_type::ARRAY) traces = Items(*root);
  else if (const auto data = Field(*root, "data"))
    traces = data->type() == element_type::ARRAY ? Items(*data) : std::vector<element>{*data};
  else traces = {*root};
  Document document;
  for (const element trace : traces) {
    for (const element span : Items(Field(trace, "spans"))) {
      const std::string meaning = Meaning(trace, span);
      const bool good = meaning.find('?') == std::string::npos ||
                        (TraceHex(Text(Field(span, "traceID"))) != "?" &&
                         SpanHex(Text(Field(span, "spanID"))) != "?" &&
                         std::ranges::none_of(Items(Field(span, "references")), [](element item) {
                           return SpanHex(Text(Field(item, "spanID"))) == "?" ||
                                  TraceHex(Text(Field(item, "traceID"))) == "?";
                         }));
      if (good) document.spans.push_back(meaning);
      else ++document.bad;
    }
  }
  return document;
}

// Rows of each trace, traces in the order of their first span.
std::vector<std::vector<std::uint32_t>> ByTrace(const SpanBatch& batch) {
  std::map<TraceId, std::size_t> known;
  std::vector<std::vector<std::uint32_t>> traces;
  for (std::uint32_t row = 0; row < batch.size(); ++row) {
    const auto [it, added] = known.try_emplace(batch.spans[row].trace_id, traces.size());
    if (added) traces.emplace_back();
    traces[it->second].push_back(row);
  }
  return traces;
}

std::string Encode(const SpanBatch& batch) {
  std::string out;
  JsonWriter writer(out);
  writer.BeginObject();
  writer.Key("data");
  writer.BeginArray();
  for (const auto& rows : ByTrace(batch)) WriteJaegerTrace(batch, rows, {}, writer);
  writer.EndArray();
  writer.EndObject();
  return out;
}

model::DecodeReport CheckFile(const std::string& text) {
  SpanBatch batch;
  const auto report = DecodeJaegerJson(text, batch);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  if (!report.has_value()) return {};
  Document original = Read(text);
  EXPECT_EQ((*report).accepted, original.spans.size());
  EXPECT_EQ((*report).rejected, original.bad);

  const std::string encoded = Encode(batch);
  Document written = Read(encoded);
  // Spans of one trace may stand in several objects; the writer makes one of them.
  std::sort(original.spans.begin(), original.spans.end());
  std::sort(written.spans.begin(), written.spans.end());
  EXPECT_EQ(original.spans, written.spans);

  SpanBatch again;
  const auto second = DecodeJaegerJson(encoded, again);
  EXPECT_TRUE(second.has_value());
  EXPECT_EQ(again.size(), batch.size());
  std::size_t at = 0;
  for (const auto& rows : ByTrace(batch)) {
    for (const std::uint32_t row : rows) {
      if (at >= again.size()) break;
      EXPECT_TRUE(SpansEqual(batch, batch.spans[row], again, again.spans[at])) << "row " << row;
      ++at;
    }
  }
  EXPECT_EQ(Encode(again), encoded);
  return *report;
}

bool IsTraceFile(const std::filesystem::path& path) {
  const std::string folder = path.parent_path().filename().string();
  const std::string name = path.filename().string();
  if (path.extension() != ".json") return false;
  if (folder == "jaeger-ui") {
    return name.find("Trace") != std::string::npos ||
           name == "fixtures-otlp2jaeger-out.json" || name == "fixtures-oltp2jaeger-multi-out.json";
  }
  if (folder.starts_with("expected-jaeger")) return name.ends_with(".traces.json");
  return true;
}

TEST(JaegerJsonData, EveryRealFileComesBackAsItWas) {
  if (!base::SharedDataIsThere()) return;
  std::size_t files = 0;
  std::uint64_t spans = 0;
  std::set<std::string> with_bad_spans;
  for (const char* folder :
       {"crisp", "deathstarbench", "jaeger-ui", "wire/expected-jaeger-v1",
        "wire/expected-jaeger-v1-udp"}) {
    for (const auto& entry : std::filesystem::directory_iterator(kData / folder)) {
      if (!IsTraceFile(entry.path())) continue;
      SCOPED_TRACE(entry.path().string());
      const auto report = CheckFile(ReadFile(entry.path()));
      ++files;
      spans += report.accepted;
      if (report.rejected != 0) with_bad_spans.insert(entry.path().filename().string());
    }
  }
  std::cout << files << " files, " << spans << " spans\n";
  EXPECT_GE(files, 50U);
  EXPECT_EQ(with_bad_spans, (std::set<std::string>{"15.json", "TraceGraph-testTrace.json",
                                                   "tableValuesTestTrace-testTrace.json"}));
}

TEST(JaegerJsonData, NamesTheSpansWhoseIdsAreNotHexadecimal) {
  if (!base::SharedDataIsThere()) return;
  const auto report = [](const char* name) {
    SpanBatch batch;
    return *DecodeJaegerJson(ReadFile(kData / name), batch);
  };
  const auto crisp = report("crisp/15.json");
  EXPECT_GT(crisp.accepted, 0U);
  EXPECT_GT(crisp.rejected, 0U);
  EXPECT_EQ(crisp.first_error,
            "span 6 of trace 'A': span id 'G' is not 1 to 16 hexadecimal digits");
  const auto graph = report("jaeger-ui/TraceGraph-testTrace.json");
  EXPECT_EQ(graph.accepted, 0U);
  EXPECT_EQ(graph.first_error, "span 0 of trace 'trace-123': trace id 'trace-123' is not 1 to 32 "
                               "hexadecimal digits");
  const auto table = report("jaeger-ui/tableValuesTestTrace-testTrace.json");
  EXPECT_EQ(table.first_error, graph.first_error);
}

}  // namespace
}  // namespace tracestore::codec
