#include "service/storage_plugin.h"

#include <pthread.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <tracestore/store.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "base/try.h"
#include "exit_codes.h"
#include "ingest/receivers/jaeger_storage.h"
#include "ingest/span_sink.h"
#include "net/go_plugin.h"
#include "net/unix_listener.h"
#include "server/storage/storage_v2.h"
#include "service/check.h"
#include "service/config_file.h"
#include "service/environment.h"
#include "service/late_stores.h"
#include "service/listeners.h"
#include "service/parts.h"
#include "service/query_access.h"
#include "service/storage_methods.h"
#include "service/store_options.h"

namespace tracestore::tools {
namespace {

constexpr const char* kCookieName = "STORAGE_PLUGIN";
constexpr std::string_view kCookie = "jaeger";
constexpr int kAppProtocol = 1;
// The host waits two seconds between its Shutdown and a SIGKILL.
constexpr std::chrono::milliseconds kGrace{1'500};
constexpr timespec kLookForHost{.tv_sec = 1, .tv_nsec = 0};

// "[INFO] ": by which the host knows a line's level.
class HostsLevel final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    static constexpr std::string_view kWords[] = {"[TRACE] ", "[DEBUG] ", "[INFO] ", "[WARN] ",
                                                  "[ERROR] ", "[ERROR] ", "[ERROR] "};
    const std::string_view word = kWords[std::min<std::size_t>(message.level, 6)];
    out.append(word.data(), word.data() + word.size());
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<HostsLevel>();
  }
};

void StartLog() {
  auto formatter = std::make_unique<spdlog::pattern_formatter>();
  formatter->add_flag<HostsLevel>('*').set_pattern("%*%v");
  auto logger = spdlog::stderr_logger_mt("tracestore");
  logger->set_formatter(std::move(formatter));
  spdlog::set_default_logger(std::move(logger));
  spdlog::set_level(spdlog::level::debug);  // the host picks
  spdlog::flush_on(spdlog::level::debug);
}

std::optional<std::string> Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::nullopt : std::optional<std::string>(value);
}

// "--config FILE" and "--config=FILE".
Result<std::string> ConfigFileOf(int argc, char** argv) {
  std::string file;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    constexpr std::string_view kFlag = "--config";
    if (argument == kFlag && i + 1 < argc) {
      file = argv[++i];
    } else if (argument.starts_with("--config=")) {
      file = argument.substr(kFlag.size() + 1);
    } else {
      return Error{ErrorCode::kInvalidArgument,
                   "the plugin's only flag is --config FILE, not '" + std::string(argument) + "'"};
    }
  }
  return file;
}

Result<ServiceConfig> ReadConfig(int argc, char** argv) {
  TS_TRY_ASSIGN(std::string file, ConfigFileOf(argc, argv));
  const Environment environment = ProcessEnvironment();
  if (file.empty()) file = ValueOf(environment, "TRACESTORE_CONFIG");
  std::vector<std::string> warnings;
  Sources sources;
  sources.environment = ReadEnvironment(environment, warnings);
  // The host's: what kind of storage this plugin is to it.
  std::erase_if(sources.environment,
                [](const Given& given) { return given.name == "span-storage.type"; });
  if (!file.empty()) {
    TS_TRY_ASSIGN(sources.file, ReadConfigFile(file));
  }
  TS_TRY_ASSIGN(Resolved resolved, Resolve(kRemoteStorage, sources));
  TS_TRY(CheckConfig(kRemoteStorage, resolved));
  for (const std::string& warning : resolved.warnings) spdlog::warn("{}", warning);
  if (resolved.config.store.data.empty()) {
    return Error{ErrorCode::kInvalidArgument,
                 "'data' is not set: in the file of --config or as TRACESTORE_DATA it says which "
                 "directory the spans are in"};
  }
  return std::move(resolved.config);
}

// The folder of the socket: nobody else may look into it. It goes with this object.
class SocketFolder {
 public:
  static Result<std::unique_ptr<SocketFolder>> Make() {
    TS_TRY_ASSIGN(const std::string parent, Parent());
    std::string path = parent + "/tracestore-plugin-XXXXXX";
    if (mkdtemp(path.data()) != nullptr)
      return std::unique_ptr<SocketFolder>(new SocketFolder(std::move(path)));
    return Failed(parent, {errno, std::generic_category()});
  }
  ~SocketFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  SocketFolder(const SocketFolder&) = delete;
  SocketFolder& operator=(const SocketFolder&) = delete;
  std::string socket() const { return path_ + "/socket"; }

 private:
  explicit SocketFolder(std::string path) : path_(std::move(path)) {}
  static Error Failed(const std::string& parent, std::error_code why) {
    return {ErrorCode::kIo,
            "cannot make a directory for the socket in " + parent + ": " + why.message()};
  }
  // The host's choice, else the folder for temporary files.
  static Result<std::string> Parent() {
    if (auto chosen = Variable("PLUGIN_UNIX_SOCKET_DIR")) return std::move(*chosen);
    std::error_code error;
    const std::filesystem::path temporary = std::filesystem::temp_directory_path(error);
    if (error) return Failed(Variable("TMPDIR").value_or("/tmp"), error);
    return temporary.string();
  }
  const std::string path_;
};

// SIGTERM ends the plugin; SIGINT goes to the host's whole group, which decides. SIGUSR1 is the
// plugin's own: its host has called Shutdown. Made before any other thread.
class HostWatch {
 public:
  HostWatch() : host_(getppid()) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    std::signal(SIGINT, SIG_IGN);
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  }
  // Any thread.
  static void End() { kill(getpid(), SIGUSR1); }
  // Nothing tells of a host that is gone but that another process is the parent.
  void Wait() const {
    while (sigtimedwait(&signals_, nullptr, &kLookForHost) < 0 && getppid() == host_) continue;
  }

 private:
  const pid_t host_;
  sigset_t signals_{};
};

class StoragePlugin {
 public:
  explicit StoragePlugin(ServiceConfig config)
      : service_(std::move(config)), stores_([this] { return StoreOptionsOf(service_); }),
        archives_([this] { return ArchiveOptionsOf(service_); }) {}

  Status Start() {
    TS_TRY_ASSIGN(folder_, SocketFolder::Make());
    const std::string data = service_.config().store.data;
    const std::string archive_data = ArchiveDirectory(data);
    sink_ = ingest::MakeTenantStoreSink(
        [this, data](std::string_view) { return stores_.ToWrite(data); });
    service_.shared().end = sink_.get();
    TS_TRY(service_.Start({OpenQueryAccess, StartPipeline}));
    const auto& archive = ArchiveIntake(
        service_, [this, archive_data](std::string_view) { return archives_.ToWrite(archive_data); });
    net::RawGrpcServices methods = service_.shared().query_access->Grpc(
        "storage_plugin",
        StorageReaders(service_, [this, data] { return Counted(stores_.Take(data)); },
                       [this, archive_data] { return Counted(archives_.Take(archive_data)); }));
    methods.merge(StorageWriters(*service_.shared().intake, &archive));
    net::GrpcServerOptions options =
        GrpcOptions(service_.config().limits, ingest::StorageV1ClientStreams());
    options.listen = false;
    options.idle_timeout = std::chrono::milliseconds(0);
    options.health_names = {server::kStorageV2WriterHealth};
    host_services_.on_shutdown = HostWatch::End;
    host_services_.AddTo(methods, options);
    TS_TRY_ASSIGN(server_, net::GrpcServer::Start(std::move(options), std::move(methods)));
    TS_TRY_ASSIGN(listener_, net::UnixListener::Start(folder_->socket(),
                                                      [this](int fd) { server_->Adopt(fd); }));
    return {};
  }

  std::string socket() const { return folder_->socket(); }

  Status Stop() {
    if (listener_) listener_->Stop();
    host_services_.End();
    if (server_) server_->Stop(kGrace);
    const Status stopped = service_.Stop(kGrace);
    const Status store = stores_.Close();
    const Status archive = archives_.Close();
    if (!stopped.has_value()) return stopped;
    return store.has_value() ? archive : store;
  }

 private:
  std::unique_ptr<SocketFolder> folder_;
  std::unique_ptr<ingest::SpanSink> sink_;
  Service service_;
  LateStores stores_;
  LateStores archives_;
  net::GoPluginServices host_services_;
  std::unique_ptr<net::GrpcServer> server_;
  std::unique_ptr<net::UnixListener> listener_;  // last: it gives sockets to the server
};

int Failed(const Error& error) {
  spdlog::error("{}", error.message());
  return ExitCodeOf(error.code());
}

}  // namespace

bool IsStoragePlugin(std::string_view program) {
  const auto slash = program.rfind('/');
  return program.substr(slash == std::string_view::npos ? 0 : slash + 1) == kStoragePluginName;
}

int RunStoragePlugin(int argc, char** argv) {
  if (Variable(kCookieName) != kCookie) {
    std::cerr << kStoragePluginName
              << ": this is a plugin that Jaeger starts (SPAN_STORAGE_TYPE=grpc-plugin,\n"
                 "--grpc-storage-plugin.binary); it is not run by hand. `tracestore remote-storage` "
                 "serves the same.\n";
    return kExitNothingFound;
  }
  StartLog();
  if (Variable("PLUGIN_CLIENT_CERT")) {
    return Failed({ErrorCode::kUnsupported,
                   "the host asks for TLS between it and its plugins, which this plugin has not"});
  }
  auto config = ReadConfig(argc, argv);
  if (!config.has_value()) return Failed(config.error());
  const HostWatch host;
  StoragePlugin plugin(std::move(config).value());
  if (const Status started = plugin.Start(); !started.has_value()) {
    (void)plugin.Stop();
    return Failed(started.error());
  }
  std::cout << net::HandshakeLine(Variable, kAppProtocol, plugin.socket()) << std::flush;
  host.Wait();
  if (const Status stopped = plugin.Stop(); !stopped.has_value()) return Failed(stopped.error());
  return kExitOk;
}

}  // namespace tracestore::tools
