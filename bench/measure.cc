#include "measure.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/try.h"

namespace tracestore::bench {

double ProcessCpuSeconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

std::uint64_t AnonymousBytes() {
  std::ifstream status("/proc/self/status");
  std::string word;
  while (status >> word) {
    if (word != "RssAnon:") continue;
    std::uint64_t kib = 0;
    status >> kib;
    return kib * 1024;
  }
  return 0;
}

std::uint64_t ThreadCpuNanoseconds() {
  timespec time{};
  (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(time.tv_nsec);
}

void Timings::Time(const std::function<void()>& call) {
  const auto begin = std::chrono::steady_clock::now();
  const std::uint64_t cpu_begin = ThreadCpuNanoseconds();
  call();
  const std::uint64_t cpu = ThreadCpuNanoseconds() - cpu_begin;
  const auto took = std::chrono::steady_clock::now() - begin;
  nanoseconds_.push_back(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(took).count()));
  cpu_nanoseconds_.push_back(cpu);
}

namespace {

double MillisecondsAt(std::vector<std::uint64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  std::sort(sorted.begin(), sorted.end());
  const auto rank = static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1));
  return static_cast<double>(sorted[rank]) / 1e6;
}

}  // namespace

void Timings::CopyTo(std::span<float> milliseconds, std::span<float> cpu_milliseconds) const {
  for (std::size_t i = 0; i < std::min(milliseconds.size(), nanoseconds_.size()); ++i)
    milliseconds[i] = static_cast<float>(static_cast<double>(nanoseconds_[i]) / 1e6);
  for (std::size_t i = 0; i < std::min(cpu_milliseconds.size(), cpu_nanoseconds_.size()); ++i)
    cpu_milliseconds[i] = static_cast<float>(static_cast<double>(cpu_nanoseconds_[i]) / 1e6);
}

double Timings::Milliseconds(double share) { return MillisecondsAt(nanoseconds_, share); }
double Timings::CpuMilliseconds(double share) { return MillisecondsAt(cpu_nanoseconds_, share); }

void Check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "store_figures: %s failed\n", what);
  std::exit(1);
}

void Print(const char* what, Timings& timings) {
  std::printf("  %-46s p50 %9.3f ms  p99 %9.3f ms  CPU p50 %9.3f ms  (%zu calls)\n", what,
              timings.Milliseconds(0.5), timings.Milliseconds(0.99),
              timings.CpuMilliseconds(0.5), timings.size());
  std::fflush(stdout);
}

Status WriteRequests(
    const std::string& path,
    const std::function<Status(const std::function<void(std::string_view)>&)>& make) {
  std::ofstream file(path, std::ios::binary);
  TS_TRY(make([&](std::string_view request) {
    const auto bytes = static_cast<std::uint32_t>(request.size());
    file.write(reinterpret_cast<const char*>(&bytes), 4);
    file.write(request.data(), static_cast<std::streamsize>(request.size()));
  }));
  file.close();
  if (!file) return Error(ErrorCode::kIo, "can't write " + path);
  return {};
}

Status ForEachRequest(const std::string& path,
                      const std::function<Status(std::string_view)>& take) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return Error(ErrorCode::kIo, "can't read " + path);
  std::string request;
  std::uint32_t bytes = 0;
  while (file.read(reinterpret_cast<char*>(&bytes), 4)) {
    request.resize(bytes);
    if (!file.read(request.data(), bytes)) return Error(ErrorCode::kIo, path + " ends too early");
    TS_TRY(take(request));
  }
  return {};
}

std::uint64_t BytesBelow(const std::string& directory) {
  std::uint64_t bytes = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory, ignored)) {
    if (entry.is_regular_file()) bytes += entry.file_size();
  }
  return bytes;
}

void DropFromCache(const std::string& directory) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    if (!entry.is_regular_file()) continue;
    const int file = open(entry.path().c_str(), O_RDONLY);
    if (file < 0) continue;
    (void)fsync(file);
    (void)posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    (void)close(file);
  }
}

}  // namespace tracestore::bench
