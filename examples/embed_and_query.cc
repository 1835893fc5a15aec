// A store inside a program: open, append, find, get, names, dependencies.
//
//   embed_and_query DIRECTORY      the directory is made where it is missing
#include <cstdio>
#include <string>

#include <tracestore/store.h>

namespace {

// Three spans of one request, as Zipkin's clients send them. Any format will do: OTLP, Jaeger.
constexpr const char* kSpans = R"([
  {"traceId": "5af7183fb1d4cf5f", "id": "6b221d5bc9e6496c", "name": "get /cart", "kind": "SERVER",
   "timestamp": 1700000000000000, "duration": 90000, "localEndpoint": {"serviceName": "frontend"}},
  {"traceId": "5af7183fb1d4cf5f", "id": "352bff9a74ca9ad2", "parentId": "6b221d5bc9e6496c",
   "name": "read cart", "kind": "SERVER", "timestamp": 1700000000020000, "duration": 40000,
   "localEndpoint": {"serviceName": "cart"},
   "tags": {"user.id": "u-17", "http.status_code": "200"}},
  {"traceId": "5af7183fb1d4cf5f", "id": "1df1ed4ba0d4e0a5", "parentId": "352bff9a74ca9ad2",
   "name": "select", "kind": "CLIENT", "timestamp": 1700000000030000, "duration": 20000,
   "localEndpoint": {"serviceName": "cart"}, "tags": {"error": "timeout"}}
])";

// Every call that can fail gives a Result: a value, or an error with a sentence to print.
template <typename T>
T OrExit(tracestore::Result<T> result) {
  if (result.has_value()) return std::move(*result);
  std::fprintf(stderr, "embed_and_query: %s\n", result.error().message().c_str());
  std::exit(1);
}

void PrintTrace(const tracestore::SpanList& spans) {
  for (std::size_t i = 0; i < spans.size(); ++i) {
    const tracestore::SpanView span = spans[i];
    std::printf("  %-10.*s %-12.*s %6.1f ms", static_cast<int>(span.service().size()),
                span.service().data(), static_cast<int>(span.name().size()), span.name().data(),
                static_cast<double>(span.duration_ns()) / 1e6);
    for (const tracestore::AttributeView attribute : span.attributes()) {
      if (!attribute.synthetic())
        std::printf("  %s=%s", std::string(attribute.key()).c_str(), attribute.text().c_str());
    }
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: embed_and_query DIRECTORY\n");
    return 2;
  }
  const auto store = OrExit(tracestore::Store::Open(argv[1]));

  // When Append returns, the spans are kept, and the next query finds them.
  const auto appended = OrExit(store->Append(kSpans, tracestore::Format::kZipkinJson));
  std::printf("%llu spans appended\n", static_cast<unsigned long long>(appended.accepted));

  // Conditions on one span; an expression in text form says the rest.
  auto query = tracestore::Query().Service("cart").Tag("user.id", "u-17");
  const auto page = OrExit(store->Find(query));
  for (const tracestore::FoundTrace& found : page.traces) {
    std::printf("trace %s\n", found.trace_id.ToHex().c_str());
    PrintTrace(OrExit(store->Get(found.trace_id)));
  }

  query = {};
  query.where = OrExit(tracestore::ParseFilter(
      R"(service = "frontend" and duration > 50ms and any(span.error exists))"));
  const auto slow = OrExit(store->FindSummaries(query));
  for (const tracestore::TraceSummary& summary : slow.summaries) {
    std::printf("%s %s: %llu spans in %.1f ms\n", summary.root_service.c_str(),
                summary.root_operation.c_str(), static_cast<unsigned long long>(summary.span_count),
                static_cast<double>(summary.duration_ns()) / 1e6);
  }

  for (const auto& service : OrExit(store->Services()))
    std::printf("service %s\n", service.name.c_str());
  for (const auto& link : OrExit(store->Dependencies({}))) {
    std::printf("%s calls %s %llu times\n", link.parent.c_str(), link.child.c_str(),
                static_cast<unsigned long long>(link.calls));
  }

  const tracestore::Status closed = store->Close();
  return closed.has_value() && page.traces.size() == 1 && slow.summaries.size() == 1 ? 0 : 1;
}
