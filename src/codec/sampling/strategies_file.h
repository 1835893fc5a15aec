// The strategies file: what an operator writes of how services are to sample, as text
// (docs/format/sampling.md). What it means, merging and defaults, is src/sampling's business.
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::codec {

// The greatest file that is read; the strategies of 50,000 operations need about 5 MB. Bytes.
inline constexpr std::size_t kMaxStrategiesFileBytes = std::size_t{32} << 20;

// {"type":"probabilistic","param":0.5}: as written, not judged.
struct FileStrategy {
  std::string type;
  double param = 0;
};

struct FileOperationStrategy {
  std::string operation;
  FileStrategy strategy;
};

struct FileServiceStrategy {
  std::string service;
  FileStrategy strategy;
  std::vector<FileOperationStrategy> operations;
};

struct StrategiesFile {
  std::optional<FileServiceStrategy> default_strategy;
  std::vector<FileServiceStrategy> services;
};

// Unknown fields are passed over; names of fields compare without case; null is absent. `null`
// alone is a file without strategies (nullopt). Errors: kInvalidArgument, "failed to unmarshal
// strategies: …" with the field or the byte.
Result<std::optional<StrategiesFile>> ParseStrategiesFile(std::string_view text);

}  // namespace tracestore::codec
