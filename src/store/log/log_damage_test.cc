// Torn tails, flipped bits, foreign bytes: damage costs the record it hits and nothing else.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "base/bytes.h"
#include "base/hash.h"
#include "store/log/log_test_support.h"

namespace tracestore::store {
namespace {

struct Sample {
  std::vector<std::string> payloads;
  std::vector<LogPosition> ends;  // of each record
  std::string bytes;              // the file
};

class LogDamage : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(files_.CreateDirectories("wal").has_value()); }

  Sample Make(std::mt19937_64& random, int records, std::size_t most_bytes) {
    Sample sample;
    fs::MemoryFileSystem files;
    EXPECT_TRUE(files.CreateDirectories("wal").has_value());
    auto writer = LogWriter::Create(files, "wal", 1, 0);
    for (int i = 0; i < records; ++i) {
      sample.payloads.push_back(ArbitraryPayload(random, most_bytes));
      sample.ends.push_back((*writer)->Append(1, sample.payloads.back()).value());
    }
    sample.bytes = fs::ReadWholeFile(files, "wal/000001.log", 64 << 20).value();
    return sample;
  }
  ReadBack ReadBytes(const std::string& bytes) {
    if (!files_.Exists("wal/000001.log").value()) {
      EXPECT_TRUE(files_.CreateExclusive("wal/000001.log").has_value());
    }
    EXPECT_TRUE(files_.Overwrite("wal/000001.log", bytes).has_value());
    return ReadAll(files_, 1);
  }
  // What must be read when the bytes [from, to) were changed: every record outside of them.
  static std::vector<std::string> Untouched(const Sample& sample, std::size_t from,
                                            std::size_t to) {
    std::vector<std::string> kept;
    std::uint64_t begin = kLogFileHeaderBytes;
    for (std::size_t i = 0; i < sample.payloads.size(); ++i) {
      const std::uint64_t end = sample.ends[i].offset;
      if (to <= begin || from >= end) kept.push_back(sample.payloads[i]);
      begin = end;
    }
    return kept;
  }

  fs::MemoryFileSystem files_;
};

TEST_F(LogDamage, ATornTailCostsOnlyTheLastRecordAtEveryByte) {
  std::mt19937_64 random(11);
  const Sample sample = Make(random, 8, 90);
  for (std::size_t cut = 0; cut <= sample.bytes.size(); ++cut) {
    SCOPED_TRACE("cut at " + std::to_string(cut));
    const ReadBack all = ReadBytes(sample.bytes.substr(0, cut));
    std::size_t whole = 0;
    while (whole < sample.ends.size() && sample.ends[whole].offset <= cut) ++whole;
    ASSERT_EQ(all.payloads, std::vector<std::string>(sample.payloads.begin(),
                                                     sample.payloads.begin() +
                                                         static_cast<std::ptrdiff_t>(whole)));
    const std::size_t good = whole > 0              ? sample.ends[whole - 1].offset
                             : cut >= kLogFileHeaderBytes ? kLogFileHeaderBytes
                                                          : 0;
    EXPECT_EQ(all.tail_bytes, cut - good);
    EXPECT_EQ(all.last, cut == good ? LogReader::Step::kEnd : LogReader::Step::kIncomplete);
    EXPECT_EQ(all.stats.damaged_places, 0u);
  }
}

TEST_F(LogDamage, AFlippedByteCostsItsRecordAtEveryOffset) {
  std::mt19937_64 random(12);
  const Sample sample = Make(random, 6, 90);
  for (std::size_t at = 0; at < sample.bytes.size(); ++at) {
    SCOPED_TRACE("flip at " + std::to_string(at));
    std::string bytes = sample.bytes;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (random() % 8)));
    const ReadBack all = ReadBytes(bytes);
    EXPECT_EQ(all.payloads, Untouched(sample, at, at + 1));
    EXPECT_GE(all.stats.damaged_places + (all.tail_bytes > 0), 1u);
  }
}

TEST_F(LogDamage, OverwrittenRangesCostTheRecordsTheyTouch) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    // Some records are larger than the reader's window.
    const Sample sample = Make(random, 10, seed % 4 == 0 ? 150'000 : 400);
    std::string bytes = sample.bytes;
    const std::size_t from = random() % bytes.size();
    const std::size_t to = std::min(bytes.size(), from + 1 + random() % (bytes.size() / 2));
    const bool zeros = random() % 2 == 0;
    for (std::size_t i = from; i < to; ++i) {
      // Never the same byte as before, so that "touched" means changed.
      const char other = zeros ? '\0' : static_cast<char>(random());
      bytes[i] = other == bytes[i] ? static_cast<char>(other ^ 0x55) : other;
    }
    const ReadBack all = ReadBytes(bytes);
    EXPECT_EQ(all.payloads, Untouched(sample, from, to));
    EXPECT_GE(all.stats.damaged_bytes + all.tail_bytes, to - from);
  }
}

TEST_F(LogDamage, RecordsInsideAPayloadAreNeverTakenForRecords) {
  std::mt19937_64 random(3);
  // A client sends a log file as an attribute, then the record that holds it loses its header.
  const Sample inner = Make(random, 5, 100);
  fs::MemoryFileSystem files;
  ASSERT_TRUE(files.CreateDirectories("wal").has_value());
  auto writer = LogWriter::Create(files, "wal", 1, 0, {.compress = false});
  ASSERT_TRUE((*writer)->Append(1, "shift" + inner.bytes).has_value());
  ASSERT_TRUE((*writer)->Append(1, "after").has_value());
  std::string bytes = fs::ReadWholeFile(files, "wal/000001.log", 1 << 20).value();
  bytes[kLogFileHeaderBytes + 5] ^= 1;
  const ReadBack all = ReadBytes(bytes);
  EXPECT_EQ(all.payloads, std::vector<std::string>{"after"});
  EXPECT_EQ(all.stats.damaged_places, 1u);
}

TEST_F(LogDamage, ALogUnderAnotherNumberHoldsNothing) {
  std::mt19937_64 random(4);
  const Sample sample = Make(random, 3, 50);
  auto file = files_.CreateExclusive("wal/000002.log");
  ASSERT_TRUE((*file)->Append(sample.bytes).has_value());
  const ReadBack all = ReadAll(files_, 2);
  EXPECT_TRUE(all.payloads.empty());
  EXPECT_EQ(all.stats.damaged_places, 1u);
}

TEST_F(LogDamage, AnyBytesAreReadWithoutHarm) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937_64 random(seed);
    std::string bytes(random() % 5000, '\0');
    for (char& c : bytes) c = random() % 3 == 0 ? kLogMarkerFirstByte : static_cast<char>(random());
    EXPECT_TRUE(ReadBytes(bytes).payloads.empty());
  }
}

// Headers whose checksum is right but whose fields break the limits: refused without allocating.
TEST_F(LogDamage, ValidChecksumsOverWrongFieldsAreDamage) {
  struct Case {
    const char* what;
    LogRecordHeader header;
  };
  const auto lz4 = LogCompression::kLz4;
  const Case cases[] = {
      {"raw over the limit", {.stored_bytes = 1u << 30, .raw_bytes = 1u << 30}},
      {"stored is not raw", {.stored_bytes = 3, .raw_bytes = 4}},
      {"lz4 not smaller", {.stored_bytes = 8, .raw_bytes = 8, .compression = lz4}},
      {"lz4 bomb", {.stored_bytes = 4, .raw_bytes = 1u << 25, .compression = lz4}},
      {"unknown flags", {.stored_bytes = 4, .raw_bytes = 4,
                         .compression = static_cast<LogCompression>(2)}},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.what);
    std::string bytes;
    AppendLogFileHeader({.file_number = 1}, bytes);
    AppendLogRecordHeader(c.header, {1, bytes.size()}, bytes);
    bytes += "junkjunkjunk";
    const std::uint64_t next = bytes.size();
    AppendLogRecordHeader({.stored_bytes = 4, .raw_bytes = 4,
                           .payload_checksum = base::Checksum32("good")},
                          {1, next}, bytes);
    bytes += "good";
    const ReadBack all = ReadBytes(bytes);
    EXPECT_EQ(all.payloads, std::vector<std::string>{"good"});
    EXPECT_EQ(all.stats.damaged_places, 1u);
    EXPECT_EQ(all.stats.damaged_bytes, next - kLogFileHeaderBytes);
  }
}

TEST_F(LogDamage, WrongLz4BytesWithARightChecksumAreDamage) {
  std::string bytes;
  AppendLogFileHeader({.file_number = 1}, bytes);
  AppendLogRecordHeader({.stored_bytes = 4, .raw_bytes = 100, .compression = LogCompression::kLz4,
                         .payload_checksum = base::Checksum32("\xFF\xFF\xFF\xFF")},
                        {1, bytes.size()}, bytes);
  bytes += "\xFF\xFF\xFF\xFF";
  EXPECT_EQ(ReadBytes(bytes).tail_bytes, 36u);
  AppendLogRecordHeader({.payload_checksum = base::Checksum32("")}, {1, bytes.size()}, bytes);
  const ReadBack all = ReadBytes(bytes);
  EXPECT_EQ(all.payloads, std::vector<std::string>{""});
  EXPECT_EQ(all.stats.damaged_places, 1u);
}

}  // namespace
}  // namespace tracestore::store
