// MemoryCatalog: a Catalog that lives in memory, for fault sweeps and stores that need no disk.
#pragma once
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "store/catalog/catalog.h"

namespace tracestore::store {

// What survives a simulated crash: reopen by making another MemoryCatalog of the same disk.
struct MemoryCatalogDisk {
  std::mutex mutex;
  CatalogView view;                                        // guarded by mutex, as all below
  std::map<SegmentId, SegmentInfo> segments;
  std::map<Straddler, std::uint64_t> straddlers;           // to the version that added each
  std::map<std::uint64_t, Tombstone> tombstones;
  std::uint64_t next_tombstone = 1;
  std::map<std::string, std::string> settings;
};

class MemoryCatalog final : public Catalog {
 public:
  // `before_commit`, if given, is called before every commit; with an error from it the commit
  // fails with that error and changes nothing. A sweep counts and fails commits with it.
  explicit MemoryCatalog(std::shared_ptr<MemoryCatalogDisk> disk,
                         std::function<Status()> before_commit = nullptr)
      : disk_(std::move(disk)), before_commit_(std::move(before_commit)) {}

  using Catalog::AddTombstones;
  using Catalog::Read;
  Result<CatalogView> Read(const CatalogReadOptions& options) override;
  Result<bool> IsCurrent(std::uint64_t version) override;
  Status Settle() override { return {}; }
  Result<std::vector<SegmentId>> FindStraddler(std::uint64_t trace_id_low) override;
  Result<std::uint64_t> CommitSeal(const SealCommit& commit) override;
  Result<std::uint64_t> AddTombstones(
      const std::vector<NewTombstone>& tombstones,
      const std::function<Result<LogPosition>()>& position, const KeepTombstones& keep) override;
  Status HoldTombstones(const KeepTombstones& keep) override;
  Result<std::vector<Tombstone>> ListTombstones() override;
  Status RemoveTombstones(const std::vector<std::uint64_t>& sequences) override;
  Result<std::optional<std::string>> GetSetting(const std::string& key) override;
  Status PutSetting(const std::string& key, const std::string& value) override;
  Status RemoveSetting(const std::string& key) override;
  Result<std::vector<std::pair<std::string, std::string>>> ListSettings() override;
  bool read_only() const noexcept override { return false; }

 private:
  Status BeforeCommit() const { return before_commit_ ? before_commit_() : Status(); }

  const std::shared_ptr<MemoryCatalogDisk> disk_;
  const std::function<Status()> before_commit_;
};

}  // namespace tracestore::store
