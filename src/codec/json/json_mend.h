// MendJson: of what a sender takes for JSON, the JSON. Run only once a parser has refused the text.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tracestore::codec {

// What to mend beside whole numbers beyond 64 bits: those always get ".0" behind them, since
// JavaScript writes doubles below 1e21 as they are, and simdjson takes them for broken integers.
struct JsonMending {
  // In strings: halves of surrogate pairs and bytes that are no UTF-8 become U+FFFD, as the readers
  // of most languages have it, and raw control bytes are escaped.
  bool texts = false;
  // Numbers beyond 64 bits and beyond a double become strings of what stands there.
  bool numbers = false;
  // What stands behind the first list or object goes.
  bool rest = false;
};

// What senders' spans are read with: one wrong text of one span is no reason to lose the others.
inline constexpr JsonMending kSendersJson{.texts = true};

struct MendedJson {
  std::string text;         // empty where nothing was to mend
  bool changed = false;     // false too where the text would be longer than allowed
  std::uint64_t texts = 0;  // strings that got U+FFFD
};

// One pass. The text becomes at most six times as long, not longer than `most`. All else that is
// no JSON stays as it is, for the parser to refuse.
MendedJson MendJson(std::string_view text, const JsonMending& mending, std::size_t most);

}  // namespace tracestore::codec
