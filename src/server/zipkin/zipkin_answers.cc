#include "server/zipkin/zipkin_answers.h"

#include "codec/json/json_writer.h"
#include "codec/zipkin/zipkin_json.h"

namespace tracestore::server {

using net::HttpResponse;

HttpResponse ZipkinSentence(int status, std::string sentence) {
  HttpResponse response;
  response.status = status;
  response.content_type = "text/*";
  response.body = std::move(sentence);
  return response;
}

HttpResponse ZipkinNotFound() { return HttpResponse::Text(404, "404 Not Found"); }

HttpResponse ZipkinFailure(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return ZipkinSentence(400, error.message());
    case ErrorCode::kNotFound: return ZipkinSentence(404, error.message());
    default: return ZipkinSentence(500, error.message());
  }
}

HttpResponse ZipkinNames(const std::set<std::string>& names) {
  std::string body;
  codec::JsonWriter json(body);
  json.BeginArray();
  for (const std::string& name : names) json.String(name);
  json.EndArray();
  return HttpResponse::Json(200, std::move(body));
}

void AppendZipkinTrace(const ZipkinTrace& trace, std::string& out) {
  codec::EncodeZipkinSpans(*trace.spans.batch(), trace.rows, out);
}

}  // namespace tracestore::server
