// Zipkin's spans of version 1, as JSON and Thrift have them, and the way between them and version 2
// (docs/format/zipkin-v1.md).
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "codec/zipkin/zipkin_span.h"

namespace tracestore::codec {

inline constexpr std::uint32_t kNoZipkinEndpoint = 0xFFFFFFFF;

struct ZipkinV1Annotation {
  std::uint64_t timestamp_us = 0;
  std::string_view value;
  std::uint32_t endpoint = kNoZipkinEndpoint;  // index into ZipkinV1Span::endpoints
};

// Of the binary annotations that name the other end of a call by their endpoint, never a tag.
inline bool IsZipkinAddressKey(std::string_view key) {
  return key == "sa" || key == "ca" || key == "ma";
}

// A tag, or, with `address`, the other end of a call. Without an endpoint such a one takes back
// those before it, as in Zipkin.
struct ZipkinV1Binary {
  std::string_view key;
  std::string_view value;
  std::uint32_t endpoint = kNoZipkinEndpoint;
  bool address = false;
};

// Views are borrowed.
struct ZipkinV1Span {
  TraceId trace_id;
  SpanId id;
  SpanId parent_id;
  std::string_view name;
  std::uint64_t timestamp_us = 0;  // 0: absent, as is what was negative
  std::uint64_t duration_us = 0;
  std::vector<ZipkinV1Annotation> annotations;
  std::vector<ZipkinV1Binary> binaries;
  std::vector<ZipkinEndpoint> endpoints;
  bool debug = false;

  void Clear();
  // The index of a copy of `endpoint`; kNoZipkinEndpoint for one with nothing in it. Annotations of
  // one side mostly name the endpoint of the one before, which is then the same index.
  std::uint32_t AddEndpoint(const ZipkinEndpoint& endpoint);
  const ZipkinEndpoint* EndpointAt(std::uint32_t index) const {
    return index == kNoZipkinEndpoint ? nullptr : &endpoints[index];
  }
};

// One span of version 1 to the spans of version 2 that it stands for: the side that each service of
// it recorded. Threads: one.
class ZipkinV1Converter {
 public:
  // Sorts the lists of `source`. The spans, at least one, are valid until the next call; their
  // views as long as those of `source`.
  std::span<ZipkinSpan> Convert(ZipkinV1Span& source);

 private:
  enum Core : std::uint8_t { kCs, kCr, kSr, kSs, kMs, kMr, kWs, kWr, kCoreCount };
  using Mark = const ZipkinV1Annotation*;

  std::size_t NewSpan(const ZipkinEndpoint* local);
  // The span of that endpoint's service, a new one if there is none; of no endpoint the first.
  std::size_t For(std::uint32_t endpoint);
  const ZipkinEndpoint& HostOf(Mark mark) const { return source_->endpoints[mark->endpoint]; }
  static Core CoreOf(std::string_view value);
  void TakeAnnotations();
  void InferStart(Core start, Core end, std::size_t which);
  void TimeRpc();
  void ShareSpan();
  void TimeIncomplete();
  void TimeMessaging();
  void BothMessagingSides();
  void Time(Mark begin, Mark end);
  void TakeBinaries();
  void Addresses(const ZipkinEndpoint* ca, const ZipkinEndpoint* sa, const ZipkinEndpoint* ma);

  ZipkinV1Span* source_ = nullptr;
  std::vector<ZipkinSpan> spans_;  // keeps its memory; count_ are in use
  std::size_t count_ = 0;
  // Of more than a few spans: service to the first span of it.
  std::unordered_map<std::string_view, std::size_t> by_service_;
  std::array<Mark, kCoreCount> marks_{};
  std::array<ZipkinV1Annotation, 2> inferred_;
};

// One span of version 2 as one of version 1. `source` is in normal form.
void ToZipkinV1(const ZipkinSpan& source, ZipkinV1Span& out);

}  // namespace tracestore::codec
