// store_figures: a whole store's size, CPU, memory and latencies, through the public API.
//   store_figures make --nezha DIRECTORY | --rich SPANS  REQUESTS   writes a file of OTLP requests
//   store_figures ingest REQUESTS STORE     CPU, memory, bytes; protobuf's parse of the same bytes
//   store_figures compact STORE             full compaction: bytes, CPU, memory
//   store_figures yardsticks REQUESTS       zstd -19 --long=27 over all
//   store_figures huge SPANS STORE          one trace of so many: summary, one subtree
//   store_figures queries STORE             latencies in process, warm and cold
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

#include <google/protobuf/arena.h>
#include <lmdb.h>
#include <zstd.h>

#include <tracestore/store.h>

#include "base/try.h"
#include "codec/otlp/protobuf_encoder.h"
#include "measure.h"
#include "nezha.h"
#include "opentelemetry/proto/collector/trace/v1/trace_service.pb.h"

namespace tracestore::bench {
namespace {

Status Make(const std::string& set, const std::string& what, const std::string& path) {
  return WriteRequests(path, [&](const std::function<void(std::string_view)>& write) -> Status {
    std::string request;
    const auto take = [&](model::SpanBatch&& batch) {
      request.clear();
      codec::EncodeOtlpProtobuf(batch, request);
      write(request);
    };
    if (set == "--nezha") return ReadNezha(what, 1000, take);
    RichOptions options;
    options.spans = std::strtoull(what.c_str(), nullptr, 10);
    MakeRich(options, take);
    return {};
  });
}

// CPU of protobuf's own parser, each request on an arena.
Result<double> ArenaParseSeconds(const std::string& path) {
  const double before = ProcessCpuSeconds();
  TS_TRY(ForEachRequest(path, [](std::string_view request) -> Status {
    google::protobuf::Arena arena;
    auto* message = google::protobuf::Arena::CreateMessage<
        opentelemetry::proto::collector::trace::v1::ExportTraceServiceRequest>(&arena);
    if (!message->ParseFromArray(request.data(), static_cast<int>(request.size())))
      return Error(ErrorCode::kInvalidArgument, "protobuf refuses the request");
    return {};
  }));
  return ProcessCpuSeconds() - before;
}

Result<double> ReadOnlySeconds(const std::string& path) {
  const double before = ProcessCpuSeconds();
  TS_TRY(ForEachRequest(path, [](std::string_view) -> Status { return {}; }));
  return ProcessCpuSeconds() - before;
}

// Pages of the catalog that hold something, in bytes.
std::uint64_t CatalogUsedBytes(const std::string& directory) {
  MDB_env* environment = nullptr;
  if (mdb_env_create(&environment) != 0) return 0;
  std::uint64_t bytes = 0;
  MDB_txn* transaction = nullptr;
  mdb_env_set_maxdbs(environment, 32);
  if (mdb_env_open(environment, (directory + "/catalog").c_str(), MDB_RDONLY | MDB_NOLOCK, 0) == 0 &&
      mdb_txn_begin(environment, nullptr, MDB_RDONLY, &transaction) == 0) {
    const auto add = [&](MDB_dbi database) {
      MDB_stat stat{};
      if (mdb_stat(transaction, database, &stat) == 0) {
        bytes += stat.ms_psize *
                 (stat.ms_branch_pages + stat.ms_leaf_pages + stat.ms_overflow_pages);
      }
    };
    MDB_dbi main = 0;
    if (mdb_dbi_open(transaction, nullptr, 0, &main) == 0) {
      add(main);
      MDB_cursor* cursor = nullptr;
      MDB_val key{};
      MDB_val value{};
      if (mdb_cursor_open(transaction, main, &cursor) == 0) {
        while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
          MDB_dbi database = 0;
          const std::string name(static_cast<const char*>(key.mv_data), key.mv_size);
          if (mdb_dbi_open(transaction, name.c_str(), 0, &database) == 0) add(database);
        }
        mdb_cursor_close(cursor);
      }
    }
    mdb_txn_abort(transaction);
  }
  mdb_env_close(environment);
  return bytes;
}

Status Ingest(const std::string& requests, const std::string& directory) {
  TS_TRY_ASSIGN(const double reading, ReadOnlySeconds(requests));
  TS_TRY_ASSIGN(const double parse_and_read, ArenaParseSeconds(requests));
  const double parse = parse_and_read - reading;
  StoreOptions options;
  options.background_compaction = false;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  const std::uint64_t memory_before = AnonymousBytes();
  const double before = ProcessCpuSeconds();
  std::uint64_t spans = 0;
  std::uint64_t bytes = 0;
  std::uint64_t peak = 0;
  std::uint64_t count = 0;
  TS_TRY(ForEachRequest(requests, [&](std::string_view request) -> Status {
    TS_TRY_ASSIGN(const AppendResult result, store->Append(request, Format::kOtlpProtobuf));
    spans += result.accepted;
    bytes += request.size();
    if (++count % 16 == 0) peak = std::max(peak, AnonymousBytes());
    return {};
  }));
  TS_TRY(store->Close());
  const double cpu = ProcessCpuSeconds() - before - reading;
  store.reset();
  const auto n = static_cast<double>(spans);
  const std::uint64_t files = BytesBelow(directory + "/segments") + BytesBelow(directory + "/wal");
  const std::uint64_t catalog = CatalogUsedBytes(directory);
  std::printf("ingest: %" PRIu64 " spans, %.1f bytes a span as OTLP\n", spans,
              static_cast<double>(bytes) / n);
  std::printf("  bytes a span: %.3f in all = files %.3f + used pages of the catalog %.3f\n",
              static_cast<double>(files + catalog) / n, static_cast<double>(files) / n,
              static_cast<double>(catalog) / n);
  std::printf("  CPU seconds a million spans: %.2f to sealed and closed; protobuf's arena parse of "
              "the same bytes %.2f; ratio %.2f\n",
              cpu * 1e6 / n, parse * 1e6 / n, cpu / parse);
  std::printf("  memory while ingesting (RssAnon at its highest, less that before): %.0f MiB\n",
              static_cast<double>(peak - std::min(peak, memory_before)) / 1048576.0);
  return {};
}

Status Compacted(const std::string& directory) {
  StoreOptions options;
  options.background_compaction = false;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
  TS_TRY_ASSIGN(const StoreStats stats, snapshot.Stats(false));
  const std::uint64_t memory_before = AnonymousBytes();
  std::atomic<std::uint64_t> peak{0};
  const double before = ProcessCpuSeconds();
  CompactResult done;
  {
    const std::jthread sampler([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        peak = std::max(peak.load(), AnonymousBytes());
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
      }
    });
    CompactOptions all;
    all.full = true;
    TS_TRY_ASSIGN(done, store->Compact(all));
  }
  TS_TRY(store->Close());
  const double cpu = ProcessCpuSeconds() - before;
  store.reset();
  const auto n = static_cast<double>(stats.spans);
  const std::uint64_t files = BytesBelow(directory + "/segments") + BytesBelow(directory + "/wal");
  const std::uint64_t catalog = CatalogUsedBytes(directory);
  std::printf("compacted: %" PRIu64 " segments into %" PRIu64 "\n", done.segments_merged, done.merges);
  std::printf("  bytes a span: %.3f in all = files %.3f + used pages of the catalog %.3f\n",
              static_cast<double>(files + catalog) / n, static_cast<double>(files) / n,
              static_cast<double>(catalog) / n);
  std::printf("  CPU seconds a million spans: %.2f\n", cpu * 1e6 / n);
  std::printf("  memory while merging (RssAnon at its highest, less that before): %.0f MiB\n",
              static_cast<double>(peak - std::min(peak.load(), memory_before)) / 1048576.0);
  return {};
}

Status Yardsticks(const std::string& requests) {
  ZSTD_CCtx* context = ZSTD_createCCtx();
  ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 19);
  ZSTD_CCtx_setParameter(context, ZSTD_c_enableLongDistanceMatching, 1);
  ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, 27);
  std::string out(ZSTD_CStreamOutSize(), '\0');
  std::uint64_t packed = 0;
  std::uint64_t raw = 0;
  const auto feed = [&](std::string_view bytes, ZSTD_EndDirective directive) {
    ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
    while (true) {
      ZSTD_outBuffer to{out.data(), out.size(), 0};
      const std::size_t left = ZSTD_compressStream2(context, &to, &in, directive);
      packed += to.pos;
      if (ZSTD_isError(left) || (directive == ZSTD_e_end ? left == 0 : in.pos == in.size)) return;
    }
  };
  TS_TRY(ForEachRequest(requests, [&](std::string_view request) -> Status {
    raw += request.size();
    feed(request, ZSTD_e_continue);
    return {};
  }));
  feed({}, ZSTD_e_end);
  ZSTD_freeCCtx(context);
  std::printf("yardstick: zstd -19 --long=27 over all requests: %" PRIu64 " of %" PRIu64
              " bytes\n", packed, raw);
  return {};
}

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "store_figures: %s failed\n", what);
  std::exit(1);
}

void Print(const char* what, Timings& timings) {
  std::printf("  %-58s p50 %9.3f ms  p99 %9.3f ms  (%zu calls)\n", what,
              timings.Milliseconds(0.5), timings.Milliseconds(0.99), timings.size());
  std::fflush(stdout);
}

struct Sample {
  std::vector<TraceId> ids;       // traces of 30 to 80 spans where there are such
  std::vector<std::pair<std::string, std::string>> operations;  // service, operation
  std::vector<std::pair<std::string, std::string>> rare;        // service, unique value
};

constexpr const char* kRareKey = "messaging.message_id";

Sample TakeSample(const Store& store) {
  Sample sample;
  const auto snapshot = store.TakeSnapshot();
  Check(snapshot.has_value(), "snapshot");
  const auto stats = snapshot->Stats(false);
  Check(stats.has_value(), "stats");
  std::mt19937_64 random(7);
  for (int tries = 0; sample.ids.size() < 200 && tries < 5'000; ++tries) {
    Query query;
    const std::uint64_t at = stats->min_start_ns +
                             random() % (stats->max_start_ns - stats->min_start_ns + 1);
    query.trace_start = {0, at};
    query.limit = 20;
    const auto page = snapshot->FindSummaries(query);
    Check(page.has_value(), "sampling");
    for (const TraceSummary& summary : page->summaries) {
      if (summary.span_count < 30 || summary.span_count > 80) continue;
      sample.ids.push_back(summary.trace_id);
      const auto spans = snapshot->Get(summary.trace_id);
      Check(spans.has_value(), "get");
      const SpanView span = (*spans)[random() % spans->size()];
      sample.operations.emplace_back(span.service(), span.name());
      for (std::size_t i = 0; i < spans->size(); ++i) {
        const auto rare = (*spans)[i].attributes().Find(kRareKey);
        if (rare) sample.rare.emplace_back((*spans)[i].service(), rare->string_value());
      }
      break;
    }
  }
  Check(!sample.ids.empty(), "finding traces of 30 to 80 spans");
  return sample;
}

// Time of one Get in a new process, its files out of the cache, the opening not counted.
double ColdGet(const std::string& directory, TraceId id, double& open_ms) {
  DropFromCache(directory);
  int ends[2];
  Check(pipe(ends) == 0, "pipe");
  const pid_t child = fork();
  if (child == 0) {
    Timings open_time;
    Timings get;
    StoreOptions options;
    options.mode = OpenMode::kRead;
    std::unique_ptr<Store> store;
    open_time.Time([&] { store = std::move(Store::Open(directory, options)).value(); });
    get.Time([&] { Check(store->Get(id).has_value(), "cold get"); });
    const double both[2] = {get.Milliseconds(0), open_time.Milliseconds(0)};
    Check(write(ends[1], both, sizeof both) == sizeof both, "write");
    _exit(0);
  }
  double both[2] = {0, 0};
  Check(read(ends[0], both, sizeof both) == sizeof both, "read");
  int status = 0;
  waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  open_ms = both[1];
  return both[0];
}

void RunSearches(const Store& store, const Sample& sample) {
  const auto search = [&](const char* what, std::size_t rounds,
                          const std::function<Query(std::size_t)>& make) {
    Timings timings;
    std::size_t found = 0;
    for (std::size_t i = 0; i < rounds; ++i) {
      const Query query = make(i);
      timings.Time([&] {
        const auto page = store.FindSummaries(query);
        Check(page.has_value(), what);
        found += page->summaries.size();
      });
    }
    Print(what, timings);
    std::printf("  %58s %zu results a call\n", "", found / rounds);
  };
  const auto& operations = sample.operations;
  search("service + operation", 200, [&](std::size_t i) {
    const auto& [service, operation] = operations[i % operations.size()];
    return Query().Service(service).Operation(operation);
  });
  if (!sample.rare.empty()) {
    search("service + a value that occurs once", 200, [&](std::size_t i) {
      const auto& [service, value] = sample.rare[i % sample.rare.size()];
      return Query().Service(service).Tag(kRareKey, value);
    });
    search("attribute without service", 200, [&](std::size_t i) {
      return Query().Tag("db.rows", std::to_string(i % 40));
    });
  }
  search("service + duration of at least 50 ms", 200, [&](std::size_t i) {
    return Query().Service(operations[i % operations.size()].first)
        .MinDuration(std::chrono::milliseconds(50));
  });
  search("errors", 100, [&](std::size_t) { return Query().ErrorsOnly(); });
  search("whole trace: two services, not a third", 60, [&](std::size_t i) {
    const auto service = [&](std::size_t k) {
      return Expression::Of({.field = Field::kService, .key = {}, .value = operations[k % operations.size()].first});
    };
    Query query;
    query.where = Expression::And({service(i), service(i + 1), Expression::Not(service(i + 2))});
    return query;
  });
  search("longest traces of a service", 60, [&](std::size_t i) {
    Query query = Query().Service(operations[i % operations.size()].first);
    query.order = Order::kLongest;
    return query;
  });
}

Status Queries(const std::string& directory) {
  std::printf("queries (limit 20, summaries, in process)\n");
  StoreOptions options;
  options.mode = OpenMode::kRead;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  const Sample sample = TakeSample(*store);
  {
    Timings open_time;
    Timings cold;
    for (std::size_t i = 0; i < 20; ++i) {
      double open_ms = 0;
      const double get = ColdGet(directory, sample.ids[i * 7 % sample.ids.size()], open_ms);
      cold.Add(get);
      open_time.Add(open_ms);
    }
    Print("trace by id, cold (open not counted)", cold);
    Print("opening, cold", open_time);
  }
  Timings get;
  for (int round = 0; round < 3; ++round) {
    for (const TraceId id : sample.ids)
      get.Time([&] { Check(store->Get(id).has_value(), "get"); });
  }
  Print("trace by id, warm, 30 to 80 spans", get);
  Timings absent;
  std::mt19937_64 random(9);
  for (int i = 0; i < 1000; ++i) {
    const TraceId id{random(), random()};
    absent.Time([&] { Check(!store->Get(id).has_value(), "absent get"); });
  }
  Print("trace id that isn't there", absent);
  RunSearches(*store, sample);
  const auto whole = [&](const char* what, const std::function<bool()>& call) {
    Timings first;
    first.Time([&] { Check(call(), what); });
    Timings later;
    for (int i = 0; i < 20; ++i) later.Time([&] { Check(call(), what); });
    Print(what, later);
    std::printf("  %58s the first: %.3f ms\n", "", first.Milliseconds(0));
  };
  whole("services", [&] { return store->Services().has_value(); });
  whole("operations of all", [&] { return store->Operations("").has_value(); });
  whole("dependencies over all", [&] { return store->Dependencies({}).has_value(); });
  return {};
}

// A trace of `spans` spans, each below one of the hundred before it, in requests of 1,000.
Status MakeHuge(Store& store, std::size_t spans) {
  std::mt19937_64 random(5);
  std::vector<SpanId> ids;
  for (std::size_t made = 0; made < spans;) {
    model::SpanBatch batch;
    model::ResourceRecord resource;
    resource.attributes = {0, 1};
    batch.AddString(batch.strings.Intern("service.name"), "batch-job");
    batch.resources.push_back(resource);
    batch.scopes.emplace_back();
    for (int i = 0; i < 1000 && made < spans; ++i, ++made) {
      model::SpanRecord span;
      span.trace_id = {7, 7};
      span.span_id = {random() | 1};
      if (made > 0) span.parent_id = ids[made - 1 - random() % std::min<std::size_t>(made, 100)];
      span.name = batch.strings.Intern("step-" + std::to_string(made % 50));
      span.start_ns = 1'700'000'000'000'000'000ULL + made * 1000;
      span.duration_ns = 500 + random() % 1000;
      span.presence = model::kHasStart | model::kHasDuration;
      span.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 1};
      batch.AddInt(batch.strings.Intern("item"), static_cast<std::int64_t>(made));
      ids.push_back(span.span_id);
      batch.spans.push_back(span);
    }
    TS_TRY(store.AppendBatch(std::move(batch)));
  }
  return {};
}

Status Huge(std::size_t spans, const std::string& directory) {
  std::printf("one trace of %zu spans\n", spans);
  {
    StoreOptions options;
    options.background_compaction = false;
    TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
    TS_TRY(MakeHuge(*store, spans));
    TS_TRY(store->Close());
  }
  StoreOptions options;
  options.mode = OpenMode::kRead;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
  const TraceId id{7, 7};
  Timings summary;
  for (int i = 0; i < 5; ++i) summary.Time([&] { Check(snapshot.Summarize(id).has_value(), "summary"); });
  Print("summary", summary);
  std::mt19937_64 random(5);
  std::vector<SpanId> tops;
  for (std::size_t i = 0; i + 10 < spans; ++i) {
    const SpanId span{random() | 1};
    if (i > 0) (void)random();
    (void)random();
    if (i > spans - spans / 100 && i % (spans / 2000) == 0) tops.push_back(span);
  }
  Timings subtree;
  std::size_t found = 0;
  for (const SpanId top : tops) {
    subtree.Time([&] {
      const auto spans = snapshot.GetSubtree(id, top);
      Check(spans.has_value(), "subtree");
      found += spans->size();
    });
  }
  Print("one subtree", subtree);
  std::printf("  %58s %zu spans a call\n", "", found / tops.size());
  return {};
}

int Usage() {
  std::fprintf(stderr,
               "usage: store_figures make --nezha DIRECTORY | --rich SPANS REQUESTS\n"
               "       store_figures ingest REQUESTS STORE\n"
               "       store_figures compact STORE\n"
               "       store_figures yardsticks REQUESTS\n"
               "       store_figures queries STORE\n"
               "       store_figures huge SPANS STORE      (20000 or more)\n");
  return 2;
}

}  // namespace
}  // namespace tracestore::bench

int main(int argc, char** argv) {
  using namespace tracestore::bench;
  const std::vector<std::string> words(argv + 1, argv + argc);
  tracestore::Status done;
  if (words.size() == 4 && words[0] == "make") {
    done = Make(words[1], words[2], words[3]);
  } else if (words.size() == 3 && words[0] == "ingest") {
    done = Ingest(words[1], words[2]);
  } else if (words.size() == 2 && words[0] == "compact") {
    done = Compacted(words[1]);
  } else if (words.size() == 2 && words[0] == "yardsticks") {
    done = Yardsticks(words[1]);
  } else if (words.size() == 2 && words[0] == "queries") {
    done = Queries(words[1]);
  } else if (words.size() == 3 && words[0] == "huge" && std::atoll(words[1].c_str()) >= 20'000) {
    done = Huge(std::strtoull(words[1].c_str(), nullptr, 10), words[2]);
  } else {
    return Usage();
  }
  if (done.has_value()) return 0;
  std::fprintf(stderr, "store_figures: %s\n", done.error().message().c_str());
  return 1;
}
