#include "ingest/receivers/media_type.h"

#include <algorithm>
#include <map>

namespace tracestore::ingest {
namespace {

constexpr std::string_view kSpace = " \t\n\v\f\r";

std::string_view TrimmedLeft(std::string_view text) {
  return text.substr(std::min(text.find_first_not_of(kSpace), text.size()));
}

std::string_view Trimmed(std::string_view text) {
  text = TrimmedLeft(text);
  return text.substr(0, text.find_last_not_of(kSpace) + 1);
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

// RFC 2045's.
bool IsSpecial(char c) {
  return std::string_view("()<>@,;:\\\"/[]?=").find(c) != std::string_view::npos;
}
bool IsTokenChar(char c) { return c > 0x20 && c < 0x7F && !IsSpecial(c); }

// These three take what they give from the front of `rest`.
std::string_view TakeToken(std::string_view& rest) {
  const auto end = std::find_if_not(rest.begin(), rest.end(), IsTokenChar);
  const std::string_view token = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(token.size());
  return token;
}

// False where nothing that is a value stands there.
bool TakeValue(std::string_view& rest, std::string& out) {
  if (rest.substr(0, 1) != "\"") {
    out = TakeToken(rest);
    return !out.empty();
  }
  for (std::size_t i = 1; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      rest.remove_prefix(i + 1);
      return true;
    }
    if (rest[i] == '\r' || rest[i] == '\n') return false;
    // Any other backslash is one of a path.
    if (rest[i] == '\\' && i + 1 < rest.size() && IsSpecial(rest[i + 1])) ++i;
    out += rest[i];
  }
  return false;
}

// "; name=value".
bool TakeParameter(std::string_view& rest, std::string& name, std::string& value) {
  const auto take = [&rest](char c) {
    rest = TrimmedLeft(rest);
    if (rest.empty() || rest[0] != c) return false;
    rest = TrimmedLeft(rest.substr(1));
    return true;
  };
  if (!take(';')) return false;
  name = Lower(TakeToken(rest));
  return !name.empty() && take('=') && TakeValue(rest, value);
}

Error Wrong(const char* what) {
  return {ErrorCode::kInvalidArgument, std::string("mime: ") + what};
}

}  // namespace

Result<std::string> ParseMediaType(std::string_view header) {
  const std::string_view base = header.substr(0, header.find(';'));
  std::string type = Lower(Trimmed(base));
  std::string_view rest = type;
  if (TakeToken(rest).empty()) return Wrong("no media type");
  if (!rest.empty()) {
    if (rest[0] != '/') return Wrong("expected slash after first token");
    rest.remove_prefix(1);
    if (TakeToken(rest).empty()) return Wrong("expected token after slash");
    if (!rest.empty()) return Wrong("unexpected content after media subtype");
  }
  std::map<std::string, std::string> seen;
  for (rest = Trimmed(header.substr(base.size())); !rest.empty() && rest != ";";
       rest = TrimmedLeft(rest)) {
    std::string name;
    std::string value;
    if (!TakeParameter(rest, name, value)) return Wrong("invalid media parameter");
    const auto [known, added] = seen.emplace(std::move(name), value);
    if (!added && known->second != value) return Wrong("duplicate parameter name");
  }
  return type;
}

}  // namespace tracestore::ingest
