// HookedCatalog: for tests of what happens between a commit's look-ups and the commit.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/catalog/memory_catalog.h"

namespace tracestore::store::testing {

// Calls a hook before each commit of a seal or compaction, as another process may come between.
class HookedCatalog final : public Catalog {
 public:
  HookedCatalog(std::shared_ptr<MemoryCatalogDisk> disk, std::function<void()> before_seal)
      : inner_(std::move(disk)), before_seal_(std::move(before_seal)) {}
  Result<CatalogView> Read(const CatalogReadOptions& options) override {
    return inner_.Read(options);
  }
  Result<bool> IsCurrent(std::uint64_t version) override { return inner_.IsCurrent(version); }
  Status Settle() override { return inner_.Settle(); }
  Result<std::vector<SegmentId>> FindStraddler(std::uint64_t low) override {
    return inner_.FindStraddler(low);
  }
  Result<std::uint64_t> CommitSeal(const SealCommit& commit) override {
    before_seal_();
    return inner_.CommitSeal(commit);
  }
  Result<std::uint64_t> AddTombstones(
      const std::vector<NewTombstone>& tombstones,
      const std::function<Result<LogPosition>()>& position, const KeepTombstones& keep) override {
    return inner_.AddTombstones(tombstones, position, keep);
  }
  Status HoldTombstones(const KeepTombstones& keep) override { return inner_.HoldTombstones(keep); }
  Result<std::vector<Tombstone>> ListTombstones() override { return inner_.ListTombstones(); }
  Status RemoveTombstones(const std::vector<std::uint64_t>& sequences) override {
    return inner_.RemoveTombstones(sequences);
  }
  Result<std::optional<std::string>> GetSetting(const std::string& key) override {
    return inner_.GetSetting(key);
  }
  Status PutSetting(const std::string& key, const std::string& value) override {
    return inner_.PutSetting(key, value);
  }
  Status RemoveSetting(const std::string& key) override { return inner_.RemoveSetting(key); }
  Result<std::vector<std::pair<std::string, std::string>>> ListSettings() override {
    return inner_.ListSettings();
  }
  bool read_only() const noexcept override { return false; }

 private:
  MemoryCatalog inner_;
  std::function<void()> before_seal_;
};

}  // namespace tracestore::store::testing
