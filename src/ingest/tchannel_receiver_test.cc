// The receiver of TChannel: what agents send frame by frame, and what it answers.
#include "ingest/receivers/tchannel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <vector>

#include "base/testing/source_dir.h"
#include "codec/sampling/strategy_thrift.h"
#include "codec/thrift/binary_writer.h"
#include "net/loopback_test_client.h"

namespace tracestore::ingest {
namespace {

using codec::TchannelCall;
using codec::TchannelChecksum;
using codec::TchannelFrame;
using codec::TchannelType;
using codec::ThriftBinaryWriter;
using codec::ThriftType;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class FakeSink final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    const std::lock_guard lock(mutex);
    if (refusal) return *refusal;
    spans[std::string(context.source.format)] += batch.size();
    tenant = context.source.tenant;
    transport = context.source.transport;
    return {};
  }
  std::mutex mutex;
  std::optional<Error> refusal;
  std::map<std::string, std::size_t> spans;
  std::string tenant, transport;
};

// What a Go client POSTed, a Batch of the binary protocol, as the arguments of submitBatches.
std::string SubmitArguments(std::uint32_t batches) {
  std::ifstream in(
      base::SourceDir() + "/tests/data/wire/jaeger-client-go-2.30.0-http_thrift_binary.bin",
      std::ios::binary);
  EXPECT_TRUE(in.is_open());
  std::ostringstream batch;
  batch << in.rdbuf();
  std::string out;
  ThriftBinaryWriter writer(out);
  writer.ListField(1, ThriftType::kStruct, batches);
  for (std::uint32_t i = 0; i < batches; ++i) out += batch.str();
  writer.Stop();
  return out;
}

std::string ZipkinArguments(std::uint32_t spans) {
  std::string out;
  ThriftBinaryWriter writer(out);
  writer.ListField(1, ThriftType::kStruct, spans);
  for (std::uint64_t id = 1; id <= spans; ++id) {
    writer.I64Field(1, id == 3 ? 0 : id);  // the third has no trace id
    writer.TextField(3, "name");
    writer.I64Field(4, id);
    writer.ListField(6, ThriftType::kStruct, 0);
    writer.ListField(8, ThriftType::kStruct, 0);
    writer.Stop();
  }
  writer.Stop();
  return out;
}

TchannelCall Call(std::string method, std::string arguments) {
  TchannelCall call;
  call.ttl_ms = 999;
  call.service = "jaeger-collector";
  call.headers = {{"as", "thrift"}, {"cn", "jaeger-agent"}};
  call.checksum = TchannelChecksum::kCrc32;
  call.args = {std::move(method), std::string(codec::kNoTchannelHeaders), std::move(arguments)};
  return call;
}

std::vector<std::string> Frames(std::string_view bytes) {
  std::vector<std::string> out;
  while (!bytes.empty()) {
    const auto rest = codec::TchannelPayloadSize(bytes.substr(0, codec::kTchannelHeaderBytes));
    EXPECT_TRUE(rest.has_value());
    out.emplace_back(bytes.substr(0, codec::kTchannelHeaderBytes + *rest));
    bytes.remove_prefix(codec::kTchannelHeaderBytes + *rest);
  }
  return out;
}

std::vector<std::string> FramesOf(std::uint32_t id, const TchannelCall& call) {
  std::string bytes;
  codec::AppendTchannelCall(id, call, bytes);
  return Frames(bytes);
}

// Answers in words: "1 init 2", "2 ok <hex of arg3>", "3 error 6: …", "4 pong".
std::string Hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += kDigits[static_cast<unsigned char>(c) >> 4];
    out += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return out;
}

std::string InWords(std::string_view bytes) {
  const auto frame = codec::DecodeTchannelFrame(bytes);
  if (!frame.has_value()) return "no frame";
  const std::string id = std::to_string(frame->id);
  switch (frame->type) {
    case TchannelType::kInitRes:
      return id + " init " + std::to_string(codec::DecodeTchannelInit(frame->payload)->version);
    case TchannelType::kPingRes: return id + " pong";
    case TchannelType::kError: {
      const auto error = *codec::DecodeTchannelError(frame->payload);
      return id + " error " + std::to_string(static_cast<int>(error.code)) + ": " +
             std::string(error.message);
    }
    case TchannelType::kCallRes: {
      codec::TchannelCallReader reader;
      EXPECT_TRUE(reader.Add(*frame).has_value());
      EXPECT_TRUE(reader.complete());
      EXPECT_EQ(reader.call().args[0], "");
      EXPECT_EQ(reader.call().args[1], codec::kNoTchannelHeaders);
      EXPECT_EQ(reader.call().header("as"), "thrift");
      return id + " ok " + Hex(reader.call().args[2]);
    }
    default: return id + " type " + std::to_string(static_cast<int>(frame->type));
  }
}

std::string InitFrame(std::uint16_t version = 2) {
  std::string out;
  codec::AppendTchannelInit(TchannelType::kInitReq, 1,
                            {version, {{"host_port", "0.0.0.0:0"}, {"process_name", "agent"}}},
                            out);
  return out;
}

class TchannelReceivers : public testing::Test {
 protected:
  TchannelReceivers() {
    options.tenant = "shop";
    options.version = "0.1.0";
    options.strategies = [](std::string_view service) -> Result<codec::SamplingStrategy> {
      if (service == "broken") return Error(ErrorCode::kIo, "no collector");
      codec::SamplingStrategy strategy;
      strategy.probability = 0.5;
      return strategy;
    };
    options.on_refused = [this](std::string_view cause) {
      const std::lock_guard lock(sink.mutex);
      ++refused[std::string(cause)];
    };
  }
  void Open() {
    EXPECT_THAT(Say(InitFrame()), ElementsAre("1 init 2"));
  }
  // What a frame is answered.
  std::vector<std::string> Say(std::string_view frame) {
    last = session.Take(frame, now);
    std::vector<std::string> words;
    for (const std::string& answer : Frames(last.bytes)) words.push_back(InWords(answer));
    return words;
  }
  // What the last frame of a call is answered; those before are answered nothing.
  std::string Ask(std::uint32_t id, const TchannelCall& call) {
    const auto frames = FramesOf(id, call);
    for (std::size_t i = 0; i + 1 < frames.size(); ++i) {
      EXPECT_THAT(Say(frames[i]), ElementsAre());
      EXPECT_TRUE(last.unfinished);
    }
    const auto words = Say(frames.back());
    EXPECT_FALSE(last.unfinished);
    EXPECT_EQ(words.size(), 1U);
    return words.empty() ? "" : words.front();
  }

  FakeSink sink;
  std::map<std::string, int> refused;
  std::map<std::string, std::uint64_t> outcomes;
  Intake intake{sink, [this](const IntakeEvent& event) {
                  ++outcomes[IntakeOutcomeName(event.answer.outcome)];
                }};
  TchannelOptions options;
  ByteBudget pending{4'000'000};
  TchannelShared shared{options, intake, pending};
  TchannelSession session{shared};
  TchannelSession::Clock::time_point now{};
  net::FrameAnswer last;
};

TEST_F(TchannelReceivers, KeepsBatchesAndAnswersOneOkEach) {
  Open();
  EXPECT_EQ(Ask(2, Call("Collector::submitBatches", SubmitArguments(1))),
            "2 ok 0f00000c00000001020001010000");
  const std::size_t one = sink.spans["jaeger-thrift"];
  EXPECT_GT(one, 0U);
  EXPECT_EQ(sink.tenant, "shop");
  EXPECT_EQ(sink.transport, "tchannel");
  EXPECT_EQ(Ask(3, Call("Collector::submitBatches", SubmitArguments(2))),
            "3 ok 0f00000c0000000202000101000200010100" "00");
  EXPECT_EQ(sink.spans["jaeger-thrift"], 3 * one);
  EXPECT_EQ(Ask(4, Call("Collector::submitBatches", SubmitArguments(0))),
            "4 ok 0f00000c0000000000");
}

TEST_F(TchannelReceivers, KeepsACallOfManyFramesWithOthersBetween) {
  Open();
  const auto large = FramesOf(7, Call("Collector::submitBatches", SubmitArguments(100)));
  const auto small = FramesOf(8, Call("Collector::submitBatches", SubmitArguments(1)));
  ASSERT_GT(large.size(), 2U);
  ASSERT_EQ(small.size(), 1U);
  for (std::size_t i = 0; i + 1 < large.size(); ++i) EXPECT_THAT(Say(large[i]), ElementsAre());
  EXPECT_GT(pending.used(), 60'000U);
  EXPECT_THAT(Say(small[0]), ElementsAre("8 ok 0f00000c00000001020001010000"));
  EXPECT_TRUE(last.unfinished);
  EXPECT_THAT(Say(large.back()), ElementsAre(testing::StartsWith("7 ok 0f00000c00000064")));
  EXPECT_FALSE(last.unfinished);
  EXPECT_EQ(pending.used(), 0U);
  EXPECT_EQ(sink.spans["jaeger-thrift"] % 101, 0U);
}

TEST_F(TchannelReceivers, KeepsZipkinsGoodSpansAndAnswersOneOkASpan) {
  Open();
  const std::string answer = Ask(2, Call("ZipkinCollector::submitZipkinBatch", ZipkinArguments(4)));
  EXPECT_THAT(answer, testing::StartsWith("2 ok 0f00000c00000004"));
  EXPECT_EQ(sink.spans["zipkin-thrift"], 3U);
}

// Empty structs cost a sender a byte each, and an answer five.
TEST_F(TchannelReceivers, RefusesCallsThatListTooMuch) {
  Open();
  const auto arguments = [](std::initializer_list<std::uint32_t> lists, std::string_view one) {
    std::string out;
    ThriftBinaryWriter writer(out);
    for (const std::uint32_t count : lists) {
      writer.ListField(1, ThriftType::kStruct, count);
      for (std::uint32_t i = 0; i < count; ++i) out += one;
    }
    writer.Stop();
    return out;
  };
  const auto ask = [&](const char* method, std::string_view one,
                       std::initializer_list<std::uint32_t> lists) {
    return Ask(2, Call(method, arguments(lists, one)));
  };
  const std::string_view empty("\0", 1);
  const char* const spans = "ZipkinCollector::submitZipkinBatch";
  EXPECT_EQ(ask(spans, empty, {65'537}), "2 error 6: a call lists more than 65536 spans");
  EXPECT_EQ(ask(spans, empty, {1, 65'537}), "2 error 6: a call lists more than 65536 spans");
  std::string batch;
  ThriftBinaryWriter writer(batch);
  writer.Begin(1, ThriftType::kStruct);
  writer.TextField(1, "");
  writer.Stop();
  writer.ListField(2, ThriftType::kStruct, 0);
  writer.Stop();
  const char* const batches = "Collector::submitBatches";
  EXPECT_EQ(ask(batches, batch, {2}), "2 ok 0f00000c0000000202000101000200010100" "00");
  EXPECT_THAT(ask(batches, batch, {65'537}), HasSubstr("a call lists too many batches"));
  EXPECT_THAT(ask(batches, batch, {40'000, 40'000}), HasSubstr("a call lists too many batches"));
  EXPECT_EQ(outcomes["malformed"], 4U);
  EXPECT_EQ(pending.used(), 0U);
}

TEST_F(TchannelReceivers, TellsStrategiesHealthAndVersion) {
  Open();
  const auto ask = [this](const char* service) {
    return Ask(2, Call("SamplingManager::getSamplingStrategy",
                       codec::EncodeStrategyArguments(service)));
  };
  codec::SamplingStrategy half;
  half.probability = 0.5;
  EXPECT_EQ(ask("any"), "2 ok " + Hex(codec::EncodeStrategyResult(half)));
  EXPECT_EQ(ask("broken"), "2 error 5: no collector");
  EXPECT_EQ(Ask(3, Call("Meta::health", std::string(1, '\0'))), "3 ok 0c00000200010100" "00");
  EXPECT_THAT(Ask(4, Call("Meta::versionInfo", std::string(1, '\0'))), HasSubstr(Hex("0.1.0")));
  std::string ping;
  codec::AppendTchannelPing(TchannelType::kPingReq, 9, ping);
  EXPECT_THAT(Say(ping), ElementsAre("9 pong"));
}

TEST_F(TchannelReceivers, RefusesInTheProtocolsWords) {
  Open();
  EXPECT_EQ(Ask(2, Call("Nope::x", "")),
            "2 error 6: no handler for service \"jaeger-collector\" and method \"Nope::x\"");
  EXPECT_THAT(Ask(3, Call("Collector::submitBatches", "\x0f")), HasSubstr("3 error 6: not Thrift"));
  EXPECT_THAT(Ask(4, Call("SamplingManager::getSamplingStrategy", "\x0b")),
              HasSubstr("4 error 6: not Thrift"));
  TchannelCall no_time = Call("Meta::health", std::string(1, '\0'));
  no_time.ttl_ms = 0;
  EXPECT_EQ(Ask(5, no_time), "5 error 6: the call's ttl is 0");
  sink.refusal = Error(ErrorCode::kBusy, "full");
  EXPECT_EQ(Ask(6, Call("Collector::submitBatches", SubmitArguments(1))), "6 error 3: full");
  sink.refusal = Error(ErrorCode::kIo, "no space left");
  EXPECT_THAT(Ask(7, Call("Collector::submitBatches", SubmitArguments(1))),
              HasSubstr("7 error 4: "));
  EXPECT_EQ(outcomes["malformed"], 1U);
  EXPECT_EQ(outcomes["busy"], 1U);
  EXPECT_EQ(outcomes["unavailable"], 1U);
}

TEST_F(TchannelReceivers, GivesTheSchemeBackAndTheChecksumOfTheCall) {
  Open();
  for (const TchannelChecksum type :
       {TchannelChecksum::kNone, TchannelChecksum::kCrc32, TchannelChecksum::kCrc32c}) {
    TchannelCall call = Call("Meta::health", std::string(1, '\0'));
    call.headers = {{"as", "raw"}};
    call.checksum = type;
    last = session.Take(FramesOf(2, call)[0], now);
    codec::TchannelCallReader reader;
    ASSERT_TRUE(reader.Add(*codec::DecodeTchannelFrame(last.bytes)).has_value());
    EXPECT_EQ(reader.call().checksum, type);
    EXPECT_EQ(reader.call().header("as"), "raw");
  }
}

TEST_F(TchannelReceivers, ClosesOnWhatIsNoInit) {
  const auto first = [this](std::string_view frame) {
    TchannelSession fresh(shared);
    last = fresh.Take(frame, now);
    return InWords(last.bytes);
  };
  EXPECT_EQ(first(FramesOf(5, Call("Meta::health", ""))[0]),
            "5 error 255: expected message type messageTypeInitReq, got messageTypeCallReq");
  EXPECT_TRUE(last.end);
  EXPECT_EQ(first(InitFrame(1)),
            "1 error 255: unsupported protocol version 1 from peer, expected 2");
  EXPECT_TRUE(last.end);
  EXPECT_EQ(first(InitFrame(3)), "1 init 2");
  EXPECT_FALSE(last.end);
  EXPECT_EQ(refused["no-init"], 2);
}

TEST_F(TchannelReceivers, PassesOverWhatNobodyAsks) {
  Open();
  for (const int type : {0x02, 0x04, 0x13, 0x14, 0xC0, 0xC1, 0xD1, 0xFF, 0x77}) {
    std::string frame;
    codec::AppendTchannelPing(static_cast<TchannelType>(type), 3, frame);
    EXPECT_THAT(Say(frame), ElementsAre()) << type;
    EXPECT_FALSE(last.end);
  }
}

TEST_F(TchannelReceivers, BoundsUnfinishedCalls) {
  Open();
  const auto frames = FramesOf(0, Call("Collector::submitBatches", std::string(100'000, 'x')));
  const auto begin = [&](std::uint32_t id) {
    std::string frame = frames[0];
    frame[7] = static_cast<char>(id);
    return Say(frame);
  };
  options.max_open_calls = 2;
  EXPECT_THAT(begin(1), ElementsAre());
  EXPECT_THAT(begin(2), ElementsAre());
  EXPECT_THAT(begin(3), ElementsAre("3 error 3: too many unfinished calls"));
  EXPECT_THAT(begin(2), ElementsAre("2 error 6: the call's id is in use"));
  // A cancelled one makes room.
  std::string cancel;
  codec::AppendTchannelPing(TchannelType::kCancel, 1, cancel);
  Say(cancel);
  EXPECT_FALSE(last.unfinished);
  EXPECT_EQ(pending.used(), 0U);
  // Bytes of all connections.
  ByteBudget little(100'000);
  const TchannelShared narrow{options, intake, little};
  TchannelSession one(narrow), other(narrow);
  one.Take(InitFrame(), now);
  other.Take(InitFrame(), now);
  EXPECT_EQ(one.Take(frames[0], now).bytes, "");
  EXPECT_EQ(InWords(other.Take(frames[0], now).bytes),
            "0 error 3: too many bytes of unfinished calls");
  EXPECT_EQ(little.holds(), 1U);
  // Time.
  EXPECT_THAT(begin(1), ElementsAre());
  now += options.call_timeout;
  EXPECT_THAT(begin(2), ElementsAre("1 error 1: the call's last frame didn't come in time"));
  // Length.
  options.max_call_bytes = 50'000;
  EXPECT_THAT(begin(4), ElementsAre("4 error 6: a call's arguments are longer than 50000 bytes"));
  EXPECT_EQ(refused["too-long"], 1);
  EXPECT_EQ(refused["too-slow"], 1);
  EXPECT_EQ(refused["no-room"], 2);
  EXPECT_EQ(refused["broken"], 1);
}

TEST_F(TchannelReceivers, AnswersOverASocket) {
  options.server.read_timeout = 100ms;
  auto receiver = TchannelReceiver::Start(options, intake);
  ASSERT_TRUE(receiver.has_value());
  const auto frames = FramesOf(2, Call("Collector::submitBatches", SubmitArguments(100)));
  {
    net::LoopbackClient client((*receiver)->port());
    ASSERT_TRUE(client.Send(InitFrame()));
    const auto answer = [&client] {
      const std::string head = client.ReadBytes(codec::kTchannelHeaderBytes);
      const auto rest = codec::TchannelPayloadSize(head);
      return rest ? InWords(head + client.ReadBytes(*rest)) : "no answer";
    };
    EXPECT_EQ(answer(), "1 init 2");
    for (const std::string& frame : frames) ASSERT_TRUE(client.Send(frame));
    EXPECT_THAT(answer(), HasSubstr("2 ok 0f00000c00000064"));
    // A call that doesn't go on ends its connection; an idle one stays.
    ASSERT_TRUE(client.Send(frames[0]));
    EXPECT_EQ(client.ReadToEnd(), "");
  }
  net::LoopbackClient garbage((*receiver)->port());
  ASSERT_TRUE(garbage.Send(std::string(16, '\0')));
  EXPECT_EQ(garbage.ReadToEnd(), "");
  (*receiver)->Stop(20s);
  const std::lock_guard lock(sink.mutex);
  EXPECT_EQ(refused["too-slow"], 1);
}

}  // namespace
}  // namespace tracestore::ingest
