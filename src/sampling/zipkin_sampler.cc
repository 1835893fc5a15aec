#include "sampling/zipkin_sampler.h"

#include <cmath>
#include <string>

namespace tracestore::sampling {

Result<ZipkinSampler> ZipkinSampler::Make(double rate) {
  if (!(rate >= 0 && rate <= 1)) {
    std::string text = std::to_string(rate);
    while (text.size() > 3 && text.back() == '0' && text[text.size() - 2] != '.') text.pop_back();
    return Error(ErrorCode::kInvalidArgument, "rate should be between 0 and 1: was " + text);
  }
  // 2^63 itself is no signed number: the greatest is one less.
  constexpr double kTwoTo63 = 9223372036854775808.0;
  const double boundary = kTwoTo63 * rate;
  return ZipkinSampler(boundary >= kTwoTo63 ? kGreatest : static_cast<std::uint64_t>(boundary));
}

bool ZipkinSampler::Keeps(TraceId id) const noexcept {
  constexpr std::uint64_t kSign = kGreatest + 1;
  std::uint64_t magnitude = (id.low & kSign) != 0 ? ~id.low + 1 : id.low;
  if (magnitude == kSign) magnitude = kGreatest;  // the one number without a positive twin
  return magnitude <= boundary_;
}

}  // namespace tracestore::sampling
