// The life of a store over a disk of which each call fails in turn: log, seals, deletes from two
// handles, retention, merges, restarts. Commits of the catalog count as calls and fail like them.
#include <map>
#include <set>

#include <gtest/gtest.h>

#include "base/try.h"
#include "fs/fault_file_system.h"
#include "fs/memory_file_system.h"
#include "store/catalog/memory_catalog.h"
#include "store/engine/engine.h"
#include "store/engine/one_span_test_support.h"

namespace tracestore::store {
namespace {

using testing::OneSpan;
using Spans = std::map<std::uint64_t, std::set<std::uint64_t>>;  // by trace

constexpr std::uint64_t kDayNs = 86'400'000'000'000ULL;

enum class Kind : std::uint8_t {
  kOnce,      // one call fails
  kUntilRoom, // each call from there on, until somebody has made room
  kPowerCut,  // each call from there on; what was not synced is gone
};

Spans SpansOf(const SnapshotData& data) {
  Spans spans;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    model::SpanBatch rows;
    const auto read =
        data.segments[i]->ReadRows(0, data.segments[i]->meta().rows, Projection{}, rows);
    EXPECT_TRUE(read.has_value()) << read.error().message();
    for (const auto& span : rows.spans) {
      if (!data.Hidden(i, span.trace_id)) spans[span.trace_id.low].insert(span.span_id.value);
    }
  }
  for (const auto& batch : data.head) {
    for (const auto& span : batch->batch().spans)
      spans[span.trace_id.low].insert(span.span_id.value);
  }
  return spans;
}

// One life with one fault, and what the store must and may hold by what it said.
class Life {
 public:
  Life(Kind kind, const fs::Fault& fault) : kind_(kind), faulty_(memory_, fault) {}

  // False: the fault was not met, the sweep is done.
  bool Run() {
    Step([&] { return Open(); });
    Append(1, 1);
    Append(2, 1);
    Step([&] { return engine_->Seal(); });
    Append(1, 2);
    Append(3, 1);
    Delete(2, false);
    Append(2, 2);
    Step([&] { return engine_->Seal(); });
    // A third segment that retention will drop, of another time.
    now_ += 20 * kDayNs;
    Append(4, 1);
    Append(3, 2);
    Delete(3, true);
    Append(5, 1);
    Append(1, 3);
    Step([&] { return engine_->Seal(); });
    Append(6, 1);
    Compact({});
    Append(6, 2);
    Step([&] { return engine_->Sync(); });
    Reopen();
    Append(4, 2);
    Delete(6, true);
    Append(6, 3);
    CompactOptions old;
    old.retention_age = std::chrono::hours(10 * 24);
    Compact(old);
    // The first days are gone, whatever came of them.
    must_[1].erase(1), must_[1].erase(2), must_[2].erase(2);
    may_[1].erase(1), may_[1].erase(2), may_[2].erase(2);
    Append(7, 1);
    Reopen();
    return Finish();
  }

 private:
  Status Open() {
    engine_.reset();
    StoreOptions options;
    options.background_sealing = false;
    options.sync = SyncPolicy::kFull;
    options.clock = [this] { return now_; };
    TS_TRY_ASSIGN(engine_, Engine::Open(faulty_, "store", NewCatalog(), options));
    return {};
  }
  std::unique_ptr<Catalog> NewCatalog() {
    return std::make_unique<MemoryCatalog>(disk_, [this]() -> Status {
      TS_TRY(faulty_.Exists("store/catalog/data.mdb"));
      return {};
    });
  }
  // As another process has it.
  Result<std::unique_ptr<Engine>> OpenElsewhere() {
    StoreOptions options;
    options.mode = OpenMode::kRead;
    return Engine::Open(faulty_, "store", NewCatalog(), options);
  }

  // Does it, and if the fault is met, once more with room.
  template <typename Do>
  void Step(const Do& act) {
    if (::testing::Test::HasFailure()) return;
    const Status done = act();
    if (met_ || !faulty_.fired()) {
      ASSERT_TRUE(done.has_value()) << done.error().message();
      return;
    }
    met_ = true;
    if (!done.has_value()) ExpectExactSentence(done.error());
    MakeRoom();
    if (!done.has_value() || (kind_ == Kind::kPowerCut && engine_ == nullptr)) {
      const Status again = act();
      ASSERT_TRUE(again.has_value()) << again.error().message();
    }
  }

  void MakeRoom() {
    if (kind_ == Kind::kPowerCut) {
      engine_.reset();  // nothing that it does now reaches the disk
      memory_.DropUnsynced(faulty_.calls());
    }
    faulty_.Arm({});
    if (kind_ == Kind::kPowerCut) {
      const Status opened = Open();
      ASSERT_TRUE(opened.has_value()) << opened.error().message();
    }
    if (engine_ != nullptr) Check();
  }

  // Which call failed, on which file, and why.
  static void ExpectExactSentence(const Error& error) {
    EXPECT_EQ(error.code(), ErrorCode::kIo) << error.message();
    const std::string& said = error.message();
    EXPECT_NE(said.find("store"), std::string::npos) << said;
    EXPECT_TRUE(said.find("ENOSPC (No space left on device)") != std::string::npos ||
                said.find("EIO (Input/output error)") != std::string::npos)
        << said;
  }

  void Append(std::uint64_t trace, std::uint64_t span) {
    may_[trace].insert(span);
    Step([&] { return engine_->Append(OneSpan(trace, span)); });
    must_[trace].insert(span);
  }

  void Delete(std::uint64_t trace, bool elsewhere) {
    const auto were = std::exchange(must_[trace], {});
    may_[trace].insert(were.begin(), were.end());
    Step([&]() -> Status {
      const std::vector<NewTombstone> one = {{TombstoneKind::kTrace, {7, trace}}};
      if (!elsewhere) return engine_->Delete(one);
      TS_TRY_ASSIGN(const auto other, OpenElsewhere());
      return other->Delete(one);
    });
    may_[trace].clear();
  }

  void Compact(CompactOptions options) {
    options.full = true;
    // What retention drops is dropped before a merge may fail.
    const Spans were = must_;
    if (options.retention_age) {
      for (const auto& [trace, spans] : were) may_[trace].insert(spans.begin(), spans.end());
      must_[1].erase(1), must_[1].erase(2), must_[2].erase(2);
    }
    Step([&]() -> Status {
      TS_TRY(engine_->Compact(options));
      return {};
    });
  }

  void Reopen() {
    // Closed is closed, whatever it says: what it could not seal is in the log.
    Step([&] {
      const Status closed = engine_ == nullptr ? Status() : engine_->Close();
      engine_.reset();
      return closed;
    });
    Step([&] { return Open(); });
  }

  void ExpectHolds(const Spans& stored, const char* who) {
    SCOPED_TRACE(who);
    for (std::uint64_t trace = 1; trace <= 7; ++trace) {
      const auto found = stored.find(trace);
      const std::set<std::uint64_t> spans = found == stored.end() ? std::set<std::uint64_t>()
                                                                  : found->second;
      for (const std::uint64_t span : must_[trace])
        EXPECT_TRUE(spans.contains(span)) << "span " << span << " of trace " << trace << " is lost";
      for (const std::uint64_t span : spans) {
        EXPECT_TRUE(must_[trace].contains(span) || may_[trace].contains(span))
            << "span " << span << " of trace " << trace << " is back";
      }
    }
  }

  void Check() {
    const auto here = engine_->TakeSnapshot();
    ASSERT_TRUE(here.has_value()) << here.error().message();
    ExpectHolds(SpansOf(**here), "in the writing process");
    const auto other = OpenElsewhere();
    ASSERT_TRUE(other.has_value()) << other.error().message();
    const auto there = (*other)->TakeSnapshot();
    ASSERT_TRUE(there.has_value()) << there.error().message();
    ExpectHolds(SpansOf(**there), "in another process");
  }

  bool Finish() {
    if (::testing::Test::HasFailure()) return false;
    const bool fired = faulty_.fired() || met_;
    faulty_.Arm({});
    Check();
    const Status closed = engine_->Close();
    EXPECT_TRUE(closed.has_value()) << closed.error().message();
    engine_.reset();
    EXPECT_TRUE(Open().has_value());
    Check();
    // A power cut now costs nothing, and no file is left that nobody names.
    EXPECT_EQ(memory_.List("store/segments")->size(), disk_->segments.size());
    EXPECT_TRUE(memory_.List("store/wal")->empty());
    engine_.reset();
    memory_.DropUnsynced(1);
    EXPECT_TRUE(Open().has_value());
    Check();
    engine_.reset();
    return fired;
  }

  const Kind kind_;
  fs::MemoryFileSystem memory_;
  fs::FaultFileSystem faulty_;
  std::shared_ptr<MemoryCatalogDisk> disk_ = std::make_shared<MemoryCatalogDisk>();
  std::uint64_t now_ = 20'000 * kDayNs;
  std::unique_ptr<Engine> engine_;
  bool met_ = false;
  Spans must_, may_;
};

class FaultSweep : public ::testing::TestWithParam<Kind> {};

TEST_P(FaultSweep, NothingIsLostNorBackWhicheverCallFails) {
  std::uint64_t lives = 0;
  for (const auto effect :
       {fs::Fault::Effect::kNothing, fs::Fault::Effect::kHalf, fs::Fault::Effect::kAll}) {
    std::uint64_t n = 1;
    for (; n < 5'000; ++n) {
      SCOPED_TRACE("fault at call " + std::to_string(n) + " with effect " +
                   std::to_string(static_cast<int>(effect)));
      fs::Fault fault;
      fault.at_call = n;
      fault.from_then_on = GetParam() != Kind::kOnce;
      fault.error_number = n % 2 == 0 ? EIO : ENOSPC;
      fault.effect = effect;
      const bool met = Life(GetParam(), fault).Run();
      ++lives;
      if (!met || HasFailure()) break;
    }
    EXPECT_GT(n, 150U);  // it swept
    if (HasFailure()) break;
  }
  RecordProperty("lives", static_cast<int>(lives));
}

INSTANTIATE_TEST_SUITE_P(Faults, FaultSweep,
                         ::testing::Values(Kind::kOnce, Kind::kUntilRoom, Kind::kPowerCut),
                         [](const auto& kind) -> std::string {
                           switch (kind.param) {
                             case Kind::kOnce: return "Once";
                             case Kind::kUntilRoom: return "UntilThereIsRoom";
                             case Kind::kPowerCut: break;
                           }
                           return "PowerCut";
                         });

}  // namespace
}  // namespace tracestore::store
