#include "ingest/forward/collector_strategies.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/try.h"
#include "codec/sampling/strategy_json.h"
#include "codec/sampling/strategy_proto.h"
#include "ingest/forward/grpc_address.h"
#include "net/grpc_client.h"
#include "net/http_client.h"

namespace tracestore::ingest {
namespace {

std::string PercentEncode(std::string_view text) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
                       (byte >= 'A' && byte <= 'Z') || c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
    } else {
      out += '%';
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
    }
  }
  return out;
}

}  // namespace

Result<AskCollector> AskByGrpc(const std::string& address, std::chrono::milliseconds timeout,
                               const CollectorAccess& access) {
  TS_TRY_ASSIGN(auto options, GrpcClientAt(address, access));
  TS_TRY_ASSIGN(auto made, net::GrpcClient::Make(std::move(options)));
  const std::shared_ptr<net::GrpcClient> client = std::move(made);
  return AskCollector([client, timeout, authorization = access.authorization,
                       header = access.tenant_header](
                          std::string_view tenant,
                          std::string_view service) -> Result<codec::SamplingStrategy> {
    net::GrpcCall call;
    call.timeout = timeout;
    if (!tenant.empty()) call.metadata.emplace_back(header, tenant);
    if (authorization) call.metadata.emplace_back("authorization", authorization());
    TS_TRY_ASSIGN(const auto bytes,
                  net::BytesOf(client->Call("/jaeger.api_v2.SamplingManager/GetSamplingStrategy",
                                            codec::EncodeStrategyRequest(service), call)));
    return codec::DecodeStrategyResponse(bytes);
  });
}

Result<AskCollector> AskByHttp(const std::string& address, std::chrono::milliseconds timeout,
                               const CollectorAccess& access) {
  TS_TRY_ASSIGN(const auto url, CollectorUrl(address, access));
  net::HttpClientOptions options;
  options.tls = access.tls;
  options.tls.enabled = url.tls;
  options.host = url.host;
  options.port = url.port;
  options.timeout = timeout;
  options.connect_timeout = timeout;
  TS_TRY_ASSIGN(auto made, net::HttpClient::Make(std::move(options)));
  const std::shared_ptr<net::HttpClient> client = std::move(made);
  std::string path = url.target == "/" ? "/api/sampling" : url.target;
  path += path.find('?') == std::string::npos ? "?service=" : "&service=";
  return AskCollector(
      [client, path, authorization = access.authorization, header = access.tenant_header](
          std::string_view tenant, std::string_view service) -> Result<codec::SamplingStrategy> {
        net::HttpClientRequest request;
        request.target = path + PercentEncode(service);
        if (!tenant.empty()) request.headers.emplace_back(header, tenant);
        if (authorization) request.headers.emplace_back("authorization", authorization());
        TS_TRY_ASSIGN(const auto response, client->Send(request));
        if (response.status != 200) {
          return Error(ErrorCode::kIo, "HTTP " + std::to_string(response.status) + ": " +
                                           response.body.substr(0, 256));
        }
        return codec::DecodeStrategyJson(response.body);
      });
}

// One service. `mutex` is held while a collector is asked, so that others wait for the answer.
struct CollectorStrategies::Entry {
  std::mutex mutex;
  std::optional<codec::SamplingStrategy> strategy;   // guarded by mutex
  std::chrono::steady_clock::time_point answered{};  // guarded by mutex
  std::chrono::steady_clock::time_point used{};      // guarded by CollectorStrategies::mutex_
};

CollectorStrategies::CollectorStrategies(std::vector<AskCollector> collectors,
                                         CollectorStrategiesOptions options, Clock clock)
    : collectors_(std::move(collectors)),
      options_(options),
      clock_(clock ? std::move(clock) : Clock([] { return std::chrono::steady_clock::now(); })) {}

CollectorStrategies::~CollectorStrategies() = default;

std::shared_ptr<CollectorStrategies::Entry> CollectorStrategies::EntryOf(std::string_view tenant,
                                                                         std::string_view service) {
  Key key(tenant, service);
  const std::lock_guard lock(mutex_);
  auto found = entries_.find(key);
  if (found == entries_.end()) {
    if (entries_.size() >= options_.max_services) {
      entries_.erase(std::min_element(
          entries_.begin(), entries_.end(),
          [](const auto& a, const auto& b) { return a.second->used < b.second->used; }));
    }
    found = entries_.emplace(std::move(key), std::make_shared<Entry>()).first;
  }
  found->second->used = clock_();
  return found->second;
}

Result<codec::SamplingStrategy> CollectorStrategies::Ask(std::string_view tenant,
                                                         std::string_view service) {
  std::size_t first = 0;
  {
    const std::lock_guard lock(mutex_);
    first = next_;
  }
  std::optional<Error> last;
  for (std::size_t i = 0; i < collectors_.size(); ++i) {
    const std::size_t index = (first + i) % collectors_.size();
    auto answer = collectors_[index](tenant, service);
    const std::lock_guard lock(mutex_);
    ++counters_.asked;
    if (answer.has_value()) {
      next_ = index;  // stay with the one that answers
      return answer;
    }
    ++counters_.failures;
    last = std::move(answer).error();
  }
  return *std::move(last);
}

Result<codec::SamplingStrategy> CollectorStrategies::StrategyOf(std::string_view tenant,
                                                                std::string_view service) {
  if (service.size() > options_.max_service_bytes) return Ask(tenant, service);
  const std::shared_ptr<Entry> entry = EntryOf(tenant, service);
  const std::lock_guard asking(entry->mutex);
  if (entry->strategy.has_value() && clock_() - entry->answered < options_.fresh) {
    const std::lock_guard lock(mutex_);
    ++counters_.cached;
    return *entry->strategy;
  }
  auto answer = Ask(tenant, service);
  const auto now = clock_();
  if (answer.has_value()) {
    entry->strategy = *answer;
    entry->answered = now;
    return answer;
  }
  if (!entry->strategy.has_value() || now - entry->answered >= options_.stale) return answer;
  const std::lock_guard lock(mutex_);
  ++counters_.stale;
  return *entry->strategy;
}

CollectorStrategies::Counters CollectorStrategies::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

}  // namespace tracestore::ingest
