// Any bytes as a file of credentials, and as what a client shows. Users' hashes are not computed:
// how long one takes is the file's to say (crypt(3)); its owner is the operator.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/credential_table.h"

using namespace tracestore;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

void TryFile(const std::string& text) {
  const auto table = net::ParseCredentials(text, "file");
  if (!table.has_value()) {
    Check(table.error().message().starts_with("auth file file line "));
    return;
  }
  for (const auto& [name, user] : table->users) {
    Check(!name.empty() && name == user.who.name && user.hash.starts_with('$'));
    Check(name.find('\n') == std::string::npos && user.hash.find('\n') == std::string::npos);
    Check(user.who.tenants == nullptr || !user.who.tenants->empty());
  }
  for (const auto& token : table->tokens) {
    Check(!token.who.name.empty() && token.hash.size() == 64);
    Check(!table->CheckToken(token.hash).has_value());  // the hash is no token
  }
}

void TryShown(std::string_view shown) {
  const auto basic = net::DecodeBasic(shown);
  if (!basic) return;
  Check(basic->name.find(':') == std::string::npos);
  Check(basic->name.size() + 1 + basic->password.size() <= shown.size() / 4 * 3);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  TryFile(text);
  TryShown(text);
  return 0;
}
