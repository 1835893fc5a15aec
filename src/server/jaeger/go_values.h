// Parameter values as Go's standard library reads them, with its sentences: Jaeger passes those on,
// and clients show or compare them (docs of strconv, time, encoding/json).
#pragma once
#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include <tracestore/ids.h>
#include <tracestore/status.h>

namespace tracestore::server {

// Every error here is kInvalidArgument.

// strconv.ParseInt(text, 10, bits): `strconv.ParseInt: parsing "x": invalid syntax`, or `… value
// out of range`. `bits` is 32 or 64.
Result<std::int64_t> ParseGoInt(std::string_view text, int bits);

// strconv.ParseUint(text, 10, bits), likewise; a sign is a syntax error.
Result<std::uint64_t> ParseGoUint(std::string_view text, int bits);

// strconv.ParseBool: 1, t, T, true, True, TRUE and their opposites.
Result<bool> ParseGoBool(std::string_view text);

// time.ParseDuration: "1h15m30.918s", "-5ms", "0"; `time: missing unit in duration "5"`.
Result<std::chrono::nanoseconds> ParseGoDuration(std::string_view text);

// A trace id of 1 to 32 hex digits, or of 16 bytes in base64 with its padding, of either alphabet,
// as JSON of protobuf has them; `strconv.ParseUint: parsing "zz": invalid syntax` names the
// half that is none.
Result<TraceId> ParseJaegerTraceId(std::string_view text);

// json.Unmarshal into a map[string]string; a key that comes again replaces. The sentences are Go's
// for what people get wrong, close to them for the rest.
Result<std::map<std::string, std::string>> ParseGoStringMap(std::string_view json);

// strconv.Quote, for sentences: text in double quotes, control characters and bytes that are no
// UTF-8 as escapes.
std::string GoQuote(std::string_view text);

}  // namespace tracestore::server
