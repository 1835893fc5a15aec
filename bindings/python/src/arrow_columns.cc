#include "arrow_columns.h"

#include <algorithm>
#include <functional>

#include "arrow_column_kinds.h"
#include "errors.h"

namespace tracestore::python {
namespace {

constexpr std::uint64_t kMostTime = 0x7FFFFFFFFFFFFFFF;

template <typename Row>
using Column = std::unique_ptr<TableColumn<Row>>;

template <typename Builder, typename Get>
Column<SpanView> OfAttribute(const std::string& key, const char* format, Get get) {
  return std::make_unique<AttributeColumn<Builder, Get>>(key, format, get);
}

Column<SpanView> AttributeOf(const std::string& key, const std::string& type) {
  const auto put = [](const auto& value, auto& builder) {
    if (value) builder.Append(*value);
    return value.has_value();
  };
  if (type == "text") {
    return OfAttribute<TextBuilder>(key, "u", [](const AttributeView& a, TextBuilder& out) {
      if (a.type() == ValueType::kEmpty) return false;
      if (a.type() == ValueType::kString) out.Append(a.string_value());
      else out.Append(a.text());
      return true;
    });
  }
  if (type == "bytes") {
    return OfAttribute<TextBuilder>(key, "z", [](const AttributeView& a, TextBuilder& out) {
      if (a.type() != ValueType::kBytes) return false;
      out.AppendBytes(a.bytes_value());
      return true;
    });
  }
  if (type == "int") {
    return OfAttribute<NumberBuilder<std::int64_t>>(
        key, "l", [put](const AttributeView& a, auto& out) { return put(IntOf(a), out); });
  }
  if (type == "float") {
    return OfAttribute<NumberBuilder<double>>(
        key, "g", [put](const AttributeView& a, auto& out) { return put(FloatOf(a), out); });
  }
  if (type == "bool") {
    return OfAttribute<BoolBuilder>(
        key, "b", [put](const AttributeView& a, auto& out) { return put(BoolOf(a), out); });
  }
  Raise(Error(ErrorCode::kInvalidArgument,
              "an attribute's column is text, int, float, bool or bytes, not '" + type + "'"));
}

template <typename Row, typename Get>
Column<Row> TextOf(const char* name, Get get) {
  return std::make_unique<TextColumn<Row, Get>>(name, get);
}
template <typename Number, typename Row, typename Get>
Column<Row> NumberOf(const char* name, const char* format, bool nullable, Get get) {
  return std::make_unique<NumberColumn<Row, Number, Get>>(name, format, nullable, get);
}
template <typename Get>
Column<SpanView> MapOf(const char* name, Get get) {
  return std::make_unique<MapColumn<Get>>(name, get);
}

void PutBigEndian(std::uint64_t value, std::uint8_t* out) {
  for (int i = 7; i >= 0; --i, value >>= 8) out[i] = static_cast<std::uint8_t>(value);
}
std::array<std::uint8_t, 16> BytesOf(TraceId id) {
  std::array<std::uint8_t, 16> bytes;
  PutBigEndian(id.high, bytes.data());
  PutBigEndian(id.low, bytes.data() + 8);
  return bytes;
}
std::array<std::uint8_t, 8> BytesOf(SpanId id) {
  std::array<std::uint8_t, 8> bytes;
  PutBigEndian(id.value, bytes.data());
  return bytes;
}
template <typename Row, std::size_t Width, typename Get>
Column<Row> IdOf(const char* name, bool binary, bool nullable, Get get) {
  return std::make_unique<IdColumn<Row, Width, Get>>(name, binary, nullable, get);
}

// A time or difference that `there` is, where it fits.
std::optional<std::int64_t> Fitting(bool there, std::uint64_t ns, std::uint64_t& beyond) {
  if (!there) return std::nullopt;
  if (ns <= kMostTime) return static_cast<std::int64_t>(ns);
  ++beyond;
  return std::nullopt;
}
// Durations are modulo 2^64: negative where the end lies before the start.
std::optional<std::int64_t> DurationOf(const SpanView& span, std::uint64_t& beyond) {
  const std::uint64_t ns = span.duration_ns();
  if (span.has_duration() && span.start_ns() + ns < span.start_ns())
    return static_cast<std::int64_t>(ns);
  return Fitting(span.has_duration(), ns, beyond);
}

template <typename Row>
struct Maker {
  const char* name;
  std::function<Column<Row>(bool binary_ids)> make;
};

const std::vector<Maker<SpanView>>& SpanMakers() {
  using V = const SpanView&;
  static const std::vector<Maker<SpanView>> makers = {
      {"trace_id", [](bool binary) {
         return IdOf<SpanView, 16>("trace_id", binary, false,
                                   [](V s) { return BytesOf(s.trace_id()); });
       }},
      {"span_id", [](bool binary) {
         return IdOf<SpanView, 8>("span_id", binary, false,
                                  [](V s) { return BytesOf(s.span_id()); });
       }},
      {"parent_id", [](bool binary) {
         return IdOf<SpanView, 8>("parent_id", binary, true,
                                  [](V s) { return BytesOf(s.parent_id()); });
       }},
      {"service", [](bool) { return TextOf<SpanView>("service", [](V s) { return s.service(); }); }},
      {"name", [](bool) { return TextOf<SpanView>("name", [](V s) { return s.name(); }); }},
      {"kind", [](bool) {
         return TextOf<SpanView>("kind", [](V s) { return std::string_view(SpanKindName(s.kind())); });
       }},
      {"status", [](bool) {
         return TextOf<SpanView>("status",
                                 [](V s) { return std::string_view(StatusCodeName(s.status())); });
       }},
      {"status_message", [](bool) {
         return TextOf<SpanView>("status_message", [](V s) { return s.status_message(); });
       }},
      {"start", [](bool) {
         return NumberOf<std::int64_t, SpanView>(
             "start", "tsn:UTC", true,
             [](V s, std::uint64_t& b) { return Fitting(s.has_start(), s.start_ns(), b); });
       }},
      {"duration_ns", [](bool) {
         return NumberOf<std::int64_t, SpanView>("duration_ns", "l", true, &DurationOf);
       }},
      {"flags", [](bool) {
         return NumberOf<std::uint32_t, SpanView>(
             "flags", "I", false,
             [](V s, std::uint64_t&) { return std::optional<std::uint32_t>(s.flags()); });
       }},
      {"trace_state", [](bool) {
         return TextOf<SpanView>("trace_state", [](V s) { return s.trace_state(); });
       }},
      {"scope_name", [](bool) {
         return TextOf<SpanView>("scope_name", [](V s) { return s.scope_name(); });
       }},
      {"scope_version", [](bool) {
         return TextOf<SpanView>("scope_version", [](V s) { return s.scope_version(); });
       }},
      {"event_count", [](bool) {
         return NumberOf<std::uint32_t, SpanView>("event_count", "I", false,
                                                  [](V s, std::uint64_t&) {
           return std::optional<std::uint32_t>(static_cast<std::uint32_t>(s.event_count()));
         });
       }},
      {"attributes", [](bool) {
         return MapOf("attributes", [](V s) { return s.attributes(); });
       }},
      {"resource", [](bool) {
         return MapOf("resource", [](V s) { return s.resource_attributes(); });
       }},
  };
  return makers;
}

// The names of the services as a list of texts.
class ServicesColumn : public TableColumn<TraceSummary> {
 public:
  ArrowField field() const override { return {"services", "+l", false, {{"item", "u", false}}}; }
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
      {"trace_id", [](bool binary) {
         return IdOf<TraceSummary, 16>("trace_id", binary, false,
                                       [](V s) { return BytesOf(s.trace_id); });
       }},
      {"start", [](bool) {
         return NumberOf<std::int64_t, TraceSummary>(
             "start", "tsn:UTC", true,
             [](V s, std::uint64_t& b) { return Fitting(s.has_start, s.start_ns, b); });
       }},
      {"duration_ns", [](bool) {
         return NumberOf<std::int64_t, TraceSummary>(
             "duration_ns", "l", true,
             [](V s, std::uint64_t& b) { return Fitting(s.has_start, s.duration_ns(), b); });
       }},
      {"root_service", [](bool) {
         return TextOf<TraceSummary>("root_service",
                                     [](V s) { return std::string_view(s.root_service); });
       }},
      {"root_operation", [](bool) {
         return TextOf<TraceSummary>("root_operation",
                                     [](V s) { return std::string_view(s.root_operation); });
       }},
      {"span_count", [](bool) { return CountOf("span_count", &TraceSummary::span_count); }},
      {"error_count", [](bool) { return CountOf("error_count", &TraceSummary::error_count); }},
      {"orphan_count", [](bool) { return CountOf("orphan_count", &TraceSummary::orphan_count); }},
      {"services", [](bool) { return std::make_unique<ServicesColumn>(); }},
  };
  return makers;
}

template <typename Row>
std::vector<std::string> NamesOf(const std::vector<Maker<Row>>& makers) {
  std::vector<std::string> names;
  for (const auto& maker : makers) names.emplace_back(maker.name);
  return names;
}

template <typename Row>
TableColumns<Row> Make(const std::vector<Maker<Row>>& makers,
                       const std::vector<std::string>& names, bool binary_ids) {
  TableColumns<Row> columns;
  for (const std::string& name : names) {
    const auto maker = std::find_if(makers.begin(), makers.end(),
                                    [&](const auto& m) { return m.name == name; });
    if (maker == makers.end()) {
      std::string right;
      for (const auto& m : makers) right += (right.empty() ? "" : ", ") + std::string(m.name);
      Raise(Error(ErrorCode::kInvalidArgument,
                  "there is no column '" + name + "'; there are " + right));
    }
    columns.push_back(maker->make(binary_ids));
  }
  return columns;
}

}  // namespace

TableColumns<SpanView> SpanColumns(const SpanColumnChoice& choice) {
  auto columns = Make(SpanMakers(), choice.names, choice.binary_ids);
  for (const auto& [key, type] : choice.attributes) columns.push_back(AttributeOf(key, type));
  return columns;
}

TableColumns<TraceSummary> SummaryColumns(const std::vector<std::string>& names, bool binary_ids) {
  return Make(SummaryMakers(), names, binary_ids);
}

SpanParts PartsFor(const SpanColumnChoice& choice) {
  const auto named = [&](const char* name) {
    return std::find(choice.names.begin(), choice.names.end(), name) != choice.names.end();
  };
  SpanParts parts;
  parts.events = named("event_count");
  const bool all = named("attributes");
  parts.attributes = all || !choice.attributes.empty();
  if (all) return parts;
  for (const auto& attribute : choice.attributes) parts.keys.push_back(attribute.first);
  return parts;
}

std::vector<std::string> AllSpanColumns() { return NamesOf(SpanMakers()); }
std::vector<std::string> AllSummaryColumns() { return NamesOf(SummaryMakers()); }

}  // namespace tracestore::python
