// Holds the hex dump in docs/format/wal.md against the code.
#include "store/log/log_format.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "base/hex.h"
#include "base/testing/source_dir.h"
#include "store/log/log_test_support.h"

namespace tracestore::store {
namespace {

// The bytes of the first "```hex" block: per line an offset of eight digits, then bytes up to '|'.
std::string DumpIn(const std::string& page) {
  std::ifstream file(base::SourceDir() + "/" + page);
  std::string bytes;
  std::string line;
  while (std::getline(file, line) && line != "```hex") {
  }
  while (std::getline(file, line) && line != "```") {
    std::istringstream words(line.substr(8, line.find('|') - 8));
    for (std::string word; words >> word;) {
      bytes.push_back(static_cast<char>(base::ParseHex64(word).value_or(0)));
    }
  }
  return bytes;
}

TEST(LogFormat, IsWhatThePageSays) {
  fs::MemoryFileSystem files;
  ASSERT_TRUE(files.CreateDirectories("wal").has_value());
  auto writer = LogWriter::Create(files, "wal", 1, 0);
  ASSERT_TRUE((*writer)->Append(1, "abc").has_value());
  const std::string bytes = fs::ReadWholeFile(files, "wal/000001.log", 1000).value();
  std::string dump;
  for (const char c : bytes) {
    char digits[16];
    base::WriteHex64(static_cast<unsigned char>(c), digits);
    dump.append(digits + 14, 2).push_back(' ');
  }
  EXPECT_EQ(DumpIn("docs/format/wal.md"), bytes) << dump;
}

TEST(LogFormat, PositionsAreOrderedByFileThenOffset) {
  EXPECT_LT((LogPosition{1, 500}), (LogPosition{2, 32}));
  EXPECT_LT((LogPosition{2, 32}), (LogPosition{2, 33}));
  EXPECT_LT(LogPosition{}, (LogPosition{1, 32}));
}

}  // namespace
}  // namespace tracestore::store
