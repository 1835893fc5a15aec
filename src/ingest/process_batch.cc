// Processors at work on one batch.
#include <algorithm>
#include <string>
#include <unordered_map>

#include "base/sha256.h"
#include "ingest/processors.h"
#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::ingest {
namespace {

using model::Attribute;
using model::Range;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;
using Action = Processors::Action;
using Rule = Processors::Rule;

// The strings and bytes of an array's or map's blob replaced; keys of maps stay.
bool RedactBlob(const predicate::TextReplacer& replacer, std::string_view blob, ValueType container,
                std::string& out) {
  using Kind = model::ValueToken::Kind;
  model::ValueBlobReader reader(blob, container);
  model::ValueBlobWriter writer(out);
  bool replaced = false;
  for (;;) {
    const model::ValueToken token = reader.Next();
    switch (token.kind) {
      case Kind::kDone:
      case Kind::kBad: return replaced;
      case Kind::kBeginArray: writer.BeginArray(); continue;
      case Kind::kBeginMap: writer.BeginMap(); continue;
      case Kind::kKey: writer.Key(token.text); continue;
      case Kind::kEnd: writer.End(); continue;
      case Kind::kScalar: break;
    }
    switch (token.type) {
      case ValueType::kString: {
        std::string text(token.text);
        replaced |= replacer.Replace(text);
        writer.String(text);
        break;
      }
      case ValueType::kBytes: {
        std::string bytes(token.text);
        replaced |= replacer.Replace(bytes);
        writer.Bytes(bytes);
        break;
      }
      case ValueType::kBool: writer.Bool(token.integer != 0); break;
      case ValueType::kInt: writer.Int(token.integer); break;
      case ValueType::kDouble: writer.Double(token.number); break;
      default: writer.Empty();
    }
  }
}

// One rule on one batch. An owner's attributes are its own: no two ranges overlap.
class RuleRun {
 public:
  RuleRun(const Rule& rule, SpanBatch& batch) : rule_(rule), batch_(batch) {}

  ProcessorEffect Do() {
    if (rule_.where) matches_ = rule_.where->Match(batch_);
    if (rule_.action == Action::kDropSpans || rule_.action == Action::kKeepSpans) return Filter();
    const bool writes = rule_.action == Action::kAdd || rule_.action == Action::kSet;
    if (writes) {
      key_ = batch_.strings.Intern(rule_.key);
    } else if (!rule_.key.empty()) {
      const auto known = batch_.strings.Find(rule_.key);
      if (!known) return {};
      key_ = *known;
    }
    if (rule_.action == Action::kRename) to_ = batch_.strings.Intern(rule_.to);
    return rule_.resource ? EditResources() : EditSpans();
  }

 private:
  bool Matches(std::size_t row) const { return matches_.empty() || matches_[row]; }

  ProcessorEffect Filter() {
    const bool drop = rule_.action == Action::kDropSpans;
    std::size_t kept = 0;
    for (std::size_t row = 0; row < batch_.size(); ++row) {
      if (Matches(row) == drop) continue;
      if (kept != row) batch_.spans[kept] = batch_.spans[row];
      ++kept;
    }
    const std::size_t dropped = batch_.size() - kept;
    batch_.spans.resize(kept);
    return {0, dropped};
  }

  ProcessorEffect EditSpans() {
    ProcessorEffect effect;
    for (std::size_t row = 0; row < batch_.size(); ++row) {
      if (Matches(row) && EditSpan(batch_.spans[row])) ++effect.changed;
    }
    return effect;
  }

  bool EditSpan(SpanRecord& span) {
    bool changed = Edit(span.attributes);
    if (rule_.action == Action::kAdd || rule_.action == Action::kSet) return changed;
    // What a client fills beside attributes: of a Zipkin annotation the event's name is its value.
    const bool all_texts = rule_.action == Action::kRedact && rule_.key.empty();
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      model::EventRecord& event = batch_.events[span.events.begin + i];
      changed |= Edit(event.attributes);
      if (all_texts) changed |= RedactText(event.name);
    }
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      model::ReferenceRecord& reference = batch_.references[span.references.begin + i];
      changed |= Edit(reference.attributes);
      if (all_texts) changed |= RedactText(reference.trace_state);
    }
    if (!all_texts) return changed;
    changed |= RedactText(span.name);
    changed |= RedactText(span.status_message);
    changed |= RedactText(span.trace_state);
    return changed;
  }

  // A resource is edited once; one that spans share with others that don't match gets a copy.
  ProcessorEffect EditResources() {
    constexpr std::uint32_t kNone = 0xFFFFFFFF;
    const std::size_t count = batch_.resources.size();
    std::vector<bool> shared(count);
    for (std::size_t row = 0; row < batch_.size(); ++row)
      if (!Matches(row)) shared[batch_.spans[row].resource] = true;
    std::vector<std::uint32_t> edited(count, kNone);
    std::vector<bool> changed(count);
    ProcessorEffect effect;
    for (std::size_t row = 0; row < batch_.size(); ++row) {
      if (!Matches(row)) continue;
      const std::uint32_t from = batch_.spans[row].resource;
      if (edited[from] == kNone) {
        edited[from] = shared[from] ? CopyResource(from) : from;
        changed[from] = Edit(batch_.resources[edited[from]].attributes);
      }
      batch_.spans[row].resource = edited[from];
      if (changed[from]) ++effect.changed;
    }
    return effect;
  }

  std::uint32_t CopyResource(std::uint32_t from) {
    model::ResourceRecord copy = batch_.resources[from];
    copy.attributes = MoveToEnd(copy.attributes);
    batch_.resources.push_back(copy);
    return static_cast<std::uint32_t>(batch_.resources.size() - 1);
  }

  Range MoveToEnd(Range range) {
    const auto begin = static_cast<std::uint32_t>(batch_.attributes.size());
    for (std::uint32_t i = 0; i < range.count; ++i) {
      const Attribute copy = batch_.attributes[range.begin + i];
      batch_.attributes.push_back(copy);
    }
    return {begin, range.count};
  }

  bool Edit(Range& range) {
    switch (rule_.action) {
      case Action::kAdd:
      case Action::kSet: return Write(range);
      case Action::kDrop: return Drop(range);
      default: break;
    }
    bool changed = false;
    for (std::uint32_t i = range.begin; i < range.begin + range.count; ++i) {
      Attribute& attribute = batch_.attributes[i];
      const bool all = rule_.action == Action::kRedact && rule_.key.empty();
      if (!all && attribute.key != key_) continue;
      if (rule_.action == Action::kRename) {
        attribute.key = to_;
        attribute.type_byte &= static_cast<std::uint8_t>(~model::kSyntheticBit);
        changed = true;
      } else if (rule_.action == Action::kHash) {
        Hash(attribute);
        changed = true;
      } else {
        changed |= Redact(attribute);
      }
    }
    return changed;
  }

  bool Write(Range& range) {
    Attribute value{rule_.bits, key_, static_cast<std::uint8_t>(rule_.type)};
    if (rule_.type == ValueType::kString) value.bits = batch_.strings.Intern(rule_.value);
    const auto begin = batch_.attributes.begin() + range.begin;
    const auto found =
        std::find_if(begin, begin + range.count, [&](const Attribute& a) { return a.key == key_; });
    if (found != begin + range.count) {
      if (rule_.action == Action::kAdd) return false;
      *found = value;  // further ones of the key go
      Range rest{static_cast<std::uint32_t>(found - batch_.attributes.begin()) + 1, 0};
      rest.count = range.begin + range.count - rest.begin;
      const std::uint32_t before = rest.count;
      Drop(rest);
      range.count -= before - rest.count;
      return true;
    }
    range = MoveToEnd(range);
    batch_.attributes.push_back(value);
    ++range.count;
    return true;
  }

  bool Drop(Range& range) {
    const auto begin = batch_.attributes.begin() + range.begin;
    const auto end = std::remove_if(begin, begin + range.count,
                                    [&](const Attribute& a) { return a.key == key_; });
    const auto left = static_cast<std::uint32_t>(end - begin);
    const bool changed = left != range.count;
    range.count = left;
    return changed;
  }

  void SetText(Attribute& attribute, StringId text) {
    const bool was_text = attribute.type() == ValueType::kString;
    attribute.bits = text;
    // A field of another type that became a text is an attribute like any other.
    if (!was_text) attribute.type_byte = static_cast<std::uint8_t>(ValueType::kString);
  }

  void Hash(Attribute& attribute) {
    const std::string digest =
        base::Sha256Hex(rule_.salt + model::CanonicalText(batch_, attribute));
    SetText(attribute, batch_.strings.Intern(digest));
  }

  bool Redact(Attribute& attribute) {
    auto id = static_cast<StringId>(attribute.bits);
    // Bytes may be a text that was no UTF-8, as the sanitizer leaves it.
    if (attribute.type() == ValueType::kString || attribute.type() == ValueType::kBytes) {
      const bool changed = RedactText(id);
      attribute.bits = id;
      return changed;
    }
    if (attribute.type() != ValueType::kArray && attribute.type() != ValueType::kMap) return false;
    std::string out;
    if (!RedactBlob(*rule_.replacer, batch_.text(id), attribute.type(), out)) return false;
    attribute.bits = batch_.strings.Intern(out);
    return true;
  }

  // Each text once a batch.
  bool RedactText(StringId& id) {
    const auto [known, added] = redacted_.emplace(id, id);
    if (added) {
      std::string text(batch_.text(id));
      if (rule_.replacer->Replace(text)) known->second = batch_.strings.Intern(text);
    }
    if (known->second == id) return false;
    id = known->second;
    return true;
  }

  const Rule& rule_;
  SpanBatch& batch_;
  std::vector<bool> matches_;  // by row; empty: all
  StringId key_ = 0;
  StringId to_ = 0;
  std::unordered_map<StringId, StringId> redacted_;
};

}  // namespace

std::vector<ProcessorEffect> Processors::Apply(SpanBatch& batch) const {
  std::vector<ProcessorEffect> effects;
  bool changed = false;
  for (const Rule& rule : rules_) {
    effects.push_back(RuleRun(rule, batch).Do());
    changed |= effects.back().changed != 0 || effects.back().dropped != 0;
  }
  if (!changed || batch.empty()) return effects;
  // What was dropped, hashed or redacted must not stand in the log among the batch's strings.
  SpanBatch kept;
  model::BatchAppender appender(kept);
  appender.SetSource(batch);
  for (std::uint32_t row = 0; row < batch.size(); ++row) appender.Append(row);
  batch = std::move(kept);
  return effects;
}

}  // namespace tracestore::ingest
