// Tables as Arrow streams: batches of at most kBatchRows rows, made when they are asked for.
//
// The consumer may call from any thread, with or without the interpreter's lock: nothing here touches
// a Python object but the making of the capsule. Batches own all their memory; only the stream itself
// keeps the snapshot.
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

constexpr std::int64_t kBatchRows = 65'536;
constexpr std::size_t kBatchWeight = std::size_t{256} << 20;
constexpr std::uint32_t kFirstPage = 256;    // traces
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
  const std::string& next() const { return page.next_cursor; }
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
  const std::string& next() const { return page.next_cursor; }
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
    std::int64_t rows = 0;
    while (rows < kBatchRows) {
      if (row_ == pages_.size()) {
        if (!more_) break;
        if (!LoadPage()) return false;
        continue;
      }
      for (const auto& column : columns_) column->Append(pages_[row_]);
      ++row_;
      ++rows;
      if (rows % 64 == 0 && Weight() > kBatchWeight) break;
    }
    std::vector<ArrowData> data;
    std::uint64_t beyond = 0;
    for (const auto& column : columns_) {
      if (column->overflowed()) return Fail("a value is longer than an Arrow column holds");
      beyond += column->beyond();
      data.push_back(column->Finish());
    }
    source_.counts->beyond += beyond - std::exchange(beyond_, beyond);
    if (rows > 0) ExportArray(StructOf(std::move(data), rows), out);
    return true;
  }
  const char* error() const noexcept { return error_.c_str(); }

 private:
  bool Fail(std::string sentence) {
    error_ = std::move(sentence);
    return false;
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
    left_ -= query.limit;
    cursor_ = pages_.next();
    more_ = !cursor_.empty() && left_ > 0;
    row_ = 0;
    // So many traces a page that their spans are about a batch.
    const std::uint64_t rows = std::max<std::uint64_t>(pages_.size(), 1);
    page_ = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(
        query.limit * std::uint64_t{kBatchRows} / rows, kFirstPage / 4, kLargestPage));
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

nb::object SpanStream(const SnapshotObject& snapshot, const Query& query, const Limit& limit,
                      bool matching, const std::vector<std::string>& names,
                      const std::vector<std::pair<std::string, std::string>>& attributes,
                      bool binary_ids, const Counts& counts, const Timeout& timeout) {
  snapshot.owner.Check();
  const SpanColumnChoice choice{names, attributes, binary_ids};
  SpanPages pages{PartsFor(choice), {}};
  pages.parts.matching = matching;
  auto stream = std::make_unique<ArrowArrayStream>();
  MakeStream(std::make_unique<TableStream<SpanPages>>(
                 StreamSource{snapshot, query, limit, timeout, counts}, std::move(pages),
                 SpanColumns(choice)),
             stream.get());
  return CapsuleOf(std::move(stream));
}

nb::object SummaryStream(const SnapshotObject& snapshot, const Query& query, const Limit& limit,
                         const std::vector<std::string>& names, bool binary_ids,
                         const Counts& counts, const Timeout& timeout) {
  snapshot.owner.Check();
  auto stream = std::make_unique<ArrowArrayStream>();
  MakeStream(std::make_unique<TableStream<SummaryPages>>(
                 StreamSource{snapshot, query, limit, timeout, counts}, SummaryPages{},
                 SummaryColumns(names, binary_ids)),
             stream.get());
  return CapsuleOf(std::move(stream));
}

}  // namespace

void BindArrow(nb::module_& module) {
  nb::class_<TableCounts>(module, "TableCounts", "What tables had to leave out.")
      .def(nb::init<>())
      .def_prop_ro("beyond", [](const TableCounts& c) { return c.beyond.load(); },
                   "Times above 2^63 - 1, which are null in Arrow.");
  module.def("span_stream", &SpanStream, nb::arg("snapshot"), nb::arg("query"),
             nb::arg("limit").none(), nb::arg("matching"), nb::arg("columns"),
             nb::arg("attributes"), nb::arg("binary_ids"), nb::arg("counts"),
             nb::arg("timeout").none());
  module.def("summary_stream", &SummaryStream, nb::arg("snapshot"), nb::arg("query"),
             nb::arg("limit").none(), nb::arg("columns"), nb::arg("binary_ids"),
             nb::arg("counts"), nb::arg("timeout").none());
  // Raises InvalidArgumentError for columns that can't be.
  module.def("check_columns",
             [](const std::vector<std::string>& names,
                const std::vector<std::pair<std::string, std::string>>& attributes) {
               (void)SpanColumns({names, attributes, false});
             },
             nb::arg("columns"), nb::arg("attributes"));
  module.def("span_columns", &AllSpanColumns);
  module.def("summary_columns", &AllSummaryColumns);
}

}  // namespace tracestore::python
