// Any bytes as each request of Jaeger's query services: nothing breaks, and views are of the
// message.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "codec/jaeger/filter_tree.h"
#include "codec/jaeger/query_requests.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view message(reinterpret_cast<const char*>(data), size);
  const auto within = [&](std::string_view part) {
    if (part.empty() || (part.data() >= message.data() &&
                         part.data() + part.size() <= message.data() + message.size()))
      return;
    std::fprintf(stderr, "a view that is not of the message\n");
    std::abort();
  };
  if (const auto get = codec::DecodeJaegerGetTrace(message); get.has_value()) within(get->trace_id);
  if (const auto get = codec::DecodeJaegerGetOperations(message); get.has_value()) {
    within(get->service);
    within(get->span_kind);
  }
  (void)codec::DecodeJaegerGetDependencies(message);
  const auto find = codec::DecodeJaegerFindTraces(message);
  if (find.has_value() && !find->has_query &&
      (!find->service.empty() || find->start_min_ns.has_value() || find->filter.has_value()))
    std::abort();
  if (find.has_value() && find->filter.has_value()) {
    within(*find->filter);
    const auto tree = codec::DecodeFilterProtobuf(*find->filter);
    if (tree.has_value() && tree->terms.size() > find->filter->size() + 1) std::abort();
  }
  return 0;
}
