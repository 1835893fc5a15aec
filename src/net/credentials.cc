#include "net/credentials.h"

#include <crypt.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <utility>

#include "base/try.h"
#include "net/credential_table.h"
#include "net/http.h"
#include "net/secret_file.h"

namespace tracestore::net {
namespace {

using Clock = std::chrono::steady_clock;
using Digest = std::array<unsigned char, 32>;

constexpr std::size_t kMostFileBytes = std::size_t{4} << 20;
// Of a header that is looked at: a token is 43 bytes, a password at most 512 (crypt(3)).
constexpr std::size_t kMostHeaderBytes = 4096;
constexpr std::size_t kMostRemembered = 4096;
constexpr std::chrono::minutes kRememberGood{5};
constexpr std::chrono::seconds kRememberBad{10};

Digest Sha256(std::string_view bytes) {
  Digest digest{};
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), &size, EVP_sha256(), nullptr);
  return digest;
}

std::string HexOf(const Digest& digest) {
  std::string out;
  for (const unsigned char byte : digest) {
    constexpr const char* kDigits = "0123456789abcdef";
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

}  // namespace

struct Credentials::Impl {
  std::string path;
  Observer observer;
  std::chrono::milliseconds reload_interval{};
  std::array<unsigned char, 32> key{};  // of what is remembered

  std::mutex mutex;
  std::shared_ptr<const CredentialTable> table;  // guarded by mutex, as what follows
  FileStamp stamp;
  Clock::time_point next_look;
  struct Remembered {
    std::optional<Credential> who;
    Clock::time_point until;
  };
  std::map<Digest, Remembered> remembered;

  std::mutex hashing;  // one password is checked at a time

  Status Read() {
    const FileStamp now = FileStamp::Of(path);
    TS_TRY_ASSIGN(const std::string text, ReadSecretFile(path, kMostFileBytes));
    TS_TRY_ASSIGN(CredentialTable read, ParseCredentials(text, path));
    const std::lock_guard lock(mutex);
    table = std::make_shared<const CredentialTable>(std::move(read));
    stamp = now;
    remembered.clear();
    return {};
  }

  // Reads the file where it has changed; a broken one is told of once.
  void Look() {
    {
      const std::lock_guard lock(mutex);
      if (Clock::now() < next_look) return;
      next_look = Clock::now() + reload_interval;
      const FileStamp now = FileStamp::Of(path);
      if (now == stamp) return;
      stamp = now;
    }
    const Status read = Read();
    if (!observer) return;
    observer(read.has_value() ? "auth file " + path + " was read anew"
                              : read.error().message() + "; the old credentials hold on");
  }

  Digest KeyOf(std::string_view authorization) const {
    Digest digest{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(authorization.data()), authorization.size(),
         digest.data(), &size);
    return digest;
  }
};

Credentials::Credentials(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Credentials::~Credentials() = default;

Result<std::shared_ptr<Credentials>> Credentials::Open(const std::string& path, Observer observer,
                                                       std::chrono::milliseconds reload_interval) {
  auto impl = std::make_unique<Impl>();
  impl->path = path;
  impl->observer = std::move(observer);
  impl->reload_interval = reload_interval;
  if (RAND_bytes(impl->key.data(), static_cast<int>(impl->key.size())) != 1)
    return Error(ErrorCode::kIo, "no random bytes for the auth file");
  TS_TRY(impl->Read());
  return std::shared_ptr<Credentials>(new Credentials(std::move(impl)));
}

Status Credentials::Reload() { return impl_->Read(); }

bool Credential::MayActFor(std::string_view tenant) const noexcept {
  return tenants == nullptr ||
      std::find(tenants->begin(), tenants->end(), tenant) != tenants->end();
}

std::optional<Credential> Credentials::Check(std::string_view authorization) {
  impl_->Look();
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos || authorization.size() > kMostHeaderBytes)
    return std::nullopt;
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view shown = authorization.substr(space + 1);
  std::shared_ptr<const CredentialTable> table;
  const Digest key = impl_->KeyOf(authorization);
  {
    const std::lock_guard lock(impl_->mutex);
    table = impl_->table;
    const auto known = impl_->remembered.find(key);
    if (known != impl_->remembered.end() && Clock::now() < known->second.until)
      return known->second.who;
  }
  if (EqualsIgnoreCase(scheme, "bearer")) return table->CheckToken(shown);
  if (!EqualsIgnoreCase(scheme, "basic")) return std::nullopt;
  const std::lock_guard hashing(impl_->hashing);
  {
    // Another may have asked the same meanwhile.
    const std::lock_guard lock(impl_->mutex);
    const auto known = impl_->remembered.find(key);
    if (known != impl_->remembered.end() && Clock::now() < known->second.until)
      return known->second.who;
  }
  const auto who = table->CheckPassword(shown);
  const std::lock_guard lock(impl_->mutex);
  if (impl_->table != table) return who;  // read anew meanwhile: not to be remembered
  if (impl_->remembered.size() >= kMostRemembered) impl_->remembered.clear();
  impl_->remembered[key] = {
      who, Clock::now() + (who ? Clock::duration(kRememberGood) : Clock::duration(kRememberBad))};
  return who;
}

Result<std::string> HashPassword(const std::string& password) {
  if (password.size() > CRYPT_MAX_PASSPHRASE_SIZE - 1)
    return Error(ErrorCode::kInvalidArgument, "the password is longer than 511 bytes");
  if (password.find('\0') != std::string::npos)
    return Error(ErrorCode::kInvalidArgument, "the password has a NUL in it");
  std::array<char, CRYPT_GENSALT_OUTPUT_SIZE> salt{};
  const auto data = std::make_unique<crypt_data>();
  if (crypt_gensalt_rn("$y$", 0, nullptr, 0, salt.data(), static_cast<int>(salt.size())) == nullptr)
    return Error(ErrorCode::kIo, std::string("crypt_gensalt: ") + std::strerror(errno));
  const char* const hash = crypt_r(password.c_str(), salt.data(), data.get());
  if (hash == nullptr || hash[0] == '*')
    return Error(ErrorCode::kIo, std::string("crypt: ") + std::strerror(errno));
  return std::string(hash);
}

Result<std::string> MakeToken() {
  std::array<unsigned char, 32> bits{};
  if (RAND_bytes(bits.data(), static_cast<int>(bits.size())) != 1)
    return Error(ErrorCode::kIo, "no random bytes for a token");
  std::string text(45, '\0');
  const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), bits.data(),
                                   static_cast<int>(bits.size()));
  text.resize(static_cast<std::size_t>(size));
  while (text.ends_with('=')) text.pop_back();
  return text;
}

std::string HashToken(std::string_view token) { return HexOf(Sha256(token)); }

}  // namespace tracestore::net
