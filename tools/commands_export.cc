// export: traces as one file of OTLP, Jaeger or Zipkin.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <tracestore/format.h>
#include <tracestore/store.h>

#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "model/span_batch.h"
#include "progress.h"
#include "query_flags.h"
#include "source.h"
#include "terminal.h"

namespace tracestore::tools {
namespace {

struct ExportOptions {
  SourceFlags source;
  QueryFlags query;
  std::string format = "otlp-json";
  std::string output = "-";
  std::uint32_t limit = 0;
};

// A file written under a temporary name and renamed when it is whole, or stdout.
class OutputFile {
 public:
  static Result<OutputFile> Open(const std::string& name) {
    OutputFile out;
    out.name_ = name;
    if (name == "-") {
      out.file_ = stdout;
      return out;
    }
    out.temporary_ = name + ".part";
    out.file_ = std::fopen(out.temporary_.c_str(), "wb");
    if (out.file_ == nullptr) return out.Failed("open");
    return out;
  }

  OutputFile(OutputFile&& other) noexcept
      : name_(std::move(other.name_)),
        temporary_(std::move(other.temporary_)),
        file_(std::exchange(other.file_, nullptr)) {}
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile() {
    if (file_ == nullptr || file_ == stdout) return;
    std::fclose(file_);
    std::remove(temporary_.c_str());
  }

  Status Write(std::string_view text) {
    if (std::fwrite(text.data(), 1, text.size(), file_) != text.size()) return Failed("write");
    return {};
  }

  Status Finish() {
    if (std::fflush(file_) != 0) return Failed("write");
    if (file_ == stdout) return {};
    const int closed = std::fclose(std::exchange(file_, nullptr));
    if (closed != 0 || std::rename(temporary_.c_str(), name_.c_str()) != 0) {
      const Error error = Failed("write");
      std::remove(temporary_.c_str());
      return error;
    }
    return {};
  }

 private:
  OutputFile() = default;
  Error Failed(const char* what) const {
    return {ErrorCode::kIo, std::string(what) + " " + (name_ == "-" ? "stdout" : name_) + ": " +
                                std::strerror(errno)};
  }

  std::string name_;
  std::string temporary_;
  std::FILE* file_ = nullptr;
};

// Puts what Encode() gives for one part of the spans after the other into one file. OTLP protobuf
// and JSON Lines just follow each other. A JSON document has one list of items: what Encode()
// writes before and after it is known from an encoding of nothing.
class Joiner {
 public:
  static Result<Joiner> Make(Format format, OutputFile& out) {
    Joiner joiner(format, out);
    if (format == Format::kOtlpProtobuf || format == Format::kOtlpJsonLines) return joiner;
    auto empty = Encode(SpanList(), format);
    if (!empty) return std::move(empty.error());
    const auto list = empty->find("[]");
    if (list == std::string::npos) {
      return Error(ErrorCode::kUnsupported, "this format has no list to join");
    }
    joiner.head_ = empty->substr(0, list + 1);
    joiner.tail_ = empty->substr(list + 1);
    return joiner;
  }

  Status Add(const SpanList& spans) {
    auto text = Encode(spans, format_);
    if (!text) return std::move(text.error());
    if (head_.empty()) return out_.Write(*text);
    if (!text->starts_with(head_) || !text->ends_with(tail_) ||
        text->size() < head_.size() + tail_.size()) {
      return Error(ErrorCode::kUnsupported, "an encoded part has not the form expected");
    }
    if (Status status = out_.Write(first_ ? std::string_view(head_) : ","); !status) return status;
    first_ = false;
    return out_.Write(std::string_view(*text).substr(
        head_.size(), text->size() - head_.size() - tail_.size()));
  }

  Status Finish() {
    if (head_.empty()) return out_.Finish();
    if (Status status = out_.Write((first_ ? head_ : "") + tail_); !status) return status;
    if (!tail_.ends_with('\n')) {
      if (Status status = out_.Write("\n"); !status) return status;
    }
    return out_.Finish();
  }

 private:
  Joiner(Format format, OutputFile& out) : format_(format), out_(out) {}

  Format format_;
  OutputFile& out_;
  std::string head_;
  std::string tail_;
  bool first_ = true;
};

struct Exported {
  std::uint64_t traces = 0;
  std::uint64_t spans = 0;
};

// Some thousands of spans at a time, traces whole: a part is encoded at once.
constexpr std::size_t kPartSpans = 4096;

Status ExportFound(const Snapshot& snapshot, Query query, const ExportOptions& options,
                   Joiner& joiner, Exported& exported) {
  Progress progress("exported");
  auto part = std::make_shared<model::SpanBatch>();
  auto appender = std::make_unique<model::BatchAppender>(*part);
  const auto flush = [&]() -> Status {
    if (part->empty()) return {};
    appender.reset();
    Status status = joiner.Add(SpanList(std::move(part)));
    part = std::make_shared<model::SpanBatch>();
    appender = std::make_unique<model::BatchAppender>(*part);
    return status;
  };
  const std::uint32_t page_size = 256;
  while (true) {
    if (options.limit != 0 && exported.traces >= options.limit) return flush();
    query.limit = options.limit == 0 ? page_size
                                     : static_cast<std::uint32_t>(std::min<std::uint64_t>(
                                           page_size, options.limit - exported.traces));
    const auto page = snapshot.Find(query);
    if (!page) return page.error();
    for (const FoundTrace& found : page->traces) {
      if (Status status = options.source.deadline.Check(); !status) return status;
      const auto spans = snapshot.Get(found.trace_id);
      if (!spans) return spans.error();
      appender->SetSource(*spans->batch());
      for (std::uint32_t row = 0; row < spans->size(); ++row) appender->Append(row);
      ++exported.traces;
      exported.spans += spans->size();
      progress.Show(CountText(exported.spans) + " spans");
      if (part->size() < kPartSpans) continue;
      if (Status status = flush(); !status) return status;
    }
    if (page->next_cursor.empty()) return flush();
    query.cursor = page->next_cursor;
  }
}

Result<Format> ChooseFormat(const ExportOptions& options) {
  for (const char* ending : {".gz", ".zst"}) {
    if (!options.output.ends_with(ending)) continue;
    return Error(ErrorCode::kInvalidArgument,
                 "--output " + options.output + ": export writes plain files; pipe it: tracestore "
                 "export SOURCE | gzip > FILE");
  }
  auto format = ParseFormat(options.format);
  if (!format) return std::move(format.error()).WithContext("--format");
  if (*format == Format::kOtlpProtobuf && options.output == "-" &&
      Terminal::OfStdout("never").is_terminal) {
    return Error(ErrorCode::kInvalidArgument,
                 "otlp-proto is binary: write it to a file with --output FILE");
  }
  return format;
}

int Run(ExportOptions& options) {
  if (Status status = options.source.deadline.Start(); !status) return Fail(status.error());
  const auto format = ChooseFormat(options);
  if (!format) return Fail(format.error());
  auto query = options.query.Build();
  if (!query) return Fail(query.error());
  query->deadline = options.source.deadline.at();
  query->cancel = &Interrupted();
  int exit_code = kExitOk;
  const auto source = Source::Open(options.source, exit_code);
  if (!source) return exit_code;
  auto out = OutputFile::Open(options.output);
  if (!out) return Fail(out.error());
  auto joiner = Joiner::Make(*format, *out);
  if (!joiner) return Fail(joiner.error());
  Exported exported;
  if (Status status = ExportFound(source->snapshot(), std::move(*query), options, *joiner,
                                  exported);
      !status) {
    return Fail(status.error());
  }
  if (Status status = joiner->Finish(); !status) return Fail(status.error());
  if (options.output != "-" || StderrIsTerminal()) {
    std::fprintf(stderr, "exported %s, %s\n", Plural(exported.traces, "trace").c_str(),
                 Plural(exported.spans, "span").c_str());
  }
  return exported.traces == 0 && options.query.any() ? kExitNothingFound : kExitOk;
}

}  // namespace

Command DeclareExport(CLI::App& root) {
  auto* app = root.add_subcommand("export", "Write traces as an OTLP, Jaeger or Zipkin file");
  auto options = std::make_shared<ExportOptions>();
  options->source.AddTo(*app);
  app->add_option("-f,--format", options->format,
                  "otlp-json, otlp-jsonl (one request a line), otlp-proto, jaeger, zipkin")
      ->type_name("FORMAT")
      ->capture_default_str()
      ->group("Output");
  app->add_option("-o,--output", options->output, "File to write; - for stdout")
      ->type_name("FILE")
      ->capture_default_str()
      ->group("Output");
  app->add_option("-n,--limit", options->limit, "At most so many traces, newest first; 0: all")
      ->type_name("N")
      ->capture_default_str()
      ->group("Limits");
  options->query.AddTo(*app);
  app->footer("Whole traces are written, whatever span of them matched, the newest first. A FILE\n"
              "appears when it is whole.\n" +
              SourceHelp() + ConditionsHelp() +
              "\nExamples:\n"
              "  tracestore export DIR -f otlp-jsonl -o spans.jsonl\n"
              "  tracestore export DIR --error --since 1h -f jaeger > errors.json\n"
              "  tracestore export zipkin.json -f otlp-proto -o request.pb\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
