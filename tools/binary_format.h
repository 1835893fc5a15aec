// Formats whose files are no text.
#pragma once
#include <tracestore/format.h>
#include <tracestore/status.h>

namespace tracestore::tools {

// Thrift and protobuf: such a file ends with its last span, and not with a line.
bool IsBinary(Format format) noexcept;

// kInvalidArgument where binary bytes would go to a terminal; `way_out` says what to do instead.
Status RefuseOnTerminal(Format format, const char* way_out);

}  // namespace tracestore::tools
