// Store: traces in a directory. Open, append, find, get, names, dependencies, export, close.
//
//   auto store = tracestore::Store::Open("/var/lib/traces").value();
//   store->Append(request_bytes, tracestore::Format::kOtlpProtobuf);
//   auto page = store->Find(tracestore::Query().Service("checkout").ErrorsOnly());
//   for (const auto& found : page->traces) { … store->Get(found.trace_id) … }
//
// Threads: every method of Store and Snapshot may be called from any thread. One process at a time
// appends to a directory; any number of others read it meanwhile (OpenMode::kRead). Threads of the
// store's own block all signals but SIGPROF and those that a thread causes itself: a handler of the
// program runs on the program's threads.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/format.h>
#include <tracestore/ids.h>
#include <tracestore/metrics.h>
#include <tracestore/query.h>
#include <tracestore/spans.h>
#include <tracestore/status.h>
#include <tracestore/summary.h>

namespace tracestore {

namespace model {
struct SpanBatch;
}
namespace store {
class Engine;
struct SnapshotData;
}  // namespace store

enum class OpenMode : std::uint8_t {
  kWrite,      // the one process that appends; creates the directory where it is missing
  kRead,       // reads a store that another process may be writing to
};

// When an acknowledged append is on the medium. In every mode a killed process loses nothing.
enum class SyncPolicy : std::uint8_t {
  kFull,      // before Append returns: survives a power cut
  kInterval,  // at least every sync_interval
  kOff,       // when the system likes
};

enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct StoreOptions {
  OpenMode mode = OpenMode::kWrite;
  SyncPolicy sync = SyncPolicy::kInterval;
  std::chrono::milliseconds sync_interval{1000};    // 10 ms to 1 h
  // The head (what is in memory and log, not yet in a segment) is sealed when it has as many spans
  // or bytes, or is as old.
  std::uint32_t head_max_spans = 65'536;            // 1,000 to 4,000,000
  std::uint64_t head_max_bytes = 64ULL << 20;       // 1 MiB to 4 GiB
  std::chrono::seconds head_max_age{3600};          // 1 s to 30 days
  // Appends wait while so many bytes of frozen heads await sealing, and fail with kBusy after
  // append_timeout.
  std::uint64_t backlog_max_bytes = 96ULL << 20;    // 1 MiB to 64 GiB
  std::chrono::milliseconds append_timeout{10'000};  // 0 to 24 h
  // Seal in a thread of the store's own. Without it, Append seals when the head is full.
  bool background_sealing = true;
  // Merge small segments, leave out what was deleted and apply retention, in a thread of the
  // store's own of low priority; only with background_sealing. Else Store::Compact does it.
  bool background_compaction = true;
  // The thread rests so that it works at most this share of the time, in percent: 1 to 100.
  std::uint32_t compaction_duty_percent = 50;
  // The largest segment that a merge makes; four heads of the default size fit. A merge holds its
  // spans in memory: 190 MiB where 300,000 have many attributes (docs/benchmarks.md).
  std::uint32_t compaction_max_spans = 300'000;     // 10,000 to 4,000,000
  // Segments are merged with those that expire within the same width: what retention drops at
  // once. With retention_age at most a quarter of it.
  std::chrono::seconds partition_width{86'400};     // 60 s to 366 days
  // A segment goes when its last span ended, and arrived, so long ago. 0: kept for good.
  std::chrono::seconds retention_age{0};            // 0, or 60 s to 100 years
  // The oldest segments go while all segment files have more bytes; the newest stays. 0: any
  // number.
  std::uint64_t retention_bytes = 0;
  // What queries keep in memory from call to call: half of it for pages of segments, decoded to
  // codes; a quarter for facts of segments that dependencies and metrics are counted from; an
  // eighth for those of spans in no segment yet; an eighth for answers. 0: nothing is kept, which
  // is slower. Tables and indexes of open segments are not counted (about 2 MiB a segment of 65,536
  // spans).
  std::uint64_t query_memory_bytes = 128ULL << 20;  // 0 to 1 TiB
  // What the library has to say; called from any thread, must not call the store.
  std::function<void(LogLevel, std::string_view)> log;
  // Counters and sizes as they change: name, value. Called from any thread, must not call the
  // store.
  std::function<void(std::string_view name, double value)> metric;
  // Unix nanoseconds: when spans arrive, and how old they are. The system's clock where it is
  // empty. Called from any thread.
  std::function<std::uint64_t()> clock;
};

struct AppendResult {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;                                   // bad spans, left out
  std::vector<std::pair<std::string, std::uint64_t>> reasons;   // of the rejected ones
  std::string first_error;  // a sentence on the first rejected span, "" when there is none
};

struct FoundTrace {
  TraceId trace_id;
  std::uint64_t order_key = 0;  // start_ns (kNewest) or duration in nanoseconds (kLongest)
};

struct SearchPage {
  std::vector<FoundTrace> traces;     // in the query's order
  std::string next_cursor;            // "" when there is no more
  std::optional<std::uint64_t> total; // where Query::count_total asked for it
};

struct SummaryPage {
  std::vector<TraceSummary> summaries;
  std::string next_cursor;
  std::optional<std::uint64_t> total;
};

// What ReadSpans reads of a span. What is left out is empty; ids, times, name, service, kind,
// status, resource, scope and references are always there.
struct SpanParts {
  bool attributes = true;         // of spans and events
  std::vector<std::string> keys;  // of these keys at least; empty: of all
  bool events = true;
  bool matching = false;          // only spans that satisfy one of the query's conditions on a span
  // A page ends with the trace that brings it to so many spans, those counted that `matching`
  // leaves out: so its memory is bounded whatever the traces hold. 0: Query::limit alone ends it.
  std::uint32_t max_spans = 0;
  // Pages of segments that are read stay in StoreOptions::query_memory_bytes for later calls. Not
  // for those who read a store from end to end once.
  bool keep_pages = true;
};
struct SpanPage {
  SpanList spans;
  std::size_t traces = 0;   // that it holds, or that `matching` left nothing of
  std::string next_cursor;  // "" when there is no more
  std::optional<std::uint64_t> total;  // of traces, where Query::count_total asked for it
};

struct OperationInfo {
  std::string name;
  SpanKind kind = SpanKind::kUnspecified;
  std::uint64_t spans = 0;
};
struct NamedCount {
  std::string name;
  std::uint64_t count = 0;
};
struct DependencyLink {
  std::string parent;
  std::string child;
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;
};

struct StoreStats {
  std::uint64_t spans = 0;          // in segments and head, repeats counted
  std::uint64_t head_spans = 0;
  std::uint64_t deleted_spans = 0;  // deleted, still in segments until a compaction; not in `spans`
  std::uint64_t segments = 0;
  std::uint64_t segment_bytes = 0;
  std::uint64_t log_bytes = 0;
  std::uint64_t min_start_ns = 0;
  std::uint64_t max_start_ns = 0;
  std::vector<NamedCount> bytes_by_column;  // of the segments, largest first; only where asked
};

struct CompactionProgress {
  std::uint64_t spans_done = 0;   // read of the merge that is being made
  std::uint64_t spans_total = 0;  // of that merge
  std::uint64_t merges_done = 0;
};

struct CompactOptions {
  // Seal what is in memory, then merge all that fits and leave out every deleted span. Without it
  // only what is due: many small segments, and those of which a quarter is deleted.
  bool full = false;
  // In place of StoreOptions'. 0: no bound.
  std::optional<std::chrono::seconds> retention_age;
  std::optional<std::uint64_t> retention_bytes;
  std::optional<std::uint32_t> max_spans;           // compaction_max_spans
  // When it becomes true the call ends with kCancelled, between pages. What is merged stays so.
  const std::atomic<bool>* cancel = nullptr;
  // Called between pages, in the calling thread. Must not call the store.
  std::function<void(const CompactionProgress&)> progress;
};

struct CompactResult {
  std::uint64_t merges = 0;            // segments written
  std::uint64_t segments_merged = 0;   // that are gone for them
  std::uint64_t segments_expired = 0;
  // could not be read and were left as they are; the log names them
  std::uint64_t segments_damaged = 0;
  std::uint64_t spans_written = 0;
  std::uint64_t spans_dropped = 0;     // deleted ones, left out
  std::uint64_t spans_expired = 0;
  std::uint64_t bytes_read = 0;        // of the merged segments' files
  std::uint64_t bytes_written = 0;
};

struct ArchiveResult {
  std::uint64_t traces = 0;               // of those asked for, how many were there
  std::uint64_t spans = 0;                // copied
  std::uint64_t spans_there_already = 0;  // equal in every field to one that the archive had
};

// One moment of a store. Answers don't change while it lives; it holds files open and memory. Calls
// run to their end, unless StoppingWhen() bounds them.
class Snapshot {
 public:
  explicit Snapshot(std::shared_ptr<const store::SnapshotData> data) : data_(std::move(data)) {}

  // Traces that match. Errors: kInvalidArgument (the query or its cursor), kCancelled, kCorruption,
  // kIo.
  Result<SearchPage> Find(const Query& query) const;
  Result<SummaryPage> FindSummaries(const Query& query) const;
  // Spans that satisfy one of the query's conditions on a span, in matching traces, in the order
  // of the traces; Query::limit counts spans.
  Result<SpanList> FindSpans(const Query& query) const;
  // The spans of the next traces that match, equal ones once; Query::limit counts traces. Which
  // traces come with which page is the query's order; within a page spans have none. For reading
  // many spans: what `parts` leaves out is not decoded where segments allow.
  Result<SpanPage> ReadSpans(const Query& query, const SpanParts& parts = {}) const;

  // All spans of a trace, each as often as it was stored. kNotFound when there is none.
  Result<SpanList> Get(TraceId id) const;
  // The spans with id `top` and all below them, each as often as it was stored. Of the trace's
  // other spans only ids are read: what a view of a huge trace asks for. kNotFound when there is
  // none.
  Result<SpanList> GetSubtree(TraceId id, SpanId top) const;
  Result<bool> Has(TraceId id) const;
  // The traces that share these low 64 bits (Zipkin's lenient ids).
  Result<std::vector<TraceId>> TracesWithLowId(std::uint64_t low) const;
  Result<TraceSummary> Summarize(TraceId id) const;

  Result<std::vector<NamedCount>> Services() const;  // by name, spans each
  Result<std::vector<OperationInfo>> Operations(std::string_view service) const;  // "" means all
  Result<std::vector<NamedCount>> Keys() const;      // attribute keys at any level, by name
  // Values of a key with counts, most frequent first. Those of high cardinality are read by a scan.
  Result<std::vector<NamedCount>> Values(std::string_view key, std::size_t limit) const;
  // Jaeger's rule: a call for each span whose parent is of another service. Counts child spans that
  // started in the range.
  Result<std::vector<DependencyLink>> Dependencies(TimeRange range) const;
  // Calls, errors and latency by service, operation, kind and step, in that order. Errors also:
  // kInvalidArgument (a quantile outside 0 to 1).
  Result<std::vector<OperationMetrics>> Metrics(const MetricsQuery& query) const;
  Result<StoreStats> Stats(bool by_column) const;

  // Calls `visit` with all spans, some thousands at a time, whole traces together: the newest
  // first, at the end those of firehose spans alone. Stops when it returns false.
  Status ForEachBatch(const std::function<bool(const SpanList&)>& visit) const;

  // The same moment, all of whose calls stop with kCancelled when `stop` says so; a Query's own
  // deadline and flag hold as well. What the flag points to has to outlive the snapshot's last
  // call.
  Snapshot StoppingWhen(const StopWhen& stop) const;

  const std::shared_ptr<const store::SnapshotData>& data() const noexcept { return data_; }

 private:
  std::shared_ptr<const store::SnapshotData> data_;
};

class Store {
 public:
  // Errors: kNotFound (kRead, nothing there), kBusy (another process appends, named), kUnsupported
  // (a newer format), kIo, kCorruption.
  static Result<std::unique_ptr<Store>> Open(const std::string& directory,
                                             StoreOptions options = {});
  // Seals what is in the head; what fails then is only logged. Close() reports.
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Decodes one message and appends its good spans. When it returns, they are acknowledged: kept
  // as the sync policy says, and found by the next query of any process. Errors: kInvalidArgument
  // (the message can't be read at all), kBusy (backlog), kIo, kUnsupported (format compiled out).
  Result<AppendResult> Append(std::string_view message, Format format);
  // The same of a whole file: plain, gzip or zstd, of any format, told by content.
  Result<AppendResult> AppendFile(std::string_view content);
  // Appends decoded spans. For the library's own adapters.
  Status AppendBatch(model::SpanBatch&& batch);

  Result<Snapshot> TakeSnapshot() const;

  // Each of these takes a snapshot of its own.
  Result<SearchPage> Find(const Query& query) const;
  Result<SummaryPage> FindSummaries(const Query& query) const;
  Result<SpanList> Get(TraceId id) const;
  Result<std::vector<NamedCount>> Services() const;
  Result<std::vector<OperationInfo>> Operations(std::string_view service) const;
  Result<std::vector<DependencyLink>> Dependencies(TimeRange range) const;
  Result<std::vector<OperationMetrics>> Metrics(const MetricsQuery& query) const;

  // Deletes whole traces: no later snapshot of any process has one of the spans that stand now, for
  // good; the bytes go when segments are compacted. Spans that are appended after it returned are
  // kept, also those of a deleted trace. Snapshots taken before keep their answers. Also with
  // OpenMode::kRead, beside a process that appends. Durable when it returns; when it fails some may
  // be done, or come to be at a later start. Gives how many of the traces there were.
  // Errors: kIo (also where the store can't be written), kCorruption, kBusy.
  Result<std::uint64_t> Delete(const std::vector<TraceId>& ids);
  // The traces that match now, whatever the query's limit, order and cursor. Of a service: all
  // traces with a span of it, whole, as DeleteWhere(Query().Service(name)). Errors also as Find.
  Result<std::uint64_t> DeleteWhere(const Query& query);
  // Every span that stands now.
  Status DeleteAll();

  // Copies whole traces to the archive, which is a store of its own in ArchiveDirectory(): open it
  // as any other. Spans that it has are not copied again. Also with OpenMode::kRead. Durable when
  // it returns. Ids that aren't there are passed over. Errors: kBusy where another process is
  // writing to the archive just now (named), kIo, kCorruption.
  Result<ArchiveResult> Archive(const std::vector<TraceId>& ids);
  Result<ArchiveResult> ArchiveWhere(const Query& query);  // as DeleteWhere

  // Applies retention, merges segments and leaves out what was deleted. Only in the process that
  // appends; beside appends, queries and deletes, none of which wait for it. Answers don't change,
  // but for what retention drops. One at a time: a second call waits. The archive is another store
  // and is left alone. Errors: kInvalidArgument (opened for reading), kCancelled, kIo (what is done
  // stays, nothing is lost; it may be called again), kCorruption.
  Result<CompactResult> Compact(const CompactOptions& options = {});

  Status Sync();   // everything acknowledged is on the medium
  Status Seal();   // the head becomes a segment now
  Status Close();  // seals, syncs, and lets the directory go; further calls fail

 private:
  explicit Store(std::unique_ptr<store::Engine> engine);
  std::unique_ptr<store::Engine> engine_;
};

// Where the archive of the store at `directory` is: "<directory>/archive".
std::string ArchiveDirectory(const std::string& directory);

// Spans of files, with the same questions as a store, no directory needed. `contents`: whole files,
// plain or gzip or zstd, each of any format, told by content. Errors: kInvalidArgument naming what
// is wrong; kCancelled once `stop` says so, which is asked at every 256th span and at every 256 KiB
// unpacked (one JSON text is parsed in one step); `report` gets what was left out. The snapshot's
// own calls don't know `stop` (Snapshot::StoppingWhen).
Result<Snapshot> SnapshotOfFiles(const std::vector<std::string>& contents, AppendResult& report,
                                 const StopWhen& stop = {});
// A single segment file.
Result<Snapshot> SnapshotOfSegment(const std::string& path);

// Spans as bytes of a format; traces together where the format asks for it.
Result<std::string> Encode(const SpanList& spans, Format format);

}  // namespace tracestore
