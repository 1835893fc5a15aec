// Where spans are read from: a store, trace files, stdin, a segment file.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <CLI/App.hpp>

#include <tracestore/ids.h>
#include <tracestore/status.h>
#include <tracestore/store.h>

#include "cancel.h"

namespace tracestore::tools {

// The flags that every reading command has.
struct SourceFlags {
  std::vector<std::string> names;
  bool strict = false;
  Deadline deadline;

  // SOURCE… and the flags. `positional`: false where the command tells sources from other words
  // itself (SplitSources).
  void AddTo(CLI::App& app, bool positional = true);
};

class Source {
 public:
  // Prints what is wrong on stderr and sets the exit code. Spans that files hold and that had to
  // be left out are warned of; with `strict` they are an error. The snapshot's calls stop at the
  // flags' deadline and at Ctrl-C.
  static std::optional<Source> Open(const SourceFlags& flags, int& exit_code);

  const Snapshot& snapshot() const noexcept { return *snapshot_; }
  // Whether this is a store, which another process may be writing to.
  bool live() const noexcept { return store_ != nullptr; }
  // A store as it is now; others don't change.
  Status Refresh();

 private:
  static std::optional<Source> OpenAny(const SourceFlags& flags, int& exit_code);
  static std::optional<Source> OpenStore(const std::string& directory, int& exit_code);
  static std::optional<Source> OpenFiles(const SourceFlags& flags, int& exit_code);

  std::unique_ptr<Store> store_;
  StopWhen stop_;
  std::optional<Snapshot> snapshot_;
};

// Words of a command line that takes SOURCE… and trace ids: the first is a source, of the others
// those that are files or directories, or "-".
// Errors: kInvalidArgument where another word is no trace id.
struct SplitWords {
  std::vector<std::string> sources;
  std::vector<TraceId> ids;
};
Result<SplitWords> SplitSources(const std::vector<std::string>& words);

// One sentence on what was left out: "3 spans left out: 2 duplicate id, 1 …; the first: …".
std::string RejectedText(const AppendResult& report);

std::string SourceHelp();

}  // namespace tracestore::tools
