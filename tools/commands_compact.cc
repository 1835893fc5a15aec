// compact: small segments merged, deleted and old spans off the disk.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <tracestore/store.h>

#include "cancel.h"
#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "progress.h"
#include "retention_flags.h"
#include "terminal.h"

namespace tracestore::tools {
namespace {

struct CompactFlags {
  std::string directory;
  RetentionFlags retention;
  bool full = false;
  bool json = false;
};

std::string AsText(const CompactResult& done) {
  std::string text;
  if (done.segments_expired > 0) {
    text += "dropped " + Plural(done.spans_expired, "span") + " in " +
            Plural(done.segments_expired, "segment") + " by retention\n";
  }
  if (done.segments_merged > 0) {
    text += "merged " + Plural(done.segments_merged, "segment") + " into " +
            CountText(done.merges) + ", " + BytesText(done.bytes_read) + " into " +
            BytesText(done.bytes_written);
    if (done.spans_dropped > 0) text += ", without " + Plural(done.spans_dropped, "deleted span");
    text += "\n";
  }
  if (done.segments_damaged > 0)
    text += Plural(done.segments_damaged, "damaged segment") + " left as they were\n";
  return text.empty() ? "nothing to do\n" : text;
}

std::string AsJson(const CompactResult& done) {
  std::string text;
  codec::JsonWriter writer(text);
  const auto number = [&](const char* key, std::uint64_t value) {
    writer.Key(key);
    writer.Uint(value);
  };
  writer.BeginObject();
  number("merges", done.merges);
  number("segmentsMerged", done.segments_merged);
  number("segmentsExpired", done.segments_expired);
  number("segmentsDamaged", done.segments_damaged);
  number("spansWritten", done.spans_written);
  number("spansDropped", done.spans_dropped);
  number("spansExpired", done.spans_expired);
  number("bytesRead", done.bytes_read);
  number("bytesWritten", done.bytes_written);
  writer.EndObject();
  return text + "\n";
}

Result<CompactResult> Compact(const CompactFlags& flags) {
  CompactOptions how;
  how.full = flags.full;
  how.cancel = &Interrupted();
  const auto age = flags.retention.age();
  if (!age) return age.error();
  how.retention_age = *age;
  how.retention_bytes = flags.retention.bytes();
  StoreOptions options;
  options.background_compaction = false;
  options.log = [](LogLevel level, std::string_view message) {
    if (level >= LogLevel::kWarning) PrintWarning(message);
  };
  auto store = Store::Open(flags.directory, std::move(options));
  if (!store) return std::move(store.error());
  Progress progress("merged");
  how.progress = [&](const CompactionProgress& at) {
    progress.ShowBar(at.spans_done, at.spans_total,
                     CountText(at.spans_done) + " of " + Plural(at.spans_total, "span") + ", " +
                         Plural(at.merges_done, "merge") + " before");
  };
  auto done = (*store)->Compact(how);
  if (!done) return done;
  if (Status closed = (*store)->Close(); !closed) return std::move(closed.error());
  return done;
}

int RunCompact(const CompactFlags& flags) {
  if (flags.directory.empty()) {
    return Fail(kExitUsage, "compact takes a store's directory: tracestore compact STORE");
  }
  std::error_code ignored;
  if (!std::filesystem::is_directory(flags.directory + "/catalog", ignored))
    return Fail(kExitIo, "there is no store at " + flags.directory);
  const auto done = Compact(flags);
  if (!done) return Fail(done.error());
  const Status written = WriteOut(flags.json ? AsJson(*done) : AsText(*done));
  if (!written) return Fail(written.error());
  return done->segments_damaged > 0 ? kExitCorruption : kExitOk;
}

}  // namespace

Command DeclareCompact(CLI::App& root) {
  auto* app =
      root.add_subcommand("compact", "Merge a store's segments, drop deleted and old spans");
  auto flags = std::make_shared<CompactFlags>();
  app->add_option("STORE", flags->directory, "The store's directory")->type_name("");
  app->add_flag("--full", flags->full,
                "Merge all that fits and leave out every deleted span, not only what is due")
      ->group("Limits");
  flags->retention.AddTo(*app);
  app->add_flag("--json", flags->json, "Print the report as JSON")->group("Output");
  app->footer("A server does this by itself as it goes; only one process can have the store open "
              "for\n"
              "writing. Ctrl-C stops it: what is merged stays, nothing is lost.\n"
              "\nExamples:\n"
              "  tracestore compact DIR --full\n"
              "  tracestore compact DIR --keep-age 30d --keep-bytes 50GiB\n");
  return {app, [flags] { return RunCompact(*flags); }};
}

}  // namespace tracestore::tools
