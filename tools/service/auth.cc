// Who may speak to the listeners.
#include <spdlog/spdlog.h>

#include "base/try.h"
#include "net/credentials.h"
#include "service/parts.h"

namespace tracestore::tools {
namespace {

// Protocols that have no place for credentials.
bool HasOpenListeners(const ServiceConfig& config) {
  const JaegerSection& jaeger = config.jaeger;
  return config.zipkin.scribe.on || jaeger.compact.address.on || jaeger.binary.address.on ||
         jaeger.zipkin_compact.address.on || jaeger.tchannel.on;
}

}  // namespace

Status OpenAuth(Service& service) {
  const AuthSection& config = service.config().auth;
  if (config.file.empty()) return {};
  service.metrics().Describe("tracestore_auth_refused_total",
                             "Requests refused for want of known credentials.");
  TS_TRY_ASSIGN(const auto credentials,
                net::Credentials::Open(config.file, [](const std::string& sentence) {
                  spdlog::info("{}", sentence);
                }));
  service.shared().credentials = credentials;
  service.OnReload([credentials] { return credentials->Reload(); });
  if (HasOpenListeners(service.config()))
    spdlog::warn(
        "UDP, TChannel and Scribe take spans from anybody: they have no place for credentials");
  return {};
}

}  // namespace tracestore::tools
