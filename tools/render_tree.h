// A trace drawn as a tree beside a timeline.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>

#include "terminal.h"
#include "trace_timing.h"

namespace tracestore::tools {

struct TreeOptions {
  std::size_t max_rows = 1000;  // spans drawn; 0: all
  bool attributes = false;      // also attributes, events and references below each span
  bool ascii = false;           // no characters beyond ASCII in the drawing
  assembly::NodeId top = assembly::kNoNode;  // only this node and what is below it
};

struct DrawnTree {
  std::string text;
  std::uint64_t left_out = 0;  // spans not drawn because of max_rows
};

// Title, axis, a line for each span in preorder. Nothing recursive: a chain of a million spans is
// drawn as any other; what is deeper than the width allows is marked by its depth.
DrawnTree DrawTree(const TimedTrace& trace, const TreeOptions& options, const Terminal& terminal);

}  // namespace tracestore::tools
