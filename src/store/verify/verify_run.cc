#include "store/verify/verify_run.h"

#include <algorithm>

namespace tracestore::store {

void VerifyRun::Add(Finding finding) {
  switch (finding.kind) {
    case FindingKind::kDamage: ++report_.damage; break;
    case FindingKind::kNewerFormat: ++report_.newer_format; break;
    case FindingKind::kLeftOver: ++report_.left_over; break;
  }
  if (report_.findings.size() < options_.most_findings) {
    report_.findings.push_back(std::move(finding));
  } else {
    ++report_.more_findings;
  }
}

void VerifyRun::Say(const std::string& file, std::uint64_t offset, std::string section,
                    const Error& error) {
  const bool newer = error.code() == ErrorCode::kUnsupported;
  Add({newer ? FindingKind::kNewerFormat : FindingKind::kDamage, file, offset, std::move(section),
       error.message()});
}

Status VerifyRun::Advance(const std::string& file, std::uint64_t bytes) {
  report_.counters.bytes += bytes;
  if (options_.progress) {
    options_.progress(
        {report_.counters.bytes, std::max(bytes_total_, report_.counters.bytes), file});
  }
  if (options_.cancel != nullptr && options_.cancel->load(std::memory_order_relaxed))
    return Error(ErrorCode::kCancelled, "the verification was stopped");
  return {};
}

}  // namespace tracestore::store
