// JsonWriter: JSON text appended to a string as it is named, for every codec and answer.
//
// Commas and colons are the writer's own business. No recursion and no tree: the depth is a stack
// of bits. Text that isn't UTF-8 gets U+FFFD for each bad byte (model::AppendJsonString).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::codec {

// Threads: one at a time. `out` is borrowed and must outlive the writer; bytes only ever get
// appended. The caller keeps the grammar: a Key before each value of an object, as many ends as
// begins (asserted in debug builds; it is our own code that calls, never input).
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter(const JsonWriter&) = delete;
  JsonWriter& operator=(const JsonWriter&) = delete;

  void BeginObject() { Begin('{'); }
  void EndObject() { End('}'); }
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }

  void Key(std::string_view key);
  void String(std::string_view text);
  void Int(std::int64_t value);
  void Uint(std::uint64_t value);
  // 64-bit numbers as OTLP/JSON writes them: decimal digits in quotes.
  void IntString(std::int64_t value);
  void UintString(std::uint64_t value);
  // The shortest decimal that reads back the same; "NaN", "Infinity", "-Infinity" in quotes.
  void Double(double value);
  void Bool(bool value);
  void Null();
  // Standard base64 with padding, in quotes.
  void Base64(std::string_view bytes);
  // A finished JSON value, put in as it is.
  void Raw(std::string_view json);

  // Objects and arrays that are open.
  std::size_t depth() const noexcept { return has_items_.size(); }

 private:
  void Begin(char bracket);
  void End(char bracket);
  // What stands between this value and the one before.
  void Separate();

  std::string& out_;
  std::vector<bool> has_items_;  // one for each open object or array
  bool after_key_ = false;
};

}  // namespace tracestore::codec
