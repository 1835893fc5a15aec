#include "server/jaeger/filter_values.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <limits>

#include "base/try.h"
#include "server/jaeger/go_values.h"
#include "server/jaeger/v3_params.h"

namespace tracestore::server {
namespace {

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

constexpr std::string_view kLayout = "2006-01-02T15:04:05.999999999Z07:00";

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool StartsWithDigits(std::string_view text, std::size_t count) {
  if (text.size() < count) return false;
  for (const char c : text.substr(0, count)) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

std::string_view PastFraction(std::string_view rest) {
  if (rest.size() < 2 || (rest[0] != '.' && rest[0] != ',') || !IsDigit(rest[1])) return rest;
  rest.remove_prefix(2);
  while (!rest.empty() && IsDigit(rest[0])) rest.remove_prefix(1);
  return rest;
}

// The length of "Z" or "+01:00" in front, 0 where there is none.
std::size_t ZoneLength(std::string_view rest) {
  if (rest.starts_with('Z')) return 1;
  if (rest.size() < 6 || (rest[0] != '+' && rest[0] != '-') || rest[3] != ':') return 0;
  return StartsWithDigits(rest.substr(1), 2) && StartsWithDigits(rest.substr(4), 2) ? 6 : 0;
}

// Which number of a time that is written right is out of its range, or nullptr.
const char* OutOfRange(const int (&numbers)[6]) {
  const std::chrono::year_month_day date{std::chrono::year(numbers[0]),
                                         std::chrono::month(static_cast<unsigned>(numbers[1])),
                                         std::chrono::day(static_cast<unsigned>(numbers[2]))};
  if (!date.month().ok()) return "month";
  if (!date.ok()) return "day";
  if (numbers[3] > 23) return "hour";
  if (numbers[4] > 59) return "minute";
  return numbers[5] > 59 ? "second" : nullptr;
}

// What time.Parse says of a text that is no time; nullopt where it is one, and its year.
std::optional<std::string> TimeProblem(std::string_view text, int& year) {
  struct Part {
    std::string_view word;
    std::size_t digits;  // 0: the word itself
  };
  constexpr Part kParts[] = {{"2006", 4}, {"-", 0}, {"01", 2}, {"-", 0}, {"02", 2}, {"T", 0},
                             {"15", 2},   {":", 0}, {"04", 2}, {":", 0}, {"05", 2}};
  const std::string head = "parsing time " + GoQuote(text);
  const auto cannot = [&](std::string_view rest, std::string_view word) {
    return head + " as " + GoQuote(kLayout) + ": cannot parse " + GoQuote(rest) + " as " +
           GoQuote(word);
  };
  std::string_view rest = text;
  int numbers[6] = {};
  std::size_t count = 0;
  for (const Part& part : kParts) {
    const bool fits =
        part.digits == 0 ? rest.starts_with(part.word) : StartsWithDigits(rest, part.digits);
    if (!fits) return cannot(rest, part.word);
    if (part.digits > 0) std::from_chars(rest.data(), rest.data() + part.digits, numbers[count++]);
    rest.remove_prefix(part.word.size());
  }
  rest = PastFraction(rest);
  const std::size_t zone = ZoneLength(rest);
  if (zone == 0) return cannot(rest, "Z07:00");
  rest.remove_prefix(zone);
  if (!rest.empty()) return head + ": extra text: " + GoQuote(rest);
  if (const char* what = OutOfRange(numbers)) return head + ": " + what + " out of range";
  year = numbers[0];
  return std::nullopt;
}

Result<FilterConstant> ReadTime(std::string_view text) {
  FilterConstant out;
  out.type = FilterType::kTimestamp;
  int year = 0;
  if (auto problem = TimeProblem(text, year)) return Invalid(std::move(*problem));
  if (const auto time = ParseRfc3339(text); time.has_value()) {
    out.time_ns = *time;
  } else {
    out.beyond = year < 2000 ? -1 : 1;
  }
  return out;
}

bool EqualsFolded(std::string_view text, std::string_view lower) {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i] >= 'A' && text[i] <= 'Z' ? static_cast<char>(text[i] + 32) : text[i];
    if (c != lower[i]) return false;
  }
  return true;
}

// strconv.ParseFloat, without the underscores of hexadecimal floats.
Result<double> ReadDouble(std::string_view text) {
  const auto fail = [&](const char* why) {
    return Invalid("strconv.ParseFloat: parsing " + GoQuote(text) + ": " + why);
  };
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+')) rest.remove_prefix(1);
  const bool is_signed = rest.size() != text.size();
  double value = 0;
  if (EqualsFolded(rest, "inf") || EqualsFolded(rest, "infinity")) {
    value = std::numeric_limits<double>::infinity();
  } else if (EqualsFolded(rest, "nan") && !is_signed) {
    value = std::numeric_limits<double>::quiet_NaN();
  } else {
    const bool hex = rest.starts_with("0x") || rest.starts_with("0X");
    if (hex) rest.remove_prefix(2);
    const bool begins = !rest.empty() && (IsDigit(rest[0]) || rest[0] == '.' || hex);
    // Go asks hexadecimal floats for an exponent.
    const bool exponent = !hex || rest.find_first_of("pP") != std::string_view::npos;
    if (!begins || !exponent || rest[0] == '-') return fail("invalid syntax");
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), value,
                        hex ? std::chars_format::hex : std::chars_format::general);
    if (end != rest.data() + rest.size() || error == std::errc::invalid_argument)
      return fail("invalid syntax");
    // Too small a number is 0 to Go, too great a one an error.
    if (error == std::errc::result_out_of_range) {
      if (!(std::abs(std::strtod(std::string(text).c_str(), nullptr)) < 1))
        return fail("value out of range");
      value = 0;
    }
  }
  return negative ? -value : value;
}

}  // namespace

FilterDomain DomainOf(FilterType type) noexcept {
  switch (type) {
    case FilterType::kAny: return FilterDomain::kUnknown;
    case FilterType::kInt:
    case FilterType::kDouble: return FilterDomain::kNumber;
    case FilterType::kBool: return FilterDomain::kBool;
    case FilterType::kDuration: return FilterDomain::kDuration;
    case FilterType::kTimestamp: return FilterDomain::kTimestamp;
    case FilterType::kString:
    case FilterType::kKind:
    case FilterType::kStatus: break;
  }
  return FilterDomain::kText;
}

std::optional<FilterType> FilterTypeOf(std::string_view word) noexcept {
  if (word.empty()) return FilterType::kAny;
  if (word == "string") return FilterType::kString;
  if (word == "int") return FilterType::kInt;
  if (word == "double") return FilterType::kDouble;
  if (word == "bool") return FilterType::kBool;
  return std::nullopt;
}

Result<FilterConstant> ReadConstant(FilterType type, std::string_view text) {
  FilterConstant out;
  switch (type) {
    case FilterType::kInt: {
      TS_TRY_ASSIGN(out.integer, ParseGoInt(text, 64));
      break;
    }
    case FilterType::kDouble: {
      TS_TRY_ASSIGN(out.number, ReadDouble(text));
      break;
    }
    case FilterType::kBool: {
      TS_TRY_ASSIGN(out.flag, ParseGoBool(text));
      break;
    }
    case FilterType::kDuration: {
      TS_TRY_ASSIGN(const auto duration, ParseGoDuration(text));
      out.integer = duration.count();
      break;
    }
    case FilterType::kTimestamp: {
      TS_TRY_ASSIGN(out, ReadTime(text));
      break;
    }
    default: break;
  }
  out.type = type;
  out.text = text;
  return out;
}

}  // namespace tracestore::server
