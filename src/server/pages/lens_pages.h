// Zipkin's own web pages (Lens) from a build of them, as Zipkin's server has them under /zipkin/.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "net/http.h"
#include "server/pages/static_files.h"

namespace tracestore::server {

// Of a directory, or of a jar: zipkin-lens's, or zipkin-server's, which has the other one in it.
// Errors: those of StaticFiles; kInvalidArgument where no build is in there.
Result<StaticFiles> ReadLens(const std::string& path);

// Answers GETs of /zipkin/… that aren't /zipkin/api/… or /zipkin/config.json: the page for the
// paths that its script knows, and the build's files; / and /zipkin lead to /zipkin/. All else is
// `api`'s. `base_path`: what browsers have in the place of /zipkin. `observer`, if set, is told of
// every answer but `api`'s, by the names that Zipkin's server gives them: "REDIRECTION",
// "/zipkin/index.html", and "/zipkin/*" for other files; on any thread.
using PageObserver = std::function<void(std::string_view route, int status,
                                        std::chrono::nanoseconds took)>;
net::HttpHandler MakeLensHandler(StaticFiles files, const std::string& base_path,
                                 net::HttpHandler api, PageObserver observer = {});

}  // namespace tracestore::server
