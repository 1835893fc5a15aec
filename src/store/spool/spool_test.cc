#include "store/spool/spool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <random>

#include "fs/fault_file_system.h"
#include "fs/memory_file_system.h"
#include "store/log/log_format.h"

namespace tracestore::store {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::unique_ptr<Spool> OpenSpool(fs::FileSystem& files, SpoolOptions options = {}) {
  auto spool = Spool::Open(files, "spool", options);
  EXPECT_TRUE(spool.has_value()) << spool.error().message();
  return spool.has_value() ? std::move(*spool) : nullptr;
}

std::vector<SpoolEntry> TakeAll(Spool& spool) {
  std::vector<SpoolEntry> out;
  for (;;) {
    auto next = spool.Next();
    EXPECT_TRUE(next.has_value()) << next.error().message();
    if (!next.has_value() || !next->has_value()) return out;
    out.push_back(std::move(**next));
  }
}

std::vector<std::string> Payloads(const std::vector<SpoolEntry>& entries) {
  std::vector<std::string> out;
  for (const SpoolEntry& each : entries) out.push_back(each.payload);
  return out;
}

std::vector<std::uint64_t> Ids(const std::vector<SpoolEntry>& entries) {
  std::vector<std::uint64_t> out;
  for (const SpoolEntry& each : entries) out.push_back(each.id);
  return out;
}

TEST(Spool, GivesWhatItGotInOrder) {
  fs::MemoryFileSystem disk;
  const auto spool = OpenSpool(disk);
  EXPECT_THAT(TakeAll(*spool), IsEmpty());
  for (const std::string payload : {"a", "", "c"}) ASSERT_TRUE(spool->Append(payload).has_value());
  const auto first = TakeAll(*spool);
  EXPECT_THAT(Payloads(first), ElementsAre("a", "", "c"));
  ASSERT_TRUE(spool->Append("d").has_value());
  EXPECT_THAT(Payloads(TakeAll(*spool)), ElementsAre("d"));
  EXPECT_EQ(spool->stats().waiting, 4U);
  ASSERT_TRUE(spool->Done(Ids(first)).has_value());
  EXPECT_EQ(spool->stats().waiting, 1U);
  ASSERT_TRUE(spool->Done(Ids(first)).has_value());  // again: nothing
  EXPECT_EQ(spool->stats().waiting, 1U);
}

TEST(Spool, WhatIsNotDoneIsGivenOutAgainAfterAReopening) {
  fs::MemoryFileSystem disk;
  auto spool = OpenSpool(disk);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(spool->Append(std::to_string(i)).has_value());
  const auto taken = TakeAll(*spool);
  ASSERT_TRUE(spool->Done(std::vector{taken[1].id, taken[3].id}).has_value());
  for (int times = 0; times < 3; ++times) {
    spool.reset();
    spool = OpenSpool(disk);
    EXPECT_EQ(spool->stats().found, 3U);
    EXPECT_THAT(Payloads(TakeAll(*spool)), ElementsAre("0", "2", "4"));
  }
  ASSERT_TRUE(spool->Append("5").has_value());
  const auto rest = TakeAll(*spool);
  EXPECT_THAT(Payloads(rest), ElementsAre("5"));
  ASSERT_TRUE(spool->Done(std::vector{taken[0].id, taken[2].id, taken[4].id}).has_value());
  spool.reset();
  spool = OpenSpool(disk);
  EXPECT_THAT(Payloads(TakeAll(*spool)), ElementsAre("5"));
  EXPECT_EQ(Ids(rest).front(), 2ULL << 32);
  EXPECT_EQ((*ListLogs(disk, "spool")).size(), 1U);  // the first file is gone
}

TEST(Spool, OneOpensItAtATime) {
  fs::MemoryFileSystem disk;
  const auto spool = OpenSpool(disk);
  const auto second = Spool::Open(disk, "spool");
  ASSERT_FALSE(second.has_value());
  EXPECT_EQ(second.error().code(), ErrorCode::kBusy);
  EXPECT_THAT(second.error().message(), testing::HasSubstr("spool spool is open for writing by"));
}

TEST(Spool, IsBoundedAndFreesWhatIsDone) {
  fs::MemoryFileSystem disk;
  SpoolOptions options;
  options.max_bytes = 1 << 20;
  const auto spool = OpenSpool(disk, options);
  std::mt19937_64 random(1);
  const auto incompressible = [&random] {
    std::string out(10'000, '\0');
    for (char& c : out) c = static_cast<char>(random());
    return out;
  };
  std::uint64_t kept = 0;
  Status last;
  while ((last = spool->Append(incompressible())).has_value()) ++kept;
  EXPECT_EQ(last.error().code(), ErrorCode::kBusy);
  EXPECT_THAT(last.error().message(), testing::StartsWith("spool spool is full: 10"));
  EXPECT_GT(kept, 90U);
  EXPECT_LE(spool->stats().bytes, options.max_bytes);
  const auto taken = TakeAll(*spool);
  EXPECT_EQ(taken.size(), kept);
  ASSERT_TRUE(spool->Done(Ids(taken)).has_value());
  EXPECT_EQ(spool->stats().waiting, 0U);
  EXPECT_LT(spool->stats().bytes, options.max_bytes / 2);
  EXPECT_TRUE(spool->Append(incompressible()).has_value());
  EXPECT_EQ(Spool::Open(disk, "x", {.max_bytes = 5}).error().message(),
            "a spool has at least 1 MiB, not 5 bytes");
}

TEST(Spool, TheListOfWhatIsDoneStaysSmall) {
  fs::MemoryFileSystem disk;
  const auto spool = OpenSpool(disk);
  for (int i = 0; i < 3'000; ++i) {
    ASSERT_TRUE(spool->Append("x").has_value());
    const auto taken = TakeAll(*spool);
    for (int times = 0; times < 40; ++times)  // as if there were many more
      ASSERT_TRUE(spool->Done(Ids(taken)).has_value());
  }
  std::uint64_t bytes = 0;
  const std::vector<std::uint64_t> numbers = *ListLogs(disk, "spool/done");
  for (const std::uint64_t number : numbers)
    bytes += *disk.FileSize("spool/done/" + LogFileName(number));
  EXPECT_LT(bytes, std::uint64_t{5} << 20);
}

// For n = 1, 2, 3… until a run ends untouched: call n of the file system fails, and all after it,
// and then the power goes. What was kept is there; what was refused isn't given out while it runs.
TEST(SpoolFaultSweep, WhatWasKeptIsThereAfterAPowerCutAtAnyCall) {
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("fault at file-system call " + std::to_string(n));
    fs::MemoryFileSystem disk;
    fs::FaultFileSystem faulty(
        disk, {.at_call = n, .from_then_on = true, .effect = fs::Fault::Effect::kHalf});
    SpoolOptions options;
    options.max_bytes = 1 << 20;
    options.file_bytes = 300;  // some records a file
    options.sync = true;
    std::map<std::string, bool> kept;  // payload to "it is done"
    {
      auto spool = Spool::Open(faulty, "spool", options);
      for (int i = 0; spool.has_value() && i < 12; ++i) {
        const std::string payload = "payload " + std::to_string(i) + std::string(60, 'x');
        if ((*spool)->Append(payload).has_value()) kept[payload] = false;
        if (i % 3 != 2) continue;
        auto next = (*spool)->Next();
        if (!next.has_value() || !next->has_value()) continue;
        EXPECT_TRUE(kept.contains((*next)->payload));
        if ((*spool)->Done(std::vector{(*next)->id}).has_value()) kept[(*next)->payload] = true;
      }
    }
    disk.DropUnsynced();
    const auto again = OpenSpool(disk, options);
    std::set<std::string> found;
    for (const SpoolEntry& each : TakeAll(*again))
      EXPECT_TRUE(found.insert(each.payload).second) << "twice: " << each.payload;
    for (const auto& [payload, done] : kept) {
      EXPECT_TRUE(done || found.contains(payload)) << "lost: " << payload;
    }
    EXPECT_EQ(again->stats().damaged_places, 0U);
    if (!faulty.fired()) break;
    ASSERT_LT(n, 1'000U);
  }
}

// One call fails, and the spool goes on: nothing that was kept is missing, nothing refused given
// out.
TEST(SpoolFaultSweep, GoesOnAfterOneFailure) {
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE("fault at file-system call " + std::to_string(n));
    fs::MemoryFileSystem disk;
    fs::FaultFileSystem faulty(disk, {.at_call = n, .effect = fs::Fault::Effect::kHalf});
    auto spool = Spool::Open(faulty, "spool", {});
    if (!spool.has_value()) continue;
    std::vector<std::string> kept;
    std::vector<std::string> given;
    for (int i = 0; i < 8; ++i) {
      if ((*spool)->Append(std::to_string(i)).has_value()) kept.push_back(std::to_string(i));
      auto next = (*spool)->Next();
      if (!next.has_value() || !next->has_value()) continue;
      given.push_back((*next)->payload);
      (void)(*spool)->Done(std::vector{(*next)->id});  // at worst it comes again after a restart
    }
    for (;;) {
      const auto next = (*spool)->Next();
      if (!next.has_value()) continue;  // the one failure; asking again is right
      if (!next->has_value()) break;
      given.push_back((*next)->payload);
    }
    EXPECT_EQ(given, kept);
    if (!faulty.fired()) break;
    ASSERT_LT(n, 1'000U);
  }
}

}  // namespace
}  // namespace tracestore::store
