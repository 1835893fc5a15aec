#include "service/query_access.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <utility>

#include "net/grpc_reply.h"

namespace tracestore::tools {
namespace {

constexpr std::chrono::seconds kRetryAfter{1};
constexpr const char* kTooMany = "too many queries at a time; come again";
// Of a target or a tenant in the log: no line of a stranger's length.
constexpr std::size_t kShownBytes = 1'000;

// On one line of the log, whatever a client sent.
std::string Shown(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, kShownBytes)) {
    const auto byte = static_cast<unsigned char>(c);
    out += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  return text.size() > kShownBytes ? out + "…" : out;
}

}  // namespace

// One query that was let in, until it is answered or given up.
class QueryAccess::Ticket {
 public:
  Ticket(QueryAccess& access, std::string what, std::string_view peer, std::string_view tenant)
      : access_(access), what_(std::move(what)), peer_(peer), tenant_(tenant) {}
  ~Ticket() {
    --access_.in_flight_;
    if (!access_.options_.log) return;
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin_;
    spdlog::info("{} {} {} bytes {:.1f} ms{} from {}{}", what_, outcome_, bytes_, took.count(),
                 broken_ ? " broken off" : "", peer_,
                 tenant_.empty() ? "" : " tenant " + Shown(tenant_));
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  void Answered(std::string outcome, std::size_t bytes) {
    outcome_ = std::move(outcome);
    bytes_ += bytes;
    broken_ = false;
  }
  void Sent(std::size_t bytes) { bytes_ += bytes; }
  void Begun(std::string outcome) { outcome_ = std::move(outcome); }

 private:
  QueryAccess& access_;
  const std::string what_;
  const std::string peer_;
  const std::string tenant_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  std::string outcome_ = "-";
  std::size_t bytes_ = 0;
  bool broken_ = true;
};

QueryAccess::QueryAccess(QueryAccessOptions options, server::MetricRegistry& metrics)
    : options_(options), metrics_(metrics) {
  metrics_.Describe("tracestore_query_refused_total",
                    "Queries refused because too many were being answered.");
  metrics_.Describe("tracestore_query_in_flight", "Queries begun and not wholly answered.");
}

bool QueryAccess::Enter() noexcept {
  const std::uint64_t now = ++in_flight_;
  if (options_.max_concurrent == 0 || now <= options_.max_concurrent) return true;
  --in_flight_;
  return false;
}

void QueryAccess::Refused(const std::string& server) {
  metrics_.Add("tracestore_query_refused_total", {{"server", server}});
}

net::HttpHandler QueryAccess::Http(
    std::string server, net::HttpHandler handler,
    std::function<net::HttpResponse(int, const std::string&)> refusal) {
  return [this, server = std::move(server), handler = std::move(handler),
          refusal = std::move(refusal)](const net::HttpRequest& request) {
    if (!Enter()) {
      Refused(server);
      net::HttpResponse response = refusal(503, kTooMany);
      response.headers.emplace_back("Retry-After", std::to_string(kRetryAfter.count()));
      return response;
    }
    const auto ticket = std::make_shared<Ticket>(
        *this, server + " " + request.method + " " + Shown(request.raw_target), request.peer,
        request.tenant);
    net::HttpResponse response = handler(request);
    const std::string status = std::to_string(response.status);
    if (!response.stream) {
      ticket->Answered(status, response.body.size());
      return response;
    }
    ticket->Begun(status);
    response.stream = [ticket, status, inner = std::move(response.stream)](std::string& chunk) {
      auto more = inner(chunk);
      ticket->Sent(chunk.size());
      if (more.has_value() && !*more) ticket->Answered(status, 0);
      return more;
    };
    return response;
  };
}

net::RawGrpcServices QueryAccess::Grpc(const std::string& server, net::RawGrpcServices methods) {
  for (auto& [method, handler] : methods) {
    handler = [this, server, inner = std::move(handler)](const net::RawRequest& request) {
      if (!Enter()) {
        Refused(server);
        return net::RawReply::Retry(net::GrpcCode::kResourceExhausted, kTooMany, kRetryAfter);
      }
      const auto ticket = std::make_shared<Ticket>(
          *this, server + " " + std::string(request.method), request.peer, request.tenant);
      net::RawReply reply = inner(request);
      if (reply.code != net::GrpcCode::kOk || !reply.stream) {
        ticket->Answered(GrpcCodeName(reply.code), reply.bytes.size());
        return reply;
      }
      ticket->Begun("OK");
      reply.stream = [ticket, stream = std::move(reply.stream)](std::string& message) {
        auto end = stream(message);
        if (end) {
          ticket->Answered(GrpcCodeName(end->code), 0);
        } else {
          ticket->Sent(message.size());
        }
        return end;
      };
      return reply;
    };
  }
  return methods;
}

}  // namespace tracestore::tools
