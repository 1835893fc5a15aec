#include "ingest/forward/forward_target.h"

#include <charconv>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/protobuf_encoder.h"
#include "codec/otlp/protobuf_encoder.h"
#include "codec/wire/wire_reader.h"
#include "ingest/forward/grpc_address.h"
#include "ingest/forward/tchannel_target.h"
#include "net/grpc_client.h"
#include "net/http_client.h"
#include "net/url.h"

namespace tracestore::ingest {
namespace {

constexpr const char* kAuthorization = "authorization";
constexpr const char* kPostSpans = "/jaeger.api_v2.CollectorService/PostSpans";
constexpr const char* kExport = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

std::string EncodeMessage(ForwardProtocol protocol, const model::SpanBatch& batch,
                          std::span<const std::uint32_t> rows) {
  std::string message;
  if (protocol == ForwardProtocol::kJaegerGrpc) {
    codec::EncodeJaegerProtobuf(batch, rows, message);
  } else {
    codec::EncodeOtlpProtobuf(batch, rows, message);
  }
  return message;
}

// ExportTraceServiceResponse { 1 partial_success { 1 int64 rejected_spans, 2 string error_message }
// }
SendResult Delivered(std::string_view response) {
  SendResult out;
  codec::WireReader outer(response);
  while (outer.Next()) {
    if (outer.tag() != codec::WireTag(1, codec::kWireBytes)) {
      outer.Skip();
      continue;
    }
    codec::WireReader inner(outer.Bytes());
    while (inner.Next()) {
      if (inner.tag() == codec::WireTag(1, codec::kWireVarint)) {
        out.rejected_spans = inner.Varint();
      } else if (inner.tag() == codec::WireTag(2, codec::kWireBytes)) {
        out.message = std::string(inner.Bytes().substr(0, 1024));
      } else {
        inner.Skip();
      }
    }
  }
  return out;
}

// Only what says that these bytes will never be read is a reason to give them up: a sender that
// isn't let in, or asks a wrong server, may be tomorrow.
SendResult JudgeReply(const net::RawReply& reply) {
  using net::GrpcCode;
  if (reply.code == GrpcCode::kOk) return Delivered(reply.bytes);
  SendResult out;
  out.message = net::GrpcCodeName(reply.code) + ": " + reply.message;
  out.after = net::RetryAfter(reply.details);
  switch (reply.code) {
    case GrpcCode::kInvalidArgument:
    case GrpcCode::kOutOfRange:
    case GrpcCode::kDataLoss: out.outcome = SendOutcome::kRejected; break;
    case GrpcCode::kResourceExhausted:
      // gRPC's own refusal of a long message has the code of a full queue.
      out.outcome = reply.message.find("larger than") != std::string::npos ? SendOutcome::kTooLarge
                                                                           : SendOutcome::kRetry;
      break;
    default: out.outcome = SendOutcome::kRetry;
  }
  return out;
}

class GrpcTarget final : public ForwardTarget {
 public:
  GrpcTarget(ForwardProtocol protocol, std::string name, std::unique_ptr<net::GrpcClient> client,
             CollectorAccess access)
      : protocol_(protocol), name_(std::move(name)), client_(std::move(client)),
        access_(std::move(access)) {}

  SendResult Send(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                  const SendContext& context) override {
    net::GrpcCall call;
    call.timeout = context.timeout;
    call.stop = context.stop;
    if (!context.tenant.empty()) call.metadata.emplace_back(access_.tenant_header, context.tenant);
    if (access_.authorization)
      call.metadata.emplace_back(kAuthorization, access_.authorization());
    const bool jaeger = protocol_ == ForwardProtocol::kJaegerGrpc;
    return JudgeReply(
        client_->Call(jaeger ? kPostSpans : kExport, EncodeMessage(protocol_, batch, rows), call));
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  const ForwardProtocol protocol_;
  const std::string name_;
  const std::unique_ptr<net::GrpcClient> client_;
  const CollectorAccess access_;
};

std::optional<std::chrono::milliseconds> RetryAfterSeconds(std::string_view header) {
  std::uint32_t seconds = 0;
  const auto [end, error] = std::from_chars(header.data(), header.data() + header.size(), seconds);
  if (header.empty() || error != std::errc{} || end != header.data() + header.size())
    return std::nullopt;
  return std::chrono::seconds(seconds);
}

SendResult JudgeResponse(const net::HttpClientResponse& response) {
  if (response.status >= 200 && response.status < 300) return Delivered(response.body);
  SendResult out;
  out.message = "HTTP " + std::to_string(response.status);
  switch (response.status) {
    case 400:
    case 422: out.outcome = SendOutcome::kRejected; break;
    case 413: out.outcome = SendOutcome::kTooLarge; break;
    default:
      out.outcome = SendOutcome::kRetry;
      out.after = RetryAfterSeconds(response.header("Retry-After"));
  }
  return out;
}

class HttpTarget final : public ForwardTarget {
 public:
  HttpTarget(std::string name, std::string path, std::unique_ptr<net::HttpClient> client,
             CollectorAccess access)
      : name_(std::move(name)), path_(std::move(path)), client_(std::move(client)),
        access_(std::move(access)) {}

  SendResult Send(const model::SpanBatch& batch, std::span<const std::uint32_t> rows,
                  const SendContext& context) override {
    const std::string message = EncodeMessage(ForwardProtocol::kOtlpHttp, batch, rows);
    net::HttpClientRequest request;
    request.method = "POST";
    request.target = path_;
    request.headers.emplace_back("Content-Type", "application/x-protobuf");
    if (!context.tenant.empty())
      request.headers.emplace_back(access_.tenant_header, context.tenant);
    if (access_.authorization)
      request.headers.emplace_back(kAuthorization, access_.authorization());
    request.body = message;
    request.stop = context.stop;
    const auto response = client_->Send(request);
    if (response.has_value()) return JudgeResponse(*response);
    return {SendOutcome::kRetry, response.error().message(), 0, std::nullopt};
  }
  const std::string& name() const noexcept override { return name_; }

 private:
  const std::string name_;
  const std::string path_;
  const std::unique_ptr<net::HttpClient> client_;
  const CollectorAccess access_;
};

Result<std::unique_ptr<ForwardTarget>> MakeHttpTarget(const std::string& address,
                                                      const CollectorAccess& access) {
  TS_TRY_ASSIGN(const auto url, CollectorUrl(address, access));
  net::HttpClientOptions options;
  options.tls = access.tls;
  options.tls.enabled = url.tls;
  options.host = url.host;
  options.port = url.port;
  TS_TRY_ASSIGN(auto client, net::HttpClient::Make(std::move(options)));
  return std::unique_ptr<ForwardTarget>(std::make_unique<HttpTarget>(
      address, url.target == "/" ? "/v1/traces" : url.target, std::move(client), access));
}

}  // namespace

Result<net::HostPort> CollectorAddress(const std::string& address) {
  TS_TRY_ASSIGN(auto parsed, net::ParseHostPort(address, "127.0.0.1"));
  if (parsed.host.empty()) parsed.host = "127.0.0.1";
  if (parsed.port == 0)
    return Error(ErrorCode::kInvalidArgument, "collector '" + address + "' has no port");
  return parsed;
}

Result<net::Url> CollectorUrl(const std::string& address, const CollectorAccess& access) {
  if (address.find("://") != std::string::npos) return net::ParseUrl(address);
  TS_TRY_ASSIGN(auto at, CollectorAddress(address));
  return net::Url{access.tls.enabled, std::move(at.host), at.port, "/"};
}

Status CheckCollectorAddress(ForwardProtocol protocol, const std::string& address) {
  switch (protocol) {
    case ForwardProtocol::kJaegerGrpc:
    case ForwardProtocol::kOtlpGrpc: TS_TRY(GrpcClientAt(address, {})); return {};
    case ForwardProtocol::kOtlpHttp: TS_TRY(CollectorUrl(address, {})); return {};
    case ForwardProtocol::kJaegerTchannel: TS_TRY(CollectorAddress(address)); return {};
  }
  return {};
}

const char* ForwardProtocolName(ForwardProtocol protocol) noexcept {
  switch (protocol) {
    case ForwardProtocol::kJaegerGrpc: return "jaeger-grpc";
    case ForwardProtocol::kOtlpGrpc: return "otlp-grpc";
    case ForwardProtocol::kOtlpHttp: return "otlp-http";
    case ForwardProtocol::kJaegerTchannel: return "jaeger-tchannel";
  }
  return "";
}

Result<std::unique_ptr<ForwardTarget>> MakeForwardTarget(ForwardProtocol protocol,
                                                         const std::string& address,
                                                         const CollectorAccess& access) {
  if (protocol == ForwardProtocol::kOtlpHttp) return MakeHttpTarget(address, access);
  if (protocol == ForwardProtocol::kJaegerTchannel) return MakeTchannelTarget(address, access);
  TS_TRY_ASSIGN(auto options, GrpcClientAt(address, access));
  TS_TRY_ASSIGN(auto client, net::GrpcClient::Make(std::move(options)));
  return std::unique_ptr<ForwardTarget>(
      std::make_unique<GrpcTarget>(protocol, address, std::move(client), access));
}

}  // namespace tracestore::ingest
