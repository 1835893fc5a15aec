// Micro-benchmarks of the parts that a span passes on its way to disk and back, over columns of the
// attribute-rich set, so that a change to one of them can be seen without a whole ingest:
//   micro [--benchmark_filter=REGEX] [--benchmark_min_time=SECONDS] …   (Google Benchmark's flags)
// Figures of the whole stand in docs/benchmarks.md.
#include <benchmark/benchmark.h>
#include <tracestore/store.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "codec/column/int_stream.h"
#include "codec/column/text_stream.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "index/fuse_filter.h"
#include "index/id_permutation.h"
#include "index/page_set.h"
#include "nezha.h"

namespace tracestore::bench {
namespace {

constexpr std::size_t kRows = 1024;   // of a page
constexpr std::size_t kIds = 20'000;  // about the traces of a segment of 300,000 rich spans

[[noreturn]] void Fail(const char* what) {
  std::fprintf(stderr, "micro: %s failed\n", what);
  std::exit(1);
}

// A page's worth of the set, made once.
const model::SpanBatch& Rows() {
  static const model::SpanBatch rows = [] {
    model::SpanBatch made;
    RichOptions options;
    options.spans = options.batch_spans = kRows;
    MakeRich(options, [&made](model::SpanBatch&& batch) {
      if (made.empty()) made = std::move(batch);
    });
    if (made.empty()) Fail("making spans");
    return made;
  }();
  return rows;
}

std::vector<std::uint64_t> Starts() {
  std::vector<std::uint64_t> starts;
  for (const model::SpanRecord& span : Rows().spans) starts.push_back(span.start_ns);
  return starts;
}
std::vector<std::uint64_t> Durations() {
  std::vector<std::uint64_t> durations;
  for (const model::SpanRecord& span : Rows().spans) durations.push_back(span.duration_ns);
  return durations;
}
// Ids as hashes give them.
std::vector<std::uint64_t> Ids(std::size_t count) {
  std::vector<std::uint64_t> ids;
  for (std::size_t i = 0; i < count; ++i) ids.push_back(base::Hash64(std::to_string(i)));
  return ids;
}
std::vector<std::string_view> Names() {
  std::vector<std::string_view> names;
  for (const model::SpanRecord& span : Rows().spans) {
    names.push_back(Rows().strings.Get(span.name));
  }
  return names;
}

void PerItem(benchmark::State& state, std::size_t items, std::size_t bytes) {
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items));
  if (bytes > 0) {
    state.counters["bytes_an_item"] = static_cast<double>(bytes) / static_cast<double>(items);
  }
}

void EncodeInts(benchmark::State& state, const std::vector<std::uint64_t>& values) {
  std::string out;
  for (auto _ : state) {
    out.clear();
    column::EncodeInts(values, out);
    benchmark::DoNotOptimize(out.data());
  }
  PerItem(state, values.size(), out.size());
}
BENCHMARK_CAPTURE(EncodeInts, starts, Starts());
BENCHMARK_CAPTURE(EncodeInts, durations, Durations());
BENCHMARK_CAPTURE(EncodeInts, random_ids, Ids(kRows));

void DecodeInts(benchmark::State& state, const std::vector<std::uint64_t>& values) {
  std::string bytes;
  column::EncodeInts(values, bytes);
  std::vector<std::uint64_t> out;
  for (auto _ : state) {
    base::ByteReader in(bytes);
    if (!column::DecodeInts(in, values.size(), out).has_value()) Fail("DecodeInts");
    benchmark::DoNotOptimize(out.data());
  }
  if (out != values) Fail("the round trip of integers");
  PerItem(state, values.size(), bytes.size());
}
BENCHMARK_CAPTURE(DecodeInts, starts, Starts());
BENCHMARK_CAPTURE(DecodeInts, durations, Durations());
BENCHMARK_CAPTURE(DecodeInts, random_ids, Ids(kRows));

void EncodeTexts(benchmark::State& state) {
  const auto texts = Names();
  std::string out;
  for (auto _ : state) {
    out.clear();
    column::EncodeTexts(texts, out);
    benchmark::DoNotOptimize(out.data());
  }
  PerItem(state, texts.size(), out.size());
}
BENCHMARK(EncodeTexts);

void DecodeTexts(benchmark::State& state) {
  const auto texts = Names();
  std::string bytes, arena;
  column::EncodeTexts(texts, bytes);
  std::vector<std::string_view> out;
  for (auto _ : state) {
    base::ByteReader in(bytes);
    if (!column::DecodeTexts(in, texts.size(), 1 << 24, arena, out).has_value()) {
      Fail("DecodeTexts");
    }
    benchmark::DoNotOptimize(out.data());
  }
  if (out != texts) Fail("the round trip of texts");
  PerItem(state, texts.size(), bytes.size());
}
BENCHMARK(DecodeTexts);

void DecodeOtlp(benchmark::State& state) {
  std::string message;
  codec::EncodeOtlpProtobuf(Rows(), message);
  for (auto _ : state) {
    model::SpanBatch out;
    const auto report = codec::DecodeOtlpProtobuf(message, out);
    if (!report.has_value() || out.size() != Rows().size()) Fail("DecodeOtlpProtobuf");
    benchmark::DoNotOptimize(out.spans.data());
  }
  PerItem(state, Rows().size(), message.size());
}
BENCHMARK(DecodeOtlp);

void EncodeOtlp(benchmark::State& state) {
  std::string message;
  for (auto _ : state) {
    message.clear();
    codec::EncodeOtlpProtobuf(Rows(), message);
    benchmark::DoNotOptimize(message.data());
  }
  PerItem(state, Rows().size(), message.size());
}
BENCHMARK(EncodeOtlp);

void BuildFilter(benchmark::State& state) {
  const auto ids = Ids(kIds);
  std::size_t bytes = 0;
  for (auto _ : state) {
    const auto filter = index::FuseFilter::Build(ids);
    if (!filter.has_value()) Fail("FuseFilter::Build");
    bytes = filter->size_bytes();
  }
  PerItem(state, ids.size(), bytes);
}
BENCHMARK(BuildFilter);

// Half of the ids are in it.
void ProbeFilter(benchmark::State& state) {
  const auto ids = Ids(2 * kIds);
  const auto filter = index::FuseFilter::Build(std::span(ids).first(kIds));
  if (!filter.has_value()) Fail("FuseFilter::Build");
  for (auto _ : state) {
    std::size_t found = 0;
    for (const std::uint64_t id : ids) found += filter->MayContain(id) ? 1 : 0;
    if (found < kIds) Fail("MayContain");
    benchmark::DoNotOptimize(found);
  }
  PerItem(state, ids.size(), 0);
}
BENCHMARK(ProbeFilter);

void FindId(benchmark::State& state) {
  const auto ids = Ids(kIds);
  const auto permutation = index::IdPermutation::Build(ids);
  const auto id_at = [&ids](std::uint32_t ordinal) { return ids[ordinal]; };
  std::size_t at = 0;
  for (auto _ : state) {
    at = (at + 7919) % ids.size();
    const auto found = permutation.Find(ids[at], id_at);
    if (found.size() != 1 || found.front() != at) Fail("IdPermutation::Find");
  }
  PerItem(state, 1, 0);
}
BENCHMARK(FindId);

// Lists of every third and every seventh of 300 pages, a segment's, and of 100,000.
void IntersectPages(benchmark::State& state) {
  const auto pages = static_cast<std::uint32_t>(state.range(0));
  const auto every = [pages](std::uint32_t step) {
    std::vector<std::uint32_t> list;
    for (std::uint32_t page = 0; page < pages; page += step) list.push_back(page);
    return index::PageSet::Of(list);
  };
  const index::PageSet thirds = every(3), sevenths = every(7);
  for (auto _ : state) {
    index::PageSet both = thirds;
    both.And(sevenths);
    if (both.cardinality() != (pages + 20) / 21) Fail("PageSet::And");
  }
  PerItem(state, pages, 0);
}
BENCHMARK(IntersectPages)->Arg(300)->Arg(100'000);

// A store whose spans, so many a message, are all in its head.
class HeadStore {
 public:
  explicit HeadStore(std::size_t message_spans) {
    std::filesystem::remove_all(directory_);
    RichOptions rich;
    rich.spans = kSpans;
    rich.batch_spans = message_spans;
    MakeRich(rich, [this](model::SpanBatch&& batch) { messages_.push_back(std::move(batch)); });
    Open();
  }
  ~HeadStore() {
    (void)store_->DeleteAll();  // or closing would seal
    store_.reset();
    std::filesystem::remove_all(directory_);
  }
  HeadStore(const HeadStore&) = delete;
  HeadStore& operator=(const HeadStore&) = delete;

  static constexpr std::size_t kSpans = 60'000;
  Store& store() { return *store_; }

  std::vector<model::SpanBatch> messages() const { return messages_; }
  void Append(std::vector<model::SpanBatch>&& messages) {
    for (model::SpanBatch& message : messages) {
      if (!store_->AppendBatch(std::move(message)).has_value()) Fail("AppendBatch");
    }
  }
  // As new: a head that holds nothing is not sealed.
  void Empty() {
    if (!store_->DeleteAll().has_value()) Fail("DeleteAll");
    store_.reset();
    std::filesystem::remove_all(directory_);
    Open();
  }

 private:
  void Open() {
    StoreOptions options;
    options.head_max_spans = 2 * kSpans;
    options.head_max_bytes = std::uint64_t{1} << 30;
    options.background_sealing = false;
    options.query_memory_bytes = 0;  // each search looks at the spans
    auto opened = Store::Open(directory_, options);
    if (!opened.has_value()) Fail("Store::Open");
    store_ = std::move(opened).value();
  }

  const std::string directory_ =
      (std::filesystem::temp_directory_path() / ("tracestore-micro-" + std::to_string(getpid())))
          .string();
  std::vector<model::SpanBatch> messages_;
  std::unique_ptr<Store> store_;
};

// Messages of so many spans into log and head.
void AppendToHead(benchmark::State& state) {
  HeadStore head(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) {
    state.PauseTiming();
    head.Empty();
    auto messages = head.messages();
    state.ResumeTiming();
    head.Append(std::move(messages));
  }
  PerItem(state, HeadStore::kSpans, 0);
}
BENCHMARK(AppendToHead)->Arg(20)->Arg(100)->Arg(300)->Arg(600)->Arg(2'000);

// The newest traces of a service with a tag, of a head of messages of so many spans.
void SearchHead(benchmark::State& state) {
  HeadStore head(static_cast<std::size_t>(state.range(0)));
  head.Append(head.messages());
  const auto services = head.store().Services();
  if (!services.has_value() || services->empty()) Fail("Services");
  const Query query = Query().Service(services->back().name).Tag("http.status_code", "500");
  for (auto _ : state) {
    if (!head.store().Find(query).has_value()) Fail("Find");
  }
}
BENCHMARK(SearchHead)->Arg(20)->Arg(100)->Arg(300)->Arg(600)->Arg(2'000);

}  // namespace
}  // namespace tracestore::bench

BENCHMARK_MAIN();
