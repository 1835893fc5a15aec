// HttpRouter: method and path pattern to handler.
#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "net/http.h"

namespace tracestore::net {

// The decoded values of a pattern's {names}, in the pattern's order.
class PathParams {
 public:
  // "" for a name that the pattern doesn't have.
  const std::string& operator[](std::string_view name) const noexcept;
  const NamedValues& entries() const noexcept { return entries_; }
  void Add(std::string name, std::string value);

 private:
  NamedValues entries_;
};

using RouteHandler = std::function<HttpResponse(const HttpRequest&, const PathParams&)>;

// Built by one thread, then Handle() may be called from many. The router is a value: a server's
// handler is `[router = std::move(router)](const HttpRequest& r) { return router.Handle(r); }`.
//
// A pattern is "/api/services/{service}/operations": a {name} takes one segment that isn't empty
// and is decoded after the split, so that a service called "a/b" (sent as a%2Fb) is one segment. A
// last {name*} takes all that is left, maybe nothing. Where several patterns match, the one with
// the earlier literal segment wins. HEAD is answered by GET's handler where it has none.
class HttpRouter {
 public:
  HttpRouter();

  // Precondition (asserted): the pattern begins with '/', and method and shape are new.
  void Add(std::string method, std::string_view pattern, RouteHandler handler);

  // No pattern matches. Default: 404, text.
  void SetNotFound(HttpHandler handler) { not_found_ = std::move(handler); }
  // A pattern matches, but not with this method. Default: 405, text. `Allow` is added in any case.
  void SetMethodNotAllowed(HttpHandler handler) { method_not_allowed_ = std::move(handler); }

  // What answered it is in HttpResponse::route.
  HttpResponse Handle(const HttpRequest& request) const;

 private:
  struct Segment {
    enum class Kind : unsigned char { kLiteral, kOne, kRest } kind;
    std::string text;  // the literal, or the name
  };
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<Segment> segments;
    RouteHandler handler;
  };
  static HttpResponse Ask(const Route& route, const HttpRequest& request,
                          const std::vector<std::string>& path);
  static bool Matches(const Route& route, const std::vector<std::string>& path);
  static bool ComesFirst(const Route& a, const Route& b) noexcept;
  static PathParams Params(const Route& route, const std::vector<std::string>& path);

  std::vector<Route> routes_;  // in the order of precedence
  HttpHandler not_found_;
  HttpHandler method_not_allowed_;
};

}  // namespace tracestore::net
