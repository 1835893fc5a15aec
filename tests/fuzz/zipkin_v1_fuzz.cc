// Any bytes through the decoders of Zipkin v1, as JSON, as Thrift and as whatever Zipkin's
// collector takes them for: nothing breaks, a refusal leaves nothing, and what was taken can be
// written as version 1 again.
#include <cstdint>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "codec/json/json_error.h"
#include "codec/zipkin/zipkin_message.h"
#include "codec/zipkin/zipkin_v1_json.h"
#include "codec/zipkin/zipkin_v1_thrift.h"

namespace {

using namespace tracestore;

// `same`: a file takes all that a server does. Of JSON servers read nothing behind the list.
template <typename Decode>
void Check(bool same, Decode decode) {
  model::SpanBatch strict;
  const auto whole = decode(strict, true);
  if (!whole.has_value() && !strict.empty()) std::abort();
  model::SpanBatch batch;
  const auto report = decode(batch, false);
  if (report.has_value() ? (*report).accepted != batch.size() : !batch.empty()) std::abort();
  if (same && whole.has_value() && !report.has_value()) std::abort();
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string json, thrift;
  codec::EncodeZipkinV1Json(batch, rows, json);
  codec::EncodeZipkinV1Thrift(batch, rows, thrift);
  model::SpanBatch from_json, from_thrift;
  if (!codec::DecodeZipkinV1Json(json, from_json).has_value()) std::abort();
  if (!codec::DecodeZipkinV1Thrift(thrift, from_thrift).has_value()) std::abort();
  if (from_json.size() != from_thrift.size()) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const bool json = !codec::FindJsonError(bytes, true).has_value();
  Check(json, [bytes](model::SpanBatch& out, bool strict) {
    return codec::DecodeZipkinV1Json(bytes, out, {.strict = strict});
  });
  Check(true, [bytes](model::SpanBatch& out, bool strict) {
    return codec::DecodeZipkinV1Thrift(bytes, out, {.strict = strict});
  });
  model::SpanBatch one;
  const auto span = codec::DecodeZipkinV1ThriftSpans({&bytes, 1}, one, {.strict = true});
  if (!span.has_value() && !one.empty()) std::abort();
  const auto encoding = codec::DetectZipkinEncoding(bytes);
  if (encoding.has_value()) {
    model::SpanBatch out;
    if (!codec::DecodeZipkinMessage(bytes, *encoding, out).has_value() && !out.empty())
      std::abort();
  }
  return 0;
}
