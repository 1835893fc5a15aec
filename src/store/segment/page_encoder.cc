#include "store/segment/page_encoder.h"

#include <bit>

#include "base/bytes.h"
#include "codec/column/int_stream.h"
#include "codec/column/text_stream.h"
#include "store/segment/residue.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

using model::Attribute;
using model::SpanRecord;

// About how many bits a signed difference costs in the log-bucket coding.
unsigned Cost(std::uint64_t difference) noexcept {
  const auto v = static_cast<std::int64_t>(difference);
  const std::uint64_t magnitude = v < 0 ? 0 - difference : difference;
  return static_cast<unsigned>(std::bit_width(magnitude));
}

void Pop(const RowOrder& order, std::uint32_t row, std::uint32_t first, PreorderTimes& times,
         std::size_t& pops) {
  const std::uint32_t parent = order.parents[row];
  pops = 0;
  if (parent == kNoRow || parent < first) {
    pops = times.depth();
    return;
  }
  while (times.RowAfter(pops) != parent) ++pops;
}

}  // namespace

void ChooseTimeBases(const model::SpanBatch& batch, const RowOrder& order, Shapes& shapes) {
  struct Bits {
    std::uint64_t sibling_start = 0, sibling_end = 0, plain = 0, to_parent_end = 0;
  };
  std::vector<Bits> bits(shapes.tables.ops.size() + 1);
  PreorderTimes times;
  std::size_t trace = 0;
  for (std::uint32_t row = 0; row < order.rows.size(); ++row) {
    if (trace < order.traces.size() && order.traces[trace].first_row == row)
      times.BeginTrace(order.traces[trace++].start_ns);
    std::size_t pops = 0;
    Pop(order, row, 0, times, pops);
    times.Enter(pops, 0);
    const SpanRecord& span = batch.spans[order.rows[row]];
    const std::uint64_t start =
        span.has_start() ? span.start_ns : times.StartBaseOf(StartBase::kSiblingStart);
    Bits& op = bits[shapes.rows[row].op];
    op.sibling_start += Cost(start - times.StartBaseOf(StartBase::kSiblingStart));
    op.sibling_end += Cost(start - times.StartBaseOf(StartBase::kSiblingEnd));
    op.plain += Cost(span.duration_ns);
    op.to_parent_end += Cost(times.Fold(DurationBase::kParentEnd, start, span.duration_ns));
    times.Place(row, start, span.duration_ns);
  }
  for (std::size_t i = 0; i < shapes.tables.ops.size(); ++i) {
    TableOp& op = shapes.tables.ops[i];
    const Bits& b = bits[i + 1];
    op.start_base =
        b.sibling_end < b.sibling_start ? StartBase::kSiblingEnd : StartBase::kSiblingStart;
    op.duration_base = b.to_parent_end < b.plain ? DurationBase::kParentEnd : DurationBase::kZero;
  }
}

PageEncoder::PageEncoder(const model::SpanBatch& batch, const RowOrder& order,
                         const Shapes& shapes, const ColumnTemplates& templates,
                         const TextSplits& splits)
    : batch_(batch), order_(order), shapes_(shapes), templates_(templates), splits_(splits) {
  for (const auto& [column, table] : templates)
    places_.try_emplace(column, table, splits.templates());
  columns_.resize(shapes.tables.columns.size() * 2);
}

std::string PageEncoder::Encode(std::uint32_t first, std::uint32_t last) {
  for (auto* list : {&ops_, &keysets_, &statuses_, &resources_, &event_lists_, &odd_, &pops_,
                     &root_codes_, &outside_ids_, &outside_rows_, &span_ids_}) {
    list->clear();
  }
  for (auto* list : {&starts_, &durations_, &event_times_}) list->clear();
  residues_.clear();
  outside_index_.clear();
  directory_.clear();
  body_.clear();
  stream_count_ = 0;

  // A page that begins within a trace begins that trace anew.
  if (next_trace_ > 0 && order_.traces[next_trace_ - 1].first_row +
                             order_.traces[next_trace_ - 1].rows > first) {
    times_.BeginTrace(order_.traces[next_trace_ - 1].start_ns);
  }
  for (std::uint32_t row = first; row < last; ++row) {
    if (next_trace_ < order_.traces.size() && order_.traces[next_trace_].first_row == row)
      times_.BeginTrace(order_.traces[next_trace_++].start_ns);
    PlaceRow(row, first);
  }
  using K = StreamKind;
  const auto id = [](K kind) { return static_cast<std::uint32_t>(kind); };
  Emit(id(K::kOp), ops_);
  Emit(id(K::kKeyset), keysets_);
  Emit(id(K::kStatus), statuses_);
  Emit(id(K::kResource), resources_);
  Emit(id(K::kEventList), event_lists_);
  Emit(id(K::kOdd), odd_);
  Emit(id(K::kPops), pops_);
  Emit(id(K::kRootCode), root_codes_);
  Emit(id(K::kOutsideIds), outside_ids_);
  Emit(id(K::kOutsideRows), outside_rows_);
  Emit(id(K::kSpanIds), span_ids_);
  EmitSigned(id(K::kStarts), id(K::kStartSigns), starts_);
  EmitSigned(id(K::kDurations), id(K::kDurationSigns), durations_);
  EmitSigned(kEventTimes, kEventTimeSigns, event_times_);
  if (!residues_.empty()) {
    const std::vector<std::string_view> texts(residues_.begin(), residues_.end());
    scratch_.clear();
    column::EncodeTexts(texts, scratch_);
    Append(id(K::kResidue), texts.size());
  }
  EmitColumns();

  std::string page;
  base::ByteWriter writer(page);
  writer.Varint(last - first);
  writer.Varint(stream_count_);
  page += directory_;
  page += body_;
  return page;
}

std::uint32_t PageEncoder::OutsideParent(const SpanRecord& span, std::uint32_t row) {
  if (span.parent_id.empty()) return 0;
  const auto [at, fresh] = outside_index_.try_emplace(
      {span.trace_id, span.parent_id.value}, static_cast<std::uint32_t>(outside_ids_.size() + 1));
  if (fresh) {
    outside_ids_.push_back(span.parent_id.value);
    outside_rows_.push_back(order_.parents[row] == kNoRow ? 0 : order_.parents[row] + 1ULL);
  }
  return at->second;
}

void PageEncoder::PlaceRow(std::uint32_t row, std::uint32_t first) {
  const SpanRecord& span = batch_.spans[order_.rows[row]];
  const RowShape& shape = shapes_.rows[row];
  const TableOp* op = shape.op == 0 ? nullptr : &shapes_.tables.ops[shape.op - 1];
  std::size_t pops = 0;
  Pop(order_, row, first, times_, pops);
  const bool root = pops == times_.depth();
  pops_.push_back(pops);
  std::uint32_t outside = 0;
  if (root) {
    outside = OutsideParent(span, row);
    root_codes_.push_back(outside);
  }
  times_.Enter(pops, outside);
  span_ids_.push_back(span.span_id.value);

  const std::uint64_t base =
      times_.StartBaseOf(op == nullptr ? StartBase::kSiblingStart : op->start_base);
  const std::uint64_t start = span.has_start() ? span.start_ns : base;
  starts_.push_back(static_cast<std::int64_t>(start - base));
  durations_.push_back(static_cast<std::int64_t>(times_.Fold(
      op == nullptr ? DurationBase::kZero : op->duration_base, start, span.duration_ns)));
  times_.Place(row, start, span.duration_ns);

  odd_.push_back(shape.odd ? 1 : 0);
  ops_.push_back(shape.op);
  if (shape.odd) {
    residues_.emplace_back();
    EncodeResidue(batch_, span, op == nullptr, shape.events_in_residue, residues_.back());
  }
  if (op == nullptr) return;
  if (op->keysets.size() > 1) keysets_.push_back(shape.keyset_rank);
  if (op->statuses.size() > 1) statuses_.push_back(shape.status_rank);
  if (op->event_lists.size() > 1) event_lists_.push_back(shape.event_rank);
  if (op->resources.size() > 1) {
    const bool same =
        !root && batch_.spans[order_.rows[order_.parents[row]]].resource == span.resource;
    resources_.push_back(same ? 0 : shape.resource_rank + 1ULL);
  }
  const auto& keyset = shapes_.tables.keysets[op->keysets[shape.keyset_rank]];
  if (shape.message_value != kNoValue)
    AddValue(kStatusMessageColumn, shape.message_value, span.status_message, false);
  AddAttributes(span.attributes, keyset, shape.message_value != kNoValue ? 1 : 0, false);
  if (!shape.events_in_residue) AddEvents(span, start, op->event_lists[shape.event_rank]);
}

void PageEncoder::AddEvents(const SpanRecord& span, std::uint64_t start, std::uint32_t event_list) {
  const auto& types = shapes_.tables.event_lists[event_list];
  std::uint64_t before = start;
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const model::EventRecord& event = batch_.events[span.events.begin + i];
    event_times_.push_back(static_cast<std::int64_t>(event.time_ns - before));
    before = event.time_ns;
    const auto& type = shapes_.tables.event_types[types[i]];
    AddAttributes(event.attributes, shapes_.tables.keysets[type.keyset], 0, true);
  }
}

void PageEncoder::AddAttributes(model::Range range, const std::vector<std::uint32_t>& keyset,
                                std::size_t first_column, bool of_event) {
  for (std::uint32_t i = 0; i < range.count; ++i) {
    const std::uint32_t at = range.begin + i;
    AddValue(keyset[first_column + i], shapes_.attribute_values[at], batch_.attributes[at].bits,
             of_event);
  }
}

void PageEncoder::AddValue(std::uint32_t column, std::uint32_t value, std::uint64_t bits,
                           bool of_event) {
  const SlotCount& slot = shapes_.slots[shapes_.values.entries()[value].scope];
  if (!slot.raw && slot.distinct == 1) return;
  ColumnData& data = columns_[column * 2 + (of_event ? 1 : 0)];
  if (!data.used) {
    data.used = true;
    used_columns_.push_back(column * 2 + (of_event ? 1 : 0));
  }
  if (!slot.raw) {
    data.ranks.push_back(shapes_.value_ranks[value]);
  } else if (model::IsTextual(static_cast<ValueType>(
                 shapes_.tables.columns[column].type_byte & 0x7F))) {
    data.texts.push_back(batch_.text(static_cast<model::StringId>(bits)));
    data.splits.push_back(splits_.Of(static_cast<model::StringId>(bits)));
  } else {
    data.raw.push_back(bits);
  }
}

void PageEncoder::Append(std::uint32_t stream, std::size_t count) {
  base::ByteWriter directory(directory_);
  directory.Varint(stream);
  directory.Varint(count);
  directory.Varint(scratch_.size());
  body_ += scratch_;
  bytes_[stream] += scratch_.size();
  ++stream_count_;
}

void PageEncoder::Emit(std::uint32_t stream, const std::vector<std::uint64_t>& values) {
  if (values.empty()) return;
  scratch_.clear();
  column::EncodeInts(values, scratch_);
  Append(stream, values.size());
}

void PageEncoder::EmitSigned(std::uint32_t stream, std::uint32_t signs,
                             const std::vector<std::int64_t>& values) {
  if (values.empty()) return;
  std::vector<std::uint64_t> magnitudes, negative;
  bool any_negative = false;
  for (const std::int64_t v : values) {
    const auto u = static_cast<std::uint64_t>(v);
    magnitudes.push_back(v < 0 ? 0 - u : u);
    negative.push_back(v < 0 ? 1 : 0);
    any_negative |= v < 0;
  }
  Emit(stream, magnitudes);
  if (any_negative) Emit(signs, negative);
}

void PageEncoder::EmitTexts(std::uint32_t stream, std::uint32_t column) {
  const ColumnData& data = columns_[column];
  scratch_.clear();
  const auto templates = templates_.find(column / 2);
  if (templates == templates_.end()) column::EncodeTexts(data.texts, scratch_);
  else column::EncodeTemplated(data.texts, data.splits, templates->second,
                               places_.at(column / 2), scratch_);
  Append(stream, data.texts.size());
}

void PageEncoder::EmitColumns() {
  for (const std::uint32_t used : used_columns_) {
    ColumnData& data = columns_[used];
    const bool of_event = (used & 1) != 0;
    const auto stream = [&](ColumnStream kind) {
      return ColumnStreamId(used / 2, static_cast<ColumnStream>(static_cast<unsigned>(kind) +
                                                                (of_event ? 3U : 0U)));
    };
    Emit(stream(ColumnStream::kRanks), data.ranks);
    if (!data.texts.empty()) EmitTexts(stream(ColumnStream::kRaw), used);
    const auto type = static_cast<ValueType>(shapes_.tables.columns[used / 2].type_byte & 0x7F);
    if (type == ValueType::kInt) {
      EmitSigned(stream(ColumnStream::kRaw), stream(ColumnStream::kRawSigns),
                 std::vector<std::int64_t>(data.raw.begin(), data.raw.end()));
    } else {
      Emit(stream(ColumnStream::kRaw), data.raw);
    }
    data.ranks.clear();
    data.raw.clear();
    data.texts.clear();
    data.splits.clear();
    data.used = false;
  }
  used_columns_.clear();
}

}  // namespace tracestore::store
