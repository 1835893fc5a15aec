// Every file-system call of writing and reading fails in turn; power cuts drop what was not synced.
#include <gtest/gtest.h>

#include <random>

#include "base/try.h"
#include "fs/fault_file_system.h"
#include "store/log/log_test_support.h"

namespace tracestore::store {
namespace {

constexpr int kRecords = 6;

struct Written {
  std::vector<std::string> acknowledged;  // Append gave success
  std::size_t durable = 0;                // of these, how many a good Sync followed
  bool failed = false;
};

std::string Payload(int i) {
  return std::string(static_cast<std::size_t>(20 + i * 7), 'p') + std::to_string(i);
}

// As the store writes: after a failure the next record goes to a new file.
Written Write(fs::FileSystem& files) {
  Written written;
  std::unique_ptr<LogWriter> writer;
  std::uint64_t number = 0;
  for (int i = 0; i < kRecords; ++i) {
    if (!writer || writer->failed()) {
      auto created = LogWriter::Create(files, "wal", ++number, static_cast<std::uint64_t>(i));
      if (!created.has_value()) {
        written.failed = true;
        continue;
      }
      writer = std::move(created).value();
    }
    const std::size_t before = written.acknowledged.size();
    if (!writer->Append(1, Payload(i)).has_value()) {
      written.failed = true;
      // Sticky: the file takes nothing any more, with one exact sentence.
      const auto again = writer->Append(1, "never");
      EXPECT_FALSE(again.has_value());
      EXPECT_EQ(again.error().code(), ErrorCode::kIo);
      EXPECT_NE(again.error().message().find(
                    ".log is not appended to after an earlier failure: write wal/"),
                std::string::npos)
          << again.error().message();
      EXPECT_FALSE(writer->Sync().has_value());
      continue;
    }
    written.acknowledged.push_back(Payload(i));
    if (i % 2 == 1) {
      if (writer->Sync().has_value()) {
        // Holds for all of this file; a sync that failed earlier leaves what it had in doubt.
        if (!written.failed) written.durable = written.acknowledged.size();
      } else {
        written.failed = true;
        EXPECT_FALSE(writer->Append(1, "never").has_value());
        EXPECT_EQ(written.acknowledged.size(), before + 1);
      }
    }
  }
  return written;
}

std::vector<std::string> ReadEverything(fs::FileSystem& files) {
  std::vector<std::string> payloads;
  const auto numbers = ListLogs(files, "wal");
  EXPECT_TRUE(numbers.has_value());
  for (const std::uint64_t number : *numbers) {
    const ReadBack all = ReadAll(files, number);
    EXPECT_EQ(all.stats.damaged_places, 0u);  // torn tails only
    payloads.insert(payloads.end(), all.payloads.begin(), all.payloads.end());
  }
  return payloads;
}

bool IsSubsequence(const std::vector<std::string>& part, const std::vector<std::string>& whole) {
  std::size_t at = 0;
  for (const std::string& item : whole) {
    if (at < part.size() && part[at] == item) ++at;
  }
  return at == part.size();
}

using Effect = fs::Fault::Effect;

TEST(LogFaultSweep, AcknowledgedRecordsAreReadWhateverSingleCallFails) {
  for (const Effect effect : {Effect::kNothing, Effect::kHalf, Effect::kAll}) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE("fault at call " + std::to_string(n) + ", effect " +
                   std::to_string(static_cast<int>(effect)));
      fs::MemoryFileSystem disk;
      ASSERT_TRUE(disk.CreateDirectories("wal").has_value());
      fs::FaultFileSystem faulty(disk, {.at_call = n, .effect = effect});
      const Written written = Write(faulty);
      EXPECT_EQ(written.failed, faulty.fired());
      const auto read = ReadEverything(disk);
      EXPECT_TRUE(IsSubsequence(written.acknowledged, read));
      // Nothing that was never handed over, and at most the one record whose answer was lost.
      EXPECT_LE(read.size(), written.acknowledged.size() + 1);
      if (!faulty.fired()) break;
    }
  }
}

TEST(LogFaultSweep, SyncedRecordsSurviveAPowerCutAtAnyCall) {
  for (const Effect effect : {Effect::kNothing, Effect::kHalf, Effect::kAll}) {
    for (std::uint64_t n = 1;; ++n) {
      bool fired = true;
      for (std::uint64_t seed = 0; seed <= 20; ++seed) {
        SCOPED_TRACE("power cut at call " + std::to_string(n) + ", seed " + std::to_string(seed));
        fs::MemoryFileSystem disk;
        ASSERT_TRUE(disk.CreateDirectories("wal").has_value());
        fs::FaultFileSystem faulty(disk, {.at_call = n, .from_then_on = true, .effect = effect});
        const Written written = Write(faulty);
        fired = faulty.fired();
        // Seed 0 stands for the worst disk: everything unsynced is lost.
        disk.DropUnsynced(seed == 0 ? std::nullopt : std::optional(seed));
        const auto read = ReadEverything(disk);
        ASSERT_GE(read.size(), written.durable);
        for (std::size_t i = 0; i < written.durable; ++i) {
          EXPECT_EQ(read[i], written.acknowledged[i]);
        }
      }
      if (!fired) break;
    }
  }
}

TEST(LogFaultSweep, AReaderReportsAFailedCallAndGoesOnAfterIt) {
  fs::MemoryFileSystem disk;
  ASSERT_TRUE(disk.CreateDirectories("wal").has_value());
  const Written written = Write(disk);
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("fault at call " + std::to_string(n));
    fs::FaultFileSystem faulty(disk, {.at_call = n});
    auto reader = LogReader::Open(faulty, "wal", 1);
    if (!reader.has_value()) {
      EXPECT_EQ(n, 1u);
      continue;
    }
    std::vector<std::string> payloads;
    int errors = 0;
    for (;;) {
      LogRecord record;
      const auto step = (*reader)->ReadNext(&record);
      if (!step.has_value()) {
        EXPECT_EQ(step.error().code(), ErrorCode::kIo);
        ASSERT_LE(++errors, 1);
        continue;
      }
      if (*step != LogReader::Step::kRecord) break;
      payloads.emplace_back(record.payload);
    }
    EXPECT_EQ(payloads, written.acknowledged);
    EXPECT_EQ(errors, faulty.fired() ? 1 : 0);
    if (!faulty.fired()) break;
  }
}

}  // namespace
}  // namespace tracestore::store
