// FindJsonError: where a text stops being JSON, for error messages. Run only once a parser has
// refused the text, so it is simple, not fast.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::codec {

// Objects and arrays within one another that our readers take; simdjson's default.
inline constexpr std::size_t kMaxJsonDepth = 1024;

struct JsonError {
  std::size_t offset = 0;  // of the first byte that can't stand there; text.size() at an early end
  std::string what;        // "unexpected '}'", "unexpected end", …
  bool cut = false;        // the text ends where a value, a key or what joins them is missing
};

// The first breach of RFC 8259's grammar, of UTF-8 or of kMaxJsonDepth; nullopt for right JSON.
// Not recursive; memory is one bit a level. Numbers are checked for form, not for range. With
// `any_text` halves of surrogate pairs, control bytes and what is no UTF-8 may stand in strings.
std::optional<JsonError> FindJsonError(std::string_view text, bool any_text = false);

// `text` in single quotes for a message: at most 64 bytes of it, bytes outside printable ASCII as
// \xHH, "…" where it was cut.
std::string QuoteForMessage(std::string_view text);

}  // namespace tracestore::codec
