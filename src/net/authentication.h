// Gates that ask who is there before a handler answers.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "net/credentials.h"
#include "net/grpc_server.h"
#include "net/http.h"

namespace tracestore::net {

// Words a refusal as the surface does: HttpServerOptions::error_response. Unset: text.
using RefusalWords = std::function<HttpResponse(int status, const std::string& message)>;
// Called for each refusal, any thread; must not block.
using RefusalObserver = std::function<void()>;

// 401 with WWW-Authenticate for requests that show nothing, or nothing known, of any method: where
// preflights are answered, CorsGate() lets them through.
HttpGate AuthenticationGate(std::shared_ptr<Credentials> credentials, RefusalWords words,
                            RefusalObserver observer = {});

// UNAUTHENTICATED likewise. Health is no raw method and stays open.
RawGrpcServices WithAuthentication(const std::shared_ptr<Credentials>& credentials,
                                   RawGrpcServices methods, const RefusalObserver& observer = {});

}  // namespace tracestore::net
