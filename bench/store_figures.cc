// store_figures: a whole store's size, CPU, memory and latencies, through the public API.
//   store_figures make SET REQUESTS         a file of OTLP requests; SET: --nezha DIRECTORY,
//                                           --rich SPANS, --straddling SPANS, --wide SPANS
//   store_figures ingest REQUESTS STORE     CPU, memory, bytes; protobuf's parse of the same bytes
//   store_figures compact STORE             full compaction: bytes, CPU, memory
//   store_figures thin EVERY STORE          deletes one trace of so many, for `compact` to leave out
//   store_figures yardsticks REQUESTS       zstd -19 --long=27 over all
//   store_figures huge SPANS STORE          one trace of so many: summary, one subtree
//   store_figures queries STORE             latencies in process, warm and cold
//   store_figures opening STORE             a closed store, to its first answer
//   store_figures beside REQUESTS STORE     ingest alone, and beside eight readers
//   store_figures replay REQUESTS STORE     a store whose writer was killed before it sealed anything
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
#include "beside_figures.h"
#include "codec/otlp/protobuf_encoder.h"
#include "measure.h"
#include "nezha.h"
#include "query_figures.h"
#include "recovery_figures.h"
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
    // Two heads of the default size, or a third of a small set.
    if (set == "--straddling")
      options.late_by_spans = std::min<std::size_t>(140'000, options.spans / 3);
    if (set == "--wide") options.more_texts = 12;
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
  StoreStats stats;
  {
    TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
    TS_TRY_ASSIGN(stats, snapshot.Stats(false));
  }
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

Status Thin(std::size_t every, const std::string& directory) {
  StoreOptions options;
  options.background_compaction = false;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
  Query all;
  all.limit = 0;
  TS_TRY_ASSIGN(const SearchPage found, snapshot.Find(all));
  std::vector<TraceId> some;
  for (std::size_t i = 0; i < found.traces.size(); i += every)
    some.push_back(found.traces[i].trace_id);
  const double before = ProcessCpuSeconds();
  TS_TRY(store->Delete(some));
  std::printf("deleted %zu of %zu traces in %.3f CPU seconds\n", some.size(), found.traces.size(),
              ProcessCpuSeconds() - before);
  return store->Close();
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

int Usage() {
  std::fprintf(stderr,
               "usage: store_figures make --nezha DIRECTORY | --rich SPANS | --straddling SPANS |\n"
               "                          --wide SPANS REQUESTS\n"
               "       store_figures ingest REQUESTS STORE\n"
               "       store_figures compact STORE\n"
               "       store_figures thin EVERY STORE\n"
               "       store_figures yardsticks REQUESTS\n"
               "       store_figures queries STORE\n"
               "       store_figures opening STORE\n"
               "       store_figures beside REQUESTS STORE\n"
               "       store_figures replay REQUESTS STORE\n"
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
  } else if (words.size() == 3 && words[0] == "thin" && std::atoll(words[1].c_str()) > 0) {
    done = Thin(std::strtoull(words[1].c_str(), nullptr, 10), words[2]);
  } else if (words.size() == 2 && words[0] == "yardsticks") {
    done = Yardsticks(words[1]);
  } else if (words.size() == 2 && words[0] == "queries") {
    done = Queries(words[1]);
  } else if (words.size() == 2 && words[0] == "opening") {
    done = Opening(words[1]);
  } else if (words.size() == 3 && words[0] == "replay") {
    done = Replay(words[1], words[2]);
  } else if (words.size() == 3 && words[0] == "beside") {
    done = Beside(words[1], words[2]);
  } else if (words.size() == 3 && words[0] == "huge" && std::atoll(words[1].c_str()) >= 20'000) {
    done = Huge(std::strtoull(words[1].c_str(), nullptr, 10), words[2]);
  } else {
    return Usage();
  }
  if (done.has_value()) return 0;
  std::fprintf(stderr, "store_figures: %s\n", done.error().message().c_str());
  return 1;
}
