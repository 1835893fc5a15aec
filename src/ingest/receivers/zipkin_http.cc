#include "ingest/receivers/zipkin_http.h"

#include <optional>
#include <string_view>
#include <utility>

#include "ingest/zipkin_message.h"

namespace tracestore::ingest {
namespace {

using codec::ZipkinEncoding;
using net::HttpRequest;
using net::HttpResponse;

// What a refusal of a message begins with that net could not unpack (net/compression.cc).
constexpr std::string_view kBrokenGzip = "the gzip body ";
constexpr const char* kCannotGunzip = "Cannot gunzip spans";

// Zipkin's own answers say no more of their type than this.
HttpResponse Sentence(int status, std::string sentence) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/*";
  response.body = std::move(sentence);
  return response;
}

HttpResponse NotFound() { return HttpResponse::Text(404, "404 Not Found"); }

bool HasType(const HttpRequest& request, std::string_view wanted) {
  std::string_view type = request.header("content-type");
  type = type.substr(0, type.find(';'));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.remove_suffix(1);
  return net::EqualsIgnoreCase(type, wanted);
}

// nullopt: no such path.
std::optional<ZipkinEncoding> EncodingOf(const HttpRequest& request) {
  if (request.path == "/api/v2/spans") {
    return HasType(request, "application/x-protobuf") ? ZipkinEncoding::kProto3
                                                      : ZipkinEncoding::kJsonV2;
  }
  if (request.path == "/api/v1/spans") {
    return HasType(request, "application/x-thrift") ? ZipkinEncoding::kThrift
                                                    : ZipkinEncoding::kJsonV1;
  }
  return std::nullopt;
}

// A body that was sent as gzip and has nothing in it: Zipkin can't tell that from a broken one.
bool IsEmptyGzip(const HttpRequest& request) {
  return request.body.empty() &&
         net::EqualsIgnoreCase(request.header("content-encoding"), "gzip") &&
         request.header("content-length") != "0";
}

HttpResponse AnswerOf(IntakeAnswer answer) {
  const auto later = [&answer](int status) {
    HttpResponse response = Sentence(status, std::move(answer.message));
    response.headers.emplace_back("Retry-After", std::to_string(kRetryAfter.count()));
    return response;
  };
  switch (answer.outcome) {
    case IntakeOutcome::kTaken: {
      HttpResponse response;  // of no type, as Zipkin's
      response.status = 202;
      return response;
    }
    case IntakeOutcome::kMalformed: return Sentence(400, std::move(answer.message));
    case IntakeOutcome::kBusy: return later(429);
    case IntakeOutcome::kUnavailable: return later(503);
    case IntakeOutcome::kUnsupported: return Sentence(501, std::move(answer.message));
  }
  return Sentence(500, "no answer");
}

HttpResponse Take(const Intake& intake, const ZipkinHttpOptions& options,
                  const HttpRequest& request) {
  if (request.method != "POST" && options.reads) return options.reads(request);
  const auto encoding = EncodingOf(request);
  if (!encoding || request.method != "POST" || !options.enabled) return NotFound();
  if (IsEmptyGzip(request)) return Sentence(400, kCannotGunzip);
  return AnswerOf(TakeZipkin(intake, request.body, *encoding, transport::kHttp, request.tenant));
}

}  // namespace

net::HttpHandler MakeZipkinHttpHandler(const Intake& intake, ZipkinHttpOptions options) {
  return [&intake, options = std::move(options)](const HttpRequest& request) {
    return Take(intake, options, request);
  };
}

net::HttpResponse ZipkinHttpRefusal(int status, const std::string& message) {
  if (status == 400 && message.starts_with(kBrokenGzip)) return Sentence(400, kCannotGunzip);
  return Sentence(status, message);
}

}  // namespace tracestore::ingest
