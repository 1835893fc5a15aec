// A row: tree, mark of an error, service and operation | duration | bar on the time axis.
#include "api/draw_tree.h"

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "base/display_text.h"

namespace tracestore::api {
namespace {

using assembly::kNoNode;
using assembly::NodeId;
using base::CleanText;
using base::CountText;
using base::DisplayWidth;
using base::DurationText;
using base::Plural;
using base::Shorten;
using base::ShortTimeText;
using base::Style;
using base::TimeText;

struct Glyphs {
  const char* branch;
  const char* last;
  const char* through;
  const char* critical;
  const char* bar;
  const char* instant;
  const char* edge;
  const char* error;
};
constexpr Glyphs kUnicode = {"├─ ", "└─ ", "│  ", "█", "░", "▏", "│", "✗ "};
constexpr Glyphs kAscii = {"|- ", "`- ", "|  ", "#", "-", ".", "|", "! "};

// Levels that are drawn with lines, where the width leaves room for names of kLeastName columns;
// deeper spans stand at the last one, behind their depth.
constexpr std::size_t kMostLevels = 16;
constexpr std::size_t kLevelWidth = 3;
constexpr std::size_t kLeastName = 18;
constexpr std::size_t kDurationWidth = 8;
constexpr std::size_t kLeastWidth = 40;

class TreePainter {
 public:
  TreePainter(const TreeParts& trace, const DrawOptions& options)
      : trace_(trace),
        graph_(trace.graph),
        options_(options),
        width_(std::max(options.width, kLeastWidth)),
        glyphs_(options.ascii ? kAscii : kUnicode),
        begin_ns_(trace.summary.start_ns),
        length_ns_(trace.summary.duration_ns()) {
    const std::size_t least_bar = 12;
    const std::size_t fixed = kDurationWidth + 4;  // two blanks, two edges
    bar_width_ = std::max(least_bar, (width_ - fixed) * 45 / 100);
    name_width_ = std::max<std::size_t>(16, width_ - fixed - bar_width_);
    const std::size_t room = std::max(name_width_, kLeastName + kLevelWidth) - kLeastName;
    levels_ = std::min(kMostLevels, room / kLevelWidth);
  }

  DrawnTree Draw() {
    if (options_.top != kNoNode) ZoomTo(options_.top);
    DrawTitle();
    DrawAxis();
    CountSegments();
    const std::vector<NodeId>& all = graph_.preorder();
    const std::span<const NodeId> nodes =
        options_.top == kNoNode ? std::span<const NodeId>(all) : graph_.subtree(options_.top);
    base_depth_ = options_.top == kNoNode ? 0 : graph_.depth(options_.top);
    std::size_t drawn = 0;
    for (const NodeId node : nodes) {
      if (options_.max_rows != 0 && drawn == options_.max_rows) break;
      DrawNode(node);
      ++drawn;
    }
    return {std::move(out_), nodes.size() - drawn};
  }

 private:
  SpanView SpanOf(NodeId node) const { return trace_.spans[graph_.row(node)]; }
  void Paint(Style style, std::string_view text) { base::Paint(style, text, options_.color, out_); }

  void ZoomTo(NodeId top) {
    if (graph_.missing(top)) return;
    const assembly::Interval interval = trace_.intervals[top];
    begin_ns_ = interval.begin_ns;
    length_ns_ = interval.length();
  }

  void DrawTitle() {
    const TraceSummary& summary = trace_.summary;
    Paint(Style::kDim, "trace ");
    Paint(Style::kYellow, summary.trace_id.ToShortHex());
    out_ += "  ";
    Paint(Style::kCyan, CleanText(summary.root_service));
    out_ += ' ' + CleanText(summary.root_operation) + "\n";
    if (summary.has_start) {
      out_ += ShortTimeText(summary.start_ns) + " UTC, " + DurationText(summary.duration_ns()) +
              ", ";
    }
    out_ += Plural(summary.span_count, "span") + ", " +
            Plural(summary.services.size(), "service");
    if (summary.error_count > 0) {
      out_ += ", ";
      Paint(Style::kRed, Plural(summary.error_count, "error"));
    }
    if (summary.orphan_count > 0) {
      out_ += ", " + Plural(summary.orphan_count, "span") + " without the parent named";
    }
    out_ += "\n\n";
  }

  // Where begin, middle and end of the bars are.
  void DrawAxis() {
    std::string axis(bar_width_, ' ');
    const auto put = [&](std::size_t at, const std::string& text) {
      if (at + text.size() <= axis.size()) axis.replace(at, text.size(), text);
    };
    put(0, "0");
    // The micro sign takes two bytes and one column: the axis is ASCII.
    const auto label = [](std::uint64_t ns) {
      std::string text = DurationText(ns);
      if (const auto micro = text.find("µ"); micro != std::string::npos) {
        text.replace(micro, std::string_view("µ").size(), "u");
      }
      return text;
    };
    const std::string end = label(length_ns_);
    const std::string middle = label(length_ns_ / 2);
    if (bar_width_ / 2 + middle.size() + end.size() + 2 < bar_width_) put(bar_width_ / 2, middle);
    if (end.size() + 2 < bar_width_) put(bar_width_ - end.size(), end);
    std::string line(name_width_ + 1 + kDurationWidth + 2, ' ');
    line += axis;
    line.erase(line.find_last_not_of(' ') + 1);
    Paint(Style::kDim, line);
    out_ += '\n';
  }

  // Critical segments by node: [first_[node], first_[node + 1]) of by_node_.
  void CountSegments() {
    first_.assign(graph_.span_count() + 1, 0);
    for (const auto& part : trace_.critical) ++first_[part.node + 1];
    for (std::size_t i = 1; i < first_.size(); ++i) first_[i] += first_[i - 1];
    std::vector<std::size_t> next(first_.begin(), first_.end() - 1);
    by_node_.resize(trace_.critical.size());
    for (const auto& part : trace_.critical) by_node_[next[part.node]++] = part;
  }

  // Lines from the ancestors. The state of each drawn level is kept from row to row, which is
  // right in preorder.
  std::string Indent(NodeId node) {
    const std::size_t depth = graph_.depth(node) - base_depth_;
    if (depth == 0) return "";
    const NodeId parent = graph_.parent(node);
    const bool last = graph_.children(parent).back() == node;
    const std::size_t level = std::min(depth, levels_) - 1;
    if (last_at_.size() <= level) last_at_.resize(level + 1);
    last_at_[level] = last;
    std::string text;
    for (std::size_t i = 0; i < level; ++i) text += last_at_[i] ? "   " : glyphs_.through;
    text += last ? glyphs_.last : glyphs_.branch;
    if (depth > levels_) text += "(" + std::to_string(depth) + ") ";
    return text;
  }

  void DrawNode(NodeId node) {
    const std::string indent = Indent(node);
    Paint(Style::kDim, indent);
    std::size_t used = DisplayWidth(indent);
    if (graph_.missing(node)) {
      const std::string text = "(span " + graph_.span_id(node).ToHex() + " is not here)";
      Paint(Style::kDim, Shorten(text, Left(used)));
      out_ += '\n';
      return;
    }
    const SpanView span = SpanOf(node);
    const bool error = span.status() == StatusCode::kError;
    if (error) {
      Paint(Style::kRed, glyphs_.error);
      used += DisplayWidth(glyphs_.error);
    }
    const std::string service = Shorten(span.service(), Left(used));
    Paint(Style::kCyan, service);
    used += DisplayWidth(service);
    if (!service.empty() && used < name_width_) {
      out_ += ' ';
      ++used;
    }
    std::string name(span.name());
    if (graph_.copies(node) > 1) name += " (" + CountText(graph_.copies(node)) + " copies)";
    name = Shorten(name, Left(used));
    Paint(error ? Style::kRed : Style::kPlain, name);
    used += DisplayWidth(name);
    out_.append(Left(used) + 1, ' ');
    DrawTime(node, span);
    if (options_.attributes) DrawDetails(span, indent.empty() ? 2 : DisplayWidth(indent));
  }

  std::size_t Left(std::size_t used) const { return used < name_width_ ? name_width_ - used : 0; }

  void DrawTime(NodeId node, const SpanView& span) {
    const std::string duration = span.has_duration() ? DurationText(span.duration_ns()) : "?";
    const std::size_t width = DisplayWidth(duration);
    if (width < kDurationWidth) out_.append(kDurationWidth - width, ' ');
    out_ += duration + " ";
    Paint(Style::kDim, glyphs_.edge);
    if (span.has_start()) {
      DrawBar(node, span.status() == StatusCode::kError);
    } else {
      out_.append(bar_width_, ' ');
    }
    Paint(Style::kDim, glyphs_.edge);
    out_ += '\n';
  }

  // The column of a moment; begin and end of the trace are the ends of the bar's field.
  std::size_t ColumnOf(std::uint64_t ns) const {
    if (length_ns_ == 0 || ns <= begin_ns_) return 0;
    const double share = static_cast<double>(ns - begin_ns_) / static_cast<double>(length_ns_);
    return std::min(static_cast<std::size_t>(share * static_cast<double>(bar_width_)), bar_width_);
  }

  // A cell is critical where any part of it is.
  void DrawBar(NodeId node, bool error) {
    const assembly::Interval interval = trace_.intervals[node];
    enum : char { kBlank, kBar, kCritical, kInstant };
    std::string cells(bar_width_, kBlank);
    const std::size_t from = std::min(ColumnOf(interval.begin_ns), bar_width_ - 1);
    const std::size_t to = std::max(ColumnOf(interval.end_ns), from + 1);
    std::fill(cells.begin() + static_cast<std::ptrdiff_t>(from),
              cells.begin() + static_cast<std::ptrdiff_t>(to),
              interval.length() == 0 ? kInstant : kBar);
    for (std::size_t i = first_[node]; i < first_[node + 1]; ++i) {
      if (by_node_[i].begin_ns == by_node_[i].end_ns) continue;
      const std::size_t begin = std::min(ColumnOf(by_node_[i].begin_ns), bar_width_ - 1);
      const std::size_t end = std::max(ColumnOf(by_node_[i].end_ns), begin + 1);
      std::fill(cells.begin() + static_cast<std::ptrdiff_t>(begin),
                cells.begin() + static_cast<std::ptrdiff_t>(end), kCritical);
    }
    for (std::size_t at = 0; at < cells.size();) {
      const char kind = cells[at];
      std::string run;
      for (; at < cells.size() && cells[at] == kind; ++at) {
        run += kind == kCritical  ? glyphs_.critical
               : kind == kBar     ? glyphs_.bar
               : kind == kInstant ? glyphs_.instant
                                  : " ";
      }
      const Style style = kind == kBlank ? Style::kPlain
                          : error        ? Style::kRed
                          : kind == kCritical ? Style::kGreen
                                              : Style::kBlue;
      Paint(style, run);
    }
  }

  void DrawLine(std::size_t indent, const std::string& text) {
    out_.append(indent + 2, ' ');
    const std::size_t room = width_ > indent + 10 ? width_ - indent - 2 : 10;
    Paint(Style::kDim, options_.shorten ? Shorten(text, room) : CleanText(text));
    out_ += '\n';
  }

  void DrawAttributes(std::size_t indent, const AttributeList& attributes) {
    for (const AttributeView attribute : attributes) {
      DrawLine(indent, std::string(attribute.key()) + " = " + attribute.text());
    }
  }

  void DrawDetails(const SpanView& span, std::size_t indent) {
    DrawLine(indent, "span " + span.span_id().ToHex() + ", " + SpanKindName(span.kind()));
    if (span.status() != StatusCode::kUnset) {
      std::string text = std::string("status ") + StatusCodeName(span.status());
      if (!span.status_message().empty()) text += ": " + std::string(span.status_message());
      DrawLine(indent, text);
    }
    DrawAttributes(indent, span.attributes());
    for (std::size_t i = 0; i < span.event_count(); ++i) {
      const EventView event = span.event(i);
      const bool after = span.has_start() && event.time_ns() >= span.start_ns();
      const std::string when = after ? "+" + DurationText(event.time_ns() - span.start_ns())
                                     : TimeText(event.time_ns());
      DrawLine(indent, "event " + when + " " + std::string(event.name()));
      DrawAttributes(indent + 2, event.attributes());
    }
    for (std::size_t i = 0; i < span.reference_count(); ++i) {
      const ReferenceView reference = span.reference(i);
      const char* type = reference.type() == ReferenceType::kLink          ? "link to "
                         : reference.type() == ReferenceType::kFollowsFrom ? "follows from "
                                                                           : "also child of ";
      DrawLine(indent, type + reference.trace_id().ToShortHex() + " span " +
                           reference.span_id().ToHex());
      DrawAttributes(indent + 2, reference.attributes());
    }
  }

  const TreeParts& trace_;
  const assembly::TraceGraph& graph_;
  const DrawOptions& options_;
  const std::size_t width_;
  const Glyphs& glyphs_;
  std::uint64_t begin_ns_;
  std::uint64_t length_ns_;
  std::size_t bar_width_ = 0;
  std::size_t name_width_ = 0;
  std::size_t levels_ = 1;
  std::uint32_t base_depth_ = 0;
  std::vector<bool> last_at_;  // by level: whether the node drawn there last is its parent's last
  std::vector<std::size_t> first_;
  std::vector<assembly::PathSegment> by_node_;
  std::string out_;
};

}  // namespace

DrawnTree DrawTree(const TreeParts& trace, const DrawOptions& options) {
  return TreePainter(trace, options).Draw();
}

}  // namespace tracestore::api
