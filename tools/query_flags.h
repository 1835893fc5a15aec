// The flags that say what to look for, shared by find, tail and export.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include <tracestore/query.h>
#include <tracestore/status.h>

namespace tracestore::tools {

// --start and --end. Also of commands that take no other condition.
class RangeFlags {
 public:
  void AddTo(CLI::App& app);
  // Errors: kInvalidArgument where a text is no time, or the range is empty.
  Result<TimeRange> Build() const;
  bool any() const noexcept { return !start_.empty() || !end_.empty(); }

 private:
  std::string start_;
  std::string end_;
};

class QueryFlags {
 public:
  void AddTo(CLI::App& app);
  // The conditions; limit, order and cursor are the caller's.
  // Errors: kInvalidArgument, naming the flag.
  Result<Query> Build() const;
  // Whether any condition was given.
  bool any() const noexcept;

 private:
  Status AddConditions(Query& query) const;

  RangeFlags range_;
  std::string service_;
  std::string operation_;
  std::string kind_;
  std::string status_;
  bool error_ = false;
  std::vector<std::string> tags_;
  std::string min_duration_;
  std::string max_duration_;
  std::string trace_min_duration_;
  std::string trace_max_duration_;
  std::string where_;
};

// FindSpans() gives the spans that satisfy some condition of the query. Where it has none on a
// span, adds one that every span satisfies.
void MatchEverySpanIfNone(Query& query);

// Pieces of help that several commands show.
std::string ConditionsHelp();

}  // namespace tracestore::tools
