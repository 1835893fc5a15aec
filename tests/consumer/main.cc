// What a user writes first; each of the three ways to get the library builds and runs it.
#include <tracestore/store.h>

#include <cstdio>

int main() {
  using namespace tracestore;
  const auto store = Store::Open("consumer-store");
  if (!store.has_value()) return 1;
  const auto appended = (*store)->Append(
      R"([{"traceId": "4BF92F3577B34DA6A3CE929D0E0E4736", "id": "00f067aa0ba902b7", "name": "pay",
           "timestamp": 1700000000000000, "localEndpoint": {"serviceName": "shop"}}])",
      Format::kZipkinJson);
  // The embedder's core has no codecs; its store opens, answers and closes all the same.
  const bool core = !appended.has_value() && appended.error().code() == ErrorCode::kUnsupported;
  const auto page = (*store)->Find(Query().Service("shop"));
  if (!page.has_value() || page->traces.size() != (core ? 0U : 1U)) return 2;
  std::puts(core ? "no codecs" : page->traces[0].trace_id.ToHex().c_str());
  return (*store)->Close().has_value() ? 0 : 3;
}
