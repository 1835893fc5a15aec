// Any bytes through the Zipkin protobuf codec: nothing breaks, what was taken comes back equal, and
// protobuf's own parser, where it is there, reads the same spans.
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#ifdef TS_HAVE_REFERENCE
#include <google/protobuf/stubs/logging.h>

#include "codec/zipkin/testing/zipkin_reference.h"
#endif
#include "codec/zipkin/zipkin_proto.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  model::SpanBatch strict;
  const auto whole = codec::DecodeZipkinProtobuf(bytes, strict, {.strict = true});
  if (!whole.has_value() && !strict.empty()) std::abort();
  model::SpanBatch batch;
  const auto report = codec::DecodeZipkinProtobuf(bytes, batch);
  if (report.has_value() ? (*report).accepted != batch.size() : !batch.empty()) std::abort();
  if (whole.has_value() && !report.has_value()) std::abort();
#ifdef TS_HAVE_REFERENCE
  google::protobuf::LogSilencer silent;
  model::SpanBatch theirs;
  const auto reference = codec::ReferenceDecodeZipkin(bytes, theirs);
  if (reference) {
    if (!report.has_value() || (*report).rejected != reference->rejected) std::abort();
    if (theirs.size() != batch.size()) std::abort();
    for (std::size_t i = 0; i < batch.size(); ++i)
      if (!model::SpansEqual(theirs, theirs.spans[i], batch, batch.spans[i])) std::abort();
  }
#endif
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string out;
  codec::EncodeZipkinProtobuf(batch, rows, out);
  model::SpanBatch again;
  if (!codec::DecodeZipkinProtobuf(out, again, {.strict = true}).has_value()) std::abort();
  if (again.size() != batch.size()) std::abort();
  for (std::size_t i = 0; i < batch.size(); ++i)
    if (!model::SpansEqual(batch, batch.spans[i], again, again.spans[i])) std::abort();
  return 0;
}
