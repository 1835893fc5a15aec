// How the command ends: exit codes, and the one sentence on stderr that goes with them.
#pragma once
#include <string>
#include <string_view>

#include <tracestore/status.h>

namespace tracestore::tools {

// Stable; docs/cli.md and `tracestore help exit-codes` tell users.
enum ExitCode : int {
  kExitOk = 0,
  kExitNothingFound = 1,
  kExitUsage = 2,
  kExitBadData = 3,
  kExitIo = 4,
  kExitBusy = 5,
  kExitCorruption = 6,
  kExitCancelled = 7,
  kExitUnsupported = 8,
};

// The exit code of an error that a call of the library gave. kInvalidArgument is wrong use; where
// it speaks of input data the caller says kExitBadData itself.
int ExitCodeOf(ErrorCode code) noexcept;

// Text of `tracestore help exit-codes`.
std::string ExitCodesHelp();

// Prints "tracestore: <message>" on stderr.
void PrintError(std::string_view message);
void PrintWarning(std::string_view message);

// Prints the error's sentence and gives its exit code.
int Fail(const Error& error);
// The same with an exit code of the caller's.
int Fail(int code, std::string_view message);

}  // namespace tracestore::tools
