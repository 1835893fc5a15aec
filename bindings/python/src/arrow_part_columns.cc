// The columns of what spans have several of: events, and references but the parent.
#include "arrow_columns.h"
#include "arrow_makers.h"

namespace tracestore::python {
namespace {

const char* TypeName(ReferenceType type) noexcept {
  switch (type) {
    case ReferenceType::kChildOf: return "child_of";
    case ReferenceType::kFollowsFrom: return "follows_from";
    case ReferenceType::kLink: return "link";
  }
  return "link";
}

// The ids of the span that has it.
template <typename Row>
std::vector<Maker<Row>> IdMakers() {
  return {
      {"trace_id", [](const ColumnStyle& style) {
         return IdOf<Row, 16>("trace_id", style, false,
                              [](const Row& r) { return BytesOf(r.span.trace_id()); });
       }},
      {"span_id", [](const ColumnStyle& style) {
         return IdOf<Row, 8>("span_id", style, false,
                             [](const Row& r) { return BytesOf(r.span.span_id()); });
       }},
  };
}

template <typename Row>
Maker<Row> Attributes() {
  return {"attributes", [](const ColumnStyle&) {
            return MapOf<Row>("attributes", [](const Row& r) { return AttributesOf(r); });
          }};
}

const std::vector<Maker<EventRow>>& EventMakers() {
  using R = const EventRow&;
  static const std::vector<Maker<EventRow>> makers = [] {
    auto all = IdMakers<EventRow>();
    all.push_back({"time", [](const ColumnStyle&) {
                     return NumberOf<std::int64_t, EventRow>(
                         "time", "tsn:UTC", true, [](R r, std::uint64_t& beyond) {
                           return Fitting(true, r.event.time_ns(), beyond);
                         });
                   }});
    all.push_back({"name", [](const ColumnStyle& style) {
                     return SharedTextOf<EventRow>("name", style,
                                                   [](R r) { return r.event.name(); });
                   }});
    all.push_back(Attributes<EventRow>());
    return all;
  }();
  return makers;
}

const std::vector<Maker<LinkRow>>& LinkMakers() {
  using R = const LinkRow&;
  static const std::vector<Maker<LinkRow>> makers = [] {
    auto all = IdMakers<LinkRow>();
    all.push_back({"type", [](const ColumnStyle& style) {
                     return SharedTextOf<LinkRow>("type", style, [](R r) {
                       return std::string_view(TypeName(r.link.type()));
                     });
                   }});
    all.push_back({"linked_trace_id", [](const ColumnStyle& style) {
                     return IdOf<LinkRow, 16>("linked_trace_id", style, false,
                                              [](R r) { return BytesOf(r.link.trace_id()); });
                   }});
    all.push_back({"linked_span_id", [](const ColumnStyle& style) {
                     return IdOf<LinkRow, 8>("linked_span_id", style, false,
                                             [](R r) { return BytesOf(r.link.span_id()); });
                   }});
    all.push_back({"trace_state", [](const ColumnStyle&) {
                     return TextOf<LinkRow>("trace_state",
                                            [](R r) { return r.link.trace_state(); });
                   }});
    all.push_back({"flags", [](const ColumnStyle&) {
                     return NumberOf<std::uint32_t, LinkRow>(
                         "flags", "I", false, [](R r, std::uint64_t&) {
                           return std::optional<std::uint32_t>(r.link.flags());
                         });
                   }});
    all.push_back(Attributes<LinkRow>());
    return all;
  }();
  return makers;
}

}  // namespace

TableColumns<EventRow> EventColumns(const ColumnChoice& choice) {
  return Make(EventMakers(), choice);
}
TableColumns<LinkRow> LinkColumns(const ColumnChoice& choice) { return Make(LinkMakers(), choice); }

SpanParts EventPartsFor(const ColumnChoice& choice) {
  SpanParts parts = AttributeParts(choice);
  parts.events = true;
  return parts;
}

// References come whole whatever else does.
SpanParts LinkPartsFor(const ColumnChoice&) {
  SpanParts parts;
  parts.attributes = parts.events = false;
  return parts;
}

std::vector<std::string> AllEventColumns() { return NamesOf(EventMakers()); }
std::vector<std::string> AllLinkColumns() { return NamesOf(LinkMakers()); }

}  // namespace tracestore::python
