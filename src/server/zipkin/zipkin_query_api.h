// Zipkin's query API: GET /api/v2/… and the same under /zipkin, over snapshots.
//
// Facts: paths, parameters, statuses, sentences and headers are those that a running Zipkin 3.6
// answers. Where the store's answers differ is said in docs/format/zipkin-api.md.
#pragma once
#include <tracestore/store.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "net/http.h"

namespace tracestore::server {

// What /zipkin/config.json tells Zipkin's web pages (ZIPKIN_UI_*).
struct ZipkinUiOptions {
  bool on = true;  // false: it isn't there
  std::string environment;
  std::uint64_t query_limit = 10;
  std::chrono::milliseconds default_lookback{900'000};
  std::string logs_url;  // "": none, as of the following
  std::string support_url;
  std::string archive_post_url;
  std::string archive_url;
  bool dependencies = true;
  double low_error_rate = 0.5;  // from which on a link is yellow, and red
  double high_error_rate = 0.75;
};

struct ZipkinQueryOptions {
  // A moment of what is served; called once a request, on any thread. Required.
  std::function<Result<Snapshot>()> snapshot;
  // Called after each answer's head is ready, on any thread; must not block. `route` is one of a
  // bounded set, "/api/v2/trace/{traceId}", "NOT_FOUND".
  std::function<void(std::string_view route, int status, std::chrono::nanoseconds took)> observer;
  // Unix time, for the default ranges. Unset: the system's clock.
  std::function<std::chrono::nanoseconds()> now;
  // Text of /prometheus. Unset: 404, the admin port alone has it.
  std::function<std::string()> prometheus;
  // Lines of /metrics: name and value, in order. Unset: none.
  std::function<std::vector<std::pair<std::string, double>>()> counters;

  bool queries = true;           // QUERY_ENABLED: without it only what tells of the server is there
  bool search_enabled = true;    // SEARCH_ENABLED: without it names and searches are empty
  // STRICT_TRACE_ID: without it ids are equal where their low halves are
  bool strict_trace_id = true;
  std::vector<std::string> autocomplete_keys;      // AUTOCOMPLETE_KEYS
  // QUERY_TIMEOUT: after it a request fails with 500
  std::chrono::milliseconds timeout{11'000};
  std::chrono::milliseconds lookback{86'400'000};  // QUERY_LOOKBACK: where a request names none
  ZipkinUiOptions ui;
};

// The handler of all GETs: traces, trace/{id}, traceMany, services, spans, remoteServices,
// dependencies, autocompleteKeys and autocompleteValues; /health, /info, /metrics, /prometheus,
// some of them under /actuator, and /zipkin/config.json. What is none of these is `404 Not Found`.
// Answers of up to 1 MiB have a length, longer ones are streamed with one trace in memory at a
// time.
net::HttpHandler MakeZipkinQueryHandler(ZipkinQueryOptions options);

}  // namespace tracestore::server
