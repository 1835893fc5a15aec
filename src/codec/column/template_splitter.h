// Splits a text into what repeats (its literals) and what varies (numbers, hex tokens, UUIDs), so
// that "GET /users/4711 took 12ms" becomes "GET /users/" N " took " N "ms" and the values 4711, 12.
// The rules are general and few; docs/format/column-encodings.md, "Templates", states them, and
// template_splitter_test.cc holds them against a corpus. Printing the values back into the literals
// gives the text again, to the byte.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tracestore::column {

// How a value is printed. The numbers are on disk.
enum class SlotKind : std::uint8_t {
  kNumber = 0,    // decimal without leading zeros
  kDigits = 1,    // decimal of fixed width, zero-padded
  kHex = 2,       // lower-case hexadecimal of fixed width, zero-padded
  kUuidHigh = 3,  // "01234567-89ab-cdef-", the first half of a UUID
  kUuidLow = 4,   // "0123-456789abcdef", the second half
};

// A place for a value. Plain bytes without padding: slots are hashed and compared as memory.
struct TemplateSlot {
  std::uint32_t offset = 0;  // in the literals; the value stands before the literal byte there
  SlotKind kind = SlotKind::kNumber;
  std::uint8_t width = 0;  // digits of kDigits (1 … 19) and kHex (1 … 16), else 0
  std::uint16_t zero = 0;
};
static_assert(sizeof(TemplateSlot) == 8);

// Longer texts, and texts with more values, are no templates (they would fill the table).
inline constexpr std::size_t kMaxTemplateText = 4096;
inline constexpr std::size_t kMaxTemplateSlots = 64;
inline constexpr unsigned kMaxDigits = 19;  // 10^19 < 2^64
inline constexpr unsigned kMaxHexDigits = 16;

// The result of a split: large, so reuse it. Only the first `*_size` elements mean anything.
struct SplitText {
  std::size_t literal_size = 0;
  std::size_t slot_count = 0;
  std::array<char, kMaxTemplateText + 16> literal_bytes;  // room to copy 16 bytes at a time
  std::array<TemplateSlot, kMaxTemplateSlots> slots;
  std::array<std::uint64_t, kMaxTemplateSlots> values;

  std::string_view literals() const noexcept { return {literal_bytes.data(), literal_size}; }
};

// False where the text is too long or has too many values; `out` is then unspecified.
// Cost: 0.04 to 0.13 microseconds for usual texts; linear in the worst case.
bool SplitTemplate(std::string_view text, SplitText& out) noexcept;

// The greatest value a slot can print.
std::uint64_t MostOfSlot(TemplateSlot slot) noexcept;
// The most bytes a slot prints.
std::size_t MaxBytesOfSlot(TemplateSlot slot) noexcept;
// Prints the value and returns the end. Precondition: value <= MostOfSlot(slot), and
// MaxBytesOfSlot(slot) bytes of room.
char* PrintSlot(TemplateSlot slot, std::uint64_t value, char* out) noexcept;

}  // namespace tracestore::column
