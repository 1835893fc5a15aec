// What HashiCorp's go-plugin asks of a plugin process beside its own services: the handshake line
// and the services of the package `plugin`. It knows neither stores nor spans.
#pragma once
#include <tracestore/status.h>

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "net/grpc_server.h"

namespace tracestore::net {

// The value of a variable of the environment; nullopt where it isn't set.
using PluginEnvironment = std::function<std::optional<std::string>(const char* name)>;

// "1|1|unix|/tmp/plugin/socket|grpc|" with its newline: the one line that a host reads. `app`: the
// version of the application's protocol, where the host takes several the only one there is.
std::string HandshakeLine(const PluginEnvironment& environment, int app,
                          std::string_view socket_path);

// plugin.GRPCController and GRPCStdio. No numbered stream is asked for or offered, so there is no
// GRPCBroker: hosts go without one. Threads: any.
class GoPluginServices {
 public:
  // Adds the methods and what the options need for them; health knows the name `plugin` then. This
  // object must outlive the server.
  void AddTo(RawGrpcServices& methods, GrpcServerOptions& options);

  // Whether the host has called GRPCController/Shutdown.
  bool shut_down() const;
  // Ends the calls that last as long as the plugin: before GrpcServer::Stop().
  void End();
  // Called, on a thread of the server, when the host calls Shutdown. Set before the server starts.
  std::function<void()> on_shutdown;

 private:
  RawReply Stdio(const RawRequest& request);

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  bool ended_ = false;      // guarded by mutex_, as what follows
  bool shut_down_ = false;
  bool stdio_ = false;      // a call is there: it keeps one worker
};

}  // namespace tracestore::net
