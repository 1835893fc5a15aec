#include "net/tls_context.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstring>
#include <utility>

#include "base/try.h"
#include "net/tls_files.h"

namespace tracestore::net {
namespace {

using Context = std::shared_ptr<ssl_ctx_st>;

// Of an SSL: non-null where it speaks HTTP/2.
int Http2Mark() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

// The one protocol that is spoken over a connection. A client that offers only others is refused,
// one that offers none gets none.
int SelectProtocol(SSL* ssl, const unsigned char** out, unsigned char* out_size,
                   const unsigned char* offered, unsigned int offered_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  static constexpr unsigned char kHttp2[] = "\x02h2";
  const bool http2 = SSL_get_ex_data(ssl, Http2Mark()) != nullptr;
  unsigned char* chosen = nullptr;
  const int found =
      SSL_select_next_proto(&chosen, out_size, http2 ? kHttp2 : kHttp11,
                            (http2 ? sizeof(kHttp2) : sizeof(kHttp11)) - 1, offered, offered_size);
  *out = chosen;
  return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Result<Context> NewContext(const SSL_METHOD* method, const std::string& min_version,
                           const std::string& max_version) {
  TS_TRY_ASSIGN(const int least, ParseTlsVersion(min_version));
  TS_TRY_ASSIGN(const int most, ParseTlsVersion(max_version));
  if (most != 0 && most < least) {
    return Error{ErrorCode::kInvalidArgument, "TLS version: the least, " + min_version +
                                                  ", is above the greatest, " + max_version};
  }
  Context context(SSL_CTX_new(method), SSL_CTX_free);
  if (context == nullptr) return Error{ErrorCode::kIo, "OpenSSL makes no TLS context"};
  SSL_CTX_set_min_proto_version(context.get(), least);
  SSL_CTX_set_max_proto_version(context.get(), most);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // Idle connections keep no buffers (34 KB each).
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets need no memory here
  return context;
}

Result<Context> LoadServer(const TlsServerOptions& options) {
  TS_TRY_ASSIGN(Context context,
                NewContext(TLS_server_method(), options.min_version, options.max_version));
  if (!options.cipher_list.empty() &&
      SSL_CTX_set_cipher_list(context.get(), options.cipher_list.c_str()) != 1) {
    ERR_clear_error();
    return Error{ErrorCode::kInvalidArgument,
                 "TLS cipher list \"" + options.cipher_list + "\": OpenSSL knows none of it"};
  }
  if (options.key_store_file.empty()) {
    TS_TRY(UseIdentity(context.get(), options.cert_file, options.key_file));
  } else {
    TS_TRY(UseKeyStore(context.get(), options.key_store_file, options.key_store_password));
  }
  if (!options.client_ca_file.empty()) {
    TS_TRY(UseAuthorities(context.get(), options.client_ca_file, "client CA", true));
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, nullptr);
  }
  static constexpr unsigned char kSessions[] = "tracestore";
  SSL_CTX_set_session_id_context(context.get(), kSessions, sizeof(kSessions) - 1);
  SSL_CTX_set_alpn_select_cb(context.get(), SelectProtocol, nullptr);
  return context;
}

Result<Context> LoadClient(const TlsClientOptions& options) {
  TS_TRY_ASSIGN(Context context, NewContext(TLS_client_method(), options.min_version, ""));
  if (!options.ca_file.empty()) {
    TS_TRY(UseAuthorities(context.get(), options.ca_file, "CA", false));
  } else {
    SSL_CTX_set_default_verify_paths(context.get());
  }
  if (!options.cert_file.empty() || !options.key_file.empty()) {
    TS_TRY(UseIdentity(context.get(), options.cert_file, options.key_file));
  }
  SSL_CTX_set_verify(context.get(), options.skip_verify ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
                     nullptr);
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  SSL_CTX_set_alpn_protos(context.get(), kHttp11, sizeof(kHttp11) - 1);
  return context;
}

}  // namespace

Result<int> ParseTlsVersion(const std::string& text) {
  if (text.empty()) return 0;
  if (text == "1.0") return TLS1_VERSION;
  if (text == "1.1") return TLS1_1_VERSION;
  if (text == "1.2") return TLS1_2_VERSION;
  if (text == "1.3") return TLS1_3_VERSION;
  return Error{ErrorCode::kInvalidArgument,
               "TLS version \"" + text + "\": only 1.0, 1.1, 1.2 and 1.3 are known"};
}

void FreeSsl::operator()(ssl_st* ssl) const noexcept { SSL_free(ssl); }

Ssl TlsContext::NewHttp2() {
  static int mark = 0;
  Ssl ssl(SSL_new(Current().get()));
  if (ssl == nullptr) return nullptr;
  SSL_set_ex_data(ssl.get(), Http2Mark(), &mark);
  if (SSL_get_min_proto_version(ssl.get()) < TLS1_2_VERSION)
    SSL_set_min_proto_version(ssl.get(), TLS1_2_VERSION);
  if (server_.cipher_list.empty()) SSL_set_cipher_list(ssl.get(), "ECDHE+AESGCM:ECDHE+CHACHA20");
  SSL_set_accept_state(ssl.get());
  return ssl;
}

TlsContext::Stamp TlsContext::StampOf(const std::string& path) {
  struct stat facts {};
  if (stat(path.c_str(), &facts) != 0) return {};
  Stamp stamp;
  stamp.device = facts.st_dev;
  stamp.inode = facts.st_ino;
  stamp.size = facts.st_size;
  stamp.changed_ns = facts.st_ctim.tv_sec * 1'000'000'000 + facts.st_ctim.tv_nsec;
  return stamp;
}

std::vector<TlsContext::Stamp> TlsContext::Stamps() const {
  std::vector<Stamp> stamps;
  for (const std::string& file : files_) stamps.push_back(StampOf(file));
  return stamps;
}

Result<Context> TlsContext::Load() const {
  return for_server_ ? LoadServer(server_) : LoadClient(client_);
}

Status TlsContext::Start() {
  const std::lock_guard lock(mutex_);
  stamps_ = Stamps();  // before the read: a change in between is then seen as one
  looked_at_ = std::chrono::steady_clock::now();
  TS_TRY_ASSIGN(current_, Load());
  return {};
}

Result<std::shared_ptr<TlsContext>> TlsContext::ForServer(TlsServerOptions options) {
  const bool store = !options.key_store_file.empty();
  if (!store && (options.cert_file.empty() || options.key_file.empty())) {
    return Error{ErrorCode::kInvalidArgument, "TLS needs a certificate file and a key file"};
  }
  if (store && !(options.cert_file.empty() && options.key_file.empty())) {
    return Error{ErrorCode::kInvalidArgument,
                 "TLS takes a key store, or a certificate file and a key file: not both"};
  }
  const std::shared_ptr<TlsContext> made(new TlsContext);
  made->for_server_ = true;
  if (store) made->files_ = {options.key_store_file};
  else made->files_ = {options.cert_file, options.key_file};
  if (!options.client_ca_file.empty()) made->files_.push_back(options.client_ca_file);
  made->interval_ = options.reload_interval;
  made->server_ = std::move(options);
  TS_TRY(made->Start());
  return made;
}

Result<std::shared_ptr<TlsContext>> TlsContext::ForClient(TlsClientOptions options) {
  if (options.cert_file.empty() != options.key_file.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "TLS: a client's certificate file and key file come together"};
  }
  const std::shared_ptr<TlsContext> made(new TlsContext);
  for (const auto* file : {&options.ca_file, &options.cert_file, &options.key_file}) {
    if (!file->empty()) made->files_.push_back(*file);
  }
  made->interval_ = options.reload_interval;
  made->client_ = std::move(options);
  TS_TRY(made->Start());
  return made;
}

std::shared_ptr<ssl_ctx_st> TlsContext::Current() {
  std::string told;
  Context context;
  {
    const std::lock_guard lock(mutex_);
    const auto now = std::chrono::steady_clock::now();
    if (now - looked_at_ >= interval_) {
      looked_at_ = now;
      auto stamps = Stamps();
      if (stamps != stamps_) {
        stamps_ = std::move(stamps);  // also if it fails: the same files are not tried twice
        auto loaded = Load();
        told = loaded.has_value() ? "TLS files reloaded: " + files_.front()
                                  : loaded.error().message() + "; the files read before serve on";
        if (loaded.has_value()) current_ = std::move(loaded).value();
      }
    }
    context = current_;
  }
  if (!told.empty() && server_.on_reload) server_.on_reload(told);
  return context;
}

}  // namespace tracestore::net
