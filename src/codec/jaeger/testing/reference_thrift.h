// Jaeger's Thrift through libthrift's generated structs: slow and obvious, what the decoder is
// held to. For tests only.
#pragma once
#include <string>
#include <string_view>

#include "codec/thrift/thrift_reader.h"
#include "model/decode_report.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Decodes a struct Batch. false where libthrift takes the bytes for none.
bool ReferenceDecodeJaegerBatch(std::string_view bytes, ThriftProtocol protocol,
                                model::SpanBatch& out, model::DecodeReport& report);

// Decodes a struct Batch both ways. "" where they agree, else how they differ. They agree where
// both refuse, or give equal spans and the same report but for the sentence; or where ours refuses
// for a reason that libthrift doesn't have (docs/format/thrift.md).
std::string CompareJaegerThriftDecoders(std::string_view bytes, ThriftProtocol protocol);

}  // namespace tracestore::codec
