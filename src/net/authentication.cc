#include "net/authentication.h"

#include <utility>

namespace tracestore::net {
namespace {

constexpr const char* kNothingShown = "authentication is required";
constexpr const char* kNotKnown = "the credentials are not known";

}  // namespace

HttpGate AuthenticationGate(std::shared_ptr<Credentials> credentials, RefusalWords words,
                            RefusalObserver observer) {
  return [credentials = std::move(credentials), words = std::move(words),
          observer = std::move(observer)](HttpRequest& request) -> std::optional<HttpResponse> {
    const std::string_view shown = request.header("authorization");
    if (credentials->Check(shown)) return std::nullopt;
    if (observer) observer();
    const char* const why = shown.empty() ? kNothingShown : kNotKnown;
    HttpResponse response =
        words ? words(401, why) : HttpResponse::Text(401, std::string(why) + "\n");
    response.headers.emplace_back("WWW-Authenticate",
                                  "Basic realm=\"tracestore\", Bearer realm=\"tracestore\"");
    return response;
  };
}

RawGrpcServices WithAuthentication(const std::shared_ptr<Credentials>& credentials,
                                   RawGrpcServices methods, const RefusalObserver& observer) {
  for (auto& [method, handler] : methods) {
    handler = [credentials, observer, inner = std::move(handler)](const RawRequest& request) {
      const std::string_view shown = request.metadata("authorization").value_or("");
      if (credentials->Check(shown)) return inner(request);
      if (observer) observer();
      return RawReply::Fail(GrpcCode::kUnauthenticated, shown.empty() ? kNothingShown : kNotKnown);
    };
  }
  return methods;
}

}  // namespace tracestore::net
