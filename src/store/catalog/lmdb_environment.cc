#include "store/catalog/lmdb_environment.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/try.h"
#include "fs/posix_file_system.h"
#include "store/catalog/lmdb_pages.h"

namespace tracestore::store {
namespace {

// Transactions are short, so few slots are in use at once; LMDB's own default is 126.
constexpr unsigned kReaderSlots = 510;
// A store's catalog is some 100 bytes a segment and 60 a straddler: 64 GiB is beyond any.
constexpr std::size_t kMostMapBytes = std::size_t{1} << 36;

ErrorCode CodeOf(int code) {
  switch (code) {
    case ENOENT: return ErrorCode::kNotFound;
    case MDB_READERS_FULL: return ErrorCode::kBusy;
    case MDB_VERSION_MISMATCH: return ErrorCode::kUnsupported;
    case MDB_NOTFOUND:  // of a named database; a missing key never comes here
    case MDB_INCOMPATIBLE:
    case MDB_INVALID:
    case MDB_CORRUPTED:
    case MDB_PAGE_NOTFOUND: return ErrorCode::kCorruption;
    default: return ErrorCode::kIo;
  }
}

}  // namespace

// ---- The map

// Holds the map in place while a transaction uses it.
class LmdbEnvironment::MapUse {
 public:
  explicit MapUse(LmdbEnvironment& environment) : environment_(environment) {
    std::unique_lock lock(environment_.map_mutex_);
    environment_.map_idle_.wait(lock, [&] { return !environment_.map_replacing_; });
    ++environment_.map_users_;
  }
  ~MapUse() {
    const std::lock_guard lock(environment_.map_mutex_);
    if (--environment_.map_users_ == 0) environment_.map_idle_.notify_all();
  }
  MapUse(const MapUse&) = delete;
  MapUse& operator=(const MapUse&) = delete;

 private:
  LmdbEnvironment& environment_;
};

Status LmdbEnvironment::Grow(std::size_t seen_map_bytes) {
  std::unique_lock lock(map_mutex_);
  map_idle_.wait(lock, [&] { return !map_replacing_; });
  map_replacing_ = true;  // no new transaction begins: readers can't keep the writer waiting
  map_idle_.wait(lock, [&] { return map_users_ == 0; });
  MDB_envinfo info{};
  mdb_env_info(env_, &info);
  int code = MDB_SUCCESS;
  if (seen_map_bytes == 0) {
    code = mdb_env_set_mapsize(env_, 0);  // what the other process made it
  } else if (info.me_mapsize == seen_map_bytes) {  // else another thread was here first
    code = seen_map_bytes >= kMostMapBytes ? MDB_MAP_FULL
                                           : mdb_env_set_mapsize(env_, seen_map_bytes * 2);
  }
  map_replacing_ = false;
  map_idle_.notify_all();
  if (code != MDB_SUCCESS) return Fail("grow", code);
  return {};
}

Status LmdbEnvironment::FollowResize() { return Grow(0); }

// ---- Transactions

Result<MDB_txn*> LmdbEnvironment::Begin(unsigned flags) {
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_, nullptr, flags, &txn);
  if (code == MDB_READERS_FULL) {
    int cleared = 0;
    mdb_reader_check(env_, &cleared);
    if (cleared > 0) code = mdb_txn_begin(env_, nullptr, flags, &txn);
  }
  if (code == MDB_SUCCESS) return txn;
  if (code == MDB_MAP_RESIZED) return static_cast<MDB_txn*>(nullptr);  // the caller follows
  return Fail("begin", code);
}

// LMDB takes the number of the newest commit first and copies that commit's meta page after. Two
// commits in between overwrite the page, and the transaction would show the second of them under
// the number of the older one, even before it is synced.
bool LmdbEnvironment::IsOvertaken(MDB_txn* txn) const {
  MDB_envinfo info{};
  mdb_env_info(env_, &info);  // of the meta pages themselves, written or just being written
  return info.me_last_txnid > mdb_txn_id(txn) + 1;
}

Status LmdbEnvironment::Read(const Body& body) {
  TS_TRY(CheckProcess());
  for (;;) {
    if (without_lock_file_) TS_TRY(CheckNoLiveWriter());
    {
      const MapUse use(*this);
      TS_TRY_ASSIGN(MDB_txn* const began, Begin(MDB_RDONLY));
      if (began != nullptr) {
        const std::unique_ptr<MDB_txn, void (*)(MDB_txn*)> txn(began, &mdb_txn_abort);
        if (IsOvertaken(began)) continue;
        LmdbTxn view(*this, began);
        return body(view);
      }
    }
    TS_TRY(FollowResize());
  }
}

Status LmdbEnvironment::Write(const Body& body) {
  TS_TRY(CheckProcess());
  if (read_only_) {
    return Error(ErrorCode::kIo, "catalog " + directory_ + ": it is open for reading only, since " +
                                     "its files can't be written");
  }
  for (;;) {
    std::size_t map_bytes = 0;
    {
      const MapUse use(*this);
      TS_TRY_ASSIGN(MDB_txn* const began, Begin(0));
      if (began != nullptr) {
        std::unique_ptr<MDB_txn, void (*)(MDB_txn*)> txn(began, &mdb_txn_abort);
        LmdbTxn change(*this, began);
        Status status = body(change);
        if (status.has_value()) status = change.PutContents();
        if (status.has_value()) {
          // Without MDB_NOSYNC and MDB_NOMETASYNC this syncs data, then the meta page.
          const int code = mdb_txn_commit(txn.release());
          if (code == MDB_SUCCESS) return {};
          status = change.Fail("commit", code);
        }
        if (!change.map_full_) return status;
        MDB_envinfo info{};
        mdb_env_info(env_, &info);
        map_bytes = info.me_mapsize;
      }
    }
    TS_TRY(Grow(map_bytes));
  }
}

// The newest meta page may be ahead of the number that readers begin with: for a moment in each
// commit, and for as long as no other writer comes where one was killed in that moment.
Result<bool> LmdbEnvironment::IsLastTxn(std::uint64_t id) {
  TS_TRY(CheckProcess());
  {
    const MapUse use(*this);
    MDB_envinfo info{};
    mdb_env_info(env_, &info);
    if (info.me_last_txnid == id) return true;
  }
  std::uint64_t last = 0;
  TS_TRY(Read([&](LmdbTxn& txn) -> Status {
    last = txn.id();
    return {};
  }));
  return last == id;
}

// Whoever gets the writers' mutex after its holder died sets the readers' number right, in LMDB.
Status LmdbEnvironment::Settle() {
  TS_TRY(CheckProcess());
  if (read_only_) return {};
  for (;;) {
    {
      const MapUse use(*this);
      TS_TRY_ASSIGN(MDB_txn* const began, Begin(0));
      if (began != nullptr) {
        mdb_txn_abort(began);
        const int code = mdb_env_sync(env_, 1);
        if (code != MDB_SUCCESS) return Fail("sync", code);
        return {};
      }
    }
    TS_TRY(FollowResize());
  }
}

Status LmdbEnvironment::CheckProcess() const {
  if (::getpid() == pid_) return {};
  return Error(ErrorCode::kInvalidArgument,
               "this store was opened before fork(); open it again in the child process");
}

Error LmdbEnvironment::Fail(const char* operation, int code) const {
  std::string message = "catalog " + directory_ + ": " + operation + ": ";
  const char* name = code > 0 ? strerrorname_np(code) : nullptr;  // LMDB's own begin with theirs
  if (name != nullptr) {
    message.append(name).append(" (").append(mdb_strerror(code)).append(")");
  } else {
    message.append(mdb_strerror(code));
  }
  return {CodeOf(code), std::move(message)};
}

// ---- Opening

LmdbEnvironment::LmdbEnvironment(std::string directory)
    : directory_(std::move(directory)), pid_(::getpid()) {}

LmdbEnvironment::~LmdbEnvironment() {
  if (env_ != nullptr) mdb_env_close(env_);
}

int LmdbEnvironment::TryOpen(unsigned flags, const Options& options) {
  int code = mdb_env_create(&env_);
  if (code == MDB_SUCCESS) code = mdb_env_set_maxdbs(env_, kCatalogDbCount);
  if (code == MDB_SUCCESS) code = mdb_env_set_maxreaders(env_, kReaderSlots);
  // Without a size an existing map keeps its own.
  if (code == MDB_SUCCESS && options.create && options.first_map_bytes != 0) {
    code = mdb_env_set_mapsize(env_, options.first_map_bytes);
  }
  if (code == MDB_SUCCESS) code = mdb_env_open(env_, directory_.c_str(), flags | MDB_NOTLS, 0644);
  if (code != MDB_SUCCESS && env_ != nullptr) {
    mdb_env_close(env_);  // LMDB asks for it after a failed open too
    env_ = nullptr;
  }
  return code;
}

Status LmdbEnvironment::OpenEnvironment(const Options& options) {
  TS_TRY(CheckMetas());
  const auto refused = [](int code) { return code == EACCES || code == EROFS || code == EPERM; };
  int code = TryOpen(0, options);
  if (refused(code)) {
    read_only_ = true;
    code = TryOpen(MDB_RDONLY, options);
    if (refused(code)) {
      without_lock_file_ = true;
      TS_TRY(CheckNoLiveWriter());
      code = TryOpen(MDB_RDONLY | MDB_NOLOCK, options);
    }
  }
  if (code != MDB_SUCCESS) return Fail("open", code);
  if (!read_only_) {
    TS_TRY(FillMissingEnd());
    int cleared = 0;
    mdb_reader_check(env_, &cleared);
  }
  return OpenDatabases(options);
}

// Before LMDB maps what the meta pages say. While another process commits, they may be read half
// written: what is wrong for good is wrong again.
Status LmdbEnvironment::CheckMetas() const {
  const std::string path = fs::JoinPath(directory_, "data.mdb");
  const auto file = fs::PosixFileSystem::Shared().OpenForRead(path);
  if (!file.has_value()) return {};  // to be made, or LMDB says why it can't be opened
  TS_TRY_ASSIGN(const std::uint64_t bytes, (*file)->Size());
  if (bytes == 0) return {};
  constexpr int kTries = 100;
  for (int left = kTries;; --left) {
    auto checked = CheckLmdbMetas(**file, path);
    if (checked.has_value() || left == 0) return checked;
  }
}

// With the transaction open no page of its commit is reused.
Result<bool> LmdbEnvironment::CheckPages(MDB_txn* txn) const {
  std::map<std::string, std::uint16_t> databases;
  for (std::size_t i = 0; i < kCatalogDbCount; ++i) {
    const auto db = static_cast<CatalogDb>(i);
    databases.emplace(CatalogDbName(db), static_cast<std::uint16_t>(CatalogDbFlags(db)));
  }
  const std::string path = fs::JoinPath(directory_, "data.mdb");
  TS_TRY_ASSIGN(const auto file, fs::PosixFileSystem::Shared().OpenForRead(path));
  return CheckLmdbPages(*file, path, mdb_txn_id(txn), databases);
}

// A file cut short would be met as SIGBUS in the middle of a read. With zeros in their place lost
// pages are found to be no pages (MDB_CORRUPTED). That a file ends before its last page is no proof
// of damage: LMDB doesn't write pages that were taken and freed in one transaction.
Status LmdbEnvironment::FillMissingEnd() {
  MDB_envinfo info{};
  MDB_stat stat{};
  mdb_env_info(env_, &info);
  mdb_env_stat(env_, &stat);
  const std::string path = fs::JoinPath(directory_, "data.mdb");
  TS_TRY_ASSIGN(const auto bytes, fs::PosixFileSystem::Shared().FileSize(path));
  const std::uint64_t needed = (std::uint64_t{info.me_last_pgno} + 1) * stat.ms_psize;
  if (bytes >= needed) return {};
  const int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return fs::ErrnoError("open", path, errno);
  // Never makes a file shorter, should another process be appending to it.
  const int code = ::posix_fallocate(fd, static_cast<off_t>(needed - 1), 1);
  ::close(fd);
  if (code != 0) return fs::ErrnoError("write", path, code);
  return {};
}

// Without the lock file a writer can't see this reader, and would reuse pages under it. Every
// process that has the environment open holds a shared lock on byte 0 of lock.mdb.
Status LmdbEnvironment::CheckNoLiveWriter() const {
  const std::string path = fs::JoinPath(directory_, "lock.mdb");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {};  // nobody ever locked it, or it can't be known
  struct flock range {};
  range.l_type = F_WRLCK;
  range.l_whence = SEEK_SET;
  range.l_len = 1;
  const int code = ::fcntl(fd, F_GETLK, &range);
  ::close(fd);
  if (code != 0 || range.l_type == F_UNLCK) return {};
  return Error(ErrorCode::kIo, path + " can't be opened for writing while process " +
                                   std::to_string(range.l_pid) +
                                   " has the store open; let this user write to it");
}

Status LmdbEnvironment::OpenDatabases(const Options& options) {
  const auto open_all = [this](MDB_txn* txn, unsigned flags) {
    int code = MDB_SUCCESS;
    for (std::size_t i = 0; i < kCatalogDbCount && code == MDB_SUCCESS; ++i) {
      const auto db = static_cast<CatalogDb>(i);
      code = mdb_dbi_open(txn, CatalogDbName(db), CatalogDbFlags(db) | flags, &databases_[i]);
    }
    return code;
  };
  MDB_txn* txn = nullptr;
  int code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
  if (code == MDB_MAP_RESIZED) {
    TS_TRY(FollowResize());
    code = mdb_txn_begin(env_, nullptr, MDB_RDONLY, &txn);
  }
  if (code != MDB_SUCCESS) return Fail("open", code);
  const bool fresh = mdb_txn_id(txn) == 0;
  if (!fresh) {
    const auto checked = CheckPages(txn);
    if (!checked.has_value() || !*checked) {
      mdb_txn_abort(txn);
      if (!checked.has_value()) return checked.error();
      return OpenDatabases(options);  // overtaken by two commits
    }
    code = open_all(txn, 0);
    const int committed = mdb_txn_commit(txn);  // keeps the handles
    if (code == MDB_SUCCESS) code = committed;
    if (code != MDB_SUCCESS) return Fail("open", code);
    return {};
  }
  mdb_txn_abort(txn);
  if (!options.create || read_only_) {
    return Error(ErrorCode::kNotFound, directory_ + " holds no catalog");
  }
  code = mdb_txn_begin(env_, nullptr, 0, &txn);
  if (code != MDB_SUCCESS) return Fail("create", code);
  const bool still_fresh = mdb_txn_id(txn) == 1;  // else another process made it meanwhile
  code = open_all(txn, MDB_CREATE);
  LmdbTxn change(*this, txn);
  Status status = code == MDB_SUCCESS ? Status() : Status(Fail("create", code));
  if (status.has_value() && still_fresh && options.initialize) status = options.initialize(change);
  if (status.has_value()) status = change.PutContents();
  if (!status.has_value()) {
    mdb_txn_abort(txn);
    return status;
  }
  code = mdb_txn_commit(txn);
  if (code != MDB_SUCCESS) return Fail("create", code);
  TS_TRY(fs::PosixFileSystem::Shared().SyncDirectory(directory_));
  return {};
}

}  // namespace tracestore::store
