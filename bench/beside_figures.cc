#include "beside_figures.h"

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cinttypes>
#include <cstdio>
#include <filesystem>
#include <new>
#include <thread>
#include <vector>

#include <tracestore/store.h>

#include "base/try.h"
#include "measure.h"

namespace tracestore::bench {
namespace {

constexpr std::size_t kReaders = 8;
constexpr std::size_t kMostCalls = 1 << 14;  // of a reader that are kept

// What a reader leaves, in memory that processes share.
struct Reader {
  std::uint64_t calls = 0;
  std::uint64_t found = 0;
  // times that it gave the CPU away by itself: locks, and files not in memory
  std::uint64_t waits = 0;
  double cpu_seconds = 0;
  std::array<float, kMostCalls> milliseconds{};
  std::array<float, kMostCalls> cpu_milliseconds{};
};

struct Shared {
  std::atomic<std::uint32_t> ready{0};
  std::atomic<bool> stop{false};
  std::array<Reader, kReaders> readers;
};
static_assert(std::atomic<bool>::is_always_lock_free);

enum class Readers : std::uint8_t { kNone, kProcesses, kThreads };

std::uint64_t OwnWaits() {
  rusage usage{};
  getrusage(RUSAGE_THREAD, &usage);
  return static_cast<std::uint64_t>(usage.ru_nvcsw);
}

// The newest traces of a service, then one of them whole, until told to stop.
void ReadUntilStopped(const Store& store, std::size_t number, Shared& shared) {
  Reader& reader = shared.readers[number];
  Timings timings;
  const std::uint64_t waits = OwnWaits();
  const double cpu = static_cast<double>(ThreadCpuNanoseconds());
  ++shared.ready;
  for (std::size_t i = number; !shared.stop; ++i) {
    TraceSummary newest;
    timings.Time([&] {
      const auto page =
          store.FindSummaries(Query().Service("service-" + std::to_string(i % 60)));
      Check(page.has_value(), "a reader's search");
      reader.found += page->summaries.size();
      if (!page->summaries.empty()) newest = page->summaries.front();
    });
    if (newest.span_count == 0) continue;
    timings.Time([&] {
      const auto trace = store.Get(newest.trace_id);
      Check(trace.has_value(), "a reader's fetch");
      reader.found += 1;
    });
  }
  reader.cpu_seconds = (static_cast<double>(ThreadCpuNanoseconds()) - cpu) * 1e-9;
  reader.waits = OwnWaits() - waits;
  reader.calls = timings.size();
  timings.CopyTo(reader.milliseconds, reader.cpu_milliseconds);
}

void ReadInProcess(const std::string& directory, std::size_t number, Shared& shared) {
  StoreOptions options;
  options.mode = OpenMode::kRead;
  const auto store = Store::Open(directory, options);
  Check(store.has_value(), "opening as a reader");
  ReadUntilStopped(**store, number, shared);
}

void PrintReaders(Shared& shared) {
  Timings all;
  double cpu = 0;
  std::uint64_t calls = 0;
  std::uint64_t found = 0;
  std::uint64_t waits = 0;
  for (const Reader& reader : shared.readers) {
    for (std::size_t i = 0; i < std::min<std::size_t>(reader.calls, kMostCalls); ++i)
      all.Add(reader.milliseconds[i], reader.cpu_milliseconds[i]);
    cpu += reader.cpu_seconds;
    calls += reader.calls;
    found += reader.found;
    waits += reader.waits;
  }
  Print("a reader's call", all);
  std::printf("  %46s CPU p99 %.3f ms; %" PRIu64 " calls found %" PRIu64 " in %.2f CPU s; %.3f waits a call\n",
              "", all.CpuMilliseconds(0.99), calls, found, cpu,
              static_cast<double>(waits) / static_cast<double>(std::max<std::uint64_t>(calls, 1)));
}

// The CPU of the writer alone, seconds a million spans. The store has some spans before the readers
// come.
Result<double> IngestBeside(const std::string& requests, const std::string& directory, Readers kind,
                            Shared& shared) {
  std::filesystem::remove_all(directory);
  { TS_TRY_ASSIGN(auto made, Store::Open(directory, {})); }
  std::vector<pid_t> processes;
  for (std::size_t i = 0; kind == Readers::kProcesses && i < kReaders; ++i) {
    const pid_t child = fork();
    Check(child >= 0, "fork");
    if (child == 0) {
      ReadInProcess(directory, i, shared);
      _exit(0);
    }
    processes.push_back(child);
  }
  StoreOptions options;
  options.background_compaction = false;
  TS_TRY_ASSIGN(auto store, Store::Open(directory, options));
  std::vector<std::thread> threads;
  for (std::size_t i = 0; kind == Readers::kThreads && i < kReaders; ++i)
    threads.emplace_back([&, i] { ReadUntilStopped(*store, i, shared); });
  while (kind != Readers::kNone && shared.ready < kReaders) std::this_thread::yield();
  std::uint64_t spans = 0;
  const double before = ProcessCpuSeconds();
  const Status done = ForEachRequest(requests, [&](std::string_view request) -> Status {
    TS_TRY_ASSIGN(const AppendResult result, store->Append(request, Format::kOtlpProtobuf));
    spans += result.accepted;
    return {};
  });
  shared.stop = true;
  for (std::thread& thread : threads) thread.join();
  for (const pid_t process : processes) {
    int status = 0;
    Check(waitpid(process, &status, 0) == process && status == 0, "a reading process");
  }
  TS_TRY(done);
  TS_TRY(store->Close());
  double cpu = ProcessCpuSeconds() - before;
  for (std::size_t i = 0; kind == Readers::kThreads && i < kReaders; ++i)
    cpu -= shared.readers[i].cpu_seconds;
  return cpu * 1e6 / static_cast<double>(spans);
}

}  // namespace

Status Beside(const std::string& requests, const std::string& directory) {
  std::printf("one writer at full speed, and %zu readers\n", kReaders);
  void* const memory = mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  Check(memory != MAP_FAILED, "mmap");
  double alone = 0;
  for (const Readers kind : {Readers::kNone, Readers::kProcesses, Readers::kThreads}) {
    auto* const shared = new (memory) Shared;
    TS_TRY_ASSIGN(const double cpu, IngestBeside(requests, directory, kind, *shared));
    if (kind == Readers::kNone) {
      alone = cpu;
      std::printf("  alone: CPU seconds a million spans %.2f\n", cpu);
      continue;
    }
    std::printf("  beside %s: CPU seconds a million spans of the writer %.2f; ratio %.2f\n",
                kind == Readers::kProcesses ? "processes" : "threads of its own", cpu, cpu / alone);
    PrintReaders(*shared);
  }
  (void)munmap(memory, sizeof(Shared));
  return {};
}

}  // namespace tracestore::bench
