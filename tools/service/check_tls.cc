#include "service/check_tls.h"

#include <algorithm>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/try.h"
#include "ingest/forward/open_forwarder.h"
#include "net/check_tls.h"

namespace tracestore::tools {
namespace {

// A listener, or one address of it: what isn't opened has no TLS either.
struct Listener {
  std::string_view section;
  const net::TlsServerOptions& (*tls)(const ServiceConfig&);
  bool (*on)(const ServiceConfig&);
  bool grpc = false;  // alone
};

#define TS_LISTENER(section, member, address, is_grpc)                          \
  {                                                                             \
    section,                                                                    \
        +[](const ServiceConfig& config) -> const net::TlsServerOptions& {      \
          return config.tls.member;                                             \
        },                                                                      \
        +[](const ServiceConfig& config) { return config.address.on; }, is_grpc \
  }

constexpr Listener kListeners[] = {
    TS_LISTENER("collector.otlp.grpc.tls", otlp_grpc, otlp.grpc, true),
    TS_LISTENER("collector.otlp.http.tls", otlp_http, otlp.http, false),
    TS_LISTENER("collector.grpc.tls", jaeger_grpc, jaeger.grpc, true),
    TS_LISTENER("collector.http.tls", jaeger_http, jaeger.http, false),
    TS_LISTENER("collector.tchan-server.tls", jaeger_tchannel, jaeger.tchannel, false),
    TS_LISTENER("collector.zipkin.tls", zipkin, zipkin.address, false),
    TS_LISTENER("collector.scribe.tls", scribe, zipkin.scribe, false),
    TS_LISTENER("http-server.tls", sampling_http, sampling.http, false),
    TS_LISTENER("sampling.grpc.tls", sampling_grpc, sampling.grpc, true),
    TS_LISTENER("query.http.tls", query, query.http, false),
    TS_LISTENER("query.grpc.tls", query_grpc, query.grpc, true),
    TS_LISTENER("query.zipkin.tls", query_zipkin, query.zipkin, false),
    TS_LISTENER("remote-storage.tls", remote_storage, remote_storage.grpc, true),
    TS_LISTENER("remote-storage.tls", remote_storage, remote_storage.archive, true),
    TS_LISTENER("tempo.tls", tempo, tempo.http, false),
    TS_LISTENER("admin.http.tls", admin, admin.http, false),
};
#undef TS_LISTENER

// A setting of a section, and what net's sentences call its file.
struct FileSetting {
  const char* leaf;
  const char* what;
  const std::string* path;
};

// The settings of one listener or client.
class Section {
 public:
  Section(const Resolved& resolved, std::string_view name) : resolved_(resolved), name_(name) {}

  std::string NameOf(const char* leaf) const { return name_ + "." + leaf; }
  // "a.yaml:3", "--admin.http.tls.cert", or the name where nobody gave it.
  Error Wrong(const char* leaf, const std::string& why, ErrorCode code) const {
    const std::string name = NameOf(leaf);
    const auto origin = resolved_.origins.find(name);
    const std::string where = origin == resolved_.origins.end() ? name : origin->second;
    return {code, where + ": '" + name + "' " + why};
  }
  Error Wrong(const char* leaf, const std::string& why) const {
    return Wrong(leaf, why, ErrorCode::kInvalidArgument);
  }
  // The sentence of net, with the setting of the file that it names.
  Error WithSetting(const Error& error, std::span<const FileSetting> files) const {
    for (const auto& [leaf, what, path] : files) {
      if (path->empty()) continue;
      const std::string begin = std::string("TLS ") + what + " file " + *path + ": ";
      if (error.message().starts_with(begin))
        return Wrong(leaf, "can't be used: " + error.message(), error.code());
    }
    return {error.code(), name_ + ": " + error.message()};
  }

 private:
  const Resolved& resolved_;
  const std::string name_;
};

// A certificate without a key or the other way round.
Status CheckPair(const Section& section, const std::string& cert, const std::string& key) {
  if (cert.empty() == key.empty()) return {};
  return section.Wrong(cert.empty() ? "key" : "cert",
                       "comes with its " + std::string(cert.empty() ? "certificate" : "key") +
                           ": give '" + section.NameOf(cert.empty() ? "cert" : "key") + "', too");
}

Status CheckIdentity(const Section& section, const net::TlsServerOptions& tls) {
  const bool none = tls.cert_file.empty() && tls.key_file.empty();
  if (!tls.key_store_file.empty()) {
    if (none) return {};
    return section.Wrong("key-store", "stands in place of '" + section.NameOf("cert") + "' and '" +
                                          section.NameOf("key") + "': give it, or both of them");
  }
  if (!none) return CheckPair(section, tls.cert_file, tls.key_file);
  return section.Wrong("enabled", "needs a certificate and its key: give '" +
                                      section.NameOf("cert") + "' and '" + section.NameOf("key") +
                                      "'");
}

Status CheckVersions(const Section& section, const net::TlsServerOptions& tls, bool grpc) {
  const std::string& most = tls.max_version;
  if (most.empty()) return {};
  static constexpr std::string_view kVersions[] = {"1.0", "1.1", "1.2", "1.3"};
  if (std::find(std::begin(kVersions), std::end(kVersions), most) == std::end(kVersions))
    return section.Wrong("max-version", "is 1.0, 1.1, 1.2, 1.3 or \"\", not '" + most + "'");
  if (most < tls.min_version) {
    return section.Wrong("max-version", "is " + most + ", below '" + section.NameOf("min-version") +
                                            "', " + tls.min_version);
  }
  if (!grpc || most == "1.3") return {};
  return section.Wrong("max-version", "is 1.3 or \"\" of a port of gRPC, not '" + most + "'");
}

Status CheckListener(const Section& section, const net::TlsServerOptions& tls, bool grpc) {
  TS_TRY(CheckIdentity(section, tls));
  TS_TRY(CheckVersions(section, tls, grpc));
  const FileSetting files[] = {{"cert", "certificate", &tls.cert_file},
                               {"key", "key", &tls.key_file},
                               {"key-store", "key store", &tls.key_store_file},
                               {"client-ca", "client CA", &tls.client_ca_file}};
  const Status checked = net::CheckTls(tls, grpc);
  if (!checked.has_value()) return section.WithSetting(checked.error(), files);
  return {};
}

Status CheckClient(const Section& section, net::TlsClientOptions tls) {
  tls.enabled = true;
  TS_TRY(CheckPair(section, tls.cert_file, tls.key_file));
  const FileSetting files[] = {{"ca", "CA", &tls.ca_file},
                               {"cert", "certificate", &tls.cert_file},
                               {"key", "key", &tls.key_file}};
  const Status checked = net::CheckTls(tls);
  if (!checked.has_value()) return section.WithSetting(checked.error(), files);
  return {};
}

bool IsHttps(std::string_view url) { return url.starts_with("https://"); }

bool ReporterHasTls(const ForwardSection& config) {
  if (!config.on()) return false;
  std::vector<std::string> by_url = ingest::SplitAddresses(config.sampling_collectors);
  if (config.type == "otlp-http") {
    const auto more = ingest::SplitAddresses(config.otlp_collectors);
    by_url.insert(by_url.end(), more.begin(), more.end());
  }
  return config.tls.enabled || std::any_of(by_url.begin(), by_url.end(), IsHttps);
}

Status CheckClients(Role role, const Resolved& resolved) {
  const ServiceConfig& config = resolved.config;
  const bool traced = config.self_tracing.on && IsHttps(config.self_tracing.endpoint);
  const std::pair<std::string_view, const net::TlsClientOptions*> clients[] = {
      {"reporter.grpc.tls", ReporterHasTls(config.forward) ? &config.forward.tls : nullptr},
      {"sampling.strategies-tls",
       IsHttps(config.sampling.strategies_file) ? &config.sampling.strategies_tls : nullptr},
      {"self-tracing.tls", traced ? &config.self_tracing.tls : nullptr},
  };
  for (const auto& [name, tls] : clients) {
    const Setting* const setting = FindSetting(std::string(name) + ".ca");
    if (tls == nullptr || setting == nullptr || (setting->roles & role) == 0) continue;
    TS_TRY(CheckClient(Section(resolved, name), *tls));
  }
  return {};
}

}  // namespace

Status CheckTls(Role role, const Resolved& resolved) {
  for (const Listener& listener : kListeners) {
    const Setting* const setting = FindSetting(std::string(listener.section) + ".enabled");
    if (setting == nullptr || (setting->roles & role) == 0) continue;
    const net::TlsServerOptions& tls = listener.tls(resolved.config);
    if (!tls.enabled || !listener.on(resolved.config)) continue;
    TS_TRY(CheckListener(Section(resolved, listener.section), tls, listener.grpc));
  }
  return CheckClients(role, resolved);
}

}  // namespace tracestore::tools
