// What the settings of TLS must say together, and whether their files can be used.
#pragma once
#include <tracestore/status.h>

#include "service/resolve.h"

namespace tracestore::tools {

// Of each listener that is on and each client that sends, with TLS. Errors: one sentence with
// where, and with the full name of the setting that is wrong or missing; the files are read.
Status CheckTls(Role role, const Resolved& resolved);

}  // namespace tracestore::tools
