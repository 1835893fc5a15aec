#include <tracestore/spans.h>

#include <bit>

#include "model/span_batch.h"
#include "model/text.h"

namespace tracestore {
namespace {

const model::Attribute& Of(const model::SpanBatch* batch, std::uint32_t index) {
  return batch->attributes[index];
}
std::string_view Text(const model::SpanBatch* batch, std::uint32_t index, ValueType type) {
  const model::Attribute& a = Of(batch, index);
  return a.type() == type ? batch->text(static_cast<model::StringId>(a.bits))
                          : std::string_view{};
}
AttributeList ListOf(const model::SpanBatch* batch, model::Range range) {
  return {batch, range.begin, range.count};
}

}  // namespace

std::string_view AttributeView::key() const noexcept {
  return batch_->text(Of(batch_, index_).key);
}
ValueType AttributeView::type() const noexcept { return Of(batch_, index_).type(); }
bool AttributeView::synthetic() const noexcept { return Of(batch_, index_).synthetic(); }
std::string_view AttributeView::string_value() const noexcept {
  return Text(batch_, index_, ValueType::kString);
}
std::string_view AttributeView::bytes_value() const noexcept {
  return Text(batch_, index_, ValueType::kBytes);
}
std::string_view AttributeView::blob() const noexcept {
  const ValueType kind = type();
  return kind == ValueType::kArray || kind == ValueType::kMap ? Text(batch_, index_, kind)
                                                              : std::string_view{};
}
std::int64_t AttributeView::int_value() const noexcept {
  const auto& a = Of(batch_, index_);
  return a.type() == ValueType::kInt ? static_cast<std::int64_t>(a.bits) : 0;
}
double AttributeView::double_value() const noexcept {
  const auto& a = Of(batch_, index_);
  return a.type() == ValueType::kDouble ? std::bit_cast<double>(a.bits) : 0;
}
bool AttributeView::bool_value() const noexcept {
  const auto& a = Of(batch_, index_);
  return a.type() == ValueType::kBool && a.bits != 0;
}
std::string AttributeView::text() const {
  return model::CanonicalText(*batch_, Of(batch_, index_));
}

std::optional<AttributeView> AttributeList::Find(std::string_view key) const noexcept {
  for (std::uint32_t i = begin_; i < begin_ + count_; ++i) {
    if (batch_->text(batch_->attributes[i].key) == key) return AttributeView(batch_, i);
  }
  return std::nullopt;
}

std::uint64_t EventView::time_ns() const noexcept { return batch_->events[index_].time_ns; }
std::string_view EventView::name() const noexcept {
  return batch_->text(batch_->events[index_].name);
}
AttributeList EventView::attributes() const noexcept {
  return ListOf(batch_, batch_->events[index_].attributes);
}

ReferenceType ReferenceView::type() const noexcept { return batch_->references[index_].type; }
TraceId ReferenceView::trace_id() const noexcept { return batch_->references[index_].trace_id; }
SpanId ReferenceView::span_id() const noexcept { return batch_->references[index_].span_id; }
std::string_view ReferenceView::trace_state() const noexcept {
  return batch_->text(batch_->references[index_].trace_state);
}
std::uint32_t ReferenceView::flags() const noexcept { return batch_->references[index_].flags; }
AttributeList ReferenceView::attributes() const noexcept {
  return ListOf(batch_, batch_->references[index_].attributes);
}

TraceId SpanView::trace_id() const noexcept { return batch_->spans[row_].trace_id; }
SpanId SpanView::span_id() const noexcept { return batch_->spans[row_].span_id; }
SpanId SpanView::parent_id() const noexcept { return batch_->spans[row_].parent_id; }
std::string_view SpanView::name() const noexcept { return batch_->text(batch_->spans[row_].name); }
std::string_view SpanView::service() const noexcept {
  return model::ServiceOf(*batch_, batch_->spans[row_]);
}
SpanKind SpanView::kind() const noexcept { return batch_->spans[row_].kind; }
StatusCode SpanView::status() const noexcept { return batch_->spans[row_].status; }
std::string_view SpanView::status_message() const noexcept {
  return batch_->text(batch_->spans[row_].status_message);
}
bool SpanView::has_start() const noexcept { return batch_->spans[row_].has_start(); }
std::uint64_t SpanView::start_ns() const noexcept { return batch_->spans[row_].start_ns; }
bool SpanView::has_duration() const noexcept { return batch_->spans[row_].has_duration(); }
std::uint64_t SpanView::duration_ns() const noexcept { return batch_->spans[row_].duration_ns; }
std::uint32_t SpanView::flags() const noexcept { return batch_->spans[row_].flags; }
std::string_view SpanView::trace_state() const noexcept {
  return batch_->text(batch_->spans[row_].trace_state);
}
AttributeList SpanView::attributes() const noexcept {
  return ListOf(batch_, batch_->spans[row_].attributes);
}
AttributeList SpanView::resource_attributes() const noexcept {
  return ListOf(batch_, batch_->resources[batch_->spans[row_].resource].attributes);
}
std::string_view SpanView::scope_name() const noexcept {
  return batch_->text(batch_->scopes[batch_->spans[row_].scope].name);
}
std::string_view SpanView::scope_version() const noexcept {
  return batch_->text(batch_->scopes[batch_->spans[row_].scope].version);
}
AttributeList SpanView::scope_attributes() const noexcept {
  return ListOf(batch_, batch_->scopes[batch_->spans[row_].scope].attributes);
}
std::size_t SpanView::event_count() const noexcept { return batch_->spans[row_].events.count; }
EventView SpanView::event(std::size_t i) const noexcept {
  return {batch_, batch_->spans[row_].events.begin + static_cast<std::uint32_t>(i)};
}
std::size_t SpanView::reference_count() const noexcept {
  return batch_->spans[row_].references.count;
}
ReferenceView SpanView::reference(std::size_t i) const noexcept {
  return {batch_, batch_->spans[row_].references.begin + static_cast<std::uint32_t>(i)};
}

std::size_t SpanList::size() const noexcept { return batch_ == nullptr ? 0 : batch_->size(); }

}  // namespace tracestore
