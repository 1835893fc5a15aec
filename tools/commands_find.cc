// find: traces, their ids, or spans that match.
#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include <tracestore/store.h>

#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "listing.h"
#include "output_json.h"
#include "query_flags.h"
#include "source.h"

namespace tracestore::tools {
namespace {

struct FindOptions {
  SourceFlags source;
  QueryFlags query;
  FormFlags form;
  std::uint32_t limit = 20;
  std::string order = "newest";
  std::string cursor;
  bool count = false;
  bool spans = false;
  bool ids = false;
};

// Remarks go to stderr: stdout is data, and may be a pipe.
void Remark(const std::string& text) {
  std::fflush(stdout);
  std::fprintf(stderr, "%s\n", text.c_str());
}

void RemarkOnPage(const FindOptions& options, std::size_t shown, const std::string& next_cursor,
                  const std::optional<std::uint64_t>& total) {
  if (options.form.form() == Form::kJson && !options.ids) return;  // it is in the document
  if (total) Remark(CountText(shown) + " of " + Plural(*total, "trace"));
  if (!next_cursor.empty()) Remark("more with --cursor " + next_cursor);
}

int NothingFound() {
  Remark("nothing found");
  return kExitNothingFound;
}

int PrintIds(const Snapshot& snapshot, const Query& query, const FindOptions& options) {
  const auto page = snapshot.Find(query);
  if (!page) return Fail(page.error());
  std::string out;
  for (const FoundTrace& trace : page->traces) out += trace.trace_id.ToShortHex() + "\n";
  if (Status status = WriteOut(out); !status) return Fail(status.error());
  RemarkOnPage(options, page->traces.size(), page->next_cursor, page->total);
  return page->traces.empty() ? NothingFound() : kExitOk;
}

int PrintSpans(const Snapshot& snapshot, Query query, const FindOptions& options) {
  MatchEverySpanIfNone(query);
  const auto spans = snapshot.FindSpans(query);
  if (!spans) return Fail(spans.error());
  const Form form = options.form.form();
  if (form == Form::kJson || form == Form::kJsonLines) {
    if (Status status = WriteOut(RenderSpansJson(*spans, form)); !status) {
      return Fail(status.error());
    }
    return spans->empty() ? NothingFound() : kExitOk;
  }
  Listing listing = SpanListing();
  for (std::size_t i = 0; i < spans->size(); ++i) AddSpan((*spans)[i], listing);
  if (const int code = Print(listing, options.form); code != kExitOk) return code;
  return spans->empty() ? NothingFound() : kExitOk;
}

int PrintSummaries(const Snapshot& snapshot, const Query& query, const FindOptions& options) {
  const auto page = snapshot.FindSummaries(query);
  if (!page) return Fail(page.error());
  Listing listing = SummaryListing();
  for (const TraceSummary& summary : page->summaries) AddSummary(summary, listing);
  if (!page->next_cursor.empty()) {
    std::string text;
    codec::JsonWriter(text).String(page->next_cursor);
    listing.extra.emplace_back("nextCursor", text);
  }
  if (page->total) listing.extra.emplace_back("total", std::to_string(*page->total));
  if (const int code = Print(listing, options.form); code != kExitOk) return code;
  RemarkOnPage(options, page->summaries.size(), page->next_cursor, page->total);
  return page->summaries.empty() ? NothingFound() : kExitOk;
}

int Run(FindOptions& options) {
  if (options.spans && (options.ids || options.count || !options.cursor.empty())) {
    return Fail(kExitUsage, "--spans does not go with --ids, --count or --cursor");
  }
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  auto query = options.query.Build();
  if (!query) return Fail(query.error());
  query->limit = options.limit;
  query->order = options.order == "longest" ? Order::kLongest : Order::kNewest;
  query->cursor = options.cursor;
  query->count_total = options.count;
  query->deadline = options.source.deadline.at();
  query->cancel = &Interrupted();
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  if (options.spans) return PrintSpans(source->snapshot(), *query, options);
  if (options.ids) return PrintIds(source->snapshot(), *query, options);
  return PrintSummaries(source->snapshot(), *query, options);
}

}  // namespace

Command DeclareFind(CLI::App& root) {
  auto* app = root.add_subcommand("find", "Find traces by service, duration, attributes …");
  auto options = std::make_shared<FindOptions>();
  options->source.AddTo(*app);
  options->query.AddTo(*app);
  app->add_option("-n,--limit", options->limit, "At most so many traces, or spans with --spans; "
                                                "0: all")
      ->type_name("N")
      ->capture_default_str()
      ->group("Limits");
  app->add_option("--order", options->order, "newest (latest start first) or longest")
      ->type_name("ORDER")
      ->check(CLI::IsMember({"newest", "longest"}).description(""))
      ->group("Output");
  app->add_option("--cursor", options->cursor, "Go on where the page before ended")
      ->type_name("CURSOR")
      ->group("Limits");
  app->add_flag("--count", options->count, "Count all matches, whatever the limit")
      ->group("Output");
  app->add_flag("--spans", options->spans, "Print the matching spans instead of their traces")
      ->group("Output");
  app->add_flag("--ids", options->ids, "Print trace ids only, one a line")->group("Output");
  options->form.AddTo(*app);
  app->footer(SourceHelp() + ConditionsHelp() +
              "\nExamples:\n"
              "  tracestore find trace.json --service frontend --error\n"
              "  tracestore find DIR --min-duration 500ms --since 1h --order longest\n"
              "  tracestore find DIR --tag http.status_code=500 --tag region\n"
              "  tracestore find DIR -w 'any(service = cart) and not status = error' --json\n"
              "  tracestore find DIR --service cart --spans --csv > spans.csv\n"
              "  curl -s $URL/api/traces?service=a | tracestore find - --error\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
