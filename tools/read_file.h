// Whole files, pipes and stdin into memory, as long as nothing says to stop.
#pragma once
#include <string>

#include <tracestore/status.h>

#include "cancel.h"

namespace tracestore::tools {

// The whole of a file; "-" is stdin. A pipe whose writer is slow, or hasn't come, is waited for
// until `deadline` or Ctrl-C.
// Errors: kIo with the name and errno's sentence; kCancelled; kInvalidArgument where the content is
// too long, or stdin is the terminal.
Result<std::string> ReadWholeFile(const std::string& name, const Deadline& deadline);

// How a name stands in sentences: "-" is stdin.
std::string ShownName(const std::string& name);

}  // namespace tracestore::tools
