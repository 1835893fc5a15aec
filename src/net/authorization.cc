#include "net/authorization.h"

#include <openssl/evp.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <utility>

#include "base/try.h"
#include "net/secret_file.h"

namespace tracestore::net {
namespace {

constexpr std::size_t kMostBytes = 2048;
constexpr std::chrono::seconds kLookEvery{1};

std::string Base64(const std::string& bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                   reinterpret_cast<const unsigned char*>(bytes.data()),
                                   static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(size));
  return text;
}

Result<std::string> Read(AuthorizationScheme scheme, const std::string& path) {
  TS_TRY_ASSIGN(std::string secret, ReadSecretFile(path, kMostBytes));
  while (!secret.empty() && static_cast<unsigned char>(secret.back()) <= ' ') secret.pop_back();
  const auto control = [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7F; };
  if (secret.empty()) return Error(ErrorCode::kInvalidArgument, "auth file " + path + " is empty");
  if (std::any_of(secret.begin(), secret.end(), control)) {
    return Error(ErrorCode::kInvalidArgument,
                 "auth file " + path + " has a control character in its secret");
  }
  if (scheme == AuthorizationScheme::kBearer) return "Bearer " + secret;
  if (secret.find(':') == std::string::npos)
    return Error(ErrorCode::kInvalidArgument, "auth file " + path + " is not NAME:PASSWORD");
  return "Basic " + Base64(secret);
}

}  // namespace

struct AuthorizationFile::Impl {
  AuthorizationScheme scheme = AuthorizationScheme::kBearer;
  std::string path;
  std::mutex mutex;
  std::string value;  // guarded by mutex, as what follows
  FileStamp stamp;
  std::chrono::steady_clock::time_point next_look;
};

AuthorizationFile::AuthorizationFile(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AuthorizationFile::~AuthorizationFile() = default;

Result<std::shared_ptr<AuthorizationFile>> AuthorizationFile::Open(AuthorizationScheme scheme,
                                                                   const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->scheme = scheme;
  impl->path = path;
  impl->stamp = FileStamp::Of(path);
  TS_TRY_ASSIGN(impl->value, Read(scheme, path));
  return std::shared_ptr<AuthorizationFile>(new AuthorizationFile(std::move(impl)));
}

std::string AuthorizationFile::Value() {
  const std::lock_guard lock(impl_->mutex);
  const auto now = std::chrono::steady_clock::now();
  if (now >= impl_->next_look) {
    impl_->next_look = now + kLookEvery;
    const FileStamp stamp = FileStamp::Of(impl_->path);
    if (!(stamp == impl_->stamp)) {
      auto read = Read(impl_->scheme, impl_->path);
      if (read.has_value()) {
        impl_->value = std::move(read).value();
        impl_->stamp = stamp;
      }
    }
  }
  return impl_->value;
}

}  // namespace tracestore::net
