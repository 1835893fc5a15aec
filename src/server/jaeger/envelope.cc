#include "server/jaeger/envelope.h"

#include <utility>

#include "codec/json/json_writer.h"

namespace tracestore::server {

std::string_view EnvelopeHead() noexcept { return R"({"data":)"; }

std::string EnvelopeTail(std::uint64_t total, const std::vector<ApiError>& errors) {
  std::string out = R"(,"total":)" + std::to_string(total) + R"(,"limit":0,"offset":0,"errors":)";
  if (errors.empty()) return out + "null}";
  codec::JsonWriter json(out);
  json.BeginArray();
  for (const ApiError& error : errors) {
    json.BeginObject();
    if (error.code != 0) {
      json.Key("code");
      json.Int(error.code);
    }
    json.Key("msg");
    json.String(error.message);
    if (!error.trace_id.empty()) {
      json.Key("traceID");
      json.String(error.trace_id);
    }
    json.EndObject();
  }
  json.EndArray();
  return out + '}';
}

net::HttpResponse Success(std::string_view data, std::uint64_t total, bool pretty) {
  std::string body(EnvelopeHead());
  body += data;
  body += EnvelopeTail(total, {});
  if (pretty) {
    std::string indented;
    JsonIndenter().Feed(body, indented);
    body = std::move(indented);
  }
  return net::HttpResponse::Json(200, std::move(body));
}

net::HttpResponse Failure(int status, std::string_view message) {
  std::string body(EnvelopeHead());
  body += "null" + EnvelopeTail(0, {{status, std::string(message), ""}}) + '\n';
  net::HttpResponse response = net::HttpResponse::Json(status, std::move(body));
  response.headers.emplace_back("X-Content-Type-Options", "nosniff");
  return response;
}

net::HttpResponse Failure(const Error& error) {
  switch (error.code()) {
    case ErrorCode::kInvalidArgument: return Failure(400, error.message());
    case ErrorCode::kNotFound: return Failure(404, error.message());
    default: return Failure(500, error.message());
  }
}

void JsonIndenter::Break(std::string& out) {
  out += '\n';
  out.append(depth_ * 4, ' ');
}

void JsonIndenter::Feed(std::string_view piece, std::string& out) {
  for (const char c : piece) {
    if (in_string_) {
      out += c;
      if (escaped_) escaped_ = false;
      else if (c == '\\') escaped_ = true;
      else if (c == '"') in_string_ = false;
      continue;
    }
    const bool closes = c == ']' || c == '}';
    if (closes) {
      if (depth_ > 0) --depth_;
      if (!opened_) Break(out);
    } else if (opened_) {
      Break(out);
    }
    opened_ = c == '[' || c == '{';
    out += c;
    if (opened_) ++depth_;
    else if (c == ',') Break(out);
    else if (c == ':') out += ' ';
    else if (c == '"') in_string_ = true;
  }
}

}  // namespace tracestore::server
