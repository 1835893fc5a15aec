#include "net/http2_fields.h"

#include <algorithm>
#include <cstddef>
#include <string>
#include <utility>

namespace tracestore::net {
namespace {

constexpr std::string_view kLineEnd = "\r\n";

std::string ToLower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return lower;
}

std::string_view TakeLine(std::string_view& text) {
  const std::string_view line = text.substr(0, text.find(kLineEnd));
  text.remove_prefix(std::min(text.size(), line.size() + kLineEnd.size()));
  return line;
}

}  // namespace

void TakeField(std::string_view name, std::string_view value, HttpRequest& request) {
  if (name == ":method") {
    request.method = value;
  } else if (name == ":path") {
    request.raw_target = value;
  } else if (name == ":authority") {
    request.headers.emplace_back("host", value);
  } else if (!name.starts_with(':')) {
    request.headers.emplace_back(name, value);
  }
}

NamedValues ResponseFields(std::string_view head) {
  NamedValues fields;
  std::string_view line = TakeLine(head);  // "HTTP/1.1 200 OK"
  fields.emplace_back(":status", line.substr(std::min(line.size(), line.find(' ') + 1), 3));
  while (!(line = TakeLine(head)).empty()) {
    const std::size_t colon = line.find(": ");
    if (colon == std::string_view::npos) continue;
    std::string name = ToLower(line.substr(0, colon));
    if (name == "connection" || name == "transfer-encoding") continue;
    fields.emplace_back(std::move(name), line.substr(colon + 2));
  }
  return fields;
}

}  // namespace tracestore::net
