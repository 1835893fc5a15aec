// What readers cost the one who writes, and he them. Printed.
#pragma once
#include <string>

#include <tracestore/status.h>

namespace tracestore::bench {

// Ingests a file of requests three times: alone, beside eight reading processes, and beside eight
// reading threads of its own process; all ask as fast as they can. `directory` is made anew each
// time.
Status Beside(const std::string& requests, const std::string& directory);

}  // namespace tracestore::bench
