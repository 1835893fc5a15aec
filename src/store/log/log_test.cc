// What the log's writer and reader promise on an undamaged disk.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/bytes.h"
#include "store/log/log_test_support.h"

namespace tracestore::store {
namespace {

class Log : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_.CreateDirectories("wal").has_value()); }
  std::unique_ptr<LogWriter> Create(std::uint64_t number, std::uint64_t first_sequence = 0) {
    auto writer = LogWriter::Create(files_, "wal", number, first_sequence);
    EXPECT_TRUE(writer.has_value()) << writer.error().message();
    return std::move(writer).value();
  }
  fs::MemoryFileSystem files_;
};

TEST_F(Log, RoundTripsAnyRecords) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    const std::uint64_t number = seed + 1;
    auto writer = Create(number, seed * 10);
    std::vector<std::string> payloads;
    LogPosition end = writer->end();
    for (std::uint64_t count = random() % 30; count > 0; --count) {
      payloads.push_back(ArbitraryPayload(random, seed % 5 == 0 ? 200'000 : 500));
      const auto after = writer->Append(static_cast<std::uint8_t>(count), payloads.back());
      ASSERT_TRUE(after.has_value());
      EXPECT_LT(end, *after);
      end = *after;
    }
    EXPECT_EQ(writer->end(), end);
    const ReadBack all = ReadAll(files_, number);
    EXPECT_EQ(all.payloads, payloads);
    EXPECT_EQ(all.last, LogReader::Step::kEnd);
    EXPECT_EQ(all.tail_bytes, 0u);
    EXPECT_EQ(all.stats.damaged_places, 0u);
    for (std::size_t i = 0; i < all.records.size(); ++i) {
      EXPECT_EQ(all.records[i].sequence, seed * 10 + i);
      EXPECT_EQ(all.records[i].kind, payloads.size() - i);
    }
    EXPECT_EQ(payloads.empty() ? end : all.records.back().end, end);
  }
}

TEST_F(Log, CompressesOnlyWhatBecomesSmaller) {
  const auto text = PrepareLogRecord(1, std::string(1000, 'x'), true);
  EXPECT_EQ(text->header.compression, LogCompression::kLz4);
  EXPECT_LT(text->stored.size(), 50u);
  std::mt19937_64 random(1);
  std::string noise(1000, ' ');
  for (char& c : noise) c = static_cast<char>(random());
  EXPECT_EQ(PrepareLogRecord(1, noise, true)->header.compression, LogCompression::kNone);
  EXPECT_EQ(PrepareLogRecord(1, std::string(1000, 'x'), false)->stored, std::string(1000, 'x'));
}

TEST_F(Log, WritesAGroupInOneCallAndGivesEachItsPlace) {
  auto writer = Create(1, 100);
  std::vector<PreparedLogRecord> records;
  for (int i = 0; i < 5; ++i) {
    // The third alone exceeds what is gathered for one write.
    const std::size_t bytes = i == 2 ? 3u << 20 : 10u;
    records.push_back(PrepareLogRecord(7, std::string(bytes, static_cast<char>('a' + i)), false)
                          .value());
  }
  std::vector<PreparedLogRecord*> group;
  for (auto& record : records) group.push_back(&record);
  ASSERT_TRUE(writer->Append(group).has_value());
  ASSERT_TRUE(writer->Append(std::span<PreparedLogRecord* const>()).has_value());
  const ReadBack all = ReadAll(files_, 1);
  ASSERT_EQ(all.records.size(), 5u);
  for (std::size_t i = 0; i < 5; ++i) {
    EXPECT_EQ(all.records[i].sequence, 100 + i);
    EXPECT_EQ(records[i].sequence, 100 + i);
    EXPECT_EQ(all.records[i].begin, records[i].begin);
    EXPECT_EQ(all.records[i].end, records[i].end);
    EXPECT_EQ(all.payloads[i].size(), i == 2 ? 3u << 20 : 10u);
  }
  EXPECT_EQ(writer->next_sequence(), 105u);
}

TEST_F(Log, RefusesARecordOverTheLimit) {
  auto writer = Create(1);
  const auto refused = writer->Append(1, std::string(kMostLogPayloadBytes + 1, 'x'));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().code(), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refused.error().message(),
            "a log record of 67108865 bytes exceeds the limit of 67108864 bytes");
  EXPECT_FALSE(writer->failed());
  EXPECT_TRUE(writer->Append(1, std::string(kMostLogPayloadBytes, 'x')).has_value());
  EXPECT_EQ(ReadAll(files_, 1).payloads.at(0).size(), kMostLogPayloadBytes);
}

TEST_F(Log, NeverOpensAnExistingFile) {
  Create(3);
  const auto again = LogWriter::Create(files_, "wal", 3, 0);
  ASSERT_FALSE(again.has_value());
  EXPECT_EQ(again.error().message(), "create wal/000003.log: EEXIST (File exists)");
}

TEST_F(Log, FollowsAFileThatGrowsByteByByte) {
  std::mt19937_64 random(5);
  auto writer = Create(1);
  std::vector<std::string> payloads;
  for (int i = 0; i < 6; ++i) {
    payloads.push_back(ArbitraryPayload(random, 60));
    ASSERT_TRUE(writer->Append(1, payloads.back()).has_value());
  }
  const std::string bytes = fs::ReadWholeFile(files_, "wal/000001.log", 1 << 20).value();
  auto growing = files_.CreateExclusive("wal/000009.log");  // another number: no record is valid
  ASSERT_TRUE(files_.Unlink("wal/000009.log").has_value());
  ASSERT_TRUE(files_.CreateDirectories("live").has_value());
  growing = files_.CreateExclusive("live/000001.log");
  ASSERT_TRUE(growing.has_value());
  auto follower = LogReader::Open(files_, "live", 1);
  ASSERT_TRUE(follower.has_value());
  std::vector<std::string> seen;
  for (const char byte : bytes) {
    ASSERT_TRUE((*growing)->Append({&byte, 1}).has_value());
    const ReadBack more = ReadAll(**follower);
    EXPECT_EQ(more.tail_bytes == 0, more.last == LogReader::Step::kEnd);
    seen.insert(seen.end(), more.payloads.begin(), more.payloads.end());
  }
  EXPECT_EQ(seen, payloads);
  EXPECT_EQ((*follower)->stats().damaged_places, 0u);
}

TEST_F(Log, ResumesAtAPosition) {
  auto writer = Create(1);
  ASSERT_TRUE(writer->Append(1, "one").has_value());
  const auto middle = writer->Append(1, "two");
  ASSERT_TRUE(writer->Append(1, "three").has_value());
  auto reader = LogReader::Open(files_, "wal", 1, middle->offset);
  ASSERT_TRUE(reader.has_value());
  EXPECT_EQ(ReadAll(**reader).payloads, std::vector<std::string>{"three"});
  EXPECT_EQ((*reader)->position(), writer->end());
}

TEST_F(Log, RefusesANewerVersionWithOneSentence) {
  std::string bytes;
  AppendLogFileHeader({.version = 2, .file_number = 4}, bytes);
  auto file = files_.CreateExclusive("wal/000004.log");
  ASSERT_TRUE((*file)->Append(bytes).has_value());
  auto reader = LogReader::Open(files_, "wal", 4);
  LogRecord record;
  const auto step = (*reader)->ReadNext(&record);
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code(), ErrorCode::kUnsupported);
  EXPECT_EQ(step.error().message(),
            "wal/000004.log has log format version 2; this build reads up to version 1");
}

TEST_F(Log, NamesFilesBySixDigitsOrMore) {
  EXPECT_EQ(LogFileName(7), "000007.log");
  EXPECT_EQ(LogFileName(12345678), "12345678.log");
  EXPECT_EQ(ParseLogFileName("000007.log"), 7u);
  EXPECT_EQ(ParseLogFileName("18446744073709551615.log"), UINT64_MAX);
  for (const char* name : {"", "7.log", "0000007.log", "000007.log~", "000000.log", "-00007.log",
                           "000007", "x.log", "99999999999999999999.log", "000007.LOG"}) {
    EXPECT_FALSE(ParseLogFileName(name).has_value()) << name;
  }
}

TEST_F(Log, ListsAndRemovesByNumber) {
  for (const std::uint64_t number : {1, 2, 10, 1000000}) Create(number);
  ASSERT_TRUE(files_.CreateExclusive("wal/notes.txt").has_value());
  EXPECT_EQ(ListLogs(files_, "wal").value(), (std::vector<std::uint64_t>{1, 2, 10, 1000000}));
  EXPECT_TRUE(RemoveLogsBefore(files_, "wal", 10).has_value());
  EXPECT_EQ(ListLogs(files_, "wal").value(), (std::vector<std::uint64_t>{10, 1000000}));
  EXPECT_TRUE(RemoveLogsBefore(files_, "wal", 10).has_value());
  EXPECT_TRUE(files_.Exists("wal/notes.txt").value());
  EXPECT_EQ(ListLogs(files_, "none").error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(LogReader::Open(files_, "wal", 1).error().code(), ErrorCode::kNotFound);
}

TEST_F(Log, SaysSoWhenAFileBecomesShorter) {
  auto writer = Create(1);
  ASSERT_TRUE(writer->Append(1, "one").has_value());
  auto reader = LogReader::Open(files_, "wal", 1);
  ReadAll(**reader);
  ASSERT_TRUE(files_.Overwrite("wal/000001.log", "").has_value());
  LogRecord record;
  const auto step = (*reader)->ReadNext(&record);
  ASSERT_FALSE(step.has_value());
  EXPECT_EQ(step.error().code(), ErrorCode::kCorruption);
}

}  // namespace
}  // namespace tracestore::store
