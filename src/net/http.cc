#include "net/http.h"

#include <algorithm>

#include "base/hex.h"

namespace tracestore::net {
namespace {

char Lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

Error BadTarget(std::string_view target) {
  constexpr std::size_t kShown = 200;  // enough to recognise the request, fit for a log line
  return {ErrorCode::kInvalidArgument,
          "bad request target \"" + std::string(target.substr(0, kShown)) + "\""};
}

// The path and query of "http://host:port/path?query".
std::string_view StripOrigin(std::string_view target) {
  const auto scheme = target.find("://");
  if (scheme == std::string_view::npos) return {};
  const auto begin = target.find_first_of("/?", scheme + 3);
  return begin == std::string_view::npos ? std::string_view("/") : target.substr(begin);
}

}  // namespace

bool EqualsIgnoreCase(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(),
                    [](char x, char y) { return Lower(x) == Lower(y); });
}

std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%') {
      if (text.size() - i < 3) return std::nullopt;
      const int high = base::HexDigit(text[i + 1]);
      const int low = base::HexDigit(text[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    } else {
      out += plus_is_space && text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

Result<QueryParams> QueryParams::Parse(std::string_view text) {
  QueryParams params;
  while (!text.empty()) {
    const auto end = text.find('&');
    const auto part = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    if (part.empty()) continue;
    const auto equals = part.find('=');
    auto name = PercentDecode(part.substr(0, equals), true);
    auto value = PercentDecode(
        equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1), true);
    if (!name || !value) {
      return Error{ErrorCode::kInvalidArgument,
                   "bad percent-encoding in query parameter \"" + std::string(part.substr(0, 200)) +
                       "\""};
    }
    params.Add(std::move(*name), std::move(*value));
  }
  return params;
}

std::optional<std::string_view> QueryParams::first(std::string_view name) const noexcept {
  for (const auto& [key, value] : entries_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::vector<std::string_view> QueryParams::all(std::string_view name) const {
  std::vector<std::string_view> values;
  for (const auto& [key, value] : entries_) {
    if (key == name) values.emplace_back(value);
  }
  return values;
}

void QueryParams::Add(std::string name, std::string value) {
  entries_.emplace_back(std::move(name), std::move(value));
}

std::string_view HttpRequest::header(std::string_view name) const noexcept {
  for (const auto& [key, value] : headers) {
    if (EqualsIgnoreCase(key, name)) return value;
  }
  return {};
}

bool HttpRequest::has_header(std::string_view name) const noexcept {
  return std::any_of(headers.begin(), headers.end(),
                     [name](const auto& entry) { return EqualsIgnoreCase(entry.first, name); });
}

Status HttpRequest::SetTarget(std::string_view target) {
  raw_target = target;
  std::string_view rest = target.substr(0, target.find('#'));
  if (rest != "*" && (rest.empty() || rest.front() != '/')) rest = StripOrigin(rest);
  if (rest.empty()) return BadTarget(target);
  const auto question = rest.find('?');
  raw_path = rest.substr(0, question);
  if (raw_path.empty()) raw_path = "/";
  auto decoded = PercentDecode(raw_path, false);
  if (!decoded) return BadTarget(target);
  path = std::move(*decoded);
  query = {};
  if (question == std::string_view::npos) return {};
  auto parsed = QueryParams::Parse(rest.substr(question + 1));
  if (!parsed.has_value()) return std::move(parsed).error();
  query = std::move(parsed).value();
  return {};
}

HttpResponse HttpResponse::Text(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(body);
  return response;
}

HttpResponse HttpResponse::Json(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.content_type = "application/json";
  response.body = std::move(body);
  return response;
}

std::string_view ReasonPhrase(int status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 201: return "Created";
    case 202: return "Accepted";
    case 204: return "No Content";
    case 206: return "Partial Content";
    case 301: return "Moved Permanently";
    case 302: return "Found";
    case 303: return "See Other";
    case 304: return "Not Modified";
    case 307: return "Temporary Redirect";
    case 308: return "Permanent Redirect";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 406: return "Not Acceptable";
    case 408: return "Request Timeout";
    case 409: return "Conflict";
    case 410: return "Gone";
    case 411: return "Length Required";
    case 413: return "Payload Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 422: return "Unprocessable Entity";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 499: return "Client Closed Request";
    case 500: return "Internal Server Error";
    case 501: return "Not Implemented";
    case 502: return "Bad Gateway";
    case 503: return "Service Unavailable";
    case 504: return "Gateway Timeout";
    case 505: return "HTTP Version Not Supported";
    default: return "Unknown";
  }
}

}  // namespace tracestore::net
