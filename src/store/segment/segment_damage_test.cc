// Damage behind right checksums: parts of segments with bytes changed, cut, doubled. Nothing may
// break, and what is read must name nothing that isn't there.
#include <algorithm>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "codec/testing/arbitrary_batch.h"
#include "store/segment/segment_reader.h"
#include "store/segment/segment_test_support.h"
#include "store/segment/segment_writer.h"

namespace tracestore::store {
namespace {

using codec::Random;
using model::SpanBatch;
using testing::BytesFile;
using testing::MakeFile;
using testing::Parts;
using testing::PartsOf;

Result<std::shared_ptr<const SegmentReader>> OpenBytes(std::string bytes) {
  return SegmentReader::Open(std::make_unique<BytesFile>(std::move(bytes)), "x.seg");
}

Parts SomeParts(std::uint64_t seed) {
  codec::ArbitraryOptions options;
  options.spans = 8 + static_cast<std::uint32_t>(seed % 40);
  options.traces = 1 + static_cast<std::uint32_t>(seed % 4);
  options.beyond_origin = true;
  options.unknown_fields = true;
  const auto built = BuildSegment(codec::ArbitraryBatch(seed, options));
  return built.has_value() ? PartsOf(built->bytes) : Parts{};
}

void Damage(Random& random, std::string& bytes) {
  if (bytes.empty()) {
    bytes.push_back(static_cast<char>(random.Next()));
    return;
  }
  const std::size_t at = static_cast<std::size_t>(random.Below(bytes.size()));
  switch (random.Below(6)) {
    case 0: bytes[at] = static_cast<char>(random.Next()); break;
    case 1: bytes[at] = static_cast<char>(bytes[at] + (random.Percent(50) ? 1 : -1)); break;
    case 2: bytes[at] = static_cast<char>(random.Percent(50) ? 0xFF : 0); break;
    case 3: bytes.resize(at); break;
    case 4: bytes.insert(at, 1, static_cast<char>(random.Next())); break;
    default: bytes.erase(at, 1 + static_cast<std::size_t>(random.Below(3))); break;
  }
}

bool InRange(const SpanBatch& batch, model::Range range) {
  if (std::uint64_t{range.begin} + range.count > batch.attributes.size()) return range.count == 0;
  return std::all_of(batch.attributes.begin() + range.begin,
                     batch.attributes.begin() + range.begin + range.count,
                     [&](const model::Attribute& a) {
                       return a.key < batch.strings.size() && a.type() <= ValueType::kMap &&
                              (!model::IsTextual(a.type()) || a.bits < batch.strings.size());
                     });
}

bool IsWhole(const SpanBatch& batch) {
  const std::size_t texts = batch.strings.size();
  for (const model::SpanRecord& span : batch.spans) {
    if (span.resource >= batch.resources.size() || span.scope >= batch.scopes.size() ||
        std::max({span.name, span.status_message, span.trace_state, span.unknown_fields}) >=
            texts ||
        span.kind > SpanKind::kConsumer || span.status > StatusCode::kError ||
        !InRange(batch, span.attributes)) {
      return false;
    }
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const model::EventRecord& event = batch.events.at(span.events.begin + i);
      if (event.name >= texts || !InRange(batch, event.attributes)) return false;
    }
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      if (!InRange(batch, batch.references.at(span.references.begin + i).attributes)) return false;
    }
  }
  return true;
}

// How many rows could be read.
std::size_t ReadWhatIsThere(const SegmentReader& segment) {
  (void)segment.VerifyAll();
  (void)segment.BytesByColumn();
  if (const auto traces = segment.traces(); traces.has_value()) {
    for (std::size_t i = 0; i < (*traces)->parts.size() && i < 4; ++i)
      (void)segment.FindTrace((*traces)->parts[i].id);
  }
  (void)segment.FindLowId(1);
  (void)segment.MayHaveValue("a", "b");
  (void)segment.PagesWithValue("a", "b", index::PageSet::Full(segment.page_count()));
  (void)segment.PagesWithLink({1, 2});
  (void)segment.service_lists();
  std::size_t rows = 0;
  for (const bool all : {true, false}) {
    Projection projection;
    projection.all_columns = projection.events = all;
    SpanBatch batch;
    (void)segment.ReadRows(all ? 0 : 2, segment.meta().rows, projection, batch);
    EXPECT_TRUE(IsWhole(batch));
    rows += batch.size();
  }
  return rows;
}

TEST(SegmentDamage, PartsMakeTheSameFile) {
  const Parts parts = SomeParts(1);
  const auto reader = OpenBytes(MakeFile(parts));
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  const auto verified = (*reader)->VerifyAll();
  EXPECT_TRUE(verified.has_value()) << verified.error().message();
}

TEST(SegmentDamage, BehindRightChecksumsBreaksNothing) {
  std::size_t opened = 0;
  std::size_t rows = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Parts parts = SomeParts(seed);
    ASSERT_FALSE(parts.empty());
    Random random(seed);
    for (int round = 0; round < 120; ++round) {
      Parts damaged = parts;
      for (std::uint64_t i = 0; i <= random.Below(3); ++i)
        Damage(random, damaged[static_cast<std::size_t>(random.Below(damaged.size()))].second);
      const auto reader = OpenBytes(MakeFile(std::move(damaged)));
      if (!reader.has_value()) continue;
      ++opened;
      rows += ReadWhatIsThere(**reader);
      ASSERT_FALSE(HasFailure()) << "round " << round;
    }
  }
  EXPECT_GT(opened, 1000U);
  EXPECT_GT(rows, 1000U);
}

std::string& PartOf(Parts& parts, SectionKind kind) {
  const auto found = std::find_if(parts.begin(), parts.end(), [&](const auto& part) {
    return part.first == static_cast<std::uint8_t>(kind);
  });
  return found->second;
}

// The permutation of ids must not go past the end of the table of traces.
TEST(SegmentDamage, ATableOfTracesThatLacksSomeIsRefused) {
  Parts parts = SomeParts(4);
  std::string& meta = PartOf(parts, SectionKind::kMeta);
  ASSERT_LT(static_cast<unsigned char>(meta[0]), 128);  // rows, then traces
  ++meta[1];
  const auto reader = OpenBytes(MakeFile(parts));
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  const auto traces = (*reader)->traces();
  ASSERT_FALSE(traces.has_value());
  EXPECT_EQ(ErrorCode::kCorruption, traces.error().code());
}

// A writer asks every segment for the ids of each new one.
TEST(SegmentDamage, WithoutTheOrderOfIdsTheyAreFoundAllTheSame) {
  Parts parts = SomeParts(4);
  const auto whole = OpenBytes(MakeFile(parts));
  ASSERT_TRUE(whole.has_value()) << whole.error().message();
  PartOf(parts, SectionKind::kTraceOrder) += 'x';
  const auto reader = OpenBytes(MakeFile(parts));
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  ASSERT_FALSE((*reader)->trace_order().has_value());
  const auto traces = (*whole)->traces();
  ASSERT_TRUE(traces.has_value());
  for (const TracePart& part : (*traces)->parts) {
    EXPECT_EQ((*reader)->HasLowId(part.id.low).value_or(false), true);
    EXPECT_EQ((*reader)->HasLowId(part.id.low + 12345).value_or(true), false);
  }
}

// A status message is read as a text, whatever type its column claims to have.
TEST(SegmentDamage, AStatusMessageOfAnotherTypeIsRefused) {
  SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  model::SpanRecord span;
  span.presence = model::kHasStart | model::kHasDuration;
  span.status_message = batch.strings.Intern("message");
  batch.spans.push_back(span);
  const auto built = BuildSegment(batch);
  ASSERT_TRUE(built.has_value());
  Parts parts = PartsOf(built->bytes);
  std::string& tables = PartOf(parts, SectionKind::kTables);
  ASSERT_EQ(std::string({1, 0, 1}), tables.substr(1, 3));  // one column: key 0, a string
  tables[3] = static_cast<char>(ValueType::kInt);
  const auto reader = OpenBytes(MakeFile(parts));
  ASSERT_TRUE(reader.has_value()) << reader.error().message();
  EXPECT_FALSE((*reader)->tables().has_value());
}

}  // namespace
}  // namespace tracestore::store
