// ServiceConfig: what a service is told, as plain values; a section a concern. Where the values
// come from (flags, environment, file) it doesn't know.
#pragma once
#include <tracestore/store.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace tracestore::tools {

// Where a listener listens, or that it doesn't.
struct ListenAddress {
  bool on = true;
  std::optional<std::string> host;  // unset: ServiceConfig::host; "": all interfaces
  std::uint16_t port = 0;           // 0: a free one

  bool operator==(const ListenAddress&) const = default;
};

// A listener on the common host.
inline ListenAddress OnPort(std::uint16_t port) { return {true, std::nullopt, port}; }

struct StoreSection {
  std::string data;  // directory; "": a temporary one, removed at exit
  SyncPolicy sync = SyncPolicy::kInterval;
  std::chrono::seconds keep_age{0};  // 0: for good
  std::uint64_t keep_bytes = 0;      // 0: any number
};

struct OtlpSection {
  ListenAddress grpc = OnPort(4317);
  ListenAddress http = OnPort(4318);
  std::vector<std::string> cors_origins;  // whose pages may send spans over HTTP
};

struct QuerySection {
  ListenAddress http = OnPort(16686);
};

struct AdminSection {
  ListenAddress http = OnPort(14269);
};

struct ServiceConfig {
  std::string host = "127.0.0.1";  // of listeners that name none; a name, an address, or "" for all
  std::string ports_file;          // "": none; gets the real ports as JSON once all are open
  StoreSection store;
  OtlpSection otlp;
  QuerySection query;
  AdminSection admin;
};

}  // namespace tracestore::tools
