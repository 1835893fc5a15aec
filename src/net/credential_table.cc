#include "net/credential_table.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <sstream>
#include <utility>

#include "base/try.h"
#include "net/credentials.h"
#include "net/tenancy.h"

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
                 Credential who, CredentialTable& table) {
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
                Credential who, CredentialTable& table) {
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
  if (!table.users.emplace(name, CredentialTable::Entry{std::move(hash), std::move(who)}).second)
    return Wrong(path, number, name + " stands here twice");
  return {};
}

}  // namespace

std::optional<Credential> CredentialTable::CheckToken(std::string_view token) const {
  const std::string hash = HashToken(token);
  std::optional<Credential> found;
  for (const Entry& each : tokens) {
    if (Same(hash, each.hash)) found = each.who;
  }
  return found;
}

std::optional<Credential> CredentialTable::CheckPassword(std::string_view encoded) const {
  const auto shown = DecodeBasic(encoded);
  if (!shown || users.empty()) return std::nullopt;
  const auto at = users.find(shown->name);
  const bool known = at != users.end();
  const bool fits = Fits(shown->password, (known ? at : users.begin())->second.hash);
  if (!known || !fits) return std::nullopt;
  return at->second.who;
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

}  // namespace tracestore::net
