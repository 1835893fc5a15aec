// ZipkinLinkReader: what Zipkin's link rule says of traces, from as little of them as it looks at.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include <tracestore/store.h>

#include "assembly/links.h"
#include "codec/zipkin/zipkin_convert.h"
#include "model/span_batch.h"

namespace tracestore::server {

// The attributes that it wants to have been read (SpanParts::keys).
std::vector<std::string> ZipkinLinkKeys();

// The rule looks at kinds, endpoints and tags as Zipkin's API shows them. Spans of other origins
// are converted first, but for what the rule doesn't look at. One thread.
class ZipkinLinkReader {
 public:
  // `spans` is borrowed; no two of it are equal in every field.
  explicit ZipkinLinkReader(const model::SpanBatch& spans);

  // The links of one trace, all of whose spans are `rows`. False: only all of their fields tell
  // (spans that share an id, or of both origins).
  bool Read(std::span<const std::uint32_t> rows, std::vector<assembly::ServiceLink>& links);

 private:
  bool HasRepeatedIds(std::span<const std::uint32_t> rows);
  bool AddConverted(std::uint32_t row);
  bool ConvertResources();

  const model::SpanBatch& from_;
  codec::ZipkinConverter converter_;
  std::vector<SpanId> ids_;
  bool resources_are_text_ = false;  // all in UTF-8
  model::SpanBatch shown_;           // resources: those of from_, converted; spans of one trace
  model::StringId peer_service_, error_;
};

// The links of one trace from all of its spans' fields: as the API shows them, read again.
Result<std::vector<assembly::ServiceLink>> ZipkinLinksOfAll(const Snapshot& snapshot, TraceId id);

}  // namespace tracestore::server
