// The receivers of Jaeger's protocols: what real clients sent (tests/data/wire), and what they are
// answered.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>

#include "base/testing/source_dir.h"
#include "ingest/receivers/agent_udp.h"
#include "ingest/receivers/jaeger_grpc.h"
#include "ingest/receivers/jaeger_http.h"

namespace tracestore::ingest {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string Wire(const std::string& name) {
  std::ifstream in(base::SourceDir() + "/tests/data/wire/" + name, std::ios::binary);
  EXPECT_TRUE(in.is_open()) << name;
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

class FakeSink final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    const std::lock_guard lock(mutex);
    if (refusal) return *refusal;
    kept += batch.size();
    formats[std::string(context.source.format)] += batch.size();
    return {};
  }
  std::mutex mutex;
  std::optional<Error> refusal;
  std::size_t kept = 0;
  std::map<std::string, std::size_t> formats;
};

class JaegerReceivers : public testing::Test {
 protected:
  net::HttpResponse Post(std::string body, const std::string& type,
                         const std::string& path = "/api/traces",
                         const std::string& method = "POST") {
    net::HttpRequest request;
    request.method = method;
    EXPECT_TRUE(request.SetTarget(path).has_value());
    if (!type.empty()) request.headers = {{"Content-Type", type}};
    request.body = std::move(body);
    return MakeJaegerHttpHandler(intake)(request);
  }
  net::RawReply Call(std::string_view message) {
    net::RawRequest request;
    request.message = message;
    return JaegerGrpcServices(intake).at(kJaegerPostSpans)(request);
  }

  FakeSink sink;
  std::map<std::string, std::uint64_t> outcomes;
  Intake intake{sink, [this](const IntakeEvent& event) {
                  ++outcomes[IntakeOutcomeName(event.answer.outcome)];
                }};
};

constexpr const char* kThrift = "application/x-thrift";

TEST_F(JaegerReceivers, HttpTakesWhatClientsSend) {
  for (const char* name : {"jaeger-client-go-2.30.0-http_thrift_binary.bin",
                           "jaeger-client-java-1.8.1-http_thrift_binary.bin",
                           "otel-python-1.21.0-http_thrift_binary.bin"}) {
    const std::size_t before = sink.kept;
    const auto answer = Post(Wire(name), kThrift);
    EXPECT_EQ(answer.status, 202) << answer.body;
    EXPECT_EQ(answer.body, "");
    EXPECT_GT(sink.kept, before) << name;
  }
  EXPECT_EQ(Post(Wire("otel-python-1.21.0-http_thrift_binary.bin"),
                 "application/vnd.apache.thrift.binary; charset=utf-8", "/api/traces?format=x")
                .status,
            202);
}

TEST_F(JaegerReceivers, HttpRefusesInJaegersWords) {
  const auto refused = [](const net::HttpResponse& response) {
    EXPECT_EQ(response.content_type, "text/plain; charset=utf-8");
    return std::to_string(response.status) + " " + response.body;
  };
  EXPECT_EQ(refused(Post("", "")), "400 Cannot parse content type: mime: no media type\n");
  EXPECT_EQ(refused(Post("", "text/plain; a=b")), "400 Unsupported content type: text/plain\n");
  EXPECT_THAT(refused(Post("abc", kThrift)), StartsWith("400 Unable to process request body: "));
  EXPECT_EQ(refused(Post("", kThrift, "/other")), "404 404 page not found\n");
  EXPECT_EQ(Post("", kThrift, "/api/traces", "GET").status, 405);
  const std::string body = Wire("otel-python-1.21.0-http_thrift_binary.bin");
  sink.refusal = Error(ErrorCode::kBusy, "no room");
  const auto busy = Post(body, kThrift);
  EXPECT_EQ(busy.status, 429);
  EXPECT_THAT(busy.body, StartsWith("Cannot submit Jaeger batch: "));
  sink.refusal = Error(ErrorCode::kIo, "disk full");
  EXPECT_EQ(Post(body, kThrift).status, 503);
  EXPECT_EQ(sink.kept, 0U);
}

// As Go 1.26 answers them.
TEST_F(JaegerReceivers, HttpReadsTheContentTypeAsGoDoes) {
  const std::string body = Wire("otel-python-1.21.0-http_thrift_binary.bin");
  for (const char* type :
       {"application/x-thrift;", "APPLICATION/X-Thrift ; Charset = utf-8 ; ",
        R"(application/x-thrift; a="b;\"c\\d"; e=f)", "application/x-thrift; a=b; A=b"}) {
    EXPECT_EQ(Post(body, type).status, 202) << type;
  }
  const std::pair<const char*, const char*> refused[] = {
      {"application/x-thrift; charset=ut f",
       "Cannot parse content type: mime: invalid media parameter"},
      {"application/x-thrift; =", "Cannot parse content type: mime: invalid media parameter"},
      {"application/x-thrift;;", "Cannot parse content type: mime: invalid media parameter"},
      {R"(application/x-thrift; a="unclosed)",
       "Cannot parse content type: mime: invalid media parameter"},
      {"application/x-thrift; a=b; A=c",
       "Cannot parse content type: mime: duplicate parameter name"},
      {"text/html; charset", "Cannot parse content type: mime: invalid media parameter"},
      {"/", "Cannot parse content type: mime: no media type"},
      {"<b>/x", "Cannot parse content type: mime: no media type"},
      {"a/b/c", "Cannot parse content type: mime: unexpected content after media subtype"},
      {"foo bar", "Cannot parse content type: mime: expected slash after first token"},
      {"application/ x-thrift", "Cannot parse content type: mime: expected token after slash"},
      {"a/<b>", "Cannot parse content type: mime: expected token after slash"},
      {"a/b&'c", "Unsupported content type: a/b&amp;&#39;c"},
      {"Text", "Unsupported content type: text"}};
  for (const auto& [type, sentence] : refused) {
    const net::HttpResponse response = Post(body, type);
    EXPECT_EQ(response.status, 400) << type;
    EXPECT_EQ(response.body, std::string(sentence) + "\n") << type;
  }
}

TEST_F(JaegerReceivers, EveryCutOfABodyIsAnswered) {
  const std::string body = Wire("jaeger-client-go-2.30.0-http_thrift_binary.bin");
  for (std::size_t size = 0; size < body.size(); size += 7) {
    EXPECT_EQ(Post(body.substr(0, size), kThrift).status, 400) << size;
  }
}

TEST_F(JaegerReceivers, GrpcTakesAndRefuses) {
  const std::string message = Wire("otel-python-1.21.0-api_v2_PostSpans.bin");
  EXPECT_EQ(Call(message).code, net::GrpcCode::kOk);
  EXPECT_GT(sink.kept, 0U);
  EXPECT_EQ(Call("\xff").code, net::GrpcCode::kInvalidArgument);
  EXPECT_EQ(Call("").code, net::GrpcCode::kOk);
  sink.refusal = Error(ErrorCode::kBusy, "no room");
  const auto busy = Call(message);
  EXPECT_EQ(busy.code, net::GrpcCode::kResourceExhausted);
  EXPECT_NE(busy.details, "");
  sink.refusal = Error(ErrorCode::kIo, "disk full");
  EXPECT_EQ(Call(message).code, net::GrpcCode::kUnavailable);
}

TEST_F(JaegerReceivers, PacketsThatWaitTogetherAreOneBatch) {
  net::PacketBlock packets;
  for (const char* name : {"jaeger-client-go-2.30.0-jaeger_thrift_compact.bin",
                           "jaeger-client-java-1.8.1-jaeger_thrift_compact.bin",
                           "jaeger-client-python-4.8.0-jaeger_thrift_compact.bin",
                           "otel-python-1.21.0-jaeger_thrift_compact.bin"}) {
    packets.Add(Wire(name));
  }
  packets.Add("no thrift");
  packets.Add("");
  std::size_t batches = 0;
  AgentUdpOptions options;
  options.on_batch = [&batches](const codec::JaegerBatchInfo&) { ++batches; };
  EXPECT_EQ(TakeAgentPackets(packets, options, intake), 2U);
  EXPECT_EQ(batches, 4U);
  EXPECT_EQ(outcomes["taken"], 1U);
  EXPECT_EQ(outcomes["malformed"], 2U);
  EXPECT_EQ(sink.formats.size(), 1U);
  EXPECT_GT(sink.formats["jaeger-thrift"], 4U);
}

// A call of Agent.emitZipkinBatch by the compact protocol with one span: trace 1, id 2, "get".
std::string ZipkinPacket() {
  return std::string(
      "\x82\x81\x01\x0f"
      "emitZipkinBatch"
      "\x19\x1c"  // field 1: a list of one struct
      "\x16\x02"  // 1: trace_id = 1
      "\x28\x03"
      "get"       // 3: name
      "\x16\x04"  // 4: id = 2
      "\x29\x0c"  // 6: annotations, none
      "\x29\x0c"  // 8: binary annotations, none
      "\x00\x00",
      4 + 15 + 2 + 2 + 5 + 2 + 2 + 2 + 2);
}

TEST_F(JaegerReceivers, ZipkinBatchesComeToTheSamePorts) {
  net::PacketBlock packets;
  packets.Add(ZipkinPacket());
  packets.Add(Wire("otel-python-1.21.0-jaeger_thrift_compact.bin"));
  EXPECT_EQ(TakeAgentPackets(packets, {}, intake), 0U);
  EXPECT_EQ(sink.formats["zipkin-thrift"], 1U);
  EXPECT_GT(sink.formats["jaeger-thrift"], 0U);
  // Cut anywhere, it is counted and nothing else.
  for (std::size_t size = 0; size < ZipkinPacket().size(); ++size) {
    net::PacketBlock cut;
    cut.Add(ZipkinPacket().substr(0, size));
    EXPECT_EQ(TakeAgentPackets(cut, {}, intake), 1U) << size;
  }
}

// The second byte of a compact message has the type in its upper three bits.
TEST_F(JaegerReceivers, OnlyCallsAreTakenOverUdp) {
  const std::string packets[] = {ZipkinPacket(),
                                 Wire("otel-python-1.21.0-jaeger_thrift_compact.bin")};
  for (std::string packet : packets) {
    for (const int type : {1, 2, 3, 4}) {
      packet[1] = static_cast<char>(type << 5 | 1);
      net::PacketBlock one;
      one.Add(packet);
      const std::size_t before = sink.kept;
      const bool call = type == 1 || type == 4;
      EXPECT_EQ(TakeAgentPackets(one, {}, intake), call ? 0U : 1U) << type;
      EXPECT_EQ(sink.kept > before, call) << type;
    }
  }
}

// A message of the binary protocol; `old`: the header before the version was in it.
std::string BinaryMessage(const std::string& method, char type, bool old,
                          const std::string& arguments) {
  const std::string name = std::string("\0\0\0", 3) + static_cast<char>(method.size()) + method;
  const std::string sequence("\0\0\0\7", 4);
  const std::string head = old ? name + type : std::string("\x80\x01\0", 3) + type + name;
  return head + sequence + arguments;
}

TEST_F(JaegerReceivers, TheBinaryPortTakesCallsOfBothHeaders) {
  // What clients posted, as the calls' only argument.
  const std::string end(1, '\0');
  const std::string batch = Wire("jaeger-client-go-2.30.0-http_thrift_binary.bin");
  const std::string list = Wire("py_zipkin-0.20.2-zipkin_v1_thrift.bin");
  const std::pair<std::string, std::string> calls[] = {
      {"emitBatch", std::string("\x0C\0\1", 3) + batch + end},
      {"emitZipkinBatch", std::string("\x0F\0\1", 3) + list + end}};
  ASSERT_EQ(Post(batch, kThrift).status, 202);
  const std::size_t of_batch = sink.kept;
  AgentUdpOptions binary;
  binary.protocol = codec::ThriftProtocol::kBinary;
  std::size_t of_list = 0;
  for (const char type : {'\1', '\4'}) {  // a call, and one that waits for no answer
    for (const bool old : {false, true}) {
      SCOPED_TRACE(std::to_string(type) + (old ? " old" : " strict"));
      for (const auto& [method, arguments] : calls) {
        sink.formats.clear();
        net::PacketBlock packets;
        packets.Add(BinaryMessage(method, type, old, arguments));
        EXPECT_EQ(TakeAgentPackets(packets, binary, intake), 0U) << method;
        if (method == "emitBatch") {
          EXPECT_EQ(sink.formats["jaeger-thrift"], of_batch);
        } else {
          if (of_list == 0) of_list = sink.formats["zipkin-thrift"];
          EXPECT_EQ(sink.formats["zipkin-thrift"], of_list);
        }
        EXPECT_EQ(sink.formats.size(), 1U);
        // At the ports of the compact protocol it is counted and nothing else.
        EXPECT_EQ(TakeAgentPackets(packets, {}, intake), 1U) << method;
      }
    }
  }
  EXPECT_GT(of_batch, 0U);
  EXPECT_GT(of_list, 0U);
}

TEST_F(JaegerReceivers, TheCompactPortsTakeCallsAndOneWayCalls) {
  AgentUdpOptions binary;
  binary.protocol = codec::ThriftProtocol::kBinary;
  for (std::string packet :
       {Wire("jaeger-client-go-2.30.0-jaeger_thrift_compact.bin"), ZipkinPacket()}) {
    std::size_t kept = 0;
    for (const char type : {'\1', '\4'}) {
      packet[1] = static_cast<char>(type << 5 | 1);
      net::PacketBlock packets;
      packets.Add(packet);
      sink.kept = 0;
      EXPECT_EQ(TakeAgentPackets(packets, {}, intake), 0U);
      EXPECT_GT(sink.kept, 0U);
      if (type == 4) {
        EXPECT_EQ(sink.kept, kept);
      }
      kept = sink.kept;
      EXPECT_EQ(TakeAgentPackets(packets, binary, intake), 1U);
      EXPECT_EQ(sink.kept, kept);
    }
  }
}

TEST_F(JaegerReceivers, OverARealSocket) {
  AgentUdpOptions options;
  auto receiver = AgentUdpReceiver::Start(options, intake);
  ASSERT_TRUE(receiver.has_value()) << receiver.error().message();
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons((*receiver)->port());
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const std::string packet = Wire("otel-python-1.21.0-jaeger_thrift_compact.bin");
  for (const std::string_view text : {std::string_view(packet), std::string_view("x")}) {
    ASSERT_EQ(
        sendto(fd, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof(to)),
        static_cast<ssize_t>(text.size()));
  }
  close(fd);
  // Takes what the socket holds.
  (*receiver)->Stop(std::chrono::seconds(60));
  EXPECT_GT(sink.kept, 0U);
  EXPECT_EQ((*receiver)->counters().packets, 2U);
  EXPECT_EQ((*receiver)->unreadable(), 1U);
}

}  // namespace
}  // namespace tracestore::ingest
