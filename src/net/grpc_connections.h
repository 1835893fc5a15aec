// GrpcConnections: the sockets that gRPC owns, which tells neither how many it has, nor which of them
// are in use, nor of clients that begin calls only to give them up. Private to the gRPC server.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

#include "net/grpc_backlog.h"

namespace tracestore::net {

struct GrpcConnectionLimits {
  std::size_t connections = 1024;  // open ones
  // Calls of one connection that gRPC has begun and not done away with. An honest client keeps to the
  // streams that it may have at a time; one that resets them at once and begins others doesn't.
  std::size_t calls = 512;
  // Likewise of one of which few messages have come: so many, and one more for each message.
  std::size_t first_calls = 512;
  std::size_t all_calls = 7'424;  // of all connections; beyond them the one with most is closed
  // Calls of one connection that were given up, less those that came to an answer.
  std::size_t given_up = 1000;
  // Bytes that came over a connection since a call began, got a message or ended, beyond what the
  // messages may have that its calls still wait for. gRPC 1.51 keeps a head of any length.
  std::size_t idle_bytes = std::size_t{1} << 20;
  // Of them that count for nothing between two looks: calls of gRPC's own health service are not told
  // of, and a check a second is no flood.
  std::size_t check_bytes = 64;
  std::size_t message_bytes = std::size_t{32} << 20;       // of one message
  std::size_t waiting_bytes = std::size_t{256} << 20;      // of those of one connection
  std::size_t all_waiting_bytes = std::size_t{512} << 20;  // of all connections
  // At what came; 0: Look() and Step() are called.
  std::chrono::milliseconds look_interval{200};
};

// Any thread.
class GrpcConnections {
 public:
  // Sees to it that `answered` becomes true when gRPC has run what is in its queue now.
  using Ask = std::function<void(std::shared_ptr<std::atomic<bool>> answered)>;

  // `on_closed` as GrpcServerOptions::on_connection_closed.
  explicit GrpcConnections(GrpcConnectionLimits limits,
                           std::function<void(std::string_view cause)> on_closed = {},
                           Ask ask = {});

  // Before gRPC gets it. At the cap the one that has had no call for longest is closed instead.
  // False: each has a call, and there is no room. `client`: the address of whom it is carried for,
  // else "".
  bool Add(int fd, std::string client = {});
  std::size_t Count();

  // A call of the connection with this peer ("127.0.0.1:41234", PeerName()) begins. Gives what
  // End() takes; 0 for one that isn't known. May close the connection, see the limits. `client`
  // becomes the address of whom it is carried for.
  std::uint64_t Begin(const std::string& peer, std::string* client = nullptr);
  void End(std::uint64_t connection, bool given_up);
  // A call has got a message, or is told that none will come.
  void Touch(std::uint64_t connection, bool message);

  // Closes connections over which more came than is any call's. A thread of this object does it.
  void Look();
  // Pauses and closes connections that gRPC reads on and on; see GrpcBacklog. Likewise.
  void Step(GrpcBacklog::Now now);

 private:
  // A descriptor's number is soon another file's, a socket's inode is not.
  struct Socket {
    int fd = -1;
    std::uint64_t inode = 0;
  };
  struct Entry {
    Socket socket;
    std::string peer;  // "": without address: never closed for another
    std::string client;
    std::size_t calls = 0;
    std::size_t given_up = 0;
    std::size_t messages = 0;
    bool touched = true;          // something became of its calls since the last look
    std::uint64_t came = 0;       // bytes, when something last did
    std::uint64_t read = 0;       // bytes that gRPC has taken, when a question was first late
    bool paused = false;          // what comes is dropped, and sent again by the client
    std::list<std::uint64_t>::iterator idle;  // where `calls` is 0 and there is a peer
  };
  using Entries = std::map<std::uint64_t, Entry>;

  static bool IsOpen(const Socket& socket);
  static bool OnOpen(const Socket& socket, void (*act)(int fd));
  void SetIdle(std::uint64_t connection, Entry& entry);
  void Forget(Entries::iterator at);
  void Close(Entries::iterator at, std::string_view cause);
  Entries::iterator Busiest();
  void DropClosed();
  std::uint64_t WaitingBytes(Entry& entry) const;
  void Pause();
  void Resume();
  void CloseRead();
  void Run(const std::stop_token& stop);

  const GrpcConnectionLimits limits_;
  const std::function<void(std::string_view cause)> on_closed_;
  const Ask ask_;
  GrpcBacklog backlog_;  // of the thread
  std::mutex mutex_;
  Entries entries_;  // guarded by mutex_, as what follows; by the order in which they came
  std::unordered_map<int, std::uint64_t> by_fd_;
  std::unordered_map<std::string, std::uint64_t> by_peer_;
  std::list<std::uint64_t> idle_;  // longest first
  std::vector<Socket> closing_;    // shut down here; gRPC still has them
  std::size_t calls_ = 0;          // of entries_
  std::uint64_t last_ = 0;
  std::condition_variable_any changed_;  // of entries_
  std::jthread thread_;                  // last: it uses the rest
};

}  // namespace tracestore::net
