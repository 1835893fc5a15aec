// services, operations, keys, values: the names that traces hold.
#include <cstdint>
#include <memory>
#include <string>

#include <tracestore/store.h>

#include "command.h"
#include "exit_codes.h"
#include "listing.h"
#include "source.h"

namespace tracestore::tools {
namespace {

struct NamesOptions {
  SourceFlags source;
  FormFlags form;
  std::string service;
  std::size_t limit = 50;  // 0: all
};

// Opens the source, asks `ask` of its snapshot for a Listing, prints it.
template <typename Ask>
int RunListing(NamesOptions& options, Ask ask) {
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  const Result<Listing> listing = ask(source->snapshot());
  if (!listing) return Fail(listing.error());
  if (Status status = options.source.deadline.Check(); !status) return Fail(status.error());
  return Print(*listing, options.form);
}

Result<Listing> Counted(Result<std::vector<NamedCount>> counts, Listing listing) {
  if (!counts) return std::move(counts.error());
  for (const NamedCount& count : *counts) {
    listing.rows.push_back({Cell::Text(count.name), Cell::Count(count.count)});
  }
  return listing;
}

Listing CountedListing(const char* name, const char* key, const char* title) {
  Listing listing;
  listing.name = name;
  listing.columns = {{key, title, false, true}, {"spans", "SPANS", true, false}};
  return listing;
}

Result<Listing> Operations(const Snapshot& snapshot, const std::string& service) {
  auto operations = snapshot.Operations(service);
  if (!operations) return std::move(operations.error());
  Listing listing;
  listing.name = "operations";
  listing.columns = {{"operation", "OPERATION", false, true},
                     {"kind", "KIND", false, false},
                     {"spans", "SPANS", true, false}};
  for (const OperationInfo& operation : *operations) {
    listing.rows.push_back({Cell::Text(operation.name), Cell::Text(SpanKindName(operation.kind)),
                            Cell::Count(operation.spans)});
  }
  return listing;
}

CLI::App* AddNames(CLI::App& root, const char* name, const char* description,
                   NamesOptions& options, bool positional = true) {
  auto* app = root.add_subcommand(name, description);
  options.source.AddTo(*app, positional);
  options.form.AddTo(*app);
  return app;
}

}  // namespace

Command DeclareServices(CLI::App& root) {
  auto options = std::make_shared<NamesOptions>();
  auto* app = AddNames(root, "services", "List the services, with their spans", *options);
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore services DIR\n"
              "  tracestore services trace.json --json\n");
  return {app, [options] {
            return RunListing(*options, [](const Snapshot& snapshot) {
              return Counted(snapshot.Services(), CountedListing("services", "service", "SERVICE"));
            });
          }};
}

Command DeclareOperations(CLI::App& root) {
  auto options = std::make_shared<NamesOptions>();
  auto* app = AddNames(root, "operations", "List the operations (span names), with kinds",
                       *options);
  app->add_option("-s,--service", options->service, "Of this service only")
      ->type_name("NAME")
      ->group("Conditions");
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore operations DIR --service frontend\n"
              "  tracestore operations trace.json --csv\n");
  return {app, [options] {
            return RunListing(*options, [&](const Snapshot& snapshot) {
              return Operations(snapshot, options->service);
            });
          }};
}

Command DeclareKeys(CLI::App& root) {
  auto options = std::make_shared<NamesOptions>();
  auto* app = AddNames(root, "keys", "List the attribute keys, with their spans", *options);
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore keys DIR\n"
              "  tracestore keys a.json b.json.gz --jsonl\n");
  return {app, [options] {
            return RunListing(*options, [](const Snapshot& snapshot) {
              return Counted(snapshot.Keys(), CountedListing("keys", "key", "KEY"));
            });
          }};
}

Command DeclareValues(CLI::App& root) {
  auto options = std::make_shared<NamesOptions>();
  auto* app = AddNames(root, "values", "List the values of an attribute key, with counts",
                       *options, false);
  auto words = std::make_shared<std::vector<std::string>>();
  app->add_option("SOURCE… KEY", *words, "Where to look, and the key")->type_name("");
  app->add_option("-n,--limit", options->limit, "At most so many, the most frequent first; 0: all")
      ->type_name("N")
      ->capture_default_str()
      ->group("Limits");
  app->footer(SourceHelp() +
              "\nExamples:\n"
              "  tracestore values DIR http.status_code\n"
              "  tracestore values trace.json db.statement --limit 5\n");
  return {app, [options, words] {
            if (words->size() < 2) {
              return Fail(kExitUsage, "values takes a SOURCE and a KEY: tracestore values DIR "
                                      "http.status_code");
            }
            options->source.names.assign(words->begin(), words->end() - 1);
            return RunListing(*options, [&](const Snapshot& snapshot) {
              return Counted(snapshot.Values(words->back(), options->limit),
                             CountedListing("values", "value", "VALUE"));
            });
          }};
}

}  // namespace tracestore::tools
