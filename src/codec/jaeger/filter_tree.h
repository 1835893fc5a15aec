// Jaeger's structured trace filter as it is sent (jaeger.expression.v1.Call): read, not yet
// checked.
#pragma once
#include <tracestore/status.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::codec {

// One Expression. What it holds is as it came: names may be of nothing, texts may be empty.
struct FilterTerm {
  enum class Kind : std::uint8_t { kEmpty, kAttribute, kField, kNested, kScalar, kList, kCall };
  Kind kind = Kind::kEmpty;
  std::string text;                 // the key, field's name, constant or operator
  std::string level;                // kAttribute, kField, kNested
  std::string type;                 // kScalar, kList
  std::vector<std::string> values;  // kList
  std::vector<std::uint32_t> args;  // kCall: indexes of terms, ascending
};

// Terms stand in preorder: a call before its arguments, an argument before the next. The first is
// the whole filter, a call. There is no tree of pointers, so that depth costs no stack.
struct FilterTree {
  std::vector<FilterTerm> terms;
};

// The longest text of a filter; what listeners take in a request's line is less.
inline constexpr std::size_t kMaxFilterBytes = std::size_t{256} << 10;

// Proto3 JSON of one Call. Of several terms in one Expression the last one counts. Not recursive.
// Errors: kInvalidArgument, `unknown field "argz" in expression.Call`, Go's words for a value of
// another type, our own for what is no JSON.
Result<FilterTree> DecodeFilterJson(std::string_view json);

// The same from protobuf's bytes of a Call. Unknown fields are passed over; of a field that comes
// twice the last counts. Errors: kInvalidArgument where the bytes are no protobuf.
Result<FilterTree> DecodeFilterProtobuf(std::string_view call);

}  // namespace tracestore::codec
