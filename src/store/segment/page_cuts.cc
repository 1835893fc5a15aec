// A page of 1,024 rows decodes fast, and one of more takes fewer bytes a row, for each of its
// streams has a header. So a page goes on beyond them while its rows are cheap.
#include "store/segment/page_cuts.h"

#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// What is encoded of a row, about, in bytes (docs/benchmarks.md, bytes by column): its id and times
// and its place; a value of a list, of the raw numbers and of the raw texts of its op; an event's
// time.
constexpr std::size_t kRowCost = 14;
constexpr std::size_t kRankCost = 1;
constexpr std::size_t kNumberCost = 3;
constexpr std::size_t kTextCost = 6;
constexpr std::size_t kEventCost = 3;

struct RowWeight {
  std::size_t cost = 0;        // about its encoded bytes
  std::size_t text_bytes = 0;  // of texts that may stand in the page, and one for each attribute
};

class RowWeigher {
 public:
  RowWeigher(const SpanBatch& batch, const Shapes& shapes) : batch_(batch), shapes_(shapes) {}

  RowWeight Of(const SpanRecord& span) const {
    RowWeight weight;
    weight.cost = kRowCost;
    Add(span.attributes, weight);
    for (const model::StringId text : {span.status_message, span.trace_state, span.unknown_fields})
      AddText(text, weight);
    for (std::uint32_t i = 0; i < span.events.count; ++i) {
      const model::EventRecord& event = batch_.events[span.events.begin + i];
      weight.cost += kEventCost;
      ++weight.text_bytes;
      Add(event.attributes, weight);
      AddText(event.unknown_fields, weight);
    }
    for (std::uint32_t i = 0; i < span.references.count; ++i) {
      const model::ReferenceRecord& reference = batch_.references[span.references.begin + i];
      weight.cost += kRowCost;
      ++weight.text_bytes;
      Add(reference.attributes, weight);
      for (const model::StringId text : {reference.trace_state, reference.unknown_fields})
        AddText(text, weight);
    }
    return weight;
  }

 private:
  void AddText(model::StringId text, RowWeight& weight) const {
    if (text == 0) return;
    weight.cost += kTextCost;
    weight.text_bytes += batch_.text(text).size();
  }
  void Add(model::Range attributes, RowWeight& weight) const {
    weight.text_bytes += attributes.count;
    for (std::uint32_t i = 0; i < attributes.count; ++i) {
      const std::uint32_t at = attributes.begin + i;
      const model::Attribute& attribute = batch_.attributes[at];
      const bool textual = model::IsTextual(attribute.type());
      weight.cost += CostOf(shapes_.attribute_values[at], textual);
      if (textual)
        weight.text_bytes += batch_.text(static_cast<model::StringId>(attribute.bits)).size();
    }
  }
  std::size_t CostOf(std::uint32_t value, bool textual) const {
    const std::size_t raw = textual ? kTextCost : kNumberCost;
    if (value == kNoValue) return raw;
    const SlotCount& slot = shapes_.slots[shapes_.values.entries()[value].scope];
    if (slot.raw) return raw;
    return slot.distinct == 1 ? 0 : kRankCost;
  }

  const SpanBatch& batch_;
  const Shapes& shapes_;
};

// The page at hand.
struct OpenPage {
  std::uint32_t rows = 0;
  RowWeight weight;

  bool HasRoomFor(std::uint32_t more_rows, std::size_t more_cost) const {
    const std::uint32_t all = rows + more_rows;
    return all <= kPageRows || (all <= kPageMostRows && weight.cost + more_cost <= kPageCost);
  }
};

}  // namespace

std::vector<std::uint32_t> CutPages(const SpanBatch& batch, const RowOrder& order,
                                    const Shapes& shapes) {
  const RowWeigher weigher(batch, shapes);
  std::vector<std::uint32_t> ends;
  std::vector<RowWeight> weights;  // of a trace's rows
  OpenPage page;
  const auto close_before = [&](std::uint32_t row) {
    ends.push_back(row);
    page = {};
  };
  for (const TraceRows& trace : order.traces) {
    weights.clear();
    std::size_t cost = 0;
    for (std::uint32_t i = 0; i < trace.rows; ++i) {
      weights.push_back(weigher.Of(batch.spans[order.rows[trace.first_row + i]]));
      cost += weights.back().cost;
    }
    if (page.rows > 0 && !page.HasRoomFor(trace.rows, cost)) close_before(trace.first_row);
    for (std::uint32_t i = 0; i < trace.rows; ++i) {
      const RowWeight& row = weights[i];
      if (page.rows > 0 && (!page.HasRoomFor(1, row.cost) ||
                            page.weight.text_bytes + row.text_bytes > kPageTextBytes)) {
        close_before(trace.first_row + i);
      }
      ++page.rows;
      page.weight.cost += row.cost;
      page.weight.text_bytes += row.text_bytes;
    }
  }
  ends.push_back(static_cast<std::uint32_t>(order.rows.size()));
  return ends;
}

}  // namespace tracestore::store
