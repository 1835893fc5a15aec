// A page cursor as text: version, the query's hash, and where the page ended.
#pragma once
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "predicate/trace_evaluator.h"

namespace tracestore::query {

// "1-<hash>-<order key>-<trace id>", all in hex.
std::string EncodeCursor(std::uint64_t query_hash, const predicate::OrderKey& last);
// kInvalidArgument where the text is no cursor, or one of another query.
Result<predicate::OrderKey> DecodeCursor(std::string_view text, std::uint64_t query_hash);

}  // namespace tracestore::query
