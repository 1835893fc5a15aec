// The Content-Type of a request as Go's mime.ParseMediaType reads and words it. Pure.
#pragma once
#include <tracestore/status.h>

#include <string>
#include <string_view>

namespace tracestore::ingest {

// The media type in lower case, without its parameters. Errors: kInvalidArgument with Go's words
// ("mime: invalid media parameter").
Result<std::string> ParseMediaType(std::string_view header);

}  // namespace tracestore::ingest
