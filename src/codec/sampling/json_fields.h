// Reading fields of JSON objects the way the strategies' readers want them. For the .cc files of
// this folder: it includes simdjson.
#pragma once
#include <tracestore/status.h>

#include <optional>
#include <string>
#include <string_view>

#include "codec/json/json_dom.h"

namespace tracestore::codec {

inline Error ShapeError(std::string message) {
  return {ErrorCode::kInvalidArgument, std::move(message)};
}

inline std::string Expected(std::string_view what, const char* wanted,
                            simdjson::dom::element found) {
  return std::string(what) + ": expected " + wanted + ", found " + TypeNameOf(found);
}

inline char LowerAscii(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

inline bool SameField(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (LowerAscii(a[i]) != LowerAscii(b[i])) return false;
  return true;
}

// The last field of that name that isn't null; names compare without case, as the readers of these
// files in Go have it.
inline std::optional<simdjson::dom::element> FieldOf(simdjson::dom::object object,
                                                     std::string_view name) {
  std::optional<simdjson::dom::element> found;
  for (const auto& [key, value] : object)
    if (SameField(key, name) && !value.is_null()) found = value;
  return found;
}

}  // namespace tracestore::codec
