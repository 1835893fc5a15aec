// Zipkin JSON on real files: decode, encode and decode again give equal spans, and the JSON written
// says what the JSON read said in Zipkin's normal form. The comparison reads both texts by itself.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <numeric>
#include <sstream>

#include "base/testing/source_dir.h"
#include "codec/json/json_dom.h"
#include "codec/zipkin/zipkin_json.h"
#include "codec/zipkin/zipkin_text.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using simdjson::dom::array;
using simdjson::dom::element;
using simdjson::dom::object;

const std::filesystem::path kData = base::SharedData();

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// A span's fields as "path = text" lines, sorted, brought into normal form.
std::string Meaning(element span) {
  std::map<std::string, std::string> fields;
  for (const auto& [key, value] : object(span)) {
    const std::string name(key);
    if (name == "localEndpoint" || name == "remoteEndpoint" || name == "tags") {
      for (const auto& [inner, text] : object(value))
        fields[name + "." + std::string(inner)] = PlainTextOf(text);
    } else if (name == "annotations") {
      std::vector<std::string> lines;
      for (const element annotation : array(value)) {
        lines.push_back(PlainTextOf(annotation.at_key("timestamp")) + " " +
                        PlainTextOf(annotation.at_key("value")));
      }
      std::sort(lines.begin(), lines.end());
      for (std::size_t i = 0; i < lines.size(); ++i)
        fields["annotations." + std::to_string(i)] = lines[i];
    } else {
      fields[name] = PlainTextOf(value);
    }
  }
  fields["traceId"] = TraceId::FromHex(fields["traceId"])->ToShortHex();
  fields["id"] = SpanId::FromHex(fields["id"])->ToHex();
  if (fields.contains("parentId"))
    fields["parentId"] = SpanId::FromHex(fields["parentId"])->ToHex();
  for (const char* name : {"name", "localEndpoint.serviceName", "remoteEndpoint.serviceName"})
    if (fields.contains(name)) fields[name] = ZipkinLowerCase(fields[name]);
  if (fields["kind"] == "CLIENT") fields.erase("shared");
  std::string out;
  for (const auto& [name, text] : fields) {
    const bool absent = text.empty() && name.find("tags.") != 0;
    const bool zero = (name == "timestamp" || name == "duration") && text == "0";
    const bool no = (name == "shared" || name == "debug") && text == "false";
    if (!absent && !zero && !no) out += name + " = " + text + "\n";
  }
  return out;
}

std::vector<std::string> Read(const std::string& text) {
  JsonTree tree;
  const auto root = tree.Parse(text);
  EXPECT_TRUE(root.has_value());
  std::vector<std::string> meanings;
  if (!root.has_value()) return meanings;
  for (const element item : array(*root)) {
    array inner;
    if (item.get(inner) != simdjson::SUCCESS)
      meanings.push_back(Meaning(item));
    else
      for (const element span : inner) meanings.push_back(Meaning(span));
  }
  return meanings;
}

std::string Encode(const SpanBatch& batch) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  EncodeZipkinSpans(batch, rows, out);
  return out;
}

std::uint64_t CheckFile(const std::string& text, SpanBatch& batch) {
  const auto report = DecodeZipkinJson(text, batch);
  EXPECT_TRUE(report.has_value()) << report.error().message();
  if (!report.has_value()) return 0;
  EXPECT_EQ((*report).first_error, "");
  const std::string encoded = Encode(batch);
  EXPECT_EQ(Read(text), Read(encoded));
  SpanBatch again;
  EXPECT_TRUE(DecodeZipkinJson(encoded, again, {.strict = true}).has_value());
  EXPECT_EQ(again.size(), batch.size());
  for (std::size_t i = 0; i < std::min(again.size(), batch.size()); ++i)
    EXPECT_TRUE(SpansEqual(batch, batch.spans[i], again, again.spans[i])) << "row " << i;
  EXPECT_EQ(Encode(again), encoded);
  return (*report).accepted;
}

TEST(ZipkinJsonData, EveryRealFileComesBackAsItWas) {
  if (!base::SharedDataIsThere()) return;
  std::size_t files = 0;
  std::uint64_t spans = 0;
  std::vector<std::filesystem::path> paths{kData / "wire/expected-zipkin/traces.json"};
  for (const auto& entry : std::filesystem::directory_iterator(kData / "zipkin-lens"))
    if (entry.path().extension() == ".json") paths.push_back(entry.path());
  for (const auto& entry : std::filesystem::directory_iterator(kData / "wire"))
    if (entry.path().string().ends_with("zipkin_v2_json.bin")) paths.push_back(entry.path());
  for (const auto& path : paths) {
    SCOPED_TRACE(path.string());
    SpanBatch batch;
    spans += CheckFile(ReadFile(path), batch);
    ++files;
  }
  std::cout << files << " files, " << spans << " spans\n";
  EXPECT_GE(files, 12U);
}

}  // namespace
}  // namespace tracestore::codec
