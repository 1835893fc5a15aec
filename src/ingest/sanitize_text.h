// Values cut to a length, as the sanitizer does it. Pure.
#pragma once
#include <tracestore/span_types.h>

#include <cstddef>
#include <string>
#include <string_view>

namespace tracestore::ingest {

// The first items of an array's or map's value blob, at most `most` bytes of blob: whole scalars,
// containers closed where the cut is. A bad blob gives its longest good beginning.
std::string CutValueBlob(std::string_view blob, ValueType container, std::size_t most);

}  // namespace tracestore::ingest
