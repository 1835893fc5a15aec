// Any text as a filter, a duration and a cursor: an answer or an error with a place in the text.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <tracestore/query.h>

#include "predicate/compiled_query.h"
#include "query/cursor.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace tracestore;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  (void)ParseDuration(text);
  if (const auto key = query::DecodeCursor(text, 1); key.has_value()) {
    const auto again = query::DecodeCursor(query::EncodeCursor(1, *key), 1);
    if (!again.has_value() || again->key != key->key || again->trace_id != key->trace_id)
      std::abort();
  }
  auto where = ParseFilter(text);
  if (!where.has_value()) {
    if (where.error().code() != ErrorCode::kInvalidArgument) std::abort();
    return 0;
  }
  Query query;
  query.where = std::move(*where);
  (void)predicate::CompiledQuery::Compile(query);
  return 0;
}
