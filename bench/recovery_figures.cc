#include "recovery_figures.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cinttypes>
#include <csignal>
#include <cstdio>
#include <functional>
#include <utility>

#include <tracestore/store.h>

#include "base/try.h"
#include "measure.h"

namespace tracestore::bench {
namespace {

struct OpenTimes {
  double open_ms = 0;
  double answer_ms = 0;       // of the first answer after it
  double cpu_seconds = 0;     // of both, all threads
  std::uint64_t spans = 0;    // of the store
  std::uint64_t memory = 0;   // RssAnon after both
};

// Runs `work` in a new process. What it gives comes back through a pipe; none where it was killed.
OpenTimes InNewProcess(const std::function<OpenTimes()>& work) {
  int ends[2];
  Check(pipe(ends) == 0, "pipe");
  const pid_t child = fork();
  Check(child >= 0, "fork");
  if (child == 0) {
    const OpenTimes times = work();
    Check(write(ends[1], &times, sizeof times) == sizeof times, "write");
    _exit(0);
  }
  close(ends[1]);
  OpenTimes times;
  Check(read(ends[0], &times, sizeof times) == sizeof times, "a process that opens a store");
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  return times;
}

OpenTimes OpenAndAsk(const std::string& directory, const StoreOptions& options) {
  OpenTimes times;
  Timings open_time;
  Timings answer;
  const double before = ProcessCpuSeconds();
  std::unique_ptr<Store> store;
  open_time.Time([&] {
    auto opened = Store::Open(directory, options);
    Check(opened.has_value(), "open");
    store = std::move(*opened);
  });
  answer.Time([&] {
    Query query;
    query.limit = 20;
    const auto page = store->FindSummaries(query);
    Check(page.has_value() && page->summaries.size() == 20, "the first answer");
  });
  times.cpu_seconds = ProcessCpuSeconds() - before;
  times.memory = AnonymousBytes();
  times.open_ms = open_time.Milliseconds(0);
  times.answer_ms = answer.Milliseconds(0);
  const auto snapshot = store->TakeSnapshot();
  Check(snapshot.has_value(), "snapshot");
  const auto stats = snapshot->Stats(false);
  Check(stats.has_value(), "stats");
  times.spans = stats->spans;
  (void)store.release();  // the process ends as it is: closing would seal
  return times;
}

// Nothing is sealed, so that what is measured is the log.
StoreOptions WithoutSealing() {
  StoreOptions options;
  options.background_sealing = false;
  options.head_max_spans = 4'000'000;
  options.head_max_bytes = 4ULL << 30;
  options.backlog_max_bytes = 64ULL << 30;
  return options;
}

// Appends all and doesn't come back.
[[noreturn]] void AppendAndDie(const std::string& requests, const std::string& directory) {
  auto store = Store::Open(directory, WithoutSealing());
  Check(store.has_value(), "open");
  const auto appended = ForEachRequest(requests, [&](std::string_view request) -> Status {
    TS_TRY((*store)->Append(request, Format::kOtlpProtobuf));
    return {};
  });
  Check(appended.has_value(), "append");
  (void)kill(getpid(), SIGKILL);
  _exit(1);
}

}  // namespace

Status Opening(const std::string& directory) {
  std::printf("opening a closed store, to the first answer\n");
  for (const bool writer : {false, true}) {
    for (const bool cold : {true, false}) {
      Timings timings;
      for (int i = 0; i < 20; ++i) {
        if (cold) DropFromCache(directory);
        const OpenTimes times = InNewProcess([&] {
          StoreOptions options;
          options.mode = writer ? OpenMode::kWrite : OpenMode::kRead;
          options.background_compaction = false;
          return OpenAndAsk(directory, options);
        });
        timings.Add(times.open_ms + times.answer_ms, times.cpu_seconds * 1e3);
      }
      const std::string what =
          std::string(writer ? "as writer, " : "as reader, ") + (cold ? "cold" : "warm");
      Print(what.c_str(), timings);
    }
  }
  return {};
}

Status Replay(const std::string& requests, const std::string& directory) {
  const pid_t child = fork();
  Check(child >= 0, "fork");
  if (child == 0) AppendAndDie(requests, directory);
  int status = 0;
  waitpid(child, &status, 0);
  Check(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "killing the writer");
  std::printf("replay of the log after a kill: %.0f MiB of log\n",
              static_cast<double>(BytesBelow(directory + "/wal")) / 1048576.0);
  for (const bool writer : {false, true}) {
    const OpenTimes times = InNewProcess([&] {
      StoreOptions options = WithoutSealing();
      options.mode = writer ? OpenMode::kWrite : OpenMode::kRead;
      return OpenAndAsk(directory, options);
    });
    std::printf("  as %s: %" PRIu64 " spans; open %.0f ms, first answer %.1f ms; CPU seconds a "
                "million spans %.2f; memory %.0f MiB\n",
                writer ? "writer" : "reader", times.spans, times.open_ms, times.answer_ms,
                times.cpu_seconds * 1e6 / static_cast<double>(times.spans),
                static_cast<double>(times.memory) / 1048576.0);
  }
  return {};
}

}  // namespace tracestore::bench
