#include "ingest/receivers/jaeger_http.h"

#include <string>
#include <string_view>
#include <utility>

#include "codec/jaeger/thrift_decoder.h"
#include "ingest/receivers/media_type.h"

namespace tracestore::ingest {
namespace {

using net::HttpRequest;
using net::HttpResponse;

// Go's http.Error: a newline at the end.
HttpResponse Refusal(int status, std::string sentence) {
  return HttpResponse::Text(status, std::move(sentence) + "\n");
}

// As Go's html.EscapeString.
std::string HtmlEscaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '\'': out += "&#39;"; break;
      case '"': out += "&#34;"; break;
      default: out += c;
    }
  }
  return out;
}

HttpResponse Later(int status, const std::string& message) {
  HttpResponse response = Refusal(status, "Cannot submit Jaeger batch: " + message);
  response.headers.emplace_back("Retry-After", std::to_string(kRetryAfter.count()));
  return response;
}

HttpResponse AnswerOf(const IntakeAnswer& answer) {
  switch (answer.outcome) {
    case IntakeOutcome::kTaken: {
      HttpResponse response;
      response.status = 202;
      return response;
    }
    case IntakeOutcome::kMalformed:
      return Refusal(400, "Unable to process request body: " + answer.message);
    case IntakeOutcome::kBusy: return Later(429, answer.message);
    case IntakeOutcome::kUnavailable: return Later(503, answer.message);
    case IntakeOutcome::kUnsupported: return Refusal(501, answer.message);
  }
  return Refusal(500, "no answer");
}

HttpResponse Take(const Intake& intake, const HttpRequest& request) {
  const auto type = ParseMediaType(request.header("content-type"));
  if (!type.has_value())
    return Refusal(400, "Cannot parse content type: " + type.error().message());
  if (*type != "application/x-thrift" && *type != "application/vnd.apache.thrift.binary") {
    return Refusal(400, "Unsupported content type: " + HtmlEscaped(*type));
  }
  const IntakeSource source{transport::kHttp, format::kJaegerThrift, request.tenant};
  return AnswerOf(intake.Take(
      request.body,
      [](std::string_view bytes, model::SpanBatch& batch) {
        return codec::DecodeJaegerThrift(bytes, codec::ThriftProtocol::kBinary,
                                         codec::JaegerThriftShape::kBatch, batch);
      },
      source));
}

}  // namespace

net::HttpHandler MakeJaegerHttpHandler(const Intake& intake, net::HttpHandler others) {
  return [&intake, others = std::move(others)](const HttpRequest& request) {
    if (request.path != "/api/traces") {
      return others ? others(request) : Refusal(404, "404 page not found");
    }
    if (request.method == "POST") return Take(intake, request);
    HttpResponse response;
    response.status = 405;
    response.headers.emplace_back("Allow", "POST");
    return response;
  };
}

net::HttpResponse JaegerHttpRefusal(int status, const std::string& message) {
  if (status == 400) return Refusal(400, "Unable to process request body: " + message);
  return Refusal(status, message);
}

}  // namespace tracestore::ingest
