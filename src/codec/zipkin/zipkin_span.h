// ZipkinSpan: one span as Zipkin's formats say it, between their encodings and the model; and
// ZipkinAppender, which puts such spans into a batch in Zipkin's normal form
// (docs/format/zipkin-json.md). What all of Zipkin's decoders share.
#pragma once
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json/json_writer.h"
#include "codec/json/resource_pool.h"
#include "codec/wire/intern_cache.h"
#include "codec/zipkin/zipkin_text.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// The latest time in microseconds that the model's nanoseconds can hold.
inline constexpr std::uint64_t kMaxZipkinMicros = ~std::uint64_t{0} / 1000;

struct ZipkinAnnotation {
  std::uint64_t timestamp_us = 0;
  std::string_view value;
  auto operator<=>(const ZipkinAnnotation&) const = default;
};

struct ZipkinTag {
  std::string_view key;
  std::string_view value;
};

// As it was read, not yet in normal form: names of any case, tags and annotations in any order.
// Views are borrowed.
struct ZipkinSpan {
  TraceId trace_id;
  SpanId id;
  SpanId parent_id;
  SpanKind kind = SpanKind::kUnspecified;
  std::string_view name;
  std::uint64_t timestamp_us = 0;  // 0: absent
  std::uint64_t duration_us = 0;   // 0: absent
  ZipkinEndpoint local;
  std::optional<std::uint32_t> resource;  // instead of `local`: what its appender made of it
  ZipkinEndpoint remote;
  std::vector<ZipkinAnnotation> annotations;
  std::vector<ZipkinTag> tags;
  bool debug = false;
  bool shared = false;

  // Empty again; keeps its memory.
  void Clear();
};

// {"serviceName", "ipv4", "ipv6", "port"}, what is absent left out.
void WriteZipkinEndpoint(const ZipkinEndpoint& endpoint, JsonWriter& out);

// Why a span is not taken.
struct ZipkinRefusal {
  std::string reason;    // a fixed text to count by
  std::string sentence;  // with the value, for the report
  std::string zipkin;    // how Zipkin's own server begins its answer
};

// "span 3 of trace 0af7…: sentence", for a report. An empty trace id is left out.
std::string NameZipkinSpan(std::uint64_t index, const TraceId& trace_id,
                           const std::string& sentence);

inline constexpr std::size_t kKnownEndpoints = 32;  // that an appender keeps of either side

// Threads: one. `out` must outlive the appender and get nothing but this appender's spans.
class ZipkinAppender {
 public:
  explicit ZipkinAppender(model::SpanBatch& out);

  // Precondition: the ids are not empty and times at most kMaxZipkinMicros. Sorts the lists of
  // `span`. The texts that its views name must outlive the appender.
  void Append(ZipkinSpan& span);

  // What a local endpoint is in the batch: for a decoder that meets the same bytes again.
  std::uint32_t Resource(const ZipkinEndpoint& local);

 private:
  void Remote(const ZipkinEndpoint& remote);
  struct EndpointIds {
    model::StringId service = 0, ipv4 = 0, ipv6 = 0;
  };
  struct HostKeys {
    model::StringId service, ip, port;
  };
  EndpointIds IdsOf(const ZipkinEndpoint& endpoint);
  void AddEndpoint(const EndpointIds& ids, std::uint16_t port, const HostKeys& keys);
  void Attributes(ZipkinSpan& span, model::SpanRecord& record);
  void Tags(ZipkinSpan& span, model::SpanRecord& record);
  void Annotations(ZipkinSpan& span, model::SpanRecord& record);
  void AddSynthetic(model::StringId key, model::StringId text);
  model::StringId Lower(std::string_view text);

  model::SpanBatch& out_;
  ResourcePool pool_;
  InternCache<256> keys_;
  InternCache<512> texts_;
  // The keys of what is no tag in Zipkin.
  HostKeys host_, peer_;
  model::StringId shared_, debug_;
  std::uint32_t scope_ = 0;
  bool any_ = false;
  // Hosts come again and again.
  template <typename Value>
  struct Known {
    ZipkinEndpoint endpoint;
    Value value{};
    bool set = false;
  };
  std::array<Known<std::uint32_t>, kKnownEndpoints> locals_;  // their resources
  std::array<Known<EndpointIds>, kKnownEndpoints> remotes_;
};

}  // namespace tracestore::codec
