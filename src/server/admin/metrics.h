// MetricRegistry: counters and gauges of the service, told in Prometheus' text format.
#pragma once
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tracestore::server {

// Names and values of labels. Values must come from a bounded set: each combination is kept for
// good.
using MetricLabels = std::vector<std::pair<std::string_view, std::string_view>>;

// Threads: every method from any. Characters that a metric's name can't have become '_'.
class MetricRegistry {
 public:
  // The line of help of a family; once, at start. Families without one are shown without.
  void Describe(std::string_view name, std::string_view help);

  // Adds to a counter. Its name ends in _total, by Prometheus' custom.
  void Add(std::string_view name, const MetricLabels& labels, double value = 1);
  // Sets a gauge.
  void Set(std::string_view name, const MetricLabels& labels, double value);

  // Everything, in the text exposition format 0.0.4, families by name.
  std::string Text() const;

 private:
  struct Family {
    std::string help;
    bool counter = false;
    std::map<std::string, double, std::less<>> samples;  // by rendered labels, "{a=\"b\"}"
  };
  double& Sample(std::string_view name, const MetricLabels& labels, bool counter);

  mutable std::mutex mutex_;
  std::map<std::string, Family, std::less<>> families_;  // guarded by mutex_
};

}  // namespace tracestore::server
