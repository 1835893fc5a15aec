// SamplingTable: the catalog's `sampling` database within one transaction. The catalog gives its
// entries no meaning; they are those of adaptive sampling (docs/format/sampling.md, "State").
#pragma once
#include <tracestore/status.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::store {

class SamplingTable {
 public:
  virtual ~SamplingTable() = default;

  virtual Result<std::optional<std::string>> Get(std::string_view key) = 0;
  // Keys of 1 to 511 bytes.
  virtual Status Put(std::string_view key, std::string_view value) = 0;
  virtual Status Delete(std::string_view key) = 0;  // success when there is none
  // Every entry from the first key not below `from` on, until `each` gives false. It must not
  // change the table; views are valid during the call.
  virtual Status ForEach(
      std::string_view from,
      const std::function<Result<bool>(std::string_view key, std::string_view value)>& each) = 0;
};

}  // namespace tracestore::store
