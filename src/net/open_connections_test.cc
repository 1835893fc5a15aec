#include "net/open_connections.h"

#include <gtest/gtest.h>

#include <list>

namespace tracestore::net {
namespace {

using namespace std::chrono_literals;

struct Client {
  OpenConnections<Client>::Place place;
};
using Open = OpenConnections<Client>;
using Does = Open::Does;

struct Fixture {
  Open open;
  Open::Clock::time_point now{};
  std::list<Client> clients;

  Client& Add(Does does) {
    Client& client = clients.emplace_back();
    open.Set(client, client.place, does, now);
    return client;
  }
  void Close(Client& client) { open.Set(client, client.place, Does::kBusy, now); }
};

TEST(OpenConnections, TheOneIdleLongestGoes) {
  Fixture f;
  EXPECT_EQ(f.open.ToClose(f.now), nullptr);
  f.Add(Does::kBusy);
  EXPECT_EQ(f.open.ToClose(f.now), nullptr);
  for (int i = 0; i < 3; ++i) f.Add(Does::kComing);
  f.now += 5s;
  Client& idle = f.Add(Does::kIdle);
  f.Add(Does::kIdle);
  f.now += 1s;
  EXPECT_EQ(f.open.ToClose(f.now), &idle);
}

TEST(OpenConnections, ACrowdOfHalfHeadsTakesNoPlaceOfWhoHasJustCome) {
  Fixture f;
  for (int i = 0; i < 20; ++i) {
    f.now += 1ms;
    f.Add(Does::kComing);
  }
  Client& honest = f.Add(Does::kIdle);
  for (int i = 0; i < 15; ++i) {  // the crowd comes again
    Client* const closed = f.open.ToClose(f.now);
    ASSERT_NE(closed, &honest);
    f.Close(*closed);
    f.now += 1ms;
    f.Add(Does::kComing);
    if (i == 5) f.open.Set(honest, honest.place, Does::kComing, f.now);
  }
  EXPECT_EQ(honest.place.does, Does::kComing);
}

TEST(OpenConnections, ASilentCrowdTakesNoPlaceOfWhoIsSending) {
  Fixture f;
  Client& honest = f.Add(Does::kComing);
  for (int i = 0; i < 3; ++i) f.Add(Does::kIdle);
  EXPECT_NE(f.open.ToClose(f.now), &honest);
}

TEST(OpenConnections, WhoIsAnsweredStays) {
  Fixture f;
  Client& client = f.Add(Does::kComing);
  EXPECT_EQ(f.open.ToClose(f.now), &client);
  f.open.Set(client, client.place, Does::kBusy, f.now);
  EXPECT_EQ(f.open.ToClose(f.now), nullptr);
}

}  // namespace
}  // namespace tracestore::net
