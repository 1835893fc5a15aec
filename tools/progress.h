// Progress of long work: one line on stderr that is written over, on a terminal only.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>

namespace tracestore::tools {

class Progress {
 public:
  // `verb`: "imported".
  explicit Progress(std::string verb);
  // Takes the line away.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // At most ten times a second, else nothing.
  void Show(const std::string& text);
  // A bar for `done` of `total` in front of the text.
  void ShowBar(std::uint64_t done, std::uint64_t total, const std::string& text);

 private:
  std::string verb_;
  bool on_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point last_;
};

}  // namespace tracestore::tools
