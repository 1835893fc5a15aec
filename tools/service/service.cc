#include "service/service.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/try.h"
#include "codec/json/json_writer.h"
#include "net/host_port.h"

namespace tracestore::tools {

Service::~Service() {
  while (!kept_.empty()) kept_.pop_back();
}

Status Service::Start(const std::vector<Part>& parts) {
  for (const Part part : parts) TS_TRY(part(*this));
  health_.Set(server::Health::State::kAvailable);
  if (!config_.ports_file.empty()) TS_TRY(WritePortsFile());
  return {};
}

Status Service::Stop(std::chrono::milliseconds grace) {
  health_.Set(server::Health::State::kStopping);
  const auto deadline = std::chrono::steady_clock::now() + grace;
  Status first;
  while (!stops_.empty()) {
    const auto stop = std::move(stops_.back());
    stops_.pop_back();
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    const Status stopped = stop(std::max(left, std::chrono::milliseconds{0}));
    if (!stopped.has_value() && first.has_value()) first = stopped;
  }
  return first;
}

std::vector<Error> Service::Reload() {
  std::vector<Error> errors;
  for (const auto& reload : reloads_) {
    if (const Status done = reload(); !done.has_value()) errors.push_back(done.error());
  }
  return errors;
}

std::string Service::Description() const {
  std::size_t width = 0;
  for (const auto& [what, value] : description_) width = std::max(width, what.size());
  std::string text;
  for (auto line = description_.rbegin(); line != description_.rend(); ++line) {
    text += line->first + std::string(width + 2 - line->first.size(), ' ') + line->second + '\n';
  }
  return text;
}

std::uint16_t Service::PortOf(const std::string& key) const {
  for (const auto& [name, port] : ports_) {
    if (name == key) return port;
  }
  return 0;
}

void Service::OnStop(std::function<Status(std::chrono::milliseconds)> stop) {
  stops_.push_back(std::move(stop));
}

void Service::OnReload(std::function<Status()> reload) { reloads_.push_back(std::move(reload)); }

void Service::OnCollect(std::function<void(server::MetricRegistry&)> collect) {
  const std::lock_guard lock(collect_mutex_);
  collects_.push_back(std::move(collect));
}

// Collectors only look at what is kept; none takes the mutex.
void Service::Collect(server::MetricRegistry& metrics) {
  const std::lock_guard lock(collect_mutex_);
  for (const auto& collect : collects_) collect(metrics);
}

void Service::Show(std::string what, std::string value) {
  description_.emplace_back(std::move(what), std::move(value));
}

void Service::AddListener(ListenerName name, const ListenAddress& address, std::uint16_t port) {
  const std::string& host = HostOf(address);
  std::string shown = std::move(name.address);
  if (const auto place = shown.find("{}"); place != std::string::npos) {
    shown.replace(place, 2, net::FormatHostPort(host.empty() ? "0.0.0.0" : host, port));
  }
  Show(std::move(name.shown), std::move(shown));
  ports_.emplace_back(std::move(name.key), port);
}

// Under its name only once it is whole: who waits for the file can read it at once.
Status Service::WritePortsFile() const {
  std::string text;
  codec::JsonWriter json(text);
  json.BeginObject();
  for (const auto& [name, port] : ports_) {
    json.Key(name);
    json.Uint(port);
  }
  json.EndObject();
  const std::string unfinished = config_.ports_file + ".unfinished";
  std::ofstream(unfinished) << text << '\n';
  std::error_code error;
  std::filesystem::rename(unfinished, config_.ports_file, error);
  if (error) {
    return Error(ErrorCode::kIo, "cannot write " + config_.ports_file + ": " + error.message());
  }
  return {};
}

}  // namespace tracestore::tools
