#include "store/segment/index_builder.h"

#include <algorithm>

#include "base/bytes.h"
#include "index/fuse_filter.h"

namespace tracestore::store {

using model::Attribute;
using model::SpanRecord;

IndexBuilder::IndexBuilder(const model::SpanBatch& batch, const RowOrder& order,
                           const Shapes& shapes, const DictionaryBuilder& dictionary)
    : batch_(batch), order_(order), shapes_(shapes), dictionary_(dictionary) {
  value_terms_.assign(shapes.values.size(), kNoValue);
  for (const model::ResourceRecord& resource : batch.resources)
    services_.push_back(dictionary.IdOfText(ServiceOf(batch, resource)));
}

std::uint32_t IndexBuilder::Term(TermKind kind, std::uint32_t a, std::uint32_t b,
                                 std::uint32_t page, std::uint64_t count) {
  return postings_.Add({static_cast<std::uint8_t>(kind), a, b}, page, count);
}

void IndexBuilder::AddPage(std::uint32_t page, std::uint32_t first, std::uint32_t last) {
  next_page_ = page + 1;
  for (std::uint32_t row = first; row < last; ++row) {
    const SpanRecord& span = batch_.spans[order_.rows[row]];
    if (!span.firehose()) AddSpan(span);
  }
  EmitPage(page);
  block_rows_ += last - first;
  if (block_rows_ >= kFilterBlockRows) CloseBlock();
}

void IndexBuilder::AddSpan(const SpanRecord& span) {
  page_operations_.Add(
      operations_.FindOrAdd(services_[span.resource], static_cast<std::uint64_t>(span.name) * 8 +
                                                          static_cast<std::uint64_t>(span.kind)));
  resources_.Add(span.resource);
  scopes_.Add(span.scope);
  ++statuses_[static_cast<std::size_t>(span.status)];
  AddAttributes(span.attributes);
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = batch_.events[span.events.begin + i];
    events_.Add(event.name);
    AddAttributes(event.attributes);
  }
  for (std::uint32_t i = 0; i < span.references.count; ++i) {
    const model::ReferenceRecord& reference = batch_.references[span.references.begin + i];
    block_.push_back(LinkHash(reference.trace_id));
    AddAttributes(reference.attributes);
  }
}

void IndexBuilder::AddAttributes(model::Range range) {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const Attribute& attribute = batch_.attributes[range.begin + i];
    keys_.Add(attribute.key);
    const std::uint32_t value = shapes_.attribute_values[range.begin + i];
    if (value == kNoValue || shapes_.value_ranks[value] == kNoValue) {
      AddHidden(attribute);
    } else {
      values_.Add(value);
    }
  }
}

void IndexBuilder::AddHidden(const Attribute& attribute) {
  if (attribute.type() == ValueType::kString) {
    block_.push_back(
        KeyValueHash(batch_.strings.HashOf(attribute.key),
                     batch_.strings.HashOf(static_cast<model::StringId>(attribute.bits))));
  } else {
    hidden_.Add(attribute.key);
  }
}

void IndexBuilder::EmitAttributes(std::uint32_t page, const std::vector<Attribute>& list,
                                  std::uint64_t count) {
  for (const Attribute& a : list) {
    const std::uint32_t key = dictionary_.IdOf(a.key);
    Term(TermKind::kKey, key, 0, page, count);
    Term(TermKind::kKeyValue, key, dictionary_.IdOfCanonical(a.type_byte, a.bits), page, count);
  }
}

void IndexBuilder::EmitOperation(std::uint32_t page, std::uint32_t number) {
  const std::uint64_t count = page_operations_.CountOf(number);
  if (number < operation_terms_.size()) {
    for (const std::uint32_t term : operation_terms_[number])
      postings_.AddAgain(term, page, count);
    return;
  }
  // Numbers come in order: each was met first in some page.
  const FlatMap::Entry& entry = operations_.entries()[number];
  const auto kind = static_cast<std::uint32_t>(entry.key % 8);
  const std::uint32_t service = entry.scope;
  const std::uint32_t operation = dictionary_.IdOf(static_cast<model::StringId>(entry.key / 8));
  const auto with_kind = static_cast<TermKind>(
      static_cast<std::uint32_t>(TermKind::kServiceOperationKind) + kind);
  operation_terms_.push_back({Term(TermKind::kOperation, operation, 0, page, count),
                              Term(TermKind::kKind, kind, 0, page, count),
                              Term(TermKind::kService, service, 0, page, count),
                              Term(TermKind::kServiceOperation, service, operation, page, count),
                              Term(with_kind, service, operation, page, count)});
}

void IndexBuilder::EmitPage(std::uint32_t page) {
  for (const std::uint32_t number : page_operations_.met()) EmitOperation(page, number);
  for (const std::uint32_t number : resources_.met()) {
    const auto list = AttributesOf(batch_, batch_.resources[number].attributes);
    EmitAttributes(page, {list.begin(), list.end()}, resources_.CountOf(number));
  }
  for (const std::uint32_t number : scopes_.met()) {
    const model::ScopeRecord& scope = batch_.scopes[number];
    Term(TermKind::kScopeName, dictionary_.IdOf(scope.name), 0, page, scopes_.CountOf(number));
    const auto list = AttributesOf(batch_, scope.attributes);
    EmitAttributes(page, {list.begin(), list.end()}, scopes_.CountOf(number));
  }
  for (std::uint32_t status = 0; status < 3; ++status) {
    if (statuses_[status] != 0) Term(TermKind::kStatus, status, 0, page, statuses_[status]);
    statuses_[status] = 0;
  }
  const auto emit = [&](TermKind kind, const DenseCounts& texts) {
    for (const model::StringId text : texts.met())
      Term(kind, dictionary_.IdOf(text), 0, page, texts.CountOf(text));
  };
  emit(TermKind::kEventName, events_);
  emit(TermKind::kKey, keys_);
  emit(TermKind::kKeyHidden, hidden_);
  for (const std::uint32_t value : values_.met()) {
    if (value_terms_[value] != kNoValue) {
      postings_.AddAgain(value_terms_[value], page, values_.CountOf(value));
      continue;
    }
    const FlatMap::Entry& entry = shapes_.values.entries()[value];
    const Column& column = shapes_.tables.columns[shapes_.slots[entry.scope].column];
    const std::uint32_t text = dictionary_.IdOfCanonical(column.type_byte, entry.key);
    value_terms_[value] =
        Term(TermKind::kKeyValue, column.key, text, page, values_.CountOf(value));
  }
  for (DenseCounts* counts : {&page_operations_, &resources_, &scopes_, &events_, &keys_, &hidden_,
                              &values_}) {
    counts->Clear();
  }
}

void IndexBuilder::CloseBlock() {
  auto filter = index::FuseFilter::Build(block_);
  base::ByteWriter writer(filters_);
  writer.Varint(block_first_page_);
  // Without a filter the block may contain anything: an empty entry says so.
  std::string bytes;
  if (filter.has_value()) filter->AppendTo(bytes);
  writer.Bytes(bytes);
  ++filter_count_;
  block_.clear();
  block_rows_ = 0;
  block_first_page_ = next_page_;
}

std::string IndexBuilder::FinishPostings(std::uint32_t page_count) {
  return postings_.Finish(page_count);
}

std::string IndexBuilder::FinishFilters() {
  if (block_rows_ > 0) CloseBlock();
  std::string section;
  base::ByteWriter(section).Varint(filter_count_);
  return section + filters_;
}

}  // namespace tracestore::store
