#include "codec/zipkin/zipkin_span.h"

#include <algorithm>
#include <cstdint>

#include "base/bytes.h"

namespace tracestore::codec {

using model::SpanBatch;
using model::StringId;

namespace {

// Stable, so that of equal keys the last stays last. A span has a dozen tags: sorted in place they
// cost less than the memory that std::stable_sort takes.
void SortByKey(std::vector<ZipkinTag>& tags) {
  constexpr std::size_t kFew = 32;
  const auto before = [](const ZipkinTag& a, const ZipkinTag& b) {
    if (a.key.size() >= 8 && b.key.size() >= 8) {
      const auto head_a = __builtin_bswap64(base::LoadLe<std::uint64_t>(a.key.data()));
      const auto head_b = __builtin_bswap64(base::LoadLe<std::uint64_t>(b.key.data()));
      if (head_a != head_b) return head_a < head_b;
    }
    return a.key < b.key;
  };
  if (tags.size() > kFew) {
    std::stable_sort(tags.begin(), tags.end(), before);
    return;
  }
  for (std::size_t i = 1; i < tags.size(); ++i) {
    if (!before(tags[i], tags[i - 1])) continue;
    const ZipkinTag tag = tags[i];
    std::size_t at = i;
    for (; at > 0 && before(tag, tags[at - 1]); --at) tags[at] = tags[at - 1];
    tags[at] = tag;
  }
}

// Of some dozens of endpoints, by the looks of their texts' ends.
std::size_t PlaceOf(const ZipkinEndpoint& endpoint) {
  const auto end = [](const std::string& text) -> std::size_t {
    return text.empty() ? 0 : static_cast<std::uint8_t>(text.back());
  };
  const std::size_t mixed = endpoint.service.size() * 5 + end(endpoint.service) * 3 +
                            end(endpoint.ipv4) * 7 + endpoint.ipv4.size() + endpoint.port;
  return mixed % kKnownEndpoints;
}

}  // namespace

void ZipkinSpan::Clear() {
  trace_id = {};
  id = {};
  parent_id = {};
  kind = SpanKind::kUnspecified;
  name = {};
  timestamp_us = 0;
  duration_us = 0;
  local.Clear();
  resource.reset();
  remote.Clear();
  annotations.clear();
  tags.clear();
  debug = false;
  shared = false;
}

std::string NameZipkinSpan(std::uint64_t index, const TraceId& trace_id,
                           const std::string& sentence) {
  std::string name = "span " + std::to_string(index);
  if (!trace_id.empty()) name += " of trace " + trace_id.ToShortHex();
  return name + ": " + sentence;
}

ZipkinAppender::ZipkinAppender(SpanBatch& out)
    : out_(out),
      pool_(out),
      keys_(out.strings),
      texts_(out.strings),
      host_{out.strings.Intern("service.name"), out.strings.Intern("net.host.ip"),
            out.strings.Intern("net.host.port")},
      peer_{out.strings.Intern("peer.service"), out.strings.Intern("net.peer.ip"),
            out.strings.Intern("net.peer.port")},
      shared_(out.strings.Intern("zipkin.shared")),
      debug_(out.strings.Intern("zipkin.debug")) {}

void ZipkinAppender::AddSynthetic(StringId key, StringId text) {
  constexpr auto kText = static_cast<std::uint8_t>(ValueType::kString);
  out_.attributes.push_back({text, key, kText | model::kSyntheticBit});
}

StringId ZipkinAppender::Lower(std::string_view text) {
  if (IsZipkinLowerCase(text)) return texts_.Intern(text);
  return out_.strings.Intern(ZipkinLowerCase(text));
}

// The endpoint's own texts don't live as long as texts_ needs.
ZipkinAppender::EndpointIds ZipkinAppender::IdsOf(const ZipkinEndpoint& endpoint) {
  const auto id = [this](const std::string& text) {
    return text.empty() ? StringId{0} : out_.strings.Intern(text);
  };
  return {id(endpoint.service), id(endpoint.ipv4), id(endpoint.ipv6)};
}

// An endpoint as synthetic attributes, in the order service, IPv4, IPv6, port. Of an absent text the
// id is 0.
void ZipkinAppender::AddEndpoint(const EndpointIds& ids, std::uint16_t port, const HostKeys& keys) {
  if (ids.service != 0) AddSynthetic(keys.service, ids.service);
  if (ids.ipv4 != 0) AddSynthetic(keys.ip, ids.ipv4);
  if (ids.ipv6 != 0) AddSynthetic(keys.ip, ids.ipv6);
  if (port != 0) out_.AddInt(keys.port, port, true);
}

std::uint32_t ZipkinAppender::Resource(const ZipkinEndpoint& local) {
  auto& known = locals_[PlaceOf(local)];
  if (known.set && known.endpoint == local) return known.value;
  const auto mark = out_.mark();
  AddEndpoint(IdsOf(local), local.port, host_);
  known = {local, pool_.Add(mark, Origin::kZipkin), true};
  return known.value;
}

void ZipkinAppender::Remote(const ZipkinEndpoint& remote) {
  auto& known = remotes_[PlaceOf(remote)];
  if (!known.set || known.endpoint != remote) known = {remote, IdsOf(remote), true};
  AddEndpoint(known.value, remote.port, peer_);
}

// Their number is known before, so that nobody asks at each whether there is room.
void ZipkinAppender::Tags(ZipkinSpan& span, model::SpanRecord& record) {
  SortByKey(span.tags);
  const std::size_t begin = out_.attributes.size();
  out_.attributes.resize(begin + span.tags.size());
  model::Attribute* to = out_.attributes.data() + begin;
  for (std::size_t i = 0; i < span.tags.size(); ++i) {
    const auto& [key, value] = span.tags[i];
    const bool last = i + 1 == span.tags.size() || span.tags[i + 1].key != key;
    if (!last) continue;
    const StringId text = texts_.Intern(value);
    *to++ = {text, keys_.Intern(key), static_cast<std::uint8_t>(ValueType::kString)};
    if (key == "error" && value != "false") {
      record.status = StatusCode::kError;
      record.status_message = text;
    }
  }
  out_.attributes.resize(static_cast<std::size_t>(to - out_.attributes.data()));
}

void ZipkinAppender::Attributes(ZipkinSpan& span, model::SpanRecord& record) {
  record.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
  Tags(span, record);
  if (!span.remote.empty()) Remote(span.remote);
  // A client doesn't share its span: the server that joins it does.
  if (span.shared && span.kind != SpanKind::kClient) out_.AddBool(shared_, true, true);
  if (span.debug) {
    out_.AddBool(debug_, true, true);
    record.flags |= model::kFlagDebug;
  }
  record.attributes.count =
      static_cast<std::uint32_t>(out_.attributes.size()) - record.attributes.begin;
}

void ZipkinAppender::Annotations(ZipkinSpan& span, model::SpanRecord& record) {
  auto& list = span.annotations;
  if (list.size() > 1) {
    std::sort(list.begin(), list.end());
    list.erase(std::unique(list.begin(), list.end()), list.end());
  }
  record.events.begin = static_cast<std::uint32_t>(out_.events.size());
  record.events.count = static_cast<std::uint32_t>(list.size());
  for (const auto& [timestamp_us, value] : list) {
    model::EventRecord event;
    event.time_ns = timestamp_us * 1000;
    event.name = texts_.Intern(value);
    event.attributes.begin = static_cast<std::uint32_t>(out_.attributes.size());
    out_.events.push_back(event);
  }
}

void ZipkinAppender::Append(ZipkinSpan& span) {
  model::SpanRecord record;
  record.trace_id = span.trace_id;
  record.span_id = span.id;
  if (span.parent_id != span.id) record.parent_id = span.parent_id;
  record.kind = span.kind;
  record.name = Lower(span.name);
  record.start_ns = span.timestamp_us * 1000;
  record.duration_ns = span.duration_us * 1000;
  if (span.timestamp_us != 0) record.presence |= model::kHasStart;
  if (span.duration_us != 0) record.presence |= model::kHasDuration;
  record.resource = span.resource ? *span.resource : Resource(span.local);
  if (!any_) {
    scope_ = static_cast<std::uint32_t>(out_.scopes.size());
    out_.scopes.emplace_back();
    any_ = true;
  }
  record.scope = scope_;
  Attributes(span, record);
  Annotations(span, record);
  record.references.begin = static_cast<std::uint32_t>(out_.references.size());
  out_.spans.push_back(record);
}

}  // namespace tracestore::codec
