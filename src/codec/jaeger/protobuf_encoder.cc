#include "codec/jaeger/protobuf_encoder.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "base/bytes.h"
#include "codec/jaeger/jaeger_fields.h"
#include "codec/jaeger/jaeger_view.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

namespace field = jaeger_field;
using model::SpanBatch;
using model::SpanRecord;

constexpr std::int64_t kNanos = 1'000'000'000;

// Puts the messages that were appended to `out` since `begin` in the order of their keys.
class ByKey {
 public:
  explicit ByKey(std::string& out) : out_(out), begin_(out.size()) {}

  // The next message is of that key, which must outlive this.
  void Next(std::string_view key) { items_.push_back({key, out_.size()}); }

  // With `first` in front where it is a key.
  void Sort(std::string_view first = {}) {
    const auto text_of = [this](std::size_t i) {
      const std::size_t end = i + 1 < items_.size() ? items_[i + 1].begin : out_.size();
      return std::string_view(out_).substr(items_[i].begin, end - items_[i].begin);
    };
    std::vector<std::pair<std::string_view, std::string_view>> order;
    for (std::size_t i = 0; i < items_.size(); ++i) order.emplace_back(items_[i].key, text_of(i));
    auto rest = order.begin();
    if (!first.empty()) {
      const auto found = std::find_if(order.begin(), order.end(),
                                      [&](const auto& item) { return item.first == first; });
      if (found != order.end()) {
        std::rotate(order.begin(), found, found + 1);
        ++rest;
      }
    }
    std::stable_sort(rest, order.end(),
                     [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string sorted;
    sorted.reserve(out_.size() - begin_);
    for (const auto& [key, text] : order) sorted += text;
    out_.replace(begin_, std::string::npos, sorted);
  }

 private:
  struct Item {
    std::string_view key;
    std::size_t begin;
  };
  std::string& out_;
  const std::size_t begin_;
  std::vector<Item> items_;
};

class Encoder {
 public:
  Encoder(const SpanBatch& batch, const JaegerSpansOptions& options, std::string& out)
      : batch_(batch), view_(batch), options_(options), out_(out), wire_(out) {}

  // A PostSpansRequest.
  void Request(std::span<const std::uint32_t> rows) {
    const std::size_t begin = wire_.Begin(field::kRequestBatch);
    if (!rows.empty()) {
      const std::uint32_t common = batch_.spans[rows[0]].resource;
      for (const std::uint32_t row : rows) {
        const SpanRecord& span = batch_.spans[row];
        const std::size_t at = wire_.Begin(field::kBatchSpans);
        WriteSpan(span);
        if (span.resource != common)
          WriteProcess(field::kSpanProcess, batch_.resources[span.resource]);
        WriteWarnings(span);
        wire_.End(at);
      }
      WriteProcess(field::kBatchProcess, batch_.resources[common]);
    }
    wire_.End(begin);
  }

  // A SpansResponseChunk. Processes are written once and copied.
  void Spans(std::span<const std::uint32_t> rows) {
    std::unordered_map<std::uint32_t, std::string> processes;
    for (std::size_t i = 0; i < rows.size(); ++i) {
      const SpanRecord& span = batch_.spans[rows[i]];
      const auto [process, added] = processes.try_emplace(span.resource);
      if (added) {
        Encoder(batch_, options_, process->second)
            .WriteProcess(field::kSpanProcess, batch_.resources[span.resource]);
      }
      const std::size_t begin = wire_.Begin(field::kChunkSpans);
      WriteSpan(span);
      wire_.Raw(process->second);
      WriteWarnings(span);
      if (i < options_.warnings.size()) {
        for (const std::string& text : options_.warnings[i])
          wire_.BytesAlways(field::kSpanWarnings, text);
      }
      wire_.End(begin);
    }
  }

 private:
  void WriteId(std::uint32_t number, TraceId id) {
    char bytes[16];
    base::StoreLe(bytes, __builtin_bswap64(id.high));
    base::StoreLe(bytes + 8, __builtin_bswap64(id.low));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }
  void WriteId(std::uint32_t number, SpanId id) {
    char bytes[8];
    base::StoreLe(bytes, __builtin_bswap64(id.value));
    wire_.BytesAlways(number, {bytes, sizeof bytes});
  }
  // A Timestamp or Duration; both parts have the sign of the whole.
  void WriteTime(std::uint32_t number, std::int64_t seconds, std::int64_t nanos) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Uint(field::kTimeSeconds, static_cast<std::uint64_t>(seconds));
    wire_.Uint(field::kTimeNanos, static_cast<std::uint64_t>(nanos));
    wire_.End(begin);
  }
  void WriteTimestamp(std::uint32_t number, std::uint64_t ns) {
    WriteTime(number, static_cast<std::int64_t>(ns / kNanos),
              static_cast<std::int64_t>(ns % kNanos));
  }

  void WriteTag(std::uint32_t number, const JaegerTag& tag) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Bytes(field::kTagKey, tag.key);
    switch (tag.type) {
      case ValueType::kBool:
        wire_.Uint(field::kTagType, field::kBool);
        wire_.Uint(field::kTagBool, tag.bits);
        break;
      case ValueType::kInt:
        wire_.Uint(field::kTagType, field::kInt64);
        wire_.Uint(field::kTagInt, tag.bits);
        break;
      case ValueType::kDouble:
        wire_.Uint(field::kTagType, field::kFloat64);
        wire_.Fixed64(field::kTagDouble, tag.bits);
        break;
      case ValueType::kBytes:
        wire_.Uint(field::kTagType, field::kBinary);
        wire_.Bytes(field::kTagBinary, tag.text);
        break;
      default: wire_.Bytes(field::kTagString, tag.text);
    }
    wire_.End(begin);
  }

  // What `each_tag` gives to the function that it is called with; `first` as in ByKey.
  template <typename EachTag>
  void WriteTags(std::uint32_t number, std::string_view first, const EachTag& each_tag) {
    ByKey order(out_);
    each_tag([&](const JaegerTag& tag) {
      if (options_.sort_tags) order.Next(tag.key);
      WriteTag(number, tag);
    });
    if (options_.sort_tags) order.Sort(first);
  }

  void WriteProcess(std::uint32_t number, const model::ResourceRecord& resource) {
    const std::size_t begin = wire_.Begin(number);
    wire_.Bytes(field::kProcessServiceName, view_.ServiceName(resource));
    WriteTags(field::kProcessTags, "", [&](auto emit) { view_.ProcessTags(resource, emit); });
    wire_.End(begin);
  }

  void WriteSpan(const SpanRecord& span) {
    WriteId(field::kSpanTraceId, span.trace_id);
    WriteId(field::kSpanSpanId, span.span_id);
    wire_.Bytes(field::kSpanOperationName, batch_.text(span.name));
    view_.References(span, [&](bool child_of, TraceId trace_id, SpanId span_id) {
      const std::size_t reference = wire_.Begin(field::kSpanReferences);
      WriteId(field::kRefTraceId, trace_id);
      WriteId(field::kRefSpanId, span_id);
      wire_.Uint(field::kRefType, child_of ? 0 : 1);
      wire_.End(reference);
    });
    wire_.Uint(field::kSpanFlags, view_.Flags(span));
    WriteTimestamp(field::kSpanStartTime, view_.StartNs(span));
    const std::int64_t duration = view_.DurationNs(span);
    WriteTime(field::kSpanDuration, duration / kNanos, duration % kNanos);
    WriteTags(field::kSpanTags, "", [&](auto emit) { view_.SpanTags(span, emit); });
    for (std::uint32_t i = 0; i < span.events.count; ++i)
      WriteLog(span, batch_.events[span.events.begin + i]);
  }

  void WriteWarnings(const SpanRecord& span) {
    view_.Warnings(span,
                   [&](std::string_view text) { wire_.BytesAlways(field::kSpanWarnings, text); });
  }

  void WriteLog(const SpanRecord& span, const model::EventRecord& event) {
    const std::size_t begin = wire_.Begin(field::kSpanLogs);
    WriteTimestamp(field::kLogTimestamp, event.time_ns);
    WriteTags(field::kLogFields, "event", [&](auto emit) { view_.LogFields(span, event, emit); });
    wire_.End(begin);
  }

  const SpanBatch& batch_;
  const JaegerView view_;
  const JaegerSpansOptions options_;
  std::string& out_;
  WireWriter wire_;
};

}  // namespace

void EncodeJaegerProtobuf(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                          std::string& out) {
  Encoder(batch, {}, out).Request(rows);
}

void EncodeJaegerSpans(const SpanBatch& batch, std::span<const std::uint32_t> rows,
                       const JaegerSpansOptions& options, std::string& out) {
  Encoder(batch, options, out).Spans(rows);
}

}  // namespace tracestore::codec
