#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "fs/memory_file_system.h"
#include "model/text.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {
namespace {

using codec::ArbitraryBatch;
using codec::ArbitraryOptions;
using model::SpanBatch;
using model::SpanRecord;

Result<std::shared_ptr<const SegmentReader>> OpenBytes(fs::MemoryFileSystem& files,
                                                       const std::string& bytes) {
  (void)files.Unlink("x.seg");
  auto file = files.CreateExclusive("x.seg");
  EXPECT_TRUE(file.has_value() && (*file)->Append(bytes).has_value());
  auto opened = files.OpenForRead("x.seg");
  EXPECT_TRUE(opened.has_value());
  return SegmentReader::Open(std::move(*opened), "x.seg");
}

// An order of spans that doesn't depend on where they stand.
std::vector<const SpanRecord*> Sorted(const SpanBatch& batch) {
  std::vector<const SpanRecord*> spans;
  for (const SpanRecord& span : batch.spans) spans.push_back(&span);
  std::stable_sort(spans.begin(), spans.end(), [&](const SpanRecord* a, const SpanRecord* b) {
    const auto key = [&](const SpanRecord* s) {
      return std::tuple(s->trace_id, s->span_id, s->parent_id, s->start_ns, s->duration_ns,
                        batch.text(s->name), s->flags, s->presence, s->attributes.count);
    };
    return key(a) < key(b);
  });
  return spans;
}

void ExpectSameSpans(const SpanBatch& a, const SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  const auto x = Sorted(a);
  const auto y = Sorted(b);
  for (std::size_t i = 0; i < x.size(); ++i) {
    ASSERT_TRUE(SpansEqual(a, *x[i], b, *y[i]))
        << codec::DescribeSpan(a, *x[i]) << "\n" << codec::DescribeSpan(b, *y[i]);
  }
}

ArbitraryOptions OptionsOf(std::uint64_t seed) {
  ArbitraryOptions options;
  options.spans = seed % 7 == 0 ? 3000 : 1 + static_cast<std::uint32_t>(seed * 37 % 400);
  options.traces = 1 + static_cast<std::uint32_t>(seed % 9);
  options.beyond_origin = true;
  options.invalid_utf8 = true;
  options.unknown_fields = true;
  options.weird_times = seed % 2 == 0;
  options.weird_graph = seed % 3 != 0;
  return options;
}

TEST(Segment, GivesBackEveryFieldOfEverySpan) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = ArbitraryBatch(seed, OptionsOf(seed));
    const auto built = BuildSegment(batch);
    ASSERT_TRUE(built.has_value()) << built.error().message();
    fs::MemoryFileSystem files;
    const auto reader = OpenBytes(files, built->bytes);
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    SpanBatch back;
    const auto read = (*reader)->ReadRows(0, (*reader)->meta().rows, Projection{}, back);
    ASSERT_TRUE(read.has_value()) << read.error().message();
    ExpectSameSpans(batch, back);
    const auto verified = (*reader)->VerifyAll();
    EXPECT_TRUE(verified.has_value()) << verified.error().message();
  }
}

TEST(Segment, FindsEachTraceAndReadsItAlone) {
  for (std::uint64_t seed = 100; seed < 130; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = ArbitraryBatch(seed, OptionsOf(seed));
    const auto built = BuildSegment(batch);
    ASSERT_TRUE(built.has_value());
    fs::MemoryFileSystem files;
    const auto reader = OpenBytes(files, built->bytes);
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    std::map<TraceId, SpanBatch> expected;
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      model::BatchAppender appender(expected[batch.spans[row].trace_id]);
      appender.SetSource(batch);
      appender.Append(row);
    }
    for (const auto& [id, spans] : expected) {
      const auto parts = (*reader)->FindTrace(id);
      ASSERT_TRUE(parts.has_value()) << parts.error().message();
      ASSERT_EQ(parts->size(), 1U);
      const TracePart& part = (*(*reader)->traces())->parts[parts->front()];
      SpanBatch back;
      ASSERT_TRUE((*reader)->ReadRows(part.first_row, part.first_row + part.rows, Projection{},
                                      back)
                      .has_value());
      ExpectSameSpans(spans, back);
    }
    EXPECT_TRUE((*reader)->FindTrace(TraceId{123456789, 987654321})->empty());
    for (const auto& [id, spans] : expected) EXPECT_TRUE((*reader)->HasLowId(id.low).value());
    for (std::uint64_t low = 1'000'000; low < 1'002'000; ++low)  // some pass the filter
      EXPECT_EQ((*reader)->HasLowId(low).value(), !(*reader)->FindLowId(low)->empty());
  }
}

// Whatever an attribute's value: the candidate pages hold every row that has it.
TEST(Segment, CandidatePagesLoseNoRow) {
  for (std::uint64_t seed = 200; seed < 220; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const SpanBatch batch = ArbitraryBatch(seed, OptionsOf(seed));
    const auto built = BuildSegment(batch);
    ASSERT_TRUE(built.has_value());
    fs::MemoryFileSystem files;
    const auto reader = OpenBytes(files, built->bytes);
    ASSERT_TRUE(reader.has_value());
    const auto all = index::PageSet::Full((*reader)->page_count());
    for (std::uint32_t page = 0; page < (*reader)->page_count(); ++page) {
      const PageInfo& info = (*reader)->pages()[page];
      SpanBatch rows;
      ASSERT_TRUE((*reader)->ReadRows(info.first_row, info.first_row + info.rows, Projection{},
                                      rows)
                      .has_value());
      for (const SpanRecord& span : rows.spans) {
        EXPECT_LE(info.min_start_ns, span.start_ns);
        EXPECT_GE(info.max_start_ns, span.start_ns);
        EXPECT_GE(info.max_duration_ns, span.duration_ns);
        if (span.firehose()) continue;
        std::vector<model::Range> owners{span.attributes, rows.resources[span.resource].attributes,
                                         rows.scopes[span.scope].attributes};
        for (std::uint32_t i = 0; i < span.events.count; ++i)
          owners.push_back(rows.events[span.events.begin + i].attributes);
        for (std::uint32_t i = 0; i < span.references.count; ++i) {
          owners.push_back(rows.references[span.references.begin + i].attributes);
          const auto linked =
              (*reader)->PagesWithLink(rows.references[span.references.begin + i].trace_id);
          EXPECT_TRUE(linked->Contains(page));
        }
        for (const model::Range owner : owners) {
          for (const model::Attribute& a : AttributesOf(rows, owner)) {
            const std::string value = CanonicalText(rows, a);
            EXPECT_TRUE((*reader)->MayHaveValue(rows.text(a.key), value).value());
            const auto pages = (*reader)->PagesWithValue(rows.text(a.key), value, all);
            ASSERT_TRUE(pages.has_value());
            ASSERT_TRUE(pages->Contains(page)) << rows.text(a.key);
          }
        }
      }
    }
  }
}

TEST(Segment, EveryFlippedByteIsFoundOrHarmless) {
  ArbitraryOptions options = OptionsOf(5);
  options.spans = 60;
  const SpanBatch batch = ArbitraryBatch(5, options);
  const auto built = BuildSegment(batch);
  ASSERT_TRUE(built.has_value());
  fs::MemoryFileSystem files;
  std::size_t found = 0;
  std::size_t tried = 0;
  for (std::size_t at = 0; at < built->bytes.size(); at += 3, ++tried) {
    std::string bytes = built->bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    const auto reader = OpenBytes(files, bytes);
    if (!reader.has_value() || !(*reader)->VerifyAll().has_value()) ++found;
  }
  // The four reserved bytes of the header are the only ones that no checksum covers.
  EXPECT_GE(found + 2, tried);
}

TEST(Segment, TruncatedFilesAreRefused) {
  const auto built = BuildSegment(ArbitraryBatch(6, OptionsOf(6)));
  ASSERT_TRUE(built.has_value());
  fs::MemoryFileSystem files;
  for (std::size_t size = 0; size < built->bytes.size(); size += 1 + size / 16)
    EXPECT_FALSE(OpenBytes(files, built->bytes.substr(0, size)).has_value()) << size;
}

TEST(Segment, ANewerVersionIsNamed) {
  const auto built = BuildSegment(ArbitraryBatch(6, OptionsOf(6)));
  std::string bytes = built->bytes;
  bytes[8] = 9;
  fs::MemoryFileSystem files;
  const auto reader = OpenBytes(files, bytes);
  ASSERT_FALSE(reader.has_value());
  EXPECT_EQ(reader.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(reader.error().message(),
            "segment x.seg has format version 9; this build reads version 1: use a newer "
            "tracestore");
}

// A star of a million spans would cross a thousand pages: a smaller one crosses some.
TEST(Segment, ATraceOverManyPagesKeepsItsParents) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint32_t i = 0; i < 5000; ++i) {
    SpanRecord span;
    span.trace_id = {1, 2};
    span.span_id = {i + 1ULL};
    span.parent_id = {i == 0 ? 0ULL : (i % 2 == 0 ? 1ULL : i)};
    span.start_ns = 1000 + i;
    span.duration_ns = 10;
    span.presence = model::kHasStart | model::kHasDuration;
    batch.spans.push_back(span);
  }
  const auto built = BuildSegment(batch);
  ASSERT_TRUE(built.has_value());
  fs::MemoryFileSystem files;
  const auto reader = OpenBytes(files, built->bytes);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ((*reader)->page_count(), 3U);
  SpanBatch back;
  ASSERT_TRUE((*reader)->ReadRows(0, 5000, Projection{}, back).has_value());
  ExpectSameSpans(batch, back);
  SpanBatch some;
  ASSERT_TRUE((*reader)->ReadRows(2040, 2060, Projection{}, some).has_value());
  ASSERT_EQ(some.size(), 20U);
  for (std::uint32_t i = 0; i < 20; ++i)
    EXPECT_TRUE(SpansEqual(some, some.spans[i], back, back.spans[2040 + i]));
}

// Traces of twelve spans, each with `attributes` values that all differ; the pages' rows.
std::vector<std::uint32_t> RowsOfPages(std::uint32_t spans, int attributes) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint32_t i = 0; i < spans; ++i) {
    SpanRecord span;
    span.trace_id = {1, 1 + i / 12};
    span.span_id = {i + 1ULL};
    span.start_ns = 1000 + i;
    span.presence = model::kHasStart | model::kHasDuration;
    span.attributes = {static_cast<std::uint32_t>(batch.attributes.size()),
                       static_cast<std::uint32_t>(attributes)};
    for (int a = 0; a < attributes; ++a)
      batch.AddInt(batch.strings.Intern("key" + std::to_string(a)), i * 10 + a);
    batch.spans.push_back(span);
  }
  fs::MemoryFileSystem files;
  const auto reader = OpenBytes(files, BuildSegment(batch)->bytes);
  EXPECT_TRUE(reader.has_value());
  std::vector<std::uint32_t> rows;
  for (const PageInfo& page : (*reader)->pages()) rows.push_back(page.rows);
  return rows;
}

TEST(Segment, PagesGoOnWhileTheirRowsAreCheap) {
  EXPECT_EQ(std::vector<std::uint32_t>({2'040, 2'040, 1'920}), RowsOfPages(6'000, 0));
  // 17 bytes a row, as counted: 28 KiB are 1,686 of them.
  EXPECT_EQ(std::vector<std::uint32_t>({1'680, 1'680, 1'680, 960}), RowsOfPages(6'000, 1));
  EXPECT_EQ(std::vector<std::uint32_t>({1'020, 1'020, 960}), RowsOfPages(3'000, 8));
}

}  // namespace
}  // namespace tracestore::store
