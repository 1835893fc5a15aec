#include "sampling/baggage_file.h"

#include "base/try.h"
#include "codec/sampling/strategy_json.h"
#include "sampling/text_file.h"

namespace tracestore::sampling {
namespace {

constexpr const char* kWhat = "baggage restrictions";
constexpr std::size_t kMostBytes = std::size_t{1} << 20;

}  // namespace

Result<std::unique_ptr<BaggageFile>> BaggageFile::Open(std::string path) {
  std::unique_ptr<BaggageFile> out(new BaggageFile(std::move(path)));
  TS_TRY(out->Reload());
  return out;
}

Status BaggageFile::Reload() {
  TS_TRY_ASSIGN(const std::string text, ReadTextFile(kWhat, path_, kMostBytes));
  if (text.size() > kMostBytes)
    return Error(ErrorCode::kInvalidArgument, std::string(kWhat) + " " + path_ + ": more than " +
                                                  std::to_string(kMostBytes) + " bytes");
  auto read = codec::DecodeBaggageJson(text);
  if (!read.has_value()) return std::move(read).error().WithContext(path_);
  const std::lock_guard lock(mutex_);
  restrictions_ = std::move(*read);
  return {};
}

Result<std::vector<codec::BaggageRestriction>> BaggageFile::RestrictionsFor(
    std::string_view /*service*/) {
  const std::lock_guard lock(mutex_);
  return restrictions_;
}

}  // namespace tracestore::sampling
