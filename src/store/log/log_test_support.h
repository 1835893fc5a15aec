// What the log's tests share. Test code only.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "fs/memory_file_system.h"
#include "store/log/log_reader.h"
#include "store/log/log_writer.h"

namespace tracestore::store {

struct ReadBack {
  std::vector<LogRecord> records;  // their payload is in `payloads`
  std::vector<std::string> payloads;
  LogReader::Step last = LogReader::Step::kEnd;
  std::uint64_t tail_bytes = 0;
  LogReadStats stats;
};

inline ReadBack ReadAll(LogReader& reader) {
  ReadBack all;
  for (;;) {
    LogRecord record;
    const auto step = reader.ReadNext(&record);
    EXPECT_TRUE(step.has_value()) << step.error().message();
    if (!step.has_value()) break;
    all.last = *step;
    if (*step != LogReader::Step::kRecord) break;
    all.payloads.emplace_back(record.payload);
    all.records.push_back(record);
  }
  all.tail_bytes = reader.tail_bytes();
  all.stats = reader.stats();
  return all;
}

inline ReadBack ReadAll(fs::FileSystem& files, std::uint64_t file_number) {
  const auto reader = LogReader::Open(files, "wal", file_number);
  EXPECT_TRUE(reader.has_value()) << reader.error().message();
  return reader.has_value() ? ReadAll(**reader) : ReadBack{};
}

// Compressible, random, empty and tiny ones.
inline std::string ArbitraryPayload(std::mt19937_64& random, std::size_t most_bytes) {
  std::string payload(random() % (most_bytes + 1), 'a');
  const std::uint64_t alphabet = random() % 3 == 0 ? 256 : 1 + random() % 4;
  for (char& c : payload) c = static_cast<char>(random() % alphabet);
  return payload;
}

}  // namespace tracestore::store
