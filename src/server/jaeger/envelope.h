// The envelope of Jaeger's legacy API: five keys around every answer, and errors in the same shape.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "net/http.h"

namespace tracestore::server {

// One entry of "errors". A code of 0 and an empty trace id are left out.
struct ApiError {
  int code = 0;
  std::string message;
  std::string trace_id;
};

// {"data":
std::string_view EnvelopeHead() noexcept;
// ,"total":N,"limit":0,"offset":0,"errors":null|[…]}
std::string EnvelopeTail(std::uint64_t total, const std::vector<ApiError>& errors);

// The whole answer around a finished JSON value. Indented by four spaces if `pretty`.
net::HttpResponse Success(std::string_view data, std::uint64_t total, bool pretty);
// The envelope without data and with a line break at its end, as Jaeger's (Go's http.Error); as
// JSON, where v1 calls it text.
net::HttpResponse Failure(int status, std::string_view message);
// 400 for what the caller did wrong, 404 for what isn't there, else 500.
net::HttpResponse Failure(const Error& error);

// Indents JSON text that comes in pieces, by four spaces, as Go's json.MarshalIndent lays it out.
// The text must be JSON without white space between tokens, as our encoders write it.
class JsonIndenter {
 public:
  // Appends `piece`, indented, to `out`. A piece may end anywhere.
  void Feed(std::string_view piece, std::string& out);

 private:
  void Break(std::string& out);

  std::size_t depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool opened_ = false;  // the last token was [ or {: an empty one stays on its line
};

}  // namespace tracestore::server
