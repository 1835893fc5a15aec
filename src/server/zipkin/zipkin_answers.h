// Answers in Zipkin's manner.
#pragma once
#include <set>
#include <string>
#include <utility>

#include <tracestore/status.h>

#include "net/http.h"
#include "server/zipkin/zipkin_search.h"

namespace tracestore::server {

// A sentence with the one type that Zipkin gives its errors.
net::HttpResponse ZipkinSentence(int status, std::string sentence);
net::HttpResponse ZipkinNotFound();
// 400 for kInvalidArgument, 404 for kNotFound, else 500.
net::HttpResponse ZipkinFailure(const Error& error);
// A sorted list of texts.
net::HttpResponse ZipkinNames(const std::set<std::string>& names);

// Appends the trace's spans as a list.
void AppendZipkinTrace(const ZipkinTrace& trace, std::string& out);

}  // namespace tracestore::server
