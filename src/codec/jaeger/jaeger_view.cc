#include "codec/jaeger/jaeger_view.h"

namespace tracestore::codec {

using model::Attribute;

const Attribute* JaegerView::ServiceAttribute(
    const model::ResourceRecord& resource) const noexcept {
  const Attribute* service = FindString(batch_, resource.attributes, "service.name");
  // A process tag `service.name` of Jaeger's own is a tag like any other.
  if (service != nullptr && resource.origin == Origin::kJaeger && !service->synthetic())
    return nullptr;
  return service;
}

std::string_view JaegerView::ServiceName(const model::ResourceRecord& resource) const noexcept {
  const Attribute* service = ServiceAttribute(resource);
  const std::string_view name =
      service == nullptr ? "" : Text(static_cast<model::StringId>(service->bits));
  return name.empty() && resource.origin != Origin::kJaeger ? kNoServiceName : name;
}

bool JaegerView::NamesEvent(const model::SpanRecord& span,
                            const model::EventRecord& event) const noexcept {
  if (OriginOf(span) == Origin::kJaeger || event.name == 0) return false;
  for (const Attribute& attribute : AttributesOf(batch_, event.attributes))
    if (Text(attribute.key) == "event") return false;
  return true;
}

bool JaegerView::IsChildOf(const model::ReferenceRecord& reference) const noexcept {
  if (reference.type == ReferenceType::kChildOf) return true;
  if (reference.type != ReferenceType::kLink) return false;
  const Attribute* type = FindString(batch_, reference.attributes, "opentracing.ref_type");
  return type != nullptr && Text(static_cast<model::StringId>(type->bits)) == "child_of";
}

}  // namespace tracestore::codec
