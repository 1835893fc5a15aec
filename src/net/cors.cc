#include "net/cors.h"

#include <algorithm>
#include <utility>

namespace tracestore::net {
namespace {

bool Names(const CorsOptions& options, std::string_view origin) {
  return std::find(options.origins.begin(), options.origins.end(), origin) != options.origins.end();
}

HttpResponse Preflight(const CorsOptions& options, const HttpRequest& request) {
  HttpResponse response;
  response.status = options.preflight_status;
  AllowOrigin(options, request, response);
  const std::string_view origin = request.header("origin");
  if (origin.empty() || !(Names(options, "*") || Names(options, origin))) return response;
  response.headers.emplace_back("Access-Control-Allow-Methods", options.methods);
  if (!options.headers.empty())
    response.headers.emplace_back("Access-Control-Allow-Headers", options.headers);
  if (options.max_age.count() > 0) {
    response.headers.emplace_back("Access-Control-Max-Age",
                                  std::to_string(options.max_age.count()));
  }
  return response;
}

}  // namespace

void AllowOrigin(const CorsOptions& options, const HttpRequest& request, HttpResponse& response) {
  const std::string_view origin = request.header("origin");
  if (options.origins.empty() || origin.empty()) return;
  if (Names(options, "*")) {
    response.headers.emplace_back("Access-Control-Allow-Origin", "*");
    return;
  }
  // The answer is another one for another page, also where this one may not read it.
  response.headers.emplace_back("Vary", "Origin");
  if (Names(options, origin)) response.headers.emplace_back("Access-Control-Allow-Origin", origin);
}

HttpHandler WithCors(CorsOptions options, HttpHandler handler) {
  return [options = std::move(options), handler = std::move(handler)](const HttpRequest& request) {
    if (request.method == "OPTIONS") return Preflight(options, request);
    HttpResponse response = handler(request);
    AllowOrigin(options, request, response);
    return response;
  };
}

HttpGate CorsGate(CorsOptions options, HttpGate gate) {
  if (!gate) return gate;
  return [options = std::move(options),
          gate = std::move(gate)](HttpRequest& request) -> std::optional<HttpResponse> {
    if (request.method == "OPTIONS") return std::nullopt;
    auto refusal = gate(request);
    if (refusal) AllowOrigin(options, request, *refusal);
    return refusal;
  };
}

}  // namespace tracestore::net
