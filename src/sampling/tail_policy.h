// Tail policies: which whole traces are kept, once most of their spans have come. Pure but for the
// time that a rate is told.
#pragma once
#include <tracestore/ids.h>
#include <tracestore/status.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "predicate/compiled_query.h"

namespace tracestore::sampling {

// One policy as it is configured: texts, "" where nothing was said.
struct TailPolicyConfig {
  std::string name;         // in metrics; default: "<type>-<number>", from 1
  std::string type;         // error, latency, filter, rate, probability, always
  std::string where;        // a filter on the trace that must hold as well; of filter, the filter
  std::string threshold;    // latency: the trace takes at least so long, "500ms"
  std::string rate;         // rate: traces a second, "10", "0.5"
  std::string probability;  // probability: 0 to 1
};

// Sets the field of that name. Error: kInvalidArgument, "unknown field 'x' (name, …)".
Status SetTailPolicyField(TailPolicyConfig& config, std::string_view field, std::string value);

// Immutable; any number of threads may use one.
class TailPolicies {
 public:
  // Errors: kInvalidArgument, "policies[0]: unknown type 'x' (error, …)" (docs/ingest.md).
  static Result<TailPolicies> Compile(const std::vector<TailPolicyConfig>& configs);

  struct Policy {
    std::string name;
    std::optional<predicate::CompiledQuery> query;          // of a whole trace; none: every trace
    double rate = std::numeric_limits<double>::infinity();  // kept traces a second
    std::uint64_t salt = 0;                                 // of the hash that the share is told by
    std::uint64_t below = std::numeric_limits<std::uint64_t>::max();  // as HeadSampler
  };
  const std::vector<Policy>& policies() const noexcept { return policies_; }

 private:
  static Result<Policy> CompileOne(const TailPolicyConfig& config, std::size_t number);
  std::vector<Policy> policies_;
};

// Decides one trace after another. One thread. `policies` is borrowed.
class TailDecider {
 public:
  explicit TailDecider(const TailPolicies& policies);

  // `matches`: by policy, whether its query matches the trace (true where it has none). Gives the
  // first policy that keeps the trace; nothing: it is dropped. `now_ns` counts up from anywhere; a
  // policy with a rate keeps at most a second's worth, at least 1, in one go.
  std::optional<std::size_t> Decide(TraceId id, const std::vector<bool>& matches,
                                    std::uint64_t now_ns);

 private:
  struct Bucket {
    double tokens = 0;
    std::uint64_t filled_at_ns = 0;
    bool used = false;
  };
  bool TakeToken(std::size_t policy, std::uint64_t now_ns);

  const TailPolicies& policies_;
  std::vector<Bucket> buckets_;  // by policy
};

}  // namespace tracestore::sampling
