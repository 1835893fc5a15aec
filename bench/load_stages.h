// What messages cost without a collector, by stage.
#pragma once
#include <tracestore/status.h>

#include <string>

#include "load_messages.h"

namespace tracestore::bench {

// CPU seconds of all messages, in this process.
struct StageSeconds {
  double decode = 0;
  double sanitize = 0;   // the stage before the store
  double store = 0;      // append, seal and close
  double yardstick = 0;  // protobuf's arena parse, simdjson's walk, libthrift's parse
};
// `directory`: of a store that is made. `busy`: beside a thread that decodes the same messages all
// the time and isn't counted, as a collector's threads run beside each other and beside those who
// send; else with nothing beside. Errors: as they come.
Result<StageSeconds> MeasureStages(LoadProtocol protocol, const LoadMessages& load,
                                   const std::string& directory, bool busy);

}  // namespace tracestore::bench
