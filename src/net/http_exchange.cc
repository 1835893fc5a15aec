#include "net/http_exchange.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <exception>
#include <utility>

#include "net/compression.h"
#include "net/stream_turn.h"

namespace tracestore::net {
namespace {

// Below this a gzip'ed answer saves no packet worth the work: a segment carries about 1,400 bytes.
constexpr std::size_t kGzipFromBytes = 2048;

bool HasNoBody(int status) noexcept { return status < 200 || status == 204 || status == 304; }

bool HasHeader(const HttpResponse& response, std::string_view name) {
  return std::any_of(response.headers.begin(), response.headers.end(),
                     [name](const auto& entry) { return EqualsIgnoreCase(entry.first, name); });
}

// Already compressed, as most media are.
bool IsCompressedType(std::string_view type) {
  return (type.starts_with("image/") && !type.starts_with("image/svg")) ||
         type.starts_with("font/") || type == "application/gzip" || type == "application/zip";
}

// A header field can't hold a line break: text from outside must not add fields of its own.
void AppendField(std::string& head, std::string_view name, std::string_view value) {
  head += name;
  head += ": ";
  for (const char c : value) head += c == '\r' || c == '\n' || c == '\0' ? ' ' : c;
  head += "\r\n";
}

void AppendDate(std::string& head) {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  gmtime_r(&now, &utc);
  static constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 32> rest{};
  // Names of days and months by hand: strftime's follow the locale.
  std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &utc);
  const std::string day = std::to_string(utc.tm_mday);
  AppendField(head, "Date",
              std::string(kDays[static_cast<std::size_t>(utc.tm_wday)]) + ", " +
                  (day.size() < 2 ? "0" : "") + day + " " +
                  kMonths[static_cast<std::size_t>(utc.tm_mon)] + rest.data());
}

void AppendChunk(std::string& out, std::string_view data) {
  if (data.empty()) return;  // an empty chunk would mean the end
  std::array<char, 16> size{};
  const auto end = std::to_chars(size.data(), size.data() + size.size(), data.size(), 16).ptr;
  out.append(size.data(), end);
  out += "\r\n";
  out += data;
  out += "\r\n";
}

enum class Pulled : unsigned char { kMore, kDone, kFailed };

Pulled PullPiece(const BodyStream& stream, std::string& piece, std::string& message) {
  piece.clear();
  try {
    auto more = stream(piece);
    if (more.has_value()) return *more ? Pulled::kMore : Pulled::kDone;
    message = more.error().message();
  } catch (const std::exception& error) {
    message = error.what();
  }
  return Pulled::kFailed;
}

// A turn's worth of pieces, of which the last may be large.
Pulled Pull(const BodyStream& stream, std::string& chunk, std::string& message) {
  Pulled pulled = PullPiece(stream, chunk, message);
  std::string piece;
  while (pulled == Pulled::kMore && chunk.size() < kStreamTurnBytes) {
    pulled = PullPiece(stream, piece, message);
    chunk += piece;
  }
  return pulled;
}

bool MayCompress(const HttpResponse& response) {
  return !HasHeader(response, "Content-Encoding") && !IsCompressedType(response.content_type);
}

void MaybeGzip(HttpResponse& response, bool accepts_gzip) {
  if (response.body.size() < kGzipFromBytes || !MayCompress(response)) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (!accepts_gzip) return;
  auto packed = CompressGzip(response.body);
  if (!packed || packed->size() >= response.body.size()) return;
  response.body = std::move(*packed);
  response.headers.emplace_back("Content-Encoding", "gzip");
}

// True: the first piece of a stream was the last, and `response` is an ordinary one now.
bool StartStream(HttpResponse& response, const ErrorResponder& errors) {
  std::string message;
  std::string chunk;
  const Pulled pulled = Pull(response.stream, chunk, message);
  if (pulled == Pulled::kFailed) {
    response = MakeError(errors, 500, message);
    response.stream = nullptr;
    return true;
  }
  response.body = std::move(chunk);
  if (pulled == Pulled::kMore) return false;
  response.stream = nullptr;
  return true;
}

// A stream's size isn't known: it is large enough, for its first piece was not the last.
void MaybeGzipStream(HttpResponse& response, bool accepts_gzip, WireResponse& wire) {
  if (!MayCompress(response)) return;
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (accepts_gzip) wire.gzip = GzipStream::Make();
  if (wire.gzip == nullptr) return;
  response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = wire.gzip->Next(response.body, false);
}

void FrameBody(HttpResponse& response, const ExchangeContext& context, WireResponse& wire) {
  if (!response.stream) {
    MaybeGzip(response, context.accepts_gzip);
    if (!HasNoBody(response.status)) {
      AppendField(wire.head, "Content-Length", std::to_string(response.body.size()));
      if (!context.head_only) wire.body = std::move(response.body);
    }
    return;
  }
  wire.chunked = context.http_1_1;
  if (!wire.chunked) wire.keep_alive = false;  // HTTP/1.0: the end of the connection ends the body
  if (wire.chunked) AppendField(wire.head, "Transfer-Encoding", "chunked");
  MaybeGzipStream(response, context.accepts_gzip, wire);
  if (context.head_only) return;
  if (wire.chunked) {
    AppendChunk(wire.body, response.body);
  } else {
    wire.body = std::move(response.body);
  }
  wire.stream = std::move(response.stream);
  wire.more = true;
}

}  // namespace

std::string_view RefusalCause(int status) noexcept {
  switch (status) {
    case 400: return "broken";
    case 413:
    case 431: return "too-long";
    case 415:
    case 417:
    case 501: return "unsupported";
    case 429:
    case 503: return "no-room";
    default: return {};
  }
}

HttpResponse MakeError(const ErrorResponder& errors, int status, const std::string& message) {
  if (errors) {
    try {
      return errors(status, message);
    } catch (const std::exception&) {
      // The plain answer below serves as well.
    }
  }
  return HttpResponse::Text(status, message + "\n");
}

WireResponse Frame(HttpResponse response, const ErrorResponder& errors, ExchangeContext context) {
  if (response.stream && HasNoBody(response.status)) response.stream = nullptr;
  if (response.stream) StartStream(response, errors);
  WireResponse wire;
  wire.held = std::move(response.held);
  wire.keep_alive = context.keep_alive;
  wire.head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  wire.head += ReasonPhrase(response.status);
  wire.head += "\r\n";
  AppendDate(wire.head);
  if (!response.content_type.empty()) {
    AppendField(wire.head, "Content-Type", response.content_type);
  }
  FrameBody(response, context, wire);
  for (const auto& [name, value] : response.headers) AppendField(wire.head, name, value);
  if (!wire.keep_alive) {
    AppendField(wire.head, "Connection", "close");
  } else if (!context.http_1_1) {
    AppendField(wire.head, "Connection", "keep-alive");
  }
  wire.head += "\r\n";
  return wire;
}

WireResponse Answer(const HttpHandler& handler, const HttpGate& gate, const ErrorResponder& errors,
                    std::size_t max_body_bytes, ExchangeContext context, HttpRequest& request) {
  context.head_only = request.method == "HEAD";
  context.accepts_gzip = AcceptsGzip(request.header("Accept-Encoding"));
  const auto refuse = [&](int status, const std::string& message) {
    WireResponse refusal = Frame(MakeError(errors, status, message), errors, context);
    refusal.refusal = RefusalCause(status);
    return refusal;
  };
  try {
    if (gate) {
      if (auto refusal = gate(request)) return Frame(std::move(*refusal), errors, context);
    }
    const auto name = request.header("Content-Encoding");
    const auto coding = ParseCoding(name);
    if (!coding) {
      return refuse(415, "unknown Content-Encoding \"" + std::string(name) +
                             "\": gzip, deflate, zstd or identity");
    }
    if (*coding != Coding::kIdentity && !request.body.empty()) {
      Decompressed body = Decompress(*coding, request.body, max_body_bytes);
      if (body.outcome == Decompressed::Outcome::kTooLarge) return refuse(413, body.message);
      if (body.outcome == Decompressed::Outcome::kCorrupt) return refuse(400, body.message);
      request.body = std::move(body.bytes);
    }
    HttpResponse response = handler(request);
    const bool unsupported = response.status == 415;  // no message to those who count them
    WireResponse wire = Frame(std::move(response), errors, context);
    if (unsupported) wire.refusal = RefusalCause(415);
    return wire;
  } catch (const std::bad_alloc&) {
    return refuse(503, "out of memory");
  } catch (const std::exception& error) {
    return refuse(500, std::string("internal error: ") + error.what());
  }
}

void PullNext(WireResponse& response) {
  std::string chunk;
  std::string message;
  const Pulled pulled = Pull(response.stream, chunk, message);
  response.body.clear();
  response.more = pulled == Pulled::kMore;
  response.broken = pulled == Pulled::kFailed;
  if (response.broken) return;
  if (response.gzip != nullptr) chunk = response.gzip->Next(chunk, !response.more);
  if (!response.chunked) {
    response.body = std::move(chunk);
    return;
  }
  AppendChunk(response.body, chunk);
  if (!response.more) response.body += "0\r\n\r\n";
}

}  // namespace tracestore::net
