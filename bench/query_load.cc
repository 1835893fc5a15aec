// query_load: asks a service over HTTP and gRPC what dashboards and back ends ask, and says what an
// answer takes: on the client's clock, and in CPU of the service, which is what counts where other
// programs share the machine.
//   query_load TRACESTORE STORE [--rounds N] [--clients N] [--seconds N]
// TRACESTORE is the program, STORE a store of the attribute-rich set that nobody has open; a trace
// of 10,000 spans is added to it. Then CLIENTS ask at once for SECONDS. Fails where an answer is an
// error.
#include <tracestore/store.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "api_v2/query.pb.h"
#include "base/try.h"
#include "collector_process.h"
#include "measure.h"
#include "model/span_batch.h"
#include "net/grpc_test_client.h"
#include "net/http_client.h"
#include "query_sample.h"

namespace tracestore::bench {
namespace {

using Clock = std::chrono::steady_clock;

constexpr TraceId kLargeTrace{11, 11};
constexpr std::uint32_t kLargeSpans = 10'000;

struct Settings {
  std::string program;
  std::string store;
  std::size_t rounds = 100;
  std::size_t clients = 64;
  double seconds = 10;
};

double MillisecondsSince(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

// A trace of spans with six attributes each, below one of the ten before.
void MakeLargeTrace(model::SpanBatch& batch, std::uint64_t start_ns) {
  std::mt19937_64 random(3);
  batch.resources.push_back({});
  batch.AddString(batch.strings.Intern("service.name"), "nightly");
  batch.resources[0].attributes = {0, 1};
  batch.scopes.emplace_back();
  const auto key = [&batch](const char* name) { return batch.strings.Intern(name); };
  for (std::uint32_t i = 0; i < kLargeSpans; ++i) {
    model::SpanRecord span;
    span.trace_id = kLargeTrace;
    span.span_id = {random() | 1};
    if (i > 0) {
      const std::uint64_t back = 1 + random() % std::min<std::uint64_t>(i, 10);
      span.parent_id = batch.spans[i - back].span_id;
    }
    span.name = key(("step-" + std::to_string(i % 50)).c_str());
    span.kind = SpanKind::kInternal;
    span.start_ns = start_ns + i * 1000;
    span.duration_ns = 500 + random() % 100'000;
    span.presence = model::kHasStart | model::kHasDuration;
    span.attributes = {static_cast<std::uint32_t>(batch.attributes.size()), 6};
    batch.AddString(key("http.url"), "http://store/items/" + std::to_string(random() % 100'000));
    batch.AddString(key("http.method"), i % 3 == 0 ? "POST" : "GET");
    batch.AddInt(key("http.status_code"), i % 97 == 0 ? 500 : 200);
    batch.AddString(key("db.statement"),
                    "SELECT * FROM items WHERE id = " + std::to_string(random() % 100'000));
    batch.AddDouble(key("ratio"), static_cast<double>(random() % 1000) / 8);
    batch.AddBool(key("cached"), i % 2 == 0);
    batch.spans.push_back(span);
  }
}

Result<QuerySample> Prepare(const Settings& settings) {
  TS_TRY_ASSIGN(auto store, Store::Open(settings.store, {}));
  const QuerySample sample = TakeSample(*store);
  TS_TRY_ASSIGN(const Snapshot snapshot, store->TakeSnapshot());
  TS_TRY_ASSIGN(const bool there, snapshot.Has(kLargeTrace));
  if (!there) {
    TS_TRY_ASSIGN(const StoreStats stats, snapshot.Stats(false));
    model::SpanBatch batch;
    MakeLargeTrace(batch, stats.max_start_ns);
    TS_TRY(store->AppendBatch(std::move(batch)));
  }
  TS_TRY(store->Close());
  return sample;
}

// One kind of question: a call sends the i-th and gives the bytes of its answer.
struct Question {
  std::string what;
  std::string aim;  // of p50, "" where there is none
  std::function<std::size_t(std::size_t i)> ask;
  std::size_t most_rounds = 0;  // of one that takes long; 0: as many as of the others
};

std::string Encoded(const std::string& text) {
  std::string out;
  constexpr const char* kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) != 0 || c == '-' || c == '.' || c == '_') {
      out += c;
    } else {
      out += {'%', kHex[byte >> 4], kHex[byte & 15]};
    }
  }
  return out;
}

class Asker {
 public:
  explicit Asker(std::uint16_t port) {
    net::HttpClientOptions options;
    options.port = port;
    options.timeout = std::chrono::minutes(2);
    options.max_body_bytes = std::size_t{1} << 30;
    client_ = std::move(net::HttpClient::Make(std::move(options))).value();
  }
  // Bytes of the answer; ends the program where it is none of 200.
  std::size_t Get(const std::string& target, const char* accept = "application/json") {
    net::HttpClientRequest request;
    request.target = target;
    request.headers = {{"Accept", accept}};
    const auto answer = client_->Send(request);
    if (!answer.has_value() || answer->status != 200) {
      std::fprintf(stderr, "%s: %s\n", target.c_str(),
                   answer.has_value() ? answer->body.c_str() : answer.error().message().c_str());
      ++failures;
      return 0;
    }
    return answer->body.size();
  }
  static inline std::atomic<std::size_t> failures = 0;

 private:
  std::unique_ptr<net::HttpClient> client_;
};

struct Askers {
  std::shared_ptr<Asker> jaeger, zipkin, tempo;
  explicit Askers(const CollectorProcess& process)
      : jaeger(std::make_shared<Asker>(process.port("query"))),
        zipkin(std::make_shared<Asker>(process.port("zipkin"))),
        tempo(std::make_shared<Asker>(process.port("tempo"))) {}
};

// Of the rich set's time.
constexpr const char* kAllTime = "&start=1&end=9000000000000000";
constexpr const char* kAllTimeV3 =
    "query.start_time_min=2000-01-01T00:00:00Z&query.start_time_max=2100-01-01T00:00:00Z"
    "&query.search_depth=20";

void AddById(const Askers& ask, const QuerySample& sample, std::vector<Question>& out) {
  const auto id = [&sample](std::size_t i) { return sample.ids[i % sample.ids.size()].ToHex(); };
  out.push_back({"trace by id, Jaeger /api/traces", "2 ms", [=](std::size_t i) {
                   return ask.jaeger->Get("/api/traces/" + id(i));
                 }});
  out.push_back({"trace by id, Jaeger /api/v3/traces", "2 ms", [=](std::size_t i) {
                   return ask.jaeger->Get("/api/v3/traces/" + id(i));
                 }});
  out.push_back({"trace by id, Zipkin /api/v2/trace", "2 ms", [=](std::size_t i) {
                   return ask.zipkin->Get("/api/v2/trace/" + id(i));
                 }});
  out.push_back({"trace by id, Tempo /api/v2/traces, protobuf", "2 ms", [=](std::size_t i) {
                   return ask.tempo->Get("/api/v2/traces/" + id(i), "application/protobuf");
                 }});
  out.push_back({"a trace of 10,000 spans, Jaeger JSON", "60 ms", [=](std::size_t) {
                   return ask.jaeger->Get("/api/traces/" + kLargeTrace.ToHex());
                 }});
}

// The searches of the life of a store, by the parameters of the legacy and the third API.
struct Search {
  const char* what;
  std::function<std::string(std::size_t)> legacy;
  std::function<std::string(std::size_t)> v3;
};

std::vector<Search> Searches(const QuerySample& sample) {
  const auto operation = [&sample](std::size_t i) -> const auto& {
    return sample.operations[i % sample.operations.size()];
  };
  const auto rare = [&sample](std::size_t i) -> const auto& {
    return sample.rare[i % sample.rare.size()];
  };
  const auto v3_service = [=](std::size_t i) {
    return "&query.service_name=" + Encoded(operation(i).first);
  };
  std::vector<Search> searches = {
      {"service and operation",
       [=](std::size_t i) {
         return "service=" + Encoded(operation(i).first) +
                "&operation=" + Encoded(operation(i).second);
       },
       [=](std::size_t i) {
         return v3_service(i) + "&query.operation_name=" + Encoded(operation(i).second);
       }},
      {"service and duration",
       [=](std::size_t i) {
         return "service=" + Encoded(operation(i).first) + "&minDuration=50ms";
       },
       [=](std::size_t i) { return v3_service(i) + "&query.duration_min=50ms"; }},
      {"service and errors",
       [=](std::size_t i) { return "service=" + Encoded(operation(i).first) + "&tag=error:true"; },
       [=](std::size_t i) {
         return v3_service(i) + "&query.attributes=" + Encoded(R"({"error":"true"})");
       }},
  };
  if (!sample.rare.empty()) {
    searches.push_back(
        {"service and a value that occurs once",
         [=](std::size_t i) {
           return "service=" + Encoded(rare(i).first) + "&tag=" + kRareKey + ":" +
                  Encoded(rare(i).second);
         },
         [=](std::size_t i) {
           return "&query.service_name=" + Encoded(rare(i).first) + "&query.attributes=" +
                  Encoded(std::string("{\"") + kRareKey + "\":\"" + rare(i).second + "\"}");
         }});
  }
  return searches;
}

void AddSearches(const Askers& ask, const QuerySample& sample, std::vector<Question>& out) {
  for (const Search& search : Searches(sample)) {
    out.push_back({std::string("summaries: ") + search.what, "10 ms", [=](std::size_t i) {
                     return ask.jaeger->Get(std::string("/api/v3/trace-summaries?") + kAllTimeV3 +
                                            search.v3(i));
                   }});
    out.push_back({std::string("20 traces: ") + search.what, "30 ms", [=](std::size_t i) {
                     return ask.jaeger->Get("/api/traces?" + search.legacy(i) + kAllTime +
                                            "&limit=20");
                   }});
  }
  const auto service = [&sample](std::size_t i) {
    return Encoded(sample.operations[i % sample.operations.size()].first);
  };
  out.push_back({"20 traces of a service, Zipkin", "30 ms", [=](std::size_t i) {
                   return ask.zipkin->Get("/api/v2/traces?endTs=4000000000000&lookback="
                                          "4000000000000&limit=20&serviceName=" + service(i));
                 }});
  out.push_back({"summaries: service by tags, Tempo", "10 ms", [=](std::size_t i) {
                   return ask.tempo->Get("/api/search?tags=service.name%3D" + service(i));
                 }});
  out.push_back({"summaries: a part of a url, Tempo", "", [=](std::size_t i) {
                   return ask.tempo->Get("/api/search?tags=http.url%3D" + std::to_string(i % 97));
                 }});
}

void AddNames(const Askers& ask, std::vector<Question>& out) {
  const auto plain = [&](const char* what, const char* aim, const std::shared_ptr<Asker>& asker,
                         const char* target) {
    out.push_back({what, aim, [=](std::size_t) { return asker->Get(target); }});
  };
  plain("dependencies over all, Jaeger", "5 ms", ask.jaeger,
        "/api/dependencies?endTs=4000000000000&lookback=4000000000000");
  plain("services", "", ask.jaeger, "/api/services");
  plain("names of tags, Tempo /api/v2/search/tags", "", ask.tempo, "/api/v2/search/tags");
  plain("values of service.name, Tempo", "", ask.tempo,
        "/api/v2/search/tag/resource.service.name/values");
}

// Zipkin's links are counted from spans, of whole traces: asked alone, and seldom.
void AddZipkinLinks(const Askers& ask, std::vector<Question>& out) {
  out.push_back({"dependencies over all, Zipkin", "",
                 [zipkin = ask.zipkin](std::size_t) {
                   return zipkin->Get(
                       "/api/v2/dependencies?endTs=4000000000000&lookback=4000000000000");
                 },
                 3});
}

void AddGrpc(const std::shared_ptr<net::GrpcTestClient>& client, const QuerySample& sample,
             std::vector<Question>& out) {
  const auto stream = [client](const std::string& method, const std::string& request) {
    net::GrpcTestStream call(*client, "/jaeger.api_v2.QueryService/" + method, request);
    std::size_t bytes = 0;
    while (const auto message = call.Read()) bytes += message->size();
    const grpc::Status status = call.End();
    if (!status.ok()) {
      std::fprintf(stderr, "%s: %s\n", method.c_str(), status.error_message().c_str());
      ++Asker::failures;
    }
    return bytes;
  };
  out.push_back({"trace by id, gRPC api_v2 GetTrace", "2 ms", [=, &sample](std::size_t i) {
                   jaeger::api_v2::GetTraceRequest request;
                   const TraceId id = sample.ids[i % sample.ids.size()];
                   std::string bytes;
                   for (const std::uint64_t half : {id.high, id.low}) {
                     for (int shift = 56; shift >= 0; shift -= 8)
                       bytes += static_cast<char>(half >> shift);
                   }
                   request.set_trace_id(bytes);
                   return stream("GetTrace", request.SerializeAsString());
                 }});
  out.push_back({"20 traces: service and operation, gRPC api_v2 FindTraces", "30 ms",
                 [=, &sample](std::size_t i) {
                   const auto& [service, operation] =
                       sample.operations[i % sample.operations.size()];
                   jaeger::api_v2::FindTracesRequest request;
                   request.mutable_query()->set_service_name(service);
                   request.mutable_query()->set_operation_name(operation);
                   request.mutable_query()->mutable_start_time_min()->set_seconds(1);
                   request.mutable_query()->mutable_start_time_max()->set_seconds(4'000'000'000);
                   request.mutable_query()->set_search_depth(20);
                   return stream("FindTraces", request.SerializeAsString());
                 }});
}

void AskOneByOne(const CollectorProcess& process, const std::vector<Question>& questions,
                 std::size_t most_rounds) {
  std::printf("one client%46s p50        p99      CPU     bytes  aim (p50)\n", "");
  for (const Question& question : questions) {
    const std::size_t rounds =
        question.most_rounds == 0 ? most_rounds : std::min(most_rounds, question.most_rounds);
    (void)question.ask(0);
    Timings timings;
    std::size_t bytes = 0;
    const double before = process.Usage().cpu_seconds;
    for (std::size_t i = 0; i < rounds; ++i) {
      const auto begin = Clock::now();
      bytes += question.ask(i + 1);
      timings.Add(MillisecondsSince(begin), 0);
    }
    const double cpu = (process.Usage().cpu_seconds - before) * 1000 / static_cast<double>(rounds);
    std::printf("  %-50s %7.2f ms %8.2f ms %5.2f ms %8zu  %s\n", question.what.c_str(),
                timings.Milliseconds(0.5), timings.Milliseconds(0.99), cpu, bytes / rounds,
                question.aim.c_str());
  }
}

// All clients at once, each with a connection of its own, asking what dashboards ask.
void AskAtOnce(const CollectorProcess& process, const QuerySample& sample,
               const Settings& settings) {
  std::mutex mutex;
  Timings all;
  std::atomic<bool> stop = false;
  std::vector<std::uint64_t> memory;
  const double cpu_before = process.Usage().cpu_seconds;
  std::vector<std::jthread> threads;
  for (std::size_t client = 0; client < settings.clients; ++client) {
    threads.emplace_back([&, client] {
      const Askers ask(process);
      std::vector<Question> questions;
      AddById(ask, sample, questions);
      questions.pop_back();  // the large trace is measured alone
      AddSearches(ask, sample, questions);
      AddNames(ask, questions);
      std::mt19937_64 random(client);
      while (!stop) {
        const Question& question = questions[random() % questions.size()];
        const auto begin = Clock::now();
        (void)question.ask(random());
        const double took = MillisecondsSince(begin);
        const std::lock_guard lock(mutex);
        all.Add(took, 0);
      }
    });
  }
  const auto begin = Clock::now();
  while (MillisecondsSince(begin) < settings.seconds * 1000) {
    // Only looks at another process's memory.
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    memory.push_back(process.Usage().anonymous_bytes);
  }
  stop = true;
  const double seconds = MillisecondsSince(begin) / 1000;
  threads.clear();
  const double cpu = process.Usage().cpu_seconds - cpu_before;
  const double mib = 1 << 20;
  const auto quarter = [&](std::size_t k) {
    std::uint64_t most = 0;
    for (std::size_t i = memory.size() * k / 4; i < memory.size() * (k + 1) / 4; ++i)
      most = std::max(most, memory[i]);
    return static_cast<double>(most) / mib;
  };
  std::printf("%zu clients at once: %zu answers in %.1f s, %zu errors, p50 %.1f ms, p99 %.1f ms (%.1f "
              "times), CPU %.2f ms an answer\n",
              settings.clients, all.size(), seconds, Asker::failures.load(), all.Milliseconds(0.5),
              all.Milliseconds(0.99), all.Milliseconds(0.99) / all.Milliseconds(0.5),
              cpu * 1000 / static_cast<double>(all.size()));
  std::printf("  RssAnon at its highest, by quarters of the time: %.0f, %.0f, %.0f, %.0f MiB\n",
              quarter(0), quarter(1), quarter(2), quarter(3));
}

Status Run(const Settings& settings) {
  TS_TRY_ASSIGN(const QuerySample sample, Prepare(settings));
  TS_TRY_ASSIGN(auto process, CollectorProcess::Start(settings.program, settings.store, {}));
  std::printf("queries over HTTP and gRPC; CPU is the service's, an answer\n");
  const Askers ask(*process);
  const auto grpc = std::make_shared<net::GrpcTestClient>(process->port("query_grpc"));
  std::vector<Question> questions;
  AddById(ask, sample, questions);
  AddSearches(ask, sample, questions);
  AddNames(ask, questions);
  AddGrpc(grpc, sample, questions);
  AddZipkinLinks(ask, questions);
  AskOneByOne(*process, questions, settings.rounds);
  AskAtOnce(*process, sample, settings);
  TS_TRY(process->Stop());
  if (Asker::failures != 0) return Error(ErrorCode::kIo, "some answers were errors");
  return {};
}

}  // namespace
}  // namespace tracestore::bench

int main(int argc, char** argv) {
  tracestore::bench::Settings settings;
  std::vector<std::string> names;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    const char* const value = i + 1 < argc ? argv[i + 1] : "";
    if (word == "--rounds") settings.rounds = std::max(1UL, std::strtoul(value, nullptr, 10)), ++i;
    else if (word == "--clients") settings.clients = std::strtoul(value, nullptr, 10), ++i;
    else if (word == "--seconds") settings.seconds = std::strtod(value, nullptr), ++i;
    else names.push_back(word);
  }
  if (names.size() != 2) {
    std::fprintf(stderr, "usage: query_load TRACESTORE STORE [--rounds N] [--clients N] "
                         "[--seconds N]\n");
    return 2;
  }
  settings.program = names[0];
  settings.store = names[1];
  const auto done = tracestore::bench::Run(settings);
  if (done.has_value()) return 0;
  std::fprintf(stderr, "query_load: %s\n", done.error().message().c_str());
  return 1;
}
