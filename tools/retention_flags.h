// --keep-age and --keep-bytes: how much of a store is kept.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include <CLI/App.hpp>

#include <tracestore/status.h>

namespace tracestore::tools {

class RetentionFlags {
 public:
  void AddTo(CLI::App& app);

  // Nothing where the flag wasn't given. Errors: kInvalidArgument where the text is no duration.
  Result<std::optional<std::chrono::seconds>> age() const;
  std::optional<std::uint64_t> bytes() const noexcept { return bytes_; }

 private:
  std::string age_;
  std::optional<std::uint64_t> bytes_;
};

}  // namespace tracestore::tools
