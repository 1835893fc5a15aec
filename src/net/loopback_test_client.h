// A blocking TCP client for the tests of this room: it sends exactly the bytes it is told to.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>

namespace tracestore::net {

class LoopbackClient {
 public:
  explicit LoopbackClient(std::uint16_t port)
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{20, 0};  // a hang becomes a failure
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~LoopbackClient() { Close(); }
  LoopbackClient(LoopbackClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)), connected_(other.connected_),
        received_(std::move(other.received_)) {}
  LoopbackClient& operator=(LoopbackClient&&) = delete;

  bool connected() const { return connected_; }

  // False if the server no longer takes the bytes.
  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  void EndSending() { shutdown(fd_, SHUT_WR); }
  void Close() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

  // Everything up to and including `mark`, or what came before the end.
  std::string ReadThrough(std::string_view mark) {
    for (;;) {
      const auto at = received_.find(mark);
      if (at != std::string::npos) return Take(at + mark.size());
      if (!Receive()) return Take(received_.size());
    }
  }
  std::string ReadBytes(std::size_t count) {
    while (received_.size() < count && Receive()) {
    }
    return Take(std::min(count, received_.size()));
  }
  std::string ReadToEnd() {
    while (Receive()) {
    }
    return Take(received_.size());
  }
  // True if the server ended the connection by an orderly close, false for a reset or a time-out.
  bool ended() const { return ended_; }

 private:
  bool Receive() {
    char piece[16384];
    const ssize_t got = recv(fd_, piece, sizeof(piece), 0);
    if (got == 0) ended_ = true;
    if (got <= 0) return false;
    received_.append(piece, static_cast<std::size_t>(got));
    return true;
  }
  std::string Take(std::size_t count) {
    std::string taken = received_.substr(0, count);
    received_.erase(0, count);
    return taken;
  }

  int fd_;
  bool connected_ = false;
  bool ended_ = false;
  std::string received_;
};

// One answer as it came: status line and fields, and the body with its chunks put together.
struct TestAnswer {
  int status = 0;
  std::string head;
  std::string body;
  bool complete = false;  // the whole body came, as its framing says

  std::string Field(std::string_view name) const {
    const auto at = head.find("\r\n" + std::string(name) + ": ");
    if (at == std::string::npos) return {};
    const auto begin = at + name.size() + 4;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

inline TestAnswer ReadAnswer(LoopbackClient& client, bool head_only = false) {
  TestAnswer answer;
  answer.head = client.ReadThrough("\r\n\r\n");
  if (answer.head.size() < 12) return answer;
  answer.status = std::atoi(answer.head.c_str() + 9);
  if (answer.Field("Transfer-Encoding") == "chunked" && !head_only) {
    for (;;) {
      const std::string line = client.ReadThrough("\r\n");
      if (line.size() < 3) return answer;
      const auto size = static_cast<std::size_t>(std::strtoull(line.c_str(), nullptr, 16));
      const std::string data = client.ReadBytes(size + 2);
      if (data.size() < size + 2) return answer;
      answer.body.append(data, 0, size);
      if (size == 0) break;
    }
  } else if (!head_only) {
    const auto size = static_cast<std::size_t>(
        std::strtoull(answer.Field("Content-Length").c_str(), nullptr, 10));
    answer.body = client.ReadBytes(size);
    if (answer.body.size() != size) return answer;
  }
  answer.complete = true;
  return answer;
}

}  // namespace tracestore::net
