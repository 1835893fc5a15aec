// The model to Jaeger's UI/API JSON. The order of fields and the conversions are those of Jaeger
// v1.76's /api/traces (docs/format/jaeger-json.md).
#include <algorithm>
#include <bit>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/jaeger/jaeger_json.h"
#include "codec/jaeger/jaeger_view.h"

namespace tracestore::codec {
namespace {

using model::SpanBatch;
using model::SpanRecord;

// Greatest whole number a JavaScript reader holds exactly; beyond it Jaeger writes text.
constexpr std::int64_t kMaxSafeInteger = (std::int64_t{1} << 53) - 1;

// The tags of one owner: rendered one by one, then written in their order or by key.
class TagList {
 public:
  void Clear() {
    text_.clear();
    items_.clear();
  }

  // The key must outlive the list.
  void Add(const JaegerTag& tag) {
    switch (tag.type) {
      case ValueType::kBool:
        Begin(tag.key, "bool");
        writer_.Bool(tag.bits != 0);
        break;
      case ValueType::kInt: Int(tag.key, static_cast<std::int64_t>(tag.bits)); break;
      case ValueType::kDouble:
        Begin(tag.key, "float64");
        writer_.Double(std::bit_cast<double>(tag.bits));
        break;
      case ValueType::kBytes:
        Begin(tag.key, "binary");
        writer_.Base64(tag.text);
        break;
      default:
        Begin(tag.key, "string");
        writer_.String(tag.text);
    }
    End();
  }

  // The first of that key goes to the front; false where there is none.
  bool MoveToFront(std::string_view key) {
    const auto found = std::find_if(items_.begin(), items_.end(),
                                    [&](const Item& item) { return item.key == key; });
    if (found == items_.end()) return false;
    std::rotate(items_.begin(), found, found + 1);
    return true;
  }

  // By key from the item `from` on, equal keys in their order.
  void Sort(std::size_t from = 0) {
    std::stable_sort(items_.begin() + static_cast<std::ptrdiff_t>(from), items_.end(),
                     [](const Item& a, const Item& b) { return a.key < b.key; });
  }

  void Write(JsonWriter& out) const {
    out.BeginArray();
    for (const Item& item : items_)
      out.Raw(std::string_view(text_).substr(item.begin, item.end - item.begin));
    out.EndArray();
  }

 private:
  struct Item {
    std::string_view key;  // of the batch, or a literal
    std::size_t begin;
    std::size_t end;
  };

  void Int(std::string_view key, std::int64_t value) {
    Begin(key, "int64");
    if (value > kMaxSafeInteger || value < -kMaxSafeInteger) writer_.IntString(value);
    else writer_.Int(value);
  }
  void Begin(std::string_view key, std::string_view type) {
    items_.push_back({key, text_.size(), 0});
    writer_.BeginObject();
    writer_.Key("key");
    writer_.String(key);
    writer_.Key("type");
    writer_.String(type);
    writer_.Key("value");
  }
  void End() {
    writer_.EndObject();
    items_.back().end = text_.size();
  }

  std::string text_;
  JsonWriter writer_{text_};
  std::vector<Item> items_;
};

class TraceWriter {
 public:
  TraceWriter(const SpanBatch& batch, const JaegerJsonOptions& options, JsonWriter& out)
      : batch_(batch), view_(batch), options_(options), out_(out) {}

  void Begin(std::span<const std::uint32_t> rows);
  void Span(const SpanRecord& span, std::size_t position);
  void End();

 private:
  void References(const SpanRecord& span);
  void Tags(const SpanRecord& span);
  void Logs(const SpanRecord& span);
  void Warnings(const SpanRecord& span, std::size_t position);
  std::size_t ProcessOf(std::uint32_t resource);
  std::string ProcessText(const model::ResourceRecord& resource) const;

  const SpanBatch& batch_;
  const JaegerView view_;
  const JaegerJsonOptions& options_;
  JsonWriter& out_;
  TagList tags_;
  // The JSON of processes in order of appearance, p1 first, and their numbers by resource and text.
  std::vector<std::string_view> processes_;  // keys of by_text_
  std::unordered_map<std::string, std::size_t> by_text_;
  std::unordered_map<std::uint32_t, std::size_t> by_index_;
};

// The number of the process that stands for this resource, from 1. Resources that Jaeger can't tell
// apart share one.
std::size_t TraceWriter::ProcessOf(std::uint32_t resource) {
  const auto known = by_index_.find(resource);
  if (known != by_index_.end()) return known->second;
  const auto [process, added] =
      by_text_.try_emplace(ProcessText(batch_.resources[resource]), by_text_.size() + 1);
  if (added) processes_.push_back(process->first);
  return by_index_[resource] = process->second;
}

void TraceWriter::References(const SpanRecord& span) {
  out_.BeginArray();
  view_.References(span, [&](bool child_of, TraceId trace_id, SpanId span_id) {
    out_.BeginObject();
    out_.Key("refType");
    out_.String(child_of ? "CHILD_OF" : "FOLLOWS_FROM");
    out_.Key("traceID");
    out_.String(trace_id.ToShortHex());
    out_.Key("spanID");
    out_.String(span_id.ToHex());
    out_.EndObject();
  });
  out_.EndArray();
}

void TraceWriter::Tags(const SpanRecord& span) {
  tags_.Clear();
  view_.SpanTags(span, [&](const JaegerTag& tag) { tags_.Add(tag); });
  if (options_.sort_tags) tags_.Sort();
  tags_.Write(out_);
}

void TraceWriter::Logs(const SpanRecord& span) {
  out_.BeginArray();
  for (std::uint32_t i = 0; i < span.events.count; ++i) {
    const auto& event = batch_.events[span.events.begin + i];
    tags_.Clear();
    view_.LogFields(span, event, [&](const JaegerTag& tag) { tags_.Add(tag); });
    if (options_.sort_tags) tags_.Sort(tags_.MoveToFront("event") ? 1 : 0);
    out_.BeginObject();
    out_.Key("timestamp");
    out_.Uint(event.time_ns / 1000);
    out_.Key("fields");
    tags_.Write(out_);
    out_.EndObject();
  }
  out_.EndArray();
}

void TraceWriter::Warnings(const SpanRecord& span, std::size_t position) {
  bool any = false;
  const auto add = [&](std::string_view text) {
    if (!any) out_.BeginArray();
    any = true;
    out_.String(text);
  };
  view_.Warnings(span, add);
  if (position < options_.warnings.size())
    for (const std::string& warning : options_.warnings[position]) add(warning);
  if (any) out_.EndArray();
  else out_.Null();
}

void TraceWriter::Span(const SpanRecord& span, std::size_t position) {
  out_.BeginObject();
  out_.Key("traceID");
  out_.String(span.trace_id.ToShortHex());
  out_.Key("spanID");
  out_.String(span.span_id.ToHex());
  if (const std::uint32_t flags = view_.Flags(span); flags != 0) {
    out_.Key("flags");
    out_.Uint(flags);
  }
  out_.Key("operationName");
  out_.String(batch_.text(span.name));
  out_.Key("references");
  References(span);
  out_.Key("startTime");
  out_.Uint(view_.StartNs(span) / 1000);
  out_.Key("duration");
  out_.Int(view_.DurationNs(span) / 1000);
  out_.Key("tags");
  Tags(span);
  out_.Key("logs");
  Logs(span);
  out_.Key("processID");
  out_.String("p" + std::to_string(ProcessOf(span.resource)));
  out_.Key("warnings");
  Warnings(span, position);
  out_.EndObject();
}

std::string TraceWriter::ProcessText(const model::ResourceRecord& resource) const {
  TagList tags;
  view_.ProcessTags(resource, [&](const JaegerTag& tag) { tags.Add(tag); });
  if (options_.sort_tags) tags.Sort();
  std::string text;
  JsonWriter out(text);
  out.BeginObject();
  out.Key("serviceName");
  out.String(view_.ServiceName(resource));
  out.Key("tags");
  tags.Write(out);
  out.EndObject();
  return text;
}

void TraceWriter::Begin(std::span<const std::uint32_t> rows) {
  out_.BeginObject();
  out_.Key("traceID");
  out_.String(rows.empty() ? "" : batch_.spans[rows[0]].trace_id.ToShortHex());
  out_.Key("spans");
  out_.BeginArray();
}

void TraceWriter::End() {
  out_.EndArray();
  out_.Key("processes");
  out_.BeginObject();
  for (std::size_t i = 0; i < processes_.size(); ++i) {
    out_.Key("p" + std::to_string(i + 1));
    out_.Raw(processes_[i]);
  }
  out_.EndObject();
  out_.Key("warnings");
  out_.Null();
  out_.EndObject();
}

}  // namespace

void WriteJaegerTrace(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                      const JaegerJsonOptions& options, JsonWriter& out) {
  TraceWriter writer(batch, options, out);
  writer.Begin(rows);
  for (std::size_t i = 0; i < rows.size(); ++i) writer.Span(batch.spans[rows[i]], i);
  writer.End();
}

void EncodeJaegerTrace(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                       const JaegerJsonOptions& options, std::string& out) {
  JsonWriter writer(out);
  WriteJaegerTrace(batch, rows, options, writer);
}

struct JaegerTraceEncoder::Impl {
  Impl(const SpanBatch& of, std::span<const std::uint32_t> shown, const JaegerJsonOptions& how)
      : batch(of), rows(shown), options(how), writer(batch, options, json) {}

  const SpanBatch& batch;
  const std::span<const std::uint32_t> rows;
  const JaegerJsonOptions options;
  std::string text;
  JsonWriter json{text};
  TraceWriter writer;
  std::size_t next = 0;
};

JaegerTraceEncoder::JaegerTraceEncoder(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                                       const JaegerJsonOptions& options)
    : impl_(std::make_unique<Impl>(batch, rows, options)) {
  impl_->writer.Begin(rows);
}

JaegerTraceEncoder::~JaegerTraceEncoder() = default;

bool JaegerTraceEncoder::Next(std::size_t bytes, std::string& out) {
  Impl& i = *impl_;
  for (; i.next < i.rows.size() && i.text.size() < bytes; ++i.next)
    i.writer.Span(i.batch.spans[i.rows[i.next]], i.next);
  const bool more = i.next < i.rows.size();
  if (!more) i.writer.End();
  out += i.text;
  i.text.clear();
  return more;
}

}  // namespace tracestore::codec
