#include "exit_codes.h"

#include <cstdio>

#include "terminal.h"

namespace tracestore::tools {
namespace {

void PrintLine(const char* prefix, std::string_view message) {
  const std::string line = prefix + CleanText(message) + "\n";
  std::fflush(stdout);
  std::fwrite(line.data(), 1, line.size(), stderr);
}

}  // namespace

int ExitCodeOf(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::kInvalidArgument: return kExitUsage;
    case ErrorCode::kNotFound: return kExitNothingFound;
    case ErrorCode::kCorruption: return kExitCorruption;
    case ErrorCode::kIo: return kExitIo;
    case ErrorCode::kBusy: return kExitBusy;
    case ErrorCode::kUnsupported: return kExitUnsupported;
    case ErrorCode::kCancelled: return kExitCancelled;
  }
  return kExitIo;
}

std::string ExitCodesHelp() {
  return "Exit codes\n"
         "  0  all is well\n"
         "  1  nothing found (find, get, tail, critical-path, delete, archive, export with\n"
         "     conditions)\n"
         "  2  wrong use: an unknown command or flag, a value that can't be read, a cursor of\n"
         "     another query\n"
         "  3  bad input: a file is no trace file or is damaged; with --strict also when single\n"
         "     spans were refused\n"
         "  4  the operating system refused: no such file, no store there, no permission, disk\n"
         "     full\n"
         "  5  busy: another process appends to this store\n"
         "  6  corruption: a checksum of the store does not hold; file and offset are named;\n"
         "     verify found damage\n"
         "  7  stopped: Ctrl-C, or --timeout passed, or no to a question\n"
         "  8  unsupported: a newer format, or a codec that this build lacks\n";
}

void PrintError(std::string_view message) { PrintLine("tracestore: ", message); }

void PrintWarning(std::string_view message) { PrintLine("tracestore: warning: ", message); }

int Fail(const Error& error) { return Fail(ExitCodeOf(error.code()), error.message()); }

int Fail(int code, std::string_view message) {
  PrintError(message);
  return code;
}

}  // namespace tracestore::tools
