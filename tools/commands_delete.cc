// delete, archive: traces named by id or by conditions, out of a store or into its archive.
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <tracestore/store.h>

#include "cancel.h"
#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "listing.h"
#include "query_flags.h"
#include "source.h"
#include "terminal.h"

namespace tracestore::tools {
namespace {

struct SelectOptions {
  std::vector<std::string> words;  // the store, then trace ids
  QueryFlags query;
  Deadline deadline;
  bool all = false;
  bool dry_run = false;
  bool yes = false;
  bool json = false;
};

// The traces that are meant.
struct Selection {
  std::string directory;
  std::unique_ptr<Store> store;
  std::vector<TraceId> there;
  std::vector<TraceId> missing;  // named, but not in the store
};

Error WrongUse(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

// Reads the command line's words; `command` stands in messages.
Result<SplitWords> ReadWords(const std::string& command, const SelectOptions& options) {
  if (options.words.empty()) {
    return WrongUse(command + " takes a store's directory, and which traces: tracestore " +
                    command + " STORE TRACE-ID…, or conditions");
  }
  auto words = SplitSources(options.words);
  if (!words) return words;
  if (words->sources.size() > 1) return WrongUse(command + " takes one store");
  std::error_code ignored;
  const std::string& name = words->sources[0];
  if (name == "-" || std::filesystem::is_regular_file(name, ignored)) {
    return WrongUse(name + " is no store: " + command + " takes a store's directory first");
  }
  // How the traces are named.
  const int ways = (words->ids.empty() ? 0 : 1) + (options.query.any() ? 1 : 0) +
                   (options.all ? 1 : 0);
  if (ways == 1) return words;
  const std::string all = command == "delete" ? ", or --all" : "";
  if (ways == 0) {
    return WrongUse("which traces? tracestore " + command + " " + name +
                    " takes trace ids, or conditions as find does" + all);
  }
  return WrongUse(command + " takes either trace ids or conditions" + all +
                  ", not several of them");
}

Status FindByIds(const Snapshot& snapshot, const std::vector<TraceId>& ids, Selection& selection) {
  for (const TraceId id : ids) {
    const auto has = snapshot.Has(id);
    if (!has) return has.error();
    (*has ? selection.there : selection.missing).push_back(id);
  }
  return {};
}

Status FindByQuery(const Snapshot& snapshot, const SelectOptions& options, Selection& selection) {
  auto query = options.query.Build();
  if (!query) return std::move(query.error());
  query->limit = 0;
  query->deadline = options.deadline.at();
  query->cancel = &Interrupted();
  const auto page = snapshot.Find(*query);
  if (!page) return page.error();
  for (const FoundTrace& found : page->traces) selection.there.push_back(found.trace_id);
  return {};
}

// Opens the store beside whoever appends to it, and finds the traces.
Result<Selection> Select(const std::string& command, SelectOptions& options) {
  if (Status status = options.deadline.Start(); !status) return std::move(status.error());
  const auto words = ReadWords(command, options);
  if (!words) return words.error();
  Selection selection;
  selection.directory = words->sources[0];
  StoreOptions store_options;
  store_options.mode = OpenMode::kRead;
  store_options.log = [](LogLevel level, std::string_view message) {
    if (level >= LogLevel::kWarning) PrintWarning(message);
  };
  auto store = Store::Open(selection.directory, std::move(store_options));
  if (!store) return std::move(store.error());
  selection.store = std::move(*store);
  const auto snapshot = selection.store->TakeSnapshot();
  if (!snapshot) return snapshot.error();
  Status found = words->ids.empty() ? FindByQuery(*snapshot, options, selection)
                                    : FindByIds(*snapshot, words->ids, selection);
  if (!found) return std::move(found.error());
  return selection;
}

// A missing store is the operating system's refusal, as for every command.
int FailToSelect(const Error& error) {
  return error.code() == ErrorCode::kNotFound ? Fail(kExitIo, error.message()) : Fail(error);
}

void RemarkOnMissing(const Selection& selection) {
  std::fflush(stdout);
  for (const TraceId id : selection.missing)
    std::fprintf(stderr, "there is no trace %s\n", id.ToShortHex().c_str());
}

void WriteMissing(const Selection& selection, codec::JsonWriter& writer) {
  writer.Key("missing");
  writer.BeginArray();
  for (const TraceId id : selection.missing) writer.String(id.ToShortHex());
  writer.EndArray();
}

// Prints the report. Where there was nothing to do only JSON is printed, and a remark.
int Finish(const std::string& text, const Selection& selection, const SelectOptions& options,
           bool any) {
  if (any || options.json) {
    if (Status status = WriteOut(text); !status) return Fail(status.error());
  }
  RemarkOnMissing(selection);
  if (any) return kExitOk;
  if (selection.missing.empty()) std::fprintf(stderr, "nothing found\n");
  return kExitNothingFound;
}

// What was named by conditions is asked about first, on a terminal; elsewhere --yes is needed.
// Gives kExitOk to go on.
int Confirm(const std::string& what, const Selection& selection, const SelectOptions& options) {
  if (options.yes) return kExitOk;
  if (isatty(STDIN_FILENO) != 1 || !StderrIsTerminal()) {
    return Fail(kExitUsage, "this would delete " + what + " from " + selection.directory +
                                ": --yes does it, --dry-run only counts");
  }
  std::fprintf(stderr, "Delete %s from %s? [y/N] ", what.c_str(), selection.directory.c_str());
  const int answer = std::getchar();
  if (answer == 'y' || answer == 'Y') return kExitOk;
  return Fail(kExitCancelled, "nothing was deleted");
}

int RunDelete(SelectOptions& options) {
  const auto selection = Select("delete", options);
  if (!selection) return FailToSelect(selection.error());
  const std::uint64_t count = selection->there.size();
  const std::string what = (options.all ? "all spans, of " : "") + Plural(count, "trace");
  const bool any = count > 0 || options.all;
  if (any && !options.dry_run) {
    if (options.all || options.query.any()) {
      if (const int code = Confirm(what, *selection, options); code != kExitOk) return code;
    }
    if (options.all) {
      if (Status done = selection->store->DeleteAll(); !done) return Fail(done.error());
    } else {
      const auto done = selection->store->Delete(selection->there);
      if (!done) return Fail(done.error());
    }
  }
  std::string text;
  if (options.json) {
    codec::JsonWriter writer(text);
    writer.BeginObject();
    writer.Key("traces");
    writer.Uint(count);
    writer.Key("deleted");
    writer.Bool(!options.dry_run);
    WriteMissing(*selection, writer);
    writer.EndObject();
    text += '\n';
  } else {
    text = (options.dry_run ? "would delete " : "deleted ") + what + "\n";
  }
  return Finish(text, *selection, options, any);
}

int RunArchive(SelectOptions& options) {
  const auto selection = Select("archive", options);
  if (!selection) return FailToSelect(selection.error());
  const std::string archive = ArchiveDirectory(selection->directory);
  ArchiveResult result;
  result.traces = selection->there.size();
  if (!options.dry_run) {
    const auto done = selection->store->Archive(selection->there);
    if (!done) return Fail(done.error());
    result = *done;
  }
  std::string text;
  if (options.json) {
    codec::JsonWriter writer(text);
    writer.BeginObject();
    writer.Key("traces");
    writer.Uint(result.traces);
    writer.Key("archived");
    writer.Bool(!options.dry_run);
    writer.Key("spans");
    writer.Uint(result.spans);
    writer.Key("spansThereAlready");
    writer.Uint(result.spans_there_already);
    writer.Key("archive");
    writer.String(archive);
    WriteMissing(*selection, writer);
    writer.EndObject();
    text += '\n';
  } else if (options.dry_run) {
    text = "would archive " + Plural(result.traces, "trace") + "\n";
  } else {
    text = "archived " + Plural(result.traces, "trace") + " (" + Plural(result.spans, "span");
    if (result.spans_there_already > 0)
      text += ", " + CountText(result.spans_there_already) + " were there already";
    text += ") in " + archive + "\n";
  }
  return Finish(text, *selection, options, !selection->there.empty());
}

void AddFlags(CLI::App& app, const std::string& verb, SelectOptions& options) {
  app.add_option("STORE TRACE-ID…", options.words,
                 "The store's directory, and the traces, unless conditions say which")
      ->type_name("");
  options.query.AddTo(app);
  app.add_flag("--dry-run", options.dry_run, "Only say how many traces it would " + verb)
      ->group("Limits");
  app.add_flag("--json", options.json, "Print the report as JSON")->group("Output");
  options.deadline.AddFlag(app);
}

}  // namespace

Command DeclareDelete(CLI::App& root) {
  auto* app = root.add_subcommand("delete", "Delete traces from a store");
  auto options = std::make_shared<SelectOptions>();
  AddFlags(*app, "delete", *options);
  app->add_flag("--all", options->all, "Every trace that the store holds now")->group("Conditions");
  app->add_flag("-y,--yes", options->yes, "Don't ask: needed with conditions and --all where no "
                                          "terminal can answer")
      ->group("Limits");
  app->footer(ConditionsHelp() +
              "\nWhole traces go: those that have a span the conditions fit. Spans that come\n"
              "later are kept. Works beside a running server.\n"
              "\nExamples:\n"
              "  tracestore delete DIR 4bf92f3577b34da6a3ce929d0e0e4736\n"
              "  tracestore delete DIR --service cart --end 7d --dry-run\n"
              "  tracestore delete DIR --tag user.id=4711 --yes\n"
              "  tracestore delete DIR --all --yes\n");
  return {app, [options] { return RunDelete(*options); }};
}

Command DeclareArchive(CLI::App& root) {
  auto* app = root.add_subcommand("archive", "Copy traces to a store's archive");
  auto options = std::make_shared<SelectOptions>();
  AddFlags(*app, "archive", *options);
  app->footer(ConditionsHelp() +
              "\nThe archive is a store of its own, STORE/archive: every command reads it.\n"
              "\nExamples:\n"
              "  tracestore archive DIR 4bf92f3577b34da6a3ce929d0e0e4736\n"
              "  tracestore archive DIR --service checkout --error --since 1d\n"
              "  tracestore find DIR/archive\n");
  return {app, [options] { return RunArchive(*options); }};
}

}  // namespace tracestore::tools
