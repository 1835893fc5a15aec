// stats: how much a store holds, and how many bytes a span takes, column by column.
#include <cstdint>
#include <memory>
#include <string>

#include <tracestore/store.h>

#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "listing.h"
#include "source.h"

namespace tracestore::tools {
namespace {

struct StatsOptions {
  SourceFlags source;
  FormFlags form;
  bool by_column = false;
};

double PerSpan(std::uint64_t bytes, std::uint64_t spans) {
  return spans == 0 ? 0.0 : static_cast<double>(bytes) / static_cast<double>(spans);
}

// Spans that the segments' bytes are of, deleted ones among them.
std::uint64_t SpansInSegments(const StoreStats& stats) {
  return stats.spans - stats.head_spans + stats.deleted_spans;
}

Listing Totals(const StoreStats& stats) {
  const std::uint64_t sealed = SpansInSegments(stats);
  const bool any = stats.spans > 0;
  Listing listing;
  listing.name = "stats";
  listing.columns = {{"name", "", false, false}, {"value", "", true, false}};
  const auto add = [&](const char* name, Cell value) {
    listing.rows.push_back({Cell::Text(name), std::move(value)});
  };
  add("spans", Cell::Count(stats.spans));
  add("spansInHead", Cell::Count(stats.head_spans));
  add("deletedSpans", Cell::Count(stats.deleted_spans));
  add("segments", Cell::Count(stats.segments));
  add("segmentBytes", Cell::Bytes(stats.segment_bytes));
  add("segmentBytesPerSpan", Cell::Decimal(PerSpan(stats.segment_bytes, sealed), 2));
  add("logBytes", Cell::Bytes(stats.log_bytes));
  add("firstStart", Cell::Time(any, stats.min_start_ns));
  add("lastStart", Cell::Time(any, stats.max_start_ns));
  return listing;
}

Listing Columns(const StoreStats& stats) {
  const std::uint64_t sealed = SpansInSegments(stats);
  Listing listing;
  listing.name = "columns";
  listing.columns = {{"column", "COLUMN", false, true},
                     {"bytes", "BYTES", true, false},
                     {"bytesPerSpan", "BYTES/SPAN", true, false},
                     {"percent", "%", true, false}};
  for (const NamedCount& column : stats.bytes_by_column) {
    Cell bytes = Cell::Bytes(column.count);
    bytes.human = CountText(column.count);
    listing.rows.push_back({Cell::Text(column.name), std::move(bytes),
                            Cell::Decimal(PerSpan(column.count, sealed), 3),
                            Cell::Decimal(100 * PerSpan(column.count, stats.segment_bytes), 1)});
  }
  return listing;
}

std::string HumanTotals(const StoreStats& stats) {
  std::string out = "spans     " + CountText(stats.spans);
  if (stats.head_spans > 0) out += " (" + CountText(stats.head_spans) + " not in segments yet)";
  out += "\n";
  const std::uint64_t sealed = SpansInSegments(stats);
  if (stats.segments > 0) {
    out += "segments  " + CountText(stats.segments) + ", " + BytesText(stats.segment_bytes) + ", " +
           Cell::Decimal(PerSpan(stats.segment_bytes, sealed), 2).human + " bytes a span\n";
  }
  if (stats.deleted_spans > 0)
    out += "deleted   " + Plural(stats.deleted_spans, "span") + " that segments still hold\n";
  if (stats.log_bytes > 0) out += "log       " + BytesText(stats.log_bytes) + "\n";
  if (stats.spans > 0) {
    out += "starts    " + ShortTimeText(stats.min_start_ns) + " to " +
           ShortTimeText(stats.max_start_ns) + " UTC\n";
  }
  return out;
}

// Totals as one object: {"spans":…,…,"columns":[…]}.
std::string JsonTotals(const StoreStats& stats, bool by_column) {
  std::string out;
  codec::JsonWriter writer(out);
  writer.BeginObject();
  for (const auto& row : Totals(stats).rows) {
    writer.Key(row[0].csv);
    writer.Raw(row[1].json);
  }
  if (by_column) {
    const Listing columns = Columns(stats);
    writer.Key("columns");
    writer.BeginArray();
    for (const auto& row : columns.rows) {
      writer.BeginObject();
      for (std::size_t i = 0; i < row.size(); ++i) {
        writer.Key(columns.columns[i].key);
        writer.Raw(row[i].json);
      }
      writer.EndObject();
    }
    writer.EndArray();
  }
  writer.EndObject();
  out += '\n';
  return out;
}

std::string RenderStats(const StoreStats& stats, const StatsOptions& options) {
  const Form form = options.form.form();
  if (form == Form::kJson || form == Form::kJsonLines) {
    return JsonTotals(stats, options.by_column);
  }
  if (form == Form::kCsv) {
    return Render(options.by_column ? Columns(stats) : Totals(stats), form, Terminal());
  }
  std::string out = HumanTotals(stats);
  if (options.by_column) {
    out += stats.segments == 0 ? "\nno segments yet, so no columns\n"
                               : "\n" + Render(Columns(stats), form, options.form.terminal());
  }
  return out;
}

int Run(StatsOptions& options) {
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  const auto stats = source->snapshot().Stats(options.by_column);
  if (!stats) return Fail(stats.error());
  const Status status = WriteOut(RenderStats(*stats, options));
  return status ? static_cast<int>(kExitOk) : Fail(status.error());
}

}  // namespace

Command DeclareStats(CLI::App& root) {
  auto* app = root.add_subcommand("stats", "Show how much is stored, and what takes the space");
  auto options = std::make_shared<StatsOptions>();
  options->source.AddTo(*app);
  app->add_flag("--by-column", options->by_column, "Also the bytes a span of each column")
      ->group("Output");
  options->form.AddTo(*app);
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore stats DIR\n"
              "  tracestore stats DIR --by-column --csv\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
