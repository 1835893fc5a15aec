#include "service/process_metrics.h"

#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>
#include <sstream>
#include <string>
#include <system_error>

namespace tracestore::tools {
namespace {

namespace files = std::filesystem;

double Seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

std::optional<std::size_t> OpenFiles() {
  std::error_code failed;
  const files::directory_iterator all("/proc/self/fd", failed);
  if (failed) return std::nullopt;
  // One of them is the directory itself.
  return static_cast<std::size_t>(std::distance(begin(all), end(all))) - 1;
}

// Seconds between the boot and the start of this process: field 22 of its stat.
std::optional<double> StartSinceBoot() {
  std::ifstream file("/proc/self/stat");
  std::string line;
  if (!std::getline(file, line)) return std::nullopt;
  const std::size_t name_end = line.rfind(')');  // the name may hold anything
  if (name_end == std::string::npos) return std::nullopt;
  std::istringstream rest(line.substr(name_end + 1));
  std::string field;
  for (int i = 3; i < 22; ++i) rest >> field;
  double ticks = 0;
  if (!(rest >> ticks)) return std::nullopt;
  return ticks / static_cast<double>(sysconf(_SC_CLK_TCK));
}

double Now(clockid_t clock) {
  timespec time{};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

void CollectMemory(server::MetricRegistry& metrics) {
  std::ifstream file("/proc/self/statm");
  double total = 0;
  double resident = 0;
  if (!(file >> total >> resident)) return;
  const auto page = static_cast<double>(sysconf(_SC_PAGESIZE));
  metrics.Set("process_virtual_memory_bytes", {}, total * page);
  metrics.Set("process_resident_memory_bytes", {}, resident * page);
}

}  // namespace

void DescribeProcess(server::MetricRegistry& metrics) {
  metrics.Describe("process_cpu_seconds_total", "CPU time of the process, its kernel's too.");
  metrics.Describe("process_cpu_usage", "Of one CPU, on average since the start.");
  metrics.Describe("process_open_fds", "Open files and sockets.");
  metrics.Describe("process_max_fds", "At most so many.");
  metrics.Describe("process_files_open_files", "Open files and sockets, by Zipkin's name.");
  metrics.Describe("process_files_max_files", "At most so many, by Zipkin's name.");
  metrics.Describe("process_virtual_memory_bytes", "Addresses taken.");
  metrics.Describe("process_resident_memory_bytes", "Memory that is there.");
  metrics.Describe("process_start_time_seconds", "When the process began, Unix time.");
  metrics.Describe("process_uptime_seconds", "How long it runs.");
}

void CollectProcess(server::MetricRegistry& metrics) {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const double cpu = Seconds(used.ru_utime) + Seconds(used.ru_stime);
  metrics.Set("process_cpu_seconds_total", {}, cpu);
  if (const auto open = OpenFiles()) {
    metrics.Set("process_open_fds", {}, static_cast<double>(*open));
    metrics.Set("process_files_open_files", {}, static_cast<double>(*open));
  }
  rlimit most{};
  if (getrlimit(RLIMIT_NOFILE, &most) == 0) {
    metrics.Set("process_max_fds", {}, static_cast<double>(most.rlim_cur));
    metrics.Set("process_files_max_files", {}, static_cast<double>(most.rlim_cur));
  }
  if (const auto start = StartSinceBoot()) {
    const double up = Now(CLOCK_BOOTTIME) - *start;
    metrics.Set("process_uptime_seconds", {}, up);
    metrics.Set("process_start_time_seconds", {}, Now(CLOCK_REALTIME) - up);
    if (up > 0) metrics.Set("process_cpu_usage", {}, cpu / up);
  }
  CollectMemory(metrics);
}

}  // namespace tracestore::tools
