// InternCache: the texts that come again and again, found without hashing them or touching the
// string table.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>
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
    Slot& slot = slots_[SlotOf(text)];
    if (slot.size == text.size() && std::memcmp(slot.text, text.data(), text.size()) == 0)
      return slot.id;
    slot = {text.data(), static_cast<std::uint32_t>(text.size()), strings_.Intern(text)};
    return slot.id;
  }

 private:
  static_assert((kSlots & (kSlots - 1)) == 0);
  static constexpr std::size_t kLongest = 256;  // longer ones hardly come again
  struct Slot {
    const char* text = nullptr;
    std::uint32_t size = 0;
    model::StringId id = 0;
  };

  static std::size_t SlotOf(std::string_view text) noexcept {
    std::uint64_t head = 0;
    std::uint64_t tail = 0;
    if (text.size() >= 8) {
      head = base::LoadLe<std::uint64_t>(text.data());
      tail = base::LoadLe<std::uint64_t>(text.data() + text.size() - 8);
    } else {
      std::memcpy(&head, text.data(), text.size());
    }
    const std::uint64_t mixed =
        (head ^ (tail * 0x9E3779B97F4A7C15ULL) ^ text.size()) * 0xBF58476D1CE4E5B9ULL;
    return (mixed >> 40) & (kSlots - 1);
  }

  model::StringTable& strings_;
  std::array<Slot, kSlots> slots_{};
};

}  // namespace tracestore::codec
