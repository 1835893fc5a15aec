// verify: a store, a segment or a log, read wholly and held to its format.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <tracestore/verify.h>

#include "cancel.h"
#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "progress.h"
#include "terminal.h"

namespace tracestore::tools {
namespace {

struct CheckOptions {
  std::string path;
  bool json = false;
};

const char* KindName(FindingKind kind) {
  switch (kind) {
    case FindingKind::kDamage: return "damage";
    case FindingKind::kNewerFormat: return "newer_format";
    case FindingKind::kLeftOver: return "left_over";
  }
  return "damage";
}

const char* KindText(FindingKind kind) {
  switch (kind) {
    case FindingKind::kDamage: return "damage: ";
    case FindingKind::kNewerFormat: return "newer format: ";
    case FindingKind::kLeftOver: return "left over: ";
  }
  return "";
}

std::string AsText(const std::string& path, const VerifyReport& report) {
  std::string text;
  for (const Finding& finding : report.findings) {
    text += KindText(finding.kind) +
            CleanText(finding.file + ": at byte " + std::to_string(finding.offset) + ", " +
                      finding.section + ": " + finding.problem) +
            "\n";
  }
  if (report.more_findings > 0)
    text += "and " + CountText(report.more_findings) + " more\n";
  const VerifyCounters& c = report.counters;
  text += CleanText(path) + ": read " + Plural(c.files, "file") + ", " + BytesText(c.bytes) + ", " +
          Plural(c.segments, "segment") + ", " + Plural(c.logs, "log") + ", " +
          Plural(c.spans, "span") + ": ";
  text += report.sound() ? "sound" : Plural(report.damage + report.newer_format, "finding");
  text += "\n";
  return text;
}

std::string AsJson(const VerifyReport& report) {
  std::string text;
  codec::JsonWriter writer(text);
  const auto number = [&](const char* key, std::uint64_t value) {
    writer.Key(key);
    writer.Uint(value);
  };
  writer.BeginObject();
  writer.Key("sound");
  writer.Bool(report.sound());
  number("damage", report.damage);
  number("newerFormat", report.newer_format);
  number("leftOver", report.left_over);
  number("files", report.counters.files);
  number("bytes", report.counters.bytes);
  number("segments", report.counters.segments);
  number("pages", report.counters.pages);
  number("logs", report.counters.logs);
  number("records", report.counters.records);
  number("spans", report.counters.spans);
  number("traceParts", report.counters.traces);
  writer.Key("findings");
  writer.BeginArray();
  for (const Finding& finding : report.findings) {
    writer.BeginObject();
    writer.Key("kind");
    writer.String(KindName(finding.kind));
    writer.Key("file");
    writer.String(finding.file);
    number("offset", finding.offset);
    writer.Key("section");
    writer.String(finding.section);
    writer.Key("problem");
    writer.String(finding.problem);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return text + "\n";
}

int RunVerify(const CheckOptions& options) {
  if (options.path.empty()) {
    return Fail(kExitUsage, "verify takes a store's directory, or a segment or log file: "
                            "tracestore verify PATH");
  }
  Result<VerifyReport> report = [&] {
    Progress progress("verified");
    VerifyOptions how;
    how.cancel = &Interrupted();
    how.progress = [&](const VerifyProgress& at) {
      progress.ShowBar(at.bytes_done, at.bytes_total, std::string(at.file));
    };
    return Verify(options.path, how);
  }();
  if (!report) {
    const Error& error = report.error();
    return error.code() == ErrorCode::kNotFound ? Fail(kExitIo, error.message()) : Fail(error);
  }
  const std::string text = options.json ? AsJson(*report) : AsText(options.path, *report);
  if (Status status = WriteOut(text); !status) return Fail(status.error());
  if (report->damage > 0) return kExitCorruption;
  return report->newer_format > 0 ? kExitUnsupported : kExitOk;
}

}  // namespace

Command DeclareVerify(CLI::App& root) {
  auto* app = root.add_subcommand("verify", "Check every byte of a store");
  auto options = std::make_shared<CheckOptions>();
  app->add_option("PATH", options->path, "A store's directory, or one of its segments or logs")
      ->type_name("");
  app->add_flag("--json", options->json, "Print the report as JSON")->group("Output");
  app->footer("Reads everything: checksums, pages, and whether tables, indexes and catalog are\n"
              "those of the rows. Each finding names file, offset and section. Changes nothing "
              "and\n"
              "works beside a running server. Exit code 6 where something is damaged.\n"
              "\nExamples:\n"
              "  tracestore verify DIR\n"
              "  tracestore verify DIR/segments/0000000000000001.seg --json\n");
  return {app, [options] { return RunVerify(*options); }};
}

}  // namespace tracestore::tools
