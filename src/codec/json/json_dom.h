// JSON read as a tree, by simdjson. For the .cc of a decoder only: the header costs 2 s to compile
// (one .cc a codec includes it), and no type of it stands in a header of ours.
#pragma once
#include <simdjson.h>
#include <tracestore/status.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "codec/json/json_mend.h"

namespace tracestore::codec {

// The longest text a decoder takes at once. A tree of it needs up to about ten times its length.
inline constexpr std::size_t kMaxJsonBytes = std::size_t{2} << 30;

// What a thread keeps is the memory for this much text, some 3 MiB.
inline constexpr std::size_t kKeptJsonBytes = std::size_t{256} << 10;

// Parses and keeps the tree; elements are valid until the next Parse() or the end of this object.
// Threads: one, from its making to its end. The memory of a text of up to kKeptJsonBytes stays with
// the thread for the next tree: taking and clearing ten times a message's bytes costs as much as
// parsing them.
class JsonTree {
 public:
  JsonTree();
  ~JsonTree();
  JsonTree(const JsonTree&) = delete;
  JsonTree& operator=(const JsonTree&) = delete;

  // A byte order mark in front is skipped. What is no JSON is mended as `mending` says and parsed
  // again. Errors: kInvalidArgument, "not JSON: … at byte N".
  Result<simdjson::dom::element> Parse(std::string_view text, const JsonMending& mending = {});
  // Strings of the last text that got U+FFFD.
  std::uint64_t mended_texts() const noexcept { return mended_texts_; }

 private:
  std::uint64_t mended_texts_ = 0;
  std::unique_ptr<simdjson::dom::parser> parser_;
};

// The text of a JSON string, nullopt for every other type.
std::optional<std::string_view> TextOf(simdjson::dom::element value);
// A whole number: a JSON integer, a float without fraction, or a string of decimal digits.
std::optional<std::int64_t> IntegerOf(simdjson::dom::element value);
// The same, but the fraction of a float is cut off.
std::optional<std::int64_t> TruncatedIntegerOf(simdjson::dom::element value);
// A number, or a string that is wholly one ("NaN" and "Infinity" with an optional sign too).
std::optional<double> DoubleOf(simdjson::dom::element value);
// true, false, "true", "false", 1, 0.
std::optional<bool> BoolOf(simdjson::dom::element value);
// The value as minified JSON; a string without its quotes; "" for null.
std::string PlainTextOf(simdjson::dom::element value);
// "a string", "a number", "an object", …
const char* TypeNameOf(simdjson::dom::element value);

}  // namespace tracestore::codec
