// Certificates for tests, made when they run: nothing secret, and nothing that expires, lies in the
// repository.
#pragma once
#include <filesystem>
#include <string>

#include "net/tls.h"

namespace tracestore::net {

// PEM text.
struct TestIdentity {
  std::string certificate;
  std::string key;
};

struct TestCertificateOptions {
  std::string name = "localhost";  // common name, and with 127.0.0.1 the alternative names
  bool authority = false;
  int address_bytes = 0;  // beside 127.0.0.1 an alternative name of so many bytes; 0: none
  long begins_in_seconds = -3600;
  long ends_in_seconds = 3600;
};

// Signed by `issuer`; by its own key if that is null. P-256.
TestIdentity MakeTestCertificate(const TestCertificateOptions& options, const TestIdentity* issuer);

// A directory of its own with ca.crt, other-ca.crt, server.crt, server.key, client.crt, client.key;
// stranger.crt and stranger.key are of the other CA. Removed at the end.
class TestCertificates {
 public:
  TestCertificates();
  ~TestCertificates();
  TestCertificates(const TestCertificates&) = delete;
  TestCertificates& operator=(const TestCertificates&) = delete;

  std::string Path(const std::string& name) const { return (directory_ / name).string(); }
  // Of a server with server.crt, and of a client that trusts it.
  TlsServerOptions Server() const;
  TlsClientOptions Client() const;
  // Written beside and renamed, as tools that renew certificates do.
  void Write(const std::string& name, const std::string& text) const;
  // A new server certificate by the same CA, named `name`.
  TestIdentity NewServer(const std::string& name) const;
  TestIdentity NewServer(const TestCertificateOptions& options) const;  // or a client's

 private:
  std::filesystem::path directory_;
  TestIdentity ca_;
};

}  // namespace tracestore::net
