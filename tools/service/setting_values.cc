// Texts to values and back, by the type of the field.
#include <tracestore/query.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "net/host_port.h"
#include "service/settings.h"
#include "suggest.h"

namespace tracestore::tools {
namespace {

constexpr std::uint64_t kMostDays = 36'500;

Error Refused(const Setting& setting, const std::string& takes, std::string_view text) {
  return {ErrorCode::kInvalidArgument,
          "'" + std::string(setting.name) + "' " + takes + ", not '" + std::string(text) + "'"};
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

std::vector<std::string> Split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  while (true) {
    const auto end = text.find(separator);
    parts.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::string Number(double value) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), value).ptr};
}

// "a number from 1 to 100", "a number of at least 1".
std::string Range(const Setting& setting, const std::string& what, const char* unit) {
  const std::string least = Number(setting.least) + unit;
  if (setting.most == 0) return what + (setting.least == 0 ? "" : " of at least " + least);
  return what + " from " + least + " to " + Number(setting.most) + unit;
}

bool InRange(const Setting& setting, double value) {
  return value >= setting.least && (setting.most == 0 || value <= setting.most);
}

Status Set(const Setting& setting, std::string_view text, std::string& value) {
  if (setting.choices.empty()) {
    value = text;
    return {};
  }
  const std::vector<std::string> choices = Split(setting.choices, '|');
  if (std::find(choices.begin(), choices.end(), text) == choices.end()) {
    std::string takes = "is ";
    for (std::size_t i = 0; i < choices.size(); ++i) {
      if (i != 0) takes += i + 1 == choices.size() ? " or " : ", ";
      takes += choices[i];
    }
    const Error error = Refused(setting, takes, text);
    return Error(error.code(), error.message() + DidYouMean(text, choices));
  }
  value = text;
  return {};
}

Status Set(const Setting& setting, std::string_view text, bool& value) {
  const std::optional<bool> on = SwitchOf(text);
  if (!on.has_value()) return Refused(setting, "is true or false", text);
  value = *on;
  return {};
}

// The factor of "GiB", "kB", ""; 0 where there is none such.
std::uint64_t BytesFactor(std::string_view suffix) {
  const std::string unit = Lower(suffix);
  if (unit.empty() || unit == "b") return 1;
  static constexpr std::string_view kPrefixes = "kmgt";
  const auto power = kPrefixes.find(unit.front());
  if (power == std::string_view::npos) return 0;
  const std::string_view rest = std::string_view(unit).substr(1);
  if (rest != "" && rest != "b" && rest != "ib") return 0;
  std::uint64_t factor = 1;
  for (std::size_t i = 0; i <= power; ++i) factor *= rest == "ib" ? 1024 : 1000;
  return factor;
}

Status Set(const Setting& setting, std::string_view text, std::uint64_t& value) {
  const bool bytes = setting.unit == Unit::kBytes;
  const std::string takes = "takes " + (bytes ? Range(setting, "a size such as 50GiB", " bytes")
                                              : Range(setting, "a whole number", ""));
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view suffix(end, static_cast<std::size_t>(text.data() + text.size() - end));
  const std::uint64_t factor = bytes ? BytesFactor(suffix) : std::uint64_t{suffix.empty()};
  if (error != std::errc() || factor == 0 ||
      number > std::numeric_limits<std::uint64_t>::max() / factor ||
      !InRange(setting, static_cast<double>(number * factor))) {
    return Refused(setting, takes, text);
  }
  value = number * factor;
  return {};
}

Status Set(const Setting& setting, std::string_view text, double& value) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(number) ||
      !InRange(setting, number)) {
    return Refused(setting, "takes " + Range(setting, "a number", ""), text);
  }
  value = number;
  return {};
}

// Go's durations, and whole days.
Status Set(const Setting& setting, std::string_view text, std::chrono::nanoseconds& value) {
  const std::string takes = "takes " + Range(setting, "a duration such as 90s, 36h or 30d", "s");
  std::uint64_t days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  std::chrono::nanoseconds duration{0};
  if (error == std::errc() && end + 1 == text.data() + text.size() && *end == 'd') {
    if (days > kMostDays) return Refused(setting, takes, text);
    duration = std::chrono::hours(24 * days);
  } else if (text != "0") {
    const auto parsed = ParseDuration(text);
    if (!parsed.has_value() || parsed->count() < 0) return Refused(setting, takes, text);
    duration = *parsed;
  }
  if (!InRange(setting, std::chrono::duration<double>(duration).count())) {
    return Refused(setting, takes, text);
  }
  value = duration;
  return {};
}

Status Set(const Setting& setting, std::string_view text, ListenAddress& value) {
  const std::string word = Lower(text);
  if (word == "off" || word == "on") {
    value.on = word == "on";
    return {};
  }
  const bool bare = text.find(':') == std::string_view::npos;
  const auto parsed = net::ParseHostPort(text, "");
  if (!parsed.has_value()) {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + std::string(setting.name) + "' takes " +
                     "host:port, :port, a port, or off: " + parsed.error().message());
  }
  value = {true, bare ? std::nullopt : std::optional<std::string>(parsed->host), parsed->port};
  return {};
}

// "Name:", and not the begin of a URL.
bool BeginsHeader(std::string_view part) {
  const auto colon = part.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  return part.substr(0, colon).find_first_of(" \t/\"=;") == std::string_view::npos &&
         !part.substr(colon + 1).starts_with("//");
}

Status Set(const Setting& setting, std::string_view text, std::vector<std::string>& value) {
  bool continues = false;  // what is split is of one header
  for (std::string& part : Split(text, ',')) {
    const auto first = part.find_first_not_of(' ');
    if (first == std::string::npos) continue;
    std::string trimmed = part.substr(first, part.find_last_not_of(' ') - first + 1);
    if (setting.unit == Unit::kHeaders && continues && !BeginsHeader(trimmed)) {
      value.back() += ", " + trimmed;
    } else {
      value.push_back(std::move(trimmed));
    }
    continues = true;
  }
  return {};
}

Status Set(const Setting&, std::string_view text, StructuredText& value) {
  value.yaml = text;
  return {};
}

std::vector<std::string> Values(const Setting&, const std::string& value) { return {value}; }
std::vector<std::string> Values(const Setting&, bool value) { return {value ? "true" : "false"}; }
std::vector<std::string> Values(const Setting&, double value) { return {Number(value)}; }
std::vector<std::string> Values(const Setting&, const std::vector<std::string>& value) {
  return value;
}
std::vector<std::string> Values(const Setting&, const StructuredText& value) {
  return {value.yaml};
}

std::vector<std::string> Values(const Setting& setting, std::uint64_t value) {
  if (setting.unit == Unit::kBytes && value != 0) {
    static constexpr std::pair<int, const char*> kUnits[] = {{30, "GiB"}, {20, "MiB"}, {10, "KiB"}};
    for (const auto& [shift, unit] : kUnits) {
      if (value % (std::uint64_t{1} << shift) == 0) {
        return {std::to_string(value >> shift) + unit};
      }
    }
  }
  return {std::to_string(value)};
}

// In the largest unit that divides it; what ParseDuration reads.
std::vector<std::string> Values(const Setting&, std::chrono::nanoseconds value) {
  static constexpr std::pair<std::int64_t, const char*> kUnits[] = {
      {86'400'000'000'000, "d"}, {3'600'000'000'000, "h"}, {60'000'000'000, "m"},
      {1'000'000'000, "s"},      {1'000'000, "ms"},        {1'000, "us"},
  };
  if (value.count() == 0) return {"0s"};
  for (const auto& [size, unit] : kUnits) {
    if (value.count() % size == 0) return {std::to_string(value.count() / size) + unit};
  }
  return {std::to_string(value.count()) + "ns"};
}

std::vector<std::string> Values(const Setting&, const ListenAddress& value) {
  if (!value.on) return {"off"};
  return {value.host ? net::FormatHostPort(*value.host, value.port) : std::to_string(value.port)};
}

}  // namespace

std::optional<bool> SwitchOf(std::string_view text) {
  const std::string word = Lower(text);
  for (const char* yes : {"true", "t", "1", "yes", "on"})
    if (word == yes) return true;
  for (const char* no : {"false", "f", "0", "no", "off"})
    if (word == no) return false;
  return std::nullopt;
}

Status SetValue(const Setting& setting, std::string_view text, ServiceConfig& config) {
  if (setting.secret && text == kHidden) {
    return Error(ErrorCode::kInvalidArgument,
                 "'" + std::string(setting.name) +
                     "' is hidden where --print-config wrote it: write what it is");
  }
  return std::visit([&](const auto field) { return Set(setting, text, field(config)); },
                    setting.field);
}

void ClearValue(const Setting& setting, ServiceConfig& config) {
  std::visit(
      [&](const auto field) {
        auto& value = field(config);
        if constexpr (requires { value.clear(); }) value.clear();
      },
      setting.field);
}

std::vector<std::string> ValuesOf(const Setting& setting, const ServiceConfig& config) {
  // A field is read through the function that also writes it.
  auto& fields = const_cast<ServiceConfig&>(config);
  return std::visit([&](const auto field) { return Values(setting, field(fields)); },
                    setting.field);
}

bool IsList(const Setting& setting) noexcept {
  return std::holds_alternative<std::vector<std::string>& (*)(ServiceConfig&)>(setting.field);
}

bool IsSwitch(const Setting& setting) noexcept {
  return std::holds_alternative<bool& (*)(ServiceConfig&)>(setting.field);
}

bool IsStructured(const Setting& setting) noexcept {
  return std::holds_alternative<StructuredText& (*)(ServiceConfig&)>(setting.field);
}

std::string TypeName(const Setting& setting) {
  if (!setting.choices.empty()) return std::string(setting.choices);
  static constexpr const char* kNames[] = {"TEXT",     "true|false", "N",      "NUMBER",
                                           "DURATION", "ADDRESS",    "TEXT,…", "YAML"};
  static_assert(std::size(kNames) == std::variant_size_v<Field>);
  if (setting.unit == Unit::kBytes) return "SIZE";
  return kNames[setting.field.index()];
}

}  // namespace tracestore::tools
