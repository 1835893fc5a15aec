#include "net/grpc_tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include "base/try.h"
#include "net/tls_context.h"

namespace tracestore::net {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kRefreshSeconds = 1;  // gRPC's least

Error CannotHold(const std::string& what) {
  return {ErrorCode::kUnsupported, "TLS " + what + " can't be set for gRPC, which takes TLS 1.2 and "
                                   "1.3 with ciphers of its own choice"};
}

}  // namespace

Result<std::shared_ptr<grpc::ServerCredentials>> MakeServerCredentials(
    const TlsServerOptions& tls) {
  if (!tls.cipher_list.empty()) return CannotHold("cipher list \"" + tls.cipher_list + "\"");
  if (!tls.max_version.empty() && tls.max_version != "1.3") {
    return CannotHold("greatest version " + tls.max_version);
  }
  TS_TRY(TlsContext::ForServer(tls));  // gRPC wouldn't say what is wrong with the files
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<FileWatcherCertificateProvider>(tls.key_file, tls.cert_file,
                                                       tls.client_ca_file, kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  if (!tls.client_ca_file.empty()) {
    options.watch_root_certs();
    options.set_cert_request_type(GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  }
  return grpc::experimental::TlsServerCredentials(options);
}

Result<std::shared_ptr<grpc::ChannelCredentials>> MakeChannelCredentials(
    const TlsClientOptions& tls, grpc::ChannelArguments& arguments) {
  if (!tls.enabled) return grpc::InsecureChannelCredentials();
  if (tls.min_version == "1.3") return CannotHold("least version 1.3 of a client");
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
