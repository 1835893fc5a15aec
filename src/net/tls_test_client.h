// A blocking client of TLS for the tests of this room, with the protocols that it is told to offer.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

namespace tracestore::net {

struct TlsTestOptions {
  std::string protocol = "h2";  // the one that is offered
  std::string cert_file;        // with key_file; "": none is shown
  std::string key_file;
  int most = 0;           // the newest version, 0x0303 is 1.2; 0: OpenSSL's
  int receive_bytes = 0;  // of the socket; 0: the kernel's own choice
};

class TlsTestClient {
 public:
  explicit TlsTestClient(std::uint16_t port, const TlsTestOptions& options = {})
      : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    std::signal(SIGPIPE, SIG_IGN);  // OpenSSL writes to sockets that are closed
    const timeval limit{20, 0};     // a hang becomes a failure
    setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    setsockopt(fd_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    if (options.receive_bytes > 0)
      setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &options.receive_bytes, sizeof(int));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) return;
    const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context(
        SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
    SSL_CTX_set_max_proto_version(context.get(), options.most);
    if (!options.cert_file.empty()) {
      SSL_CTX_use_certificate_chain_file(context.get(), options.cert_file.c_str());
      SSL_CTX_use_PrivateKey_file(context.get(), options.key_file.c_str(), SSL_FILETYPE_PEM);
    }
    ssl_.reset(SSL_new(context.get()));
    const std::string offer =
        std::string(1, static_cast<char>(options.protocol.size())) + options.protocol;
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const unsigned char*>(offer.data()),
                        static_cast<unsigned>(offer.size()));
    SSL_set_fd(ssl_.get(), fd_);
    shaken_ = SSL_connect(ssl_.get()) == 1;
  }
  ~TlsTestClient() { Close(); }
  TlsTestClient(TlsTestClient&& other) noexcept
      : fd_(std::exchange(other.fd_, -1)),
        ssl_(std::move(other.ssl_)),
        shaken_(other.shaken_),
        received_(std::move(other.received_)) {}
  TlsTestClient& operator=(TlsTestClient&&) = delete;

  // The server's side may still refuse a client of TLS 1.3.
  bool shaken() const { return shaken_; }
  std::string protocol() const {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &name, &size);
    return {reinterpret_cast<const char*>(name), size};
  }
  // As servers of this room write it.
  std::string name() const {
    sockaddr_in address{};
    socklen_t size = sizeof(address);
    getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    return "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  }

  bool Send(std::string_view bytes) {
    while (!bytes.empty()) {
      std::size_t sent = 0;
      if (SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &sent) != 1) return false;
      bytes.remove_prefix(sent);
    }
    return true;
  }
  std::string ReadBytes(std::size_t count) {
    while (received_.size() < count && Receive()) {
    }
    const std::string taken = received_.substr(0, std::min(count, received_.size()));
    received_.erase(0, taken.size());
    return taken;
  }
  std::string ReadToEnd() {
    while (Receive()) {
    }
    return std::exchange(received_, {});
  }
  // True if the server said in TLS that no more comes.
  bool ended() const { return ended_; }
  void EndSending() { shutdown(fd_, SHUT_WR); }  // without a word in TLS
  void Close() {
    ssl_.reset();
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }
  SSL* ssl() { return ssl_.get(); }

 private:
  bool Receive() {
    char piece[16384];
    std::size_t got = 0;
    const int done = SSL_read_ex(ssl_.get(), piece, sizeof(piece), &got);
    if (done != 1) ended_ = SSL_get_error(ssl_.get(), done) == SSL_ERROR_ZERO_RETURN;
    received_.append(piece, got);
    return done == 1;
  }

  int fd_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_{nullptr, SSL_free};
  bool shaken_ = false;
  bool ended_ = false;
  std::string received_;
};

}  // namespace tracestore::net
