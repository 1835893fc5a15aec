// Verify: reads every byte of a store, of one segment or of one log, and says what is wrong.
//
//   const auto report = tracestore::Verify("/var/lib/traces").value();
//   for (const auto& finding : report.findings) { … finding.file, finding.offset … }
//
// Threads: any; each call works alone. It takes no lock and changes nothing: the store may be
// served, written to and deleted from meanwhile.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

namespace tracestore {

enum class FindingKind : std::uint8_t {
  kDamage,       // bytes that break docs/format, or a file that is missing
  kNewerFormat,  // written by a newer tracestore: not looked into
  kLeftOver,     // harmless: what a crash may leave behind
};

struct Finding {
  FindingKind kind = FindingKind::kDamage;
  std::string file;          // its path
  std::uint64_t offset = 0;  // in bytes; of the part that is named where it is no single byte
  std::string section;       // of the file: "page 3", "dictionary", "record", "straddlers", …
  std::string problem;       // a sentence
};

// What was read.
struct VerifyCounters {
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::uint64_t segments = 0;
  std::uint64_t pages = 0;
  std::uint64_t logs = 0;
  std::uint64_t records = 0;  // of logs
  std::uint64_t spans = 0;    // that could be read, in segments and logs
  std::uint64_t traces = 0;   // parts of traces, of segments
};

struct VerifyReport {
  VerifyCounters counters;
  std::vector<Finding> findings;    // in the order in which they were met
  std::uint64_t more_findings = 0;  // past VerifyOptions::most_findings
  std::uint64_t damage = 0;         // how many findings of each kind
  std::uint64_t newer_format = 0;
  std::uint64_t left_over = 0;

  bool sound() const noexcept { return damage == 0 && newer_format == 0; }
};

struct VerifyProgress {
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_total = 0;  // as the files stood at first
  std::string_view file;          // at hand
};

struct VerifyOptions {
  std::size_t most_findings = 1'000;  // further ones are only counted
  // Looked at between pages and records: set, the call ends with kCancelled.
  const std::atomic<bool>* cancel = nullptr;
  // Called on the caller's thread, after each page and record.
  std::function<void(const VerifyProgress&)> progress;
};

// `path`: a store's directory (its archive is looked at too), or a file of it: a segment or a log.
// Damage is no error but a finding, and the rest is read. Memory: a page and its segment's tables;
// some 40 bytes for each term of the segment at hand. Errors: kNotFound, kInvalidArgument (neither
// a store nor a file of one), kCancelled, kIo where `path` can't be looked at.
Result<VerifyReport> Verify(const std::string& path, const VerifyOptions& options = {});

}  // namespace tracestore
