// Latencies are printed twice: as the clock on the wall had them, and as CPU time of the calling
// thread, which says what a call costs where other programs share the machine.
#include "query_figures.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <tracestore/store.h>

#include "base/try.h"
#include "measure.h"
#include "model/span_batch.h"
#include "query_sample.h"

namespace tracestore::bench {
namespace {

struct ColdTimes {
  double get_ms = 0;
  double get_cpu_ms = 0;
  double open_ms = 0;
  double open_cpu_ms = 0;
};

// One Get in a new process, its files out of the cache.
ColdTimes ColdGet(const std::string& directory, TraceId id) {
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
    const ColdTimes times{get.Milliseconds(0), get.CpuMilliseconds(0), open_time.Milliseconds(0),
                          open_time.CpuMilliseconds(0)};
    Check(write(ends[1], &times, sizeof times) == sizeof times, "write");
    _exit(0);
  }
  ColdTimes times;
  Check(read(ends[0], &times, sizeof times) == sizeof times, "read");
  int status = 0;
  waitpid(child, &status, 0);
  close(ends[0]);
  close(ends[1]);
  return times;
}

void RunSearches(const Store& store, const QuerySample& sample) {
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
    std::printf("  %46s %zu results a call\n", "", found / rounds);
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
      Condition condition;
      condition.field = Field::kService;
      condition.value = operations[k % operations.size()].first;
      return Expression::Of(std::move(condition));
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

}  // namespace

Status Queries(const std::string& directory) {
  std::printf("queries (limit 20, summaries, in process)\n");
  StoreOptions options;
  options.mode = OpenMode::kRead;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  const QuerySample sample = TakeSample(*store);
  {
    Timings open_time;
    Timings cold;
    for (std::size_t i = 0; i < 20; ++i) {
      const ColdTimes times = ColdGet(directory, sample.ids[i * 7 % sample.ids.size()]);
      cold.Add(times.get_ms, times.get_cpu_ms);
      open_time.Add(times.open_ms, times.open_cpu_ms);
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
    std::printf("  %46s the first: %.3f ms, CPU %.3f ms\n", "", first.Milliseconds(0),
                first.CpuMilliseconds(0));
  };
  whole("services", [&] { return store->Services().has_value(); });
  whole("operations of all", [&] { return store->Operations("").has_value(); });
  whole("dependencies over all", [&] { return store->Dependencies({}).has_value(); });
  return {};
}

namespace {

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

}  // namespace

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
  const TraceId id{7, 7};
  const auto summarize = [&](const Snapshot& snapshot) {
    Check(snapshot.Summarize(id).has_value(), "summary");
  };
  // The first of a handle whose tables are read; later ones are what it kept.
  Timings first;
  for (int i = 0; i < 5; ++i) {
    TS_TRY_ASSIGN(const auto handle, Store::Open(directory, options));
    TS_TRY_ASSIGN(const Snapshot fresh, handle->TakeSnapshot());
    Check(!fresh.Get({1, 1}).has_value(), "a trace that isn't there");
    first.Time([&] { summarize(fresh); });
  }
  Print("summary, the first of a handle", first);
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
  Timings summary;
  for (int i = 0; i < 21; ++i) summary.Time([&] { summarize(snapshot); });
  Print("summary", summary);
  std::mt19937_64 random(5);
  std::vector<SpanId> tops;
  for (std::size_t i = 0; i + 10 < spans; ++i) {
    const SpanId span{random() | 1};
    if (i > 0) (void)random();
    (void)random();
    if (i > spans - spans / 100 && i % (spans / 2000) == 0) tops.push_back(span);
  }
  Timings first_subtree;
  for (int i = 0; i < 5; ++i) {
    TS_TRY_ASSIGN(const auto handle, Store::Open(directory, options));
    TS_TRY_ASSIGN(const Snapshot fresh, handle->TakeSnapshot());
    first_subtree.Time([&] { Check(fresh.GetSubtree(id, tops[0]).has_value(), "subtree"); });
  }
  Print("one subtree, the first of a handle", first_subtree);
  Timings subtree;
  std::size_t found = 0;
  for (const SpanId top : tops) {
    subtree.Time([&] {
      const auto subtree_spans = snapshot.GetSubtree(id, top);
      Check(subtree_spans.has_value(), "subtree");
      found += subtree_spans->size();
    });
  }
  Print("one subtree", subtree);
  std::printf("  %46s %zu spans a call\n", "", found / tops.size());
  return {};
}

}  // namespace tracestore::bench
