// Both sockets are watched at their edges: whether one has something is known until it had nothing.
// What comes and goes passes through buffers of the thread; a connection has some of its own only
// while its bytes aren't taken.
#include "net/tls_carrier.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <list>
#include <mutex>
#include <set>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/thread.h"
#include "base/try.h"
#include "net/descriptor.h"
#include "net/loopback_pair.h"
#include "net/peer_address.h"
#include "net/tls_link.h"

namespace tracestore::net {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kPiece = 64 * 1024;
constexpr std::size_t kRecord = 16 * 1024;  // most of what TLS gives at once
// Of one connection, then it is the others' turn. A record without bytes counts as a full one: new
// keys, which a client may want as often as it likes, cost more than those.
constexpr std::size_t kTurn = 4 * kPiece;
// New clients at once, each of which costs a signature; then it is the others' turn.
constexpr std::size_t kAdmitted = 16;
// Answers of TLS itself, to a client that takes none of them.
constexpr std::size_t kMostAnswers = 256 * 1024;
// After the last words what a client still sends is dropped so long: a reset would take them away.
constexpr std::chrono::seconds kLingerTime{2};
constexpr std::chrono::milliseconds kLastWords{200};  // at the end, whatever the grace
constexpr std::uint64_t kWake = 0;                    // what is watched, beside links

}  // namespace

struct TlsCarrier::Impl {
  using Link = TlsLink;
  using Does = TlsLink::Does;

  Impl(TlsCarrierOptions o, std::shared_ptr<TlsContext> c, Deliver d)
      : options(o), context(std::move(c)), deliver(std::move(d)) {}

  Status Open();
  void Carry(int fd);
  void Stop(std::chrono::milliseconds grace);
  void Wake() const;
  void Run();
  bool Over() const;
  int TimeLeft() const;
  void Hear(const epoll_event& event);
  void Part(Link& link);
  void AdmitAll();
  void Admit(Descriptor client);
  void DropIdle();
  bool Watch(const Link& link, const Descriptor& socket, bool is_loop) const;
  void Turn(Link& link);
  void Queue(Link& link);
  static bool Carries(const Link& link) {
    return link.does == Does::kCarrying || link.does == Does::kParting;
  }
  bool Pass(Link& link);
  bool Shake(Link& link);
  bool Up(Link& link, std::size_t& moved);
  bool Down(Link& link, std::size_t& moved);
  std::size_t ReadClient(Link& link, std::size_t& moved, bool& sound);
  bool SendDown(Link& link);
  bool WriteClient(Link& link, std::string_view bytes);
  bool Deaf(Link& link);
  bool End(Link& link);
  bool SayEnd(Link& link);
  bool Drain(Link& link, std::size_t& moved);
  void Move(Link& link, Does does);
  void SetDue(Link& link, Clock::time_point due);
  void LookAtClock();
  void Drop(Link& link);
  std::list<Link>& Of(Does does) {
    switch (does) {
      case Does::kShaking: return shaking;
      case Does::kCarrying: return carrying;
      case Does::kParting: return parting;
      case Does::kEnding: break;
    }
    return ending;
  }

  const TlsCarrierOptions options;
  const std::shared_ptr<TlsContext> context;
  const Deliver deliver;
  Descriptor poll, wake;
  std::mutex mutex;
  std::vector<Descriptor> come;  // guarded by mutex
  bool stopping = false;         // guarded by mutex
  Clock::time_point end;         // guarded by mutex, until the thread has seen `stopping`
  std::mutex stop_mutex;
  // Of the thread, each list in the order in which its links came into it.
  bool stops = false;
  std::list<Link> shaking, carrying, parting, ending;
  std::unordered_map<std::uint64_t, Link*> links;
  std::set<std::pair<Clock::time_point, std::uint64_t>> dues;
  std::vector<std::uint64_t> again;  // had their turn, and have more
  std::uint64_t last = kWake;
  std::array<char, kPiece> piece;
  std::string scratch;
  std::jthread thread;
};

Status TlsCarrier::Impl::Open() {
  poll = Descriptor(epoll_create1(EPOLL_CLOEXEC));
  wake = Descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWake;
  if (poll.get() < 0 || wake.get() < 0 ||
      epoll_ctl(poll.get(), EPOLL_CTL_ADD, wake.get(), &event) != 0) {
    return Error(ErrorCode::kIo,
                 "cannot watch connections: " + std::generic_category().message(errno));
  }
  thread = base::StartThread([this] { Run(); });
  return {};
}

void TlsCarrier::Impl::Wake() const {
  const std::uint64_t one = 1;
  if (write(wake.get(), &one, sizeof(one)) < 0) {
    // It is full, so the thread wakes anyhow.
  }
}

void TlsCarrier::Impl::Carry(int fd) {
  Descriptor client(fd);
  {
    const std::lock_guard lock(mutex);
    if (stopping || come.size() >= options.max_handshakes) return;
    come.push_back(std::move(client));
  }
  Wake();
}

void TlsCarrier::Impl::Stop(std::chrono::milliseconds grace) {
  const std::lock_guard once(stop_mutex);
  if (!thread.joinable()) return;
  {
    const std::lock_guard lock(mutex);
    stopping = true;
    end = Clock::now() + std::max(grace, kLastWords);
    come.clear();
  }
  Wake();
  thread.join();
}

// Nobody is left to be told anything, or it is too late.
bool TlsCarrier::Impl::Over() const { return stops && (links.empty() || Clock::now() >= end); }

int TlsCarrier::Impl::TimeLeft() const {
  if (!again.empty()) return 0;
  auto next = stops ? end : Clock::time_point::max();
  if (!dues.empty()) next = std::min(next, dues.begin()->first);
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000));
}

void TlsCarrier::Impl::Run() {
  std::array<epoll_event, 64> events;
  while (!Over()) {
    const int count =
        epoll_wait(poll.get(), events.data(), static_cast<int>(events.size()), TimeLeft());
    std::vector<std::uint64_t> turns;
    turns.swap(again);
    for (int i = 0; i < count; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.u64 == kWake)
        AdmitAll();
      else
        Hear(event);
    }
    for (const std::uint64_t number : turns) {
      const auto found = links.find(number);
      if (found == links.end()) continue;
      found->second->queued = false;
      Turn(*found->second);
    }
    LookAtClock();
  }
  links.clear();
  shaking.clear();
  carrying.clear();
  parting.clear();
  ending.clear();
}

// The lowest bit of a number that is watched says which of the two it is.
void TlsCarrier::Impl::Hear(const epoll_event& event) {
  const auto found = links.find(event.data.u64 >> 1);
  if (found == links.end()) return;  // dropped in this turn of the loop
  Link& link = *found->second;
  const bool has = (event.events & ~static_cast<std::uint32_t>(EPOLLOUT)) != 0;
  if ((event.data.u64 & 1) == 0)
    link.client_has |= has;
  else
    link.loop_has |= has;
  const bool over = (event.data.u64 & 1) != 0 && (event.events & (EPOLLRDHUP | EPOLLHUP)) != 0;
  if (over && link.does == Does::kCarrying) Part(link);
  Turn(link);
}

// The other side counts it no more among its connections, so it is counted here.
void TlsCarrier::Impl::Part(Link& link) {
  if (parting.size() >= options.max_handshakes) Drop(parting.front());
  Move(link, Does::kParting);
}

bool TlsCarrier::Impl::Watch(const Link& link, const Descriptor& socket, bool is_loop) const {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | static_cast<std::uint32_t>(EPOLLET);
  event.data.u64 = link.number << 1 | (is_loop ? 1 : 0);
  return epoll_ctl(poll.get(), EPOLL_CTL_ADD, socket.get(), &event) == 0;
}

void TlsCarrier::Impl::AdmitAll() {
  std::uint64_t times = 0;
  if (read(wake.get(), &times, sizeof(times)) < 0) {
    // Nobody wakes it twice.
  }
  std::vector<Descriptor> taken;
  {
    const std::lock_guard lock(mutex);
    const auto some = come.begin() + static_cast<std::ptrdiff_t>(std::min(come.size(), kAdmitted));
    taken.assign(std::make_move_iterator(come.begin()), std::make_move_iterator(some));
    come.erase(come.begin(), some);
    if (!come.empty()) Wake();
    stops = stopping;
  }
  if (stops) DropIdle();
  for (Descriptor& client : taken) {
    if (stops) return;
    try {
      Admit(std::move(client));
    } catch (const std::exception&) {
      // Out of memory for one more connection: it is closed, the others go on.
    }
  }
}

// Who is not served, or has been told the end.
void TlsCarrier::Impl::DropIdle() {
  while (!shaking.empty()) Drop(shaking.front());
  for (auto at = ending.begin(); at != ending.end();) {
    Link& link = *at++;
    if (link.told_client) Drop(link);
  }
}

void TlsCarrier::Impl::Admit(Descriptor client) {
  if (shaking.size() >= options.max_handshakes) Drop(shaking.front());
  shaking.emplace_back();
  Link& link = shaking.back();
  link.self = std::prev(shaking.end());
  link.answers = &scratch;
  link.number = ++last;
  link.client = std::move(client);
  links[link.number] = &link;
  link.ssl = context->NewHttp2();
  if (link.ssl == nullptr || !link.Connect() || !Watch(link, link.client, false)) return Drop(link);
  // After a record in which no bytes are the turn may be another's. Not with several records at a
  // read: OpenSSL then goes on with those that it has.
  SSL_clear_mode(link.ssl.get(), SSL_MODE_AUTO_RETRY);
  // HTTP/2 itself tells what is whole; and an answer may still go to who sends no more.
  SSL_set_options(link.ssl.get(), SSL_OP_IGNORE_UNEXPECTED_EOF);
  SetDue(link, Clock::now() + options.handshake_timeout);
  Turn(link);
}

void TlsCarrier::Impl::Queue(Link& link) {
  if (std::exchange(link.queued, true)) return;
  again.push_back(link.number);
}

void TlsCarrier::Impl::Turn(Link& link) {
  bool stays = false;
  try {
    stays = Pass(link);
  } catch (const std::exception&) {
    // Out of memory: this connection ends, the others go on.
  }
  if (!stays) Drop(link);
}

// What can be done for it now, within its turn. False: it is over.
bool TlsCarrier::Impl::Pass(Link& link) {
  if (!SendDown(link)) return false;
  if (link.does == Does::kShaking && !Shake(link)) return false;
  std::size_t up = 0, down = 0;
  if (Carries(link) && !(Up(link, up) && Down(link, down))) return false;
  if (link.does == Does::kEnding && !(SayEnd(link) && Drain(link, up))) return false;
  if (up >= kTurn || down >= kTurn) Queue(link);
  if (Carries(link) && link.down.empty())
    SetDue(link, Clock::time_point::max());
  else if (Carries(link) && link.due == Clock::time_point::max())
    SetDue(link, link.moved + options.write_timeout);
  return true;
}

// True: it goes on, or has been done.
bool TlsCarrier::Impl::Shake(Link& link) {
  scratch.clear();
  ERR_clear_error();
  const int done = SSL_do_handshake(link.ssl.get());
  const bool waits = done != 1 && SSL_get_error(link.ssl.get(), done) == SSL_ERROR_WANT_READ;
  link.down += scratch;  // of a failure an alert says which
  if (!SendDown(link)) return false;
  if (done != 1) {
    if (waits && link.client_has) Queue(link);
    return waits;
  }
  auto pair = MakeLoopbackPair();
  if (!pair) return false;
  link.loop = std::move(pair->near);
  if (!Watch(link, link.loop, true)) return false;
  link.moved = Clock::now();
  Move(link, Does::kCarrying);
  SetDue(link, Clock::time_point::max());
  std::string client = AddressOfPeer(link.client.get());
  deliver(pair->far.Release(), std::move(client));
  return true;
}

// As much as `piece` takes; 0: there is no more now. Not `sound`: nothing can come any more.
std::size_t TlsCarrier::Impl::ReadClient(Link& link, std::size_t& moved, bool& sound) {
  scratch.clear();
  std::size_t size = 0;
  while (piece.size() - size >= kRecord && moved < kTurn) {
    ERR_clear_error();
    std::size_t got = 0;
    const int done = SSL_read_ex(link.ssl.get(), piece.data() + size, piece.size() - size, &got);
    size += got;
    moved += got;
    if (done == 1) continue;
    const int why = SSL_get_error(link.ssl.get(), done);
    if (why == SSL_ERROR_ZERO_RETURN)
      link.client_ended = true;
    else if (why != SSL_ERROR_WANT_READ && !link.client_ended)
      sound = false;
    if (!sound || link.client_ended || !link.client_has) break;
    moved += kRecord;
  }
  link.down += scratch;
  return size;
}

// From the client to the loop.
bool TlsCarrier::Impl::Up(Link& link, std::size_t& moved) {
  bool sound = true;
  while (sound) {
    if (!SendKept(link.loop.get(), link.up)) return Deaf(link);
    if (!link.up.empty() || link.told_loop) return true;
    if (link.client_ended) {
      shutdown(link.loop.get(), SHUT_WR);
      link.told_loop = true;
      return true;
    }
    if (!link.client_has || moved >= kTurn || link.down.size() > kMostAnswers) return true;
    std::string_view came(piece.data(), ReadClient(link, moved, sound));
    if (!SendSome(link.loop.get(), came)) return Deaf(link);
    link.up = came;
    if (!SendDown(link)) return false;
  }
  return false;
}

// The other side takes no more; what it said before is still to be brought to the client.
bool TlsCarrier::Impl::Deaf(Link& link) {
  std::string().swap(link.up);
  link.told_loop = true;
  link.loop_has = true;
  return true;
}

// From the loop to the client.
bool TlsCarrier::Impl::Down(Link& link, std::size_t& moved) {
  while (link.down.empty() && Carries(link) && link.loop_has && moved < kTurn) {
    const ssize_t got = recv(link.loop.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) {
      link.loop_has = false;
      return true;
    }
    if (got <= 0) return End(link);
    moved += static_cast<std::size_t>(got);
    if (!WriteClient(link, {piece.data(), static_cast<std::size_t>(got)})) return false;
  }
  return true;
}

bool TlsCarrier::Impl::WriteClient(Link& link, std::string_view bytes) {
  scratch.clear();
  while (!bytes.empty()) {
    ERR_clear_error();
    std::size_t written = 0;
    if (SSL_write_ex(link.ssl.get(), bytes.data(), bytes.size(), &written) != 1) return false;
    bytes.remove_prefix(written);
  }
  std::string_view left = scratch;
  if (!SendSome(link.client.get(), left)) return false;
  link.moved = Clock::now();
  link.down = left;
  return true;
}

// What is kept for the client. False: it takes no more.
bool TlsCarrier::Impl::SendDown(Link& link) {
  if (link.down.empty()) return true;
  const std::size_t before = link.down.size();
  if (!SendKept(link.client.get(), link.down)) return false;
  if (link.down.size() < before) link.moved = Clock::now();
  return true;
}

// The other side has ended it, so that nothing more is to go there.
bool TlsCarrier::Impl::End(Link& link) {
  link.loop = Descriptor();
  std::string().swap(link.up);
  if (ending.size() >= options.max_handshakes) Drop(ending.front());
  Move(link, Does::kEnding);
  scratch.clear();
  ERR_clear_error();
  SSL_shutdown(link.ssl.get());
  link.down += scratch;
  SetDue(link, Clock::now() + options.write_timeout);
  return SendDown(link);
}

bool TlsCarrier::Impl::SayEnd(Link& link) {
  if (!link.down.empty() || link.told_client) return true;
  shutdown(link.client.get(), SHUT_WR);
  link.told_client = true;
  SetDue(link, Clock::now() + kLingerTime);
  return !stops;
}

bool TlsCarrier::Impl::Drain(Link& link, std::size_t& moved) {
  while (link.client_has && moved < kTurn) {
    const ssize_t got = recv(link.client.get(), piece.data(), piece.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN)
      link.client_has = false;
    else if (got < 0)
      return false;
    else if (got == 0)
      link.client_ended = true;
    if (got <= 0) break;
    moved += static_cast<std::size_t>(got);
  }
  return !(link.client_ended && link.told_client);
}

void TlsCarrier::Impl::Move(Link& link, Does does) {
  Of(does).splice(Of(does).end(), Of(link.does), link.self);
  link.does = does;
}

void TlsCarrier::Impl::SetDue(Link& link, Clock::time_point due) {
  if (link.due == due) return;
  if (link.due != Clock::time_point::max()) dues.erase({link.due, link.number});
  link.due = due;
  if (due != Clock::time_point::max()) dues.insert({due, link.number});
}

void TlsCarrier::Impl::LookAtClock() {
  if (dues.empty()) return;
  const auto now = Clock::now();
  while (!dues.empty() && dues.begin()->first <= now) {
    Link& link = *links.at(dues.begin()->second);
    const bool takes = link.does != Does::kShaking && !link.told_client &&
                       link.moved + options.write_timeout > now;
    if (takes)
      SetDue(link, link.moved + options.write_timeout);
    else
      Drop(link);
  }
}

void TlsCarrier::Impl::Drop(Link& link) {
  SetDue(link, Clock::time_point::max());
  links.erase(link.number);
  Of(link.does).erase(link.self);  // closing the sockets takes them out of the watched
}

Result<std::unique_ptr<TlsCarrier>> TlsCarrier::Start(TlsCarrierOptions options,
                                                      std::shared_ptr<TlsContext> context,
                                                      Deliver deliver) {
  auto impl = std::make_unique<Impl>(options, std::move(context), std::move(deliver));
  TS_TRY(impl->Open());
  return std::unique_ptr<TlsCarrier>(new TlsCarrier(std::move(impl)));
}

TlsCarrier::TlsCarrier(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TlsCarrier::~TlsCarrier() { impl_->Stop(std::chrono::milliseconds(0)); }
void TlsCarrier::Carry(int fd) { impl_->Carry(fd); }
void TlsCarrier::Stop(std::chrono::milliseconds grace) { impl_->Stop(grace); }

}  // namespace tracestore::net
