#include "server/jaeger/adjust.h"

#include <bit>
#include <map>
#include <set>
#include <string>

namespace tracestore::server {
namespace {

using model::Attribute;
using model::SpanBatch;
using model::SpanRecord;

bool IsAddress(const SpanBatch& batch, const Attribute& attribute) {
  if (attribute.type() != ValueType::kInt && attribute.type() != ValueType::kDouble) return false;
  const std::string_view key = batch.text(attribute.key);
  return key == "ip" || key == "peer.ipv4";
}

// The low 32 bits of an integer; a double outside of them is left as it is.
std::optional<std::uint32_t> AddressOf(const Attribute& attribute) {
  if (attribute.type() == ValueType::kInt) return static_cast<std::uint32_t>(attribute.bits);
  const double value = std::bit_cast<double>(attribute.bits);
  if (!(value >= 0 && value < 4294967296.0)) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

void MakeText(SpanBatch& batch, Attribute& attribute) {
  const auto address = AddressOf(attribute);
  if (!address) return;
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8)
    text += std::to_string(*address >> shift & 0xFF) + (shift > 0 ? "." : "");
  attribute.bits = batch.strings.Intern(text);
  attribute.type_byte = static_cast<std::uint8_t>(ValueType::kString);
}

// Ids that both a client and a server span have.
std::set<SpanId> SharedIds(const SpanBatch& batch) {
  std::set<SpanId> clients;
  std::set<SpanId> shared;
  for (const SpanRecord& span : batch.spans) {
    if (span.kind == SpanKind::kClient) clients.insert(span.span_id);
  }
  for (const SpanRecord& span : batch.spans) {
    if (span.kind == SpanKind::kServer && clients.contains(span.span_id))
      shared.insert(span.span_id);
  }
  return shared;
}

void SeparateServers(const std::set<SpanId>& shared, SpanBatch& batch) {
  std::set<SpanId> used;
  for (const SpanRecord& span : batch.spans) used.insert(span.span_id);
  std::map<SpanId, SpanId> server_ids;
  SpanId next{1};
  for (const SpanId id : shared) {
    while (used.contains(next)) ++next.value;
    server_ids.emplace(id, next);
    ++next.value;
  }
  for (SpanRecord& span : batch.spans) {
    const auto own = server_ids.find(span.span_id);
    if (own != server_ids.end() && span.kind == SpanKind::kServer) {
      span.parent_id = span.span_id;
      span.span_id = own->second;
    } else if (const auto parent = server_ids.find(span.parent_id); parent != server_ids.end()) {
      span.parent_id = parent->second;
    }
  }
}

}  // namespace

std::optional<SpanBatch> AdjustForJaeger(const SpanBatch& batch) {
  const std::set<SpanId> shared = SharedIds(batch);
  bool addresses = false;
  for (const Attribute& attribute : batch.attributes) addresses |= IsAddress(batch, attribute);
  if (shared.empty() && !addresses) return std::nullopt;
  SpanBatch adjusted = batch;
  for (Attribute& attribute : adjusted.attributes) {
    if (IsAddress(adjusted, attribute)) MakeText(adjusted, attribute);
  }
  SeparateServers(shared, adjusted);
  return adjusted;
}

}  // namespace tracestore::server
