// ingest_load: drives a real collector process on the loopback at the most that the machine gives,
// and says what each span cost it, by stage, beside yardsticks on the same bytes in the same run.
//   ingest_load TRACESTORE WORK [--spans N] [--rounds N] [--repeats N] [--udp-spans N]
//               [--udp-rate N] [--senders N] [--busy] [--flag FLAG]… [PROTOCOL…]
// Each round makes and sends N other spans; stages and yardsticks are of the first one's. Each
// repeat is a collector of its own and its stages anew: medians, and the least of each figure.
// --busy: stages and yardsticks are measured beside a thread that decodes, as they run under load.
// TRACESTORE is the program, WORK a folder for stores. PROTOCOL: otlp-grpc, otlp-http, zipkin-json,
// jaeger-udp; default: all that the program listens for. Of UDP: spans a packet, and spans a
// second. A FLAG is one of the program's own ("--config=F"). Fails where a span isn't accounted
// for.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <mutex>
#include <string_view>
#include <thread>

#include "base/try.h"
#include "collector_process.h"
#include "load_messages.h"
#include "load_report.h"
#include "load_stages.h"
#include "measure.h"
#include "net/grpc_client.h"
#include "net/http_client.h"

namespace tracestore::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string program;
  std::string work;
  std::uint64_t spans = 500'000;
  std::uint64_t rounds = 1;
  std::uint64_t repeats = 1;
  std::uint32_t udp_spans = 20;
  std::uint64_t udp_rate = 150'000;  // spans a second
  unsigned senders = 4;
  bool busy = false;
  std::vector<std::string> flags;  // of the program
  std::vector<LoadProtocol> protocols;
};

struct Listener {
  const char* key;  // in the file of ports
  const char* transport;
};
Listener ListenerOf(LoadProtocol protocol) {
  switch (protocol) {
    case LoadProtocol::kOtlpGrpc: return {"otlp_grpc", "grpc"};
    case LoadProtocol::kOtlpHttp: return {"otlp_http", "http"};
    case LoadProtocol::kZipkinJson: return {"zipkin", "http"};
    case LoadProtocol::kJaegerUdp: break;
  }
  return {"jaeger_compact", "udp"};
}

enum class Sent { kTaken, kAgain, kRefused };

// What sends one message; each sender thread has its own.
Result<std::function<Sent(const std::string&)>> MakeSend(LoadProtocol protocol,
                                                         std::uint16_t port) {
  if (protocol == LoadProtocol::kOtlpGrpc) {
    net::GrpcClientOptions options;
    options.port = port;
    TS_TRY_ASSIGN(auto client, net::GrpcClient::Make(options));
    return std::function<Sent(const std::string&)>(
        [shared = std::shared_ptr(std::move(client))](const std::string& message) {
          net::GrpcCall call;
          call.wait_for_ready = true;
          const net::RawReply reply = shared->Call(
              "/opentelemetry.proto.collector.trace.v1.TraceService/Export", message, call);
          if (reply.code == net::GrpcCode::kOk) return Sent::kTaken;
          const bool again = reply.code == net::GrpcCode::kResourceExhausted ||
                             reply.code == net::GrpcCode::kUnavailable;
          return again ? Sent::kAgain : Sent::kRefused;
        });
  }
  net::HttpClientOptions options;
  options.port = port;
  TS_TRY_ASSIGN(auto client, net::HttpClient::Make(options));
  const bool zipkin = protocol == LoadProtocol::kZipkinJson;
  return std::function<Sent(const std::string&)>(
      [shared = std::shared_ptr(std::move(client)), zipkin](const std::string& message) {
        net::HttpClientRequest request;
        request.method = "POST";
        request.target = zipkin ? "/api/v2/spans" : "/v1/traces";
        request.headers.emplace_back("Content-Type",
                                     zipkin ? "application/json" : "application/x-protobuf");
        request.body = message;
        const auto answer = shared->Send(request);
        if (!answer.has_value()) return Sent::kRefused;
        if (answer->status / 100 == 2) return Sent::kTaken;
        return answer->status == 429 || answer->status == 503 ? Sent::kAgain : Sent::kRefused;
      });
}

// Returns the spans of messages that were acknowledged.
Result<std::uint64_t> SendAll(const Settings& settings, LoadProtocol protocol, std::uint16_t port,
                              const LoadMessages& load) {
  std::atomic<std::size_t> next{0};
  std::atomic<std::uint64_t> acknowledged{0};
  std::vector<std::function<Sent(const std::string&)>> sends;
  for (unsigned i = 0; i < settings.senders; ++i) {
    TS_TRY_ASSIGN(auto send, MakeSend(protocol, port));
    sends.push_back(std::move(send));
  }
  std::vector<std::jthread> threads;
  for (const auto& send : sends) {
    threads.emplace_back([&] {
      for (std::size_t at = next++; at < load.messages.size(); at = next++) {
        Sent sent = send(load.messages[at]);
        for (; sent == Sent::kAgain; sent = send(load.messages[at]))
          std::this_thread::sleep_for(std::chrono::milliseconds(100));
        if (sent == Sent::kTaken) acknowledged += load.spans[at];
      }
    });
  }
  threads.clear();
  return acknowledged.load();
}

// At the given rate: there is nobody to slow a sender of packets down.
Status SendPackets(const Settings& settings, std::uint16_t port, const LoadMessages& load) {
  const int socket_fd = socket(AF_INET, SOCK_DGRAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  Status status;
  std::uint64_t sent = 0;  // spans
  const auto begin = Clock::now();
  for (std::size_t at = 0; at < load.messages.size() && status.has_value(); ++at) {
    const std::string& packet = load.messages[at];
    if (sendto(socket_fd, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
               sizeof to) < 0) {
      status = Error(ErrorCode::kIo, "sendto");
    }
    sent += load.spans[at];
    if (at % 8 == 7)
      std::this_thread::sleep_until(begin + std::chrono::microseconds(sent * 1'000'000 /
                                                                      settings.udp_rate));
  }
  close(socket_fd);
  return status;
}

// Until nothing more comes in.
Status WaitForQuiet(const CollectorProcess& collector) {
  double before = -1;
  for (int tries = 0; tries < 100; ++tries) {
    TS_TRY_ASSIGN(const double now, collector.Metric("tracestore_spans_received_total"));
    if (now == before) return {};
    before = now;
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return {};
}

Result<double> IdleCpu(const Settings& settings) {
  TS_TRY_ASSIGN(const auto collector,
                CollectorProcess::Start(settings.program, settings.work + "/idle", settings.flags));
  return collector->Stop();
}

Result<LoadRun> RunOne(const Settings& settings, LoadProtocol protocol, const LoadMessages& first,
                       double idle) {
  const std::string directory = settings.work + "/" + LoadProtocolName(protocol);
  std::filesystem::remove_all(directory);
  TS_TRY_ASSIGN(const auto collector,
                CollectorProcess::Start(settings.program, directory, settings.flags));
  const std::uint16_t port = collector->port(ListenerOf(protocol).key);
  if (port == 0) return Error(ErrorCode::kNotFound, "not served by this program");
  LoadRun out;
  std::mutex mutex;
  std::jthread sampler([&](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      {
        const std::lock_guard lock(mutex);
        out.memory.push_back(collector->Usage().anonymous_bytes);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(250));
    }
  });
  for (std::uint64_t round = 0; round < settings.rounds; ++round) {
    LoadMessages other;
    if (round != 0) other = MakeLoad(protocol, settings.spans, settings.udp_spans, round + 1);
    const LoadMessages& load = round == 0 ? first : other;
    const auto begin = Clock::now();
    if (protocol == LoadProtocol::kJaegerUdp) {
      TS_TRY(SendPackets(settings, port, load));
    } else {
      TS_TRY_ASSIGN(const std::uint64_t taken, SendAll(settings, protocol, port, load));
      out.acknowledged += taken;
    }
    out.wall_seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    out.sent += load.total_spans;
  }
  if (protocol == LoadProtocol::kJaegerUdp) TS_TRY(WaitForQuiet(*collector));
  sampler.request_stop();
  sampler.join();
  TS_TRY_ASSIGN(out.received, collector->Metric("tracestore_spans_received_total"));
  TS_TRY_ASSIGN(out.accepted, collector->Metric("tracestore_spans_accepted_total"));
  TS_TRY_ASSIGN(out.rejected, collector->Metric("tracestore_spans_rejected_total"));
  TS_TRY_ASSIGN(out.dropped,
                collector->Metric("tracestore_pipeline_spans_total", "action=\"dropped\""));
  TS_TRY_ASSIGN(out.waiting, collector->Metric("tracestore_tail_waiting_spans"));
  TS_TRY_ASSIGN(out.stored, collector->Metric("tracestore_store_spans"));
  if (protocol == LoadProtocol::kJaegerUdp) {
    out.kernel_drops = UdpStateOf(port).dropped;
    TS_TRY_ASSIGN(out.receiver_drops, collector->Metric("tracestore_udp_packets_dropped_total",
                                                        "cause=\"queue-full\""));
  }
  TS_TRY_ASSIGN(const double cpu, collector->Stop());
  out.cpu_seconds = cpu - idle;
  std::filesystem::remove_all(directory);
  return out;
}

// The collector and the stages by turns, so that what else the machine does hits both; false where
// a span isn't accounted for.
Result<bool> RunRepeats(const Settings& settings, LoadProtocol protocol, double idle) {
  const LoadMessages load = MakeLoad(protocol, settings.spans, settings.udp_spans, 1);
  std::vector<LoadRun> runs;
  std::vector<StageSeconds> stages;
  for (std::uint64_t repeat = 0; repeat < settings.repeats; ++repeat) {
    auto run = RunOne(settings, protocol, load, idle);
    if (!run.has_value() && run.error().code() == ErrorCode::kNotFound) {
      std::printf("\n%s: left out, %s\n", LoadProtocolName(protocol),
                  run.error().message().c_str());
      return true;
    }
    if (!run.has_value()) return run.error();
    runs.push_back(std::move(*run));
    TS_TRY_ASSIGN(const StageSeconds measured,
                  MeasureStages(protocol, load, settings.work + "/stages", settings.busy));
    stages.push_back(measured);
  }
  return ReportLoad(protocol, load, runs, stages);
}

Result<bool> RunAll(const Settings& settings) {
  std::filesystem::create_directories(settings.work);
  TS_TRY_ASSIGN(const double idle, IdleCpu(settings));
  bool good = true;
  for (const LoadProtocol protocol : settings.protocols) {
    TS_TRY_ASSIGN(const bool balanced, RunRepeats(settings, protocol, idle));
    good &= balanced;
    std::fflush(stdout);
  }
  return good;
}

int Main(int argc, char** argv) {
  Settings settings;
  constexpr LoadProtocol kAll[] = {LoadProtocol::kOtlpGrpc, LoadProtocol::kOtlpHttp,
                                   LoadProtocol::kZipkinJson, LoadProtocol::kJaegerUdp};
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word = argv[i];
    const auto number = [&] { return i + 1 < argc ? std::strtoull(argv[++i], nullptr, 10) : 0; };
    if (word == "--spans") settings.spans = number();
    else if (word == "--rounds") settings.rounds = number();
    else if (word == "--repeats")
      settings.repeats = number();
    else if (word == "--udp-spans") settings.udp_spans = static_cast<std::uint32_t>(number());
    else if (word == "--udp-rate") settings.udp_rate = number();
    else if (word == "--senders") settings.senders = static_cast<unsigned>(number());
    else if (word == "--busy") settings.busy = true;
    else if (word == "--flag" && i + 1 < argc) settings.flags.emplace_back(argv[++i]);
    else names.emplace_back(word);
  }
  if (names.size() < 2 || settings.spans == 0 || settings.udp_spans == 0 ||
      settings.udp_rate == 0 || settings.senders == 0 || settings.rounds == 0 ||
      settings.repeats == 0) {
    std::fprintf(stderr,
                 "usage: ingest_load TRACESTORE WORK [--spans N] [--rounds N] "
                 "[--repeats N] [--udp-spans N] [--udp-rate N] [--senders N] "
                 "[--flag FLAG]… [PROTOCOL…]\n");
    return 2;
  }
  settings.program = names[0];
  settings.work = names[1];
  for (const LoadProtocol protocol : kAll) {
    const auto asked = std::find(names.begin() + 2, names.end(), LoadProtocolName(protocol));
    if (names.size() == 2 || asked != names.end()) settings.protocols.push_back(protocol);
  }
  const auto good = RunAll(settings);
  if (!good.has_value()) std::fprintf(stderr, "ingest_load: %s\n", good.error().message().c_str());
  return good.has_value() && *good ? 0 : 1;
}

}  // namespace
}  // namespace tracestore::bench

int main(int argc, char** argv) { return tracestore::bench::Main(argc, argv); }
