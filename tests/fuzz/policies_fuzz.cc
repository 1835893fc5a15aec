// Any text as the YAML of tail policies, of processors, and as agents' tags: refused with a
// sentence, or rules that run on spans.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "codec/testing/arbitrary_batch.h"
#include "service/pipeline_config.h"

using namespace tracestore;
using namespace tracestore::tools;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void TryPolicies(const std::string& text) {
  const auto policies = PoliciesOf(TailSection{.policies = {text, "file:1"}});
  if (!policies.has_value()) return Check(policies.error().message().starts_with("file:1: "));
  sampling::TailDecider decider(*policies);
  const std::size_t count = policies->policies().size();
  for (std::uint64_t i = 1; i < 20; ++i) {
    const std::vector<bool> matches(count, i % 2 == 0);
    const auto kept = decider.Decide({i * 0x9E3779B97F4A7C15U, i}, matches, i * 100'000'000);
    Check(!kept || (*kept < count && i % 2 == 0));
  }
}

void TryProcessors(const std::string& text) {
  PipelineSection section;
  section.processors = {text, "file:1"};
  const auto processors = ProcessorsOf(section);
  if (!processors.has_value()) return Check(processors.error().message().starts_with("file:1: "));
  codec::ArbitraryOptions options;
  options.spans = 4;
  model::SpanBatch batch = codec::ArbitraryBatch(1, options);
  const auto effects = (*processors)->Apply(batch);
  Check(effects.size() == (*processors)->size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  TryPolicies(text);
  TryProcessors(text);
  PipelineSection section;
  section.tags = {text};
  (void)TagsOf(section, {{"HOME", "/"}});
  return 0;
}
