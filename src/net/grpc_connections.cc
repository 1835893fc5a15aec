#include "net/grpc_connections.h"

#include <linux/filter.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "base/thread.h"
#include "net/peer_address.h"

namespace tracestore::net {
namespace {

std::uint64_t InodeOf(int fd) {
  struct stat status {};
  return fstat(fd, &status) == 0 ? status.st_ino : 0;
}

// As PeerName() writes them; "" for what has no such address, and for addresses of a link, whose
// names have its zone.
std::string PeerOf(int fd) {
  std::string peer = AddressOfPeer(fd);
  return peer.find('%') == std::string::npos ? peer : std::string();
}

// What has come and wasn't read: gRPC would still read all of it, megabytes, before the end. What
// comes from now on is answered with a reset.
void Discard(int fd) {
  constexpr std::size_t kAtOnce = std::size_t{1} << 20;
  while (recv(fd, nullptr, kAtOnce, MSG_TRUNC | MSG_DONTWAIT) > 0) {
  }
}

std::uint64_t ReceivedBytes(int fd) {
  tcp_info info{};
  socklen_t size = sizeof(info);
  return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &size) == 0 ? info.tcpi_bytes_received : 0;
}

// Of those, what nobody has read yet.
std::uint64_t UnreadBytes(int fd) {
  int bytes = 0;
  return ioctl(fd, SIOCINQ, &bytes) == 0 && bytes > 0 ? static_cast<std::uint64_t>(bytes) : 0;
}

std::uint64_t ReadBytes(int fd) {
  const std::uint64_t received = ReceivedBytes(fd);  // first: what comes meanwhile was not read
  const std::uint64_t unread = UnreadBytes(fd);
  return received > unread ? received - unread : 0;
}

// A filter that lets no segment through: its client sends it again, later and later.
void DropWhatComes(int fd) {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  sock_fprog program{};
  program.len = 1;
  program.filter = &nothing;
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

void TakeWhatComes(int fd) {
  const int unused = 0;
  setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof(unused));
}

}  // namespace

GrpcConnections::GrpcConnections(GrpcConnectionLimits limits,
                                 std::function<void(std::string_view cause)> on_closed, Ask ask)
    : limits_(limits), on_closed_(std::move(on_closed)), ask_(std::move(ask)) {
  if (limits_.look_interval.count() > 0)
    thread_ = base::StartThread([this](const std::stop_token& stop) { Run(stop); });
}

bool GrpcConnections::IsOpen(const Socket& socket) { return InodeOf(socket.fd) == socket.inode; }

bool GrpcConnections::Add(int fd, std::string client) {
  const std::lock_guard lock(mutex_);
  if (const auto old = by_fd_.find(fd); old != by_fd_.end())
    Forget(entries_.find(old->second));  // whoever had that number has closed it
  if (entries_.size() >= limits_.connections) DropClosed();
  if (entries_.size() >= limits_.connections) {
    // Those that are being closed are as many again at most.
    if (idle_.empty() || closing_.size() >= limits_.connections) return false;
    Close(entries_.find(idle_.front()), "idle-longest");
  }
  const std::uint64_t connection = ++last_;
  Entry& entry = entries_[connection];
  entry.socket = {fd, InodeOf(fd)};
  entry.peer = PeerOf(fd);
  entry.client = std::move(client);
  by_fd_[fd] = connection;
  if (entries_.size() == 1) changed_.notify_one();
  if (!entry.peer.empty()) {
    if (const auto old = by_peer_.find(entry.peer); old != by_peer_.end())
      Forget(entries_.find(old->second));  // its address is free again: it is closed
    by_peer_[entry.peer] = connection;
    SetIdle(connection, entry);
  }
  return true;
}

std::size_t GrpcConnections::Count() {
  const std::lock_guard lock(mutex_);
  DropClosed();
  return entries_.size() + closing_.size();
}

std::uint64_t GrpcConnections::Begin(const std::string& peer, std::string* client) {
  const std::lock_guard lock(mutex_);
  const auto found = by_peer_.find(peer);
  if (found == by_peer_.end()) return 0;
  const std::uint64_t connection = found->second;
  const auto at = entries_.find(connection);
  if (client != nullptr && !at->second.client.empty()) *client = at->second.client;
  at->second.touched = true;
  if (at->second.calls++ == 0) idle_.erase(at->second.idle);
  ++calls_;
  if (at->second.calls > std::min(limits_.calls, limits_.first_calls + at->second.messages))
    Close(at, "too-many-calls");
  else if (calls_ > limits_.all_calls)
    Close(Busiest(), "too-many-calls");
  return connection;
}

GrpcConnections::Entries::iterator GrpcConnections::Busiest() {
  return std::max_element(entries_.begin(), entries_.end(), [](const auto& a, const auto& b) {
    return a.second.calls < b.second.calls;
  });
}

void GrpcConnections::End(std::uint64_t connection, bool given_up) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(connection);
  if (at == entries_.end()) return;  // closed meanwhile
  Entry& entry = at->second;
  entry.touched = true;
  --calls_;
  if (--entry.calls == 0) SetIdle(connection, entry);
  if (!given_up) {
    if (entry.given_up > 0) --entry.given_up;
  } else if (++entry.given_up >= limits_.given_up) {
    Close(at, "given-up-calls");
  }
}

void GrpcConnections::Touch(std::uint64_t connection, bool message) {
  const std::lock_guard lock(mutex_);
  const auto at = entries_.find(connection);
  if (at == entries_.end()) return;
  at->second.touched = true;
  if (message) ++at->second.messages;
}

// What gRPC has read since something became of a call; what it has not may be calls.
std::uint64_t GrpcConnections::WaitingBytes(Entry& entry) const {
  const std::uint64_t now = ReadBytes(entry.socket.fd);
  if (std::exchange(entry.touched, false) || now < entry.came) entry.came = now;
  entry.came += std::min<std::uint64_t>(limits_.check_bytes, now - entry.came);
  return now - entry.came;
}

void GrpcConnections::Look() {
  if (backlog_.behind()) return;  // among what was read there are calls that nobody has seen
  const std::lock_guard lock(mutex_);
  DropClosed();
  std::uint64_t all = 0, most = 0;
  auto greatest = entries_.end();
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    Entry& entry = at->second;
    const std::uint64_t waiting = entry.peer.empty() ? 0 : WaitingBytes(entry);
    const std::uint64_t fair = std::min<std::uint64_t>(
        std::uint64_t{entry.calls} * limits_.message_bytes, limits_.waiting_bytes);
    if (waiting > fair + limits_.idle_bytes) {
      Close(at, "no-messages");
    } else {
      all += waiting;
      if (waiting > most) {
        most = waiting;
        greatest = at;
      }
    }
    at = next;
  }
  if (all > limits_.all_waiting_bytes && greatest != entries_.end())
    Close(greatest, "no-messages");
}

void GrpcConnections::Run(const std::stop_token& stop) {
  auto look = std::chrono::steady_clock::now();
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return !entries_.empty(); })) return;
      if (changed_.wait_for(lock, stop, std::min(limits_.look_interval, backlog_.Patience()),
                            [&] { return stop.stop_requested(); }))
        return;
    }
    Step(GrpcBacklog::Read());
    if (std::chrono::steady_clock::now() < look) continue;
    Look();
    look = std::chrono::steady_clock::now() + limits_.look_interval;
  }
}

void GrpcConnections::Step(GrpcBacklog::Now now) {
  const GrpcBacklog::Step step = ask_ ? backlog_.Next(now) : GrpcBacklog::Step::kNothing;
  if (step == GrpcBacklog::Step::kNothing) return;
  if (step == GrpcBacklog::Step::kAsk) return ask_(backlog_.answered());  // without the lock
  const std::lock_guard lock(mutex_);
  DropClosed();
  if (step == GrpcBacklog::Step::kMark) {
    for (auto& [number, entry] : entries_) entry.read = ReadBytes(entry.socket.fd);
  } else if (step == GrpcBacklog::Step::kPause) {
    Pause();
  } else if (step == GrpcBacklog::Step::kClose) {
    CloseRead();
  } else {
    Resume();
  }
}

// Those that are being read.
void GrpcConnections::Pause() {
  for (auto& [number, entry] : entries_) {
    const std::uint64_t read = entry.peer.empty() ? 0 : ReadBytes(entry.socket.fd);
    if (read <= entry.read) continue;
    entry.paused = true;
    entry.read = read;
    OnOpen(entry.socket, DropWhatComes);
  }
}

void GrpcConnections::Resume() {
  for (auto& [number, entry] : entries_)
    if (std::exchange(entry.paused, false)) OnOpen(entry.socket, TakeWhatComes);
}

// What the others had sent was read within no time.
void GrpcConnections::CloseRead() {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    const Entry& entry = at->second;
    if (entry.paused && UnreadBytes(entry.socket.fd) > 0 &&
        ReadBytes(entry.socket.fd) > entry.read) {
      Close(at, "calls-ahead");
    }
    at = next;
  }
}

void GrpcConnections::SetIdle(std::uint64_t connection, Entry& entry) {
  entry.idle = idle_.insert(idle_.end(), connection);
}

void GrpcConnections::Forget(Entries::iterator at) {
  const Entry& entry = at->second;
  if (!entry.peer.empty()) {
    if (entry.calls == 0) idle_.erase(entry.idle);
    by_peer_.erase(entry.peer);
  }
  calls_ -= entry.calls;
  by_fd_.erase(entry.socket.fd);
  entries_.erase(at);
}

// Through a descriptor of our own, of which the inode can't change between the look and the call.
// False: gRPC has closed it.
bool GrpcConnections::OnOpen(const Socket& socket, void (*act)(int fd)) {
  const int own = dup(socket.fd);
  if (own < 0) return false;
  const bool open = InodeOf(own) == socket.inode;
  if (open) act(own);
  close(own);
  return open;
}

// gRPC finds it at its end, and closes it.
void GrpcConnections::Close(Entries::iterator at, std::string_view cause) {
  const Socket socket = at->second.socket;
  const auto act = [](int fd) {
    TakeWhatComes(fd);
    shutdown(fd, SHUT_RDWR);
    Discard(fd);
  };
  if (OnOpen(socket, act)) {
    closing_.push_back(socket);
    if (on_closed_) on_closed_(cause);
  }
  Forget(at);
}

void GrpcConnections::DropClosed() {
  for (auto at = entries_.begin(); at != entries_.end();) {
    const auto next = std::next(at);
    if (!IsOpen(at->second.socket)) Forget(at);
    at = next;
  }
  std::erase_if(closing_, [](const Socket& socket) { return !IsOpen(socket); });
}

}  // namespace tracestore::net
