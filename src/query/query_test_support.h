// A snapshot made of batches, for tests of this room: some sealed, some in the head.
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "fs/memory_file_system.h"
#include "predicate/testing/small_world.h"
#include "store/engine/snapshot.h"
#include "store/segment/segment_test_support.h"
#include "store/segment/segment_writer.h"

namespace tracestore::query::testing {

// As a writer leaves a segment that makes no summary sections.
inline std::string WithoutSummaries(const std::string& bytes) {
  store::testing::Parts parts = store::testing::PartsOf(bytes);
  std::erase_if(parts, [](const auto& part) {
    return part.first == static_cast<std::uint8_t>(store::SectionKind::kLinks) ||
           part.first == static_cast<std::uint8_t>(store::SectionKind::kSpanMetrics);
  });
  return store::testing::MakeFile(parts);
}

// Keeps the files of the segments' bytes.
class TestWorld {
 public:
  TestWorld() { ForgetAll(); }

  bool summaries = true;  // of segments added from now on

  void AddSegment(const model::SpanBatch& batch) {
    const auto built = store::BuildSegment(batch);
    ASSERT_TRUE(built.has_value()) << built.error().message();
    const std::string name = std::to_string(data_.segments.size()) + ".seg";
    auto file = files_.CreateExclusive(name);
    const std::string bytes = summaries ? built->bytes : WithoutSummaries(built->bytes);
    ASSERT_TRUE(file.has_value() && (*file)->Append(bytes).has_value());
    auto opened = files_.OpenForRead(name);
    ASSERT_TRUE(opened.has_value());
    auto reader = store::SegmentReader::Open(std::move(*opened), name, data_.memory->pages());
    ASSERT_TRUE(reader.has_value()) << reader.error().message();
    data_.segments.push_back(*reader);
    Remember(batch, static_cast<int>(data_.segments.size()));
  }
  void AddHead(model::SpanBatch batch) {
    Remember(batch, 0);
    data_.head.push_back(std::make_shared<const store::HeadBatch>(std::move(batch)));
  }

  // As if nothing had been asked for. The memory is a small one, so that things come and go.
  void ForgetAll() { data_.memory = std::make_shared<store::QueryMemory>(std::uint64_t{1} << 20); }

  // All that was added, as one batch.
  const model::SpanBatch& all() const { return all_; }

  const store::SnapshotData& data() {
    auto straddlers = std::make_shared<store::StraddlerSet>();
    for (const auto& [low, places] : places_) {
      if (places.size() > (places.contains(0) ? 2U : 1U)) straddlers->insert(low);
    }
    data_.straddlers = std::move(straddlers);
    return data_;
  }

 private:
  void Remember(const model::SpanBatch& batch, int place) {
    appender_.SetSource(batch);
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      appender_.Append(row);
      places_[batch.spans[row].trace_id.low].insert(place);
    }
  }

  fs::MemoryFileSystem files_;
  store::SnapshotData data_;
  model::SpanBatch all_;
  model::BatchAppender appender_{all_};
  std::map<std::uint64_t, std::set<int>> places_;
};

// A small world cut into parts at random: 0 to 3 segments and 0 to 3 batches of the head, so that
// many traces lie in several of them.
inline void FillSmallWorld(std::uint64_t seed, TestWorld& world) {
  predicate::testing::SmallWorldOptions options;
  options.id_seed = seed;
  for (std::uint64_t i = 0; i < seed % 4; ++i) {
    options.spans = i == 1 ? 2500 : 150;
    options.most_traces = 60;
    world.AddSegment(predicate::testing::SmallWorldBatch(seed * 16 + i, options));
  }
  for (std::uint64_t i = 0; i < (seed / 4 + (seed % 4 == 0 ? 1 : 0)) % 4; ++i) {
    options.spans = 80;
    options.most_traces = 60;
    world.AddHead(predicate::testing::SmallWorldBatch(seed * 16 + 8 + i, options));
  }
}

}  // namespace tracestore::query::testing
