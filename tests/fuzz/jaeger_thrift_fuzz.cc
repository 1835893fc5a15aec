// Any bytes as Jaeger's Thrift, in both protocols and every shape. Where libthrift is there, its
// generated structs say what is right; and what was read must come back from our own encoder.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "codec/jaeger/thrift_decoder.h"
#ifdef TS_HAVE_REFERENCE
#include "codec/jaeger/testing/reference_thrift.h"
#include "codec/jaeger/thrift_encoder.h"
#endif

namespace {

using namespace tracestore;
using codec::JaegerThriftShape;
using codec::ThriftProtocol;

void Fail(const std::string& why) {
  std::fprintf(stderr, "%s\n", why.c_str());
  std::abort();
}

void Check(std::string_view message, ThriftProtocol protocol, JaegerThriftShape shape) {
  model::SpanBatch batch;
  std::vector<codec::JaegerBatchInfo> infos;
  const auto report = codec::DecodeJaegerThrift(message, protocol, shape, batch, &infos);
  if (!report.has_value()) {
    if (!batch.empty() || !infos.empty()) Fail("spans of a refused message");
    return;
  }
  if (report->accepted != batch.size()) Fail("the report miscounts");
#ifdef TS_HAVE_REFERENCE
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::string bytes;
  if (!codec::EncodeSubmitBatches(batch, rows, protocol, false, bytes).has_value())
    Fail("what was read can't be written");
  model::SpanBatch back;
  const auto again =
      codec::DecodeJaegerThrift(bytes, protocol, JaegerThriftShape::kArguments, back);
  if (!again.has_value() || back.size() != batch.size()) Fail("what was written can't be read");
  for (std::size_t row = 0; row < batch.size(); ++row) {
    if (!model::SpansEqual(batch, batch.spans[row], back, back.spans[row]))
      Fail("row " + std::to_string(row) + " is written as another");
  }
#endif
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  for (const ThriftProtocol protocol : {ThriftProtocol::kBinary, ThriftProtocol::kCompact}) {
#ifdef TS_HAVE_REFERENCE
    const std::string difference = codec::CompareJaegerThriftDecoders(message, protocol);
    if (!difference.empty()) Fail(difference);
#endif
    for (const auto shape :
         {JaegerThriftShape::kBatch, JaegerThriftShape::kArguments, JaegerThriftShape::kMessage}) {
      Check(message, protocol, shape);
    }
  }
  return 0;
}
