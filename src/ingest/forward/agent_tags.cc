#include "ingest/forward/agent_tags.h"

#include <algorithm>

#include "model/span_batch.h"

namespace tracestore::ingest {
namespace {

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlanks = " \t\r\n\v\f";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

// nullopt: the tag is left out.
std::optional<std::string> Expand(std::string_view value, const ReadVariable& variable) {
  if (!value.starts_with("${") || !value.ends_with("}")) return std::string(value);
  const std::string_view inner = value.substr(2, value.size() - 3);
  const auto colon = inner.find(':');
  std::string out = variable(std::string(inner.substr(0, colon))).value_or("");
  if (!out.empty()) return out;
  if (colon == std::string_view::npos) return std::nullopt;
  return std::string(inner.substr(colon + 1));
}

class AgentTagsSink final : public SpanSink {
 public:
  AgentTagsSink(AgentTags tags, SpanSink& next) : tags_(std::move(tags)), next_(next) {}

  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    for (model::ResourceRecord& resource : batch.resources) AddTo(batch, resource);
    return next_.Accept(std::move(batch), context);
  }

 private:
  static bool Has(const model::SpanBatch& batch, model::Range range, std::string_view key,
                  std::string_view value) {
    const auto attributes = model::AttributesOf(batch, range);
    return std::any_of(attributes.begin(), attributes.end(), [&](const model::Attribute& each) {
      return each.type() == ValueType::kString && batch.text(each.key) == key &&
             batch.text(static_cast<model::StringId>(each.bits)) == value;
    });
  }

  void AddTo(model::SpanBatch& batch, model::ResourceRecord& resource) const {
    AgentTags missing;
    for (const auto& tag : tags_)
      if (!Has(batch, resource.attributes, tag.first, tag.second)) missing.push_back(tag);
    if (missing.empty()) return;
    // The attributes of one owner stand together: they move to the end.
    const model::Range old = resource.attributes;
    resource.attributes.begin = static_cast<std::uint32_t>(batch.attributes.size());
    resource.attributes.count = old.count + static_cast<std::uint32_t>(missing.size());
    batch.attributes.reserve(batch.attributes.size() + resource.attributes.count);
    for (std::uint32_t i = 0; i < old.count; ++i)
      batch.attributes.push_back(batch.attributes[old.begin + i]);
    for (const auto& [key, value] : missing) batch.AddString(batch.strings.Intern(key), value);
  }

  const AgentTags tags_;
  SpanSink& next_;
};

}  // namespace

Result<AgentTags> ParseAgentTags(std::string_view text, const ReadVariable& variable) {
  AgentTags tags;
  if (text.empty()) return tags;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto comma = std::min(text.find(',', begin), text.size());
    const std::string_view pair = text.substr(begin, comma - begin);
    begin = comma + 1;
    const auto equals = pair.find('=');
    const std::string_view key = Trim(pair.substr(0, equals));
    if (equals == std::string_view::npos || key.empty()) {
      return Error(ErrorCode::kInvalidArgument,
                   "invalid Jaeger tag pair \"" + std::string(pair) + "\", expected key=value");
    }
    const auto value = Expand(Trim(pair.substr(equals + 1)), variable);
    if (!value.has_value()) continue;
    const auto standing =
        std::find_if(tags.begin(), tags.end(), [key](const auto& tag) { return tag.first == key; });
    if (standing != tags.end()) {
      standing->second = *value;
    } else {
      tags.emplace_back(key, *value);
    }
  }
  return tags;
}

std::unique_ptr<SpanSink> MakeAgentTagsSink(AgentTags tags, SpanSink& next) {
  return std::make_unique<AgentTagsSink>(std::move(tags), next);
}

}  // namespace tracestore::ingest
