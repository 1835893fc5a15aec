// The services: all-in-one, collector.
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "command.h"
#include "exit_codes.h"
#include "retention_flags.h"
#include "service/parts.h"
#include "service/run.h"

namespace tracestore::tools {
namespace {

struct ServiceFlags {
  ServiceConfig config;
  RetentionFlags retention;
};

void AddPort(CLI::App& app, const char* flag, ListenAddress& address, const char* what) {
  app.add_option(flag, address.port, std::string("Port of ") + what + "; 0 takes a free one")
      ->capture_default_str();
}

void AddCommonFlags(CLI::App& app, ServiceFlags& flags) {
  ServiceConfig& config = flags.config;
  app.add_option("--data", config.store.data,
                 "Directory of the store, made when missing; a temporary one, removed at exit, "
                 "when not given");
  app.add_option("--host", config.host, "Address to listen on; \"\" means all interfaces")
      ->capture_default_str();
  AddPort(app, "--otlp-grpc-port", config.otlp.grpc, "OTLP over gRPC");
  AddPort(app, "--otlp-http-port", config.otlp.http, "OTLP over HTTP");
  AddPort(app, "--admin-port", config.admin.http, "health and metrics");
  app.add_option("--ports-file", config.ports_file,
                 "File to write the ports to, as JSON, once all of them are served");
  static const std::map<std::string, SyncPolicy> kPolicies = {
      {"full", SyncPolicy::kFull}, {"interval", SyncPolicy::kInterval}, {"off", SyncPolicy::kOff}};
  app.add_option("--sync", config.store.sync,
                 "When acknowledged spans are on the medium: full (before the answer), interval "
                 "(each second, the default), off (when the system likes)")
      ->transform(CLI::CheckedTransformer(kPolicies).description("full|interval|off"));
  app.add_option("--cors-origin", config.otlp.cors_origins,
                 "Origin whose web pages may send spans over HTTP; may be repeated, * means all")
      ->allow_extra_args(false);
  flags.retention.AddTo(app);
}

int Run(ServiceFlags& flags, const std::vector<Part>& parts) {
  const auto age = flags.retention.age();
  if (!age) return Fail(age.error());
  flags.config.store.keep_age = age->value_or(std::chrono::seconds(0));
  flags.config.store.keep_bytes = flags.retention.bytes().value_or(0);
  return RunService(flags.config, parts);
}

}  // namespace

Command DeclareAllInOne(CLI::App& root) {
  CLI::App* app = root.add_subcommand(
      "all-in-one", "Takes spans over OTLP, keeps them, answers Jaeger's queries");
  const auto flags = std::make_shared<ServiceFlags>();
  AddCommonFlags(*app, *flags);
  AddPort(*app, "--query-port", flags->config.query.http, "Jaeger's query API");
  return {app, [flags] { return Run(*flags, AllInOneParts()); }};
}

Command DeclareCollector(CLI::App& root) {
  CLI::App* app = root.add_subcommand("collector", "Takes spans over OTLP, keeps them");
  const auto flags = std::make_shared<ServiceFlags>();
  AddCommonFlags(*app, *flags);
  return {app, [flags] { return Run(*flags, CollectorParts()); }};
}

}  // namespace tracestore::tools
