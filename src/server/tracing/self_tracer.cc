#include "server/tracing/self_tracer.h"

#include <unistd.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <utility>

#include "base/thread.h"
#include "server/tracing/span_ids.h"

namespace tracestore::server {
namespace {

// Where the names of the attributes are those that are used here.
constexpr const char* kSchema = "https://opentelemetry.io/schemas/1.26.0";
// Spans that are written in one go before the interval is over.
constexpr std::size_t kFlushSpans = 512;
// The specification's bound; what is longer isn't passed on.
constexpr std::size_t kMostTraceState = 512;

// Ends the span with the stream.
net::BodyStream Ending(std::shared_ptr<RequestSpan> span, net::BodyStream stream) {
  return [span = std::move(span), stream = std::move(stream)](std::string& chunk) {
    auto more = stream(chunk);
    span->AddBytes(chunk.size());
    if (more.has_value() && !*more) span->Finish();
    return more;
  };
}

net::RawStream Ending(std::shared_ptr<RequestSpan> span, net::RawStream stream) {
  return [span = std::move(span), stream = std::move(stream)](std::string& message) {
    auto end = stream(message);
    if (end) {
      span->SetReply(*end);
      span->Finish();
    }
    return end;
  };
}

}  // namespace

SelfTracer::SelfTracer(SelfTracerOptions options)
    : options_(std::move(options)),
      waiting_(EmptyBatch()),
      thread_(base::StartThread([this](const std::stop_token& stop) { Run(stop); })) {}

SelfTracer::~SelfTracer() { Stop(); }

model::SpanBatch SelfTracer::EmptyBatch() const {
  model::SpanBatch batch;
  const auto text = [&batch](const char* name) { return batch.strings.Intern(name); };
  model::ResourceRecord resource;
  batch.AddString(text("service.name"), options_.service_name);
  batch.AddString(text("service.version"), options_.version);
  batch.AddInt(text("process.pid"), getpid());
  resource.attributes = {0, 3};
  resource.schema_url = text(kSchema);
  batch.resources.push_back(resource);
  model::ScopeRecord scope;
  scope.name = text("tracestore");
  scope.version = batch.strings.Intern(options_.version);
  scope.schema_url = text(kSchema);
  batch.scopes.push_back(scope);
  return batch;
}

std::shared_ptr<RequestSpan> SelfTracer::Begin(const HeaderOf& header) {
  const CallersTrace caller = ReadCallersTrace(header);
  const TraceParent parent = caller.parent.value_or(TraceParent{RandomTraceId(), {}, true});
  const bool sampled = caller.sampled.has_value()
                           ? *caller.sampled
                           : IsInShare(parent.trace_id, options_.ratio) && HasRoom();
  if (!sampled) return nullptr;
  const std::string_view state = caller.w3c ? header("tracestate") : "";
  return std::make_shared<RequestSpan>(*this, parent,
                                       state.size() <= kMostTraceState ? std::string(state) : "");
}

// A bucket of a second's worth, and of one at least.
bool SelfTracer::HasRoom() {
  if (options_.per_second <= 0) return true;
  const std::lock_guard lock(mutex_);
  const auto now = std::chrono::steady_clock::now();
  const std::chrono::duration<double> passed = now - room_at_;
  room_at_ = now;
  room_ = std::min(std::max(options_.per_second, 1.0), room_ + passed.count() * options_.per_second);
  if (room_ < 1) return false;
  room_ -= 1;
  return true;
}

// Called by a destructor: a span for which there is no memory is dropped.
void SelfTracer::End(const RequestSpan& span) noexcept {
  bool enough = false;
  try {
    const std::lock_guard lock(mutex_);
    if (ended_) {
      ++late_;
      return;
    }
    if (waiting_.size() >= options_.max_waiting) {
      ++dropped_;
      return;
    }
    const model::SpanBatch::Mark mark = waiting_.mark();
    try {
      span.AppendTo(waiting_);
    } catch (const std::exception&) {
      waiting_.Rollback(mark);
      ++dropped_;
    }
    enough = waiting_.size() >= kFlushSpans;
  } catch (const std::exception&) {
    ++dropped_;
  }
  if (enough) wake_.notify_one();
}

void SelfTracer::Run(const std::stop_token& stop) {
  bool good = true;
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, stop, options_.flush_interval,
                     [this] { return waiting_.size() >= kFlushSpans; });
    }
    if (!stop.stop_requested()) good = Flush();
  }
  if (good) {
    (void)Flush();
  } else {
    GiveUpWaiting();
  }
  EndThread();
}

// What ended while the last were written would wait for ever.
void SelfTracer::EndThread() {
  {
    const std::lock_guard lock(mutex_);
    late_ += waiting_.size();
    ended_ = true;
  }
  wake_.notify_all();
}

bool SelfTracer::Flush() {
  model::SpanBatch batch = EmptyBatch();
  {
    const std::lock_guard lock(mutex_);
    if (waiting_.empty()) return true;
    std::swap(batch, waiting_);
  }
  const std::uint64_t spans = batch.size();
  const Status done = options_.write(std::move(batch), give_up_.get_token());
  (done.has_value() ? written_ : failed_) += spans;
  return done.has_value();
}

void SelfTracer::GiveUpWaiting() {
  const std::lock_guard lock(mutex_);
  failed_ += waiting_.size();
  waiting_ = EmptyBatch();
}

void SelfTracer::Stop(std::chrono::milliseconds grace) {
  thread_.request_stop();
  {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, grace, [this] { return ended_; });
  }
  give_up_.request_stop();
  if (thread_.joinable()) thread_.join();
}

SelfTracerCounts SelfTracer::counts() const noexcept {
  return {written_.load(), failed_.load(), dropped_.load(), late_.load()};
}

net::HttpHandler SelfTracer::Http(net::HttpHandler handler, bool tls) {
  return [this, tls, handler = std::move(handler)](const net::HttpRequest& request) {
    const auto span = Begin([&request](std::string_view name) { return request.header(name); });
    if (span == nullptr) return handler(request);
    span->SetRequest(request, tls);
    net::HttpResponse response = handler(request);
    span->SetResponse(response);
    const bool head = request.method == "HEAD";
    if (response.stream && !head) {
      response.stream = Ending(span, std::move(response.stream));
    } else {
      span->AddBytes(head ? 0 : response.body.size());
      span->Finish();
    }
    return response;
  };
}

net::RawGrpcServices SelfTracer::Grpc(net::RawGrpcServices methods,
                                      const std::set<std::string, std::less<>>& without) {
  for (auto& [method, handler] : methods) {
    if (without.contains(method)) continue;
    handler = [this, inner = std::move(handler)](const net::RawRequest& request) {
      const auto span = Begin([&request](std::string_view key) {
        return request.metadata ? request.metadata(key).value_or("") : std::string_view();
      });
      if (span == nullptr) return inner(request);
      span->SetRequest(request);
      net::RawReply reply = inner(request);
      if (reply.code == net::GrpcCode::kOk && reply.stream) {
        reply.stream = Ending(span, std::move(reply.stream));
      } else {
        span->SetReply(reply);
        span->Finish();
      }
      return reply;
    };
  }
  return methods;
}

}  // namespace tracestore::server
