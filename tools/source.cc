#include "source.h"

#include <sys/stat.h>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <utility>

#include "exit_codes.h"
#include "human_text.h"
#include "read_file.h"
#include "store/segment/segment_format.h"

namespace tracestore::tools {
namespace {

// kOther: pipes and devices.
enum class What { kMissing, kDirectory, kFile, kOther };

What Look(const std::string& name) {
  struct stat status {};
  if (stat(name.c_str(), &status) != 0) return What::kMissing;
  if (S_ISDIR(status.st_mode)) return What::kDirectory;
  return S_ISREG(status.st_mode) ? What::kFile : What::kOther;
}

Error IoError(const std::string& name, int error) {
  return {ErrorCode::kIo, name + ": " + std::strerror(error)};
}

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

// Not asked of a pipe: what is read of it is gone.
bool IsSegment(const std::string& name) {
  if (name == "-" || Look(name) != What::kFile) return false;
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(name.c_str(), "rb"));
  if (file == nullptr) return false;
  std::string magic(store::kSegmentMagic.size(), '\0');
  return std::fread(magic.data(), 1, magic.size(), file.get()) == magic.size() &&
         magic == store::kSegmentMagic;
}

int ExitCodeOfOpening(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return kExitBadData;
    case ErrorCode::kNotFound: return kExitIo;
    default: return ExitCodeOf(error.code());
  }
}

// The decoder doesn't know names: which of the files is meant is found by reading them again.
Error NameTheFile(const std::vector<std::string>& names, const std::vector<std::string>& contents,
                  const Deadline& deadline, Error error) {
  if (error.code() == ErrorCode::kCancelled) {
    Status why = deadline.Check();
    if (!why) error = std::move(why.error());
    return names.size() == 1 ? std::move(error).WithContext(ShownName(names[0])) : error;
  }
  std::size_t bad = 0;
  for (; names.size() > 1 && bad + 1 < names.size(); ++bad) {
    AppendResult report;
    if (!SnapshotOfFiles({contents[bad]}, report, deadline.stop())) break;
  }
  return std::move(error).WithContext(ShownName(names[bad]));
}

}  // namespace

void SourceFlags::AddTo(CLI::App& app, bool positional) {
  if (positional) {
    app.add_option("SOURCE…", names,
                   "A store's directory; trace files (OTLP, Jaeger, Zipkin; plain, gzip, zstd), - "
                   "for stdin; or one segment file")
        ->type_name("");
  }
  app.add_flag("--strict", strict, "Fail where a file holds spans that have to be left out")
      ->group("Limits");
  deadline.AddFlag(app);
}

std::optional<Source> Source::Open(const SourceFlags& flags, int& exit_code) {
  auto source = OpenAny(flags, exit_code);
  if (!source) return source;
  source->stop_ = flags.deadline.stop();
  source->snapshot_ = source->snapshot_->StoppingWhen(source->stop_);
  return source;
}

std::optional<Source> Source::OpenAny(const SourceFlags& flags, int& exit_code) {
  if (flags.names.empty()) {
    exit_code = Fail(kExitUsage,
                     "name a SOURCE: a store's directory, trace files, - for stdin, or a segment "
                     "file");
    return std::nullopt;
  }
  for (const std::string& name : flags.names) {
    if (name == "-") continue;
    const What what = Look(name);
    if (what == What::kMissing) {
      exit_code = Fail(kExitIo, IoError(name, errno).message());
      return std::nullopt;
    }
    if (what == What::kDirectory && flags.names.size() == 1) return OpenStore(name, exit_code);
    const bool segment = IsSegment(name);
    if (what != What::kDirectory && !(segment && flags.names.size() > 1)) continue;
    exit_code = Fail(kExitUsage, name + " is a " + (segment ? "segment" : "directory") +
                                     ": it has to be the only SOURCE");
    return std::nullopt;
  }
  if (flags.names.size() == 1 && IsSegment(flags.names[0])) {
    auto snapshot = SnapshotOfSegment(flags.names[0]);
    if (!snapshot) {
      exit_code = Fail(ExitCodeOfOpening(snapshot.error()), snapshot.error().message());
      return std::nullopt;
    }
    Source source;
    source.snapshot_ = std::move(*snapshot);
    return source;
  }
  return OpenFiles(flags, exit_code);
}

std::optional<Source> Source::OpenStore(const std::string& directory, int& exit_code) {
  StoreOptions options;
  options.mode = OpenMode::kRead;
  options.log = [](LogLevel level, std::string_view message) {
    if (level >= LogLevel::kWarning) PrintWarning(message);
  };
  auto store = Store::Open(directory, std::move(options));
  if (!store) {
    std::string message = store.error().message();
    if (store.error().code() == ErrorCode::kNotFound) {
      const std::string shown = directory.substr(0, directory.find_last_not_of('/') + 1);
      message += "; to read trace files, name them: " + shown + "/*.json";
    }
    exit_code = Fail(ExitCodeOfOpening(store.error()), message);
    return std::nullopt;
  }
  Source source;
  source.store_ = std::move(*store);
  if (Status status = source.Refresh(); !status) {
    exit_code = Fail(ExitCodeOfOpening(status.error()), status.error().message());
    return std::nullopt;
  }
  return source;
}

std::optional<Source> Source::OpenFiles(const SourceFlags& flags, int& exit_code) {
  std::vector<std::string> contents;
  contents.reserve(flags.names.size());
  for (const std::string& name : flags.names) {
    auto content = ReadWholeFile(name, flags.deadline);
    if (!content) {
      exit_code = Fail(content.error());
      return std::nullopt;
    }
    contents.push_back(std::move(*content));
  }
  AppendResult report;
  auto snapshot = SnapshotOfFiles(contents, report, flags.deadline.stop());
  if (!snapshot) {
    const Error error =
        NameTheFile(flags.names, contents, flags.deadline, std::move(snapshot.error()));
    exit_code = Fail(ExitCodeOfOpening(error), error.message());
    return std::nullopt;
  }
  if (report.rejected > 0) {
    if (flags.strict) {
      exit_code = Fail(kExitBadData, RejectedText(report));
      return std::nullopt;
    }
    PrintWarning(RejectedText(report));
  }
  Source source;
  source.snapshot_ = std::move(*snapshot);
  return source;
}

Status Source::Refresh() {
  if (store_ == nullptr) return {};
  auto snapshot = store_->TakeSnapshot();
  if (!snapshot) return std::move(snapshot.error());
  snapshot_ = snapshot->StoppingWhen(stop_);
  return {};
}

Result<SplitWords> SplitSources(const std::vector<std::string>& words) {
  SplitWords split;
  for (const std::string& word : words) {
    if (split.sources.empty() || word == "-" || Look(word) != What::kMissing) {
      split.sources.push_back(word);
      continue;
    }
    const auto id = TraceId::FromHex(word);
    if (!id || id->empty()) {
      return Error(ErrorCode::kInvalidArgument,
                   "'" + word +
                       "' is neither a file nor a trace id (1 to 32 hex digits, not zero)");
    }
    split.ids.push_back(*id);
  }
  return split;
}

std::string RejectedText(const AppendResult& report) {
  std::string text = Plural(report.rejected, "span") + " left out";
  const char* separator = ": ";
  for (const auto& [reason, count] : report.reasons) {
    text += separator + CountText(count) + " × " + reason;
    separator = ", ";
  }
  if (!report.first_error.empty()) text += "; the first: " + report.first_error;
  return text;
}

std::string SourceHelp() {
  return "SOURCE is a store's directory (also while a server writes to it), trace files of any\n"
         "format, - for stdin, or one segment file. Formats are told by content, not by name.\n";
}

}  // namespace tracestore::tools
