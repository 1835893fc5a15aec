#include "ingest/sanitize.h"

#include <algorithm>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/try.h"
#include "ingest/sanitize_text.h"
#include "model/text.h"

namespace tracestore::ingest {
namespace {

using model::Attribute;
using model::Range;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;

constexpr std::size_t kRecordBytes =
    16;  // what an attribute, event or link counts beside its texts

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

// What surfaces read of a span among its attributes: who it is of and whom it called, what kind it
// is and how it went, how it was sampled. A cut takes these last, wherever a client put them.
constexpr std::string_view kNeededKeys[] = {"service.name",
                                            "span.kind",
                                            "error",
                                            "otel.status_code",
                                            "peer.service",
                                            "otel.status_description",
                                            "w3c.tracestate",
                                            "opentracing.ref_type",
                                            "sampler.type",
                                            "sampler.param",
                                            "jaeger.sampler.type",
                                            "jaeger.sampler.param",
                                            "event"};

class Run {
 public:
  Run(const SanitizeOptions& options, SpanBatch& batch, bool mended)
      : options_(options),
        batch_(batch),
        most_of_names_(std::min(options.max_value_bytes, options.max_name_bytes)),
        look_for_mends_(mended) {}

  SanitizeResult Do() {
    LookAtStrings();
    if (!NeedsWork()) return result_;
    for (auto& resource : batch_.resources)
      resource_cuts_.push_back(Owner(resource.attributes, resource.dropped_attributes));
    for (auto& scope : batch_.scopes)
      scope_cuts_.push_back(Owner(scope.attributes, scope.dropped_attributes) | Scope(scope));
    SpanBatch out;
    model::BatchAppender appender(out);
    std::vector<std::uint32_t> rows;
    for (std::uint32_t row = 0; row < batch_.size(); ++row)
      if (KeepSpan(batch_.spans[row])) rows.push_back(row);
    MarkShared();
    if (!changed_ && rows.size() == batch_.size()) return result_;
    appender.SetSource(batch_);
    for (const std::uint32_t row : rows) appender.Append(row);
    batch_ = std::move(out);
    return result_;
  }

 private:
  void LookAtStrings() {
    const auto count = static_cast<StringId>(batch_.strings.size());
    const bool ascii = model::IsAscii(batch_.strings.joined());
    for (StringId id = 0; id < count; ++id) {
      const std::string_view text = batch_.text(id);
      longest_ = std::max(longest_, text.size());
      if (ascii) continue;
      if (look_for_mends_ && text.find(kReplacement) != std::string_view::npos) {
        came_mended_.resize(count);
        came_mended_[id] = true;
      }
      if (model::IsUtf8(text)) continue;
      if (not_utf8_.empty()) not_utf8_.resize(count);
      not_utf8_[id] = true;
    }
  }

  // Whether some span may need more than a look. Bytes are no UTF-8 rightly: asked again one by
  // one.
  bool NeedsWork() const {
    if (longest_ > options_.max_value_bytes || (longest_ > most_of_names_ && IsNameLong()) ||
        !not_utf8_.empty() || !came_mended_.empty())
      return true;
    const auto too_many = [&](Range attributes) {
      return attributes.count > options_.max_attributes;
    };
    for (const auto& x : batch_.resources)
      if (too_many(x.attributes)) return true;
    for (const auto& x : batch_.scopes)
      if (too_many(x.attributes)) return true;
    for (const auto& x : batch_.events)
      if (too_many(x.attributes)) return true;
    for (const auto& x : batch_.references)
      if (too_many(x.attributes)) return true;
    const bool sizes = MayBeTooLarge();
    return std::any_of(batch_.spans.begin(), batch_.spans.end(), [&](const SpanRecord& span) {
      return span.trace_id.empty() || span.span_id.empty() || too_many(span.attributes) ||
             span.events.count > options_.max_events ||
             span.references.count > options_.max_links ||
             (sizes && SizeOf(span) > options_.max_span_bytes);
    });
  }

  // Long values (of stack traces, of statements) are more common than long names.
  bool IsNameLong() const {
    const auto is_long = [&](StringId id) { return SizeOf(id) > most_of_names_; };
    return std::any_of(batch_.spans.begin(), batch_.spans.end(),
                       [&](const SpanRecord& span) { return is_long(span.name); }) ||
           std::any_of(batch_.scopes.begin(), batch_.scopes.end(),
                       [&](const model::ScopeRecord& scope) {
                         return is_long(scope.name) || is_long(scope.version);
                       }) ||
           std::any_of(batch_.attributes.begin(), batch_.attributes.end(), [&](const auto& x) {
             return is_long(x.key) || (IsName(x) && is_long(static_cast<StringId>(x.bits)));
           });
  }
  // Whether the attribute's value is the name of a service.
  bool IsName(const Attribute& attribute) const {
    if (attribute.type() != ValueType::kString) return false;
    const std::string_view key = batch_.text(attribute.key);
    return key == "service.name" || key == "peer.service";
  }

  // No span is, where all of the batch together is not: one text may stand in many attributes.
  bool MayBeTooLarge() const {
    std::size_t records = 1;
    for (const SpanRecord& span : batch_.spans) records = std::max(records, RecordsOf(span));
    return records * (2 * longest_ + kRecordBytes) > options_.max_span_bytes;
  }
  std::size_t RecordsOf(const SpanRecord& span) const {
    std::size_t records = 3 + std::size_t{span.attributes.count};
    for (const auto& event : Events(span)) records += 1 + std::size_t{event.attributes.count};
    for (const auto& link : Links(span)) records += 1 + std::size_t{link.attributes.count};
    return records;
  }

  std::span<model::EventRecord> Events(const SpanRecord& span) const {
    return {batch_.events.data() + span.events.begin, span.events.count};
  }
  std::span<model::ReferenceRecord> Links(const SpanRecord& span) const {
    return {batch_.references.data() + span.references.begin, span.references.count};
  }

  std::size_t SizeOf(StringId id) const { return batch_.text(id).size(); }
  std::size_t SizeOf(const Attribute& attribute) const {
    return kRecordBytes + SizeOf(attribute.key) +
           (model::IsTextual(attribute.type()) ? SizeOf(static_cast<StringId>(attribute.bits)) : 0);
  }
  std::size_t SizeOf(Range attributes) const {
    std::size_t bytes = 0;
    for (const Attribute& attribute : AttributesOf(batch_, attributes)) bytes += SizeOf(attribute);
    return bytes;
  }
  std::size_t SizeOf(const model::EventRecord& event) const {
    return kRecordBytes + SizeOf(event.name) + SizeOf(event.unknown_fields) +
           SizeOf(event.attributes);
  }
  std::size_t SizeOf(const model::ReferenceRecord& link) const {
    return kRecordBytes + SizeOf(link.trace_state) + SizeOf(link.unknown_fields) +
           SizeOf(link.attributes);
  }
  std::size_t SizeOf(const SpanRecord& span) const {
    std::size_t bytes = SizeOf(span.name) + SizeOf(span.status_message) + SizeOf(span.trace_state) +
                        SizeOf(span.unknown_fields) + SizeOf(span.attributes);
    for (const auto& event : Events(span)) bytes += SizeOf(event);
    for (const auto& link : Links(span)) bytes += SizeOf(link);
    return bytes;
  }

  bool NotUtf8(StringId id) const { return id < not_utf8_.size() && not_utf8_[id]; }
  unsigned CameMended(StringId id) const {
    return id < came_mended_.size() && came_mended_[id] ? unsigned{kCutUtf8} : 0U;
  }

  // What stands in lists of services, operations or keys.
  unsigned Name(StringId& id) { return Text(id, most_of_names_); }

  // A text that is no attribute's value: UTF-8, and not too long.
  unsigned Text(StringId& id) { return Text(id, options_.max_value_bytes); }
  unsigned Text(StringId& id, std::size_t most) {
    unsigned cuts = CameMended(id);
    if (NotUtf8(id)) {
      const auto [known, added] = mended_.emplace(id, 0);
      if (added) known->second = batch_.strings.Intern(model::MendUtf8(batch_.text(id)));
      id = known->second;
      cuts |= kCutUtf8;
    }
    return cuts | Shorten(id, ValueType::kString, most);
  }

  unsigned Shorten(StringId& id, ValueType type, std::size_t most) {
    if (SizeOf(id) <= most) return 0;
    const std::string whole(batch_.text(id));  // interning moves the table's bytes
    if (type == ValueType::kString)
      id = batch_.strings.Intern(model::CutText(whole, most));
    else if (type == ValueType::kBytes)
      id = batch_.strings.Intern(whole.substr(0, most));
    else
      id = batch_.strings.Intern(CutValueBlob(whole, type, most));
    return kCutValues;
  }

  unsigned Value(Attribute& attribute) {
    if (!model::IsTextual(attribute.type())) return 0;
    auto id = static_cast<StringId>(attribute.bits);
    unsigned cuts = CameMended(id);
    const bool is_name = IsName(attribute);
    if (attribute.type() == ValueType::kString && NotUtf8(id)) {
      // A service must stay a text, and what a codec made from a field has the field's type.
      if (attribute.synthetic() || is_name) {
        cuts |= Text(id);
      } else {
        attribute.type_byte = static_cast<std::uint8_t>(ValueType::kBytes);
        cuts |= kCutUtf8;
      }
    }
    cuts |= Shorten(id, attribute.type(), is_name ? most_of_names_ : options_.max_value_bytes);
    attribute.bits = id;
    return cuts;
  }

  // The attributes of one owner, in place.
  unsigned Owner(Range& range, std::uint32_t& dropped) {
    unsigned cuts = 0;
    if (range.count > options_.max_attributes) {
      dropped += DropLast(range, range.count - options_.max_attributes,
                          [](const Attribute&) { return std::size_t{1}; });
      cuts |= kCutAttributes;
    }
    for (std::uint32_t i = range.begin; i < range.begin + range.count; ++i) {
      cuts |= Name(batch_.attributes[i].key);
      cuts |= Value(batch_.attributes[i]);
    }
    return cuts;
  }

  // A field that a codec keeps as an attribute, or a needed key.
  bool IsNeeded(const Attribute& attribute) {
    if (needed_keys_.empty()) {
      for (const std::string_view key : kNeededKeys)
        needed_keys_.push_back(batch_.strings.Intern(key));
    }
    return attribute.synthetic() ||
           std::find(needed_keys_.begin(), needed_keys_.end(), attribute.key) != needed_keys_.end();
  }

  // Takes attributes away until what they cost is at least `excess`: the last that isn't needed
  // first, and needed ones only where nothing else is left. How many.
  template <typename Cost>
  std::uint32_t DropLast(Range& range, std::size_t excess, Cost cost) {
    std::vector<bool> gone(range.count);
    std::uint32_t dropped = 0;
    for (const bool needed : {false, true}) {
      for (std::uint32_t i = range.count; i > 0 && excess > 0; --i) {
        const Attribute& attribute = batch_.attributes[range.begin + i - 1];
        if (IsNeeded(attribute) != needed) continue;
        excess -= std::min(excess, cost(attribute));
        gone[i - 1] = true;
        ++dropped;
      }
    }
    std::uint32_t kept = 0;
    for (std::uint32_t i = 0; i < range.count; ++i)
      if (!gone[i]) batch_.attributes[range.begin + kept++] = batch_.attributes[range.begin + i];
    range.count = kept;
    return dropped;
  }

  unsigned Unknown(StringId& fields) {
    if (SizeOf(fields) <= options_.max_value_bytes) return 0;
    fields = 0;  // half a field is none
    return kCutValues;
  }

  unsigned Scope(model::ScopeRecord& scope) {
    return Name(scope.name) | Name(scope.version) | Text(scope.schema_url) |
           Unknown(scope.unknown_fields);
  }

  bool KeepSpan(SpanRecord& span) {
    if (span.trace_id.empty() || span.span_id.empty()) {
      ++(span.trace_id.empty() ? result_.zero_trace_ids : result_.zero_span_ids);
      if (span.parent_id.empty()) ++result_.refused_roots;
      return false;
    }
    const unsigned cuts = Span(span);
    if (cuts != 0) Mark(span.attributes, cuts);
    const unsigned all = cuts | resource_cuts_[span.resource] | scope_cuts_[span.scope];
    for (std::size_t bit = 0; bit < kCuts; ++bit)
      if ((all >> bit & 1) != 0) ++result_.cut[bit];
    return true;
  }

  unsigned Span(SpanRecord& span) {
    unsigned cuts = Name(span.name);
    cuts |= Text(span.status_message);
    cuts |= Text(span.trace_state);
    cuts |= Unknown(span.unknown_fields);
    cuts |= Owner(span.attributes, span.dropped_attributes);
    if (span.events.count > options_.max_events) {
      span.dropped_events += span.events.count - options_.max_events;
      span.events.count = options_.max_events;
      cuts |= kCutEvents;
    }
    if (span.references.count > options_.max_links) {
      span.dropped_links += span.references.count - options_.max_links;
      span.references.count = options_.max_links;
      span.parent_position = std::min(span.parent_position, span.references.count);
      cuts |= kCutLinks;
    }
    for (auto& event : Events(span)) {
      cuts |= Text(event.name) | Unknown(event.unknown_fields);
      cuts |= Owner(event.attributes, event.dropped_attributes);
    }
    for (auto& link : Links(span)) {
      cuts |= Text(link.trace_state) | Unknown(link.unknown_fields);
      cuts |= Owner(link.attributes, link.dropped_attributes);
    }
    return cuts | Shrink(span);
  }

  unsigned Shrink(SpanRecord& span) {
    std::size_t size = SizeOf(span);
    if (size <= options_.max_span_bytes) return 0;
    for (; size > options_.max_span_bytes && span.events.count > 0; ++span.dropped_events)
      size -= SizeOf(Events(span)[--span.events.count]);
    for (; size > options_.max_span_bytes && span.references.count > 0; ++span.dropped_links)
      size -= SizeOf(Links(span)[--span.references.count]);
    span.parent_position = std::min(span.parent_position, span.references.count);
    if (size > options_.max_span_bytes) {
      span.dropped_attributes +=
          DropLast(span.attributes, size - options_.max_span_bytes,
                   [this](const Attribute& attribute) { return SizeOf(attribute); });
    }
    return kCutSize;
  }

  // Copies the owner's attributes to the end and adds the mark.
  void Mark(Range& range, unsigned cuts) {
    changed_ = true;
    std::string words;
    for (std::size_t bit = 0; bit < kCuts; ++bit) {
      if ((cuts >> bit & 1) == 0) continue;
      if (!words.empty()) words += ' ';
      words += CutName(bit);
    }
    const auto begin = static_cast<std::uint32_t>(batch_.attributes.size());
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const Attribute copy = batch_.attributes[range.begin + i];
      batch_.attributes.push_back(copy);
    }
    batch_.AddString(batch_.strings.Intern(kCutKey), words);
    range = {begin, range.count + 1};
  }

  void MarkShared() {
    for (std::size_t i = 0; i < batch_.resources.size(); ++i)
      if (resource_cuts_[i] != 0) Mark(batch_.resources[i].attributes, resource_cuts_[i]);
    for (std::size_t i = 0; i < batch_.scopes.size(); ++i)
      if (scope_cuts_[i] != 0) Mark(batch_.scopes[i].attributes, scope_cuts_[i]);
  }

  const SanitizeOptions& options_;
  SpanBatch& batch_;
  const std::size_t most_of_names_;
  SanitizeResult result_;
  std::size_t longest_ = 0;  // of the texts that came
  bool changed_ = false;
  bool look_for_mends_;
  std::vector<bool> not_utf8_;         // by string as it came; empty where all are
  std::vector<bool> came_mended_;      // likewise; empty where none did
  std::vector<StringId> needed_keys_;  // once they are asked for
  std::unordered_map<StringId, StringId> mended_;
  std::vector<unsigned> resource_cuts_;
  std::vector<unsigned> scope_cuts_;
};

class SanitizeSink final : public SpanSink {
 public:
  SanitizeSink(const SanitizeOptions& options, SpanSink& next, StageObserver observer)
      : options_(options), next_(next), observer_(std::move(observer)) {}

  Status Accept(SpanBatch&& batch, const SpanContext& context) override {
    const bool mended = context.report != nullptr && context.report->mended_texts != 0;
    const SanitizeResult result = Sanitize(options_, batch, mended);
    const std::uint64_t refused = result.zero_trace_ids + result.zero_span_ids;
    if (refused != 0 && !Refuse(result, context))
      return Error(ErrorCode::kInvalidArgument, "a span's trace id or span id is zero");
    if (!batch.empty()) TS_TRY(next_.Accept(std::move(batch), context));
    // Counted once the message is taken: a sender that is refused sends it again.
    Tell("zero-trace-id", StageAction::kRefused, result.zero_trace_ids);
    Tell("zero-span-id", StageAction::kRefused, result.zero_span_ids);
    for (std::size_t bit = 0; bit < kCuts; ++bit)
      Tell(CutName(bit), StageAction::kChanged, result.cut[bit]);
    return {};
  }

 private:
  // False where the message falls with its bad spans.
  bool Refuse(const SanitizeResult& result, const SpanContext& context) const {
    if (context.report != nullptr) {
      for (std::uint64_t i = 0; i < result.zero_trace_ids; ++i)
        context.report->Reject("trace id is zero", "a span's trace id is zero");
      for (std::uint64_t i = 0; i < result.zero_span_ids; ++i)
        context.report->Reject("span id is zero", "a span's span id is zero");
      context.report->rejected_roots += result.refused_roots;
      context.report->accepted -=
          std::min(context.report->accepted, result.zero_trace_ids + result.zero_span_ids);
    }
    return context.source.bad_spans == BadSpans::kKeepOthers;
  }
  void Tell(const char* rule, StageAction action, std::uint64_t spans) const {
    if (spans != 0 && observer_) observer_({"sanitize", rule, action, spans, 0});
  }

  const SanitizeOptions options_;
  SpanSink& next_;
  const StageObserver observer_;
};

}  // namespace

const char* StageActionName(StageAction action) noexcept {
  switch (action) {
    case StageAction::kChanged: return "changed";
    case StageAction::kDropped: return "dropped";
    case StageAction::kRefused: return "refused";
    case StageAction::kKept: return "kept";
  }
  return "unknown";
}

const char* CutName(std::size_t bit) noexcept {
  static constexpr const char* kNames[kCuts] = {"attributes", "events", "links",
                                                "values",     "size",   "utf8"};
  return kNames[bit];
}

SanitizeResult Sanitize(const SanitizeOptions& options, SpanBatch& batch, bool mended) {
  return Run(options, batch, mended).Do();
}

std::unique_ptr<SpanSink> MakeSanitizeSink(const SanitizeOptions& options, SpanSink& next,
                                           StageObserver observer) {
  return std::make_unique<SanitizeSink>(options, next, std::move(observer));
}

}  // namespace tracestore::ingest
