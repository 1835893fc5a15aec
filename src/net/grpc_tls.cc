#include "net/grpc_tls.h"

#include <grpc/grpc.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <string>
#include <utility>

#include "base/try.h"
#include "net/tls_files.h"

namespace tracestore::net {
namespace {

// Where its certificate is, for sentences.
const std::string& IdentityFileOf(const TlsServerOptions& tls) noexcept {
  return tls.key_store_file.empty() ? tls.cert_file : tls.key_store_file;
}

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kRefreshSeconds = 1;  // of a client's files; gRPC's least

// gRPC's C++ interface has no credentials that ask for a certificate at each handshake: it looks at
// files once a second, one after the other, and where the key isn't the certificate's every
// handshake fails until it looks again. Credentials of its C interface ask.
class FetchedCredentials final : public grpc::ServerCredentials {
 public:
  explicit FetchedCredentials(grpc_server_credentials* owned) : owned_(owned) {}
  ~FetchedCredentials() override { grpc_server_credentials_release(owned_); }
  void SetAuthMetadataProcessor(
      const std::shared_ptr<grpc::AuthMetadataProcessor>& /*processor*/) override {}

 private:
  int AddPortToServer(const std::string& address, grpc_server* server) override {
    return grpc_server_add_http2_port(server, address.c_str(), owned_);
  }

  grpc_server_credentials* const owned_;
};

Error CannotHold(const std::string& what) {
  return {ErrorCode::kUnsupported, "TLS " + what +
                                       " can't be set for gRPC, which takes TLS 1.2 and 1.3 with "
                                       "ciphers of its own choice"};
}

}  // namespace

Result<std::unique_ptr<GrpcServerTls>> GrpcServerTls::Open(const TlsServerOptions& tls) {
  if (!tls.cipher_list.empty()) return CannotHold("cipher list \"" + tls.cipher_list + "\"");
  if (!tls.max_version.empty() && tls.max_version != "1.3") {
    return CannotHold("greatest version " + tls.max_version);
  }
  RefusePeersThatGrpcCannotRead();
  TS_TRY_ASSIGN(auto context, TlsContext::ForServer(tls));
  TS_TRY(CheckNamesForGrpc(context->Current().get(), IdentityFileOf(tls)));
  // Its constructor is private.
  return std::unique_ptr<GrpcServerTls>(new GrpcServerTls(tls, std::move(context)));
}

grpc_ssl_certificate_config_reload_status GrpcServerTls::Fetch(
    void* self, grpc_ssl_server_certificate_config** config) {
  GrpcServerTls& tls = *static_cast<GrpcServerTls*>(self);
  std::unique_lock lock(tls.mutex_);
  auto current = tls.context_->Current();
  if (current == tls.given_ || current == tls.refused_)
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  if (const Status read = CheckNamesForGrpc(current.get(), IdentityFileOf(tls.options_));
      !read.has_value()) {
    tls.refused_ = std::move(current);
    lock.unlock();
    if (tls.options_.on_reload)
      tls.options_.on_reload(read.error().message() + "; over gRPC the files read before serve on");
    return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;
  }
  const auto pem = ToPem(current.get());
  if (!pem.has_value()) return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_FAIL;
  const grpc_ssl_pem_key_cert_pair pair{pem->key.c_str(), pem->certificates.c_str()};
  // gRPC wants authorities also where it asks no client: any will do.
  const std::string& roots = tls.asks_clients() ? pem->authorities : pem->certificates;
  *config = grpc_ssl_server_certificate_config_create(roots.c_str(), &pair, 1);
  tls.given_ = std::move(current);
  return GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
}

std::shared_ptr<grpc::ServerCredentials> GrpcServerTls::MakeCredentials() {
  grpc_ssl_server_credentials_options* options =
      grpc_ssl_server_credentials_create_options_using_config_fetcher(
          asks_clients() ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
                        : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE,
          &GrpcServerTls::Fetch, this);
  return std::make_shared<FetchedCredentials>(
      grpc_ssl_server_credentials_create_with_options(options));
}

Result<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsClientOptions& tls, grpc::ChannelArguments& arguments) {
  if (!tls.enabled) return grpc::InsecureChannelCredentials();
  if (tls.min_version == "1.3") return CannotHold("least version 1.3 of a client");
  RefusePeersThatGrpcCannotRead();
  TS_TRY(TlsContext::ForClient(tls));
  grpc::experimental::TlsChannelCredentialsOptions options;
  if (!tls.ca_file.empty() || !tls.cert_file.empty()) {
    options.set_certificate_provider(std::make_shared<FileWatcherCertificateProvider>(
        tls.key_file, tls.cert_file, tls.ca_file, kRefreshSeconds));
  }
  if (!tls.ca_file.empty()) options.watch_root_certs();
  if (!tls.cert_file.empty()) options.watch_identity_key_cert_pairs();
  if (tls.skip_verify) {
    options.set_verify_server_certs(false);
    options.set_check_call_host(false);
    options.set_certificate_verifier(
        std::make_shared<grpc::experimental::NoOpCertificateVerifier>());
  }
  if (!tls.server_name.empty()) arguments.SetSslTargetNameOverride(tls.server_name);
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace tracestore::net
