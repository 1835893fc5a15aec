#include "binary_format.h"

#include <string>

#include "terminal.h"

namespace tracestore::tools {

bool IsBinary(Format format) noexcept {
  switch (format) {
    case Format::kOtlpJson:
    case Format::kOtlpJsonLines:
    case Format::kJaegerJson:
    case Format::kZipkinJson:
    case Format::kZipkinV1Json: return false;
    case Format::kOtlpProtobuf:
    case Format::kJaegerThrift:
    case Format::kJaegerProtobuf:
    case Format::kZipkinProtobuf:
    case Format::kZipkinV1Thrift: return true;
  }
  return true;
}

Status RefuseOnTerminal(Format format, const char* way_out) {
  if (!IsBinary(format) || !Terminal::OfStdout("never").is_terminal) return {};
  return Error(ErrorCode::kInvalidArgument,
               std::string(FormatName(format)) + " is binary: " + way_out);
}

}  // namespace tracestore::tools
