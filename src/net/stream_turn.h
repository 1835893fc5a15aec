// How much of a streamed answer is made at a time.
#pragma once
#include <cstddef>

namespace tracestore::net {

// What a worker makes of an HttpResponse::stream in one turn, before it is sent: pieces up to this
// size together, of which the last may go beyond it. Each turn waits behind what all others asked
// meanwhile: an answer of twenty small pieces would wait twenty times. Who can cut an answer
// anywhere makes pieces of this size.
inline constexpr std::size_t kStreamTurnBytes = std::size_t{256} * 1024;

}  // namespace tracestore::net
