#include <algorithm>
#include <array>
#include <cmath>
#include <deque>
#include <vector>

#include "nezha.h"

namespace tracestore::bench {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t Next() {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t Below(std::uint64_t n) { return Next() % n; }
  double Unit() { return static_cast<double>(Next() >> 11) * 0x1.0p-53; }
  // Log-normal about `median`.
  double LogNormal(double median, double sigma) {
    const double u = std::max(Unit(), 1e-12);
    const double v = Unit();
    return median * std::exp(sigma * std::sqrt(-2 * std::log(u)) * std::cos(6.283185307 * v));
  }

 private:
  std::uint64_t state_;
};

constexpr std::size_t kServices = 60;
constexpr std::size_t kPods = 4;

class Maker {
 public:
  Maker(const RichOptions& options, const std::function<void(model::SpanBatch&&)>& take)
      : options_(options), take_(take), random_(options.seed) {
    double sum = 0;
    for (std::size_t i = 0; i < kServices; ++i)
      popularity_[i] = sum += 1.0 / static_cast<double>(i + 1);
    for (double& p : popularity_) p /= sum;
    early_ = Fresh();
    late_ = Fresh();
  }

  void Run() {
    std::uint64_t now = 1'700'000'000'000'000'000ULL;
    while (made_ < options_.spans) {
      now += static_cast<std::uint64_t>(random_.LogNormal(2e7, 1));
      Trace(now, options_.late_by_spans > 0 && random_.Below(2) == 0);
    }
    if (!early_.empty()) take_(std::move(early_));
    if (!late_.empty()) waiting_.push_back({made_, std::move(late_)});
    for (auto& [made, batch] : waiting_) take_(std::move(batch));
  }

 private:
  std::size_t Service() {
    return static_cast<std::size_t>(
        std::lower_bound(popularity_.begin(), popularity_.end(), random_.Unit()) -
        popularity_.begin());
  }

  static model::SpanBatch Fresh() {
    model::SpanBatch batch;
    batch.scopes.emplace_back();
    batch.scopes[0].name = batch.strings.Intern("io.opentelemetry.auto");
    batch.scopes[0].version = batch.strings.Intern("2.9.0");
    for (std::size_t s = 0; s < kServices; ++s) {
      for (std::size_t p = 0; p < kPods; ++p) {
        model::ResourceRecord resource;
        const std::string service = "service-" + std::to_string(s);
        resource.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 5};
        batch.AddString(batch.strings.Intern("service.name"), service);
        batch.AddString(batch.strings.Intern("service.version"), "1." + std::to_string(s % 7));
        batch.AddString(batch.strings.Intern("k8s.pod.name"),
                         service + "-" + std::to_string(s * 7919 % 9973) + "-" + std::to_string(p));
        batch.AddString(batch.strings.Intern("host.name"), "node-" + std::to_string(p * 3 + s % 5));
        batch.AddString(batch.strings.Intern("deployment.environment"), "production");
        batch.resources.push_back(resource);
      }
    }
    return batch;
  }

  void Trace(std::uint64_t start, bool later_half_is_late) {
    const double size = std::min(2000.0, 4 + random_.LogNormal(20, 1.1));
    const TraceId id{random_.Next(), random_.Next()};
    std::vector<model::SpanRecord> open;
    for (std::size_t i = 0; i < static_cast<std::size_t>(size) && made_ < options_.spans; ++i) {
      const bool late = later_half_is_late && static_cast<double>(i) >= size / 2;
      batch_ = late ? &late_ : &early_;
      const std::size_t service = Service();
      model::SpanRecord span;
      span.trace_id = id;
      span.span_id = {random_.Next() | 1};
      span.presence = model::kHasStart | model::kHasDuration;
      span.flags = 0x101;
      if (open.empty()) {
        span.start_ns = start;
      } else {
        const auto& parent = open[open.size() > 12 ? open.size() - 1 - random_.Below(12)
                                                   : random_.Below(open.size())];
        span.parent_id = parent.span_id;
        span.start_ns = parent.start_ns + static_cast<std::uint64_t>(
                                              random_.LogNormal(3e5, 1.2));
      }
      span.duration_ns = static_cast<std::uint64_t>(
          random_.LogNormal(open.empty() ? 8e7 : 4e6, 1.3));
      span.resource = static_cast<std::uint32_t>(service * kPods + random_.Below(kPods));
      Fill(span, service);
      open.push_back(span);
      batch_->spans.push_back(span);
      ++made_;
    }
    GiveWhatIsFull();
  }

  void GiveWhatIsFull() {
    if (early_.size() >= options_.batch_spans) {
      take_(std::move(early_));
      early_ = Fresh();
    }
    if (late_.size() >= options_.batch_spans) {
      waiting_.push_back({made_, std::move(late_)});
      late_ = Fresh();
    }
    while (!waiting_.empty() && made_ - waiting_.front().made >= options_.late_by_spans) {
      take_(std::move(waiting_.front().batch));
      waiting_.pop_front();
    }
  }

  void Text(const char* key, const std::string& value) {
    batch_->AddString(batch_->strings.Intern(key), value);
  }
  void Int(const char* key, std::uint64_t value) {
    batch_->AddInt(batch_->strings.Intern(key), static_cast<std::int64_t>(value));
  }

  void Fill(model::SpanRecord& span, std::size_t service) {
    span.attributes.begin = static_cast<std::uint32_t>(batch_->attributes.size());
    const std::uint64_t route = random_.Below(6);
    const std::uint64_t shape = random_.Below(10);
    if (shape < 5) {
      span.kind = shape < 3 ? SpanKind::kServer : SpanKind::kClient;
      span.name = batch_->strings.Intern("GET /api/v1/things" + std::to_string(service % 9) +
                                        "/route" + std::to_string(route));
      Text("http.method", route == 0 ? "POST" : "GET");
      Text("http.url", "https://service-" + std::to_string(service) + ".internal/api/v1/things" +
                           std::to_string(service % 9) + "/route" + std::to_string(route) + "/" +
                           std::to_string(random_.Below(50'000'000)));
      Int("http.status_code", random_.Below(50) == 0 ? 500 : 200);
      Text("net.peer.ip", "10." + std::to_string(random_.Below(4)) + "." +
                              std::to_string(random_.Below(256)) + "." +
                              std::to_string(random_.Below(256)));
      Int("net.peer.port", 30'000 + random_.Below(30'000));
      Int("http.response_content_length", static_cast<std::uint64_t>(random_.LogNormal(2000, 1)));
    } else if (shape < 8) {
      span.kind = SpanKind::kClient;
      span.name = batch_->strings.Intern("SELECT table" + std::to_string(service % 11));
      Text("db.system", "postgresql");
      Text("db.name", "db" + std::to_string(service % 5));
      Text("db.statement", "SELECT id, name, price FROM table" + std::to_string(service % 11) +
                               " WHERE id = " + std::to_string(random_.Below(10'000'000)) +
                               " AND tenant = " + std::to_string(random_.Below(500)));
      Int("db.rows", random_.Below(40));
    } else {
      span.kind = shape == 8 ? SpanKind::kProducer : SpanKind::kInternal;
      span.name = batch_->strings.Intern("work-" + std::to_string(route));
      Text("messaging.system", "kafka");
      Text("messaging.destination", "topic-" + std::to_string(service % 8));
      Text("messaging.message_id", SpanId{random_.Next()}.ToHex());
    }
    Int("thread.id", 10 + random_.Below(40));
    Text("thread.name", "worker-" + std::to_string(random_.Below(40)));
    for (std::size_t i = 0; i < options_.more_texts; ++i) {
      std::string digits;
      for (int word = 0; word < 4; ++word) digits += SpanId{random_.Next()}.ToHex();
      Text(("digest." + std::to_string(i)).c_str(), digits);
    }
    span.attributes.count =
        static_cast<std::uint32_t>(batch_->attributes.size()) - span.attributes.begin;
    if (random_.Below(50) == 0) {
      span.status = StatusCode::kError;
      span.status_message = batch_->strings.Intern("upstream request timeout");
    }
    if (random_.Below(10) == 0) Event(span);
  }

  void Event(model::SpanRecord& span) {
    model::EventRecord event;
    event.time_ns = span.start_ns + random_.Below(span.duration_ns + 1);
    event.name =
        batch_->strings.Intern(span.status == StatusCode::kError ? "exception" : "cache.miss");
    event.attributes = {static_cast<std::uint32_t>(batch_->attributes.size()), 1};
    Text("cache.key", "user:" + std::to_string(random_.Below(1'000'000)) + ":profile");
    span.events = {static_cast<std::uint32_t>(batch_->events.size()), 1};
    batch_->events.push_back(event);
  }

  const RichOptions& options_;
  const std::function<void(model::SpanBatch&&)>& take_;
  Random random_;
  std::array<double, kServices> popularity_{};
  struct Waiting {
    std::size_t made = 0;  // spans when it was filled
    model::SpanBatch batch;
  };

  model::SpanBatch early_;
  model::SpanBatch late_;
  model::SpanBatch* batch_ = &early_;  // which of the two is written to
  std::deque<Waiting> waiting_;
  std::size_t made_ = 0;
};

}  // namespace

void MakeRich(const RichOptions& options, const std::function<void(model::SpanBatch&&)>& take) {
  Maker(options, take).Run();
}

}  // namespace tracestore::bench
