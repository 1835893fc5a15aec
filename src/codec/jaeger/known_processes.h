// KnownProcesses: the processes that one decoder run has met, by their bytes.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace tracestore::codec {

// Each span of a stream brings a process of its own, and they are a few that come again and again.
// Direct mapped, so that hostile ones cost no more. Bytes are borrowed: they must outlive the run.
class KnownProcesses {
 public:
  // Null: not known here. Of bytes that are not empty, as Add().
  const std::uint32_t* Find(std::string_view bytes) noexcept {
    Slot& slot = SlotOf(bytes);
    return slot.bytes == bytes ? &slot.resource : nullptr;
  }
  void Add(std::string_view bytes, std::uint32_t resource) noexcept {
    SlotOf(bytes) = {bytes, resource};
  }

 private:
  struct Slot {
    std::string_view bytes;  // "": none
    std::uint32_t resource = 0;
  };
  Slot& SlotOf(std::string_view bytes) noexcept {
    return slots_[base::Hash64(bytes) % slots_.size()];
  }
  std::array<Slot, 64> slots_{};
};

}  // namespace tracestore::codec
