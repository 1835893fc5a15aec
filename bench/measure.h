// What the benchmark programs measure with: CPU, memory, percentiles, and files of requests.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::bench {

// User and system seconds of the whole process, its ended threads with it.
double ProcessCpuSeconds();
// Anonymous resident memory of this process, in bytes (RssAnon of /proc/self/status).
std::uint64_t AnonymousBytes();

// What calls took, and the one of rank `share` (0.5, 0.99).
class Timings {
 public:
  void Time(const std::function<void()>& call);
  void Add(double milliseconds, double cpu_milliseconds) {
    nanoseconds_.push_back(static_cast<std::uint64_t>(milliseconds * 1e6));
    cpu_nanoseconds_.push_back(static_cast<std::uint64_t>(cpu_milliseconds * 1e6));
  }
  double Milliseconds(double share);
  double CpuMilliseconds(double share);  // of the calling thread
  std::size_t size() const { return nanoseconds_.size(); }
  // The first of them, as many as there is room for.
  void CopyTo(std::span<float> milliseconds, std::span<float> cpu_milliseconds) const;

 private:
  std::vector<std::uint64_t> nanoseconds_;
  std::vector<std::uint64_t> cpu_nanoseconds_;
};

// CPU time of the calling thread, in nanoseconds.
std::uint64_t ThreadCpuNanoseconds();

// Ends the program where `good` is false: what it would print means nothing then.
void Check(bool good, const char* what);
// One line: p50 and p99 on the wall, p50 of CPU.
void Print(const char* what, Timings& timings);

// A file of OTLP requests: a little-endian u32 of bytes before each.
Status WriteRequests(const std::string& path,
                     const std::function<Status(const std::function<void(std::string_view)>&)>& make);
// Calls `take` with each, read into one buffer. Stops at the first error.
Status ForEachRequest(const std::string& path,
                      const std::function<Status(std::string_view)>& take);

// Bytes of all files below a directory.
std::uint64_t BytesBelow(const std::string& directory);
// Asks the kernel to forget what it has of each file below.
void DropFromCache(const std::string& directory);

}  // namespace tracestore::bench
