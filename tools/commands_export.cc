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

#include "binary_format.h"
#include "codec/detect/compress.h"
#include "command.h"
#include "exit_codes.h"
#include "human_text.h"
#include "model/span_batch.h"
#include "progress.h"
#include "query/fetch.h"
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

// A file written under a temporary name and renamed when it is whole, or stdout. Compressed as its
// name says.
class OutputFile {
 public:
  static Result<OutputFile> Open(const std::string& name) {
    OutputFile out;
    out.name_ = name;
    auto compressor = codec::Compressor::Make(codec::CompressionForName(name));
    if (!compressor) return std::move(compressor.error()).WithContext("--output " + name);
    out.compressor_ = std::move(*compressor);
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
        compressor_(std::move(other.compressor_)),
        file_(std::exchange(other.file_, nullptr)) {}
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile() {
    if (file_ == nullptr || file_ == stdout) return;
    std::fclose(file_);
    std::remove(temporary_.c_str());
  }

  Status Write(std::string_view text) {
    packed_.clear();
    if (Status status = compressor_->Add(text, packed_); !status) return status;
    return WritePacked();
  }

  Status Finish() {
    packed_.clear();
    if (Status status = compressor_->Finish(packed_); !status) return status;
    if (Status status = WritePacked(); !status) return status;
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
  Status WritePacked() {
    if (std::fwrite(packed_.data(), 1, packed_.size(), file_) != packed_.size())
      return Failed("write");
    return {};
  }
  Error Failed(const char* what) const {
    return {ErrorCode::kIo, std::string(what) + " " + (name_ == "-" ? "stdout" : name_) + ": " +
                                std::strerror(errno)};
  }

  std::string name_;
  std::string temporary_;
  std::unique_ptr<codec::Compressor> compressor_;  // never null after Open
  std::string packed_;
  std::FILE* file_ = nullptr;
};

// Puts what Encode() gives for one part of the spans after the other into one file. Protobuf
// messages of one repeated field and JSON Lines just follow each other. A JSON document has one
// list of items: what Encode() writes before and after it is known from an encoding of nothing.
class Joiner {
 public:
  static Result<Joiner> Make(Format format, OutputFile& out) {
    Joiner joiner(format, out);
    if (IsBinary(format) || format == Format::kOtlpJsonLines) return joiner;
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

class Exporter {
 public:
  Exporter(const Snapshot& snapshot, const ExportOptions& options, Joiner& joiner)
      : snapshot_(snapshot), options_(options), joiner_(joiner) {}

  // The traces that match, the newest first, and where there are no conditions those that no search
  // finds behind them.
  Status Run(Query query) {
    constexpr std::uint32_t kPage = 256;
    do {
      query.limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(kPage, Left()));
      if (query.limit == 0) return Flush();
      const auto page = snapshot_.Find(query);
      if (!page) return page.error();
      for (const FoundTrace& found : page->traces) {
        if (Status status = Add(found.trace_id); !status) return status;
      }
      query.cursor = page->next_cursor;
    } while (!query.cursor.empty());
    if (!options_.query.any() && Left() > 0) {
      const auto firehose = query::FirehoseTraces(*snapshot_.data());
      if (!firehose) return firehose.error();
      for (const TraceId id : *firehose) {
        if (Left() == 0) break;
        if (Status status = Add(id); !status) return status;
      }
    }
    return Flush();
  }
  const Exported& exported() const { return exported_; }

 private:
  std::uint64_t Left() const {
    return options_.limit == 0 ? ~std::uint64_t{0} : options_.limit - exported_.traces;
  }
  Status Add(TraceId id) {
    if (Status status = options_.source.deadline.Check(); !status) return status;
    const auto spans = snapshot_.Get(id);
    if (!spans) return spans.error();
    appender_->SetSource(*spans->batch());
    for (std::uint32_t row = 0; row < spans->size(); ++row) appender_->Append(row);
    ++exported_.traces;
    exported_.spans += spans->size();
    progress_.Show(CountText(exported_.spans) + " spans");
    return part_->size() < kPartSpans ? Status() : Flush();
  }
  Status Flush() {
    if (part_->empty()) return {};
    appender_.reset();
    Status status = joiner_.Add(SpanList(std::move(part_)));
    part_ = std::make_shared<model::SpanBatch>();
    appender_ = std::make_unique<model::BatchAppender>(*part_);
    return status;
  }

  const Snapshot& snapshot_;
  const ExportOptions& options_;
  Joiner& joiner_;
  Exported exported_;
  Progress progress_{"exported"};
  std::shared_ptr<model::SpanBatch> part_ = std::make_shared<model::SpanBatch>();
  std::unique_ptr<model::BatchAppender> appender_ = std::make_unique<model::BatchAppender>(*part_);
};

// Thrift has the number of spans in front, and Jaeger's binary forms are of one service.
bool CanBeJoined(Format format) {
  return format != Format::kJaegerThrift && format != Format::kJaegerProtobuf &&
         format != Format::kZipkinV1Thrift;
}

Result<Format> ChooseFormat(const ExportOptions& options) {
  auto format = ParseFormat(options.format);
  if (!format) return std::move(format.error()).WithContext("--format");
  if (!CanBeJoined(*format)) {
    return Error(ErrorCode::kInvalidArgument,
                 "--format: " + options.format + " can't be written in parts; tracestore get " +
                     "--format " + options.format + " writes a trace");
  }
  if (options.output == "-") {
    Status status = RefuseOnTerminal(*format, "write it to a file with --output FILE");
    if (!status) return std::move(status.error());
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
  Exporter exporter(source->snapshot(), options, *joiner);
  if (Status status = exporter.Run(std::move(*query)); !status) return Fail(status.error());
  const Exported& exported = exporter.exported();
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
                  "otlp-json, otlp-jsonl (one request a line), otlp-proto, jaeger, zipkin, "
                  "zipkin-proto, zipkin-v1")
      ->type_name("FORMAT")
      ->capture_default_str()
      ->group("Output");
  app->add_option("-o,--output", options->output,
                  "File to write, compressed where its name ends in .gz or .zst; - for stdout")
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
              "  tracestore export DIR -f otlp-jsonl -o spans.jsonl.zst\n"
              "  tracestore export DIR --error --since 1h -f jaeger > errors.json\n"
              "  tracestore export zipkin.json -f otlp-proto -o request.pb\n");
  return {app, [options] { return Run(*options); }};
}

}  // namespace tracestore::tools
