#include "net/go_plugin.h"

#include <utility>

namespace tracestore::net {
namespace {

constexpr int kCoreProtocol = 1;
constexpr const char* kShutdown = "/plugin.GRPCController/Shutdown";
constexpr const char* kStdio = "/plugin.GRPCStdio/StreamStdio";

}  // namespace

std::string HandshakeLine(const PluginEnvironment& environment, int app,
                          std::string_view socket_path) {
  std::string line = std::to_string(kCoreProtocol) + "|" + std::to_string(app) + "|unix|" +
                     std::string(socket_path) + "|grpc|";
  // A seventh field only for hosts that know it: older ones take it for a part of the sixth.
  if (environment("PLUGIN_MULTIPLEX_GRPC")) line += "|false";
  return line + "\n";
}

void GoPluginServices::AddTo(RawGrpcServices& methods, GrpcServerOptions& options) {
  methods.emplace(kShutdown, [this](const RawRequest&) {
    {
      const std::lock_guard lock(mutex_);
      shut_down_ = true;
    }
    if (on_shutdown) on_shutdown();
    return RawReply::Ok("");
  });
  methods.emplace(kStdio, [this](const RawRequest& request) { return Stdio(request); });
  options.health_names.emplace_back("plugin");
  ++options.worker_threads;  // for Stdio
}

// What is written to standard output here goes nowhere: nothing is. The stream lasts as long as the
// plugin, on a worker of its own; a second one ends at once.
RawReply GoPluginServices::Stdio(const RawRequest& request) {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stdio_, true)) return RawReply::Stream([](std::string&) {
      return std::optional(RawReply::Ok(""));
    });
  }
  return RawReply::Stream([this, stop = request.stop](std::string&) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, stop, [this] { return ended_; });
    stdio_ = false;
    return std::optional(RawReply::Ok(""));
  });
}

bool GoPluginServices::shut_down() const {
  const std::lock_guard lock(mutex_);
  return shut_down_;
}

void GoPluginServices::End() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_all();
}

}  // namespace tracestore::net
