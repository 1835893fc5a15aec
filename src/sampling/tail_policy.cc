#include "sampling/tail_policy.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/hash.h"
#include "base/try.h"
#include "sampling/head_sampler.h"

namespace tracestore::sampling {
namespace {

constexpr const char* kTypes = "error, latency, filter, rate, probability, always";

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Result<double> NumberOf(const std::string& text, double most, const char* what) {
  double number = 0;
  const char* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, number);
  if (parsed.ec != std::errc() || parsed.ptr != end || !(number >= 0 && number <= most))
    return Invalid("'" + text + "' is no " + what);
  return number;
}

// What of the fields beside name, type and where a type takes; it needs it.
Status CheckFields(const TailPolicyConfig& c) {
  const struct {
    const char* field;
    const std::string& text;
    const char* of;
  } fields[] = {{"threshold", c.threshold, "latency"},
                {"rate", c.rate, "rate"},
                {"probability", c.probability, "probability"}};
  for (const auto& [field, text, of] : fields) {
    if (c.type == of && text.empty()) return Invalid(c.type + " needs a " + field);
    if (c.type != of && !text.empty()) return Invalid(c.type + " has no " + field);
  }
  if (c.type == "filter" && c.where.empty()) return Invalid("filter needs a where");
  return {};
}

// The condition that a type stands for.
Result<std::optional<Condition>> ConditionOf(const TailPolicyConfig& config) {
  Condition condition;
  if (config.type == "error") {
    condition.field = Field::kStatus;
    condition.value = StatusCodeName(StatusCode::kError);
    return std::optional(condition);
  }
  if (config.type == "latency") {
    auto threshold = ParseDuration(config.threshold);
    if (!threshold.has_value()) return std::move(threshold).error().WithContext("threshold");
    condition.field = Field::kTraceDuration;
    condition.op = CompareOp::kGreaterEqual;
    condition.value = std::to_string(threshold->count());
    return std::optional(condition);
  }
  return std::optional<Condition>();
}

}  // namespace

Status SetTailPolicyField(TailPolicyConfig& config, std::string_view field, std::string value) {
  const std::pair<std::string_view, std::string*> fields[] = {
      {"name", &config.name}, {"probability", &config.probability},
      {"rate", &config.rate}, {"threshold", &config.threshold},
      {"type", &config.type}, {"where", &config.where}};
  std::string known;
  for (const auto& [name, text] : fields) {
    if (name == field) {
      *text = std::move(value);
      return {};
    }
    if (!known.empty()) known += ", ";
    known += name;
  }
  return Invalid("unknown field '" + std::string(field) + "' (" + known + ")");
}

Result<TailPolicies::Policy> TailPolicies::CompileOne(const TailPolicyConfig& config,
                                                      std::size_t number) {
  constexpr std::string_view kKnown[] = {"error", "latency",     "filter",
                                         "rate",  "probability", "always"};
  if (config.type.empty()) return Invalid(std::string("a type is missing (") + kTypes + ")");
  if (std::find(std::begin(kKnown), std::end(kKnown), config.type) == std::end(kKnown))
    return Invalid("unknown type '" + config.type + "' (" + kTypes + ")");
  TS_TRY(CheckFields(config));
  Policy policy;
  policy.name = config.name.empty() ? config.type + "-" + std::to_string(number) : config.name;
  policy.salt = base::Hash64(policy.name) | 1;  // another hash than the head's, whose salt is 0
  if (config.type == "rate") {
    TS_TRY_ASSIGN(policy.rate, NumberOf(config.rate, 1e9, "rate (traces a second, 0 to 1e9)"));
  }
  if (config.type == "probability") {
    TS_TRY_ASSIGN(const double share, NumberOf(config.probability, 1, "probability (0 to 1)"));
    policy.below = SamplingBound(share);
  }
  std::vector<Expression> all;
  TS_TRY_ASSIGN(const auto condition, ConditionOf(config));
  if (condition) all.push_back(Expression::Of(*condition));
  if (!config.where.empty()) {
    auto where = ParseFilter(config.where);
    if (!where.has_value()) return std::move(where).error().WithContext("where");
    all.push_back(std::move(where).value());
  }
  if (all.empty()) return policy;
  Query query;
  query.where = Expression::And(std::move(all));
  auto compiled = predicate::CompiledQuery::Compile(query);
  if (!compiled.has_value()) return std::move(compiled).error().WithContext("where");
  policy.query = std::move(compiled).value();
  return policy;
}

Result<TailPolicies> TailPolicies::Compile(const std::vector<TailPolicyConfig>& configs) {
  TailPolicies out;
  for (std::size_t i = 0; i < configs.size(); ++i) {
    const std::string place = "policies[" + std::to_string(i) + "]";
    auto policy = CompileOne(configs[i], i + 1);
    if (!policy.has_value()) return std::move(policy).error().WithContext(place);
    for (const Policy& other : out.policies_)
      if (other.name == policy->name)
        return Invalid(place + ": the name '" + policy->name + "' is taken");
    out.policies_.push_back(std::move(policy).value());
  }
  return out;
}

TailDecider::TailDecider(const TailPolicies& policies)
    : policies_(policies), buckets_(policies.policies().size()) {}

bool TailDecider::TakeToken(std::size_t policy, std::uint64_t now_ns) {
  const double rate = policies_.policies()[policy].rate;
  if (rate == std::numeric_limits<double>::infinity()) return true;
  if (rate == 0) return false;
  Bucket& bucket = buckets_[policy];
  const double most = std::max(rate, 1.0);
  if (!bucket.used)
    bucket.tokens = most;
  else
    bucket.tokens = std::min(
        most, bucket.tokens + rate * static_cast<double>(now_ns - bucket.filled_at_ns) / 1e9);
  bucket.used = true;
  bucket.filled_at_ns = now_ns;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

std::optional<std::size_t> TailDecider::Decide(TraceId id, const std::vector<bool>& matches,
                                               std::uint64_t now_ns) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const TailPolicies::Policy& policy = policies_.policies()[i];
    if (!matches[i]) continue;
    const bool all = policy.below == std::numeric_limits<std::uint64_t>::max();
    if (!all && SamplingHash(id, policy.salt) >= policy.below) continue;
    if (TakeToken(i, now_ns)) return i;
  }
  return std::nullopt;
}

}  // namespace tracestore::sampling
