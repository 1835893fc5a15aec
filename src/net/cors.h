// Cross-origin requests: which web pages of other origins a browser lets ask (Fetch's CORS).
#pragma once
#include <chrono>
#include <string>
#include <vector>

#include "net/http.h"

namespace tracestore::net {

struct CorsOptions {
  // "https://shop.example"; "*": all; empty: no page may ask
  std::vector<std::string> origins = {};
  std::string methods = "GET";       // that a preflight allows, with commas
  std::string headers = {};          // that it allows, likewise
  std::chrono::seconds max_age{0};   // for which a browser keeps that; 0: not said
  int preflight_status = 204;
};

// Says in the answer whether the page that asks may read it.
void AllowOrigin(const CorsOptions& options, const HttpRequest& request, HttpResponse& response);

// Answers OPTIONS itself, and says of every other answer who may read it.
HttpHandler WithCors(CorsOptions options, HttpHandler handler);

// The same of what a gate answers; preflights, which WithCors() answers, pass. Unset stays unset.
HttpGate CorsGate(CorsOptions options, HttpGate gate);

}  // namespace tracestore::net
