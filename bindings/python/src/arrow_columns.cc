#include "arrow_columns.h"

#include "arrow_makers.h"

namespace tracestore::python {
namespace {

// Durations are modulo 2^64: negative where the end lies before the start.
std::optional<std::int64_t> DurationOf(const SpanView& span, std::uint64_t& beyond) {
  const std::uint64_t ns = span.duration_ns();
  if (span.has_duration() && span.start_ns() + ns < span.start_ns())
    return static_cast<std::int64_t>(ns);
  return Fitting(span.has_duration(), ns, beyond);
}

const std::vector<Maker<SpanView>>& SpanMakers() {
  using V = const SpanView&;
  static const std::vector<Maker<SpanView>> makers = {
      {"trace_id", [](const ColumnStyle& style) {
         return IdOf<SpanView, 16>("trace_id", style, false,
                                   [](V s) { return BytesOf(s.trace_id()); });
       }},
      {"span_id", [](const ColumnStyle& style) {
         return IdOf<SpanView, 8>("span_id", style, false,
                                  [](V s) { return BytesOf(s.span_id()); });
       }},
      {"parent_id", [](const ColumnStyle& style) {
         return IdOf<SpanView, 8>("parent_id", style, true,
                                  [](V s) { return BytesOf(s.parent_id()); });
       }},
      {"service", [](const ColumnStyle& style) {
         return SharedTextOf<SpanView>("service", style, [](V s) { return s.service(); });
       }},
      {"name", [](const ColumnStyle& style) {
         return SharedTextOf<SpanView>("name", style, [](V s) { return s.name(); });
       }},
      {"kind", [](const ColumnStyle& style) {
         return SharedTextOf<SpanView>(
             "kind", style, [](V s) { return std::string_view(SpanKindName(s.kind())); });
       }},
      {"status", [](const ColumnStyle& style) {
         return SharedTextOf<SpanView>(
             "status", style, [](V s) { return std::string_view(StatusCodeName(s.status())); });
       }},
      {"status_message", [](const ColumnStyle&) {
         return TextOf<SpanView>("status_message", [](V s) { return s.status_message(); });
       }},
      {"start", [](const ColumnStyle&) {
         return NumberOf<std::int64_t, SpanView>(
             "start", "tsn:UTC", true,
             [](V s, std::uint64_t& b) { return Fitting(s.has_start(), s.start_ns(), b); });
       }},
      {"duration_ns", [](const ColumnStyle&) {
         return NumberOf<std::int64_t, SpanView>("duration_ns", "l", true, &DurationOf);
       }},
      {"flags", [](const ColumnStyle&) {
         return NumberOf<std::uint32_t, SpanView>(
             "flags", "I", false,
             [](V s, std::uint64_t&) { return std::optional<std::uint32_t>(s.flags()); });
       }},
      {"trace_state", [](const ColumnStyle&) {
         return TextOf<SpanView>("trace_state", [](V s) { return s.trace_state(); });
       }},
      {"scope_name", [](const ColumnStyle& style) {
         return SharedTextOf<SpanView>("scope_name", style, [](V s) { return s.scope_name(); });
       }},
      {"scope_version", [](const ColumnStyle& style) {
         return SharedTextOf<SpanView>("scope_version", style,
                                       [](V s) { return s.scope_version(); });
       }},
      {"event_count", [](const ColumnStyle&) {
         return NumberOf<std::uint32_t, SpanView>("event_count", "I", false,
                                                  [](V s, std::uint64_t&) {
           return std::optional<std::uint32_t>(static_cast<std::uint32_t>(s.event_count()));
         });
       }},
      {"attributes", [](const ColumnStyle&) {
         return MapOf<SpanView>("attributes", [](V s) { return s.attributes(); });
       }},
      {"resource", [](const ColumnStyle&) {
         return MapOf<SpanView>("resource", [](V s) { return s.resource_attributes(); });
       }},
  };
  return makers;
}

// The names of the services as a list of texts.
class ServicesColumn : public TableColumn<TraceSummary> {
 public:
  ArrowField field() const override { return {"services", "+l", false, {{"item", "u", false}}}; }
  void Reserve(std::size_t rows) override { rows_.Reserve(rows); }
  void Append(const TraceSummary& summary) override {
    for (const auto& service : summary.services) names_.Append(service.name);
    rows_.Append(items_ += summary.services.size());
  }
  ArrowData Finish() override {
    items_ = 0;
    return rows_.Finish(names_.Finish());
  }
  std::size_t weight() const override { return names_.bytes() + items_ * kItemWeight; }
  bool overflowed() const override { return names_.overflowed(); }

 private:
  std::size_t items_ = 0;
  TextBuilder names_;
  ListOffsets rows_;
};

Column<TraceSummary> CountOf(const char* name, std::uint64_t TraceSummary::*count) {
  return NumberOf<std::uint64_t, TraceSummary>(
      name, "L", false, [count](const TraceSummary& s, std::uint64_t&) {
        return std::optional<std::uint64_t>(s.*count);
      });
}

const std::vector<Maker<TraceSummary>>& SummaryMakers() {
  using V = const TraceSummary&;
  static const std::vector<Maker<TraceSummary>> makers = {
      {"trace_id", [](const ColumnStyle& style) {
         return IdOf<TraceSummary, 16>("trace_id", style, false,
                                       [](V s) { return BytesOf(s.trace_id); });
       }},
      {"start", [](const ColumnStyle&) {
         return NumberOf<std::int64_t, TraceSummary>(
             "start", "tsn:UTC", true,
             [](V s, std::uint64_t& b) { return Fitting(s.has_start, s.start_ns, b); });
       }},
      {"duration_ns", [](const ColumnStyle&) {
         return NumberOf<std::int64_t, TraceSummary>(
             "duration_ns", "l", true,
             [](V s, std::uint64_t& b) { return Fitting(s.has_start, s.duration_ns(), b); });
       }},
      {"root_service", [](const ColumnStyle& style) {
         return SharedTextOf<TraceSummary>("root_service", style,
                                           [](V s) { return std::string_view(s.root_service); });
       }},
      {"root_operation", [](const ColumnStyle& style) {
         return SharedTextOf<TraceSummary>("root_operation", style,
                                           [](V s) { return std::string_view(s.root_operation); });
       }},
      {"span_count",
       [](const ColumnStyle&) { return CountOf("span_count", &TraceSummary::span_count); }},
      {"error_count",
       [](const ColumnStyle&) { return CountOf("error_count", &TraceSummary::error_count); }},
      {"orphan_count",
       [](const ColumnStyle&) { return CountOf("orphan_count", &TraceSummary::orphan_count); }},
      {"services", [](const ColumnStyle&) { return std::make_unique<ServicesColumn>(); }},
  };
  return makers;
}

}  // namespace

TableColumns<SpanView> SpanColumns(const ColumnChoice& choice) {
  return Make(SpanMakers(), choice);
}

TableColumns<TraceSummary> SummaryColumns(const std::vector<std::string>& names,
                                          const ColumnStyle& style) {
  return Make(SummaryMakers(), names, style);
}

SpanParts AttributeParts(const ColumnChoice& choice) {
  SpanParts parts;
  const bool all = choice.Has("attributes");
  parts.attributes = all || !choice.attributes.empty();
  if (all) return parts;
  for (const auto& attribute : choice.attributes) parts.keys.push_back(attribute.first);
  return parts;
}

SpanParts SpanPartsFor(const ColumnChoice& choice) {
  SpanParts parts = AttributeParts(choice);
  parts.events = choice.Has("event_count");
  return parts;
}

std::vector<std::string> AllSpanColumns() { return NamesOf(SpanMakers()); }
std::vector<std::string> AllSummaryColumns() { return NamesOf(SummaryMakers()); }

}  // namespace tracestore::python
