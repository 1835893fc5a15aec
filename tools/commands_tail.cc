// tail: the latest spans; with --follow also those that arrive.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <limits>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

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

struct TailOptions {
  SourceFlags source;
  QueryFlags query;
  FormFlags form;
  std::size_t lines = 20;
  bool follow = false;
  std::string interval = "1s";
  std::string lookback = "10m";
};

// A span as tail orders it: by start.
struct Line {
  std::uint64_t start_ns;
  TraceId trace_id;
  SpanId span_id;
  std::string text;

  auto key() const noexcept { return std::tie(start_ns, trace_id, span_id); }
};

// One span, one line, columns of fixed width: what comes later is not known yet.
std::string LineText(const SpanView& span, Form form, const Terminal& terminal) {
  std::string out;
  if (form == Form::kJsonLines || form == Form::kJson) {
    codec::JsonWriter writer(out);
    writer.BeginObject();
    WriteSpanMembers(span, writer);
    writer.EndObject();
    return out + "\n";
  }
  const bool error = span.status() == StatusCode::kError;
  terminal.Paint(Style::kDim, ShortTimeText(span.start_ns()), out);
  out += ' ';
  terminal.Paint(Style::kYellow, span.trace_id().ToShortHex(), out);
  const std::string duration = span.has_duration() ? DurationText(span.duration_ns()) : "?";
  const std::size_t width = DisplayWidth(duration);
  out.append(width < 8 ? 9 - width : 1, ' ');
  out += duration + " ";
  terminal.Paint(Style::kCyan, CleanText(span.service()), out);
  out += ' ';
  terminal.Paint(error ? Style::kRed : Style::kPlain, CleanText(span.name()), out);
  if (error) {
    std::string text = " error";
    if (!span.status_message().empty()) text += ": " + CleanText(span.status_message());
    terminal.Paint(Style::kRed, text, out);
  }
  return out + "\n";
}

class Tail {
 public:
  Tail(TailOptions& options, Query query, Source& source)
      : options_(options),
        query_(std::move(query)),
        source_(source),
        terminal_(options.form.terminal()) {}

  // The last lines by start. The window in front of the newest span grows until it has enough.
  Result<std::vector<Line>> Last() {
    const auto stats = source_.snapshot().Stats(false);
    if (!stats) return std::move(stats.error());
    newest_ns_ = stats->max_start_ns;
    std::vector<Line> lines;
    for (std::uint64_t window = 1'000'000'000;; window *= 8) {
      const bool all = window > newest_ns_ || newest_ns_ - window < stats->min_start_ns;
      auto found = Since(all ? 0 : newest_ns_ - window);
      if (!found) return found;
      lines = std::move(*found);
      if (all || lines.size() >= options_.lines) break;
    }
    if (lines.size() > options_.lines) {
      lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(options_.lines));
    }
    return lines;
  }

  // All spans from `start_ns` on, by start.
  Result<std::vector<Line>> Since(std::uint64_t start_ns) {
    Query query = query_;
    query.span_start.begin_ns = std::max(query.span_start.begin_ns, start_ns);
    query.limit = 0;
    MatchEverySpanIfNone(query);
    auto spans = source_.snapshot().FindSpans(query);
    if (!spans) return std::move(spans.error());
    std::vector<Line> lines;
    for (std::size_t i = 0; i < spans->size(); ++i) {
      const SpanView span = (*spans)[i];
      if (!span.has_start()) continue;
      lines.push_back({span.start_ns(), span.trace_id(), span.span_id(),
                       LineText(span, options_.form.form(), terminal_)});
    }
    std::sort(lines.begin(), lines.end(),
              [](const Line& a, const Line& b) { return a.key() < b.key(); });
    return lines;
  }

  // What of the spans since `newest - lookback` was not printed yet, and remembers it.
  Result<std::vector<Line>> News(std::uint64_t lookback_ns) {
    const std::uint64_t from = newest_ns_ - std::min(newest_ns_, lookback_ns);
    auto lines = Since(from);
    if (!lines) return lines;
    std::vector<Line> news;
    for (Line& line : *lines) {
      newest_ns_ = std::max(newest_ns_, line.start_ns);
      if (seen_.emplace(line.start_ns, line.trace_id, line.span_id).second) {
        news.push_back(std::move(line));
      }
    }
    // What no later question can bring again needs no memory.
    const std::uint64_t keep = newest_ns_ - std::min(newest_ns_, lookback_ns);
    seen_.erase(seen_.begin(), seen_.lower_bound({keep, TraceId(), SpanId()}));
    return news;
  }

 private:
  TailOptions& options_;
  Query query_;
  Source& source_;
  Terminal terminal_;
  std::uint64_t newest_ns_ = 0;
  std::set<std::tuple<std::uint64_t, TraceId, SpanId>> seen_;
};

Status PrintLines(const std::vector<Line>& lines) {
  std::string out;
  for (const Line& line : lines) out += line.text;
  return out.empty() ? Status() : WriteOut(out);
}

// Waits; a signal ends it early.
void Wait(std::chrono::nanoseconds time) {
  timespec left{};
  left.tv_sec = static_cast<time_t>(time.count() / 1'000'000'000);
  left.tv_nsec = static_cast<long>(time.count() % 1'000'000'000);
  nanosleep(&left, nullptr);
}

int Follow(TailOptions& options, Tail& tail, Source& source, std::chrono::nanoseconds interval,
           std::uint64_t lookback_ns) {
  // What is there already was printed, or lies before it.
  if (auto old = tail.News(lookback_ns); !old) return Fail(old.error());
  while (true) {
    // To be stopped is how following ends, not a failure of it.
    if (!options.source.deadline.Check()) return kExitOk;
    Wait(interval);
    if (Status status = source.Refresh(); !status) return Fail(status.error());
    const auto news = tail.News(lookback_ns);
    if (!news && news.error().code() == ErrorCode::kCancelled) return kExitOk;
    if (!news) return Fail(news.error());
    if (Status status = PrintLines(*news); !status) return Fail(status.error());
  }
}

int Run(TailOptions& options) {
  if (options.form.form() == Form::kJson) {
    return Fail(kExitUsage, "tail prints line by line: use --jsonl");
  }
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  auto interval = ParseDuration(options.interval);
  if (!interval) return Fail(std::move(interval.error()).WithContext("--interval"));
  if (interval->count() < 10'000'000) return Fail(kExitUsage, "--interval: at least 10ms");
  auto lookback = ParseDuration(options.lookback);
  if (!lookback) return Fail(std::move(lookback.error()).WithContext("--lookback"));
  auto query = options.query.Build();
  if (!query) return Fail(query.error());
  query->deadline = options.source.deadline.at();
  query->cancel = &Interrupted();
  int exit_code = kExitOk;
  auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  if (options.follow && !source->live()) {
    return Fail(kExitUsage, "--follow needs a store's directory: files don't grow");
  }
  Tail tail(options, std::move(*query), *source);
  const auto lines = tail.Last();
  if (!lines) return Fail(lines.error());
  if (Status status = PrintLines(*lines); !status) return Fail(status.error());
  if (!options.follow) return lines->empty() ? kExitNothingFound : kExitOk;
  return Follow(options, tail, *source, *interval, static_cast<std::uint64_t>(lookback->count()));
}

}  // namespace

Command DeclareTail(CLI::App& root) {
  auto* app = root.add_subcommand("tail", "Print the latest spans, and follow what arrives");
  auto options = std::make_shared<TailOptions>();
  options->source.AddTo(*app);
  options->query.AddTo(*app);
  app->add_option("-n,--lines", options->lines, "So many spans to begin with")
      ->type_name("N")
      ->capture_default_str()
      ->group("Limits");
  app->add_flag("-f,--follow", options->follow, "Go on with spans as they arrive, till Ctrl-C")
      ->group("Output");
  app->add_option("--interval", options->interval, "How often to look for new spans")
      ->type_name("DURATION")
      ->capture_default_str()
      ->group("Limits");
  app->add_option("--lookback", options->lookback,
                  "Spans that started longer before the newest one than this are not shown when "
                  "they arrive")
      ->type_name("DURATION")
      ->capture_default_str()
      ->group("Limits");
  options->form.AddTo(*app, false);
  app->footer("Spans stand by start; those without a start are not shown.\n" + ConditionsHelp() +
              "\nExamples:\n"
              "  tracestore tail DIR\n"
              "  tracestore tail DIR -f --error\n"
              "  tracestore tail DIR -f --service cart --jsonl | jq .durationNs\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
