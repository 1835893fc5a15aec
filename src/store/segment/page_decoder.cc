#include "store/segment/page_decoder.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/hash.h"
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
                         model::SpanBatch& out, HintRecorder* hints)
    : context_(context), projection_(projection), out_(out), hints_(hints) {
  texts_.Bind(*context.dictionary, out);
  resources_.assign(context.tables->resources.size(), kUnmapped);
  scopes_.assign(context.tables->scopes.size(), kUnmapped);
  columns_.resize(context.tables->columns.size() * 4);
}

Status PageDecoder::Decode(const PageCodes& page, std::uint32_t first_wanted,
                           std::uint32_t last_wanted) {
  const auto rows = static_cast<std::uint32_t>(page.rows().size());
  const RowRun run{std::max(first_wanted, page.first_row()),
                   std::min(page.first_row() + rows, last_wanted)};
  if (run.first >= run.last) return {};
  return Decode(page, std::span(&run, 1));
}

Status PageDecoder::Decode(const PageCodes& page, std::span<const RowRun> runs) {
  if (runs.empty()) return {};
  page_ = &page;
  const std::size_t most_attributes = out_.attributes.size() + kMaxPageValues;
  std::uint32_t row = runs.front().first - page.first_row();
  TS_TRY(FindRanges(row, runs.back().last - page.first_row()));
  for (const RowRun& run : runs) {
    for (; row < run.first - page.first_row(); ++row) SkipRow(page.rows()[row]);
    for (; row < run.last - page.first_row(); ++row) {
      TS_TRY(DecodeRow(page.rows()[row]));
      if (out_.attributes.size() > most_attributes) return Damaged("it has too many attributes");
    }
  }
  return {};
}

// Which values of each stream are those of rows [first, last): rows of one shape take the same number
// of values from each.
Status PageDecoder::FindRanges(std::uint32_t first, std::uint32_t last) {
  for (Values* values : touched_) {
    values->ready = false;
    values->next = 0;
    values->range = {};
  }
  touched_.clear();
  event_times_.ready = false;
  event_times_.next = 0;
  event_times_.range = {};
  text_bytes_ = 0;
  shape_rows_.assign(page_->shapes().size(), {0, 0});
  for (std::uint32_t row = 0; row < first; ++row) ++shape_rows_[page_->rows()[row].shape].first;
  for (std::uint32_t row = first; row < last; ++row)
    ++shape_rows_[page_->rows()[row].shape].second;
  sources_.clear();
  first_sources_.resize(shape_rows_.size() + 1);
  if (hints_ != nullptr) shape_hints_.resize(shape_rows_.size());
  for (std::size_t i = 0; i < shape_rows_.size(); ++i) {
    const auto [before, wanted] = shape_rows_[i];
    first_sources_[i] = sources_.size();
    if (hints_ != nullptr) shape_hints_[i] = hints_->OfShape(page_->shapes()[i]);
    if (before + wanted > 0) TS_TRY(AddShape(page_->shapes()[i], before, wanted));
  }
  first_sources_.back() = sources_.size();
  return {};
}

Status PageDecoder::AddShape(const PageShape& shape, std::size_t before, std::size_t within) {
  if (shape.op == 0) return {};
  const TableOp& op = context_.tables->ops[shape.op - 1];
  const auto& columns = context_.tables->keysets[shape.keyset];
  if (shape.has_message())
    TS_TRY(AddColumns({kStatusMessageColumn}, 0, op.slots, false, before, within));
  if (projection_.attributes)
    TS_TRY(AddColumns(columns, shape.has_message() ? 1 : 0, op.slots, false, before, within));
  if (!projection_.events) return {};
  for (const std::uint32_t number : context_.tables->event_lists[shape.event_list]) {
    const TableEventType& type = context_.tables->event_types[number];
    event_times_.range.begin += before;
    event_times_.range.end += before + within;
    TS_TRY(AddColumns(context_.tables->keysets[type.keyset], 0, type.slots, true, before, within));
  }
  return {};
}

Status PageDecoder::AddColumns(const std::vector<std::uint32_t>& keyset, std::size_t first_column,
                               const std::vector<Slot>& slots, bool of_event, std::size_t before,
                               std::size_t within) {
  for (std::size_t i = first_column; i < keyset.size(); ++i) {
    if (!Wants(keyset[i])) continue;
    const Slot* slot = FindSlot(slots, keyset[i]);
    if (slot == nullptr) return Damaged("a row has an attribute that its op has no list for");
    sources_.push_back({slot, nullptr});
    if (!slot->raw && slot->values.size() <= 1) continue;
    Values& values = ColumnValues(keyset[i], of_event, slot->raw);
    values.range.begin += before;
    values.range.end += before + within;
    sources_.back().values = &values;
  }
  return {};
}

Status PageDecoder::LoadNumbers(std::uint32_t id, column::StreamRange range,
                                std::vector<std::uint64_t>& numbers) {
  numbers.clear();
  const PageDirectory::Stream* stream = page_->directory().Find(id);
  if (stream == nullptr) return {};
  if (range.end > stream->count) return Damaged("a stream has fewer values than rows need");
  ++streams_decoded_;
  base::ByteReader in(stream->bytes);
  TS_TRY(column::DecodeIntRange(in, stream->count, range, numbers));
  if (!in.done()) return Damaged("bytes follow the values of a stream");
  return {};
}

Status PageDecoder::LoadSigned(std::uint32_t id, std::uint32_t signs, Values& values) {
  values.ready = true;
  TS_TRY(LoadNumbers(id, values.range, values.numbers));
  if (page_->directory().Find(signs) == nullptr) return {};
  std::vector<std::uint64_t> negative;
  TS_TRY(LoadNumbers(signs, values.range, negative));
  if (negative.size() != values.numbers.size())
    return Damaged("a stream and its signs differ in length");
  for (std::size_t i = 0; i < values.numbers.size(); ++i) {
    if (negative[i] != 0) values.numbers[i] = 0 - values.numbers[i];
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
  values.ready = true;
  if (!model::IsTextual(type)) return LoadNumbers(id, values.range, values.numbers);
  values.texts.clear();
  values.hashes.clear();
  values.codes.templates.clear();
  values.code = values.code_value = 0;
  const PageDirectory::Stream* stream = page_->directory().Find(id);
  if (stream == nullptr) return {};
  if (values.range.end > stream->count) return Damaged("a column has fewer values than rows");
  ++streams_decoded_;
  base::ByteReader in(stream->bytes);
  const auto templates = context_.templates->find(column);
  const std::size_t room = kMaxPageTextBytes - text_bytes_;
  if (templates == context_.templates->end()) {
    TS_TRY(column::DecodeTextRange(in, stream->count, values.range, room, values.arena,
                                   values.texts));
  } else {
    TS_TRY(column::DecodeTemplatedRange(in, stream->count, templates->second, values.range, room,
                                        values.arena, values.texts,
                                        hints_ == nullptr ? nullptr : &values.codes));
  }
  for (const std::string_view text : values.texts) {
    text_bytes_ += text.size();
    values.hashes.push_back(base::Hash64(text));
  }
  return {};
}

Status PageDecoder::DecodeRow(const RowCodes& row) {
  const PageShape& shape = page_->ShapeOf(row);
  const TableOp* op = shape.op == 0 ? nullptr : &context_.tables->ops[shape.op - 1];
  SpanRecord span;
  span.trace_id = context_.traces->parts[row.part].id;
  span.span_id = row.span_id;
  span.parent_id = page_->ParentOf(row);
  span.start_ns = row.start_ns;
  span.duration_ns = row.duration_ns;
  span.presence = model::kHasStart | model::kHasDuration;
  span.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  span.references.begin = static_cast<std::uint32_t>(out_.references.size());
  if (op != nullptr) TS_TRY(ReadShape(row.shape, span));
  if (row.residue != kNoRow) TS_TRY(ReadResidue(row, op == nullptr, span));
  span.resource = MapResource(row.resource);
  span.scope = MapScope(op == nullptr ? span.scope : op->scope);
  if (hints_ != nullptr)
    hints_->AddRow(out_.spans.size(), row.residue == kNoRow ? shape_hints_[row.shape] : kNoHint);
  out_.spans.push_back(span);
  return {};
}

// Passes over the row's values, as ReadShape() takes them; a residue stands by itself.
void PageDecoder::SkipRow(const RowCodes& row) {
  const PageShape& shape = page_->ShapeOf(row);
  for (std::size_t i = first_sources_[row.shape]; i < first_sources_[row.shape + 1]; ++i) {
    if (sources_[i].values != nullptr) ++sources_[i].values->next;
  }
  if (shape.op != 0 && projection_.events)
    event_times_.next += context_.tables->event_lists[shape.event_list].size();
}

Status PageDecoder::ReadShape(std::uint32_t number, SpanRecord& span) {
  const PageShape& shape = page_->shapes()[number];
  next_source_ = first_sources_[number];
  const TableOp& op = context_.tables->ops[shape.op - 1];
  span.kind = op.kind;
  span.flags = op.flags;
  span.status = static_cast<StatusCode>(shape.status / 2);
  span.name = texts_.Map(op.name);
  const Owner owner{op.slots, hints_ == nullptr ? nullptr : hints_->OfOp(shape.op - 1), false};
  if (shape.has_message()) {
    std::uint64_t text = 0;
    std::uint32_t hint = kNoHint;
    TS_TRY(ReadValue(kStatusMessageColumn, owner, text, hint));
    span.status_message = static_cast<model::StringId>(text);
  }
  TS_TRY(ReadAttributes(context_.tables->keysets[shape.keyset], shape.has_message() ? 1 : 0,
                        owner, span.attributes));
  return projection_.events ? ReadEvents(span, shape.event_list) : Status();
}

bool PageDecoder::Wants(std::uint32_t column) const noexcept {
  if (column == kStatusMessageColumn) return true;
  return projection_.all_columns || std::binary_search(projection_.columns.begin(),
                                                       projection_.columns.end(), column);
}

Status PageDecoder::ReadAttributes(const std::vector<std::uint32_t>& keyset,
                                   std::size_t first_column, const Owner& owner,
                                   model::Range& range) {
  range.begin = static_cast<std::uint32_t>(out_.attributes.size());
  if (!owner.of_event && !projection_.attributes) return {};
  for (std::size_t i = first_column; i < keyset.size(); ++i) {
    const std::uint32_t column = keyset[i];
    if (!Wants(column)) continue;
    std::uint64_t bits = 0;
    std::uint32_t hint = kNoHint;
    TS_TRY(ReadValue(column, owner, bits, hint));
    if (hint != kNoHint) hints_->AddValue(out_.attributes.size(), hint);
    const Column& kind = context_.tables->columns[column];
    out_.attributes.push_back({bits, texts_.Map(kind.key), kind.type_byte});
    ++range.count;
  }
  return {};
}

PageDecoder::Values& PageDecoder::ColumnValues(std::uint32_t column, bool of_event, bool raw) {
  auto& values = columns_[(column * 2 + (of_event ? 1U : 0U)) * 2 + (raw ? 1U : 0U)];
  if (values == nullptr) values = std::make_unique<Values>();
  if (values->range.end == 0) touched_.push_back(values.get());
  return *values;
}

Status PageDecoder::ReadValue(std::uint32_t column, const Owner& owner, std::uint64_t& bits,
                              std::uint32_t& hint) {
  const bool of_event = owner.of_event;
  const auto [slot, values] = sources_[next_source_++];
  const bool textual = model::IsTextual(
      static_cast<ValueType>(context_.tables->columns[column].type_byte & 0x7F));
  if (!slot->raw) {
    std::uint64_t rank = 0;
    if (values != nullptr) {
      Values& ranks = *values;
      if (!ranks.ready) {
        TS_TRY(LoadNumbers(ColumnStreamId(column, of_event ? ColumnStream::kEventRanks
                                                           : ColumnStream::kRanks),
                           ranks.range, ranks.numbers));
        ranks.ready = true;
      }
      if (ranks.next >= ranks.numbers.size()) return Damaged("a column has fewer ranks than rows");
      rank = ranks.numbers[ranks.next++];
      if (rank >= slot->values.size()) return Damaged("a rank is out of its list");
    } else if (slot->values.empty()) {
      return Damaged("a list of values is empty");
    }
    const std::uint64_t value = slot->values[static_cast<std::size_t>(rank)];
    bits = textual ? texts_.Map(static_cast<std::uint32_t>(value)) : value;
    if (owner.hints != nullptr)
      hint = owner.hints[slot - owner.slots.data()] + static_cast<std::uint32_t>(rank);
    return {};
  }
  Values& raw = *values;
  if (!raw.ready) TS_TRY(LoadRaw(column, of_event, raw));
  if (raw.next >= (textual ? raw.texts.size() : raw.numbers.size()))
    return Damaged("a column has fewer values than rows");
  bits = textual ? TakeText(column, raw) : raw.numbers[raw.next];
  ++raw.next;
  return {};
}

// The text at raw.next, and what is known of it.
model::StringId PageDecoder::TakeText(std::uint32_t column, Values& raw) {
  // Texts in no list are mostly new, and the table that they come into is large.
  constexpr std::size_t kAhead = 4;
  if (raw.next + kAhead < raw.hashes.size())
    out_.strings.Prefetch(raw.hashes[raw.next + kAhead]);
  const model::StringId text = out_.strings.Intern(raw.texts[raw.next], raw.hashes[raw.next]);
  if (raw.codes.templates.empty() || raw.codes.templates[raw.next] == 0) return text;
  const column::TemplateTable& table = context_.templates->at(column);
  for (; raw.code < raw.next; ++raw.code) {  // of texts that were passed over too
    if (const std::uint32_t code = raw.codes.templates[raw.code]; code != 0)
      raw.code_value += table.At(code - 1).slot_count;
  }
  hints_->AddSplit(text, column, table, raw.codes.templates[raw.next] - 1,
                   raw.codes.values.data() + raw.code_value);
  return text;
}

Status PageDecoder::ReadEvents(SpanRecord& span, std::uint32_t event_list) {
  if (!event_times_.ready && event_times_.range.size() > 0)
    TS_TRY(LoadSigned(kEventTimes, kEventTimeSigns, event_times_));
  std::uint64_t time = span.start_ns;
  // Records are appended as they come, since no other list of this span goes between.
  span.events.begin = static_cast<std::uint32_t>(out_.events.size());
  for (const std::uint32_t number : context_.tables->event_lists[event_list]) {
    const TableEventType& type = context_.tables->event_types[number];
    if (event_times_.next >= event_times_.numbers.size())
      return Damaged("it has fewer event times than events");
    time += event_times_.numbers[event_times_.next++];
    model::EventRecord event;
    event.time_ns = time;
    event.name = texts_.Map(type.name);
    TS_TRY(ReadAttributes(
        context_.tables->keysets[type.keyset], 0,
        {type.slots, hints_ == nullptr ? nullptr : hints_->OfEventType(number), true},
        event.attributes));
    out_.events.push_back(event);
    ++span.events.count;
  }
  return {};
}

Status PageDecoder::ReadResidue(const RowCodes& row, bool generic, SpanRecord& span) {
  TS_TRY(DecodeResidue(page_->Residue(row), out_, span));
  // An absent time was given its base, so that it cost nothing.
  if (!span.has_start()) span.start_ns = 0;
  if (generic && span.scope >= context_.tables->scopes.size())
    return Damaged("a generic row names a resource or scope that is not there");
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
