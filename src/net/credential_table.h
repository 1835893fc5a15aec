// CredentialTable: the lines of a file of credentials (net/credentials.h), and whom a header's
// value fits. Pure. Private to this room.
#pragma once
#include <tracestore/status.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/credentials.h"

namespace tracestore::net {

struct CredentialTable {
  struct Entry {
    std::string hash;  // as crypt(3) makes it; of a token SHA-256 in hexadecimal
    Credential who;
  };
  std::map<std::string, Entry, std::less<>> users;  // by name
  std::vector<Entry> tokens;

  // Whose token it is. Of two the later.
  std::optional<Credential> CheckToken(std::string_view token) const;
  // Whose "name:password" in base64 it is. Takes as long as the user's hash wants; a name that
  // isn't there costs what the first one costs.
  std::optional<Credential> CheckPassword(std::string_view encoded) const;
};

// `path` stands in the errors: kInvalidArgument, "auth file PATH line 3: …".
Result<CredentialTable> ParseCredentials(const std::string& text, const std::string& path);

// Name and password of the value of an Authorization header behind "Basic ": nullopt for what is no
// such value, or no password that crypt(3) takes.
struct NamedPassword {
  std::string name;
  std::string password;
};
std::optional<NamedPassword> DecodeBasic(std::string_view encoded);

}  // namespace tracestore::net
