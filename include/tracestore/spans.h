// SpanList and SpanView: spans that a store or a file gave, to read field by field.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <tracestore/ids.h>
#include <tracestore/span_types.h>

namespace tracestore {

namespace model {
struct SpanBatch;  // the library's own form of spans; opaque to users
}

// One attribute: its key and typed value. A view: valid as long as its SpanList.
class AttributeView {
 public:
  AttributeView(const model::SpanBatch* batch, std::uint32_t index) noexcept
      : batch_(batch), index_(index) {}

  std::string_view key() const noexcept;
  ValueType type() const noexcept;
  // True where it stands for a field that is no attribute in the format the span came in
  // (docs/format/semantics.md): Zipkin's remote endpoint, Jaeger's warnings.
  bool synthetic() const noexcept;
  std::string_view string_value() const noexcept;  // kString; else ""
  std::string_view bytes_value() const noexcept;   // kBytes; else ""
  std::int64_t int_value() const noexcept;         // kInt; else 0
  double double_value() const noexcept;            // kDouble; else 0
  bool bool_value() const noexcept;                // kBool; else false
  // The items of a kArray or kMap in the library's own form, else "": ValueParts reads them.
  std::string_view blob() const noexcept;
  // The canonical text of any value: 123, true, 72.5, base64 of bytes, JSON of an array or map.
  std::string text() const;

 private:
  const model::SpanBatch* batch_;
  std::uint32_t index_;
};

// A list of attributes: `for (AttributeView a : span.attributes())`.
class AttributeList {
 public:
  class Iterator {
   public:
    Iterator(const model::SpanBatch* batch, std::uint32_t index) noexcept
        : batch_(batch), index_(index) {}
    AttributeView operator*() const noexcept { return {batch_, index_}; }
    Iterator& operator++() noexcept { ++index_; return *this; }
    bool operator!=(const Iterator& other) const noexcept { return index_ != other.index_; }

   private:
    const model::SpanBatch* batch_;
    std::uint32_t index_;
  };

  AttributeList(const model::SpanBatch* batch, std::uint32_t begin, std::uint32_t count) noexcept
      : batch_(batch), begin_(begin), count_(count) {}
  Iterator begin() const noexcept { return {batch_, begin_}; }
  Iterator end() const noexcept { return {batch_, begin_ + count_}; }
  std::size_t size() const noexcept { return count_; }
  bool empty() const noexcept { return count_ == 0; }
  // The first attribute with that key.
  std::optional<AttributeView> Find(std::string_view key) const noexcept;

 private:
  const model::SpanBatch* batch_;
  std::uint32_t begin_;
  std::uint32_t count_;
};

class EventView {
 public:
  EventView(const model::SpanBatch* batch, std::uint32_t index) noexcept
      : batch_(batch), index_(index) {}
  std::uint64_t time_ns() const noexcept;  // Unix nanoseconds
  std::string_view name() const noexcept;
  AttributeList attributes() const noexcept;

 private:
  const model::SpanBatch* batch_;
  std::uint32_t index_;
};

class ReferenceView {
 public:
  ReferenceView(const model::SpanBatch* batch, std::uint32_t index) noexcept
      : batch_(batch), index_(index) {}
  ReferenceType type() const noexcept;
  TraceId trace_id() const noexcept;
  SpanId span_id() const noexcept;
  std::string_view trace_state() const noexcept;
  std::uint32_t flags() const noexcept;  // as OTLP's of links
  AttributeList attributes() const noexcept;

 private:
  const model::SpanBatch* batch_;
  std::uint32_t index_;
};

// A window on one span. Cheap to copy; valid as long as the SpanList it came from.
class SpanView {
 public:
  SpanView(const model::SpanBatch* batch, std::uint32_t row) noexcept : batch_(batch), row_(row) {}

  TraceId trace_id() const noexcept;
  SpanId span_id() const noexcept;
  SpanId parent_id() const noexcept;  // empty where there is none
  std::string_view name() const noexcept;
  std::string_view service() const noexcept;  // "" where the resource names none
  SpanKind kind() const noexcept;
  StatusCode status() const noexcept;
  std::string_view status_message() const noexcept;
  bool has_start() const noexcept;
  std::uint64_t start_ns() const noexcept;     // Unix nanoseconds; 0 where absent
  bool has_duration() const noexcept;
  std::uint64_t duration_ns() const noexcept;  // modulo 2^64; 0 where absent
  std::uint32_t flags() const noexcept;
  std::string_view trace_state() const noexcept;
  AttributeList attributes() const noexcept;
  AttributeList resource_attributes() const noexcept;
  std::string_view scope_name() const noexcept;
  std::string_view scope_version() const noexcept;
  AttributeList scope_attributes() const noexcept;
  std::size_t event_count() const noexcept;
  EventView event(std::size_t i) const noexcept;
  std::size_t reference_count() const noexcept;  // without the parent
  ReferenceView reference(std::size_t i) const noexcept;

 private:
  const model::SpanBatch* batch_;
  std::uint32_t row_;
};

// Spans that share one block of memory. Copies share it; any thread may read.
class SpanList {
 public:
  SpanList() = default;
  explicit SpanList(std::shared_ptr<const model::SpanBatch> batch) : batch_(std::move(batch)) {}

  std::size_t size() const noexcept;
  bool empty() const noexcept { return size() == 0; }
  // Precondition: i < size().
  SpanView operator[](std::size_t i) const noexcept {
    return {batch_.get(), static_cast<std::uint32_t>(i)};
  }
  // For the library itself.
  const std::shared_ptr<const model::SpanBatch>& batch() const noexcept { return batch_; }

 private:
  std::shared_ptr<const model::SpanBatch> batch_;
};

}  // namespace tracestore
