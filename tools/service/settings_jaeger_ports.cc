// The ports of Jaeger's agent and collector.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr double kMostPacket = 1 << 30;  // Jaeger takes any; IPv4 carries 65,507 bytes
constexpr double kMostQueue = 10'000'000;
constexpr double kMostBuffer = 1 << 30;

#define TS_UDP_SETTINGS(prefix, member, what)                                               \
  {.name = prefix ".server-host-port",                                                      \
   .field = TS_FIELD(jaeger.member.address),                                                \
   .group = "Jaeger agent",                                                                 \
   .help = what,                                                                            \
   .jaegers = true},                                                                        \
      {.name = prefix ".server-max-packet-size",                                            \
       .field = TS_FIELD(jaeger.member.max_packet_bytes),                                   \
       .group = "Jaeger agent",                                                             \
       .help = "Bytes of a packet; longer ones are dropped and counted",                    \
       .least = 1,                                                                          \
       .most = kMostPacket,                                                                 \
       .jaegers = true},                                                                    \
      {.name = prefix ".server-queue-size",                                                 \
       .field = TS_FIELD(jaeger.member.queue_packets),                                      \
       .group = "Jaeger agent",                                                             \
       .help = "Packets that may wait; more are dropped and counted",                       \
       .least = 1,                                                                          \
       .most = kMostQueue,                                                                  \
       .jaegers = true},                                                                    \
  {                                                                                         \
    .name = prefix ".server-socket-buffer-size",                                            \
    .field = TS_FIELD(jaeger.member.socket_buffer_bytes), .group = "Jaeger agent",          \
    .help = "Bytes of the kernel's buffer; 0 is the system's default", .most = kMostBuffer, \
    .unit = Unit::kBytes, .jaegers = true                                                   \
  }

constexpr Setting kSettings[] = {
    {.name = "collector.grpc-server.host-port",
     .field = TS_FIELD(jaeger.grpc),
     .group = "Jaeger collector",
     .help = "Spans of agents and clients over gRPC, and sampling",
     .roles = kStoring,
     .jaegers = true},
    {.name = "collector.http-server.host-port",
     .field = TS_FIELD(jaeger.http),
     .group = "Jaeger collector",
     .help = "Thrift over HTTP, /api/traces, and sampling",
     .roles = kStoring,
     .jaegers = true},
    {.name = "collector.tchan-server.host-port",
     .field = TS_FIELD(jaeger.tchannel),
     .group = "Jaeger collector",
     .help = "Spans of agents up to 1.17 over TChannel, and sampling",
     .roles = kStoring,
     .jaegers = true},
    TS_UDP_SETTINGS("processor.jaeger-compact", compact, "Thrift, compact protocol, by UDP"),
    TS_UDP_SETTINGS("processor.jaeger-binary", binary, "Thrift, binary protocol, by UDP"),
    TS_UDP_SETTINGS("processor.zipkin-compact", zipkin_compact,
                    "Zipkin's Thrift, compact protocol, by UDP"),
};

#undef TS_UDP_SETTINGS

}  // namespace

std::span<const Setting> JaegerPortSettings() { return kSettings; }

}  // namespace tracestore::tools
