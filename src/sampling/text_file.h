// ReadTextFile: a small file of the operator's, whole.
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tracestore::sampling {

// At most `most_bytes` and one, so that who parses it can say that it is too long. Errors:
// kNotFound or kIo, "failed to read WHAT PATH: No such file or directory".
Result<std::string> ReadTextFile(std::string_view what, const std::string& path,
                                 std::size_t most_bytes);

}  // namespace tracestore::sampling
