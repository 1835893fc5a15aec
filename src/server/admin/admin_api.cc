#include "server/admin/admin_api.h"

#include <array>
#include <cstdio>
#include <ctime>
#include <utility>

#include "assembly/clock_skew.h"
#include "codec/json/json_writer.h"

namespace tracestore::server {
namespace {

// Go's zero time, which Jaeger shows before it was ever up.
constexpr const char* kNever = "0001-01-01T00:00:00Z";

net::HttpResponse VersionAnswer() {
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("gitCommit");
  json.String("");
  json.Key("gitVersion");
  json.String(std::string("v") + Version());
  json.Key("buildDate");
  json.String("");
  json.EndObject();
  return net::HttpResponse::Text(200, std::move(body));
}

}  // namespace

const char* Version() noexcept { return TRACESTORE_VERSION; }

std::string FormatRfc3339(std::chrono::system_clock::time_point time) {
  const auto ns =
      std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  std::array<char, 32> text{};
  std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &utc);
  std::string out = text.data();
  if (const auto below = ns % 1'000'000'000; below != 0) {
    std::snprintf(text.data(), text.size(), ".%09lld", static_cast<long long>(below));
    out += text.data();
    while (out.back() == '0') out.pop_back();
  }
  return out + 'Z';
}

void Health::Set(State state) {
  const std::lock_guard lock(mutex_);
  if (state == State::kAvailable && state_ != state) {
    available_since_ = std::chrono::system_clock::now();
    steady_since_ = std::chrono::steady_clock::now();
  }
  state_ = state;
}

net::HttpResponse Health::Answer() const {
  const std::lock_guard lock(mutex_);
  const bool available = state_ == State::kAvailable;
  std::string body;
  codec::JsonWriter json(body);
  json.BeginObject();
  json.Key("status");
  json.String(available ? "Server available" : "Server not available");
  json.Key("upSince");
  json.String(available ? FormatRfc3339(available_since_) : kNever);
  json.Key("uptime");
  const std::chrono::nanoseconds up = std::chrono::steady_clock::now() - steady_since_;
  json.String(available ? assembly::FormatGoDuration(up.count()) : "");
  json.EndObject();
  return net::HttpResponse::Json(available ? 200 : 503, std::move(body));
}

net::HttpHandler MakeAdminHandler(AdminOptions options) {
  return [options = std::move(options)](const net::HttpRequest& request) {
    if (request.path == "/version") return VersionAnswer();
    if (request.path != options.metrics_route) return options.health->Answer();
    if (options.collect) options.collect(*options.metrics);
    net::HttpResponse response = net::HttpResponse::Text(200, options.metrics->Text());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  };
}

}  // namespace tracestore::server
