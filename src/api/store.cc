#include <tracestore/store.h>

#include "base/stop.h"
#include "base/try.h"
#include "codec/detect/any_format.h"
#include "codec/detect/decompress.h"
#include "fs/posix_file_system.h"
#include "store/catalog/lmdb_catalog.h"
#include "store/engine/engine.h"

namespace tracestore {
namespace {

// Bytes that one compressed file may unpack to.
constexpr std::uint64_t kMaxUnpackedBytes = 2ULL << 30;

AppendResult ToAppendResult(const model::DecodeReport& report) {
  AppendResult result;
  result.accepted = report.accepted;
  result.rejected = report.rejected;
  result.reasons.assign(report.reasons.begin(), report.reasons.end());
  result.first_error = report.first_error;
  return result;
}

Snapshot OfData(std::shared_ptr<store::SnapshotData> data) {
  if (data->straddlers == nullptr) data->straddlers = std::make_shared<store::StraddlerSet>();
  return Snapshot(std::move(data));
}

}  // namespace

Store::Store(std::unique_ptr<store::Engine> engine) : engine_(std::move(engine)) {}
Store::~Store() {
  // In the child of a fork it stays as it is: waiting threads that the child doesn't have would
  // keep its condition variables from ever being destroyed.
  if (engine_ != nullptr && engine_->opened_before_fork()) (void)engine_.release();
}

Result<std::unique_ptr<Store>> Store::Open(const std::string& directory, StoreOptions options) {
  auto& files = fs::PosixFileSystem::Shared();
  const bool write = options.mode == OpenMode::kWrite;
  const std::string catalog_directory = fs::JoinPath(directory, "catalog");
  if (write) {
    TS_TRY(files.CreateDirectories(catalog_directory));
  } else {
    TS_TRY_ASSIGN(const bool there, files.Exists(catalog_directory));
    if (!there)
      return Error(ErrorCode::kNotFound, "there is no store at " + directory);
  }
  store::LmdbCatalogOptions catalog_options;
  catalog_options.create = write;
  TS_TRY_ASSIGN(auto catalog, store::LmdbCatalog::Open(catalog_directory, catalog_options));
  TS_TRY_ASSIGN(auto engine,
                store::Engine::Open(files, directory, std::move(catalog), options));
  return std::unique_ptr<Store>(new Store(std::move(engine)));
}

Result<AppendResult> Store::Append(std::string_view message, Format format) {
  model::SpanBatch batch;
  TS_TRY_ASSIGN(const model::DecodeReport report, codec::DecodeAny(message, format, batch));
  TS_TRY(engine_->Append(std::move(batch)));
  return ToAppendResult(report);
}

Result<AppendResult> Store::AppendFile(std::string_view content) {
  TS_TRY_ASSIGN(const std::string plain, codec::Decompress(content, kMaxUnpackedBytes));
  model::SpanBatch batch;
  TS_TRY_ASSIGN(const model::DecodeReport report, codec::DecodeAny(plain, std::nullopt, batch));
  TS_TRY(engine_->Append(std::move(batch)));
  return ToAppendResult(report);
}

Status Store::AppendBatch(model::SpanBatch&& batch) { return engine_->Append(std::move(batch)); }

Result<Snapshot> Store::TakeSnapshot() const {
  TS_TRY_ASSIGN(auto data, engine_->TakeSnapshot());
  return Snapshot(std::move(data));
}

Result<SearchPage> Store::Find(const Query& query) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.Find(query);
}
Result<SummaryPage> Store::FindSummaries(const Query& query) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.FindSummaries(query);
}
Result<SpanList> Store::Get(TraceId id) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.Get(id);
}
Result<std::vector<NamedCount>> Store::Services() const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.Services();
}
Result<std::vector<OperationInfo>> Store::Operations(std::string_view service) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.Operations(service);
}
Result<std::vector<DependencyLink>> Store::Dependencies(TimeRange range) const {
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  return snapshot.Dependencies(range);
}

Result<CompactResult> Store::Compact(const CompactOptions& options) {
  return engine_->Compact(options);
}

Status Store::Sync() { return engine_->Sync(); }
Status Store::Seal() { return engine_->Seal(); }
Status Store::Close() { return engine_->Close(); }

Result<Snapshot> SnapshotOfFiles(const std::vector<std::string>& contents, AppendResult& report,
                                 const StopWhen& stop) {
  model::DecodeReport total;
  auto data = std::make_shared<store::SnapshotData>();
  for (const std::string& content : contents) {
    TS_TRY(CheckStop(stop, "the reading"));
    TS_TRY_ASSIGN(const std::string plain, codec::Decompress(content, kMaxUnpackedBytes, &stop));
    model::SpanBatch batch;
    TS_TRY_ASSIGN(const auto decoded, codec::DecodeAny(plain, std::nullopt, batch, &stop));
    total.Add(decoded);
    if (!batch.empty())
      data->head.push_back(std::make_shared<const store::HeadBatch>(std::move(batch)));
  }
  report = ToAppendResult(total);
  return OfData(std::move(data));
}

Result<Snapshot> SnapshotOfSegment(const std::string& path) {
  auto& files = fs::PosixFileSystem::Shared();
  TS_TRY_ASSIGN(auto file, files.OpenForRead(path));
  TS_TRY_ASSIGN(auto segment, store::SegmentReader::Open(std::move(file), path));
  auto data = std::make_shared<store::SnapshotData>();
  data->segments.push_back(std::move(segment));
  return OfData(std::move(data));
}

Result<std::string> Encode(const SpanList& spans, Format format) {
  std::string out;
  if (spans.batch() == nullptr) {
    const model::SpanBatch none;
    TS_TRY(codec::EncodeAny(none, {}, format, out));
    return out;
  }
  TS_TRY(codec::EncodeAny(*spans.batch(), codec::GroupByTrace(*spans.batch()), format, out));
  return out;
}

}  // namespace tracestore
