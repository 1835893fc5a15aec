// Catalog: what of a store is live: segments, straddlers, the lowest log needed, tombstones and
// settings, changed in transactions (docs/format/catalog.md).
//
// Two implementations: LmdbCatalog (lmdb_catalog.h), shared by processes, and MemoryCatalog
// (memory_catalog.h), for fault sweeps. Every call may be made from any thread. Reads never wait
// for a writer; writes wait for each other, also between processes. A commit that returned success
// is durable.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tracestore/ids.h>
#include <tracestore/status.h>

#include "store/log/log_format.h"

namespace tracestore::store {

// Names a segment for good: ids rise from 1 and are never used again once they were live.
struct SegmentId {
  std::uint64_t value = 0;
  constexpr auto operator<=>(const SegmentId&) const noexcept = default;
};

// What the catalog knows of a live segment without opening its file. Times are Unix nanoseconds,
// both ends inclusive. The catalog keeps the numbers and gives them no meaning beyond this.
struct SegmentInfo {
  SegmentId id{};
  std::uint64_t file_bytes = 0;
  std::uint64_t rows = 0;
  std::uint64_t traces = 0;         // parts of traces in the segment's table of traces
  std::uint64_t min_start_ns = 0;   // of the spans' starts
  std::uint64_t max_start_ns = 0;
  std::uint64_t min_time_ns = 0;    // the same with the ends counted in
  std::uint64_t max_time_ns = 0;
  LogPosition log_begin{};            // of the first record whose rows are here
  LogPosition log_end{};              // after the last one
  std::uint64_t min_arrival_ns = 0;
  std::uint64_t max_arrival_ns = 0;
  std::int64_t partition = 0;       // the time partition's number; retention and compaction use it
  std::uint32_t generation = 0;     // 0 = sealed from a head; a compaction's result is one higher
  std::uint32_t flags = 0;
  bool operator==(const SegmentInfo&) const noexcept = default;
};

// A trace of which this segment has rows and that can't be judged from one of its pages alone.
// Keyed by the low half of the trace id, as the trace filters are.
struct Straddler {
  std::uint64_t trace_id_low = 0;
  SegmentId segment{};
  constexpr auto operator<=>(const Straddler&) const noexcept = default;
};

enum class TombstoneKind : std::uint8_t {
  kTrace = 1,   // the rows of one trace
  kBefore = 2,  // all rows
};

// Hides rows that lie before a position in the log.
struct Tombstone {
  std::uint64_t sequence = 0;  // 1, 2, …: given by AddTombstones
  TombstoneKind kind = TombstoneKind::kTrace;
  TraceId trace_id{};            // empty for kBefore
  LogPosition position{};
  bool operator==(const Tombstone&) const noexcept = default;
};

struct StoreIdentity {
  std::array<std::uint8_t, 16> uuid{};
  std::uint64_t created_ns = 0;
  bool operator==(const StoreIdentity&) const noexcept = default;
};

struct CatalogReadOptions {
  // Also give the straddlers that were added by a commit later than this version; 0 gives all.
  // Those of a segment go only with the segment, so a cache of them is kept current by this.
  std::optional<std::uint64_t> straddlers_after{};
  // Also give the tombstones with a higher sequence; 0 gives all.
  std::optional<std::uint64_t> tombstones_after{};
};

// One moment of the catalog, copied.
struct CatalogView {
  std::uint64_t version = 0;             // rises with every commit of any process
  std::uint64_t segments_version = 0;    // the version of the last CommitSeal
  std::uint64_t tombstones_version = 0;  // the version that last added or removed a tombstone
  StoreIdentity identity;
  std::uint64_t retired_before = 1;      // the lowest log number still needed
  SegmentId next_segment_id{1};
  std::vector<SegmentInfo> segments{};     // ascending by id
  std::uint64_t oldest_tombstone = 0;    // the lowest sequence that stands; 0 when none does
  std::vector<Straddler> straddlers{};     // as asked for; in no promised order
  std::vector<Tombstone> tombstones{};     // as asked for; ascending by sequence
};

// What a seal, a compaction or retention changes, in one transaction.
struct SealCommit {
  std::vector<SegmentInfo> added{};
  std::vector<SegmentId> removed{};     // their straddlers go with them
  // Of segments that are live after the commit; repeats are fine.
  std::vector<Straddler> straddlers{};
  std::optional<std::uint64_t> retired_before{};  // never lower than before
  // Never lower than before. Without it, one above the highest that was added if that is higher.
  std::optional<SegmentId> next_segment_id{};
  std::vector<std::uint64_t> removed_tombstones{};  // sequences; missing ones are fine

  // When set: kBusy, and nothing is changed, unless the view that the caller worked from has these
  // versions still. The caller reads again, repeats its look-ups, and commits again.
  std::optional<std::uint64_t> based_on_segments_version{};
  std::optional<std::uint64_t> based_on_tombstones_version{};
};

// A tombstone to be: the catalog gives the sequence.
struct NewTombstone {
  TombstoneKind kind = TombstoneKind::kTrace;
  TraceId trace_id{};
};

// docs/format/catalog.md, Limits.
inline constexpr std::size_t kMostSettingKeyBytes = 511;  // LMDB's MDB_MAXKEYSIZE
inline constexpr std::size_t kMostSettingBytes = std::size_t{1} << 20;

class Catalog {
 public:
  virtual ~Catalog() = default;

  // A short read transaction. Errors: kCorruption, kIo, kBusy (no reader slot).
  virtual Result<CatalogView> Read(const CatalogReadOptions& options) = 0;
  Result<CatalogView> Read() { return Read(CatalogReadOptions{}); }

  // Whether Read would give this version now, so that what was copied at it is current; for the
  // price of two memory reads where it is.
  virtual Result<bool> IsCurrent(std::uint64_t version) = 0;

  // For one who is going to remove what the catalog doesn't list. A process that is killed while it
  // commits may leave a commit that stands in the file and that Read doesn't show yet: afterwards
  // Read shows it, and it is synced. Waits for a commit that another process is just making.
  virtual Status Settle() = 0;

  // The segments in which the trace with this low half of its id is a straddler, ascending.
  virtual Result<std::vector<SegmentId>> FindStraddler(std::uint64_t trace_id_low) = 0;

  // All or nothing; gives the new version. kInvalidArgument when the commit contradicts the catalog
  // (an id added twice, one removed that isn't live, a straddler of such); kBusy as SealCommit
  // says.
  virtual Result<std::uint64_t> CommitSeal(const SealCommit& commit) = 0;

  // Adds all at one log position, which `position` reads inside the write transaction, so that no
  // seal commits between. It may be called more than once and must not call the catalog. A position
  // in logs that are retired (they may be gone) counts as the beginning of the first that isn't.
  // `keep`, where there is one, gets them as they will be, also inside the transaction and perhaps
  // more than once; with an error from it nothing is added. Gives the last sequence.
  using KeepTombstones = std::function<Status(const std::vector<Tombstone>&)>;
  virtual Result<std::uint64_t> AddTombstones(
      const std::vector<NewTombstone>& tombstones,
      const std::function<Result<LogPosition>()>& position, const KeepTombstones& keep) = 0;
  Result<std::uint64_t> AddTombstones(const std::vector<NewTombstone>& tombstones,
                                      const std::function<Result<LogPosition>()>& position) {
    return AddTombstones(tombstones, position, nullptr);
  }
  // Gives `keep` all that stand, inside a write transaction that changes nothing: none comes or
  // goes meanwhile, of any process.
  virtual Status HoldTombstones(const KeepTombstones& keep) = 0;
  virtual Result<std::vector<Tombstone>> ListTombstones() = 0;
  virtual Status RemoveTombstones(const std::vector<std::uint64_t>& sequences) = 0;

  // Keys of 1 to 511 bytes, values of at most 1 MiB; else kInvalidArgument.
  virtual Result<std::optional<std::string>> GetSetting(const std::string& key) = 0;
  virtual Status PutSetting(const std::string& key, const std::string& value) = 0;
  virtual Status RemoveSetting(const std::string& key) = 0;  // success when there is none
  virtual Result<std::vector<std::pair<std::string, std::string>>> ListSettings() = 0;

  // No commit can succeed: the medium or the permissions refuse writing.
  virtual bool read_only() const noexcept = 0;
};

}  // namespace tracestore::store
