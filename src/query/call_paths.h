// CallPathTally: the ways that calls take through traces, from where a trace begins to where it
// ends, as the graphs of Jaeger's pages that show a service's surroundings need them.
//
// Of the spans from a root to a leaf the first is kept, and each later one whose service differs
// from that of the last one kept, or which is a server's; each is a hop (service, operation). A
// path counts where one of its hops is the focal one. Equal paths are one.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <tracestore/ids.h>

#include "assembly/trace_graph.h"

namespace tracestore::query {

struct CallPathOptions {
  std::string service;
  std::string operation = {};      // "": any
  std::size_t max_exemplars = 10;  // traces named for each path
  // What is kept in memory, and how much is told: beyond it paths are left out.
  std::size_t max_hops = 200'000;                  // of all paths, common beginnings counted once
  std::size_t max_path_hops = 1'000;               // of one
  std::size_t max_name_bytes = std::size_t{16} << 20;
  std::size_t max_told_hops = 500'000;             // of all paths, each counted whole
};

struct CallHop {
  std::string service;
  std::string operation;
  friend auto operator<=>(const CallHop&, const CallHop&) = default;
};

struct CallPath {
  std::vector<CallHop> hops;        // the caller first
  std::vector<TraceId> exemplars;   // in the order of Add(), each once
  friend auto operator<=>(const CallPath&, const CallPath&) = default;
};

// Paths with a common beginning share it: work and memory go with spans, not with the length of
// paths. Threads: one.
class CallPathTally {
 public:
  explicit CallPathTally(CallPathOptions options) : options_(std::move(options)) {}

  // One trace; the newest first, for they are the exemplars.
  void Add(const assembly::TraceGraph& graph);

  // By their hops.
  std::vector<CallPath> Paths() const;

 private:
  using Name = std::uint32_t;
  struct Hop {
    std::uint32_t before;  // kStart: the first of a path
    Name service;
    Name operation;
    std::uint32_t length;  // of the path to here
    bool focal;            // it, or one before it, is the focal one
    std::vector<TraceId> exemplars;  // of paths that end here; empty: none does
  };
  struct HopKey {
    std::uint32_t before;
    Name service;
    Name operation;
    bool operator==(const HopKey&) const = default;
  };
  struct HopHash {
    std::size_t operator()(const HopKey& key) const noexcept;
  };
  static constexpr std::uint32_t kStart = 0xFFFFFFFF;
  static constexpr std::uint32_t kCut = 0xFFFFFFFE;

  Name NameOf(std::string_view text);
  std::uint32_t After(std::uint32_t before, std::string_view service, std::string_view operation);
  std::uint32_t HopOf(const assembly::TraceGraph& graph, assembly::NodeId node,
                      std::uint32_t above);
  void End(std::uint32_t hop, TraceId trace);

  const CallPathOptions options_;
  std::size_t name_bytes_ = 0;
  std::unordered_map<std::string, Name> name_numbers_;
  std::vector<const std::string*> names_;  // keys of name_numbers_
  std::unordered_map<HopKey, std::uint32_t, HopHash> hop_numbers_;
  std::vector<Hop> hops_;
};

}  // namespace tracestore::query
