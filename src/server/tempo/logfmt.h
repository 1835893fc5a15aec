// logfmt: key=value pairs on one line, as Tempo's `tags` parameter has them. Pure.
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::server {

// `k=v k2="v 2" bare`: pairs apart by blanks, in their order; a key without '=' has the value "". A
// quoted value has JSON's escapes. Errors: kInvalidArgument, "unexpected '=' at pos 3" (from 1).
Result<std::vector<std::pair<std::string, std::string>>> ParseLogfmt(std::string_view text);

}  // namespace tracestore::server
