#include "net/http_router.h"

#include <algorithm>
#include <cassert>
#include <optional>

namespace tracestore::net {
namespace {

std::vector<std::string_view> SplitPath(std::string_view path) {
  std::vector<std::string_view> segments;
  if (!path.empty() && path.front() == '/') path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

// nullopt where the encoding is broken; a request that came through SetTarget has none such.
std::optional<std::vector<std::string>> DecodedSegments(std::string_view path) {
  std::vector<std::string> decoded;
  for (const auto segment : SplitPath(path)) {
    auto text = PercentDecode(segment, false);
    if (!text) return std::nullopt;
    decoded.push_back(std::move(*text));
  }
  return decoded;
}

}  // namespace

const std::string& PathParams::operator[](std::string_view name) const noexcept {
  static const std::string kNone;
  for (const auto& [key, value] : entries_) {
    if (key == name) return value;
  }
  return kNone;
}

void PathParams::Add(std::string name, std::string value) {
  entries_.emplace_back(std::move(name), std::move(value));
}

HttpRouter::HttpRouter()
    : not_found_([](const HttpRequest& request) {
        return HttpResponse::Text(404, "no such path: " + request.path + "\n");
      }),
      method_not_allowed_([](const HttpRequest& request) {
        return HttpResponse::Text(
            405, request.method + " is not allowed on " + request.path + "\n");
      }) {}

void HttpRouter::Add(std::string method, std::string_view pattern, RouteHandler handler) {
  assert(!pattern.empty() && pattern.front() == '/');
  Route route{std::move(method), std::string(pattern), {}, std::move(handler)};
  for (auto text : SplitPath(pattern)) {
    Segment segment{Segment::Kind::kLiteral, std::string(text)};
    if (text.size() > 2 && text.front() == '{' && text.back() == '}') {
      text = text.substr(1, text.size() - 2);
      segment.kind = Segment::Kind::kOne;
      if (text.back() == '*') {
        text.remove_suffix(1);
        segment.kind = Segment::Kind::kRest;
      }
      segment.text = text;
    }
    assert(route.segments.empty() || route.segments.back().kind != Segment::Kind::kRest);
    route.segments.push_back(std::move(segment));
  }
  const auto at = std::upper_bound(routes_.begin(), routes_.end(), route, ComesFirst);
  assert(at == routes_.begin() || ComesFirst(*std::prev(at), route) ||
         std::prev(at)->method != route.method);
  routes_.insert(at, std::move(route));
}

// A strict weak order: literals before {one} before {rest*}, literals among themselves by text,
// names ignored; methods of one shape keep the order in which they came.
bool HttpRouter::ComesFirst(const Route& a, const Route& b) noexcept {
  return std::lexicographical_compare(
      a.segments.begin(), a.segments.end(), b.segments.begin(), b.segments.end(),
      [](const Segment& x, const Segment& y) {
        if (x.kind != y.kind) return x.kind < y.kind;
        return x.kind == Segment::Kind::kLiteral && x.text < y.text;
      });
}

bool HttpRouter::Matches(const Route& route, const std::vector<std::string>& path) {
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const Segment& segment = route.segments[i];
    if (segment.kind == Segment::Kind::kRest) return true;
    if (i >= path.size()) return false;
    if (segment.kind == Segment::Kind::kLiteral ? path[i] != segment.text : path[i].empty()) {
      return false;
    }
  }
  return path.size() == route.segments.size();
}

PathParams HttpRouter::Params(const Route& route, const std::vector<std::string>& path) {
  PathParams params;
  for (std::size_t i = 0; i < route.segments.size(); ++i) {
    const Segment& segment = route.segments[i];
    if (segment.kind == Segment::Kind::kOne) params.Add(segment.text, path[i]);
    if (segment.kind != Segment::Kind::kRest) continue;
    std::string rest;
    for (std::size_t j = i; j < path.size(); ++j) {
      if (j > i) rest += '/';
      rest += path[j];
    }
    params.Add(segment.text, std::move(rest));
  }
  return params;
}

HttpResponse HttpRouter::Ask(const Route& route, const HttpRequest& request,
                             const std::vector<std::string>& path) {
  HttpResponse response = route.handler(request, Params(route, path));
  response.route = route.pattern;
  return response;
}

HttpResponse HttpRouter::Handle(const HttpRequest& request) const {
  const auto path = DecodedSegments(request.raw_path.empty() ? request.path : request.raw_path);
  if (!path) return not_found_(request);
  const Route* get = nullptr;
  std::string allowed;
  for (const Route& route : routes_) {
    if (!Matches(route, *path)) continue;
    if (route.method == request.method) return Ask(route, request, *path);
    if (route.method == "GET" && get == nullptr) get = &route;
    const std::string name = route.method == "GET" ? "GET, HEAD" : route.method;
    if (allowed.find(name) != std::string::npos) continue;
    if (!allowed.empty()) allowed += ", ";
    allowed += name;
  }
  if (get != nullptr && request.method == "HEAD") return Ask(*get, request, *path);
  if (allowed.empty()) return not_found_(request);
  HttpResponse response = method_not_allowed_(request);
  response.headers.emplace_back("Allow", std::move(allowed));
  return response;
}

}  // namespace tracestore::net
