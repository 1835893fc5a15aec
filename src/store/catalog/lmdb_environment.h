// LmdbEnvironment: LMDB's rules kept in one place. The only code that sees <lmdb.h>, with its .cc.
//
// The rules: one environment for a directory in a process (a registry hands out leases); MDB_NOTLS;
// transactions begin and end within one call; the map grows on MDB_MAP_FULL and follows other
// processes on MDB_MAP_RESIZED, with no transaction of this process open; dead processes' reader
// slots are cleared; nothing is used across fork(), not even closed.
#pragma once
#include <lmdb.h>
#include <sys/types.h>

#include <array>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include <tracestore/status.h>

namespace tracestore::store {

// The named databases, in the order of kCatalogDatabases (lmdb_txn.cc).
enum class CatalogDb : std::uint8_t {
  kMeta,
  kSegments,
  kStraddlers,
  kStraddlersByVersion,
  kStraddlersBySegment,
  kTombstones,
  kSettings,
  kSampling,
};
inline constexpr std::size_t kCatalogDbCount = 8;

class LmdbEnvironment;

const char* CatalogDbName(CatalogDb db);
unsigned CatalogDbFlags(CatalogDb db);  // MDB_DUPSORT and the like

// What the catalog holds, summed: the hashes of a database's entries (meta's without this one)
// modulo 2^64, so that a change costs what it changes.
struct CatalogContents {
  std::uint64_t version = 0;  // of the commit that wrote them: of every one
  std::array<std::uint64_t, kCatalogDbCount> sums{};
};
inline constexpr std::string_view kContentsKey = "contents";  // in meta
std::uint64_t EntryHash(std::string_view key, std::string_view value);

// A transaction within LmdbEnvironment::Read or Write. Views that it gives are valid until its end
// or its next change. Errors carry the directory, the operation and LMDB's text.
class LmdbTxn {
 public:
  std::uint64_t id() const noexcept { return mdb_txn_id(txn_); }

  Result<std::optional<std::string_view>> Get(CatalogDb db, std::string_view key);
  // In a database with several values for a key: adds one, unless it stands already.
  Status Put(CatalogDb db, std::string_view key, std::string_view value);
  // Whether it stood. For a key with several values: removes all, or with `value` that one.
  Result<bool> Delete(CatalogDb db, std::string_view key,
                      std::optional<std::string_view> value = std::nullopt);
  // None in a catalog that was made by a build that kept none, and not changed since.
  Result<std::optional<CatalogContents>> Contents();
  // Of the entries as they stand.
  Result<std::uint64_t> SumOf(CatalogDb db);
  // Calls `each` for every key (and each of its values) from the first not below `from` on, until
  // it gives false. It must not change the database.
  Status ForEach(CatalogDb db, std::string_view from,
                 const std::function<Result<bool>(std::string_view key, std::string_view value)>&
                     each);

 private:
  friend class LmdbEnvironment;
  LmdbTxn(LmdbEnvironment& environment, MDB_txn* txn) : environment_(environment), txn_(txn) {}
  Error Fail(const char* operation, int code);
  Status PutContents();

  LmdbEnvironment& environment_;
  MDB_txn* const txn_;
  bool changed_ = false;
  std::array<std::uint64_t, kCatalogDbCount> sums_{};  // what the changes add to the contents
  bool map_full_ = false;  // a change didn't fit: the environment grows and runs the body again
};

class LmdbEnvironment {
 public:
  struct Options {
    bool create = false;
    std::size_t first_map_bytes = 0;  // of a store that is created
    // Fills a new store inside its first transaction.
    std::function<Status(LmdbTxn&)> initialize;
  };
  using Body = std::function<Status(LmdbTxn&)>;

  // The environment of this process for `directory`; the last lease that goes closes it. kNotFound
  // when there is none and `create` isn't set.
  static Result<std::shared_ptr<LmdbEnvironment>> Open(const std::string& directory,
                                                       const Options& options);
  ~LmdbEnvironment();
  LmdbEnvironment(const LmdbEnvironment&) = delete;
  LmdbEnvironment& operator=(const LmdbEnvironment&) = delete;

  // Run `body` in a transaction, more than once where the map had to grow. Read: the body changes
  // nothing. Write: committed and synced when the body succeeds, else nothing is changed.
  Status Read(const Body& body);
  Status Write(const Body& body);

  // Whether Read runs in the transaction with this id now.
  Result<bool> IsLastTxn(std::uint64_t id);

  // What a writer that was killed in its commit left becomes visible and is synced
  // (Catalog::Settle).
  Status Settle();
  bool read_only() const noexcept { return read_only_; }

 private:
  friend class LmdbTxn;
  class Registry;
  class MapUse;

  explicit LmdbEnvironment(std::string directory);
  Status OpenEnvironment(const Options& options);
  int TryOpen(unsigned flags, const Options& options);
  Status OpenDatabases(const Options& options);
  Status CheckMetas() const;
  // False: the transaction was overtaken by two commits.
  Result<bool> CheckPages(MDB_txn* txn) const;
  Status FillMissingEnd();
  Status CheckNoLiveWriter() const;
  Status CheckProcess() const;
  Result<MDB_txn*> Begin(unsigned flags);
  bool IsOvertaken(MDB_txn* txn) const;
  Status FollowResize();
  Status Grow(std::size_t seen_map_bytes);
  Error Fail(const char* operation, int code) const;

  const std::string directory_;
  const pid_t pid_;  // of the process that opened it
  MDB_env* env_ = nullptr;
  bool read_only_ = false;
  bool without_lock_file_ = false;
  std::array<MDB_dbi, kCatalogDbCount> databases_{};

  // The map is replaced only while no transaction uses it.
  std::mutex map_mutex_;
  std::condition_variable map_idle_;
  std::uint32_t map_users_ = 0;     // transactions of this process; guarded by map_mutex_
  bool map_replacing_ = false;      // somebody waits for them to end; guarded by map_mutex_
};

}  // namespace tracestore::store
