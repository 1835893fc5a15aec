// HTTP as plain values: what a handler gets and gives. No socket and no third-party type here.
#pragma once
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::net {

// ASCII letters compare without case; used for header names and content codings.
bool EqualsIgnoreCase(std::string_view a, std::string_view b) noexcept;

// %XX decoded; with `plus_is_space` also '+' (queries, not paths). nullopt: a '%' without two
// digits.
std::optional<std::string> PercentDecode(std::string_view text, bool plus_is_space);

// Names and values in the order they came, repeats kept.
using NamedValues = std::vector<std::pair<std::string, std::string>>;

// The decoded parameters of a query string or of a form body. Names compare with case.
class QueryParams {
 public:
  // "a=1&b=2&a=3", '+' and %XX decoded. A part without '=' has the value "". Errors:
  // kInvalidArgument if the percent-encoding is broken.
  static Result<QueryParams> Parse(std::string_view text);

  bool has(std::string_view name) const noexcept { return first(name).has_value(); }
  // Views live as long as this object.
  std::optional<std::string_view> first(std::string_view name) const noexcept;
  std::vector<std::string_view> all(std::string_view name) const;
  const NamedValues& entries() const noexcept { return entries_; }
  void Add(std::string name, std::string value);

 private:
  NamedValues entries_;
};

struct HttpRequest {
  std::string method;      // as sent, "GET"
  std::string raw_target;  // as sent, "/api/traces/ab%2Fc?limit=3"
  std::string raw_path;    // the path of it, still encoded: what a router splits at '/'
  std::string path;        // decoded as a whole
  QueryParams query;
  NamedValues headers;
  std::string body;  // whole, content coding undone
  std::string peer;  // "127.0.0.1:41234", "[::1]:41234"
  std::string tenant;  // whose it is, where a TenancyGate() is; else ""
  // Asked to stop when the server's grace at shutdown is over; long handlers look at it.
  std::stop_token stop;

  // The first header of that name in any case; "" if there is none.
  std::string_view header(std::string_view name) const noexcept;
  bool has_header(std::string_view name) const noexcept;

  // Sets raw_target, raw_path, path and query from an origin-form ("/x?y"), absolute-form
  // ("http://host/x") or asterisk-form target. Errors: kInvalidArgument.
  Status SetTarget(std::string_view target);
};

// Gives the next piece of a body in `chunk` (empty on entry) and returns true, or false after the
// last (what is in `chunk` then is still sent). An Error breaks the connection off, so that the
// client never takes half an answer for a whole one; before the first byte was sent it becomes a
// 500 answer. Runs on the server's worker threads, one call at a time; a lambda that returns a
// plain bool will do.
using BodyStream = std::function<Result<bool>(std::string& chunk)>;

struct HttpResponse {
  int status = 200;
  std::string content_type;  // "" = no such header
  std::string body;
  NamedValues headers;  // beside Content-Type, Content-Length, Connection and Date
  BodyStream stream;    // if set, the body comes from here and `body` is ignored
  std::shared_ptr<const void> held;  // kept until the answer is sent or given up
  // The HttpRouter's pattern that answered, "/api/traces/{traceID}"; "" where none did.
  std::string route;

  static HttpResponse Text(int status, std::string body);  // text/plain; charset=utf-8
  static HttpResponse Json(int status, std::string body);  // application/json
};

// Called on worker threads, many at a time; may block. An exception is answered with 500.
using HttpHandler = std::function<HttpResponse(const HttpRequest&)>;

// Looks at a request before its content coding is undone and the handler sees it, and may write
// into it. An answer that it gives goes out in the handler's stead. On worker threads, as handlers.
using HttpGate = std::function<std::optional<HttpResponse>(HttpRequest&)>;

// "Not Found" for 404; "Unknown" for a number we have no phrase for.
std::string_view ReasonPhrase(int status) noexcept;

}  // namespace tracestore::net
