#include "net/connection_sorter.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "base/try.h"
#include "net/descriptor.h"
#include "net/http2_first_request.h"
#include "net/listen.h"

namespace tracestore::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kAcceptPause{50};  // when out of descriptors
constexpr int kAcceptsAtOnce = 64;                     // between two looks at those that wait
// What is watched, beside connections, which have the numbers behind these.
constexpr std::uint64_t kListener = 0, kWake = 1;

void SetLowWater(int fd, int bytes) {
  setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

}  // namespace

struct ConnectionSorter::Impl {
  struct Waiting {
    std::uint64_t number = 0;  // its descriptor's is soon another's
    Descriptor socket;
    Clock::time_point until;
    bool greeted = false;
    std::string client;  // for whom it is carried
  };
  using Place = std::list<Waiting>::iterator;

  Impl(ConnectionSorterOptions o, Deliver d) : options(std::move(o)), deliver(std::move(d)) {}

  Status Open();
  void Run();
  void Stop();
  Status Listen();
  void Wake() const;
  void Adopt(int fd, std::string client);
  void AcceptSome();
  void AdmitAdopted();
  void Admit(Descriptor socket, std::string client = {});
  void Look(std::uint64_t number, bool ended);
  bool AwaitsRequest(Place place, std::string_view bytes, bool ended, FirstBytes& first);
  bool Greet(Place place);
  void Give(Place place, FirstBytes first);
  void GiveGreeted(Place place);
  void Drop(Place place);
  void MakeRoom();
  void DropLate(Clock::time_point now);
  int TimeLeft(Clock::time_point now) const;
  void Watch(int fd, std::uint64_t number, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.u64 = number;
    epoll_ctl(poll.get(), EPOLL_CTL_ADD, fd, &event);
  }
  void Unwatch(int fd) const { epoll_ctl(poll.get(), EPOLL_CTL_DEL, fd, nullptr); }

  const ConnectionSorterOptions options;
  const Deliver deliver;
  std::uint16_t port = 0;
  Descriptor listener, poll, wake;
  std::atomic<bool> stopping{false};
  std::mutex stop_mutex;
  std::mutex adopt_mutex;
  // Guarded by adopt_mutex: to be admitted.
  std::vector<std::pair<Descriptor, std::string>> adopted;
  // Of the sorter's thread: in the order in which they came, which is that of their ends.
  std::list<Waiting> waiting;
  std::list<Waiting> greeted;  // likewise
  std::unordered_map<std::uint64_t, Place> places;
  std::uint64_t last = kWake;
  Clock::time_point accept_again = Clock::time_point::min();
  bool accepting = true;
  std::jthread thread;
};

Status ConnectionSorter::Impl::Listen() {
  auto socket = ListenSocket::Open(options.host, options.port);
  if (!socket.has_value()) return std::move(socket).error();
  port = socket->port();
  listener = Descriptor(socket->Release());
  return {};
}

Status ConnectionSorter::Impl::Open() {
  if (options.listen) TS_TRY(Listen());
  poll = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  wake = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (poll.get() < 0 || wake.get() < 0) {
    return Error(ErrorCode::kIo,
                 "cannot watch connections: " + std::generic_category().message(errno));
  }
  if (options.listen) Watch(listener.get(), kListener, EPOLLIN);
  Watch(wake.get(), kWake, EPOLLIN);
  thread = base::StartThread([this] { Run(); });
  return {};
}

int ConnectionSorter::Impl::TimeLeft(Clock::time_point now) const {
  auto next = Clock::time_point::max();
  if (!waiting.empty()) next = waiting.front().until;
  if (!greeted.empty()) next = std::min(next, greeted.front().until);
  if (!accepting) next = std::min(next, accept_again);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void ConnectionSorter::Impl::Run() {
  std::array<epoll_event, 64> events;
  while (!stopping) {
    const int count = epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()),
                                 TimeLeft(Clock::now()));
    for (int i = 0; i < count && !stopping; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kListener) {
        AcceptSome();
      } else if (event.data.u64 == kWake) {
        AdmitAdopted();
      } else {
        Look(event.data.u64, (event.events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0);
      }
    }
    const Clock::time_point now = Clock::now();
    DropLate(now);
    if (!accepting && now >= accept_again) {
      accepting = true;
      Watch(listener.get(), kListener, EPOLLIN);
    }
  }
  waiting.clear();
  greeted.clear();
  places.clear();
}

void ConnectionSorter::Impl::AcceptSome() {
  for (int i = 0; i < kAcceptsAtOnce; ++i) {
    const int fd = accept4(listener.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      Admit(Descriptor(fd));
      continue;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      // It stays readable: without a pause this would be a busy loop.
      Unwatch(listener.get());
      accepting = false;
      accept_again = Clock::now() + kAcceptPause;
      return;
    }
    if (errno != EINTR && errno != ECONNABORTED) return;
  }
}

void ConnectionSorter::Impl::Adopt(int fd, std::string client) {
  Descriptor socket(fd);
  {
    const std::lock_guard lock(adopt_mutex);
    if (stopping || adopted.size() >= options.max_waiting) return;
    adopted.emplace_back(std::move(socket), std::move(client));
  }
  Wake();
}

void ConnectionSorter::Impl::AdmitAdopted() {
  std::uint64_t times = 0;
  if (read(wake.get(), &times, sizeof(times)) < 0) {
    // Nobody wakes it twice.
  }
  std::vector<std::pair<Descriptor, std::string>> taken;
  {
    const std::lock_guard lock(adopt_mutex);
    taken.swap(adopted);
  }
  for (auto& [socket, client] : taken) Admit(std::move(socket), std::move(client));
}

void ConnectionSorter::Impl::Admit(Descriptor socket, std::string client) {
  if (waiting.size() + greeted.size() >= options.max_waiting) MakeRoom();
  const int fd = socket.get();
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
  const std::uint64_t number = ++last;
  waiting.push_back({number, std::move(socket), Clock::now() + options.first_bytes_timeout, false,
                     std::move(client)});
  places[number] = std::prev(waiting.end());
  Watch(fd, number, EPOLLIN | EPOLLRDHUP);
}

void ConnectionSorter::Impl::Drop(Place place) {
  places.erase(place->number);
  (place->greeted ? greeted : waiting).erase(place);  // closing it takes it out of the watched
}

// Of those that are more, so that neither kind takes the other's room.
void ConnectionSorter::Impl::MakeRoom() {
  if (greeted.size() > waiting.size()) {
    GiveGreeted(greeted.begin());
  } else {
    Drop(waiting.begin());
  }
}

void ConnectionSorter::Impl::DropLate(Clock::time_point now) {
  while (!waiting.empty() && waiting.front().until <= now) Drop(waiting.begin());
  while (!greeted.empty() && greeted.front().until <= now) GiveGreeted(greeted.begin());
}

void ConnectionSorter::Impl::Give(Place place, FirstBytes first) {
  const int fd = place->socket.get();
  SetLowWater(fd, 1);
  Unwatch(fd);
  places.erase(place->number);
  place->socket.Release();
  first.client = std::move(place->client);
  (place->greeted ? greeted : waiting).erase(place);
  deliver(fd, first);
}

void ConnectionSorter::Impl::GiveGreeted(Place place) {
  FirstBytes first;
  first.kind = FirstBytesKind::kHttp2;
  first.greeted = true;
  Give(place, std::move(first));
}

// False if not even these few bytes go out.
bool ConnectionSorter::Impl::Greet(Place place) {
  const std::string_view words = Http2Greeting();
  const ssize_t sent =
      send(place->socket.get(), words.data(), words.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (sent != static_cast<ssize_t>(words.size())) return false;
  place->greeted = true;
  place->until = Clock::now() + options.first_request_timeout;
  greeted.splice(greeted.end(), waiting, place);
  return true;
}

// Whether the first request is still to come; if not, tells in `first` what it is.
bool ConnectionSorter::Impl::AwaitsRequest(Place place, std::string_view bytes, bool ended,
                                           FirstBytes& first) {
  const FirstRequest request = ReadFirstRequest(bytes.substr(kHttp2Preface.size()));
  first.is_http = request == FirstRequest::kOther;
  first.greeted = place->greeted;
  return request == FirstRequest::kIncomplete && !ended && bytes.size() < kMaxFirstBytes;
}

// `ended`: the client sends no more. What happened to a connection that is gone meanwhile, for
// others of the same turn, is nobody's.
void ConnectionSorter::Impl::Look(std::uint64_t number, bool ended) {
  const auto found = places.find(number);
  if (found == places.end()) return;
  const Place place = found->second;
  const int fd = place->socket.get();
  std::array<char, kMaxFirstBytes> bytes;
  const ssize_t got = recv(fd, bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
  if (got < 0 && (errno == EAGAIN || errno == EINTR) && !ended) return;
  if (got <= 0) return Drop(place);
  const std::string_view came(bytes.data(), static_cast<std::size_t>(got));
  FirstBytes first = ReadFirstBytes(came);
  bool wait = first.kind == FirstBytesKind::kIncomplete && !ended;
  if (first.kind == FirstBytesKind::kHttp2 && options.look_at_requests) {
    wait = AwaitsRequest(place, came, ended, first);
    if (wait && !place->greeted && !Greet(place)) return Drop(place);
  }
  if (!wait) return Give(place, std::move(first));
  SetLowWater(fd, static_cast<int>(got) + 1);  // so that what has come wakes nobody again
}

void ConnectionSorter::Impl::Wake() const {
  const std::uint64_t one = 1;
  if (write(wake.get(), &one, sizeof(one)) < 0) {
    // It is full, so the thread wakes anyhow.
  }
}

void ConnectionSorter::Impl::Stop() {
  const std::lock_guard once(stop_mutex);
  if (!thread.joinable()) return;
  {
    const std::lock_guard lock(adopt_mutex);
    stopping = true;
  }
  Wake();
  thread.join();
  listener = Descriptor();
  adopted.clear();
}

Result<std::unique_ptr<ConnectionSorter>> ConnectionSorter::Start(ConnectionSorterOptions options,
                                                                  Deliver deliver) {
  auto impl = std::make_unique<Impl>(std::move(options), std::move(deliver));
  TS_TRY(impl->Open());
  return std::unique_ptr<ConnectionSorter>(new ConnectionSorter(std::move(impl)));
}

ConnectionSorter::ConnectionSorter(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ConnectionSorter::~ConnectionSorter() { impl_->Stop(); }
std::uint16_t ConnectionSorter::port() const noexcept { return impl_->port; }
void ConnectionSorter::Adopt(int fd, std::string client) { impl_->Adopt(fd, std::move(client)); }
void ConnectionSorter::Stop() { impl_->Stop(); }

}  // namespace tracestore::net
