#include "store/segment/page_directory.h"

#include <algorithm>

#include "base/bytes.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {

Status PageDirectory::Parse(std::string_view payload, std::uint32_t rows) {
  streams_.clear();
  const auto damaged = [](const char* what) {
    return Error(ErrorCode::kCorruption, std::string("page: ") + what);
  };
  base::ByteReader in(payload);
  if (in.Varint() != rows) return damaged("it has another number of rows than the page index says");
  const std::size_t count = in.Count(3);
  std::vector<std::uint64_t> lengths;
  lengths.reserve(count);
  std::uint64_t room = kMaxPageValues;
  for (std::size_t i = 0; i < count; ++i) {
    const auto id = static_cast<std::uint32_t>(in.BoundedVarint(0xFFFFFFFF));
    const auto values = static_cast<std::uint32_t>(in.BoundedVarint(room));
    room -= values;
    lengths.push_back(in.Varint());
    streams_.push_back({id, values, {}});
  }
  for (std::size_t i = 0; i < count; ++i) streams_[i].bytes = in.Raw(lengths[i]);
  if (!in.ok() || !in.done()) return damaged("its directory doesn't fit its bytes");
  std::sort(streams_.begin(), streams_.end(),
            [](const Stream& a, const Stream& b) { return a.id < b.id; });
  return {};
}

const PageDirectory::Stream* PageDirectory::Find(std::uint32_t id) const noexcept {
  const auto found =
      std::lower_bound(streams_.begin(), streams_.end(), id,
                       [](const Stream& stream, std::uint32_t to) { return stream.id < to; });
  return found != streams_.end() && found->id == id ? &*found : nullptr;
}

}  // namespace tracestore::store
