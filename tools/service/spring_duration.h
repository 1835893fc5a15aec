// Durations as Spring reads the variables of Zipkin's server.
#pragma once
#include <string>
#include <string_view>

namespace tracestore::tools {

// What settings take, for "5000" (milliseconds), "5S" and "+5s" (units in any case), and ISO 8601
// as java.time.Duration has it: "PT5S", "pt1m30.5s", "P1DT-2H". The text itself where it is none of
// these, is below zero or beyond 2^63 ns.
std::string FromSpringDuration(std::string_view text);

}  // namespace tracestore::tools
