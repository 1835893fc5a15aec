// Holds the hex dump in docs/format/wal.md against the code.
#include "store/log/log_format.h"

#include <gtest/gtest.h>

#include "base/hex.h"
#include "base/testing/hex_of_page.h"
#include "store/log/log_test_support.h"

namespace tracestore::store {
namespace {

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
  EXPECT_EQ(base::testing::BytesOfPage("docs/format/wal.md"), bytes) << dump;
}

TEST(LogFormat, PositionsAreOrderedByFileThenOffset) {
  EXPECT_LT((LogPosition{1, 500}), (LogPosition{2, 32}));
  EXPECT_LT((LogPosition{2, 32}), (LogPosition{2, 33}));
  EXPECT_LT(LogPosition{}, (LogPosition{1, 32}));
}

}  // namespace
}  // namespace tracestore::store
