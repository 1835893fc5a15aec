// TLS as plain values: what a listener and a client are told. No third-party type here.
#pragma once
#include <chrono>
#include <functional>
#include <string>

namespace tracestore::net {

// Files are PEM, but for the key store. They are looked at again when a client connects, at most once per
// `reload_interval`, and taken anew if one has changed; files that can't be used then are reported
// and the old ones serve on.
struct TlsServerOptions {
  bool enabled = false;
  std::string cert_file;            // the server's certificate, then those between it and its CA
  std::string key_file;             // its private key, without a pass phrase
  // In place of both: a PKCS 12 key store that has them, and its password.
  std::string key_store_file;
  std::string key_store_password;
  std::string client_ca_file;       // if set, clients must show a certificate of one of these CAs
  std::string min_version = "1.2";  // "1.0", "1.1", "1.2", "1.3"
  std::string max_version;          // the same; "": the newest
  // For TLS 1.2 and older, in OpenSSL's words ("ECDHE-RSA-AES128-GCM-SHA256:…"); "": OpenSSL's own.
  // Not for gRPC, which has a fixed list.
  std::string cipher_list;
  std::chrono::milliseconds reload_interval{1000};
  // Told of a reload, and of one that failed, with one sentence. On any thread of a server.
  std::function<void(const std::string&)> on_reload;
};

struct TlsClientOptions {
  bool enabled = false;
  std::string ca_file;    // whom to trust; "": the CAs of the system
  std::string cert_file;  // shown to servers that ask, with key_file; "": none
  std::string key_file;
  std::string server_name;   // expected in the server's certificate; "": the host that is called
  bool skip_verify = false;  // takes any certificate: for tests, it protects from nobody
  std::string min_version = "1.2";
  std::chrono::milliseconds reload_interval{1000};
};

}  // namespace tracestore::net
