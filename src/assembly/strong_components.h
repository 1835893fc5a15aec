// Strongly connected components of a graph given as lists of targets.
#pragma once
#include <cstdint>
#include <vector>

namespace tracestore::assembly {

// The component of each node; two nodes are in one if each can be reached from the other. The
// targets of node n are targets[begin[n]] … targets[begin[n + 1] - 1]. Tarjan's algorithm with a
// stack of its own: O(nodes + edges).
std::vector<std::uint32_t> StrongComponents(const std::vector<std::uint32_t>& begin,
                                            const std::vector<std::uint32_t>& targets);

}  // namespace tracestore::assembly
