// Grafana Tempo's query API over HTTP, as far as its search by tags goes, over snapshots.
//
// Facts: paths, parameters, statuses, sentences and forms are those that a running Tempo answers.
// What differs is said in docs/format/tempo-api.md.
#pragma once
#include <tracestore/store.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "net/http.h"

namespace tracestore::server {

struct TempoQueryOptions {
  // A moment of what is served; called once a request, on any thread. Required.
  std::function<Result<Snapshot>()> snapshot;
  // Called after each answer's head is ready, on any thread; must not block. `route` is one of a
  // bounded set, "/api/v2/traces/{id}", "other".
  std::function<void(std::string_view route, int status, std::chrono::nanoseconds took)> observer;
  // Whether the service is up: /ready. Unset: it is.
  std::function<bool()> ready;
  // Prometheus' text: /metrics. Unset: 404, the admin port alone has it.
  std::function<std::string()> metrics;
  // After it a request is given up with 504; one whose answer has begun is broken off.
  std::chrono::milliseconds timeout{30'000};
};

// The handler of a whole server, whatever the method:
//   /api/traces/{id}, /api/v2/traces/{id}, /api/search, /api/search/tags, /api/v2/search/tags,
//   /api/search/tag/{tag}/values, /api/v2/search/tag/{tag}/values, /api/status/buildinfo,
//   /api/echo, /ready, /metrics; all else is 404.
// Long searches are streamed, some hundred traces in memory at a time.
net::HttpHandler MakeTempoQueryHandler(TempoQueryOptions options);

// For HttpServerOptions::error_response: text, as all of Tempo's refusals.
net::HttpResponse TempoRefusal(int status, const std::string& message);

// Requests that need no tenant.
bool IsTempoOpen(std::string_view path) noexcept;
// The sentence for a tenant's name that can't be one; "a|b", all of several tenants, is none here.
std::string TempoBadTenant(std::string_view name);

}  // namespace tracestore::server
