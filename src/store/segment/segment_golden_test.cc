// Holds the dump of docs/format/segment.md: the smallest segment, byte for byte.
#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <utility>

#include <gtest/gtest.h>

#include "base/testing/source_dir.h"
#include "fs/memory_file_system.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {
namespace {

model::SpanBatch OneSpan() {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "cart");
  batch.resources.emplace_back();
  batch.resources[0].attributes = {0, 1};
  batch.scopes.emplace_back();
  batch.AddInt(batch.strings.Intern("n"), 7);
  model::SpanRecord span;
  span.trace_id = {0x1111111111111111, 0x2222222222222222};
  span.span_id.value = 0x3333333333333333;
  span.start_ns = 1'700'000'000'000'000'000;
  span.duration_ns = 5'000;
  span.presence = model::kHasStart | model::kHasDuration;
  span.name = batch.strings.Intern("get");
  span.kind = SpanKind::kServer;
  span.attributes = {1, 1};
  batch.spans.push_back(span);
  return batch;
}

std::string Dump(const std::string& bytes) {
  std::string out;
  char text[32];
  for (std::size_t line = 0; line < bytes.size(); line += 16) {
    std::snprintf(text, sizeof text, "%08zx ", line);
    out += text;
    std::string shown;
    for (std::size_t at = line; at < line + 16; ++at) {
      if (at >= bytes.size()) {
        out += "   ";
        continue;
      }
      const auto byte = static_cast<unsigned char>(bytes[at]);
      std::snprintf(text, sizeof text, " %02x", byte);
      out += text;
      shown += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
    }
    out += "  |" + shown + "|\n";
  }
  return out;
}

std::string DumpOfThePage() {
  std::ifstream file(base::SourceDir() + "/docs/format/segment.md");
  std::stringstream text;
  text << file.rdbuf();
  const std::string page = text.str();
  const std::string open = "```hex\n";
  const auto begin = page.find(open);
  if (begin == std::string::npos) return {};
  const auto end = page.find("```", begin + open.size());
  return page.substr(begin + open.size(), end - begin - open.size());
}

TEST(SegmentGolden, IsThePagesDump) {
  const auto built = BuildSegment(OneSpan());
  ASSERT_TRUE(built.has_value()) << built.error().message();
  EXPECT_EQ(DumpOfThePage(), Dump(built->bytes));
}

TEST(SegmentGolden, IsReadBack) {
  const auto built = BuildSegment(OneSpan());
  ASSERT_TRUE(built.has_value());
  fs::MemoryFileSystem files;
  auto file = files.CreateExclusive("x.seg");
  ASSERT_TRUE(file.has_value() && (*file)->Append(built->bytes).has_value());
  auto opened = files.OpenForRead("x.seg");
  ASSERT_TRUE(opened.has_value());
  auto reader = SegmentReader::Open(std::move(*opened), "x.seg");
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  model::SpanBatch back;
  ASSERT_TRUE((*reader)->ReadRows(0, 1, {}, back).has_value());
  const model::SpanBatch expected = OneSpan();
  ASSERT_EQ(1U, back.size());
  EXPECT_TRUE(SpansEqual(expected, expected.spans[0], back, back.spans[0]));
}

}  // namespace
}  // namespace tracestore::store
