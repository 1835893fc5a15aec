#include "store/segment/page_decoder.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "codec/column/text_stream.h"
#include "store/segment/residue.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

using model::SpanRecord;
constexpr std::uint32_t kUnmapped = 0xFFFFFFFF;

Error Damaged(const char* what) {
  return {ErrorCode::kCorruption, std::string("page: ") + what};
}

constexpr std::uint32_t Id(StreamKind kind) { return static_cast<std::uint32_t>(kind); }

}  // namespace

void TextMapper::Bind(const column::StringDictionary& dictionary, model::SpanBatch& batch) {
  dictionary_ = &dictionary;
  batch_ = &batch;
  mapped_.assign(dictionary.size(), kUnmapped);
}

model::StringId TextMapper::Map(std::uint32_t id) {
  model::StringId& mapped = mapped_[id];
  if (mapped == kUnmapped) mapped = batch_->strings.Intern(dictionary_->At(id));
  return mapped;
}

PageDecoder::PageDecoder(const PageContext& context, const Projection& projection,
                         model::SpanBatch& out)
    : context_(context), projection_(projection), out_(out) {
  texts_.Bind(*context.dictionary, out);
  resources_.assign(context.tables->resources.size(), kUnmapped);
  scopes_.assign(context.tables->scopes.size(), kUnmapped);
  columns_.resize(context.tables->columns.size() * 4);
}

void PageDecoder::Reset() {
  for (Values* values : {&op_, &keyset_, &status_, &resource_, &event_list_, &odd_, &pops_,
                         &root_code_, &outside_ids_, &span_ids_, &starts_, &durations_,
                         &event_times_, &residue_}) {
    values->ready = false;
    values->next = 0;
    values->numbers.clear();
    values->texts.clear();
  }
  for (Values* values : touched_) {
    values->ready = false;
    values->next = 0;
  }
  touched_.clear();
  page_resources_.clear();
  text_bytes_ = 0;
}

Status PageDecoder::LoadNumbers(std::uint32_t id, Values& values) {
  values.ready = true;
  values.numbers.clear();
  const PageDirectory::Stream* stream = directory_.Find(id);
  if (stream == nullptr) return {};
  base::ByteReader in(stream->bytes);
  TS_TRY(column::DecodeInts(in, stream->count, values.numbers));
  if (!in.done()) return Damaged("bytes follow the values of a stream");
  return {};
}

Status PageDecoder::LoadSigned(std::uint32_t id, std::uint32_t signs, Values& values) {
  TS_TRY(LoadNumbers(id, values));
  if (directory_.Find(signs) == nullptr) return {};
  Values negative;
  TS_TRY(LoadNumbers(signs, negative));
  if (negative.numbers.size() != values.numbers.size())
    return Damaged("a stream and its signs differ in length");
  for (std::size_t i = 0; i < values.numbers.size(); ++i) {
    if (negative.numbers[i] != 0) values.numbers[i] = 0 - values.numbers[i];
  }
  return {};
}

Status PageDecoder::LoadRaw(std::uint32_t column, bool of_event, Values& values) {
  const std::uint32_t id =
      ColumnStreamId(column, of_event ? ColumnStream::kEventRaw : ColumnStream::kRaw);
  const auto type = static_cast<ValueType>(context_.tables->columns[column].type_byte & 0x7F);
  if (type == ValueType::kInt) {
    return LoadSigned(
        id, ColumnStreamId(column, of_event ? ColumnStream::kEventRawSigns
                                            : ColumnStream::kRawSigns), values);
  }
  if (!model::IsTextual(type)) return LoadNumbers(id, values);
  values.ready = true;
  values.texts.clear();
  const PageDirectory::Stream* stream = directory_.Find(id);
  if (stream == nullptr) return {};
  base::ByteReader in(stream->bytes);
  const auto templates = context_.templates->find(column);
  const std::size_t room = kMaxPageTextBytes - text_bytes_;
  if (templates == context_.templates->end()) {
    TS_TRY(column::DecodeTexts(in, stream->count, room, values.arena, values.texts));
  } else {
    TS_TRY(column::DecodeTemplated(in, stream->count, templates->second, room, values.arena,
                                   values.texts));
  }
  for (const std::string_view text : values.texts) text_bytes_ += text.size();
  return {};
}

bool PageDecoder::Take(Values& values, std::uint64_t& out) {
  if (values.next >= values.numbers.size()) return false;
  out = values.numbers[values.next++];
  return true;
}

Status PageDecoder::LoadFixedStreams(std::uint32_t rows) {
  using K = StreamKind;
  TS_TRY(LoadNumbers(Id(K::kOp), op_));
  TS_TRY(LoadNumbers(Id(K::kKeyset), keyset_));
  TS_TRY(LoadNumbers(Id(K::kStatus), status_));
  TS_TRY(LoadNumbers(Id(K::kResource), resource_));
  TS_TRY(LoadNumbers(Id(K::kEventList), event_list_));
  TS_TRY(LoadNumbers(Id(K::kOdd), odd_));
  TS_TRY(LoadNumbers(Id(K::kPops), pops_));
  TS_TRY(LoadNumbers(Id(K::kRootCode), root_code_));
  TS_TRY(LoadNumbers(Id(K::kOutsideIds), outside_ids_));
  TS_TRY(LoadNumbers(Id(K::kSpanIds), span_ids_));
  TS_TRY(LoadSigned(Id(K::kStarts), Id(K::kStartSigns), starts_));
  TS_TRY(LoadSigned(Id(K::kDurations), Id(K::kDurationSigns), durations_));
  for (const Values* values : {&op_, &odd_, &pops_, &span_ids_, &starts_, &durations_}) {
    if (values->numbers.size() != rows) return Damaged("a stream doesn't have a value a row");
  }
  if (projection_.events)
    TS_TRY(LoadSigned(kEventTimes, kEventTimeSigns, event_times_));
  const PageDirectory::Stream* residue = directory_.Find(Id(K::kResidue));
  if (residue != nullptr) {
    base::ByteReader in(residue->bytes);
    TS_TRY(column::DecodeTexts(in, residue->count, kMaxPageTextBytes, residue_.arena,
                               residue_.texts));
    for (const std::string_view text : residue_.texts) text_bytes_ += text.size();
  }
  return {};
}

Status PageDecoder::Decode(std::string_view payload, std::uint32_t first_row, std::uint32_t rows,
                           std::uint32_t first_wanted, std::uint32_t last_wanted) {
  Reset();
  first_row_ = first_row;
  const std::size_t most_attributes = out_.attributes.size() + kMaxPageValues;
  TS_TRY(directory_.Parse(payload, rows));
  TS_TRY(LoadFixedStreams(rows));
  const auto& parts = context_.traces->parts;
  trace_ = context_.traces->PartOf(first_row);
  times_.BeginTrace(parts[trace_].start_ns);
  page_resources_.assign(rows, 0);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const std::uint32_t at = first_row + row;
    if (at >= last_wanted) break;
    if (at >= parts[trace_].first_row + parts[trace_].rows) {
      if (++trace_ >= parts.size()) return Damaged("it has more rows than the segment's traces");
      times_.BeginTrace(parts[trace_].start_ns);
    }
    TS_TRY(DecodeRow(row, at >= first_wanted));
    if (out_.attributes.size() > most_attributes) return Damaged("it has too many attributes");
  }
  return {};
}

Status PageDecoder::PlaceRow(std::uint32_t row, const TableOp* op, SpanRecord& span,
                             std::uint32_t& parent_row) {
  const std::uint64_t pops = pops_.numbers[row];
  if (pops > times_.depth()) return Damaged("a row pops more levels than there are");
  parent_row = times_.RowAfter(pops);
  std::uint64_t outside = 0;
  if (pops == times_.depth() && !Take(root_code_, outside))
    return Damaged("it has fewer root codes than roots");
  if (outside > outside_ids_.numbers.size())
    return Damaged("a row names an outside parent that is not there");
  times_.Enter(static_cast<std::size_t>(pops), static_cast<std::uint32_t>(outside));
  span.trace_id = context_.traces->parts[trace_].id;
  span.span_id.value = span_ids_.numbers[row];
  if (parent_row != kNoRow) span.parent_id.value = span_ids_.numbers[parent_row];
  else if (outside != 0) span.parent_id.value = outside_ids_.numbers[outside - 1];
  span.start_ns = times_.StartBaseOf(op == nullptr ? StartBase::kSiblingStart : op->start_base) +
                  starts_.numbers[row];
  span.duration_ns = times_.Fold(op == nullptr ? DurationBase::kZero : op->duration_base,
                                 span.start_ns, durations_.numbers[row]);
  span.presence = model::kHasStart | model::kHasDuration;
  times_.Place(row, span.start_ns, span.duration_ns);
  return {};
}

Status PageDecoder::DecodeRow(std::uint32_t row, bool wanted) {
  const std::uint64_t op_code = op_.numbers[row];
  if (op_code > context_.tables->ops.size()) return Damaged("a row names an op that is not there");
  const TableOp* op = op_code == 0 ? nullptr : &context_.tables->ops[op_code - 1];
  SpanRecord span;
  std::uint32_t parent_row = kNoRow;
  const model::SpanBatch::Mark mark = out_.mark();
  TS_TRY(PlaceRow(row, op, span, parent_row));
  span.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  span.references.begin = static_cast<std::uint32_t>(out_.references.size());
  if (op != nullptr) TS_TRY(ReadShape(row, parent_row, *op, wanted, span));
  if (odd_.numbers[row] != 0) {
    TS_TRY(FinishResidue(span, op == nullptr, wanted));
    if (op == nullptr) page_resources_[row] = span.resource;
  } else if (op == nullptr) {
    return Damaged("a generic row has no residue");
  }
  if (!wanted) {
    out_.Rollback(mark);
    return {};
  }
  span.resource = MapResource(page_resources_[row]);
  span.scope = MapScope(op == nullptr ? span.scope : op->scope);
  out_.spans.push_back(span);
  return {};
}

Status PageDecoder::ReadShape(std::uint32_t row, std::uint32_t parent_row, const TableOp& op,
                              bool wanted, SpanRecord& span) {
  const auto rank = [&](Values& values, std::size_t choices, std::uint64_t& out) {
    out = 0;
    return choices <= 1 || (Take(values, out) && out < choices);
  };
  std::uint64_t keyset = 0, status = 0, events = 0, resource = 1;
  const bool good = rank(keyset_, op.keysets.size(), keyset) &&
                    rank(status_, op.statuses.size(), status) &&
                    rank(event_list_, op.event_lists.size(), events) &&
                    (op.resources.size() <= 1 || (Take(resource_, resource) &&
                                                  resource <= op.resources.size()));
  if (!good || op.keysets.empty() || op.statuses.empty() || op.event_lists.empty() ||
      op.resources.empty() || (resource == 0 && parent_row == kNoRow)) {
    return Damaged("a row's rank is out of its op's lists");
  }
  page_resources_[row] =
      resource == 0 ? page_resources_[parent_row] : op.resources[resource - 1];
  span.kind = op.kind;
  span.flags = op.flags;
  const std::uint8_t shape = op.statuses[status];
  span.status = static_cast<StatusCode>(shape / 2);
  if (wanted) span.name = texts_.Map(op.name);
  const bool message = (shape & 1) != 0;
  const auto& columns = context_.tables->keysets[op.keysets[keyset]];
  if (message) {
    if (columns.empty() || columns[0] != kStatusMessageColumn)
      return Damaged("a status message has no column");
    std::uint64_t text = 0;
    TS_TRY(ReadValue(kStatusMessageColumn, op.slots, false, wanted, text));
    span.status_message = static_cast<model::StringId>(text);
  }
  TS_TRY(ReadAttributes(columns, message ? 1 : 0, op.slots, false, wanted, span.attributes));
  if (projection_.events) TS_TRY(ReadEvents(span, op.event_lists[events], wanted));
  return {};
}

bool PageDecoder::Wants(std::uint32_t column) const noexcept {
  if (column == kStatusMessageColumn) return true;
  return projection_.all_columns || std::binary_search(projection_.columns.begin(),
                                                       projection_.columns.end(), column);
}

Status PageDecoder::ReadAttributes(const std::vector<std::uint32_t>& keyset,
                                   std::size_t first_column, const std::vector<Slot>& slots,
                                   bool of_event, bool wanted, model::Range& range) {
  range.begin = static_cast<std::uint32_t>(out_.attributes.size());
  if (!of_event && !projection_.attributes) return {};
  for (std::size_t i = first_column; i < keyset.size(); ++i) {
    const std::uint32_t column = keyset[i];
    if (!Wants(column)) continue;
    std::uint64_t bits = 0;
    TS_TRY(ReadValue(column, slots, of_event, wanted, bits));
    if (!wanted) continue;
    const Column& kind = context_.tables->columns[column];
    out_.attributes.push_back({bits, texts_.Map(kind.key), kind.type_byte});
    ++range.count;
  }
  return {};
}

PageDecoder::Values& PageDecoder::ColumnValues(std::uint32_t column, bool of_event, bool raw) {
  auto& values = columns_[(column * 2 + (of_event ? 1U : 0U)) * 2 + (raw ? 1U : 0U)];
  if (values == nullptr) values = std::make_unique<Values>();
  if (values->next == 0) touched_.push_back(values.get());
  return *values;
}

Status PageDecoder::ReadValue(std::uint32_t column, const std::vector<Slot>& slots, bool of_event,
                              bool wanted, std::uint64_t& bits) {
  const Slot* slot = FindSlot(slots, column);
  if (slot == nullptr) return Damaged("a row has an attribute that its op has no list for");
  const bool textual = model::IsTextual(
      static_cast<ValueType>(context_.tables->columns[column].type_byte & 0x7F));
  if (!slot->raw) {
    std::uint64_t rank = 0;
    if (slot->values.size() > 1) {
      Values& ranks = ColumnValues(column, of_event, false);
      const std::size_t at = ranks.next++;
      if (!wanted) return {};
      if (!ranks.ready) {
        TS_TRY(LoadNumbers(ColumnStreamId(column, of_event ? ColumnStream::kEventRanks
                                                           : ColumnStream::kRanks), ranks));
      }
      if (at >= ranks.numbers.size()) return Damaged("a column has fewer ranks than rows");
      rank = ranks.numbers[at];
      if (rank >= slot->values.size()) return Damaged("a rank is out of its list");
    }
    if (!wanted) return {};
    const std::uint64_t value = slot->values[static_cast<std::size_t>(rank)];
    bits = textual ? texts_.Map(static_cast<std::uint32_t>(value)) : value;
    return {};
  }
  Values& raw = ColumnValues(column, of_event, true);
  const std::size_t at = raw.next++;
  if (!wanted) return {};
  if (!raw.ready) TS_TRY(LoadRaw(column, of_event, raw));
  if (at >= (textual ? raw.texts.size() : raw.numbers.size()))
    return Damaged("a column has fewer values than rows");
  bits = textual ? out_.strings.Intern(raw.texts[at]) : raw.numbers[at];
  return {};
}

Status PageDecoder::ReadEvents(SpanRecord& span, std::uint32_t event_list, bool wanted) {
  const auto& types = context_.tables->event_lists[event_list];
  std::uint64_t time = span.start_ns;
  // Attributes of all events first need their records' place: records are appended as they come,
  // since no other list of this span goes between.
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  for (const std::uint32_t number : types) {
    const TableEventType& type = context_.tables->event_types[number];
    std::uint64_t step = 0;
    if (!Take(event_times_, step)) return Damaged("it has fewer event times than events");
    time += step;
    model::EventRecord event;
    event.time_ns = time;
    TS_TRY(ReadAttributes(context_.tables->keysets[type.keyset], 0, type.slots, true, wanted,
                          event.attributes));
    if (!wanted) continue;
    event.name = texts_.Map(type.name);
    out_.events.push_back(event);
    ++span.events.count;
  }
  return {};
}

Status PageDecoder::FinishResidue(SpanRecord& span, bool generic, bool wanted) {
  if (residue_.next >= residue_.texts.size()) return Damaged("it has fewer residues than odd rows");
  const std::string_view bytes = residue_.texts[residue_.next++];
  if (!wanted && !generic) return {};
  TS_TRY(DecodeResidue(bytes, out_, span));
  // An absent time was given its base, so that it cost nothing.
  if (!span.has_start()) span.start_ns = 0;
  if (generic && (span.resource >= context_.tables->resources.size() ||
                  span.scope >= context_.tables->scopes.size())) {
    return Damaged("a generic row names a resource or scope that is not there");
  }
  return {};
}

model::Range PageDecoder::CopyAttributes(const std::vector<TableAttribute>& attributes) {
  const model::Range range{static_cast<std::uint32_t>(out_.attributes.size()),
                           static_cast<std::uint32_t>(attributes.size())};
  for (const TableAttribute& a : attributes) {
    const bool textual = model::IsTextual(static_cast<ValueType>(a.type_byte & 0x7F));
    out_.attributes.push_back(
        {textual ? texts_.Map(static_cast<std::uint32_t>(a.bits)) : a.bits, texts_.Map(a.key),
         a.type_byte});
  }
  return range;
}

std::uint32_t PageDecoder::MapResource(std::uint32_t number) {
  std::uint32_t& mapped = resources_[number];
  if (mapped != kUnmapped) return mapped;
  const TableResource& from = context_.tables->resources[number];
  model::ResourceRecord resource;
  resource.attributes = CopyAttributes(from.attributes);
  resource.dropped_attributes = from.dropped_attributes;
  resource.schema_url = texts_.Map(from.schema_url);
  resource.unknown_fields = texts_.Map(from.unknown_fields);
  resource.origin = from.origin;
  mapped = static_cast<std::uint32_t>(out_.resources.size());
  out_.resources.push_back(resource);
  return mapped;
}

std::uint32_t PageDecoder::MapScope(std::uint32_t number) {
  std::uint32_t& mapped = scopes_[number];
  if (mapped != kUnmapped) return mapped;
  const TableScope& from = context_.tables->scopes[number];
  model::ScopeRecord scope;
  scope.name = texts_.Map(from.name);
  scope.version = texts_.Map(from.version);
  scope.attributes = CopyAttributes(from.attributes);
  scope.dropped_attributes = from.dropped_attributes;
  scope.schema_url = texts_.Map(from.schema_url);
  scope.unknown_fields = texts_.Map(from.unknown_fields);
  mapped = static_cast<std::uint32_t>(out_.scopes.size());
  out_.scopes.push_back(scope);
  return mapped;
}

}  // namespace tracestore::store
