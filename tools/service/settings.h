// The settings of the services: one table from which flags, environment names, the configuration
// file, --help, --print-config and docs/settings.md all come.
//
// To add one: its field in config.h, its row in the table of its concern (settings_*.cc), then
// `TRACESTORE_WRITE_DOCS=1 service_test` writes docs/settings.md anew.
#pragma once
#include <tracestore/status.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "service/config.h"

namespace tracestore::tools {

inline constexpr unsigned kStoring = kAllInOne | kCollector;
inline constexpr unsigned kTaking = kStoring | kAgent;           // spans, of clients
inline constexpr unsigned kReading = kAllInOne | kQuery;
inline constexpr unsigned kAnswering = kReading | kRemoteStorage;  // queries, whoever asks
// that may have a store of their own
inline constexpr unsigned kKeeping = kStoring | kRemoteStorage;
inline constexpr unsigned kPiping = kTaking | kRemoteStorage;    // spans through the pipeline
inline constexpr unsigned kEvery = kTaking | kReading | kKeeping;
inline constexpr Role kRoles[] = {kAllInOne, kCollector, kAgent, kQuery, kRemoteStorage};

// "all-in-one", "collector", "agent", "query", "remote-storage": the command.
const char* RoleName(Role role) noexcept;

// Where a value goes; its type is the setting's.
using Field =
    std::variant<std::string& (*)(ServiceConfig&), bool& (*)(ServiceConfig&),
                 std::uint64_t& (*)(ServiceConfig&), double& (*)(ServiceConfig&),
                 std::chrono::nanoseconds& (*)(ServiceConfig&), ListenAddress& (*)(ServiceConfig&),
                 std::vector<std::string>& (*)(ServiceConfig&),
                 StructuredText& (*)(ServiceConfig&)>;

#define TS_FIELD(member)                                                          \
  (+[](::tracestore::tools::ServiceConfig& config) -> decltype((config.member)) { \
    return config.member;                                                         \
  })

// How a number is written.
enum class Unit : std::uint8_t {
  kNone,
  kBytes,    // 50GiB, 64kB
  kHeaders,  // of a list: "Name: value", whose values may have commas
};

struct Setting {
  std::string_view name;  // "collector.zipkin.host-port": flag, path in the file, and, in capitals
                          // after TRACESTORE_, environment name
  Field field;
  std::string_view group;  // of --help
  std::string_view help;   // one sentence without its full stop
  unsigned roles = kEvery;
  std::string_view choices = {};  // "full|interval|off": of a text
  double least = 0;               // of a number; a duration's in seconds
  double most = 0;                // 0: no bound
  Unit unit = Unit::kNone;
  bool secret = false;   // never shown
  bool jaegers = false;  // Jaeger's own name: the bare environment name counts too
};

// All of them, in the order of --help.
std::span<const Setting> Settings();
const Setting* FindSetting(std::string_view name);

// How another name gives a setting its value.
enum class Rule : std::uint8_t {
  kSame,            // as the setting itself
  kZeroIsUnset,     // Jaeger's deprecated ports: 0 says nothing
  kEmptyIsUnset,    // Jaeger's deprecated texts: the empty one says nothing
  kZeroIsOff,       // Jaeger's and Zipkin's ports of what is off by default
  kFalseIsOff,      // a switch of a listener: false turns it off, true leaves its address
  kMilliseconds,    // a duration that may be a bare number of milliseconds
  kSpringDuration,  // the same, and as Spring reads a java.time.Duration: "PT5S"
  kLogLevel,        // a level in capitals or not, by Jaeger's names or by Zipkin's
};

struct OtherName {
  std::string_view name;  // a flag and path in the file; with `environment_only` a variable
  std::string_view setting;
  Rule rule = Rule::kSame;
  bool environment_only = false;
  bool jaegers = true;  // the bare environment name counts too
};
std::span<const OtherName> OtherNames();

// A name that is accepted and does nothing here.
struct Ignored {
  std::string_view name;
  std::string_view why;    // "spans are written before they are acknowledged; there is no queue"
  bool is_switch = false;  // a flag without a value
  bool environment_only = false;
};
std::span<const Ignored> IgnoredNames();

// "COLLECTOR_ZIPKIN_HOST_PORT" of "collector.zipkin.host-port".
std::string EnvironmentName(std::string_view name);

// The configuration that nobody told anything.
ServiceConfig DefaultsOf(Role role);

// What --print-config shows of a secret.
inline constexpr std::string_view kHidden = "(hidden)";

// Sets the field to what `text` says; a list gets one more. Errors: kInvalidArgument, what it
// takes:
// "'sync' is full, interval or off, not 'ful': did you mean 'full'?".
Status SetValue(const Setting& setting, std::string_view text, ServiceConfig& config);
// Back to empty: before the values of a list from a stronger source.
void ClearValue(const Setting& setting, ServiceConfig& config);

// What SetValue would read back: "127.0.0.1:9411", "1m30s", "full". Of a list one a value.
std::vector<std::string> ValuesOf(const Setting& setting, const ServiceConfig& config);
bool IsList(const Setting& setting) noexcept;
// What the words of a switch say, in any case: true, t, 1, yes, on and their opposites.
std::optional<bool> SwitchOf(std::string_view text);
bool IsSwitch(const Setting& setting) noexcept;
bool IsStructured(const Setting& setting) noexcept;
// "ADDRESS", "DURATION", "full|interval|off": for --help.
std::string TypeName(const Setting& setting);

}  // namespace tracestore::tools
