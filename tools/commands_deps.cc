// deps: which service calls which, as a list or a graph.
#include <memory>
#include <string>

#include <tracestore/store.h>

#include "command.h"
#include "exit_codes.h"
#include "listing.h"
#include "query_flags.h"
#include "source.h"

namespace tracestore::tools {
namespace {

struct DepsOptions {
  SourceFlags source;
  RangeFlags range;
  FormFlags form;
  bool dot = false;
};

// A quoted string of Graphviz's language: " and \ are protected, what steers a terminal is gone.
std::string Quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : CleanText(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string Graphviz(const std::vector<DependencyLink>& links) {
  std::string out = "digraph dependencies {\n  rankdir=LR;\n  node [shape=box];\n";
  for (const DependencyLink& link : links) {
    std::string label = std::to_string(link.calls);
    if (link.errors > 0) label += " (" + std::to_string(link.errors) + " failed)";
    out += "  " + Quoted(link.parent) + " -> " + Quoted(link.child) + " [label=" + Quoted(label) +
           (link.errors > 0 ? ", color=red" : "") + "];\n";
  }
  return out + "}\n";
}

Listing LinksListing(const std::vector<DependencyLink>& links) {
  Listing listing;
  listing.name = "dependencies";
  listing.columns = {{"parent", "CALLER", false, true},
                     {"child", "CALLED", false, true},
                     {"calls", "CALLS", true, false},
                     {"errors", "ERRORS", true, false}};
  for (const DependencyLink& link : links) {
    listing.rows.push_back(
        {Cell::Text(link.parent, Style::kCyan), Cell::Text(link.child, Style::kCyan),
         Cell::Count(link.calls),
         Cell::Count(link.errors, link.errors > 0 ? Style::kRed : Style::kPlain)});
  }
  return listing;
}

int Run(DepsOptions& options) {
  if (options.dot && options.form.form() != Form::kTable) {
    return Fail(kExitUsage, "--dot does not go with --json, --jsonl or --csv");
  }
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  const auto range = options.range.Build();
  if (!range) return Fail(range.error());
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  const auto links = source->snapshot().Dependencies(*range);
  if (!links) return Fail(links.error());
  if (Status status = options.source.deadline.Check(); !status) return Fail(status.error());
  if (!options.dot) return Print(LinksListing(*links), options.form);
  const Status status = WriteOut(Graphviz(*links));
  return status ? static_cast<int>(kExitOk) : Fail(status.error());
}

}  // namespace

Command DeclareDeps(CLI::App& root) {
  auto* app = root.add_subcommand("deps", "Show which service calls which, with calls and errors");
  auto options = std::make_shared<DepsOptions>();
  options->source.AddTo(*app);
  options->range.AddTo(*app);
  app->add_flag("--dot", options->dot, "Print a graph for Graphviz")->group("Output");
  options->form.AddTo(*app);
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore deps DIR --since 1h\n"
              "  tracestore deps trace.json --dot | dot -Tsvg > deps.svg\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
