// BaggageFile: the restrictions of --baggage.restrictions-file, the same for every service.
#pragma once
#include <tracestore/status.h>

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sampling/strategy_provider.h"

namespace tracestore::sampling {

class BaggageFile final : public BaggageProvider {
 public:
  // Reads the file. Errors: kNotFound, kIo, "failed to read baggage restrictions x.json: …";
  // kInvalidArgument (docs/format/sampling.md).
  static Result<std::unique_ptr<BaggageFile>> Open(std::string path);

  Result<std::vector<codec::BaggageRestriction>> RestrictionsFor(std::string_view service) override;
  // Reads it again; an error leaves the restrictions as they are.
  Status Reload();

 private:
  explicit BaggageFile(std::string path) : path_(std::move(path)) {}
  const std::string path_;
  std::mutex mutex_;
  std::vector<codec::BaggageRestriction> restrictions_;  // guarded by mutex_
};

}  // namespace tracestore::sampling
