// import: trace files into a store.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <tracestore/format.h>
#include <tracestore/store.h>

#include "codec/detect/any_format.h"
#include "codec/detect/decompress.h"
#include "codec/detect/detect_format.h"
#include "codec/json/json_writer.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "listing.h"
#include "model/decode_report.h"
#include "model/span_batch.h"
#include "progress.h"
#include "read_file.h"
#include "source.h"

namespace tracestore::tools {
namespace {

namespace files = std::filesystem;

struct ImportOptions {
  std::vector<std::string> words;  // the store, then what to read
  std::string format;
  std::string sync = "interval";
  bool strict = false;
  bool json = false;
  Deadline deadline;
};

// A file to read. Of a directory those of no trace format are skipped; a file that was named is
// meant to be one.
struct Input {
  std::string name;
  std::uint64_t bytes = 0;
  bool named = true;
};

struct Failure {
  std::string file;
  std::string reason;
};

struct Report {
  std::uint64_t files = 0;  // read
  model::DecodeReport spans;
  std::vector<Failure> skipped;
  std::vector<Failure> failed;
  int exit_code = kExitOk;
};

Error WrongUse(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

bool IsStore(const files::path& path) {
  std::error_code ignored;
  return files::is_directory(path / "catalog", ignored);
}

Status AddDirectory(const std::string& name, std::vector<Input>& inputs) {
  if (IsStore(name)) {
    return WrongUse(name + " is a store; to copy it: tracestore export " + name +
                    " -f otlp-jsonl | tracestore import STORE -");
  }
  const std::size_t first = inputs.size();
  std::error_code error;
  auto it = files::recursive_directory_iterator(name, error);
  for (; !error && it != files::recursive_directory_iterator(); it.increment(error)) {
    if (it->path().filename().string().starts_with('.')) {
      if (it->is_directory(error)) it.disable_recursion_pending();
      continue;
    }
    if (it->is_regular_file(error)) {
      inputs.push_back({it->path().string(), it->file_size(error), false});
    }
  }
  if (error) return Error(ErrorCode::kIo, name + ": " + error.message());
  std::sort(inputs.begin() + static_cast<std::ptrdiff_t>(first), inputs.end(),
            [](const Input& a, const Input& b) { return a.name < b.name; });
  return {};
}

Result<std::vector<Input>> ListInputs(const std::vector<std::string>& names) {
  std::vector<Input> inputs;
  for (const std::string& name : names) {
    std::error_code error;
    if (name != "-" && files::is_directory(name, error)) {
      if (Status status = AddDirectory(name, inputs); !status) return std::move(status.error());
      continue;
    }
    Input input{name, 0, true};
    if (name != "-") {
      input.bytes = files::file_size(name, error);
      // A pipe has no size; reading says what is wrong with others.
      if (error) input.bytes = 0;
    }
    inputs.push_back(std::move(input));
  }
  return inputs;
}

// The command line's words: a store, then at least one thing to read.
Status CheckWords(const ImportOptions& options) {
  if (options.words.size() < 2) {
    return WrongUse("import takes a store's directory and what to read: tracestore import STORE "
                    "FILE…, with - for stdin");
  }
  std::error_code ignored;
  if (files::is_regular_file(options.words[0], ignored)) {
    return WrongUse(options.words[0] +
                    " is a file: the store's directory comes first (tracestore import STORE "
                    "FILE…)");
  }
  return {};
}

class Importer {
 public:
  Importer(const ImportOptions& options, std::optional<Format> format, Store& store)
      : options_(options), format_(format), store_(store), progress_("importing") {}

  // Goes on after a bad file; stops where the store refuses, or is told to.
  Report Run(const std::vector<Input>& inputs) {
    for (const Input& input : inputs) total_bytes_ += input.bytes;
    for (const Input& input : inputs) {
      progress_.ShowBar(done_bytes_, total_bytes_, Text() + " " + input.name);
      if (!ImportFile(input)) break;
      done_bytes_ += input.bytes;
    }
    return std::move(report_);
  }

 private:
  std::string Text() const { return CountText(report_.spans.accepted) + " spans"; }

  void Fail(const Input& input, int code, const std::string& reason) {
    report_.failed.push_back({input.name == "-" ? "stdin" : input.name, reason});
    report_.exit_code = std::max(report_.exit_code, code);
  }

  // Whether to go on.
  bool ImportFile(const Input& input) {
    if (Status status = options_.deadline.Check(); !status) return Stop(input, status.error());
    auto content = ReadWholeFile(input.name, options_.deadline);
    if (!content) return Unread(input, content.error(), ExitCodeOf(content.error().code()));
    const StopWhen stop = options_.deadline.stop();
    auto plain = codec::Decompress(*content, codec::kMaxContentBytes, &stop);
    if (!plain) return Unread(input, plain.error(), ExitOfData(plain.error()));
    content->clear();
    content->shrink_to_fit();
    std::optional<Format> format = format_;
    if (!format) {
      auto detected = codec::DetectFormat(*plain);
      if (!detected && !input.named) {
        report_.skipped.push_back({input.name, detected.error().message()});
        return true;
      }
      if (!detected) {
        Fail(input, kExitBadData, detected.error().message());
        return true;
      }
      format = *detected;
    }
    return ImportSpans(input, *plain, *format);
  }

  bool ImportSpans(const Input& input, std::string_view content, Format format) {
    model::SpanBatch batch;
    const StopWhen stop = options_.deadline.stop();
    auto decoded = codec::DecodeAny(content, format, batch, &stop);
    if (!decoded) return Unread(input, decoded.error(), ExitOfData(decoded.error()));
    if (decoded->rejected > 0 && options_.strict) {
      report_.spans.rejected += decoded->rejected + decoded->accepted;
      for (const auto& [reason, count] : decoded->reasons) report_.spans.reasons[reason] += count;
      if (decoded->accepted > 0) {
        report_.spans.reasons["good, but in a file with bad ones (--strict)"] +=
            decoded->accepted;
      }
      Fail(input, kExitBadData, decoded->first_error);
      return true;
    }
    std::uint64_t appended = 0;
    if (Status status = AppendParts(std::move(batch), appended); !status) {
      report_.spans.accepted += appended;
      if (appended == 0) return Stop(input, status.error());
      return Stop(input, {status.error().code(),
                          status.error().message() + "; " + CountText(appended) + " of its " +
                              Plural(decoded->accepted, "span") + " are in the store"});
    }
    ++report_.files;
    report_.spans.Add(*decoded);
    return true;
  }

  static int ExitOfData(const Error& error) {
    return error.code() == ErrorCode::kInvalidArgument ? static_cast<int>(kExitBadData)
                                                       : ExitCodeOf(error.code());
  }

  // A file that can't be read is passed over; what was told to stop stops.
  bool Unread(const Input& input, const Error& error, int code) {
    if (error.code() == ErrorCode::kCancelled)
      return Stop(input, options_.deadline.Check().error());
    Fail(input, code, error.message());
    return true;
  }

  bool Stop(const Input& input, const Error& error) {
    Fail(input, ExitCodeOf(error.code()), error.message());
    return false;
  }

  // A message as large as a file would be one record of the log: cut it. `appended`: the spans that
  // are in the store, also where it fails.
  Status AppendParts(model::SpanBatch&& batch, std::uint64_t& appended) {
    constexpr std::uint32_t kPartSpans = 16'384;
    const auto rows = static_cast<std::uint32_t>(batch.size());
    if (rows <= kPartSpans) return store_.AppendBatch(std::move(batch));
    for (std::uint32_t row = 0; row < rows;) {
      if (Status status = options_.deadline.Check(); !status) return status;
      model::SpanBatch part;
      model::BatchAppender appender(part);
      appender.SetSource(batch);
      const std::uint32_t end = row + std::min(kPartSpans, rows - row);
      for (; row < end; ++row) appender.Append(row);
      if (Status status = store_.AppendBatch(std::move(part)); !status) return status;
      appended = row;
      progress_.ShowBar(done_bytes_, total_bytes_,
                        CountText(report_.spans.accepted + row) + " spans");
    }
    return {};
  }

  const ImportOptions& options_;
  std::optional<Format> format_;
  Store& store_;
  Progress progress_;
  Report report_;
  std::uint64_t total_bytes_ = 0;
  std::uint64_t done_bytes_ = 0;
};

std::string ReportJson(const Report& report, double seconds) {
  std::string out;
  codec::JsonWriter writer(out);
  writer.BeginObject();
  writer.Key("files");
  writer.Uint(report.files);
  writer.Key("accepted");
  writer.Uint(report.spans.accepted);
  writer.Key("rejected");
  writer.Uint(report.spans.rejected);
  writer.Key("reasons");
  writer.BeginObject();
  for (const auto& [reason, count] : report.spans.reasons) {
    writer.Key(reason);
    writer.Uint(count);
  }
  writer.EndObject();
  for (const auto& [key, list] :
       {std::pair{"skipped", &report.skipped}, std::pair{"failed", &report.failed}}) {
    writer.Key(key);
    writer.BeginArray();
    for (const Failure& failure : *list) {
      writer.BeginObject();
      writer.Key("file");
      writer.String(failure.file);
      writer.Key("reason");
      writer.String(failure.reason);
      writer.EndObject();
    }
    writer.EndArray();
  }
  writer.Key("seconds");
  writer.Double(seconds);
  writer.EndObject();
  out += '\n';
  return out;
}

void PrintFailures(const Report& report) {
  for (const Failure& failure : report.skipped) {
    PrintWarning("skipped " + failure.file + ": " + failure.reason);
  }
  for (const Failure& failure : report.failed) {
    // Some sentences begin with the name already.
    const bool named = failure.reason.starts_with(failure.file + ":");
    PrintError(named ? failure.reason : failure.file + ": " + failure.reason);
  }
  if (report.spans.rejected > 0) {
    AppendResult rejected;
    rejected.rejected = report.spans.rejected;
    rejected.reasons.assign(report.spans.reasons.begin(), report.spans.reasons.end());
    rejected.first_error = report.spans.first_error;
    PrintWarning(RejectedText(rejected));
  }
}

std::string ReportText(const Report& report, const std::string& store, double seconds) {
  std::string text = "imported " + Plural(report.spans.accepted, "span") + " of " +
                     Plural(report.files, "file") + " into " + CleanText(store) + " in " +
                     DurationText(static_cast<std::uint64_t>(seconds * 1e9));
  if (seconds > 0.5) {
    const double rate = static_cast<double>(report.spans.accepted) / seconds;
    text += " (" + CountText(static_cast<std::uint64_t>(rate)) + " a second)";
  }
  return text + "\n";
}

Result<StoreOptions> ChooseStoreOptions(const ImportOptions& options) {
  StoreOptions store;
  if (options.sync == "full") store.sync = SyncPolicy::kFull;
  if (options.sync == "off") store.sync = SyncPolicy::kOff;
  store.append_timeout = std::chrono::minutes(10);  // sealing may take its time; nobody waits
  store.log = [](LogLevel level, std::string_view message) {
    if (level >= LogLevel::kWarning) PrintWarning(message);
  };
  return store;
}

int Run(ImportOptions& options) {
  if (Status status = options.deadline.Start(); !status) return Fail(status.error());
  if (Status status = CheckWords(options); !status) return Fail(status.error());
  std::optional<Format> format;
  if (!options.format.empty()) {
    auto parsed = ParseFormat(options.format);
    if (!parsed) return Fail(std::move(parsed.error()).WithContext("--format"));
    format = *parsed;
  }
  const auto inputs = ListInputs({options.words.begin() + 1, options.words.end()});
  if (!inputs) return Fail(inputs.error());
  auto store_options = ChooseStoreOptions(options);
  if (!store_options) return Fail(store_options.error());
  auto store = Store::Open(options.words[0], std::move(*store_options));
  if (!store) {
    // A directory that can't be made is not a search that found nothing.
    const bool absent = store.error().code() == ErrorCode::kNotFound;
    return Fail(absent ? static_cast<int>(kExitIo) : ExitCodeOf(store.error().code()),
                store.error().message());
  }
  const auto begin = std::chrono::steady_clock::now();
  Report report = Importer(options, format, **store).Run(*inputs);
  if (Status status = (*store)->Close(); !status) {
    report.failed.push_back({options.words[0], status.error().message()});
    report.exit_code = std::max(report.exit_code, ExitCodeOf(status.error().code()));
  }
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const std::string text =
      options.json ? ReportJson(report, seconds) : ReportText(report, options.words[0], seconds);
  if (Status status = WriteOut(text); !status) return Fail(status.error());
  PrintFailures(report);
  if (options.strict && !report.skipped.empty() && report.exit_code == kExitOk) {
    return kExitBadData;
  }
  return report.exit_code;
}

}  // namespace

Command DeclareImport(CLI::App& root) {
  auto* app = root.add_subcommand("import", "Put trace files into a store");
  auto options = std::make_shared<ImportOptions>();
  app->add_option("STORE FILE…", options->words,
                  "The store's directory, made where it is missing, and what to read: trace "
                  "files, directories of them, - for stdin")
      ->type_name("");
  app->add_option("-f,--format", options->format,
                  "Of all files: otlp-proto, otlp-json, otlp-jsonl, jaeger, zipkin, "
                  "jaeger-thrift, jaeger-proto, zipkin-proto, zipkin-v1, zipkin-v1-thrift. "
                  "Without it, told by content")
      ->type_name("FORMAT")
      ->group("Input");
  app->add_flag("--strict", options->strict,
                "Take nothing of a file that holds bad spans (exit code 3)")
      ->group("Input");
  app->add_option("--sync", options->sync,
                  "When spans are on the medium: full (each batch), interval, off; at the end they "
                  "are")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"full", "interval", "off"}).description(""))
      ->group("Limits");
  app->add_flag("--json", options->json, "Print the report as JSON")->group("Output");
  options->deadline.AddFlag(*app);
  app->footer("Files may be plain, gzip or zstd. Bad spans are left out and counted by reason,\n"
              "the good ones of their file are kept. Of a directory, files of no trace format are\n"
              "skipped and named.\n"
              "\nExamples:\n"
              "  tracestore import DIR traces.json more.jsonl.gz\n"
              "  tracestore import DIR ci-artifacts/\n"
              "  curl -s $URL/api/traces?service=a | tracestore import DIR -\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
