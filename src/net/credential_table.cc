#include "net/credential_table.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstddef>
#include <memory>
#include <sstream>

#include "base/try.h"
#include "net/credentials.h"

namespace tracestore::net {
namespace {

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

Error Wrong(const std::string& path, std::size_t line, const std::string& what) {
  return {ErrorCode::kInvalidArgument,
          "auth file " + path + " line " + std::to_string(line) + ": " + what};
}

Status TakeToken(std::istringstream& words, const std::string& path, std::size_t number,
                 CredentialTable& table) {
  std::string name, hash, more;
  words >> name >> hash;
  if (hash.empty() || (words >> more))
    return Wrong(path, number, "a token's line is: bearer NAME SHA256");
  if (hash.size() != 64 || hash.find_first_not_of("0123456789abcdef") != std::string::npos) {
    return Wrong(path, number,
                 "the hash of token " + name + " is not 64 lower-case hexadecimal digits");
  }
  table.tokens.emplace_back(std::move(name), std::move(hash));
  return {};
}

Status TakeUser(const std::string& line, const std::string& path, std::size_t number,
                CredentialTable& table) {
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
  if (!table.users.emplace(name, std::move(hash)).second)
    return Wrong(path, number, name + " stands here twice");
  return {};
}

}  // namespace

std::optional<std::string> CredentialTable::CheckToken(std::string_view token) const {
  const std::string hash = HashToken(token);
  std::optional<std::string> found;
  for (const auto& [name, wanted] : tokens) {
    if (Same(hash, wanted)) found = name;
  }
  return found;
}

std::optional<std::string> CredentialTable::CheckPassword(std::string_view encoded) const {
  const auto shown = DecodeBasic(encoded);
  if (!shown || users.empty()) return std::nullopt;
  const auto at = users.find(shown->name);
  const bool known = at != users.end();
  const bool fits = Fits(shown->password, known ? at->second : users.begin()->second);
  if (!known || !fits) return std::nullopt;
  return at->first;
}

std::optional<NamedPassword> DecodeBasic(std::string_view encoded) {
  const auto decoded = Base64Decode(encoded);
  if (!decoded) return std::nullopt;
  const std::size_t colon = decoded->find(':');
  if (colon == std::string::npos) return std::nullopt;
  NamedPassword shown{decoded->substr(0, colon), decoded->substr(colon + 1)};
  if (shown.password.size() > CRYPT_MAX_PASSPHRASE_SIZE - 1 ||
      shown.password.find('\0') != std::string::npos) {
    return std::nullopt;
  }
  return shown;
}

Result<CredentialTable> ParseCredentials(const std::string& text, const std::string& path) {
  CredentialTable table;
  std::istringstream lines(text);
  std::string line;
  for (std::size_t number = 1; std::getline(lines, line); ++number) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty() || line.front() == '#') continue;
    std::istringstream words(line);
    std::string first;
    words >> first;
    if (first == "bearer") {
      TS_TRY(TakeToken(words, path, number, table));
    } else {
      TS_TRY(TakeUser(line, path, number, table));
    }
  }
  return table;
}

}  // namespace tracestore::net
