#include "store/verify/term_checker.h"

#include <algorithm>

#include "base/hash.h"
#include "model/text.h"
#include "store/segment/index_builder.h"

namespace tracestore::store {
namespace {

using index::Term;
using model::SpanBatch;
using model::SpanRecord;

constexpr std::uint32_t kUnmapped = 0xFFFFFFFF;
constexpr std::uint32_t kNoText = 0xFFFFFFFE;  // the dictionary lacks it

constexpr auto kValueKind = static_cast<std::uint8_t>(TermKind::kKeyValue);
constexpr auto kHiddenKind = static_cast<std::uint8_t>(TermKind::kKeyHidden);

bool IsKnown(std::uint8_t kind) {
  return (kind >= 1 && kind <= 10) || (kind >= 16 && kind <= 16 + 5);
}

std::string TermName(const Term& term) {
  return "term " + std::to_string(term.kind) + " (" + std::to_string(term.a) + ", " +
         std::to_string(term.b) + ")";
}

}  // namespace

TermChecker::TermChecker(const SegmentReader& segment, const index::Postings& postings,
                         const column::StringDictionary& dictionary,
                         const std::map<SectionKind, std::uint64_t>& section_at, VerifyRun& run)
    : segment_(segment), postings_(postings), dictionary_(dictionary), section_at_(section_at),
      run_(run) {}

void TermChecker::Wrong(SectionKind kind, const std::string& what) {
  const auto found = section_at_.find(kind);
  run_.Damage(segment_.name(), found == section_at_.end() ? 0 : found->second,
              SegmentSectionName(kind), what);
}

std::uint32_t TermChecker::IdOf(const SpanBatch& rows, model::StringId id) {
  std::uint32_t& mapped = ids_[id];
  if (mapped == kUnmapped) {
    const auto found = dictionary_.Find(rows.text(id));
    mapped = found.value_or(kNoText);
    if (!found) {
      Wrong(SectionKind::kDictionary,
            "a name or key of page " + std::to_string(page_) + " is not in it");
    }
  }
  return mapped;
}

void TermChecker::Count(TermKind kind, std::uint32_t a, std::uint32_t b, std::uint64_t count) {
  if (a == kNoText || b == kNoText) return;  // was said
  Truth& truth = truth_[{static_cast<std::uint8_t>(kind), a, b}];
  truth.count += count;
  if (truth.pages.empty() || truth.pages.back() != page_) truth.pages.push_back(page_);
}

void TermChecker::AddPage(std::uint32_t page, const SpanBatch& rows) {
  page_ = page;
  ids_.assign(rows.strings.size(), kUnmapped);
  values_.clear();
  for (const SpanRecord& span : rows.spans) {
    if (!span.firehose()) AddSpan(rows, span);
  }
  for (const auto& [value, count] : values_) AddValue(rows, value, count);
}

void TermChecker::AddSpan(const SpanBatch& rows, const SpanRecord& span) {
  const std::uint32_t service = dictionary_.Find(ServiceOf(rows, span)).value_or(kNoText);
  const std::uint32_t name = IdOf(rows, span.name);
  const model::ScopeRecord& scope = rows.scopes[span.scope];
  const auto kind = static_cast<std::uint32_t>(span.kind);
  Count(TermKind::kService, service, 0);
  Count(TermKind::kServiceOperation, service, name);
  Count(static_cast<TermKind>(static_cast<std::uint32_t>(TermKind::kServiceOperationKind) + kind),
        service, name);
  Count(TermKind::kOperation, name, 0);
  Count(TermKind::kKind, kind, 0);
  Count(TermKind::kStatus, static_cast<std::uint32_t>(span.status), 0);
  Count(TermKind::kScopeName, IdOf(rows, scope.name), 0);
  AddAttributes(rows, rows.resources[span.resource].attributes, true);
  AddAttributes(rows, scope.attributes, true);
  AddAttributes(rows, span.attributes, false);
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = rows.events[span.events.begin + i];
    Count(TermKind::kEventName, IdOf(rows, event.name), 0);
    AddAttributes(rows, event.attributes, false);
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& reference = rows.references[span.references.begin + i];
    AddAttributes(rows, reference.attributes, false);
    CheckHash(LinkHash(reference.trace_id), "a link to trace " + reference.trace_id.ToHex());
  }
}

void TermChecker::AddAttributes(const SpanBatch& rows, model::Range range, bool shared) {
  for (const model::Attribute& attribute : AttributesOf(rows, range)) {
    Count(TermKind::kKey, IdOf(rows, attribute.key), 0);
    ValueCount& count = values_[{attribute.key, attribute.type_byte, attribute.bits}];
    ++(shared ? count.shared : count.own);
  }
}

bool TermChecker::OnPage(TermKind kind, std::uint32_t a, std::uint32_t b) const {
  const auto hit = postings_.Find({static_cast<std::uint8_t>(kind), a, b});
  return hit && hit->pages.Contains(page_);
}

void TermChecker::CheckHash(std::uint64_t hash, const std::string& what) {
  const auto may = segment_.MayHaveHash(page_, hash);
  if (may.has_value() && !*may) {
    Wrong(SectionKind::kTextFilters,
          what + " stands on page " + std::to_string(page_) + " but does not pass its filter");
  }
}

void TermChecker::AddValue(const SpanBatch& rows, const Value& value, ValueCount count) {
  const auto& [key, type_byte, bits] = value;
  const model::Attribute attribute{bits, key, type_byte};
  const std::uint32_t key_id = IdOf(rows, key);
  const std::string text = CanonicalText(rows, attribute);
  if (key_id == kNoText) return;
  const auto text_id = dictionary_.Find(text);
  if (text_id) {
    Truth& truth = truth_[{kValueKind, key_id, *text_id}];
    truth.count += count.shared + count.own;
    truth.at_least += count.shared;
    if (truth.pages.empty() || truth.pages.back() != page_) truth.pages.push_back(page_);
    if (OnPage(TermKind::kKeyValue, key_id, *text_id)) return;
  }
  if (count.own > 0 && count.shared == 0) {
    if (OnPage(TermKind::kKeyHidden, key_id, 0)) return;
    if (attribute.type() == ValueType::kString) {
      CheckHash(KeyValueHash(base::Hash64(rows.text(key)), base::Hash64(text)),
                "a value of " + std::string(rows.text(key)));
      return;
    }
  }
  Wrong(SectionKind::kPostings, "a value of " + std::string(rows.text(key)) + " stands on page " +
                                    std::to_string(page_) + " but is found by no list");
}

void TermChecker::CheckTerm(const Term& term, const Truth& truth) {
  const auto hit = postings_.Find(term);
  const bool value = term.kind == kValueKind;
  if (!hit) {
    if (!value || truth.at_least > 0)
      Wrong(SectionKind::kPostings, TermName(term) + " is missing");
    return;
  }
  if (value ? hit->count > truth.count || hit->count < truth.at_least : hit->count != truth.count) {
    Wrong(SectionKind::kPostings, TermName(term) + " counts " + std::to_string(hit->count) +
                                      ", the rows have " + std::to_string(truth.count));
  }
  if (hit->dense) {
    if (truth.pages.size() <= segment_.page_count() / index::kDenseFraction)
      Wrong(SectionKind::kPostings, TermName(term) + " claims to stand on most pages");
    return;
  }
  const std::vector<std::uint32_t> pages = hit->pages.ToVector();
  const bool right = value ? std::includes(truth.pages.begin(), truth.pages.end(), pages.begin(),
                                           pages.end())
                           : pages == truth.pages;
  if (!right) Wrong(SectionKind::kPostings, TermName(term) + " names other pages than the rows");
}

// Terms that no row has. Of hidden values there may be more rows than counted here.
void TermChecker::CheckNoOthers() {
  for (unsigned kind = 0; kind < 256; ++kind) {
    const auto known = static_cast<std::uint8_t>(kind);
    if (!IsKnown(known)) continue;
    postings_.ForEach(known, std::nullopt, [&](Term term, std::uint64_t count) {
      if (known == kHiddenKind) {
        const Term key{static_cast<std::uint8_t>(TermKind::kKey), term.a, 0};
        const auto all = truth_.find(key);
        if (all == truth_.end() || all->second.count < count)
          Wrong(SectionKind::kPostings, TermName(term) + " counts more than the rows have");
      } else if (!truth_.contains(term)) {
        Wrong(SectionKind::kPostings, "no row has " + TermName(term));
      }
    });
  }
}

void TermChecker::Finish(bool whole) {
  if (auto lists = postings_.Verify(); !lists.has_value())
    Wrong(SectionKind::kPostings, lists.error().message());
  if (!whole) return;
  for (const auto& [term, truth] : truth_) CheckTerm(term, truth);
  CheckNoOthers();
}

}  // namespace tracestore::store
