// MetricRegistry: counters, gauges and histograms of the service, told in Prometheus' text format.
// docs/dependencies.md says why it is ours.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracestore::server {

// Names and values of labels. Values must come from a bounded set: each combination is kept for
// good. They are kept as LabelText gives them: what clients call their services may be anything.
using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

inline constexpr std::size_t kMostLabelBytes = 200;

// A label's value as it is shown: UTF-8, without which Prometheus refuses all metrics of a process
// (each wrong byte is U+FFFD), and at most kMostLabelBytes, a longer one with an ellipsis at its
// end.
std::string LabelText(std::string_view value);

// The value of one combination of labels. Threads: any.
class MetricValue {
 public:
  void Add(double value = 1) noexcept { value_.fetch_add(value, std::memory_order_relaxed); }
  void Set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0};
};

// Counts of values by upper bounds. Threads: any.
class MetricHistogram {
 public:
  // `bounds` rise; what is beyond the last is counted, too.
  explicit MetricHistogram(const std::vector<double>& bounds);
  void Observe(double value) noexcept;

  // The counts of a moment: of values up to each bound, then of all.
  std::vector<std::uint64_t> Cumulative() const;
  double sum() const noexcept { return sum_.value(); }
  const std::vector<double>& bounds() const noexcept { return bounds_; }

 private:
  const std::vector<double> bounds_;
  std::vector<std::atomic<std::uint64_t>> counts_;  // by the first bound that holds the value
  MetricValue sum_;
};

// Threads: every method from any. Characters that a metric's name can't have become '_'. A name is
// a counter, a gauge or a histogram for good, by what was called first.
class MetricRegistry {
 public:
  // The line of help of a family; once, at start. Families without one are shown without.
  void Describe(std::string_view name, std::string_view help);
  // The bounds of a histogram's families; before its first value. Default: LatencyBounds().
  void DescribeHistogram(std::string_view name, std::string_view help, std::vector<double> bounds);
  // Seconds, 5 ms to 10 s: what Prometheus' Go client, and so Jaeger, has by default.
  static const std::vector<double>& LatencyBounds();

  // Shows the family under `also`, too: for who reads another name. Once, at start.
  void Alias(std::string_view name, std::string_view also);

  // References stay good as long as the registry: for what counts often.
  MetricValue& Counter(std::string_view name, const MetricLabels& labels);
  MetricValue& Gauge(std::string_view name, const MetricLabels& labels);
  MetricHistogram& Histogram(std::string_view name, const MetricLabels& labels);

  // Adds to a counter. Its name ends in _total, by Prometheus' custom.
  void Add(std::string_view name, const MetricLabels& labels, double value = 1);
  // Sets a gauge, or a counter that somebody else counts (its name ends in _total).
  void Set(std::string_view name, const MetricLabels& labels, double value);
  void Observe(std::string_view name, const MetricLabels& labels, double value);

  // Everything, in the text exposition format 0.0.4, families by name.
  std::string Text() const;

 private:
  struct Family {
    std::string help;
    std::vector<std::string> aliases;
    const char* type = "";  // "counter", "gauge", "histogram"; "": nothing counted yet
    std::vector<double> bounds;
    // By rendered labels, "{a=\"b\"}".
    std::map<std::string, std::unique_ptr<MetricValue>, std::less<>> values;
    std::map<std::string, std::unique_ptr<MetricHistogram>, std::less<>> histograms;
  };
  MetricValue& Value(std::string_view name, const MetricLabels& labels, const char* type);
  static void AppendHistograms(const std::string& name, const Family& family, std::string& out);
  static void AppendFamily(const std::string& name, const Family& family, std::string& out);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;  // guarded by mutex_
};

}  // namespace tracestore::server
