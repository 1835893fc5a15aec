// JSON of structured filters, for tests.
#pragma once
#include <initializer_list>
#include <string>
#include <vector>

#include "model/text.h"

namespace tracestore::server::filter_json {

inline std::string Quoted(const std::string& text) {
  std::string out;
  model::AppendJsonString(text, out);
  return out;
}

inline std::string Attr(const std::string& key, const std::string& level = "") {
  return R"({"attr":{"key":)" + Quoted(key) + R"(,"level":)" + Quoted(level) + "}}";
}
// "span.name"
inline std::string Field(const std::string& name) {
  const auto dot = name.find('.');
  return R"({"field":{"level":)" + Quoted(name.substr(0, dot)) + R"(,"name":)" +
         Quoted(name.substr(dot + 1)) + "}}";
}
inline std::string Nested(const std::string& level) {
  return R"({"nested":{"level":)" + Quoted(level) + "}}";
}
inline std::string Value(const std::string& value, const std::string& type = "") {
  return R"({"scalar":{"value":)" + Quoted(value) + R"(,"type":)" + Quoted(type) + "}}";
}
inline std::string List(const std::vector<std::string>& values, const std::string& type = "") {
  std::string out = R"({"list":{"values":[)";
  for (std::size_t i = 0; i < values.size(); ++i) out += (i > 0 ? "," : "") + Quoted(values[i]);
  return out + R"(],"type":)" + Quoted(type) + "}}";
}
// As a root; as an argument it stands in Arg().
inline std::string Call(const std::string& op, const std::vector<std::string>& args) {
  std::string out = R"({"op":)" + Quoted(op) + R"(,"args":[)";
  for (std::size_t i = 0; i < args.size(); ++i) out += (i > 0 ? "," : "") + args[i];
  return out + "]}";
}
inline std::string Arg(const std::string& call) { return R"({"call":)" + call + "}"; }

// For a request's query.
inline std::string Escaped(const std::string& text) {
  constexpr const char* kHex = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4];
    out += kHex[byte & 15];
  }
  return out;
}

}  // namespace tracestore::server::filter_json
