// LmdbCatalog: the catalog of a store on disk, shared by all processes that use it.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "store/catalog/catalog.h"
#include "store/catalog/sampling_table.h"

namespace tracestore::store {

enum class CatalogDb : std::uint8_t;
class LmdbEnvironment;
class LmdbTxn;

struct LmdbCatalogOptions {
  // Make the catalog when the directory has none; else that is kNotFound.
  bool create = false;
  // Bytes of address space for the first map of a new catalog; it doubles when full. 4 MiB to start
  // with holds some 10,000 segments and costs nothing on disk until used.
  std::size_t first_map_bytes = std::size_t{4} << 20;
  // Of a new catalog; a random uuid and the time now when not given.
  std::optional<StoreIdentity> identity{};
};

// Something in the catalog that contradicts itself.
struct CatalogFault {
  std::string database;  // docs/format/catalog.md, "Databases"
  std::string what;      // a sentence
};

// Local file systems only: LMDB maps data.mdb into memory. After fork() every call of the child
// gives kInvalidArgument, "this store was opened before fork(); open it again in the child
// process".
class LmdbCatalog final : public Catalog {
 public:
  // `directory` is the store's catalog/. Where its files can't be written it is opened for reading,
  // on read-only media without the lock file. Errors: kNotFound (no catalog there), kUnsupported
  // (newer format), kCorruption, kIo.
  static Result<std::unique_ptr<LmdbCatalog>> Open(const std::string& directory,
                                                   const LmdbCatalogOptions& options = {});

  using Catalog::AddTombstones;
  using Catalog::Read;
  Result<CatalogView> Read(const CatalogReadOptions& options) override;
  Result<bool> IsCurrent(std::uint64_t version) override;
  Status Settle() override;
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
  bool read_only() const noexcept override;

  // The state of adaptive sampling, in one transaction; `body` may run more than once. Update: all
  // or nothing, durable when it returns success.
  Status ReadSampling(const std::function<Status(SamplingTable&)>& body);
  Status UpdateSampling(const std::function<Status(SamplingTable&)>& body);

  // What Read can't see: that the three databases of straddlers hold the same pairs, and that
  // numbers which only rise are above all that were given. Errors: as Read.
  Result<std::vector<CatalogFault>> Audit();

 private:
  LmdbCatalog(std::string directory, std::shared_ptr<LmdbEnvironment> environment)
      : directory_(std::move(directory)), environment_(std::move(environment)) {}

  Status CheckFormat();
  Status CheckSum(LmdbTxn& txn, CatalogDb db) const;
  Error Corrupt(const std::string& what) const;
  Result<std::uint64_t> MetaNumber(LmdbTxn& txn, std::string_view key) const;
  Status ReadNumbers(LmdbTxn& txn, CatalogView* view) const;
  Status ReadSegments(LmdbTxn& txn, CatalogView* view) const;
  Status ReadStraddlers(LmdbTxn& txn, std::uint64_t after, CatalogView* view) const;
  Status ReadTombstones(LmdbTxn& txn, std::optional<std::uint64_t> after, CatalogView* view) const;
  Status RemoveSegment(LmdbTxn& txn, SegmentId id) const;
  Status AddStraddlers(LmdbTxn& txn, const SealCommit& commit) const;
  Status EraseTombstones(LmdbTxn& txn, const std::vector<std::uint64_t>& sequences) const;

  const std::string directory_;
  const std::shared_ptr<LmdbEnvironment> environment_;
};

}  // namespace tracestore::store
