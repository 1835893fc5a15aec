// metrics: calls, errors and latency of each operation.
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

struct MetricsOptions {
  SourceFlags source;
  RangeFlags range;
  FormFlags form;
  std::vector<std::string> services;
  std::string step;
};

Listing MetricsListing(const std::vector<OperationMetrics>& metrics, bool steps) {
  Listing listing;
  listing.name = "metrics";
  if (steps) listing.columns.push_back({"time", "TIME", false, false});
  for (auto& column : std::vector<Listing::Column>{{"service", "SERVICE", false, true},
                                                   {"operation", "OPERATION", false, true},
                                                   {"kind", "KIND", false, false, true},
                                                   {"calls", "CALLS", true, false},
                                                   {"errors", "ERRORS", true, false},
                                                   {"p50Ns", "P50", true, false},
                                                   {"p95Ns", "P95", true, false},
                                                   {"p99Ns", "P99", true, false}}) {
    listing.columns.push_back(std::move(column));
  }
  for (const OperationMetrics& m : metrics) {
    auto& row = listing.rows.emplace_back();
    if (steps) row.push_back(Cell::Time(true, m.step_begin_ns));
    row.insert(row.end(),
               {Cell::Text(m.service, Style::kCyan), Cell::Text(m.operation),
                Cell::Text(SpanKindName(m.kind)), Cell::Count(m.calls),
                Cell::Count(m.errors, m.errors > 0 ? Style::kRed : Style::kPlain)});
    for (std::size_t i = 0; i < 3; ++i) {
      const bool timed = i < m.latency_ns.size();
      row.push_back(Cell::Duration(timed, timed ? m.latency_ns[i] : 0));
    }
  }
  return listing;
}

Result<std::uint64_t> StepOf(const std::string& text) {
  if (text.empty()) return std::uint64_t{0};
  auto step = ParseDuration(text);
  if (!step) return std::move(step.error()).WithContext("--step");
  if (step->count() <= 0) return Error(ErrorCode::kInvalidArgument, "--step must be above 0");
  return static_cast<std::uint64_t>(step->count());
}

int Run(MetricsOptions& options) {
  MetricsQuery query;
  const auto step = StepOf(options.step);
  if (!step) return Fail(kExitUsage, step.error().message());
  query.step_ns = *step;
  query.services = options.services;
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  const auto range = options.range.Build();
  if (!range) return Fail(range.error());
  query.range = *range;
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  const auto metrics = source->snapshot().Metrics(query);
  if (!metrics) return Fail(metrics.error());
  if (Status status = options.source.deadline.Check(); !status) return Fail(status.error());
  return Print(MetricsListing(*metrics, query.step_ns != 0), options.form);
}

}  // namespace

Command DeclareMetrics(CLI::App& root) {
  auto* app = root.add_subcommand("metrics", "Show calls, errors and latency of each operation");
  auto options = std::make_shared<MetricsOptions>();
  options->source.AddTo(*app);
  options->range.AddTo(*app);
  app->add_option("-s,--service", options->services, "Of this service only; may be repeated")
      ->type_name("NAME")
      ->group("Conditions");
  app->add_option("--step", options->step, "A row for each stretch of so long: 10s, 1m, 1h")
      ->type_name("D")
      ->group("Output");
  options->form.AddTo(*app);
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore metrics DIR --since 1h --service checkout\n"
              "  tracestore metrics trace.json --step 1m --csv\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
