// OpenBeside: what asks nothing of the store, beside what counts as a query.
#pragma once
#include <string_view>
#include <utility>

#include "net/http.h"

namespace tracestore::tools {

// Requests whose path is open go to `handler`, all others to `queries`, which may refuse them:
// health and metrics are told while as many queries are being answered as may be.
inline net::HttpHandler OpenBeside(bool (*is_open)(std::string_view path),
                                   net::HttpHandler handler, net::HttpHandler queries) {
  return [is_open, handler = std::move(handler),
          queries = std::move(queries)](const net::HttpRequest& request) {
    return is_open(request.path) ? handler(request) : queries(request);
  };
}

}  // namespace tracestore::tools
