// Snapshot, Store, and what they say of themselves.
#include <atomic>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>
#include <tracestore/verify.h>

#include "convert.h"
#include "objects.h"

namespace tracestore::python {
namespace {

using S = const SnapshotObject&;
using Timeout = std::optional<double>;

// Runs `ask` on the snapshot so that signals and the timeout stop it.
template <typename Ask>
auto AskStoppable(S self, const Timeout& timeout_s, const Ask& ask) {
  self.owner.Check();
  Interrupts interrupts(timeout_s);
  const Snapshot snapshot = self.snapshot.StoppingWhen(interrupts.stop());
  return Run([&] { return ask(snapshot); });
}

template <typename T>
nb::list ListOf(std::vector<T> items) {
  nb::list list;
  for (T& item : items) list.append(nb::cast(std::move(item)));
  return list;
}

Query PageOf(const Query& query, std::uint32_t limit, const std::string& cursor) {
  Query page = query;
  page.limit = limit;
  page.cursor = cursor;
  return page;
}

nb::tuple Find(S self, const Query& query, std::uint32_t limit, const std::string& cursor,
               const Timeout& timeout_s) {
  const auto found = AskStoppable(self, timeout_s, [&](const Snapshot& snapshot) {
    return snapshot.Find(PageOf(query, limit, cursor));
  });
  nb::list ids;
  for (const FoundTrace& trace : found.traces) ids.append(trace.trace_id.ToHex());
  return nb::make_tuple(ids, found.next_cursor);
}

std::uint64_t Count(S self, const Query& query, const Timeout& timeout_s) {
  Query counting = PageOf(query, 1, "");
  counting.count_total = true;
  const auto found = AskStoppable(
      self, timeout_s, [&](const Snapshot& snapshot) { return snapshot.Find(counting); });
  return found.total.value_or(found.traces.size());
}

nb::tuple FindSummaries(S self, const Query& query, std::uint32_t limit, const std::string& cursor,
                        const Timeout& timeout_s) {
  auto found = AskStoppable(self, timeout_s, [&](const Snapshot& snapshot) {
    return snapshot.FindSummaries(PageOf(query, limit, cursor));
  });
  return nb::make_tuple(ListOf(std::move(found.summaries)), found.next_cursor);
}

nb::tuple ReadSpans(S self, const Query& query, std::uint32_t limit, const std::string& cursor,
                    bool matching, const Timeout& timeout_s) {
  SpanParts parts;
  parts.matching = matching;
  const auto page = AskStoppable(self, timeout_s, [&](const Snapshot& snapshot) {
    return snapshot.ReadSpans(PageOf(query, limit, cursor), parts);
  });
  nb::list spans;
  for (std::size_t i = 0; i < page.spans.size(); ++i)
    spans.append(SpanObject{page.spans, i, nullptr, Trace::kNone});
  return nb::make_tuple(spans, page.next_cursor);
}

TraceObject GetTrace(S self, const std::string& id, const std::optional<std::string>& top,
                     std::uint64_t max_skew_ns, const Timeout& timeout_s) {
  const TraceId trace_id = ParseTraceId(id);
  const SpanId top_id = top ? ParseSpanId(*top) : SpanId{};
  auto trace = AskStoppable(self, timeout_s, [&](const Snapshot& snapshot) -> Result<Trace> {
    auto spans = top ? snapshot.GetSubtree(trace_id, top_id) : snapshot.Get(trace_id);
    if (!spans.has_value()) return std::move(spans).error();
    return Trace::Assemble(std::move(*spans), TraceOptions{max_skew_ns});
  });
  return {std::make_shared<const Trace>(std::move(trace))};
}

nb::list Metrics(S self, std::uint64_t begin_ns, std::uint64_t end_ns, std::uint64_t step_ns,
                 const std::vector<std::string>& services, const std::vector<double>& quantiles,
                 const Timeout& timeout_s) {
  MetricsQuery query;
  query.range = {begin_ns, end_ns};
  query.step_ns = step_ns;
  query.services = services;
  query.quantiles = quantiles;
  return ListOf(AskStoppable(
      self, timeout_s, [&](const Snapshot& snapshot) { return snapshot.Metrics(query); }));
}

void BindSnapshot(nb::module_& module) {
  const auto timeout = nb::arg("timeout").none() = nb::none();
  nb::class_<SnapshotObject>(module, "SnapshotCore", "One moment of a store.")
      .def("find", &Find, nb::arg("query"), nb::arg("limit"), nb::arg("cursor"), timeout)
      .def("count", &Count, nb::arg("query"), timeout)
      .def("summaries", &FindSummaries, nb::arg("query"), nb::arg("limit"), nb::arg("cursor"),
           timeout)
      .def("spans", &ReadSpans, nb::arg("query"), nb::arg("limit"), nb::arg("cursor"),
           nb::arg("matching"), timeout)
      .def("trace", &GetTrace, nb::arg("trace_id"), nb::arg("span").none() = nb::none(),
           nb::arg("max_skew_ns") = 0, timeout)
      .def("services",
           [](S s, const Timeout& t) {
             return ListOf(AskStoppable(s, t, [](const Snapshot& x) { return x.Services(); }));
           },
           timeout)
      .def("operations",
           [](S s, const std::string& service, const Timeout& t) {
             return ListOf(
                 AskStoppable(s, t, [&](const Snapshot& x) { return x.Operations(service); }));
           },
           nb::arg("service"), timeout)
      .def("keys",
           [](S s, const Timeout& t) {
             return ListOf(AskStoppable(s, t, [](const Snapshot& x) { return x.Keys(); }));
           },
           timeout)
      .def("values",
           [](S s, const std::string& key, std::size_t limit, const Timeout& t) {
             return ListOf(
                 AskStoppable(s, t, [&](const Snapshot& x) { return x.Values(key, limit); }));
           },
           nb::arg("key"), nb::arg("limit"), timeout)
      .def("dependencies",
           [](S s, std::uint64_t begin_ns, std::uint64_t end_ns, const Timeout& t) {
             return ListOf(AskStoppable(
                 s, t, [&](const Snapshot& x) { return x.Dependencies({begin_ns, end_ns}); }));
           },
           nb::arg("begin_ns"), nb::arg("end_ns"), timeout)
      .def("metrics", &Metrics, nb::arg("begin_ns"), nb::arg("end_ns"), nb::arg("step_ns"),
           nb::arg("services"), nb::arg("quantiles"), timeout)
      .def("stats",
           [](S s, bool by_column, const Timeout& t) {
             return AskStoppable(s, t, [&](const Snapshot& x) { return x.Stats(by_column); });
           },
           nb::arg("by_column"), timeout);
}

// A store, closed or not. Threads may share it: a call that runs keeps the store alive while
// another closes it.
class StoreObject {
 public:
  explicit StoreObject(std::unique_ptr<Store> store) : store_(std::move(store)) {}
  StoreObject(const StoreObject&) = delete;
  StoreObject& operator=(const StoreObject&) = delete;
  ~StoreObject() {
    if (store_ == nullptr) return;
    const nb::gil_scoped_release release;  // it may seal
    store_ = nullptr;
  }

  std::shared_ptr<Store> Get() const {
    owner_.Check();
    if (store_ == nullptr) Raise(Error(ErrorCode::kInvalidArgument, "the store is closed"));
    return store_;
  }
  bool closed() const noexcept { return store_ == nullptr; }
  void Close() {
    owner_.Check();
    const std::shared_ptr<Store> store = std::move(store_);
    store_ = nullptr;
    if (store != nullptr) Run([&] { return store->Close(); });
  }

 private:
  std::shared_ptr<Store> store_;
  Owner owner_;
};

SyncPolicy SyncOf(const std::string& name) {
  if (name == "full") return SyncPolicy::kFull;
  if (name == "interval") return SyncPolicy::kInterval;
  if (name == "off") return SyncPolicy::kOff;
  Raise(Error(ErrorCode::kInvalidArgument,
              "sync is 'full', 'interval' or 'off', not '" + name + "'"));
}

StoreObject* OpenStore(const std::string& path, bool write, const std::string& sync,
                       std::uint64_t retention_age_s, std::uint64_t retention_bytes,
                       bool background) {
  StoreOptions options;
  options.mode = write ? OpenMode::kWrite : OpenMode::kRead;
  options.sync = SyncOf(sync);
  options.retention_age =
      std::chrono::seconds(std::min<std::uint64_t>(retention_age_s, std::uint64_t{1} << 40));
  options.retention_bytes = retention_bytes;
  options.background_sealing = options.background_compaction = background;
  return new StoreObject(Run([&] { return Store::Open(path, options); }));
}

AppendResult Append(const StoreObject& self, const nb::bytes& data,
                    const std::optional<std::string>& format) {
  const auto store = self.Get();
  const std::string_view bytes(data.c_str(), data.size());
  if (!format) return Run([&] { return store->AppendFile(bytes); });
  const Format from = FormatOf(*format);
  return Run([&] { return store->Append(bytes, from); });
}

CompactResult Compact(const StoreObject& self, bool full, std::optional<std::uint64_t> age_s,
                      std::optional<std::uint64_t> bytes) {
  const auto store = self.Get();
  Interrupts interrupts;
  std::atomic<bool> cancel{false};
  CompactOptions options;
  options.full = full;
  if (age_s) {
    options.retention_age =
        std::chrono::seconds(std::min<std::uint64_t>(*age_s, std::uint64_t{1} << 40));
  }
  options.retention_bytes = bytes;
  options.cancel = &cancel;
  options.progress = [&](const CompactionProgress&) {
    if (interrupts.Poll()) cancel = true;
  };
  return Run([&] { return store->Compact(options); });
}

VerifyReport VerifyPath(const std::string& path) {
  Interrupts interrupts;
  std::atomic<bool> cancel{false};
  VerifyOptions options;
  options.cancel = &cancel;
  options.progress = [&](const VerifyProgress&) {
    if (interrupts.Poll()) cancel = true;
  };
  return Run([&] { return Verify(path, options); });
}

std::pair<SnapshotObject, AppendResult> ReadFiles(const nb::list& contents) {
  std::vector<std::string> files;
  for (const nb::handle content : contents) {
    const auto bytes = nb::cast<nb::bytes>(content);
    files.emplace_back(bytes.c_str(), bytes.size());
  }
  AppendResult report;
  Interrupts interrupts;
  Snapshot snapshot = Run([&] { return SnapshotOfFiles(files, report, interrupts.stop()); });
  return {SnapshotObject{std::move(snapshot), {}}, std::move(report)};
}

void BindReports(nb::module_& module) {
  nb::class_<AppendResult>(module, "AppendResult", "What became of the spans of a message.")
      .def_ro("accepted", &AppendResult::accepted, "Spans that are kept.")
      .def_ro("rejected", &AppendResult::rejected, "Bad spans, left out.")
      .def_prop_ro("reasons",
                   [](const AppendResult& r) {
                     nb::dict reasons;
                     for (const auto& [reason, count] : r.reasons) reasons[Text(reason)] = count;
                     return reasons;
                   },
                   "Of the rejected ones, with counts.")
      .def_prop_ro("first_error", [](const AppendResult& r) { return Text(r.first_error); },
                   "A sentence on the first rejected span; '' where none was.")
      .def("__repr__", [](const AppendResult& r) {
        return "<AppendResult accepted " + std::to_string(r.accepted) + ", rejected " +
               std::to_string(r.rejected) + ">";
      });
  nb::class_<StoreStats>(module, "StoreStats", "How much is in a store.")
      .def_ro("spans", &StoreStats::spans, "In segments and head, repeats counted.")
      .def_ro("head_spans", &StoreStats::head_spans,
              "Of them in memory and log, in no segment yet.")
      .def_ro("deleted_spans", &StoreStats::deleted_spans,
              "Deleted, still in segments until a compaction; not in `spans`.")
      .def_ro("segments", &StoreStats::segments, "Files of sealed spans.")
      .def_ro("segment_bytes", &StoreStats::segment_bytes, "Of all these files.")
      .def_ro("log_bytes", &StoreStats::log_bytes, "Of what is in no segment yet.")
      .def_ro("min_start_ns", &StoreStats::min_start_ns, "Unix nanoseconds.")
      .def_ro("max_start_ns", &StoreStats::max_start_ns, "Unix nanoseconds.")
      .def_prop_ro("bytes_by_column",
                   [](const StoreStats& s) { return ListOf(s.bytes_by_column); },
                   "Of the segments, largest first; only where asked for.");
  nb::class_<ArchiveResult>(module, "ArchiveResult", "What was copied to the archive.")
      .def_ro("traces", &ArchiveResult::traces, "Of the ids that were there.")
      .def_ro("spans", &ArchiveResult::spans, "Copied.")
      .def_ro("spans_there_already", &ArchiveResult::spans_there_already, "Not copied again.");
  nb::class_<CompactResult>(module, "CompactResult", "What a compaction did.")
      .def_ro("merges", &CompactResult::merges, "Segments that were made of others.")
      .def_ro("segments_merged", &CompactResult::segments_merged, "Those others.")
      .def_ro("segments_expired", &CompactResult::segments_expired, "Dropped by retention.")
      .def_ro("segments_damaged", &CompactResult::segments_damaged,
              "Left alone: they can't be read, see Store.verify().")
      .def_ro("spans_written", &CompactResult::spans_written, "In the segments that were made.")
      .def_ro("spans_dropped", &CompactResult::spans_dropped, "Deleted ones, left out for good.")
      .def_ro("spans_expired", &CompactResult::spans_expired, "Of the segments that expired.")
      .def_ro("bytes_read", &CompactResult::bytes_read, "Of segment files.")
      .def_ro("bytes_written", &CompactResult::bytes_written, "Of segment files.");
}

void BindVerify(nb::module_& module) {
  nb::class_<Finding>(module, "Finding", "Something wrong in a file of a store.")
      .def_prop_ro("kind",
                   [](const Finding& f) {
                     return f.kind == FindingKind::kDamage        ? "damage"
                            : f.kind == FindingKind::kNewerFormat ? "newer_format"
                                                                  : "left_over";
                   },
                   "'damage', 'newer_format' or 'left_over'.")
      .def_prop_ro("file", [](const Finding& f) { return Text(f.file); }, "Its path.")
      .def_ro("offset", &Finding::offset, "In bytes.")
      .def_prop_ro("section", [](const Finding& f) { return Text(f.section); },
                   "The part of the file, as docs/format names it.")
      .def_prop_ro("problem", [](const Finding& f) { return Text(f.problem); }, "A sentence.")
      .def("__repr__", [](const Finding& f) {
        return Text("<Finding " + f.file + " at " + std::to_string(f.offset) + ": " + f.problem +
                    ">");
      });
  nb::class_<VerifyReport>(module, "VerifyReport", "What verify() read and found.")
      .def_prop_ro("sound", &VerifyReport::sound, "No damage and nothing of a newer format.")
      .def_prop_ro("findings", [](const VerifyReport& r) { return ListOf(r.findings); },
                   "What is wrong, a Finding each; of very many the first.")
      .def_ro("damage", &VerifyReport::damage, "How many findings are damage.")
      .def_ro("newer_format", &VerifyReport::newer_format, "How many are of a newer format.")
      .def_ro("left_over", &VerifyReport::left_over,
              "How many are files that a crash left, and that nothing needs.")
      .def_prop_ro("spans", [](const VerifyReport& r) { return r.counters.spans; }, "Read.")
      .def_prop_ro("files", [](const VerifyReport& r) { return r.counters.files; }, "Read.")
      .def_prop_ro("bytes", [](const VerifyReport& r) { return r.counters.bytes; }, "Read.");
}

void BindStore(nb::module_& module) {
  using Self = const StoreObject&;
  nb::class_<StoreObject>(module, "StoreCore", "A store that is open, or closed again.")
      .def_prop_ro("closed", &StoreObject::closed)
      .def("append", &Append, nb::arg("data"), nb::arg("format").none() = nb::none())
      .def("snapshot",
           [](Self s) {
             const auto store = s.Get();
             return SnapshotObject{Run([&] { return store->TakeSnapshot(); }), {}};
           })
      .def("delete",
           [](Self s, const nb::list& ids) {
             const auto store = s.Get();
             const auto wanted = ParseTraceIds(ids);
             return Run([&] { return store->Delete(wanted); });
           },
           nb::arg("trace_ids"))
      .def("delete_all",
           [](Self s) {
             const auto store = s.Get();
             Run([&] { return store->DeleteAll(); });
           })
      .def("archive",
           [](Self s, const nb::list& ids) {
             const auto store = s.Get();
             const auto wanted = ParseTraceIds(ids);
             return Run([&] { return store->Archive(wanted); });
           },
           nb::arg("trace_ids"))
      .def("compact", &Compact, nb::arg("full"), nb::arg("retention_age_s").none() = nb::none(),
           nb::arg("retention_bytes").none() = nb::none())
      .def("sync",
           [](Self s) {
             const auto store = s.Get();
             Run([&] { return store->Sync(); });
           })
      .def("seal",
           [](Self s) {
             const auto store = s.Get();
             Run([&] { return store->Seal(); });
           })
      .def("close", &StoreObject::Close);
}

}  // namespace

void BindStores(nb::module_& module) {
  BindReports(module);
  BindVerify(module);
  BindSnapshot(module);
  BindStore(module);
  module.def("open_store", &OpenStore, nb::arg("path"), nb::kw_only(), nb::arg("write"),
             nb::arg("sync"), nb::arg("retention_age_s"), nb::arg("retention_bytes"),
             nb::arg("background"), nb::rv_policy::take_ownership);
  module.def("read_files", &ReadFiles, nb::arg("contents"));
  module.def("verify", &VerifyPath, nb::arg("path"));
  module.def("archive_directory", &ArchiveDirectory, nb::arg("directory"));
}

}  // namespace tracestore::python
