// What an OTLP endpoint hands over, appended to a store, and handed on in another format.
//
//   ingest_otlp DIRECTORY FILE...      files of ExportTraceServiceRequest, protobuf; prints Jaeger
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include <tracestore/store.h>

namespace {

int Fail(const tracestore::Error& error) {
  std::fprintf(stderr, "ingest_otlp: %s\n", error.message().c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fprintf(stderr, "usage: ingest_otlp DIRECTORY FILE...\n");
    return 2;
  }
  tracestore::StoreOptions options;
  options.sync = tracestore::SyncPolicy::kFull;  // acknowledged spans survive a power cut
  options.log = [](tracestore::LogLevel, std::string_view text) {
    std::fprintf(stderr, "%.*s\n", static_cast<int>(text.size()), text.data());
  };
  const auto store = tracestore::Store::Open(argv[1], options);
  if (!store.has_value()) return Fail(store.error());

  std::uint64_t accepted = 0;
  for (int i = 2; i < argc; ++i) {
    std::ifstream file(argv[i], std::ios::binary);
    const std::string request((std::istreambuf_iterator<char>(file)), {});
    const auto appended = (*store)->Append(request, tracestore::Format::kOtlpProtobuf);
    // An error means that nothing of the request was kept; bad spans among good ones are counted.
    if (!appended.has_value()) return Fail(appended.error());
    accepted += appended->accepted;
    for (const auto& [reason, spans] : appended->reasons)
      std::fprintf(stderr, "%llu spans left out: %s\n", static_cast<unsigned long long>(spans),
                   reason.c_str());
  }
  std::fprintf(stderr, "%llu spans kept\n", static_cast<unsigned long long>(accepted));

  // A snapshot is one moment: answers don't change while others append.
  const auto snapshot = (*store)->TakeSnapshot();
  if (!snapshot.has_value()) return Fail(snapshot.error());
  tracestore::Query everything;
  everything.limit = 0;
  const auto page = snapshot->Find(everything);
  if (!page.has_value()) return Fail(page.error());
  for (const tracestore::FoundTrace& found : page->traces) {
    const auto spans = snapshot->Get(found.trace_id);
    if (!spans.has_value()) return Fail(spans.error());
    const auto text = tracestore::Encode(*spans, tracestore::Format::kJaegerJson);
    if (!text.has_value()) return Fail(text.error());
    std::printf("%s\n", text->c_str());
  }
  return accepted > 0 && !page->traces.empty() ? 0 : 1;
}
