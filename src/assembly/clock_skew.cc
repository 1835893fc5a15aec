#include "assembly/clock_skew.h"

#include <algorithm>

#include "model/text.h"

namespace tracestore::assembly {
namespace {

// Whose clock a resource's times are of.
struct Clock {
  std::string host;  // "" where the resource names none
  model::StringId service = 0;

  bool SameAs(const Clock& other) const {
    if (!host.empty() && !other.host.empty()) return host == other.host;
    return service == other.service;
  }
};

std::string HostOf(const model::SpanBatch& batch, const model::ResourceRecord& resource) {
  for (const char* key : {"host.id", "host.name", "net.host.ip", "ip", "hostname"}) {
    for (const model::Attribute& attribute : model::AttributesOf(batch, resource.attributes)) {
      if (batch.text(attribute.key) != key) continue;
      std::string text = model::CanonicalText(batch, attribute);
      if (!text.empty()) return text;
    }
  }
  return {};
}

class SkewFinder {
 public:
  SkewFinder(const TraceGraph& graph, const ClockSkewOptions& options)
      : graph_(graph), options_(options) {
    const model::SpanBatch& batch = graph.batch();
    for (const auto& resource : batch.resources) {
      const model::Attribute* service =
          model::FindString(batch, resource.attributes, "service.name");
      clocks_.push_back({HostOf(batch, resource),
                         service == nullptr ? 0 : static_cast<model::StringId>(service->bits)});
    }
  }

  ClockSkew Find() {
    const std::uint32_t spans = graph_.span_count();
    skew_.delta_ns.assign(spans, 0);
    skew_.start_ns.assign(spans, 0);
    wanted_.assign(spans, 0);
    skipped_.assign(spans, false);
    for (NodeId node = 0; node < spans; ++node) {
      if (graph_.span(node).has_start()) skew_.start_ns[node] = graph_.span(node).start_ns;
    }
    for (const GraphWarning& warning : graph_.warnings()) {
      if (warning.kind != GraphWarning::Kind::kSameId || IsFirstOfItsId(warning.node)) continue;
      skipped_[warning.node] = true;
      Warn(warning.node, "duplicate span IDs; skipping clock skew adjustment");
    }
    for (const NodeId node : graph_.preorder()) {
      if (!graph_.missing(node)) Visit(node);
    }
    std::stable_sort(
        skew_.warnings.begin(), skew_.warnings.end(),
        [](const ClockSkewWarning& a, const ClockSkewWarning& b) { return a.node < b.node; });
    return std::move(skew_);
  }

 private:
  // One of several spans with an id is first: a walk of each id's list would be quadratic for a
  // trace of one id, so the first of each is remembered.
  bool IsFirstOfItsId(NodeId node) {
    const auto all = graph_.Find(graph_.span_id(node));
    if (firsts_.empty()) firsts_.assign(graph_.span_count(), kNoNode);
    NodeId& first = firsts_[all.front()];
    if (first == kNoNode) first = *std::min_element(all.begin(), all.end());
    return first == node;
  }

  void Warn(NodeId node, std::string text) { skew_.warnings.push_back({node, std::move(text)}); }

  const Clock& ClockOf(NodeId node) const { return clocks_[graph_.span(node).resource]; }

  void Visit(NodeId node) {
    const NodeId parent = graph_.parent(node);
    if (parent == kNoNode || skipped_[node]) return;
    if (graph_.missing(parent)) {
      Warn(node, "parent span ID=" + graph_.span_id(parent).ToHex() +
                     " is not in the trace; skipping clock skew adjustment");
      skipped_[node] = true;
      return;
    }
    if (skipped_[parent]) {
      skipped_[node] = true;
      return;
    }
    wanted_[node] =
        ClockOf(node).SameAs(ClockOf(parent)) ? wanted_[parent] : Calculate(node, parent);
    Move(node);
  }

  // What Jaeger would add to the child's start. Differences and sums are modulo 2^64.
  std::int64_t Calculate(NodeId node, NodeId parent_node) const {
    const model::SpanRecord& child = graph_.span(node);
    const model::SpanRecord& parent = graph_.span(parent_node);
    if (!child.has_start() || !parent.has_start()) return 0;
    const std::uint64_t parent_start = skew_.start_ns[parent_node];
    const auto early = static_cast<std::int64_t>(parent_start - child.start_ns);
    if (child.duration_ns > parent.duration_ns) {
      // It outlived its parent, so nothing says where it began; only not before its parent.
      return std::max<std::int64_t>(early, 0);
    }
    const std::uint64_t spare = parent.duration_ns - child.duration_ns;
    const std::uint64_t offset = child.start_ns - parent_start;
    if (early <= 0 && offset <= spare) return 0;
    // As much time on the way there as on the way back.
    return static_cast<std::int64_t>(static_cast<std::uint64_t>(early) + spare / 2);
  }

  void Move(NodeId node) {
    const std::int64_t delta = wanted_[node];
    if (delta == 0 || !graph_.span(node).has_start()) return;
    const std::uint64_t size =
        delta < 0 ? 0 - static_cast<std::uint64_t>(delta) : static_cast<std::uint64_t>(delta);
    if (options_.max_delta_ns == 0) {
      Warn(node, "clock skew adjustment disabled; not applying calculated delta of " +
                     FormatGoDuration(delta));
    } else if (size > options_.max_delta_ns) {
      const auto most = static_cast<std::int64_t>(
          std::min<std::uint64_t>(options_.max_delta_ns, 0x7FFF'FFFF'FFFF'FFFF));
      Warn(node, "max clock skew adjustment delta of " + FormatGoDuration(most) +
                     " exceeded; not applying calculated delta of " + FormatGoDuration(delta));
    } else {
      skew_.delta_ns[node] = delta;
      skew_.start_ns[node] += static_cast<std::uint64_t>(delta);
    }
  }

  const TraceGraph& graph_;
  ClockSkewOptions options_;
  std::vector<Clock> clocks_;         // by resource
  std::vector<std::int64_t> wanted_;  // by node: the move its clock needs, whether made or not
  std::vector<bool> skipped_;
  std::vector<NodeId> firsts_;
  ClockSkew skew_;
};

// Appends the decimal fraction `digits` digits long, without trailing zeros.
void AppendFraction(std::uint64_t fraction, int digits, std::string& out) {
  if (fraction == 0) return;
  std::string text = std::to_string(fraction);
  text.insert(0, static_cast<std::size_t>(digits) - text.size(), '0');
  text.erase(text.find_last_not_of('0') + 1);
  out += '.' + text;
}

}  // namespace

ClockSkew FindClockSkew(const TraceGraph& graph, const ClockSkewOptions& options) {
  return SkewFinder(graph, options).Find();
}

std::string FormatGoDuration(std::int64_t ns) {
  std::string out = ns < 0 ? "-" : "";
  const std::uint64_t size =
      ns < 0 ? 0 - static_cast<std::uint64_t>(ns) : static_cast<std::uint64_t>(ns);
  constexpr std::uint64_t kSecond = 1'000'000'000;
  if (size == 0) return "0s";
  if (size < kSecond) {
    const int digits = size < 1'000 ? 0 : size < 1'000'000 ? 3 : 6;
    const std::uint64_t unit = size < 1'000 ? 1 : size < 1'000'000 ? 1'000 : 1'000'000;
    out += std::to_string(size / unit);
    AppendFraction(size % unit, digits, out);
    return out + (digits == 0 ? "ns" : digits == 3 ? "\xC2\xB5s" : "ms");
  }
  const std::uint64_t seconds = size / kSecond;
  if (seconds >= 3'600) out += std::to_string(seconds / 3'600) + "h";
  if (seconds >= 60) out += std::to_string(seconds / 60 % 60) + "m";
  out += std::to_string(seconds % 60);
  AppendFraction(size % kSecond, 9, out);
  return out + "s";
}

}  // namespace tracestore::assembly
