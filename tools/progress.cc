#include "progress.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "terminal.h"

namespace tracestore::tools {
namespace {

constexpr std::chrono::milliseconds kBetween(100);

}  // namespace

Progress::Progress(std::string verb)
    : verb_(std::move(verb)), on_(StderrIsTerminal()), last_(std::chrono::steady_clock::now()) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\x1b[K", stderr);
}

void Progress::Show(const std::string& text) {
  if (!on_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < kBetween) return;
  last_ = now;
  shown_ = true;
  std::fprintf(stderr, "\r\x1b[K%s %s", verb_.c_str(), text.c_str());
  std::fflush(stderr);
}

void Progress::ShowBar(std::uint64_t done, std::uint64_t total, const std::string& text) {
  if (!on_) return;
  constexpr std::uint64_t kWidth = 24;
  // In KiB: the product stays far from overflow.
  const std::uint64_t total_kib = std::max<std::uint64_t>(total / 1024, 1);
  const std::uint64_t filled =
      total == 0 ? 0 : std::min(kWidth, kWidth * (done / 1024) / total_kib);
  std::string bar = "[" + std::string(filled, '#') + std::string(kWidth - filled, '.') + "] ";
  Show(bar + text);
}

}  // namespace tracestore::tools
