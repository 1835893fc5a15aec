#include "server/sampling/sampling_api.h"

#include <optional>
#include <string>
#include <utility>

#include "codec/sampling/strategy_json.h"
#include "codec/sampling/strategy_proto.h"
#include "net/http_router.h"

namespace tracestore::server {
namespace {

using codec::StrategyJson;

class SamplingApi {
 public:
  explicit SamplingApi(SamplingApiOptions options) : options_(std::move(options)) {}

  net::HttpResponse Sampling(const net::HttpRequest& request, StrategyJson form) const {
    const auto service = ServiceOf(request);
    if (!service.has_value()) return NoService();
    const auto strategy = options_.strategies->StrategyOf(request.tenant, *service);
    if (!strategy.has_value()) return Failed(strategy.error());
    auto text = codec::EncodeStrategyJson(*strategy, form);
    if (!text.has_value()) {
      Count(SamplingOutcome::kEncodeFailure);
      return net::HttpResponse::Text(500, text.error().message() + "\n");
    }
    Count(form == StrategyJson::kNames ? SamplingOutcome::kSampling
                                       : SamplingOutcome::kSamplingLegacy);
    return net::HttpResponse::Json(200, std::move(*text));
  }

  net::HttpResponse Baggage(const net::HttpRequest& request) const {
    const auto service = ServiceOf(request);
    if (!service.has_value()) return NoService();
    std::vector<codec::BaggageRestriction> restrictions;
    if (options_.baggage != nullptr) {
      auto found = options_.baggage->RestrictionsFor(*service);
      if (!found.has_value()) return Failed(found.error());
      restrictions = std::move(*found);
    }
    Count(SamplingOutcome::kBaggage);
    return net::HttpResponse::Json(200, codec::EncodeBaggageJson(restrictions));
  }

  net::RawReply Grpc(const net::RawRequest& request) const {
    const auto service = codec::DecodeStrategyRequest(request.message);
    if (!service.has_value()) {
      Count(SamplingOutcome::kBadRequest);
      return net::RawReply::Fail(net::GrpcCode::kInternal, service.error().message());
    }
    const auto strategy = options_.strategies->StrategyOf(request.tenant, *service);
    if (!strategy.has_value()) {
      Count(SamplingOutcome::kProviderFailure);
      return net::RawReply::Fail(net::GrpcCode::kUnknown, strategy.error().message());
    }
    Count(SamplingOutcome::kGrpc);
    return net::RawReply::Ok(codec::EncodeStrategyResponse(*strategy));
  }

 private:
  static std::optional<std::string_view> ServiceOf(const net::HttpRequest& request) {
    const auto services = request.query.all("service");
    if (services.size() != 1) return std::nullopt;
    return services.front();
  }
  net::HttpResponse NoService() const {
    Count(SamplingOutcome::kBadRequest);
    return net::HttpResponse::Text(400, "'service' parameter must be provided once\n");
  }
  net::HttpResponse Failed(const Error& error) const {
    Count(SamplingOutcome::kProviderFailure);
    return net::HttpResponse::Text(500, "collector error: " + error.message() + "\n");
  }
  void Count(SamplingOutcome outcome) const {
    if (options_.observer) options_.observer(outcome);
  }

  SamplingApiOptions options_;
};

void AddSampling(net::HttpRouter& router, std::string_view path,
                 const std::shared_ptr<const SamplingApi>& api, StrategyJson form) {
  router.Add("GET", path,
             [api, form](const net::HttpRequest& request, const net::PathParams& /*params*/) {
               return api->Sampling(request, form);
             });
}

net::HttpHandler Serve(net::HttpRouter router) {
  router.SetNotFound([](const net::HttpRequest& /*request*/) {
    return net::HttpResponse::Text(404, "404 page not found\n");
  });
  return [router = std::move(router)](const net::HttpRequest& request) {
    return router.Handle(request);
  };
}

}  // namespace

net::HttpHandler MakeSamplingHandler(SamplingApiOptions options) {
  const auto api = std::make_shared<const SamplingApi>(std::move(options));
  net::HttpRouter router;
  AddSampling(router, "/", api, StrategyJson::kNumbers);
  AddSampling(router, "/sampling", api, StrategyJson::kNames);
  AddSampling(router, "/api/sampling", api, StrategyJson::kNames);
  router.Add("GET", "/baggageRestrictions",
             [api](const net::HttpRequest& request, const net::PathParams& /*params*/) {
               return api->Baggage(request);
             });
  return Serve(std::move(router));
}

net::HttpHandler MakeCollectorSamplingHandler(SamplingApiOptions options) {
  const auto api = std::make_shared<const SamplingApi>(std::move(options));
  net::HttpRouter router;
  AddSampling(router, "/api/sampling", api, StrategyJson::kNames);
  return Serve(std::move(router));
}

net::RawGrpcServices SamplingGrpcServices(SamplingApiOptions options) {
  auto api = std::make_shared<const SamplingApi>(std::move(options));
  return {{"/jaeger.api_v2.SamplingManager/GetSamplingStrategy",
           [api = std::move(api)](const net::RawRequest& request) { return api->Grpc(request); }}};
}

}  // namespace tracestore::server
