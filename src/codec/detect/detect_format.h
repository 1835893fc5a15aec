// DetectFormat: which format a file of traces has, from its content, never from its name.
#pragma once
#include <string_view>

#include <tracestore/format.h>
#include <tracestore/status.h>

namespace tracestore::codec {

// Looks at the outermost structure and its first telling key; the whole text is read only where
// nothing tells earlier. Text that breaks off or goes wrong later still has its format: the decoder
// then says where it breaks. A UTF-8 byte order mark is skipped.
// `content` is not compressed (codec/detect/decompress.h).
// Errors: kInvalidArgument where it is empty, no known trace format, or OTLP logs or metrics.
Result<Format> DetectFormat(std::string_view content);

}  // namespace tracestore::codec
