// PageDirectory: where each stream of a page stands in its payload (docs/format/segment.md,
// "Page").
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

namespace tracestore::store {

// Views of the payload. One is used for many pages, so that its list is allocated once.
class PageDirectory {
 public:
  struct Stream {
    std::uint32_t id = 0;
    std::uint32_t count = 0;  // of values
    std::string_view bytes;
  };

  // Replaces the content. Errors: kCorruption, also where the page hasn't `rows` rows.
  Status Parse(std::string_view payload, std::uint32_t rows);

  const std::vector<Stream>& streams() const noexcept { return streams_; }  // by id, ascending
  const Stream* Find(std::uint32_t id) const noexcept;

 private:
  std::vector<Stream> streams_;
};

}  // namespace tracestore::store
