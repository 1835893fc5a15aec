#include "ingest/receivers/scribe.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "codec/thrift/binary_writer.h"
#include "codec/thrift/thrift_reader.h"
#include "codec/zipkin/zipkin_v1_thrift.h"
#include "model/text.h"

namespace tracestore::ingest {
namespace {

using codec::ThriftBinaryWriter;
using codec::ThriftField;
using codec::ThriftReader;
using codec::ThriftTag;
using codec::ThriftType;

constexpr std::uint32_t kReply = 0x80010002, kException = 0x80010003;  // strict binary protocol
constexpr std::uint32_t kOk = 0, kTryLater = 1;                        // ResultCode
// TApplicationException
constexpr std::uint32_t kUnknownMethod = 1, kInvalidMessageType = 2, kInternalError = 6;

std::string Header(std::uint32_t version, const codec::ThriftMessage& call) {
  std::string out;
  ThriftBinaryWriter writer(out);
  writer.I32(version);
  writer.Text(call.name);
  writer.I32(static_cast<std::uint32_t>(call.sequence));
  return out;
}

std::string Answer(const codec::ThriftMessage& call, std::uint32_t code) {
  std::string out = Header(kReply, call);
  ThriftBinaryWriter writer(out);
  writer.I32Field(0, code);
  writer.Stop();
  return out;
}

std::string Exception(const codec::ThriftMessage& call, std::string_view message,
                      std::uint32_t type) {
  std::string out = Header(kException, call);
  ThriftBinaryWriter writer(out);
  writer.TextField(1, message);
  writer.I32Field(2, type);
  writer.Stop();
  return out;
}

// Of what is no call, in the words of Zipkin's server; it, too, looks at the type first.
std::optional<std::string> Refusal(const codec::ThriftMessage& message) {
  using Type = codec::ThriftMessageType;
  if (message.type == Type::kReply || message.type == Type::kException) {
    const bool reply = message.type == Type::kReply;
    return Exception(message,
                     std::string("unexpected TMessageType: ") + (reply ? "REPLY" : "EXCEPTION"),
                     kInvalidMessageType);
  }
  if (message.name == "Log") return std::nullopt;
  return Exception(message, "unknown method: " + std::string(message.name), kUnknownMethod);
}

// Also with line breaks, as MIME has it and Finagle sends it.
std::optional<std::string> DecodeMime(std::string_view text) {
  constexpr std::string_view kSpaces = "\r\n\t ";
  if (text.find_first_of(kSpaces) == std::string_view::npos) return model::DecodeBase64(text);
  std::string joined(text);
  std::erase_if(joined, [&](char c) { return kSpaces.find(c) != std::string_view::npos; });
  return model::DecodeBase64(joined);
}

// The spans of one call's entries, one behind the other; `sound` is false for text that is no
// base64.
struct Entries {
  std::string bytes;
  std::vector<std::size_t> ends;
  bool sound = true;
};

void ReadEntry(ThriftReader& in, std::string_view category, Entries& out) {
  std::string_view found, message;
  ThriftField field;
  while (in.Next(field)) {
    switch (field.tag()) {
      case ThriftTag(1, ThriftType::kString): found = in.Bytes(); break;
      case ThriftTag(2, ThriftType::kString): message = in.Bytes(); break;
      default: in.Skip(field);
    }
  }
  if (!in.ok() || found != category) return;
  auto span = DecodeMime(message);
  out.sound = out.sound && span.has_value();
  if (!span) return;
  out.bytes += *span;
  out.ends.push_back(out.bytes.size());
}

Entries ReadArguments(ThriftReader& in, std::string_view category) {
  Entries entries;
  ThriftField field;
  while (in.Next(field)) {
    if (field.tag() != ThriftTag(1, ThriftType::kList)) {
      in.Skip(field);
      continue;
    }
    const codec::ThriftList list = in.List();
    if (list.size != 0 && list.element != ThriftType::kStruct)
      in.Fail("a list of entries holds no structs");
    for (std::uint32_t i = 0; i < list.size && in.ok(); ++i) ReadEntry(in, category, entries);
  }
  return entries;
}

Result<model::DecodeReport> Decode(const Entries& entries, model::SpanBatch& batch) {
  if (!entries.sound)
    return Error(ErrorCode::kInvalidArgument, "Cannot decode spans: a message is no base64");
  std::vector<std::string_view> messages;
  messages.reserve(entries.ends.size());
  std::size_t begin = 0;
  for (const std::size_t end : entries.ends) {
    messages.push_back(std::string_view(entries.bytes).substr(begin, end - begin));
    begin = end;
  }
  return codec::DecodeZipkinV1ThriftSpans(messages, batch, {.strict = true});
}

}  // namespace

std::optional<std::string> AnswerScribe(std::string_view frame, const Intake& intake,
                                        const ScribeOptions& options) {
  ThriftReader in(frame, codec::ThriftProtocol::kBinary);
  const codec::ThriftMessage call = in.Message();
  if (!in.ok()) return std::nullopt;
  if (auto refusal = Refusal(call)) return refusal;
  const Entries entries = ReadArguments(in, options.category);
  if (!in.ok()) return std::nullopt;
  const IntakeSource source{transport::kScribe, format::kZipkinThrift, options.tenant,
                            BadSpans::kRefuseMessage};
  // Counted are the spans' bytes without their envelope, as Zipkin does.
  const IntakeAnswer answer = intake.Take(
      entries.bytes,
      [&entries](std::string_view, model::SpanBatch& batch) { return Decode(entries, batch); },
      source);
  if (call.type == codec::ThriftMessageType::kOneway) return "";
  switch (answer.outcome) {
    case IntakeOutcome::kTaken: return Answer(call, kOk);
    case IntakeOutcome::kBusy:
    case IntakeOutcome::kUnavailable: return Answer(call, kTryLater);
    case IntakeOutcome::kMalformed:
    case IntakeOutcome::kUnsupported: break;
  }
  return Exception(call, answer.message, kInternalError);
}

Result<std::unique_ptr<ScribeReceiver>> ScribeReceiver::Start(ScribeOptions options,
                                                              const Intake& intake,
                                                              OnRefused on_refused) {
  net::FramedServerOptions server = options.server;
  if (!on_refused) on_refused = [](std::string_view) {};
  auto started = net::FramedServer::Start(
      std::move(server),
      [options = std::move(options), &intake, on_refused](std::string_view frame,
                                                          std::string_view) {
        auto answer = AnswerScribe(frame, intake, options);
        if (!answer) on_refused("broken");
        return answer;
      },
      [on_refused](net::FrameProblem problem) { on_refused(net::FrameProblemName(problem)); });
  if (!started.has_value()) return std::move(started).error();
  return std::unique_ptr<ScribeReceiver>(new ScribeReceiver(std::move(started).value()));
}

}  // namespace tracestore::ingest
