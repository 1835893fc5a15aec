// A server on a free port of the loopback, for the tests of this room.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>

#include "net/http_server.h"

namespace tracestore::net {

inline HttpResponse EchoBody(const HttpRequest& request) {
  return HttpResponse::Text(200, request.method + " " + request.path + " " + request.body);
}

inline std::unique_ptr<HttpServer> StartServer(HttpHandler handler = EchoBody,
                                               HttpServerOptions options = {}) {
  auto server = HttpServer::Start(std::move(options), std::move(handler));
  EXPECT_TRUE(server.has_value()) << server.error().message();
  return std::move(server).value();
}

inline std::string Post(std::string_view path, std::string_view body,
                        std::string_view fields = "") {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: t\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(fields) + "\r\n" + std::string(body);
}

}  // namespace tracestore::net
