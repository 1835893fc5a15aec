#include "net/credentials.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "base/try.h"
#include "net/http.h"
#include "net/secret_file.h"
#include "net/tenancy.h"

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

// In the same time wherever they differ.
bool Same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

// Whether crypt(3) makes this hash of the password.
bool Fits(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const made = crypt_r(password.c_str(), hash.c_str(), data.get());
  return made != nullptr && made[0] != '*' && Same(made, hash);
}

std::optional<std::string> Base64Decode(std::string_view text) {
  if (text.empty() || text.size() % 4 != 0) return std::nullopt;
  std::string out(text.size() / 4 * 3, '\0');
  const int size = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()),
                                   reinterpret_cast<const unsigned char*>(text.data()),
                                   static_cast<int>(text.size()));
  if (size < 0) return std::nullopt;
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  out.resize(static_cast<std::size_t>(size) - padding);
  return out;
}

struct User {
  std::string hash;
  Credential who;
};
struct Token {
  std::string hash;  // SHA-256 in hexadecimal
  Credential who;
};
struct Table {
  std::map<std::string, User, std::less<>> users;  // by name
  std::vector<Token> tokens;
};

Error Wrong(const std::string& path, std::size_t line, const std::string& what) {
  return {ErrorCode::kInvalidArgument,
          "auth file " + path + " line " + std::to_string(line) + ": " + what};
}

// Takes " tenants=A,B" off the end of a line; null where there is none.
Result<std::shared_ptr<const std::vector<std::string>>> TakeTenants(std::string& line,
                                                                    const std::string& path,
                                                                    std::size_t number) {
  constexpr std::string_view kMark = " tenants=";
  const std::size_t at = line.rfind(kMark);
  if (at == std::string::npos) return std::shared_ptr<const std::vector<std::string>>();
  std::vector<std::string> tenants;
  std::istringstream names(line.substr(at + kMark.size()));
  for (std::string name; std::getline(names, name, ',');) tenants.push_back(std::move(name));
  if (tenants.empty() || line.back() == ',' ||
      !std::all_of(tenants.begin(), tenants.end(), IsTenantName)) {
    return Wrong(path, number, "what stands behind tenants= are no names of tenants, with commas");
  }
  line.resize(at);
  while (line.ends_with(' ')) line.pop_back();
  return std::make_shared<const std::vector<std::string>>(std::move(tenants));
}

Status TakeToken(std::istringstream& words, const std::string& path, std::size_t number,
                 Credential who, Table& table) {
  std::string name, hash, more;
  words >> name >> hash;
  if (hash.empty() || (words >> more))
    return Wrong(path, number, "a token's line is: bearer NAME SHA256 [tenants=A,B]");
  if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Wrong(path, number,
                 "the hash of token " + name + " is not 64 lower-case hexadecimal digits");
  }
  who.name = std::move(name);
  table.tokens.push_back({std::move(hash), std::move(who)});
  return {};
}

Status TakeUser(const std::string& line, const std::string& path, std::size_t number,
                Credential who, Table& table) {
  const std::size_t colon = line.find(':');
  if (colon == std::string::npos || colon == 0)
    return Wrong(path, number, "it is neither NAME:HASH nor bearer NAME SHA256");
  const std::string name = line.substr(0, colon);
  std::string hash = line.substr(colon + 1);
  const int known = hash.starts_with('$') ? crypt_checksalt(hash.c_str()) : CRYPT_SALT_INVALID;
  if (known != CRYPT_SALT_OK && known != CRYPT_SALT_METHOD_LEGACY) {
    return Wrong(path, number,
                 "the hash of " + name + " is none of crypt(3)'s ($y$, $2b$, $6$, $5$); "
                 "`tracestore credential " + name + "` makes one");
  }
  who.name = name;
  if (!table.users.emplace(name, User{std::move(hash), std::move(who)}).second)
    return Wrong(path, number, name + " stands here twice");
  return {};
}

Result<Table> Parse(const std::string& text, const std::string& path) {
  Table table;
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    Credential who;
    TS_TRY_ASSIGN(who.tenants, TakeTenants(line, path, number));
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "bearer") {
      TS_TRY(TakeToken(words, path, number, std::move(who), table));
    } else {
      TS_TRY(TakeUser(line, path, number, std::move(who), table));
    }
  }
  return table;
}

}  // namespace

struct Credentials::Impl {
  std::string path;
  Observer observer;
  std::chrono::milliseconds reload_interval{};
  std::array<unsigned char, 32> key{};  // of what is remembered

  std::mutex mutex;
  std::shared_ptr<const Table> table;  // guarded by mutex, as what follows
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
    TS_TRY_ASSIGN(Table read, Parse(text, path));
    const std::lock_guard lock(mutex);
    table = std::make_shared<const Table>(std::move(read));
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

  static std::optional<Credential> CheckToken(const Table& table, std::string_view token) {
    const std::string hash = HexOf(Sha256(token));
    std::optional<Credential> found;
    for (const Token& each : table.tokens) {
      if (Same(hash, each.hash)) found = each.who;
    }
    return found;
  }

  // A name that isn't there costs what one that is does.
  static std::optional<Credential> CheckPassword(const Table& table, std::string_view encoded) {
    const auto decoded = Base64Decode(encoded);
    if (!decoded || table.users.empty()) return std::nullopt;
    const std::size_t colon = decoded->find(':');
    if (colon == std::string::npos) return std::nullopt;
    const std::string password = decoded->substr(colon + 1);
    if (password.size() > CRYPT_MAX_PASSPHRASE_SIZE - 1 ||
        password.find('\0') != std::string::npos) {
      return std::nullopt;
    }
    const auto at = table.users.find(std::string_view(*decoded).substr(0, colon));
    const bool known = at != table.users.end();
    const bool fits = Fits(password, (known ? at : table.users.begin())->second.hash);
    if (!known || !fits) return std::nullopt;
    return at->second.who;
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
  return tenants == nullptr || std::find(tenants->begin(), tenants->end(), tenant) != tenants->end();
}

std::optional<Credential> Credentials::Check(std::string_view authorization) {
  impl_->Look();
  const std::size_t space = authorization.find(' ');
  if (space == std::string_view::npos || authorization.size() > kMostHeaderBytes)
    return std::nullopt;
  const std::string_view scheme = authorization.substr(0, space);
  const std::string_view shown = authorization.substr(space + 1);
  std::shared_ptr<const Table> table;
  const Digest key = impl_->KeyOf(authorization);
  {
    const std::lock_guard lock(impl_->mutex);
    table = impl_->table;
    const auto known = impl_->remembered.find(key);
    if (known != impl_->remembered.end() && Clock::now() < known->second.until)
      return known->second.who;
  }
  if (EqualsIgnoreCase(scheme, "bearer")) return Impl::CheckToken(*table, shown);
  if (!EqualsIgnoreCase(scheme, "basic")) return std::nullopt;
  const std::lock_guard hashing(impl_->hashing);
  {
    // Another may have asked the same meanwhile.
    const std::lock_guard lock(impl_->mutex);
    const auto known = impl_->remembered.find(key);
    if (known != impl_->remembered.end() && Clock::now() < known->second.until)
      return known->second.who;
  }
  const auto who = Impl::CheckPassword(*table, shown);
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
