// InternCache: the texts that come again and again, found without hashing them or touching the
// string table.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/bytes.h"
#include "model/string_table.h"

namespace tracestore::codec {

// Direct mapped, keyed by length, first and last bytes. Half of the time of a decode is interning;
// of spans as SDKs send them nine texts in ten (keys, names, enumerations) are met again.
// Texts are borrowed: they must outlive the cache. Threads: one.
template <std::size_t kSlots>
class InternCache {
 public:
  explicit InternCache(model::StringTable& strings) : strings_(strings) {}

  model::StringId Intern(std::string_view text) {
    if (text.size() - 1 >= kLongest) return text.empty() ? 0 : strings_.Intern(text);
    const Ends ends = EndsOf(text);
    const std::uint64_t mixed =
        (ends.head ^ (ends.tail * 0x9E3779B97F4A7C15ULL) ^ text.size()) * 0xBF58476D1CE4E5B9ULL;
    Slot& slot = slots_[(mixed >> 40) & (kSlots - 1)];
    if (slot.size == text.size() && slot.head == ends.head && slot.tail == ends.tail &&
        IsSameBetween(slot.text, text)) {
      slot.text = text.data();  // the nearer copy, for the next compare's cache lines
      return slot.id;
    }
    return Put(slot, ends, text);
  }

 private:
  static_assert((kSlots & (kSlots - 1)) == 0);
  static constexpr std::size_t kLongest = 256;  // longer ones hardly come again
  struct Slot {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    const char* text = nullptr;
    std::uint32_t size = 0;
    model::StringId id = 0;
  };

  // The first and the last eight bytes, which may overlap; of shorter texts all bytes are in head.
  struct Ends {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
  };
  // Not inline: the calls in it would have Intern() save registers for those it never comes to.
  [[gnu::noinline]] model::StringId Put(Slot& slot, Ends ends, std::string_view text) {
    slot = {ends.head, ends.tail, text.data(), static_cast<std::uint32_t>(text.size()),
            strings_.Intern(text)};
    return slot.id;
  }

  static Ends EndsOf(std::string_view text) noexcept {
    const char* const at = text.data();
    const std::size_t size = text.size();
    if (size >= 8)
      return {base::LoadLe<std::uint64_t>(at), base::LoadLe<std::uint64_t>(at + size - 8)};
    if (size >= 4) {
      return {base::LoadLe<std::uint32_t>(at) |
                  std::uint64_t{base::LoadLe<std::uint32_t>(at + size - 4)} << 32,
              0};
    }
    // One to three bytes: the first, the middle, the last.
    const auto byte = [at](std::size_t i) {
      return std::uint64_t{static_cast<std::uint8_t>(at[i])};
    };
    return {byte(0) | byte(size / 2) << 8 | byte(size - 1) << 16, 0};
  }

  // Of two texts with the same ends.
  static bool IsSameBetween(const char* known, std::string_view text) noexcept {
    for (std::size_t at = 8; at + 8 < text.size(); at += 8) {
      if (base::LoadLe<std::uint64_t>(known + at) != base::LoadLe<std::uint64_t>(text.data() + at))
        return false;
    }
    return true;
  }

  model::StringTable& strings_;
  std::array<Slot, kSlots> slots_{};
};

}  // namespace tracestore::codec
