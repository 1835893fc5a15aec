// VerifyRun: what one call of Verify has found and read so far.
#pragma once
#include <cstdint>
#include <string>
#include <utility>

#include <tracestore/status.h>
#include <tracestore/verify.h>

namespace tracestore::store {

// One thread. The options must outlive it.
class VerifyRun {
 public:
  explicit VerifyRun(const VerifyOptions& options) : options_(options) {}

  void Damage(const std::string& file, std::uint64_t offset, std::string section,
              std::string problem) {
    Add({FindingKind::kDamage, file, offset, std::move(section), std::move(problem)});
  }
  void LeftOver(const std::string& file, std::uint64_t offset, std::string section,
                std::string problem) {
    Add({FindingKind::kLeftOver, file, offset, std::move(section), std::move(problem)});
  }
  // What an error of a reader says: a newer format where it is kUnsupported, else damage.
  void Say(const std::string& file, std::uint64_t offset, std::string section, const Error& error);

  // Counts what was read and tells who waits. kCancelled where the caller wants to stop.
  Status Advance(const std::string& file, std::uint64_t bytes);
  void Expect(std::uint64_t bytes) noexcept { bytes_total_ += bytes; }

  VerifyCounters& counters() noexcept { return report_.counters; }
  // How many findings there are by now: more of them than before means that something was said.
  std::uint64_t findings() const noexcept {
    return report_.findings.size() + report_.more_findings;
  }
  VerifyReport Finish() { return std::move(report_); }

 private:
  void Add(Finding finding);

  const VerifyOptions& options_;
  VerifyReport report_;
  std::uint64_t bytes_total_ = 0;
};

}  // namespace tracestore::store
