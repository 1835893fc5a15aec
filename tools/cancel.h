// Ctrl-C and --timeout: how long work is told to stop.
#pragma once
#include <atomic>
#include <chrono>
#include <optional>
#include <string>

#include <CLI/App.hpp>

#include <tracestore/query.h>
#include <tracestore/status.h>

namespace tracestore::tools {

// From now on SIGINT and SIGTERM set the flag; a second one ends the process at once.
void CatchInterrupts();
// What CatchInterrupts() sets; lives as long as the process.
const std::atomic<bool>& Interrupted() noexcept;

// --timeout: counted from Start().
class Deadline {
 public:
  void AddFlag(CLI::App& app);
  // Errors: kInvalidArgument where the text is no duration.
  Status Start();
  std::optional<std::chrono::steady_clock::time_point> at() const noexcept { return at_; }
  // The same and Ctrl-C for calls of the library.
  StopWhen stop() const { return {at_, &Interrupted()}; }
  // An error to end with where Ctrl-C was pressed or the time has passed.
  Status Check() const;

 private:
  std::string text_;
  std::optional<std::chrono::steady_clock::time_point> at_;
};

}  // namespace tracestore::tools
