// Repair: makes a damaged store sound with all that can still be read of it.
#pragma once
#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/status.h>
#include <tracestore/verify.h>

namespace tracestore {

struct RepairOptions {
  bool write = false;  // else nothing is changed: only what would be done and lost is said
  // as VerifyOptions::cancel; looked at until writing begins
  const std::atomic<bool>* cancel = nullptr;
};

// What can't be read any more.
struct Loss {
  std::string file;
  std::uint64_t offset = 0;    // in bytes
  std::uint64_t spans = 0;     // 0 where nobody can say how many: the sentence says so
  std::string what;            // a sentence
};

struct RepairReport {
  bool was_sound = false;      // there was nothing to do
  bool written = false;
  VerifyReport before;
  VerifyReport after;          // where it was written
  std::uint64_t spans_kept = 0;  // of damaged files, put into new ones
  std::uint64_t spans_lost = 0;  // as far as it can be counted
  std::vector<Loss> losses;
  std::vector<std::string> steps;  // what was, or would be, done: a sentence each
};

// Spans of damaged segments and logs that can be read go into new segments, a lost catalog is made
// anew of the segments, and every damaged file is moved to "<directory>/damaged/", none removed.
// The archive is a store of its own: repair it by its directory. With `write` nobody else may
// append meanwhile; stopped halfway, it can be run again. Memory: the spans of a damaged segment,
// or of all logs. Errors: kNotFound, kBusy (a process appends), kUnsupported (a file of a newer
// format), kIo, kCancelled.
Result<RepairReport> Repair(const std::string& directory, const RepairOptions& options = {});

}  // namespace tracestore
