#include "ingest/receivers/jaeger_http.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "codec/jaeger/thrift_decoder.h"

namespace tracestore::ingest {
namespace {

using net::HttpRequest;
using net::HttpResponse;

// Go's http.Error: a newline at the end.
HttpResponse Refusal(int status, std::string sentence) {
  return HttpResponse::Text(status, std::move(sentence) + "\n");
}

std::string_view Trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// The media type in lower case, without parameters.
std::string MediaType(std::string_view header) {
  std::string type(Trimmed(header.substr(0, header.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return type;
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
  const std::string type = MediaType(request.header("content-type"));
  if (type.empty()) return Refusal(400, "Cannot parse content type: mime: no media type");
  if (type != "application/x-thrift" && type != "application/vnd.apache.thrift.binary") {
    return Refusal(400, "Unsupported content type: " + type);
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
