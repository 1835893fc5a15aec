// TlsContext: an OpenSSL context that follows its files. Private to this room.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "net/tls.h"

struct ssl_ctx_st;  // OpenSSL's SSL_CTX
struct ssl_st;      // its SSL

namespace tracestore::net {

// A version of OpenSSL's numbering (0x0303 is TLS 1.2) for "1.0" to "1.3", 0 for "". Errors:
// kInvalidArgument, "TLS version \"1.4\": only 1.0, 1.1, 1.2 and 1.3 are known".
Result<int> ParseTlsVersion(const std::string& text);

struct FreeSsl {
  void operator()(ssl_st* ssl) const noexcept;
};
using Ssl = std::unique_ptr<ssl_st, FreeSsl>;

// Every method may be called from any thread.
class TlsContext {
 public:
  // Reads and checks the files. Errors, each naming the file: kIo (it can't be read),
  // kInvalidArgument (no PEM of that kind in it, a key that isn't the certificate's, a certificate
  // that has expired or isn't valid yet, an unknown version or cipher).
  static Result<std::shared_ptr<TlsContext>> ForServer(TlsServerOptions options);
  static Result<std::shared_ptr<TlsContext>> ForClient(TlsClientOptions options);

  // The context of the files as they are now. A connection keeps the one it began with.
  std::shared_ptr<ssl_ctx_st> Current();

  // Of a server: a connection of that context which speaks h2, and nothing else, with what HTTP/2
  // asks of TLS (RFC 9113, 9.2): 1.2 at least, and there, unless TlsServerOptions has a list,
  // ciphers that it allows. Null: no memory.
  Ssl NewHttp2();

 private:
  // What tells that a file is another one: a rename changes the inode, an edit the time.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = -1;  // -1: the file isn't there
    std::int64_t changed_ns = 0;
    bool operator==(const Stamp&) const = default;
  };
  static Stamp StampOf(const std::string& path);
  std::vector<Stamp> Stamps() const;
  Result<std::shared_ptr<ssl_ctx_st>> Load() const;
  Status Start();

  TlsServerOptions server_;
  TlsClientOptions client_;
  bool for_server_ = false;
  std::vector<std::string> files_;
  std::chrono::milliseconds interval_{1000};

  std::mutex mutex_;
  std::shared_ptr<ssl_ctx_st> current_;              // guarded by mutex_
  std::vector<Stamp> stamps_;                        // guarded by mutex_
  std::chrono::steady_clock::time_point looked_at_;  // guarded by mutex_
};

}  // namespace tracestore::net
