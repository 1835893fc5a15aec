#include "codec/jaeger/jaeger_span.h"

#include <algorithm>
#include <limits>

namespace tracestore::codec {
namespace {

using model::Attribute;
using model::SpanBatch;
using model::SpanRecord;
using model::StringId;

void SetKind(std::string_view text, SpanRecord& span) {
  for (const SpanKind kind : {SpanKind::kInternal, SpanKind::kServer, SpanKind::kClient,
                              SpanKind::kProducer, SpanKind::kConsumer}) {
    if (text == SpanKindName(kind)) span.kind = kind;
  }
}

}  // namespace

void ApplyJaegerConventions(const SpanBatch& batch, SpanRecord& span) {
  bool kind_seen = false;
  bool code_seen = false;
  for (const Attribute& tag : AttributesOf(batch, span.attributes)) {
    const std::string_view key = batch.text(tag.key);
    const bool string = tag.type() == ValueType::kString;
    const std::string_view text = string ? batch.text(static_cast<StringId>(tag.bits)) : "";
    switch (key.size()) {  // tells nearly all tags at once
      case 5:
        if (key == "error" && !code_seen &&
            (string ? text == "true" : tag.type() == ValueType::kBool && tag.bits != 0)) {
          span.status = StatusCode::kError;
        }
        break;
      case 9:
        if (key == "span.kind" && string && !kind_seen) {
          SetKind(text, span);
          kind_seen = true;
        }
        break;
      case 16:
        if (key == "otel.status_code" && string && !code_seen) {
          code_seen = text == "ERROR" || text == "OK";
          if (code_seen) span.status = text == "OK" ? StatusCode::kOk : StatusCode::kError;
        }
        break;
      case 23:
        if (key == "otel.status_description" && string && span.status_message == 0)
          span.status_message = static_cast<StringId>(tag.bits);
        break;
      default: break;
    }
  }
}

void SetJaegerReferences(std::span<const JaegerReference> references, SpanId parent, SpanBatch& out,
                         SpanRecord& span) {
  span.references.begin = static_cast<std::uint32_t>(out.references.size());
  std::uint32_t position = 0;
  const bool named =
      std::any_of(references.begin(), references.end(), [&](const JaegerReference& reference) {
        return reference.span_id == parent && reference.trace_id == span.trace_id;
      });
  if (!parent.empty() && !named) {
    span.parent_id = parent;
    ++position;  // the references stand behind it
  }
  for (const JaegerReference& reference : references) {
    const bool is_parent = reference.type == ReferenceType::kChildOf && span.parent_id.empty() &&
                           reference.trace_id == span.trace_id && !reference.span_id.empty();
    if (is_parent) {
      span.parent_id = reference.span_id;
      span.parent_position = position;
    } else {
      model::ReferenceRecord record;
      record.trace_id = reference.trace_id;
      record.span_id = reference.span_id;
      record.type = reference.type;
      out.references.push_back(record);
      ++span.references.count;
    }
    ++position;
  }
}

Status CheckJaegerRoom(const char* what, std::size_t message_bytes, std::size_t max_message_bytes,
                       const SpanBatch& out) {
  if (message_bytes > max_message_bytes) {
    return Error(ErrorCode::kInvalidArgument,
                 std::string(what) + " of " + std::to_string(message_bytes) +
                     " bytes is longer than the limit of " + std::to_string(max_message_bytes));
  }
  // Each record, and each text, takes at least two bytes of message.
  const std::size_t fullest =
      std::max({out.attributes.size(), out.events.size(), out.references.size(), out.spans.size(),
                out.resources.size(), out.scopes.size(), out.strings.size()});
  if (message_bytes / 2 + fullest >= std::numeric_limits<std::uint32_t>::max()) {
    return Error(ErrorCode::kInvalidArgument, std::string("the batch is too full to take ") + what +
                                                  " of " + std::to_string(message_bytes) +
                                                  " bytes");
  }
  return {};
}

std::string UnknownTagType(std::int64_t type) { return "Unknown VType: " + std::to_string(type); }

}  // namespace tracestore::codec
