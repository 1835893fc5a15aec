// Tables as Arrow streams: batches of at most kBatchRows rows, made when they are asked for.
//
// The consumer may call from any thread, with or without the interpreter's lock: nothing here
// touches a Python object but the making of the capsule. Batches own all their memory; only the
// stream itself keeps the snapshot.
#include <atomic>
#include <cerrno>
#include <functional>

#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/shared_ptr.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include "arrow_columns.h"
#include "objects.h"

namespace tracestore::python {
namespace {

constexpr std::size_t kBatchRows = 65'536;
constexpr std::size_t kBatchWeight = std::size_t{256} << 20;
// A page of an answer ends with the trace that reaches so many spans; batches are of whole pages,
// so that their buffers are made at their size.
constexpr std::uint32_t kPageSpans = 16'384;
constexpr std::size_t kEnoughRows = kPageSpans / 2;  // else the next page joins the batch
constexpr std::uint32_t kFirstPage = 256;            // traces
constexpr std::uint32_t kLargestPage = 16'384;

// Counts what tables left out, over all streams of one.
struct TableCounts {
  std::atomic<std::uint64_t> beyond{0};
};

// Rows of one page of an answer, to be read one after another.
struct SpanPages {
  using Row = SpanView;
  SpanParts parts;
  SpanPage page;

  Status Load(const Snapshot& snapshot, const Query& query) {
    auto read = snapshot.ReadSpans(query, parts);
    if (!read.has_value()) return std::move(read).error();
    page = std::move(*read);
    return {};
  }
  std::size_t size() const { return page.spans.size(); }
  SpanView operator[](std::size_t i) const { return page.spans[i]; }
  std::size_t traces() const { return page.traces; }
  const std::string& next() const { return page.next_cursor; }
  void Clear() { page = {}; }
};

std::size_t CountOf(const SpanView& span, const EventRow*) { return span.event_count(); }
std::size_t CountOf(const SpanView& span, const LinkRow*) { return span.reference_count(); }
EventRow RowAt(const SpanView& span, std::size_t i, const EventRow*) {
  return {span, span.event(i)};
}
LinkRow RowAt(const SpanView& span, std::size_t i, const LinkRow*) {
  return {span, span.reference(i)};
}

// A row for each event or reference of the spans.
template <typename Part>
struct PartPages {
  using Row = Part;
  SpanPages spans;
  std::vector<Part> rows = {};

  Status Load(const Snapshot& snapshot, const Query& query) {
    rows.clear();
    if (const Status loaded = spans.Load(snapshot, query); !loaded.has_value()) return loaded;
    for (std::size_t i = 0; i < spans.size(); ++i) {
      const SpanView span = spans[i];
      const std::size_t count = CountOf(span, static_cast<const Part*>(nullptr));
      for (std::size_t part = 0; part < count; ++part)
        rows.push_back(RowAt(span, part, static_cast<const Part*>(nullptr)));
    }
    return {};
  }
  std::size_t size() const { return rows.size(); }
  const Part& operator[](std::size_t i) const { return rows[i]; }
  std::size_t traces() const { return spans.traces(); }
  const std::string& next() const { return spans.next(); }
  void Clear() {
    rows.clear();
    spans.Clear();
  }
};

struct SummaryPages {
  using Row = TraceSummary;
  SummaryPage page;

  Status Load(const Snapshot& snapshot, const Query& query) {
    auto read = snapshot.FindSummaries(query);
    if (!read.has_value()) return std::move(read).error();
    page = std::move(*read);
    return {};
  }
  std::size_t size() const { return page.summaries.size(); }
  const TraceSummary& operator[](std::size_t i) const { return page.summaries[i]; }
  std::size_t traces() const { return page.summaries.size(); }
  const std::string& next() const { return page.next_cursor; }
  void Clear() { page = {}; }
};

// What a stream is made of.
struct StreamSource {
  SnapshotObject snapshot;
  Query query;
  std::optional<std::uint64_t> limit;  // traces
  std::optional<double> timeout_s;
  std::shared_ptr<TableCounts> counts;
};

template <typename Pages>
class TableStream {
 public:
  using Row = typename Pages::Row;
  TableStream(StreamSource source, Pages pages, TableColumns<Row> columns)
      : source_(std::move(source)), pages_(std::move(pages)), columns_(std::move(columns)) {
    if (source_.limit) left_ = *source_.limit;
    if (source_.timeout_s) {
      StopWhen stop;
      stop.deadline = Interrupts(source_.timeout_s).stop().deadline;
      source_.snapshot.snapshot = source_.snapshot.snapshot.StoppingWhen(stop);
    }
  }

  ArrowField schema() const {
    ArrowField table{"", "+s", false};
    for (const auto& column : columns_) table.children.push_back(column->field());
    return table;
  }

  // The next batch; without one at the end. False with a sentence in error().
  bool Next(ArrowArray* out) {
    *out = {};
    std::size_t rows = 0;
    while (rows < kBatchRows) {
      if (row_ == pages_.size()) {
        if (!more_ || rows >= kEnoughRows) break;
        if (!LoadPage()) return false;
        if (rows == 0) Reserve(std::min(pages_.size(), kBatchRows));
        continue;
      }
      if (rows == 0 && row_ > 0) Reserve(std::min(pages_.size() - row_, kBatchRows));
      for (const auto& column : columns_) column->Append(pages_[row_]);
      ++row_;
      ++rows;
      if (rows % 64 == 0 && Weight() > kBatchWeight) break;
    }
    if (row_ == pages_.size()) {  // before the consumer works with the batch
      pages_.Clear();
      row_ = 0;
    }
    return Finish(rows, out);
  }
  const char* error() const noexcept { return error_.c_str(); }

 private:
  bool Fail(std::string sentence) {
    error_ = std::move(sentence);
    return false;
  }

  bool Finish(std::size_t rows, ArrowArray* out) {
    std::vector<ArrowData> data;
    std::uint64_t beyond = 0;
    for (const auto& column : columns_) {
      if (column->overflowed()) return Fail("a value is longer than an Arrow column holds");
      beyond += column->beyond();
      data.push_back(column->Finish());
    }
    source_.counts->beyond += beyond - std::exchange(beyond_, beyond);
    if (rows > 0) ExportArray(StructOf(std::move(data), static_cast<std::int64_t>(rows)), out);
    return true;
  }

  void Reserve(std::size_t rows) {
    for (const auto& column : columns_) column->Reserve(rows);
  }

  std::size_t Weight() const {
    std::size_t most = 0;
    for (const auto& column : columns_) most = std::max(most, column->weight());
    return most;
  }

  bool LoadPage() {
    if (!source_.snapshot.owner.here())
      return Fail("this store was opened before fork(): open it again in the child process");
    Query query = source_.query;
    query.cursor = cursor_;
    query.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(page_, left_));
    if (query.limit == 0) {  // 0 would mean all
      more_ = false;
      return true;
    }
    if (const Status loaded = pages_.Load(source_.snapshot.snapshot, query); !loaded.has_value())
      return Fail(loaded.error().message());
    left_ -= std::min<std::uint64_t>(pages_.traces(), left_);
    cursor_ = pages_.next();
    more_ = !cursor_.empty() && left_ > 0;
    row_ = 0;
    // The search for a page costs by how many traces it asks for: a few more than fit.
    const std::uint64_t fit = pages_.traces();
    page_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
        fit < query.limit ? fit + fit / 4 : query.limit * std::uint64_t{2}, kFirstPage / 16,
        kLargestPage));
    return true;
  }

  StreamSource source_;
  Pages pages_;
  TableColumns<Row> columns_;
  std::size_t row_ = 0;
  std::string cursor_;
  std::uint64_t left_ = ~std::uint64_t{0};
  std::uint32_t page_ = kFirstPage;
  bool more_ = true;
  std::uint64_t beyond_ = 0;
  std::string error_;
};

// Runs `work`, whose allocations may fail: no exception crosses into the consumer.
template <typename Stream, typename Work>
int Guarded(ArrowArrayStream* self, const Work& work) {
  try {
    return work(*static_cast<Stream*>(self->private_data)) ? 0 : EIO;
  } catch (const std::exception&) {
    return ENOMEM;
  }
}

template <typename Stream>
void MakeStream(std::unique_ptr<Stream> stream, ArrowArrayStream* out) {
  *out = {};
  out->get_schema = [](ArrowArrayStream* self, ArrowSchema* schema) {
    return Guarded<Stream>(self, [&](Stream& s) {
      ExportSchema(s.schema(), schema);
      return true;
    });
  };
  out->get_next = [](ArrowArrayStream* self, ArrowArray* array) {
    return Guarded<Stream>(self, [&](Stream& s) { return s.Next(array); });
  };
  out->get_last_error = [](ArrowArrayStream* self) {
    return static_cast<Stream*>(self->private_data)->error();
  };
  out->release = [](ArrowArrayStream* self) {
    delete static_cast<Stream*>(self->private_data);
    self->release = nullptr;
  };
  out->private_data = stream.release();
}

constexpr const char* kCapsuleName = "arrow_array_stream";

nb::object CapsuleOf(std::unique_ptr<ArrowArrayStream> stream) {
  PyObject* capsule = PyCapsule_New(stream.get(), kCapsuleName, [](PyObject* self) {
    auto* kept = static_cast<ArrowArrayStream*>(PyCapsule_GetPointer(self, kCapsuleName));
    if (kept == nullptr) return PyErr_Clear();
    if (kept->release != nullptr) kept->release(kept);  // else a consumer has taken it
    delete kept;
  });
  if (capsule == nullptr) {
    stream->release(stream.get());
    throw nb::python_error();
  }
  (void)stream.release();
  return nb::steal(capsule);
}

using Limit = std::optional<std::uint64_t>;
using Timeout = std::optional<double>;
using Counts = std::shared_ptr<TableCounts>;

template <typename Pages>
nb::object StreamOf(const SnapshotObject& snapshot, StreamSource source, Pages pages,
                    TableColumns<typename Pages::Row> columns) {
  snapshot.owner.Check();
  auto stream = std::make_unique<ArrowArrayStream>();
  MakeStream(std::make_unique<TableStream<Pages>>(std::move(source), std::move(pages),
                                                  std::move(columns)),
             stream.get());
  return CapsuleOf(std::move(stream));
}

SpanPages PagesOf(SpanParts parts, bool matching) {
  parts.matching = matching;
  parts.max_spans = kPageSpans;
  parts.keep_pages = false;
  return {std::move(parts), {}};
}

nb::object SpanStream(const SnapshotObject& snapshot, const std::string& rows, const Query& query,
                      const Limit& limit, bool matching, const std::vector<std::string>& names,
                      const std::vector<std::pair<std::string, std::string>>& attributes,
                      bool binary_ids, bool dictionaries, const Counts& counts,
                      const Timeout& timeout) {
  const ColumnChoice choice{names, attributes, {binary_ids, dictionaries}};
  StreamSource source{snapshot, query, limit, timeout, counts};
  if (rows == "events") {
    return StreamOf(snapshot, std::move(source),
                    PartPages<EventRow>{PagesOf(EventPartsFor(choice), matching)},
                    EventColumns(choice));
  }
  if (rows == "links") {
    return StreamOf(snapshot, std::move(source),
                    PartPages<LinkRow>{PagesOf(LinkPartsFor(choice), matching)},
                    LinkColumns(choice));
  }
  return StreamOf(snapshot, std::move(source), PagesOf(SpanPartsFor(choice), matching),
                  SpanColumns(choice));
}

nb::object SummaryStream(const SnapshotObject& snapshot, const Query& query, const Limit& limit,
                         const std::vector<std::string>& names, bool binary_ids,
                         bool dictionaries, const Counts& counts, const Timeout& timeout) {
  return StreamOf(snapshot, StreamSource{snapshot, query, limit, timeout, counts}, SummaryPages{},
                  SummaryColumns(names, {binary_ids, dictionaries}));
}

}  // namespace

void BindArrow(nb::module_& module) {
  nb::class_<TableCounts>(module, "TableCounts", "What tables had to leave out.")
      .def(nb::init<>())
      .def_prop_ro("beyond", [](const TableCounts& c) { return c.beyond.load(); },
                   "Times above 2^63 - 1, which are null in Arrow.");
  // `rows`: "spans", "events" or "links", here and below.
  module.def("span_stream", &SpanStream, nb::arg("snapshot"), nb::arg("rows"), nb::arg("query"),
             nb::arg("limit").none(), nb::arg("matching"), nb::arg("columns"),
             nb::arg("attributes"), nb::arg("binary_ids"), nb::arg("dictionaries"),
             nb::arg("counts"), nb::arg("timeout").none());
  module.def("summary_stream", &SummaryStream, nb::arg("snapshot"), nb::arg("query"),
             nb::arg("limit").none(), nb::arg("columns"), nb::arg("binary_ids"),
             nb::arg("dictionaries"), nb::arg("counts"), nb::arg("timeout").none());
  // Raises InvalidArgumentError for columns that can't be.
  module.def("check_columns",
             [](const std::string& rows, const std::vector<std::string>& names,
                const std::vector<std::pair<std::string, std::string>>& attributes) {
               const ColumnChoice choice{names, attributes, {}};
               if (rows == "events") (void)EventColumns(choice);
               else if (rows == "links") (void)LinkColumns(choice);
               else (void)SpanColumns(choice);
             },
             nb::arg("rows"), nb::arg("columns"), nb::arg("attributes"));
  module.def("span_columns",
             [](const std::string& rows) {
               return rows == "events"  ? AllEventColumns()
                      : rows == "links" ? AllLinkColumns()
                                        : AllSpanColumns();
             },
             nb::arg("rows"));
  module.def("summary_columns", &AllSummaryColumns);
}

}  // namespace tracestore::python
