#include <algorithm>
#include <tuple>

#include "codec/zipkin/zipkin_v1.h"

namespace tracestore::codec {
namespace {

// Spans looked through one by one; a real span has one or two services.
constexpr std::size_t kFew = 8;

std::uint64_t Between(std::uint64_t begin_us, std::uint64_t end_us) {
  return end_us > begin_us ? end_us - begin_us : 0;
}

}  // namespace

void ZipkinV1Span::Clear() {
  trace_id = {};
  id = {};
  parent_id = {};
  name = {};
  timestamp_us = 0;
  duration_us = 0;
  annotations.clear();
  binaries.clear();
  endpoints.clear();
  debug = false;
}

std::uint32_t ZipkinV1Span::AddEndpoint(const ZipkinEndpoint& endpoint) {
  if (endpoint.empty()) return kNoZipkinEndpoint;
  if (endpoints.empty() || !(endpoints.back() == endpoint)) endpoints.push_back(endpoint);
  return static_cast<std::uint32_t>(endpoints.size() - 1);
}

std::size_t ZipkinV1Converter::NewSpan(const ZipkinEndpoint* local) {
  if (count_ == spans_.size()) spans_.emplace_back();
  ZipkinSpan& span = spans_[count_];
  span.Clear();
  span.trace_id = source_->trace_id;
  span.parent_id = source_->parent_id;
  span.id = source_->id;
  span.name = source_->name;
  span.debug = source_->debug;
  if (local != nullptr) span.local = *local;
  if (count_ >= kFew && local != nullptr) by_service_.try_emplace(local->service, count_);
  return count_++;
}

std::size_t ZipkinV1Converter::For(std::uint32_t index) {
  const ZipkinEndpoint* const endpoint = source_->EndpointAt(index);
  if (endpoint == nullptr) return 0;
  for (std::size_t i = 0; i < std::min(count_, kFew); ++i) {
    ZipkinSpan& span = spans_[i];
    if (span.local.empty()) span.local = *endpoint;
    if (span.local.service == endpoint->service) return i;
  }
  const auto found = by_service_.find(endpoint->service);
  return found != by_service_.end() ? found->second : NewSpan(endpoint);
}

ZipkinV1Converter::Core ZipkinV1Converter::CoreOf(std::string_view value) {
  constexpr std::string_view kNames[kCoreCount] = {"cs", "cr", "sr", "ss", "ms", "mr", "ws", "wr"};
  return static_cast<Core>(std::find(std::begin(kNames), std::end(kNames), value) -
                           std::begin(kNames));
}

void ZipkinV1Converter::TakeAnnotations() {
  for (const ZipkinV1Annotation& annotation : source_->annotations) {
    ZipkinSpan& span = spans_[For(annotation.endpoint)];
    // Who did it is what a core annotation says: without an endpoint it is an ordinary one.
    const Core core =
        annotation.endpoint == kNoZipkinEndpoint ? kCoreCount : CoreOf(annotation.value);
    switch (core) {
      case kCs:
      case kCr: span.kind = SpanKind::kClient; break;
      case kSr:
      case kSs: span.kind = SpanKind::kServer; break;
      case kMs: span.kind = SpanKind::kProducer; break;
      case kMr: span.kind = SpanKind::kConsumer; break;
      case kWs:
      case kWr: break;
      case kCoreCount:
        span.annotations.push_back({annotation.timestamp_us, annotation.value});
        continue;
    }
    marks_[core] = &annotation;
  }
}

// A start that was not sent is known where the span's own time ends with the end that was.
void ZipkinV1Converter::InferStart(Core start, Core end, std::size_t which) {
  const bool told = source_->timestamp_us != 0 && source_->duration_us != 0;
  if (marks_[start] != nullptr || marks_[end] == nullptr || !told) return;
  if (source_->timestamp_us + source_->duration_us != marks_[end]->timestamp_us) return;
  inferred_[which] = {source_->timestamp_us, {}, marks_[end]->endpoint};
  marks_[start] = &inferred_[which];
}

// The span's own times where both are there, else those of the annotations.
void ZipkinV1Converter::Time(Mark begin, Mark end) {
  ZipkinSpan& span = spans_[For(begin->endpoint)];
  if (source_->timestamp_us != 0 && source_->duration_us != 0) {
    span.timestamp_us = source_->timestamp_us;
    span.duration_us = source_->duration_us;
    return;
  }
  span.timestamp_us = begin->timestamp_us;
  if (end != nullptr) span.duration_us = Between(begin->timestamp_us, end->timestamp_us);
}

// Both sides in one span: it becomes two, of which the server shares the client's.
void ZipkinV1Converter::ShareSpan() {
  const Mark cs = marks_[kCs], sr = marks_[kSr], ss = marks_[kSs], cr = marks_[kCr];
  Time(cs, cr);
  const std::size_t client = For(cs->endpoint);
  std::size_t server = 0;
  if (HostOf(cs).service == HostOf(sr).service) {  // a service that calls itself
    spans_[client].kind = SpanKind::kClient;
    server = NewSpan(&HostOf(sr));
    spans_[server].kind = SpanKind::kServer;
  } else {
    server = For(sr->endpoint);
  }
  spans_[server].shared = true;
  spans_[server].timestamp_us = sr->timestamp_us;
  if (ss != nullptr) spans_[server].duration_us = Between(sr->timestamp_us, ss->timestamp_us);
  if (cr == nullptr && source_->duration_us == 0) spans_[client].duration_us = 0;
}

// A side without its start or its end: what there is of it stays an annotation.
void ZipkinV1Converter::TimeIncomplete() {
  for (std::size_t i = 0; i < count_; ++i) {
    ZipkinSpan& span = spans_[i];
    const bool client = span.kind == SpanKind::kClient;
    if (!client && span.kind != SpanKind::kServer) continue;
    const Mark begin = marks_[client ? kCs : kSr];
    const Mark end = marks_[client ? kCr : kSs];
    if (begin != nullptr) span.timestamp_us = begin->timestamp_us;
    if (end != nullptr) span.annotations.push_back({end->timestamp_us, end->value});
  }
  if (source_->timestamp_us == 0) return;
  spans_[0].timestamp_us = source_->timestamp_us;
  spans_[0].duration_us = source_->duration_us;
}

void ZipkinV1Converter::TimeRpc() {
  InferStart(kCs, kCr, 0);
  InferStart(kSr, kSs, 1);
  const Mark cs = marks_[kCs], sr = marks_[kSr], ss = marks_[kSs], cr = marks_[kCr];
  if (cs != nullptr && sr != nullptr) {
    ShareSpan();
  } else if (cs != nullptr && cr != nullptr) {
    Time(cs, cr);
  } else if (sr != nullptr && ss != nullptr) {
    Time(sr, ss);
  } else {
    TimeIncomplete();
  }
  // Version 1 has no flag for it: a server that joins its client's span doesn't tell the span's
  // time.
  const bool untold = source_->timestamp_us == 0 || (ss != nullptr && source_->duration_us == 0);
  if (cs == nullptr && sr != nullptr && untold) spans_[For(sr->endpoint)].shared = true;
}

void ZipkinV1Converter::BothMessagingSides() {
  const Mark ms = marks_[kMs], mr = marks_[kMr], ws = marks_[kWs], wr = marks_[kWr];
  const std::size_t producer = For(ms->endpoint);
  std::size_t consumer = 0;
  if (HostOf(ms).service == HostOf(mr).service) {
    spans_[producer].kind = SpanKind::kProducer;
    consumer = NewSpan(&HostOf(mr));
    spans_[consumer].kind = SpanKind::kConsumer;
  } else {
    consumer = For(mr->endpoint);
  }
  const Mark begin = wr != nullptr ? wr : mr;
  spans_[consumer].shared = true;
  spans_[consumer].timestamp_us = begin->timestamp_us;
  if (wr != nullptr) spans_[consumer].duration_us = Between(wr->timestamp_us, mr->timestamp_us);
  spans_[producer].timestamp_us = ms->timestamp_us;
  spans_[producer].duration_us = ws != nullptr ? Between(ms->timestamp_us, ws->timestamp_us) : 0;
}

void ZipkinV1Converter::TimeMessaging() {
  const Mark ms = marks_[kMs], mr = marks_[kMr], ws = marks_[kWs], wr = marks_[kWr];
  if (ms != nullptr && mr != nullptr) return BothMessagingSides();
  if (ms != nullptr) return Time(ms, ws);
  if (mr != nullptr) return wr != nullptr ? Time(wr, mr) : Time(mr, nullptr);
  for (const Mark mark : {ws, wr}) {
    if (mark == nullptr) continue;
    spans_[For(mark->endpoint)].annotations.push_back({mark->timestamp_us, mark->value});
  }
}

void ZipkinV1Converter::TakeBinaries() {
  const ZipkinEndpoint *ca = nullptr, *sa = nullptr, *ma = nullptr;
  for (const ZipkinV1Binary& binary : source_->binaries) {
    if (binary.address) {
      const ZipkinEndpoint* const endpoint = source_->EndpointAt(binary.endpoint);
      if (binary.key == "ca") ca = endpoint;
      if (binary.key == "sa") sa = endpoint;
      if (binary.key == "ma") ma = endpoint;
      continue;
    }
    ZipkinSpan& span = spans_[For(binary.endpoint)];
    // "lc" says but whose span it is.
    if (binary.key != "lc" || !binary.value.empty())
      span.tags.push_back({binary.key, binary.value});
  }
  Addresses(ca, sa, ma);
}

void ZipkinV1Converter::Addresses(const ZipkinEndpoint* ca, const ZipkinEndpoint* sa,
                                  const ZipkinEndpoint* ma) {
  const Mark cs = marks_[kCs], sr = marks_[kSr], ss = marks_[kSs], cr = marks_[kCr];
  const bool rpc = cs != nullptr || cr != nullptr || sr != nullptr || ss != nullptr;
  if (!rpc && (ca != nullptr || sa != nullptr)) {
    if (ca != nullptr && sa != nullptr) {
      const auto index = static_cast<std::uint32_t>(ca - source_->endpoints.data());
      spans_[For(index)].remote = *sa;
    } else if (sa != nullptr) {
      spans_[0].remote = *sa;
    } else {
      spans_[0].kind = SpanKind::kServer;
      spans_[0].remote = *ca;
    }
    return;
  }
  const Mark server = sr != nullptr ? sr : ss;
  if (ca != nullptr && server != nullptr && !(*ca == HostOf(server))) {
    ZipkinEndpoint& remote = spans_[For(server->endpoint)].remote;
    remote = *ca;
    // Finagle names the server's own service for the client's socket.
    if (ca->service == HostOf(server).service) remote.service.clear();
  }
  const Mark client = cs != nullptr ? cs : cr;
  if (sa != nullptr && client != nullptr) spans_[For(client->endpoint)].remote = *sa;
  if (ma == nullptr) return;
  for (const Core core : {kMs, kMr})
    if (marks_[core] != nullptr) spans_[For(marks_[core]->endpoint)].remote = *ma;
}

std::span<ZipkinSpan> ZipkinV1Converter::Convert(ZipkinV1Span& source) {
  source_ = &source;
  count_ = 0;
  by_service_.clear();
  marks_ = {};
  std::stable_sort(source.annotations.begin(), source.annotations.end(),
                   [](const auto& a, const auto& b) {
                     return std::tie(a.timestamp_us, a.value) < std::tie(b.timestamp_us, b.value);
                   });
  std::stable_sort(source.binaries.begin(), source.binaries.end(),
                   [](const auto& a, const auto& b) { return a.key < b.key; });
  NewSpan(nullptr);
  TakeAnnotations();
  TimeRpc();
  TimeMessaging();
  TakeBinaries();
  return {spans_.data(), count_};
}

}  // namespace tracestore::codec
