// Jaeger's own web pages from a build of them: the directory with index.html and static/.
//
// Facts: which marks of index.html are replaced by what is what Jaeger's query service does (v1.76
// and later).
#pragma once
#include <tracestore/status.h>

#include <functional>
#include <string>

#include "net/http.h"

namespace tracestore::server {

struct JaegerPagesOptions {
  std::string directory = {};    // of the build
  std::string ui_config = {};    // a .json or a .js file; "": none. Read again when it changes
  std::string base_path = "/";   // "/jaeger": what is before all paths in a browser
  // Gets a sentence when a changed ui_config can't be taken; the old one holds on. May be unset.
  std::function<void(const std::string&)> log = {};
};

// Answers what isn't /api/… or /analytics/… from the build: its files, and for every other path
// index.html, whose script then shows what the path says; below /static/ what isn't there is 404.
// The rest, and every method but GET and HEAD, is `api`'s. Errors: those of
// StaticFiles::OfDirectory; kInvalidArgument, a build without index.html, or what ui_config says
// can't be taken.
Result<net::HttpHandler> MakeJaegerPagesHandler(JaegerPagesOptions options, net::HttpHandler api);

}  // namespace tracestore::server
