#include "net/message_room.h"

#include <gtest/gtest.h>

#include <list>
#include <string>
#include <vector>

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMib = std::size_t{1} << 20;

// Messages of a listener with room for 32 MiB, at a time that the test sets.
struct Room {
  MessageRoom room{32 * kMib};
  MessageRoom::Clock::time_point now{};
  std::vector<std::string> ended;
  std::list<MessageRoom::Share> shares;

  MessageRoom::Share& Add(const std::string& name) {
    return shares.emplace_back(room, [this, name] { ended.push_back(name); });
  }
};

TEST(MessageRoom, RefusesWhereAllComeFast) {
  Room r;
  auto& first = r.Add("first");
  EXPECT_TRUE(first.GrowTo(32 * kMib, r.now));
  auto& second = r.Add("second");
  EXPECT_FALSE(second.GrowTo(1, r.now));  // it began just now
  r.now += 2s;
  first.Came(8 * kMib, r.now);
  EXPECT_FALSE(second.GrowTo(1, r.now));
  first.Release();
  EXPECT_TRUE(second.GrowTo(1, r.now));
  EXPECT_EQ(r.room.used(), 1U);
  EXPECT_EQ(r.ended, std::vector<std::string>());
}

TEST(MessageRoom, TakesFromWhoDrips) {
  Room r;
  std::vector<MessageRoom::Share*> slow;
  for (const char* name : {"a", "b", "c", "d"}) {
    slow.push_back(&r.Add(name));
    ASSERT_TRUE(slow.back()->GrowTo(8 * kMib, r.now));
    slow.back()->Came(4 * kMib + 100'000, r.now);
  }
  for (int i = 1; i <= 3; ++i) {
    r.now += 2s;
    std::size_t more = 70'000;
    for (auto* share : slow) share->Came(4 * kMib + 100'000 + (more -= 1000) * i, r.now);
  }
  auto& honest = r.Add("honest");
  EXPECT_TRUE(honest.GrowTo(300, r.now));
  EXPECT_EQ(r.ended, std::vector<std::string>{"d"});  // a thousand bytes slower than the next
  EXPECT_TRUE(slow[3]->taken_away());
  EXPECT_FALSE(slow[3]->GrowTo(16 * kMib, r.now));
  EXPECT_EQ(r.room.used(), 24 * kMib + 300);
  EXPECT_TRUE(honest.GrowTo(20 * kMib, r.now));  // as many as it takes
  EXPECT_EQ(r.ended, (std::vector<std::string>{"d", "c", "b"}));
}

TEST(MessageRoom, WhoHoldsMuchMustBeFaster) {
  Room r;
  auto& large = r.Add("large");
  ASSERT_TRUE(large.GrowTo(30 * kMib, r.now));
  auto& small = r.Add("small");
  ASSERT_TRUE(small.GrowTo(2 * kMib, r.now));
  r.now += 1s;
  large.Came(500'000, r.now);
  small.Came(70'000, r.now);
  EXPECT_TRUE(r.Add("new").GrowTo(1, r.now));
  EXPECT_EQ(r.ended, std::vector<std::string>{"large"});
}

TEST(MessageRoom, TakesFromNobodyWhoseMessageIsWhole) {
  Room r;
  auto& whole = r.Add("whole");
  ASSERT_TRUE(whole.GrowTo(32 * kMib, r.now));
  whole.Came(32 * kMib, r.now);
  whole.Whole();
  r.now += 60s;
  EXPECT_FALSE(r.Add("new").GrowTo(1, r.now));
  whole.Release();
  EXPECT_EQ(r.room.used(), 0U);
}

TEST(MessageRoom, WhoHasStoppedIsSlow) {
  Room r;
  auto& stopped = r.Add("stopped");
  ASSERT_TRUE(stopped.GrowTo(32 * kMib, r.now));
  r.now += 1s;
  stopped.Came(20 * kMib, r.now);
  r.now += 999ms;
  EXPECT_FALSE(r.Add("too soon").GrowTo(1, r.now));
  r.now += 1ms;
  EXPECT_TRUE(r.Add("new").GrowTo(1, r.now));
  EXPECT_EQ(r.ended, std::vector<std::string>{"stopped"});
}

}  // namespace
}  // namespace tracestore::net
