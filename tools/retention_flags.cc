#include "retention_flags.h"

#include <charconv>

#include <tracestore/query.h>

namespace tracestore::tools {
namespace {

// Of more days nothing is left to keep, and the seconds stay far from overflow.
constexpr std::uint64_t kMostDays = 36'500;

// "30d", or a duration with Go's units.
Result<std::chrono::seconds> ParseAge(const std::string& text) {
  std::uint64_t days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  if (error == std::errc() && end + 1 == text.data() + text.size() && *end == 'd' &&
      days <= kMostDays) {
    return std::chrono::seconds(days * 86'400);
  }
  const auto duration = ParseDuration(text);
  if (!duration || duration->count() < 0) {
    return Error(ErrorCode::kInvalidArgument,
                 "--keep-age takes a duration as 30d, 36h or 90m, not '" + text + "'");
  }
  return std::chrono::duration_cast<std::chrono::seconds>(*duration);
}

}  // namespace

void RetentionFlags::AddTo(CLI::App& app) {
  app.add_option("--keep-age", age_,
                 "Drop what is older: 30d, 36h; by whole segments, of about a day; 0s keeps all")
      ->type_name("D")
      ->group("Retention");
  app.add_option("--keep-bytes", bytes_,
                 "Drop the oldest segments while their files have more bytes: 50GiB; 0 keeps all")
      ->transform(CLI::Validator(
          [size = CLI::AsSizeValue(false)](std::string& text) {
            const std::string given = text;
            try {
              if (size(text).empty()) return std::string();
            } catch (const CLI::ValidationError&) {
              // In its words: a list of all units.
            }
            return "'" + given + "' is no size such as 50GiB or 1000000";
          },
          ""))
      ->type_name("SIZE")
      ->group("Retention");
}

Result<std::optional<std::chrono::seconds>> RetentionFlags::age() const {
  if (age_.empty()) return std::optional<std::chrono::seconds>();
  const auto age = ParseAge(age_);
  if (!age) return age.error();
  return std::optional<std::chrono::seconds>(*age);
}

}  // namespace tracestore::tools
