// A store in a directory of its own, and a model of what it must hold: for tests of deletes.
#pragma once
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include <tracestore/store.h>

#include "model/span_batch.h"
#include "store/engine/snapshot.h"

namespace tracestore::api::testing {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string pattern = (std::filesystem::temp_directory_path() / "tracestore-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string path() const { return path_ + "/store"; }

 private:
  std::string path_;
};

inline StoreOptions Options(OpenMode mode) {
  StoreOptions options;
  options.mode = mode;
  options.sync = SyncPolicy::kOff;
  options.background_sealing = false;
  return options;
}

inline std::unique_ptr<Store> OpenOrFail(const std::string& path,
                                         OpenMode mode = OpenMode::kWrite) {
  auto store = Store::Open(path, Options(mode));
  EXPECT_TRUE(store.has_value()) << store.error().message();
  return store.has_value() ? std::move(*store) : nullptr;
}

// What must be there: every batch that was appended, less what was deleted or expired since.
class Model {
 public:
  void Append(const model::SpanBatch& batch) {
    batches_.push_back(batch);
    sealed_on_.push_back(kNotSealed);
  }
  void Seal(int day) { std::replace(sealed_on_.begin(), sealed_on_.end(), kNotSealed, day); }
  // Drops what was sealed before that day.
  void ExpireBefore(int day) {
    for (std::size_t i = 0; i < batches_.size(); ++i) {
      if (sealed_on_[i] == kNotSealed || sealed_on_[i] >= day) continue;
      for (const auto& span : batches_[i].spans) ever_.insert(span.trace_id);
      batches_[i].spans.clear();
    }
  }
  // Of the spans that are left in segments, the latest; below all days where there is none.
  int LastDay() const {
    int last = kNotSealed;
    for (std::size_t i = 0; i < batches_.size(); ++i) {
      if (!batches_[i].empty()) last = std::max(last, sealed_on_[i]);
    }
    return last;
  }
  void Delete(const std::set<TraceId>& ids) {
    for (auto& batch : batches_)
      std::erase_if(batch.spans, [&](const auto& span) { return ids.contains(span.trace_id); });
    ever_.insert(ids.begin(), ids.end());
  }
  void DeleteAll() { Delete(Ids()); }
  std::set<TraceId> Ids() const {
    std::set<TraceId> ids;
    for (const auto& batch : batches_) {
      for (const auto& span : batch.spans) ids.insert(span.trace_id);
    }
    return ids;
  }
  const std::set<TraceId>& ever_gone() const { return ever_; }
  std::size_t CountOf(TraceId id) const {
    std::size_t count = 0;
    for (const auto& batch : batches_) {
      for (const auto& span : batch.spans) count += span.trace_id == id ? 1U : 0U;
    }
    return count;
  }
  std::vector<const model::SpanBatch*> batches() const {
    std::vector<const model::SpanBatch*> all;
    for (const auto& batch : batches_) all.push_back(&batch);
    return all;
  }
  // The same spans, none of them sealed or deleted.
  store::SnapshotData data() const {
    store::SnapshotData data;
    data.straddlers = std::make_shared<store::StraddlerSet>();
    for (const auto& batch : batches_) {
      model::SpanBatch kept;
      model::BatchAppender appender(kept);
      appender.SetSource(batch);
      for (std::uint32_t row = 0; row < batch.size(); ++row) appender.Append(row);
      if (!kept.empty())
        data.head.push_back(std::make_shared<const store::HeadBatch>(std::move(kept)));
    }
    return data;
  }

 private:
  static constexpr int kNotSealed = -1;
  std::vector<model::SpanBatch> batches_;
  std::vector<int> sealed_on_;  // by batch: the day
  std::set<TraceId> ever_;
};

}  // namespace tracestore::api::testing
