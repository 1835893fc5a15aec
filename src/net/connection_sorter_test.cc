#include "net/connection_sorter.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>
#include <vector>

#include "net/loopback_test_client.h"

namespace tracestore::net {
namespace {

// The thread of the sorter is held up while three clients come and one goes: all of it is then one
// turn's. The last who came has the descriptor of the one who went.
TEST(ConnectionSorter, AnEndIsNotTakenForThatOfTheNextWithTheSameDescriptor) {
  std::promise<void> held, go;
  std::promise<int> last;
  std::shared_future<void> gate = go.get_future().share();
  int given = 0;
  ConnectionSorterOptions options;
  options.max_waiting = 2;
  auto sorter = ConnectionSorter::Start(options, [&](int fd, const FirstBytes&) {
    if (++given == 1) {
      held.set_value();
      gate.wait();
    } else {
      last.set_value(fd);
    }
    close(fd);
  });
  ASSERT_TRUE(sorter.has_value());
  const std::uint16_t port = (*sorter)->port();
  LoopbackClient goes(port);
  LoopbackClient holds(port);
  ASSERT_TRUE(holds.Send("GET / HTTP/1.1\r\n"));
  held.get_future().wait();
  std::vector<LoopbackClient> come;
  for (int i = 0; i < 3; ++i) come.emplace_back(port);
  goes.Close();
  go.set_value();
  // The sorter's cap closes the first of them; the last two wait.
  EXPECT_EQ(come[0].ReadToEnd(), "");
  ASSERT_TRUE(come[2].Send("GET / HTTP/1.1\r\n"));
  auto got = last.get_future();
  EXPECT_EQ(got.wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

}  // namespace
}  // namespace tracestore::net
