// A merge takes over what its sources have in tables. Held against the plain way: all rows decoded,
// copied span by span, and built into a segment as if they had just come in.
#include "store/engine/segment_merge.h"

#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "fs/memory_file_system.h"

namespace tracestore::store {
namespace {

using codec::ArbitraryBatch;
using codec::Random;
using model::SpanBatch;
using model::SpanRecord;

constexpr LogPosition kLogEnd{1, 100};
const SegmentOrigin kOrigin{{1, 0}, kLogEnd, 5, 6, 1};

class SegmentMergeTest : public ::testing::Test {
 protected:
  void Source(const SpanBatch& batch) {
    const auto built = BuildSegment(batch);
    ASSERT_TRUE(built.has_value()) << built.error().message();
    const std::string name = std::to_string(data_.segments.size()) + ".seg";
    (void)files_.Unlink(name);
    auto file = files_.CreateExclusive(name);
    ASSERT_TRUE(file.has_value() && (*file)->Append(built->bytes).has_value());
    auto opened = files_.OpenForRead(name);
    ASSERT_TRUE(opened.has_value());
    auto reader = SegmentReader::Open(std::move(*opened), name);
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    data_.segments.push_back(std::move(*reader));
    data_.places.push_back({{}, kLogEnd});
  }
  // The rows of a batch, each in one of some sources: traces lie in several.
  void Sources(const SpanBatch& batch, Random& random) {
    const std::size_t count = 2 + random.Below(3);
    std::vector<SpanBatch> parts(count);
    std::vector<std::unique_ptr<model::BatchAppender>> appenders;
    for (SpanBatch& part : parts) {
      appenders.push_back(std::make_unique<model::BatchAppender>(part));
      appenders.back()->SetSource(batch);
    }
    for (std::uint32_t row = 0; row < batch.size(); ++row)
      appenders[random.Below(count)]->Append(row);
    for (const SpanBatch& part : parts) {
      if (!part.empty()) Source(part);
    }
  }
  void Hide(const std::set<TraceId>& traces) {
    std::vector<Tombstone> tombstones;
    for (const TraceId id : traces)
      tombstones.push_back({tombstones.size() + 1, TombstoneKind::kTrace, id, kLogEnd});
    data_.tombstones = std::make_shared<const TombstoneSet>(std::move(tombstones));
  }
  Result<BuiltSegment> Merged() {
    std::uint64_t rows = 0;
    for (const auto& segment : data_.segments) rows += segment->meta().rows;
    SegmentMerge merge(rows);
    for (std::size_t i = 0; i < data_.segments.size(); ++i) {
      auto added = merge.Add(data_, i);
      if (!added.has_value()) return std::move(added).error();
      EXPECT_TRUE(*added);
    }
    return merge.Build(kOrigin);
  }
  Result<BuiltSegment> PlainlyMerged() {
    SpanBatch kept;
    model::BatchAppender appender(kept);
    for (std::size_t i = 0; i < data_.segments.size(); ++i) {
      SpanBatch rows;
      const SegmentReader& source = *data_.segments[i];
      auto read = source.ReadRows(0, source.meta().rows, Projection{}, rows);
      if (!read.has_value()) return std::move(read).error();
      appender.SetSource(rows);
      for (std::uint32_t row = 0; row < rows.size(); ++row) {
        if (!data_.Hidden(i, rows.spans[row].trace_id)) appender.Append(row);
      }
    }
    if (kept.empty()) return BuiltSegment{};
    return BuildSegment(kept, kOrigin);
  }
  void ExpectTheSame() {
    const auto merged = Merged();
    ASSERT_TRUE(merged.has_value()) << merged.error().message();
    const auto plain = PlainlyMerged();
    ASSERT_TRUE(plain.has_value()) << plain.error().message();
    EXPECT_EQ(plain->trace_ids, merged->trace_ids);
    EXPECT_EQ(plain->meta.rows, merged->meta.rows);
    // Not EXPECT_EQ: a failure is not to print megabytes.
    EXPECT_TRUE(plain->bytes == merged->bytes)
        << plain->bytes.size() << " and " << merged->bytes.size() << " bytes";
  }
  void Forget() { data_ = {}; }

  fs::MemoryFileSystem files_;
  SnapshotData data_;
};

std::set<TraceId> SomeTraces(const SpanBatch& batch, Random& random) {
  std::set<TraceId> some;
  for (const SpanRecord& span : batch.spans) {
    if (random.Percent(2)) some.insert(span.trace_id);
  }
  return some;
}

TEST_F(SegmentMergeTest, IsThatOfItsRowsWhateverTheyAre) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    codec::ArbitraryOptions options;
    options.spans = seed % 7 == 0 ? 3'000 : 2 + static_cast<std::uint32_t>(random.Below(600));
    options.traces = 1 + static_cast<std::uint32_t>(random.Below(40));
    options.beyond_origin = true;
    options.invalid_utf8 = true;
    options.unknown_fields = true;
    options.weird_times = seed % 2 == 0;
    options.weird_graph = seed % 3 != 0;
    const SpanBatch batch = ArbitraryBatch(seed, options);
    Sources(batch, random);
    if (seed % 4 != 0) Hide(SomeTraces(batch, random));
    ExpectTheSame();
    Forget();
  }
}

// Spans as services make them: few operations, values that repeat and others that don't, texts of
// templates and without, events, errors with messages.
SpanBatch Orderly(Random& random, std::uint32_t spans, const std::string& host) {
  SpanBatch batch;
  for (std::uint32_t i = 0; i < 3; ++i) {
    const auto begin = static_cast<std::uint32_t>(batch.attributes.size());
    batch.AddString(batch.strings.Intern("service.name"), "service" + std::to_string(i));
    batch.AddString(batch.strings.Intern("host"), i == 0 ? "shared" : host);
    batch.resources.push_back({{begin, 2}, 0, 0, 0, Origin::kOtlp});
  }
  batch.scopes.emplace_back();
  batch.scopes.emplace_back().name = batch.strings.Intern("library");
  const auto number = [&](std::uint64_t below) { return std::to_string(random.Below(below)); };
  for (std::uint32_t i = 0; i < spans; ++i) {
    SpanRecord span;
    span.trace_id = {9, 1 + random.Below(1 + spans / 8)};
    span.span_id = {1 + random.Next() % 100'000};
    if (random.Percent(70)) span.parent_id = {1 + random.Next() % 100'000};
    span.start_ns = 1'700'000'000'000'000'000 + random.Below(1'000'000'000);
    span.duration_ns = random.Below(50'000'000);
    span.presence = model::kHasStart | model::kHasDuration;
    span.name = batch.strings.Intern("operation" + number(6));
    span.kind = static_cast<SpanKind>(random.Below(6));
    span.resource = static_cast<std::uint32_t>(random.Below(3));
    span.scope = static_cast<std::uint32_t>(random.Below(2));
    if (random.Percent(3)) {
      span.status = StatusCode::kError;
      span.status_message = batch.strings.Intern("timeout after " + number(90) + "ms");
    }
    const auto key = [&](const char* name) { return batch.strings.Intern(name); };
    span.attributes.begin = static_cast<std::uint32_t>(batch.attributes.size());
    batch.AddString(key("http.method"), random.Percent(80) ? "GET" : "POST");
    batch.AddString(key("http.url"), "https://shop/items/" + number(1'000'000) + "?p=" + number(9));
    batch.AddInt(key("http.status_code"), random.Percent(90) ? 200 : 500);
    if (random.Percent(50))
      batch.AddInt(key("peer.port"), static_cast<std::int64_t>(random.Below(60'000)));
    // Raw in each source, a list of all of them.
    if (random.Percent(30)) batch.AddString(key("customer"), "customer " + number(40));
    if (random.Percent(10)) batch.AddDouble(key("ratio"), static_cast<double>(random.Below(4)) / 4);
    if (random.Percent(10))
      batch.AddString(key("token"), std::string(1, "abcxyz"[random.Below(6)]) + "!" + number(999));
    span.attributes.count =
        static_cast<std::uint32_t>(batch.attributes.size()) - span.attributes.begin;
    span.events.begin = static_cast<std::uint32_t>(batch.events.size());
    for (std::uint64_t left = random.Percent(20) ? 1 + random.Below(2) : 0; left > 0; --left) {
      model::EventRecord event;
      event.time_ns = span.start_ns + random.Below(1'000);
      event.name = key(random.Percent(50) ? "retry" : "cache miss");
      event.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 2};
      batch.AddString(key("cache.key"), "user:" + number(100'000) + ":cart");
      batch.AddBool(key("warm"), random.Percent(50));
      batch.events.push_back(event);
      ++span.events.count;
    }
    if (random.Percent(2)) span.trace_state = batch.strings.Intern("vendor=" + number(5));
    batch.spans.push_back(span);
  }
  return batch;
}

TEST_F(SegmentMergeTest, IsThatOfItsRowsWhereTheyAreOrderly) {
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    std::set<TraceId> deleted;
    for (int i = 0; i < 3; ++i) {
      const SpanBatch batch = Orderly(random, 1 + static_cast<std::uint32_t>(random.Below(3'000)),
                                      "host" + std::to_string(i % 2));
      Source(batch);
      deleted.merge(SomeTraces(batch, random));
    }
    if (seed % 3 != 0) Hide(deleted);
    ExpectTheSame();
    Forget();
  }
}

// Each source has room for its operations, all together don't: some rows become generic.
TEST_F(SegmentMergeTest, RowsThatTheTablesHaveNoRoomForAreKept) {
  for (int source = 0; source < 2; ++source) {
    SpanBatch batch;
    batch.resources.emplace_back();
    batch.scopes.emplace_back();
    for (std::uint32_t i = 0; i < kMaxOps * 2; ++i) {
      SpanRecord span;
      span.trace_id = {4, 1 + i % 100};
      span.span_id = {1 + i + source * 100'000ULL};
      span.start_ns = 1'000 + i;
      span.presence = model::kHasStart | model::kHasDuration;
      const std::string number = std::to_string(i % (kMaxOps - 100) + source * 5'000U);
      span.name = batch.strings.Intern("operation" + number);
      span.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 1};
      batch.AddInt(batch.strings.Intern("n"), i % 2);
      span.events = {static_cast<std::uint32_t>(batch.events.size()), 1};
      model::EventRecord event;
      event.time_ns = 2'000;
      event.name = batch.strings.Intern("event" + std::to_string(i % 3'000 + source * 2'000U));
      event.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 1};
      batch.AddString(batch.strings.Intern("of"), "event");
      batch.events.push_back(event);
      batch.spans.push_back(span);
    }
    Source(batch);
  }
  ExpectTheSame();
}

TEST_F(SegmentMergeTest, NothingIsLeftOfWhatIsDeleted) {
  Random random(1);
  const SpanBatch batch = Orderly(random, 500, "host");
  Source(batch);
  std::set<TraceId> all;
  for (const SpanRecord& span : batch.spans) all.insert(span.trace_id);
  const TraceId kept = *all.begin();
  all.erase(kept);
  Hide(all);
  const auto merged = Merged();
  ASSERT_TRUE(merged.has_value());
  EXPECT_EQ(std::vector<TraceId>{kept}, merged->trace_ids);
  all.insert(kept);
  Hide(all);
  EXPECT_EQ(0U, Merged()->meta.rows);
}

// Each run of rows that are left would decode the streams of its page anew.
TEST_F(SegmentMergeTest, APageOfWhichMuchIsDeletedIsDecodedOnce) {
  Random random(3);
  const SpanBatch batch = Orderly(random, 3'000, "host");
  Source(batch);
  const auto decoded = [&] {
    SegmentMerge merge(batch.size());
    const auto added = merge.Add(data_, 0);
    EXPECT_TRUE(added.has_value());
    return merge.streams_decoded();
  };
  const std::uint64_t of_all = decoded();
  EXPECT_GT(of_all, 10U);
  std::set<TraceId> deleted;
  for (const SpanRecord& span : batch.spans) {
    if (span.trace_id.low % 2 == 0) deleted.insert(span.trace_id);
  }
  EXPECT_GT(deleted.size(), 100U);
  Hide(deleted);
  EXPECT_LE(decoded(), of_all);
  ExpectTheSame();
}

// What is reserved for rows to come is never more than so many times what the first source has.
TEST_F(SegmentMergeTest, WhatIsReservedIsBounded) {
  Random random(4);
  Source(Orderly(random, 1'000, "host"));
  const auto memory = [&](std::uint64_t rows) {
    SegmentMerge merge(rows);
    const auto added = merge.Add(data_, 0);
    EXPECT_TRUE(added.has_value());
    return merge.memory_bytes();
  };
  const std::size_t alone = memory(1'000);
  EXPECT_GT(memory(8'000), 4 * alone);
  EXPECT_LT(memory(8'000), 16 * alone);
  EXPECT_EQ(alone, memory(9'000)) << "the first is too small a part to tell of the others";
  EXPECT_EQ(alone, memory(0));
  EXPECT_EQ(alone, memory(~std::uint64_t{0}));
}

TEST_F(SegmentMergeTest, NoMoreThanABoundIsReservedForTexts) {
  constexpr std::size_t kMiB = std::size_t{1} << 20;
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  for (std::uint32_t i = 0; i < 40; ++i) {
    SpanRecord span;
    span.trace_id = {5, 1 + i};
    span.span_id = {1 + i};
    span.presence = model::kHasStart | model::kHasDuration;
    span.attributes = {i, 1};
    batch.AddString(batch.strings.Intern("body"), std::to_string(i) + std::string(kMiB, 'x'));
    batch.spans.push_back(span);
  }
  Source(batch);
  SegmentMerge merge(8 * batch.size());
  ASSERT_TRUE(merge.Add(data_, 0).has_value());
  EXPECT_GT(merge.memory_bytes(), 256 * kMiB) << "of 320 MiB that the others would have";
  EXPECT_LT(merge.memory_bytes(), 300 * kMiB);
}

// Bytes bound what is held, wherever within a source they end.
TEST_F(SegmentMergeTest, TakesNoMoreThanItHasRoomFor) {
  Random random(5);
  for (int i = 0; i < 2; ++i) Source(Orderly(random, 20'000, "host"));
  std::uint64_t of_one = 0;
  {
    SegmentMerge merge(40'000);
    ASSERT_TRUE(merge.Add(data_, 0).value());
    of_one = merge.held_bytes();
    EXPECT_TRUE(merge.HasRoomFor(~std::uint32_t{0}));
  }
  // The records alone.
  EXPECT_GT(of_one, 20'000 * sizeof(SpanRecord));
  SegmentMerge merge(40'000, nullptr, of_one * 3 / 2);
  EXPECT_TRUE(merge.HasRoomFor(20'000));
  ASSERT_TRUE(merge.Add(data_, 0).value());
  EXPECT_EQ(merge.held_bytes(), of_one);
  EXPECT_TRUE(merge.HasRoomFor(9'000));
  EXPECT_FALSE(merge.HasRoomFor(11'000));
  const auto second = merge.Add(data_, 1);
  ASSERT_TRUE(second.has_value()) << second.error().message();
  EXPECT_FALSE(*second);
  EXPECT_GT(merge.held_bytes(), of_one * 3 / 2);
  EXPECT_LT(merge.held_bytes(), of_one * 19 / 10) << "the rest of the source was read all the same";
}

TEST_F(SegmentMergeTest, StopsBetweenPages) {
  Random random(2);
  Source(Orderly(random, 20'000, "host"));
  std::uint64_t asked = 0;
  SegmentMerge merge(20'000, [&](std::uint64_t read) {
    ++asked;
    return read > 0;
  });
  const auto added = merge.Add(data_, 0);
  ASSERT_FALSE(added.has_value());
  EXPECT_EQ(ErrorCode::kCancelled, added.error().code());
  EXPECT_EQ(2U, asked);
  EXPECT_LT(merge.spans_read(), 20'000U);
}

}  // namespace
}  // namespace tracestore::store
