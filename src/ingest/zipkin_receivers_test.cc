// The Zipkin receivers without sockets: requests as values, a sink that says what it is told to
// say.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <thrift/TApplicationException.h>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TSocket.h>
#include <thrift_gen/Scribe.h>
#include <thrift_gen/zipkincore_types.h>

#include <optional>
#include <vector>

#include "codec/thrift/thrift_structs.h"
#include "ingest/receivers/scribe.h"
#include "ingest/receivers/zipkin_grpc.h"
#include "ingest/receivers/zipkin_http.h"
#include "ingest/zipkin_counters.h"
#include "ingest/zipkin_sample_sink.h"
#include "model/text.h"
#include "net/loopback_test_client.h"

namespace tracestore::ingest {
namespace {

using codec::ThriftProtocol;
using net::GrpcCode;
using net::HttpRequest;
using net::HttpResponse;
using testing::HasSubstr;
namespace scribe = tracestore::thrift::scribe;
namespace idl = tracestore::thrift::zipkincore;

class FakeSink final : public SpanSink {
 public:
  Status Accept(model::SpanBatch&& batch, const SpanContext& context) override {
    if (refusal) return *refusal;
    for (const auto& span : batch.spans) ids.push_back(span.span_id.value);
    last_format = context.source.format;
    return {};
  }
  std::optional<Error> refusal;
  std::vector<std::uint64_t> ids;
  std::string last_format;
};

HttpRequest Post(const std::string& target, std::string body, std::string type = "") {
  HttpRequest request;
  request.method = "POST";
  EXPECT_TRUE(request.SetTarget(target).has_value());
  if (!type.empty()) request.headers.emplace_back("Content-Type", std::move(type));
  request.body = std::move(body);
  return request;
}

std::string HeaderOf(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers)
    if (key == name) return value;
  return "";
}

constexpr const char* kJsonV2 = R"([{"traceId":"a","id":"b","tags":{}}])";
constexpr const char* kJsonV1 = R"([{"traceId":"a","id":"c","binaryAnnotations":[]}])";
const std::string kProto("\x0A\x06\x0A\x01\x0A\x1A\x01\x0D", 8);
const std::string kThrift("\x0C\0\0\0\1\x0A\0\1\0\0\0\0\0\0\0\x0A\x0A\0\4\0\0\0\0\0\0\0\x0E\0", 28);

class ZipkinReceivers : public testing::Test {
 protected:
  FakeSink sink;
  ZipkinCounters counters;
  Intake intake{sink, [this](const IntakeEvent& event) { counters.Count(event); }};
  net::HttpHandler http = MakeZipkinHttpHandler(intake);
  net::RawHandler grpc = ZipkinGrpcServices(intake).at(kZipkinReport);

  net::RawReply Call(const std::string& message) {
    net::RawRequest request;
    request.message = message;
    return grpc(request);
  }
};

TEST_F(ZipkinReceivers, TakeEveryEncodingByPathAndType) {
  const std::pair<HttpRequest, const char*> requests[] = {
      {Post("/api/v2/spans", kJsonV2), "zipkin-json-v2"},
      {Post("/api/v2/spans", kJsonV2, "application/json; charset=utf-8"), "zipkin-json-v2"},
      {Post("/api/v2/spans", kJsonV2, "text/plain"), "zipkin-json-v2"},
      {Post("/api/v2/spans", kProto, "application/x-protobuf"), "zipkin-proto"},
      {Post("/api/v1/spans", kJsonV1, "application/json"), "zipkin-json-v1"},
      {Post("/api/v1/spans", kThrift, "application/x-thrift"), "zipkin-thrift"}};
  for (const auto& [request, format] : requests) {
    const HttpResponse response = http(request);
    EXPECT_EQ(response.status, 202) << response.body;
    EXPECT_EQ(response.body, "");
    EXPECT_EQ(response.content_type, "");
    EXPECT_EQ(sink.last_format, format);
  }
  EXPECT_THAT(sink.ids, testing::ElementsAre(11, 11, 11, 13, 12, 14));
}

TEST_F(ZipkinReceivers, TakeAnEmptyMessage) {
  EXPECT_EQ(http(Post("/api/v2/spans", "")).status, 202);
  EXPECT_EQ(http(Post("/api/v1/spans", "[]")).status, 202);
  EXPECT_EQ(Call("").code, GrpcCode::kOk);
  EXPECT_TRUE(sink.ids.empty());
}

TEST_F(ZipkinReceivers, RefuseAMessageInZipkinsWords) {
  const auto answer = [this](const HttpRequest& request) {
    const HttpResponse response = http(request);
    EXPECT_EQ(response.status, 400);
    EXPECT_EQ(response.content_type, "text/*");
    return response.body;
  };
  EXPECT_EQ(answer(Post("/api/v2/spans", "{}")), "Expected a JSON_V2 encoded list\n");
  EXPECT_EQ(answer(Post("/api/v1/spans", kJsonV2)),
            "Expected a JSON_V1 encoded list, but received: JSON_V2\n");
  EXPECT_EQ(answer(Post("/api/v2/spans", R"([{"traceId":"a","id":"b"},{}])")),
            "Missing : traceId id reading List<Span> from json");
  HttpRequest gzip = Post("/api/v2/spans", "", "application/x-protobuf");
  gzip.headers.emplace_back("Content-Encoding", "gzip");
  gzip.headers.emplace_back("Content-Length", "20");
  EXPECT_EQ(answer(gzip), "Cannot gunzip spans");
  EXPECT_EQ(ZipkinHttpRefusal(400, "the gzip body is damaged").body, "Cannot gunzip spans");
  EXPECT_EQ(ZipkinHttpRefusal(413, "too large").body, "too large");
  const net::RawReply reply = Call("\x0A\x02\x1A\0");
  EXPECT_EQ(reply.code, GrpcCode::kInvalidArgument);
  EXPECT_TRUE(sink.ids.empty());  // the good span of a bad message neither
}

// Over HTTP Zipkin looks at the first bytes; a Report is protobuf and nothing else.
TEST_F(ZipkinReceivers, AReportIsNotLookedAtForOtherEncodings) {
  for (const std::string_view none : {"[]", "xyz"}) {
    const net::RawReply reply = Call(std::string(none));
    EXPECT_EQ(reply.code, GrpcCode::kInvalidArgument);
    EXPECT_THAT(reply.message, testing::EndsWith(" reading List<Span> from proto3"));
  }
  const std::string an_empty_span("\x0A\0", 2);
  EXPECT_THAT(Call(an_empty_span).message, testing::Not(HasSubstr("Expected a")));
  EXPECT_EQ(http(Post("/api/v2/spans", an_empty_span, "application/x-protobuf")).body,
            "Expected a PROTO3 encoded list\n");
  EXPECT_TRUE(sink.ids.empty());
}

TEST_F(ZipkinReceivers, SendTheSenderAwayForAWhileWhenTheStoreIsBusy) {
  sink.refusal = Error(ErrorCode::kBusy, "256 MiB await sealing");
  const HttpResponse response = http(Post("/api/v2/spans", kJsonV2));
  EXPECT_EQ(response.status, 429);
  EXPECT_EQ(HeaderOf(response, "Retry-After"), "1");
  EXPECT_EQ(Call(kProto).code, GrpcCode::kResourceExhausted);
  sink.refusal = Error(ErrorCode::kIo, "write wal/000001.log: ENOSPC");
  EXPECT_EQ(http(Post("/api/v2/spans", kJsonV2)).status, 503);
  EXPECT_EQ(Call(kProto).code, GrpcCode::kUnavailable);
}

TEST_F(ZipkinReceivers, KnowNoOtherPathOrMethod) {
  for (const char* target : {"/", "/api/v3/spans", "/api/v2/spans/", "/zipkin/api/v2/spans"})
    EXPECT_EQ(http(Post(target, kJsonV2)).status, 404) << target;
  HttpRequest get = Post("/api/v2/spans", "");
  get.method = "GET";
  EXPECT_EQ(http(get).status, 404);
  EXPECT_EQ(http(get).body, "404 Not Found");
  const auto off = MakeZipkinHttpHandler(intake, {.enabled = false});
  EXPECT_EQ(off(Post("/api/v2/spans", kJsonV2)).status, 404);
}

TEST_F(ZipkinReceivers, CountAsZipkinCounts) {
  http(Post("/api/v2/spans", kJsonV2));
  http(Post("/api/v2/spans", "{}"));
  sink.refusal = Error(ErrorCode::kBusy, "full");
  http(Post("/api/v2/spans", kJsonV2));
  Call(kProto);
  counters.CountUnreadable(transport::kHttp);
  const ZipkinCounts counts = counters.Of("http");
  EXPECT_EQ(counts.messages, 4U);
  EXPECT_EQ(counts.messages_dropped, 2U);
  EXPECT_EQ(counts.spans, 2U);
  EXPECT_EQ(counts.spans_dropped, 1U);
  EXPECT_EQ(counts.bytes, 2 * std::string_view(kJsonV2).size() + 2);
  EXPECT_EQ(counts.message_spans, 1U);
  EXPECT_EQ(counters.Of("grpc").messages, 1U);
  EXPECT_EQ(counters.Of("grpc").spans_dropped, 1U);
  EXPECT_EQ(counters.Of("udp").messages, 0U);
}

TEST_F(ZipkinReceivers, SampleZipkinsSpansOnly) {
  std::vector<std::string> events;
  const auto sampled = MakeZipkinSampleSink(
      sampling::ZipkinSampler::Make(0).value(), sink,
      [&](const StageEvent& event) {
        events.push_back(std::string(event.stage) + " " + std::to_string(event.spans));
      },
      &counters);
  const Intake few(*sampled, [this](const IntakeEvent& event) { counters.Count(event); });
  const auto handler = MakeZipkinHttpHandler(few);
  EXPECT_EQ(handler(Post("/api/v2/spans", R"([{"traceId":"a","id":"1"},)"
                                          R"({"traceId":"a","id":"2","debug":true}])"))
                .status,
            202);
  EXPECT_THAT(sink.ids, testing::ElementsAre(2));
  EXPECT_THAT(events, testing::ElementsAre("zipkin 1"));
  EXPECT_EQ(counters.Of("http").spans_dropped, 1U);
  model::SpanBatch batch;
  batch.resources.emplace_back();
  batch.scopes.emplace_back();
  batch.spans.emplace_back().span_id = {7};
  EXPECT_TRUE(sampled->Accept(std::move(batch), {{transport::kHttp, format::kOtlpJson, {}, {}}, {}})
                  .has_value());
  EXPECT_THAT(sink.ids, testing::ElementsAre(2, 7));
}

// One zipkincore.Span in base64, broken into lines as MIME has it.
std::string Entry(std::int64_t trace_id, std::int64_t id) {
  idl::Span span;
  span.trace_id = trace_id;
  span.id = id;
  span.name = "a name that makes the text longer than one line of seventy-six characters";
  std::string bytes, text, lines;
  EXPECT_TRUE(codec::WriteThriftStruct(span, ThriftProtocol::kBinary, bytes).has_value());
  model::AppendBase64(bytes, text);
  for (std::size_t at = 0; at < text.size(); at += 76) lines += text.substr(at, 76) + "\r\n";
  return lines;
}

using MessageType = codec::ThriftMessageType;

std::string LogCall(const std::vector<std::pair<std::string, std::string>>& entries,
                    std::string_view method = "Log", MessageType type = MessageType::kCall) {
  scribe::Scribe_Log_args arguments;
  for (const auto& [category, message] : entries) {
    scribe::LogEntry entry;
    entry.category = category;
    entry.message = message;
    arguments.messages.push_back(entry);
  }
  arguments.__isset.messages = true;
  std::string bytes;
  EXPECT_TRUE(
      codec::WriteThriftMessage({method, type, 7}, arguments, ThriftProtocol::kBinary, bytes)
          .has_value());
  return bytes;
}

// The same message as writers before the version was in it have it: the name first, then the type.
std::string WithOldHeader(const std::string& strict) {
  const std::size_t name = 4 + static_cast<std::uint8_t>(strict[7]);
  return strict.substr(4, name) + strict[3] + strict.substr(4 + name);
}

// What a sender generated from the IDL reads in an answer.
std::string Read(const std::optional<std::string>& answer) {
  if (!answer) return "no answer";
  codec::ThriftReader in(*answer, ThriftProtocol::kBinary);
  const codec::ThriftMessage header = in.Message();
  EXPECT_EQ(header.sequence, 7);
  const std::string_view rest = std::string_view(*answer).substr(in.position());
  if (header.type == codec::ThriftMessageType::kException) {
    codec::ThriftField field;
    EXPECT_TRUE(in.Next(field));
    const std::string sentence(in.Bytes());
    EXPECT_TRUE(in.Next(field));
    return "exception " + std::to_string(in.I32()) + ": " + sentence;
  }
  scribe::Scribe_Log_result result;
  EXPECT_TRUE(codec::ReadThriftStruct(rest, ThriftProtocol::kBinary, result).has_value());
  return result.success == scribe::ResultCode::OK ? "OK" : "TRY_LATER";
}

TEST_F(ZipkinReceivers, ScribeKeepsTheSpansOfItsCategory) {
  EXPECT_EQ(
      Read(AnswerScribe(LogCall({{"zipkin", Entry(1, 2)}, {"other", "?"}, {"zipkin", Entry(1, 3)}}),
                        intake, {})),
      "OK");
  EXPECT_THAT(sink.ids, testing::ElementsAre(2, 3));
  EXPECT_EQ(sink.last_format, "zipkin-thrift");
  EXPECT_EQ(Read(AnswerScribe(LogCall({}), intake, {})), "OK");
  EXPECT_EQ(counters.Of("scribe").messages, 2U);
  EXPECT_EQ(counters.Of("scribe").spans, 2U);
}

TEST_F(ZipkinReceivers, ScribeRefusesTheWholeCallForOneBadSpan) {
  EXPECT_EQ(
      Read(AnswerScribe(LogCall({{"zipkin", Entry(1, 2)}, {"zipkin", Entry(0, 3)}}), intake, {})),
      "exception 6: traceId == 0 reading Span from TBinary");
  EXPECT_EQ(Read(AnswerScribe(LogCall({{"zipkin", "!!!"}}), intake, {})),
            "exception 6: Cannot decode spans: a message is no base64");
  EXPECT_EQ(Read(AnswerScribe(LogCall({}, "Nothing"), intake, {})),
            "exception 1: unknown method: Nothing");
  EXPECT_TRUE(sink.ids.empty());
  EXPECT_EQ(counters.Of("scribe").messages_dropped, 2U);
  for (const std::string& garbage : {std::string("GET / HTTP/1.1"), std::string(),
                                     LogCall({{"zipkin", Entry(1, 2)}}).substr(0, 40)}) {
    EXPECT_EQ(Read(AnswerScribe(garbage, intake, {})), "no answer");
  }
}

TEST_F(ZipkinReceivers, ScribeTakesCallsAlone) {
  const auto answer = [this](MessageType type, bool old, std::string_view method = "Log") {
    const std::string call = LogCall({{"zipkin", Entry(1, 2)}}, method, type);
    return AnswerScribe(old ? WithOldHeader(call) : call, intake, {});
  };
  for (const bool old : {false, true}) {
    SCOPED_TRACE(old);
    sink.ids.clear();
    EXPECT_EQ(Read(answer(MessageType::kCall, old)), "OK");
    EXPECT_EQ(answer(MessageType::kOneway, old), "");  // taken, and nobody waits for a word
    EXPECT_THAT(sink.ids, testing::ElementsAre(2, 2));
    EXPECT_EQ(Read(answer(MessageType::kCall, old, "Nope")), "exception 1: unknown method: Nope");
    // The type is looked at before the name.
    for (const char* method : {"Log", "Nope"}) {
      EXPECT_EQ(Read(answer(MessageType::kReply, old, method)),
                "exception 2: unexpected TMessageType: REPLY");
      EXPECT_EQ(Read(answer(MessageType::kException, old, method)),
                "exception 2: unexpected TMessageType: EXCEPTION");
    }
    EXPECT_THAT(sink.ids, testing::ElementsAre(2, 2));
  }
  EXPECT_EQ(counters.Of("scribe").messages, 4U);
}

TEST_F(ZipkinReceivers, ScribeSaysTryLater) {
  sink.refusal = Error(ErrorCode::kBusy, "full");
  EXPECT_EQ(Read(AnswerScribe(LogCall({{"zipkin", Entry(1, 2)}}), intake, {})), "TRY_LATER");
}

TEST_F(ZipkinReceivers, ScribeAnswersOverASocket) {
  std::vector<std::string> refused;
  auto receiver = ScribeReceiver::Start(
      {}, intake, [&](std::string_view cause) { refused.emplace_back(cause); });
  ASSERT_TRUE(receiver.has_value());
  const std::string call = LogCall({{"zipkin", Entry(1, 2)}});
  std::string frame;
  for (int shift = 24; shift >= 0; shift -= 8)
    frame.push_back(static_cast<char>(call.size() >> shift));
  frame += call;
  {
    net::LoopbackClient client((*receiver)->port());
    for (int i = 0; i < 3; ++i) {
      ASSERT_TRUE(client.Send(frame));
      const std::string head = client.ReadBytes(4);
      ASSERT_EQ(head.size(), 4U);
      EXPECT_EQ(Read(client.ReadBytes(static_cast<std::uint8_t>(head[3]))), "OK");
    }
    ASSERT_TRUE(client.Send(std::string("\0\0\0\5hello", 9)));
    EXPECT_EQ(client.ReadToEnd(), "");
  }
  (*receiver)->Stop(std::chrono::seconds(5));
  EXPECT_EQ(sink.ids.size(), 3U);
  EXPECT_EQ(refused, std::vector<std::string>{"broken"});
}

// The client that thrift's compiler makes of our IDL, over its own framed transport.
TEST_F(ZipkinReceivers, ScribeAnswersAGeneratedClient) {
  auto receiver = ScribeReceiver::Start({}, intake);
  ASSERT_TRUE(receiver.has_value());
  const auto socket =
      std::make_shared<apache::thrift::transport::TSocket>("127.0.0.1", (*receiver)->port());
  const auto framed = std::make_shared<apache::thrift::transport::TFramedTransport>(socket);
  scribe::ScribeClient client(std::make_shared<apache::thrift::protocol::TBinaryProtocol>(framed));
  framed->open();
  scribe::LogEntry entry;
  entry.category = "zipkin";
  std::vector<scribe::LogEntry> entries;
  for (std::int64_t id = 1; id <= 500; ++id) {
    entry.message = Entry(9, id);
    entries.push_back(entry);
  }
  EXPECT_EQ(client.Log(entries), scribe::ResultCode::OK);
  EXPECT_EQ(sink.ids.size(), 500U);
  sink.refusal = Error(ErrorCode::kBusy, "full");
  EXPECT_EQ(client.Log(entries), scribe::ResultCode::TRY_LATER);
  entry.message = Entry(0, 1);
  EXPECT_THROW(client.Log({entry}), apache::thrift::TApplicationException);
  sink.refusal.reset();
  entry.message = Entry(9, 501);
  EXPECT_EQ(client.Log({entry}), scribe::ResultCode::OK);  // the connection goes on
  framed->close();
}

}  // namespace
}  // namespace tracestore::ingest
