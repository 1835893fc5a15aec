#include "assembly/strong_components.h"

#include <algorithm>

namespace tracestore::assembly {
namespace {
constexpr std::uint32_t kUnseen = 0xFFFFFFFF;
}

std::vector<std::uint32_t> StrongComponents(const std::vector<std::uint32_t>& begin,
                                            const std::vector<std::uint32_t>& targets) {
  const std::size_t nodes = begin.size() - 1;
  std::vector<std::uint32_t> component(nodes, kUnseen);
  std::vector<std::uint32_t> number(nodes, kUnseen);  // in the order of discovery
  std::vector<std::uint32_t> low(nodes, 0);
  std::vector<std::uint32_t> next = begin;  // the edge to look at next
  std::vector<std::uint32_t> open;          // nodes whose component isn't known
  std::vector<std::uint32_t> path;          // nodes being visited
  std::uint32_t discovered = 0;
  std::uint32_t components = 0;
  for (std::uint32_t first = 0; first < nodes; ++first) {
    if (number[first] != kUnseen) continue;
    path.push_back(first);
    while (!path.empty()) {
      const std::uint32_t node = path.back();
      if (number[node] == kUnseen) {
        number[node] = low[node] = discovered++;
        open.push_back(node);
      }
      if (next[node] < begin[node + 1]) {
        const std::uint32_t target = targets[next[node]++];
        if (number[target] == kUnseen) {
          path.push_back(target);
        } else if (component[target] == kUnseen) {
          low[node] = std::min(low[node], number[target]);
        }
        continue;
      }
      path.pop_back();
      if (!path.empty()) low[path.back()] = std::min(low[path.back()], low[node]);
      if (low[node] != number[node]) continue;
      while (component[node] == kUnseen) {
        component[open.back()] = components;
        open.pop_back();
      }
      ++components;
    }
  }
  return component;
}

}  // namespace tracestore::assembly
