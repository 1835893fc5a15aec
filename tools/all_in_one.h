// tracestore all-in-one: OTLP in, a store in a directory, Jaeger's query API out, in one process.
#pragma once
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <tracestore/store.h>

#include "command.h"

namespace tracestore::tools {

struct AllInOneOptions {
  std::string data;                // store directory; "": a temporary one, removed at exit
  std::string host = "127.0.0.1";  // of all listeners; a name or an address
  // 0: a free one.
  std::uint16_t otlp_grpc_port = 4317;
  std::uint16_t otlp_http_port = 4318;
  std::uint16_t query_port = 16686;
  std::uint16_t admin_port = 14269;
  std::string ports_file;          // "": none; gets the real ports as JSON once all is served
  SyncPolicy sync = SyncPolicy::kInterval;
  std::chrono::seconds keep_age{0};   // 0: for good
  std::uint64_t keep_bytes = 0;       // 0: any number
  std::vector<std::string> cors_origins;  // whose pages may send spans over HTTP
};

// Serves until SIGTERM or SIGINT, then finishes what was begun, closes the store and gives the exit
// code (exit_codes.h). A second signal ends the process at once. To be called from the thread that
// main() runs on, before it starts others.
int RunAllInOne(const AllInOneOptions& options);

// The subcommand.
Command DeclareAllInOne(CLI::App& root);

}  // namespace tracestore::tools
