#include "service/query_access.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <exception>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "net/grpc_reply.h"
#include "net/stream_turn.h"
#include "store/engine/snapshot.h"

namespace tracestore::tools {
namespace {

using Refusal = MemoryAccount::Refusal;

constexpr std::chrono::seconds kRetryAfter{1};
// HTTP's statuses: of a query that asks for too much, of one that comes at a bad time, and of a
// stream that fails before anything of it was sent.
constexpr int kTooLarge = 422;
constexpr int kBusy = 503;
constexpr int kFailed = 500;
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

std::string MemorySentence(Refusal why, const MemoryBudget::Limits& limits) {
  if (why == Refusal::kEach) {
    return "the query needs more memory than one may have (query.max-bytes-per-query is " +
           std::to_string(limits.each) + " bytes); ask for fewer traces";
  }
  return "queries hold as much memory as they may (query.max-bytes is " +
         std::to_string(limits.all) + " bytes); come again";
}

const char* ReasonOf(Refusal why) { return why == Refusal::kEach ? "bytes_per_query" : "bytes"; }

net::RawReply MemoryReply(Refusal why, const MemoryBudget::Limits& limits) {
  const std::string sentence = MemorySentence(why, limits);
  constexpr auto kCode = net::GrpcCode::kResourceExhausted;
  return why == Refusal::kEach ? net::RawReply::Fail(kCode, sentence)
                               : net::RawReply::Retry(kCode, sentence, kRetryAfter);
}

net::HttpResponse ComeAgain(net::HttpResponse response) {
  response.headers.emplace_back("Retry-After", std::to_string(kRetryAfter.count()));
  return response;
}

class Answering;
// What the thread makes.
thread_local Answering* current = nullptr;

// An answer, or a piece of it, that a thread makes as long as this stands.
class Answering {
 public:
  explicit Answering(std::shared_ptr<MemoryAccount> account)
      : account_(std::move(account)), before_(std::exchange(current, this)) {}
  ~Answering() {
    current = before_;
    for (const auto& [status, count] : counts_) count(instead_.value_or(status));
  }
  Answering(const Answering&) = delete;
  Answering& operator=(const Answering&) = delete;

  const std::shared_ptr<MemoryAccount>& account() const noexcept { return account_; }
  void Count(int status, std::function<void(int status)> count) {
    counts_.emplace_back(status, std::move(count));
  }
  // What the client gets in place of what was made.
  void Becomes(int status) noexcept { instead_ = status; }

 private:
  const std::shared_ptr<MemoryAccount> account_;
  Answering* const before_;
  std::vector<std::pair<int, std::function<void(int status)>>> counts_;
  std::optional<int> instead_;
};

}  // namespace

void CountAnswer(int status, std::function<void(int status)> count) {
  if (current == nullptr) return count(status);
  current->Count(status, std::move(count));
}

Result<Snapshot> Counted(Result<Snapshot> snapshot) {
  if (!snapshot.has_value() || current == nullptr) return snapshot;
  auto data = std::make_shared<store::SnapshotData>(*snapshot->data());
  data->account = current->account();
  return Snapshot(std::move(data));
}

// One query that was let in, until it is answered or given up.
class QueryAccess::Ticket {
 public:
  Ticket(QueryAccess& access, std::string server, std::string what, std::string_view peer,
         std::string_view tenant)
      : access_(access),
        server_(std::move(server)),
        what_(std::move(what)),
        peer_(peer),
        tenant_(tenant),
        account_(std::make_shared<MemoryAccount>(access.memory_)),
        piece_(account_) {}
  ~Ticket() {
    --access_.in_flight_;
    if (!access_.options_.log) return;
    const std::chrono::duration<double, std::milli> took =
        std::chrono::steady_clock::now() - begin_;
    spdlog::info("{} {} {} {} bytes {:.1f} ms{} from {}{}", server_, what_, outcome_, bytes_,
                 took.count(), broken_ ? " broken off" : "", peer_,
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

  const std::shared_ptr<MemoryAccount>& account() const noexcept { return account_; }
  // What one turn of a worker makes of `stream`, all of it held: the server sends nothing before.
  Result<bool> Turn(const net::BodyStream& stream, std::string& chunk) {
    std::string piece;
    chunk.clear();
    Result<bool> more = true;
    while (more.has_value() && *more && chunk.size() < net::kStreamTurnBytes) {
      piece.clear();
      more = stream(piece);
      SetPiece(chunk.size() + piece.size());
      if (account_->refusal() != Refusal::kNone) break;
      if (chunk.empty()) {
        chunk.swap(piece);
      } else {
        chunk += piece;
      }
    }
    return more;
  }
  // The same of the first, at which an answer can still be another one: what is thrown is an error.
  Result<bool> FirstTurn(const net::BodyStream& stream, std::string& chunk) {
    try {
      return Turn(stream, chunk);
    } catch (const std::exception& error) {
      return Error(ErrorCode::kIo, error.what());
    }
  }
  // What goes out next; 0: the last of it has gone.
  void SetPiece(std::size_t bytes) { (void)piece_.Set(bytes); }
  // A whole answer, until who gets this has sent it.
  std::shared_ptr<const void> HoldAnswer(std::size_t bytes) const {
    const auto hold = std::make_shared<MemoryHold>(account_);
    (void)hold->Set(bytes);
    return hold;
  }
  // Why it was refused its memory, counted once; nullopt: it wasn't.
  std::optional<Refusal> Refused() {
    const Refusal why = account_->refusal();
    if (why == Refusal::kNone) return std::nullopt;
    if (!std::exchange(refused_, true)) access_.Refused(server_, ReasonOf(why));
    return why;
  }

 private:
  QueryAccess& access_;
  const std::string server_;
  const std::string what_;
  const std::string peer_;
  const std::string tenant_;
  const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
  const std::shared_ptr<MemoryAccount> account_;
  MemoryHold piece_;
  std::string outcome_ = "-";
  std::size_t bytes_ = 0;
  bool broken_ = true;
  bool refused_ = false;
};

QueryAccess::QueryAccess(QueryAccessOptions options, server::MetricRegistry& metrics)
    : options_(options),
      memory_(std::make_shared<MemoryBudget>(options.memory)),
      metrics_(metrics) {
  metrics_.Describe("tracestore_query_refused_total",
                    "Queries refused because too many were being answered, because their answers "
                    "held too many bytes, or because one needed too many.");
  metrics_.Describe("tracestore_query_in_flight", "Queries begun and not wholly answered.");
  metrics_.Describe("tracestore_query_bytes_in_flight", "Bytes that their answers hold.");
  metrics_.Describe("tracestore_query_bytes_limit",
                    "Bytes that the answers of all queries may hold; 0 is any number.");
}

bool QueryAccess::Enter() noexcept {
  const std::uint64_t now = ++in_flight_;
  if (options_.max_concurrent == 0 || now <= options_.max_concurrent) return true;
  --in_flight_;
  return false;
}

void QueryAccess::Refused(const std::string& server, const char* reason) {
  metrics_.Add("tracestore_query_refused_total", {{"server", server}, {"reason", reason}});
}

net::HttpResponse QueryAccess::Answer(const std::shared_ptr<Ticket>& ticket,
                                      const net::HttpHandler& handler, const Words& refusal,
                                      const net::HttpRequest& request) {
  Answering answering(ticket->account());
  net::HttpResponse response = handler(request);
  std::optional<Error> failed;
  if (response.stream) {
    const auto more = ticket->FirstTurn(response.stream, response.body);
    if (!more.has_value()) failed = more.error();
    if (!more.has_value() || !*more) response.stream = nullptr;
  }
  if (!response.stream) {
    ticket->SetPiece(0);
    response.held = ticket->HoldAnswer(response.body.size());
  }
  if (const auto why = ticket->Refused()) {
    const std::string sentence = MemorySentence(*why, options_.memory);
    const bool each = *why == Refusal::kEach;
    answering.Becomes(each ? kTooLarge : kBusy);
    return each ? refusal(kTooLarge, sentence) : ComeAgain(refusal(kBusy, sentence));
  }
  if (!failed) return response;
  answering.Becomes(kFailed);
  return refusal(kFailed, failed->message());
}

net::HttpHandler QueryAccess::Http(
    std::string server, net::HttpHandler handler,
    std::function<net::HttpResponse(int, const std::string&)> refusal) {
  return [this, server = std::move(server), handler = std::move(handler),
          refusal = std::move(refusal)](const net::HttpRequest& request) {
    if (!Enter()) {
      Refused(server, "queries");
      return ComeAgain(refusal(kBusy, kTooMany));
    }
    const auto ticket = std::make_shared<Ticket>(
        *this, server, request.method + " " + Shown(request.raw_target), request.peer,
        request.tenant);
    net::HttpResponse response = Answer(ticket, handler, refusal, request);
    const std::string status = std::to_string(response.status);
    const bool head = request.method == "HEAD";
    if (!response.stream) {
      ticket->Answered(status, head ? 0 : response.body.size());
      return response;
    }
    ticket->Begun(status);
    // It has no body of which the end could be missing.
    if (head) ticket->Answered(status, 0);
    std::optional<std::string> first;
    if (!response.body.empty()) first = std::move(response.body);
    response.body.clear();
    response.stream = [ticket, status, head, first = std::move(first),
                       inner = std::move(response.stream)](std::string& chunk) mutable
        -> Result<bool> {
      if (first) {
        chunk = std::move(*first);
        first.reset();
        if (!head) ticket->Sent(chunk.size());
        return true;
      }
      const Answering answering(ticket->account());
      ticket->SetPiece(0);
      auto more = ticket->Turn(inner, chunk);
      if (ticket->Refused()) return Error(ErrorCode::kBusy, "the query was refused its memory");
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
        Refused(server, "queries");
        return net::RawReply::Retry(net::GrpcCode::kResourceExhausted, kTooMany, kRetryAfter);
      }
      const auto ticket = std::make_shared<Ticket>(*this, server, std::string(request.method),
                                                   request.peer, request.tenant);
      Answering answering(ticket->account());
      net::RawReply reply = inner(request);
      if (!reply.stream) reply.held = ticket->HoldAnswer(reply.bytes.size());
      if (const auto why = ticket->Refused()) reply = MemoryReply(*why, options_.memory);
      answering.Becomes(static_cast<int>(reply.code));
      if (reply.code != net::GrpcCode::kOk || !reply.stream) {
        ticket->Answered(GrpcCodeName(reply.code), reply.bytes.size());
        return reply;
      }
      ticket->Begun("OK");
      reply.stream = [ticket, limits = options_.memory,
                      stream = std::move(reply.stream)](std::string& message) {
        Answering of_this(ticket->account());
        ticket->SetPiece(0);
        auto end = stream(message);
        ticket->SetPiece(message.size());
        if (const auto why = ticket->Refused()) end = MemoryReply(*why, limits);
        if (end) {
          of_this.Becomes(static_cast<int>(end->code));
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
