#include "net/grpc_tls.h"

#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "net/secret_file.h"

namespace tracestore::net {
namespace {

using grpc::experimental::FileWatcherCertificateProvider;

constexpr unsigned kRefreshSeconds = 1;  // gRPC's least
constexpr std::size_t kMostFileBytes = std::size_t{16} << 20;  // of CAs there may be many

Error CannotHold(const std::string& what) {
  return {ErrorCode::kUnsupported, "TLS " + what + " can't be set for gRPC, which takes TLS 1.2 and "
                                   "1.3 with ciphers of its own choice"};
}

}  // namespace

Result<std::unique_ptr<GrpcServerTls>> GrpcServerTls::Open(const TlsServerOptions& tls) {
  if (!tls.cipher_list.empty()) return CannotHold("cipher list \"" + tls.cipher_list + "\"");
  if (!tls.max_version.empty() && tls.max_version != "1.3") {
    return CannotHold("greatest version " + tls.max_version);
  }
  TS_TRY_ASSIGN(auto context, TlsContext::ForServer(tls));
  // Its constructor is private.
  std::unique_ptr<GrpcServerTls> made(new GrpcServerTls(tls, std::move(context)));
  made->copied_ = made->context_->Current();
  TS_TRY(made->MakeCopy(tls.cert_file));
  TS_TRY(made->MakeCopy(tls.key_file));
  if (!tls.client_ca_file.empty()) TS_TRY(made->MakeCopy(tls.client_ca_file));
  return made;
}

GrpcServerTls::~GrpcServerTls() {
  for (const Copy& copy : copies_) close(copy.fd);
}

Status GrpcServerTls::MakeCopy(const std::string& path) {
  const Copy copy{path, memfd_create("tracestore-tls", MFD_CLOEXEC)};
  if (copy.fd < 0) {
    return Error(ErrorCode::kIo, "no memory file for TLS file " + path + ": " +
                                     std::generic_category().message(errno));
  }
  copies_.push_back(copy);
  return Fill(copy);
}

// Written over what was there: gRPC, which may read meanwhile, reads again a second later.
Status GrpcServerTls::Fill(const Copy& copy) {
  TS_TRY_ASSIGN(const std::string bytes, ReadSecretFile(copy.path, kMostFileBytes));
  const auto size = static_cast<ssize_t>(bytes.size());
  if (pwrite(copy.fd, bytes.data(), bytes.size(), 0) != size || ftruncate(copy.fd, size) != 0) {
    return Error(ErrorCode::kIo, "cannot copy TLS file " + copy.path + ": " +
                                     std::generic_category().message(errno));
  }
  return {};
}

std::string GrpcServerTls::PathOf(const Copy& copy) {
  return "/proc/self/fd/" + std::to_string(copy.fd);
}

void GrpcServerTls::Refresh() {
  const std::lock_guard lock(mutex_);
  auto current = context_->Current();
  if (current == copied_) return;
  bool good = true;
  for (const Copy& copy : copies_) good = Fill(copy).has_value() && good;
  if (good) copied_ = std::move(current);  // else again with the next connection
}

std::shared_ptr<grpc::ServerCredentials> GrpcServerTls::MakeCredentials() const {
  const bool asks = copies_.size() > 2;
  grpc::experimental::TlsServerCredentialsOptions options(
      std::make_shared<FileWatcherCertificateProvider>(PathOf(copies_[1]), PathOf(copies_[0]),
                                                       asks ? PathOf(copies_[2]) : "",
                                                       kRefreshSeconds));
  options.watch_identity_key_cert_pairs();
  options.set_cert_request_type(GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE);
  if (asks) {
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
