// repair: a damaged store made sound with what can still be read of it.
#include <cstdint>
#include <memory>
#include <string>

#include <tracestore/repair.h>

#include "cancel.h"
#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "terminal.h"

namespace tracestore::tools {
namespace {

struct MendOptions {
  std::string directory;
  bool write = false;
  bool json = false;
};

std::string AsText(const MendOptions& options, const RepairReport& report) {
  if (report.was_sound) return CleanText(options.directory) + ": sound, nothing to repair\n";
  std::string text;
  for (const Loss& loss : report.losses) {
    const std::string spans = loss.spans > 0 ? " (" + Plural(loss.spans, "span") + ")" : "";
    text += "lost: " + CleanText(loss.file + ": at byte " + std::to_string(loss.offset) + spans +
                                 ": " + loss.what) + "\n";
  }
  for (const std::string& step : report.steps)
    text += (report.written ? "done: " : "would: ") + CleanText(step) + "\n";
  text += CleanText(options.directory) + ": " + Plural(report.spans_kept, "span") +
          " of damaged files kept, " + CountText(report.spans_lost) + " lost";
  text += report.written
              ? "; the damaged files are in " + CleanText(options.directory) + "/damaged\n"
              : "; nothing was changed: --write does it\n";
  return text;
}

std::string AsJson(const RepairReport& report) {
  std::string text;
  codec::JsonWriter writer(text);
  const auto number = [&](const char* key, std::uint64_t value) {
    writer.Key(key);
    writer.Uint(value);
  };
  writer.BeginObject();
  writer.Key("wasSound");
  writer.Bool(report.was_sound);
  writer.Key("written");
  writer.Bool(report.written);
  number("spansKept", report.spans_kept);
  number("spansLost", report.spans_lost);
  writer.Key("losses");
  writer.BeginArray();
  for (const Loss& loss : report.losses) {
    writer.BeginObject();
    writer.Key("file");
    writer.String(loss.file);
    number("offset", loss.offset);
    number("spans", loss.spans);
    writer.Key("what");
    writer.String(loss.what);
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("steps");
  writer.BeginArray();
  for (const std::string& step : report.steps) writer.String(step);
  writer.EndArray();
  writer.EndObject();
  return text + "\n";
}

int RunRepair(const MendOptions& options) {
  if (options.directory.empty())
    return Fail(kExitUsage, "repair takes a store's directory: tracestore repair STORE");
  RepairOptions how;
  how.write = options.write;
  how.cancel = &Interrupted();
  const auto report = Repair(options.directory, how);
  if (!report) {
    const Error& error = report.error();
    return error.code() == ErrorCode::kNotFound ? Fail(kExitIo, error.message()) : Fail(error);
  }
  const std::string text = options.json ? AsJson(*report) : AsText(options, *report);
  if (Status status = WriteOut(text); !status) return Fail(status.error());
  if (report->was_sound) return kExitOk;
  if (!report->written) return kExitCorruption;
  if (report->after.sound()) return kExitOk;
  return Fail(kExitCorruption, "there is damage left: tracestore verify " + options.directory);
}

}  // namespace

Command DeclareRepair(CLI::App& root) {
  auto* app = root.add_subcommand("repair", "Make a damaged store sound");
  auto options = std::make_shared<MendOptions>();
  app->add_option("STORE", options->directory, "The store's directory")->type_name("");
  app->add_flag("--write", options->write, "Do it; else only say what would be done and lost");
  app->add_flag("--json", options->json, "Print the report as JSON")->group("Output");
  app->footer("What can be read of damaged segments and logs goes into new segments; a lost "
              "catalog is\n"
              "made anew. Damaged files are moved to STORE/damaged, none is removed. Stop the "
              "server\n"
              "first. Without --write the exit code is 6 where there is something to repair.\n"
              "\nExamples:\n"
              "  tracestore repair DIR\n"
              "  tracestore repair DIR --write\n");
  return {app, [options] { return RunRepair(*options); }};
}

}  // namespace tracestore::tools
