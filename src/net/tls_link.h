// TlsLink: a client of TlsCarrier and the near end of what it is carried over, and how bytes come
// from the one and go to either. Private to TlsCarrier.
#pragma once
#include <chrono>
#include <cstdint>
#include <list>
#include <string>
#include <string_view>

#include "net/descriptor.h"
#include "net/tls_context.h"

namespace tracestore::net {

// Not movable once connected: TLS refers to it.
struct TlsLink {
  std::uint64_t number = 0;
  Descriptor client, loop;
  Ssl ssl;
  // Parting: the other side has ended it, and may have said things before that the client is still
  // to get. Ending: it has got them, and is told.
  enum class Does : std::uint8_t { kShaking, kCarrying, kParting, kEnding };
  Does does = Does::kShaking;
  bool client_has = true;     // bytes that weren't read, as far as is known
  bool client_ended = false;  // it sends no more
  bool broken = false;        // its socket is of no use
  bool loop_has = false;
  bool queued = false;             // it has more to do at its next turn
  bool told_loop = false;          // that the client sends no more; or it takes no more
  bool told_client = false;        // likewise
  std::string up, down;            // not taken by the loop; by the client, as TLS
  std::string* answers = nullptr;  // where TLS puts what it sends
  std::chrono::steady_clock::time_point moved;  // when the client last took something
  std::chrono::steady_clock::time_point due = std::chrono::steady_clock::time_point::max();
  std::list<TlsLink>::iterator self;

  // Has `ssl` read from the client's socket and write to `answers`. False: out of memory.
  bool Connect();
};

// What of `bytes` the socket takes now goes. False: it takes no more at all.
bool SendSome(int fd, std::string_view& bytes);
// The same for what is kept; where all of it is gone it takes no memory.
bool SendKept(int fd, std::string& kept);

}  // namespace tracestore::net
