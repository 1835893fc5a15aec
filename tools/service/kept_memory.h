// What a service does so that memory which was needed once is the system's again.
#pragma once

namespace tracestore::tools {

// For the whole process; before its threads begin.
void BoundKeptMemory();

// Gives back what the allocator keeps free where that is much. Takes some milliseconds then, for
// which other threads may wait for memory; else a few microseconds. Any thread, now and then.
void GiveBackMemory();

}  // namespace tracestore::tools
