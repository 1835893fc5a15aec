// The stages of ingest on any spans, and the pending log's records from any bytes. The first byte
// says which: 0 a batch as the log has it, 1 a decision, 2 a mark, else a seed of spans and limits.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/testing/arbitrary_batch.h"
#include "ingest/pending_records.h"
#include "ingest/processors.h"
#include "ingest/sanitize.h"
#include "model/text.h"
#include "store/engine/batch_codec.h"

namespace {

using namespace tracestore;

void Require(bool holds) {
  if (!holds) std::abort();
}

const ingest::Processors& Rules() {
  static const ingest::Processors rules = [] {
    const auto rule = [](std::vector<std::pair<const char*, const char*>> fields) {
      ingest::ProcessorConfig config;
      for (const auto& [field, value] : fields)
        Require(ingest::SetProcessorField(config, field, value).has_value());
      return config;
    };
    const std::vector<ingest::ProcessorConfig> configs = {
        rule({{"action", "redact"}, {"pattern", "[a-f0-9]+"}}),
        rule({{"action", "set"},
              {"level", "resource"},
              {"key", "zone"},
              {"value", "a"},
              {"where", "kind = server"}}),
        rule({{"action", "hash"}, {"key", "http.url"}}),
        rule({{"action", "rename"}, {"key", "a"}, {"to", "b"}}),
        rule({{"action", "drop-spans"}, {"where", "status = error and kind = client"}})};
    return ingest::Processors::Compile(configs).value();
  }();
  return rules;
}

void CheckOwner(const model::SpanBatch& batch, model::Range range,
                const ingest::SanitizeOptions& limits, std::uint32_t marks) {
  Require(range.count <= limits.max_attributes + marks);
  for (const model::Attribute& attribute : AttributesOf(batch, range)) {
    Require(model::IsUtf8(batch.text(attribute.key)));
    if (batch.text(attribute.key) == ingest::kCutKey) continue;
    Require(batch.text(attribute.key).size() <= limits.max_value_bytes);
    if (!model::IsTextual(attribute.type())) continue;
    const std::string_view value = batch.text(static_cast<model::StringId>(attribute.bits));
    Require(value.size() <= limits.max_value_bytes);
    Require(attribute.type() != ValueType::kString || model::IsUtf8(value));
  }
}

void RunStages(model::SpanBatch batch, const ingest::SanitizeOptions& limits) {
  const std::size_t came = batch.size();
  const ingest::SanitizeResult result = ingest::Sanitize(limits, batch);
  Require(batch.size() + result.zero_trace_ids + result.zero_span_ids == came);
  for (const model::SpanRecord& span : batch.spans) {
    Require(!span.trace_id.empty() && !span.span_id.empty());
    Require(model::IsUtf8(batch.text(span.name)));
    Require(span.events.count <= limits.max_events && span.references.count <= limits.max_links);
    CheckOwner(batch, span.attributes, limits, 1);
    CheckOwner(batch, batch.resources[span.resource].attributes, limits, 1);
  }
  const std::size_t left = batch.size();
  std::uint64_t dropped = 0;
  for (const ingest::ProcessorEffect& effect : Rules().Apply(batch)) dropped += effect.dropped;
  Require(batch.size() + dropped == left);
  // What comes out can be logged and read back.
  const auto again = store::DecodeBatch(store::EncodeBatch(batch));
  Require(again.has_value() && again->size() == batch.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] == 1) {
    const auto decision = ingest::DecodeDecision(bytes);
    if (decision.has_value()) Require(ingest::EncodeDecision(*decision) == bytes);
    return 0;
  }
  if (data[0] == 2) {
    const auto decision = ingest::DecodeMoved(bytes);
    if (decision.has_value()) Require(ingest::EncodeMoved(*decision) == bytes);
    return 0;
  }
  ingest::SanitizeOptions limits;
  limits.max_attributes = 4;
  limits.max_value_bytes = 16;
  limits.max_span_bytes = 300;
  if (data[0] == 0) {
    auto batch = store::DecodeBatch(bytes);
    if (batch.has_value()) RunStages(std::move(batch).value(), limits);
    return 0;
  }
  std::uint64_t words[2] = {};
  std::memcpy(words, bytes.data(), std::min(bytes.size(), sizeof words));
  limits.max_attributes = 1 + static_cast<std::uint32_t>(words[1] & 7);
  limits.max_events = static_cast<std::uint32_t>(words[1] >> 3 & 3);
  limits.max_links = static_cast<std::uint32_t>(words[1] >> 5 & 3);
  limits.max_value_bytes = 4 + (words[1] >> 8 & 255);
  limits.max_span_bytes = 1 + (words[1] >> 16 & 4095);
  codec::ArbitraryOptions options;
  options.spans = 8;
  options.invalid_utf8 = true;
  options.beyond_origin = (words[1] & 1) != 0;
  RunStages(codec::ArbitraryBatch(words[0], options), limits);
  return 0;
}
