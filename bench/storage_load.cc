// storage_load: writes to and searches in a real service by the storage interface that Jaeger 1.x
// has, on the loopback, beside OTLP over gRPC on the same spans.
//   storage_load TRACESTORE WORK [--spans N] [--streams N] [--rounds N]
// TRACESTORE is the program, WORK a folder for stores. Each way of writing gets a store of its own
// and all spans: OTLP in messages of 250 spans by `streams` connections; WriteSpanStream by
// `streams` streams of a connection each, a span a message, once with what gRPC may buffer and once
// with each message flushed. Then 20 traces are searched, by both generations of the interface.
// Fails where a span isn't accounted for.
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/try.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/otlp/protobuf_decoder.h"
#include "codec/wire/wire_reader.h"
#include "collector_process.h"
#include "load_messages.h"
#include "model/span_batch.h"
#include "net/grpc_client.h"

namespace tracestore::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";
constexpr const char* kStream = "/jaeger.storage.v1.StreamingSpanWriterPlugin/WriteSpanStream";
constexpr std::uint32_t kTraces = 20;

struct Settings {
  std::string program;
  std::string work;
  std::uint64_t spans = 500'000;
  unsigned streams = 4;
  int rounds = 3;
};

double SecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

Error Wrong(std::string what) { return {ErrorCode::kIo, std::move(what)}; }

// Each span as the message of a stream.
Result<std::vector<std::string>> SpanMessages(const LoadMessages& load) {
  std::vector<std::string> messages;
  messages.reserve(load.total_spans);
  for (const std::string& message : load.messages) {
    model::SpanBatch batch;
    TS_TRY(codec::DecodeOtlpProtobuf(message, batch));
    for (std::uint32_t row = 0; row < batch.size(); ++row) {
      // A SpansResponseChunk of one span is a WriteSpanRequest to the byte.
      codec::EncodeJaegerSpans(batch, std::span(&row, 1), {}, messages.emplace_back());
    }
  }
  return messages;
}

// One stream: messages `first`, `first + step`, …
class StreamWriter {
 public:
  StreamWriter(std::uint16_t port, bool buffered) : buffered_(buffered) {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    stub_ = std::make_unique<grpc::GenericStub>(grpc::CreateCustomChannel(
        "127.0.0.1:" + std::to_string(port), grpc::InsecureChannelCredentials(), arguments));
  }
  // True where all was sent and answered.
  bool Run(const std::vector<std::string>& messages, std::size_t first, std::size_t step) {
    context_.set_wait_for_ready(true);
    call_ = stub_->PrepareCall(&context_, kStream, &queue_);
    call_->StartCall(nullptr);
    bool good = Wait();
    grpc::WriteOptions options;
    if (buffered_) options.set_buffer_hint();
    for (std::size_t at = first; good && at < messages.size(); at += step) {
      const grpc::Slice slice(messages[at].data(), messages[at].size(), grpc::Slice::STATIC_SLICE);
      call_->Write(grpc::ByteBuffer(&slice, 1), options, nullptr);
      good = Wait();
    }
    call_->WritesDone(nullptr);
    good = Wait() && good;
    grpc::ByteBuffer answer;
    call_->Read(&answer, nullptr);
    good = Wait() && good;
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Wait();
    queue_.Shutdown();
    while (Wait()) continue;
    return good && status.ok();
  }

 private:
  bool Wait() {
    void* tag = nullptr;
    bool ok = false;
    return queue_.Next(&tag, &ok) && ok;
  }
  const bool buffered_;
  std::unique_ptr<grpc::GenericStub> stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

Status WriteStreams(const Settings& settings, std::uint16_t port, bool buffered,
                    const std::vector<std::string>& messages) {
  std::atomic<unsigned> good = 0;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < settings.streams; ++i) {
    threads.emplace_back([&, i] {
      StreamWriter writer(port, buffered);
      if (writer.Run(messages, i, settings.streams)) ++good;
    });
  }
  threads.clear();
  if (good != settings.streams) return Wrong("a stream failed");
  return {};
}

Status WriteOtlp(const Settings& settings, std::uint16_t port, const LoadMessages& load) {
  std::atomic<std::size_t> next = 0;
  std::atomic<bool> failed = false;
  std::vector<std::jthread> threads;
  for (unsigned i = 0; i < settings.streams; ++i) {
    net::GrpcClientOptions options;
    options.port = port;
    TS_TRY_ASSIGN(auto client, net::GrpcClient::Make(options));
    threads.emplace_back([&, client = std::shared_ptr(std::move(client))] {
      for (std::size_t at = next++; at < load.messages.size(); at = next++) {
        net::GrpcCall call;
        call.wait_for_ready = true;
        const net::RawReply reply = client->Call(kExport, load.messages[at], call);
        if (reply.code != net::GrpcCode::kOk) failed = true;
      }
    });
  }
  threads.clear();
  if (failed) return Wrong("a message of OTLP was refused");
  return {};
}

// Milliseconds of one FindTraces of 20 traces, all messages read; gives the spans' bytes, too.
struct Found {
  double milliseconds = 0;
  std::uint64_t bytes = 0;
};
Result<Found> Find(grpc::GenericStub& stub, const char* method, const std::string& request) {
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto wait = [&] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto begin = Clock::now();
  const auto call = stub.PrepareCall(&context, method, &queue);
  call->StartCall(nullptr);
  wait();
  const grpc::Slice slice(request);
  call->WriteLast(grpc::ByteBuffer(&slice, 1), grpc::WriteOptions(), nullptr);
  wait();
  Found found;
  while (true) {
    grpc::ByteBuffer message;
    call->Read(&message, nullptr);
    if (!wait()) break;
    found.bytes += message.Length();
  }
  grpc::Status status;
  call->Finish(&status, nullptr);
  wait();
  found.milliseconds = SecondsSince(begin) * 1e3;
  if (!status.ok()) return Wrong("FindTraces: " + status.error_message());
  return found;
}

// Of the most frequent service of each message: 20 traces, the newest.
Status SearchAll(std::uint16_t port, const std::string& service) {
  std::string query;
  codec::WireWriter inner(query);
  inner.Bytes(1, service);
  inner.Uint(8, kTraces);
  std::string request;
  codec::WireWriter(request).Bytes(1, query);
  grpc::GenericStub stub(grpc::CreateChannel("127.0.0.1:" + std::to_string(port),
                                             grpc::InsecureChannelCredentials()));
  for (const char* method : {"/jaeger.storage.v1.SpanReaderPlugin/FindTraces",
                             "/jaeger.storage.v2.TraceReader/FindTraces"}) {
    std::vector<double> times;
    std::uint64_t bytes = 0;
    for (int i = 0; i < 51; ++i) {
      TS_TRY_ASSIGN(const Found found, Find(stub, method, request));
      times.push_back(found.milliseconds);
      bytes = found.bytes;
    }
    std::sort(times.begin(), times.end());
    std::printf("%s: %u traces, %" PRIu64 " bytes: p50 %.2f ms, p90 %.2f ms\n", method, kTraces,
                bytes, times[times.size() / 2], times[times.size() * 9 / 10]);
  }
  return {};
}

// Some service of the load.
Result<std::string> ServiceOf(const LoadMessages& load) {
  model::SpanBatch batch;
  TS_TRY(codec::DecodeOtlpProtobuf(load.messages.front(), batch));
  return std::string(model::ServiceOf(batch, batch.resources.front()));
}

// Gives spans a second. `write`: all spans to the service.
template <typename Write>
Result<double> Measure(const Settings& settings, const std::string& name, std::uint64_t spans,
                       const Write& write, const std::string& search) {
  const std::string directory = settings.work + "/" + name;
  std::filesystem::remove_all(directory);
  TS_TRY_ASSIGN(const auto service, CollectorProcess::Start(settings.program, directory, {}));
  const auto begin = Clock::now();
  TS_TRY(write(*service));
  const double seconds = SecondsSince(begin);
  const double rate = static_cast<double>(spans) / seconds;
  TS_TRY_ASSIGN(const double stored, service->Metric("tracestore_store_spans"));
  if (static_cast<std::uint64_t>(stored) != spans)
    return Wrong(name + ": " + std::to_string(stored) + " spans are stored");
  const double cpu = service->Usage().cpu_seconds;
  std::printf("%-18s %8.0f spans/s, %.2f us CPU of the service a span\n", name.c_str(), rate,
              cpu / static_cast<double>(spans) * 1e6);
  if (!search.empty()) TS_TRY(SearchAll(service->port("remote_storage"), search));
  TS_TRY(service->Stop());
  std::filesystem::remove_all(directory);
  return rate;
}

Status Run(const Settings& settings) {
  const LoadMessages load = MakeLoad(LoadProtocol::kOtlpGrpc, settings.spans, 20, 1);
  TS_TRY_ASSIGN(const auto messages, SpanMessages(load));
  TS_TRY_ASSIGN(const std::string service, ServiceOf(load));
  std::printf("%" PRIu64 " spans, %u streams\n", load.total_spans, settings.streams);
  const auto port = [](const CollectorProcess& process) { return process.port("remote_storage"); };
  for (int round = 0; round < settings.rounds; ++round) {
    const std::string search = round + 1 == settings.rounds ? service : "";
    TS_TRY_ASSIGN(const double otlp,
                  Measure(settings, "otlp", load.total_spans,
                          [&](const CollectorProcess& process) {
                            return WriteOtlp(settings, port(process), load);
                          },
                          search));
    for (const bool buffered : {true, false}) {
      TS_TRY_ASSIGN(const double streamed,
                    Measure(settings, buffered ? "stream-buffered" : "stream-flushed",
                            messages.size(),
                            [&](const CollectorProcess& process) {
                              return WriteStreams(settings, port(process), buffered, messages);
                            },
                            ""));
      std::printf("  %.2f of OTLP's rate\n", streamed / otlp);
    }
  }
  return {};
}

}  // namespace
}  // namespace tracestore::bench

int main(int argc, char** argv) {
  using namespace tracestore::bench;
  if (argc < 3) {
    std::fprintf(stderr, "usage: storage_load TRACESTORE WORK [--spans N] [--streams N] "
                         "[--rounds N]\n");
    return 2;
  }
  Settings settings;
  settings.program = argv[1];
  settings.work = argv[2];
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string_view flag = argv[i];
    const auto value = std::strtoull(argv[i + 1], nullptr, 10);
    if (flag == "--spans") settings.spans = value;
    if (flag == "--streams") settings.streams = static_cast<unsigned>(std::max(value, 1ULL));
    if (flag == "--rounds") settings.rounds = static_cast<int>(std::max(value, 1ULL));
  }
  const auto done = Run(settings);
  if (done.has_value()) return 0;
  std::fprintf(stderr, "storage_load: %s\n", done.error().message().c_str());
  return 1;
}
