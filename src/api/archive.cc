#include "api/archive_copy.h"

#include <algorithm>
#include <functional>
#include <unordered_map>

#include <tracestore/store.h>

#include "base/hash.h"
#include "base/try.h"
#include "fs/file_system.h"
#include "model/span_batch.h"
#include "query/fetch.h"
#include "store/engine/engine.h"

namespace tracestore {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// Rows of one record in the archive's log.
constexpr std::uint32_t kMostRowsInRecord = 8'192;

// Whether the archive has the span already, equal in every field.
class Archived {
 public:
  explicit Archived(const SpanBatch& spans) : spans_(spans) {
    for (std::uint32_t row = 0; row < spans.size(); ++row)
      rows_.emplace(KeyOf(spans.spans[row]), row);
  }
  bool Has(const SpanBatch& from, const SpanRecord& span) const {
    const auto [first, last] = rows_.equal_range(KeyOf(span));
    return std::any_of(first, last, [&](const auto& entry) {
      return SpansEqual(spans_, spans_.spans[entry.second], from, span);
    });
  }

 private:
  static std::uint64_t KeyOf(const SpanRecord& span) noexcept {
    return base::HashTraceId({span.span_id.value, span.start_ns});
  }
  const SpanBatch& spans_;
  std::unordered_multimap<std::uint64_t, std::uint32_t> rows_;
};

// Copies what the archive lacks of a trace; gives the number of its spans.
Result<std::uint64_t> CopyTrace(const SpanBatch& trace, const SpanBatch& there, Store& archive) {
  const Archived known(there);
  std::uint64_t copied = 0;
  for (std::uint32_t row = 0; row < trace.size();) {
    SpanBatch part;
    model::BatchAppender appender(part);
    appender.SetSource(trace);
    for (; row < trace.size() && part.size() < kMostRowsInRecord; ++row) {
      if (!known.Has(trace, trace.spans[row])) appender.Append(row);
    }
    copied += part.size();
    if (!part.empty()) TS_TRY(archive.AppendBatch(std::move(part)));
  }
  return copied;
}

}  // namespace

Result<ArchiveResult> CopyTraces(const Snapshot& from, std::vector<TraceId> ids,
                                 const std::function<Result<Store*>()>& archive_of) {
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  ArchiveResult result;
  Store* archive = nullptr;
  std::optional<Snapshot> before;
  for (const TraceId id : ids) {
    TS_TRY_ASSIGN(const auto trace, query::FetchTrace(*from.data(), id));
    if (trace->empty()) continue;
    if (archive == nullptr) {
      TS_TRY_ASSIGN(archive, archive_of());
      TS_TRY_ASSIGN(before, archive->TakeSnapshot());
    }
    TS_TRY_ASSIGN(const auto there, query::FetchTrace(*before->data(), id));
    TS_TRY_ASSIGN(const std::uint64_t copied, CopyTrace(*trace, *there, *archive));
    ++result.traces;
    result.spans += copied;
    result.spans_there_already += trace->size() - copied;
  }
  return result;
}

std::string ArchiveDirectory(const std::string& directory) {
  return fs::JoinPath(directory, "archive");
}

Result<ArchiveResult> Store::Archive(const std::vector<TraceId>& ids) {
  std::unique_ptr<Store> archive;
  TS_TRY_ASSIGN(const Snapshot snapshot, TakeSnapshot());
  const auto opened = [&]() -> Result<Store*> {
    StoreOptions options;
    options.sync = SyncPolicy::kOff;  // closing it syncs
    options.background_sealing = false;
    options.log = engine_->options().log;
    options.clock = engine_->options().clock;
    TS_TRY_ASSIGN(archive, Open(ArchiveDirectory(engine_->directory()), options));
    return archive.get();
  };
  TS_TRY_ASSIGN(const ArchiveResult result, CopyTraces(snapshot, ids, opened));
  if (archive != nullptr) TS_TRY(archive->Close());
  return result;
}


}  // namespace tracestore
