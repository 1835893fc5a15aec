// get: one trace as a tree beside a timeline, or in a format. critical-path: what it waited for.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <tracestore/format.h>
#include <tracestore/store.h>

#include "api/draw_tree.h"
#include "binary_format.h"
#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "listing.h"
#include "output_json.h"
#include "source.h"
#include "trace_timing.h"

namespace tracestore::tools {
namespace {

struct GetOptions {
  std::vector<std::string> words;
  SourceFlags source;
  FormFlags form;
  std::string format;
  std::string clock_skew;
  std::string span;
  DrawOptions tree;
  bool by_operation = false;  // critical-path
};

constexpr std::size_t kWarningsShown = 5;

// The traces that the words name; of a source that holds a single trace no id is needed.
Result<std::vector<TraceId>> ChooseIds(const std::vector<TraceId>& named,
                                       const Snapshot& snapshot) {
  if (!named.empty()) return named;
  Query query;
  query.limit = 2;
  auto page = snapshot.Find(query);
  if (!page) return std::move(page.error());
  if (page->traces.size() == 1) return std::vector<TraceId>{page->traces[0].trace_id};
  if (page->traces.empty()) return Error(ErrorCode::kNotFound, "there is no trace");
  return Error(ErrorCode::kInvalidArgument,
               "name a trace id: there is more than one trace (tracestore find SOURCE lists them)");
}

// The trace with that id. Where there is none and the id is of 64 bits, the one that ends in it.
Result<SpanList> GetTrace(const Snapshot& snapshot, TraceId id) {
  auto spans = snapshot.Get(id);
  if (spans || spans.error().code() != ErrorCode::kNotFound || id.high != 0) return spans;
  const auto candidates = snapshot.TracesWithLowId(id.low);
  if (!candidates || candidates->empty()) return spans;
  if (candidates->size() == 1) return snapshot.Get(candidates->front());
  std::string message = CountText(candidates->size()) + " traces end in " + id.ToShortHex() + ":";
  for (std::size_t i = 0; i < candidates->size() && i < 5; ++i) {
    message += " " + (*candidates)[i].ToShortHex();
  }
  return Error(ErrorCode::kInvalidArgument, message);
}

void PrintTraceWarnings(const TimedTrace& trace) {
  const std::size_t count = trace.warnings.size();
  for (std::size_t i = 0; i < count && i < kWarningsShown; ++i) PrintWarning(trace.warnings[i]);
  if (count > kWarningsShown) {
    PrintWarning(CountText(count - kWarningsShown) + " more (--json lists all)");
  }
}

// One trace as an object: the summary, then the spans in preorder.
void WriteTrace(const TimedTrace& trace, codec::JsonWriter& writer) {
  writer.BeginObject();
  WriteSummaryMembers(trace.summary, writer);
  writer.Key("warnings");
  writer.BeginArray();
  for (const std::string& warning : trace.warnings) writer.String(warning);
  writer.EndArray();
  // In the trace's object "spans" is the count already.
  writer.Key("tree");
  writer.BeginArray();
  for (const assembly::NodeId node : trace.graph.preorder()) {
    if (trace.graph.missing(node)) continue;
    writer.BeginObject();
    WriteSpanMembers(trace.span(node), writer);
    writer.Key("depth");
    writer.Uint(trace.graph.depth(node));
    writer.Key("copies");
    writer.Uint(trace.graph.copies(node));
    writer.Key("selfNs");
    writer.Uint(trace.self_ns[node]);
    writer.Key("criticalNs");
    writer.Uint(trace.critical_ns[node]);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
}

// nullopt where --format isn't given.
Result<std::optional<Format>> ChooseFormat(const GetOptions& options) {
  if (options.format.empty()) return std::optional<Format>();
  const auto format = ParseFormat(options.format);
  if (!format) return Error(format.error()).WithContext("--format");
  if (Status status = RefuseOnTerminal(*format, "redirect it into a file"); !status)
    return status.error();
  return std::optional<Format>(*format);
}

int PrintEncoded(const std::vector<SpanList>& traces, Format format) {
  if (traces.size() > 1 && format != Format::kOtlpJsonLines) {
    return Fail(kExitUsage, std::string("--format ") + FormatName(format) +
                                " prints one trace; for several use tracestore export");
  }
  for (const SpanList& spans : traces) {
    const auto text = Encode(spans, format);
    if (!text) return Fail(text.error());
    const bool ends_line = IsBinary(format) || text->ends_with('\n');
    if (Status status = WriteOut(ends_line ? *text : *text + "\n"); !status) {
      return Fail(status.error());
    }
  }
  return kExitOk;
}

int PrintJson(const std::vector<TimedTrace>& traces, Form form) {
  std::string out;
  if (form == Form::kJsonLines || traces.size() == 1) {
    for (const TimedTrace& trace : traces) {
      codec::JsonWriter writer(out);
      WriteTrace(trace, writer);
      out += '\n';
    }
  } else {
    codec::JsonWriter writer(out);
    writer.BeginArray();
    for (const TimedTrace& trace : traces) WriteTrace(trace, writer);
    writer.EndArray();
    out += '\n';
  }
  const Status status = WriteOut(out);
  return status ? static_cast<int>(kExitOk) : Fail(status.error());
}

int PrintTree(const TimedTrace& trace, const GetOptions& options) {
  DrawOptions tree = options.tree;
  if (!options.span.empty()) {
    const auto id = SpanId::FromHex(options.span);
    const auto nodes = trace.graph.Find(*id);
    if (nodes.empty()) {
      return Fail(kExitNothingFound, "the trace has no span " + id->ToHex());
    }
    tree.top = nodes.front();
  }
  const Terminal terminal = options.form.terminal();
  tree.width = terminal.width;
  tree.color = terminal.color;
  tree.shorten = terminal.is_terminal;
  const DrawnTree drawn = api::DrawTree(
      {trace.spans, trace.summary, trace.graph, trace.intervals, trace.critical}, tree);
  if (Status status = WriteOut(drawn.text); !status) return Fail(status.error());
  if (drawn.left_out > 0) {
    std::fprintf(stderr, "%s not drawn (--limit 0 draws all)\n",
                 Plural(drawn.left_out, "span").c_str());
  }
  PrintTraceWarnings(trace);
  return kExitOk;
}

// With --span: below this many spans the tree is drawn out of the whole trace, whose bars and
// critical path it keeps; the rest of a larger one isn't read.
constexpr std::uint64_t kDrawnWhole = 100'000;

Result<SpanList> FetchTraceOrSubtree(const Snapshot& snapshot, TraceId id,
                                     const GetOptions& options, SpanId top) {
  if (options.span.empty()) return GetTrace(snapshot, id);
  if (options.format.empty() && options.form.form() == Form::kTable) {
    const auto summary = snapshot.Summarize(id);
    if (summary && summary->span_count <= kDrawnWhole) return GetTrace(snapshot, id);
  }
  return snapshot.GetSubtree(id, top);
}

// The named traces of the source, in that order.
int FetchTraces(GetOptions& options, std::vector<SpanList>& out) {
  auto words = SplitSources(options.words);
  if (!words) return Fail(words.error());
  options.source.names = words->sources;
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  const auto ids = ChooseIds(words->ids, source->snapshot());
  if (!ids) return Fail(ids.error());
  SpanId top;
  if (!options.span.empty()) {
    const auto parsed = SpanId::FromHex(options.span);
    if (!parsed) {
      return Fail(kExitUsage,
                  "--span: '" + options.span + "' is no span id (1 to 16 hex digits)");
    }
    top = *parsed;
  }
  for (const TraceId id : *ids) {
    auto spans = FetchTraceOrSubtree(source->snapshot(), id, options, top);
    if (!spans) return Fail(spans.error());
    if (Status status = options.source.deadline.Check(); !status) return Fail(status.error());
    out.push_back(std::move(*spans));
  }
  return kExitOk;
}

Result<std::uint64_t> MaxSkew(const GetOptions& options) {
  if (options.clock_skew.empty()) return std::uint64_t{0};
  auto most = ParseDuration(options.clock_skew);
  if (!most) return std::move(most.error()).WithContext("--clock-skew");
  return static_cast<std::uint64_t>(most->count());
}

int RunGet(GetOptions& options) {
  const Form form = options.form.form();
  if (!options.format.empty() && form != Form::kTable) {
    return Fail(kExitUsage, "--format does not go with --json or --jsonl");
  }
  const auto format = ChooseFormat(options);
  if (!format) return Fail(format.error());
  const auto max_skew = MaxSkew(options);
  if (!max_skew) return Fail(max_skew.error());
  std::vector<SpanList> traces;
  if (const int code = FetchTraces(options, traces); code != kExitOk) return code;
  if (*format) return PrintEncoded(traces, **format);
  std::vector<TimedTrace> timed;
  bool first = true;
  for (SpanList& spans : traces) {
    TimedTrace trace = TimeTrace(std::move(spans), *max_skew);
    if (form != Form::kTable) {
      timed.push_back(std::move(trace));
      continue;
    }
    if (!first) {
      if (Status status = WriteOut("\n"); !status) return Fail(status.error());
    }
    first = false;
    if (const int code = PrintTree(trace, options); code != kExitOk) return code;
  }
  return form == Form::kTable ? kExitOk : PrintJson(timed, form);
}

double Percent(std::uint64_t part, std::uint64_t whole) {
  return whole == 0 ? 0.0 : 100.0 * static_cast<double>(part) / static_cast<double>(whole);
}

Listing PathListing(const TimedTrace& trace) {
  Listing listing;
  listing.name = "segments";
  listing.columns = {{"atNs", "AT", true, false},
                     {"durationNs", "TAKES", true, false},
                     {"percent", "%", true, false},
                     {"service", "SERVICE", false, true},
                     {"operation", "OPERATION", false, true},
                     {"spanId", "SPAN", false, false},
                     {"status", "", false, false}};
  std::uint64_t total = 0;
  for (const auto& part : trace.critical) total += part.end_ns - part.begin_ns;
  const std::uint64_t begin = trace.critical.empty() ? 0 : trace.critical.front().begin_ns;
  for (const auto& part : trace.critical) {
    const SpanView span = trace.span(part.node);
    const std::uint64_t length = part.end_ns - part.begin_ns;
    const bool error = span.status() == StatusCode::kError;
    listing.rows.push_back({Cell::Duration(true, part.begin_ns - begin),
                            Cell::Duration(true, length),
                            Cell::Decimal(Percent(length, total), 1),
                            Cell::Text(span.service(), Style::kCyan),
                            Cell::Text(span.name(), error ? Style::kRed : Style::kPlain),
                            Cell::Text(span.span_id().ToHex()),
                            Cell::Text(StatusCodeName(span.status()))});
  }
  return listing;
}

Listing OperationListing(const TimedTrace& trace) {
  Listing listing;
  listing.name = "operations";
  listing.columns = {{"service", "SERVICE", false, true},   {"operation", "OPERATION", false, true},
                     {"spans", "SPANS", true, false},       {"totalNs", "TOTAL", true, false},
                     {"selfNs", "SELF", true, false},       {"criticalNs", "CRITICAL", true, false},
                     {"percent", "%", true, false}};
  auto operations = assembly::TimeByOperation(trace.graph, trace.intervals, trace.self_ns,
                                              trace.critical);
  std::stable_sort(operations.begin(), operations.end(),
                   [](const auto& a, const auto& b) { return a.critical_ns > b.critical_ns; });
  std::uint64_t total = 0;
  for (const auto& operation : operations) total += operation.critical_ns;
  for (const auto& operation : operations) {
    listing.rows.push_back({Cell::Text(operation.service, Style::kCyan),
                            Cell::Text(operation.operation), Cell::Count(operation.spans),
                            Cell::Duration(true, operation.total_ns),
                            Cell::Duration(true, operation.self_ns),
                            Cell::Duration(true, operation.critical_ns),
                            Cell::Decimal(Percent(operation.critical_ns, total), 1)});
  }
  return listing;
}

int RunCriticalPath(GetOptions& options) {
  const auto max_skew = MaxSkew(options);
  if (!max_skew) return Fail(max_skew.error());
  std::vector<SpanList> traces;
  if (const int code = FetchTraces(options, traces); code != kExitOk) return code;
  if (traces.size() > 1) return Fail(kExitUsage, "critical-path takes one trace id");
  const TimedTrace trace = TimeTrace(std::move(traces.front()), *max_skew);
  PrintTraceWarnings(trace);
  if (trace.critical.empty()) {
    return Fail(kExitNothingFound, "the trace's root has no start: there is no critical path");
  }
  return Print(options.by_operation ? OperationListing(trace) : PathListing(trace), options.form);
}

void AddTraceFlags(CLI::App& app, GetOptions& options) {
  app.add_option("SOURCE… [TRACE_ID]", options.words,
                 "Where to look, and the trace: hex, of 32 or (Zipkin, old Jaeger) 16 digits. "
                 "Needless where the source holds one trace")
      ->type_name("");
  options.source.AddTo(app, false);
  app.add_option("--clock-skew", options.clock_skew,
                 "Move spans of a skewed clock into their parents, by at most this")
      ->type_name("DURATION")
      ->group("Output");
}

}  // namespace

Command DeclareGet(CLI::App& root) {
  auto* app = root.add_subcommand("get", "Draw a trace as a tree with a timeline, or print it");
  auto options = std::make_shared<GetOptions>();
  AddTraceFlags(*app, *options);
  app->add_option("-f,--format", options->format,
                  "Print the trace as a file: otlp-json, otlp-jsonl, otlp-proto, jaeger, zipkin, "
                  "jaeger-thrift, jaeger-proto, zipkin-proto, zipkin-v1, zipkin-v1-thrift")
      ->type_name("FORMAT")
      ->group("Output");
  app->add_flag("-a,--attributes", options->tree.attributes,
                "Also attributes, events and links of each span")
      ->group("Output");
  app->add_option("--span", options->span, "Only this span and what is below it")
      ->type_name("SPAN_ID")
      ->group("Output");
  app->add_option("-n,--limit", options->tree.max_rows, "Draw at most so many spans; 0: all")
      ->type_name("N")
      ->capture_default_str()
      ->group("Limits");
  app->add_flag("--ascii", options->tree.ascii, "Draw with ASCII characters only")
      ->group("Output");
  options->form.AddTo(*app, false);
  app->footer("In the timeline the critical path is solid: what the trace waited for. Spans with\n"
              "an error are marked.\n" +
              SourceHelp() +
              "\nExamples:\n"
              "  tracestore get trace.json\n"
              "  tracestore get DIR 4bf92f3577b34da6a3ce929d0e0e4736 --attributes\n"
              "  tracestore get DIR $(tracestore find DIR --error --limit 1 --ids)\n"
              "  tracestore get DIR 4bf92f3577b34da6a3ce929d0e0e4736 -f jaeger > trace.json\n");
  return {app, [options] { return RunGet(*options); }};
}

Command DeclareCriticalPath(CLI::App& root) {
  auto* app = root.add_subcommand("critical-path", "Show what a trace waited for, span by span");
  auto options = std::make_shared<GetOptions>();
  AddTraceFlags(*app, *options);
  app->add_flag("--by-operation", options->by_operation,
                "Sums by service and operation, with self time")
      ->group("Output");
  options->form.AddTo(*app);
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore critical-path trace.json\n"
              "  tracestore critical-path DIR 4bf92f3577b34da6a3ce929d0e0e4736 --by-operation\n");
  return {app, [options] { return RunCriticalPath(*options); }};
}

}  // namespace tracestore::tools
