// index.html of Jaeger's pages, with what the service has to say put in the place of its marks.
#pragma once
#include <tracestore/status.h>

#include <string>
#include <string_view>

namespace tracestore::server {

// What ui_config says, in the form that the page takes.
struct JaegerUiConfig {
  enum class Kind : unsigned char { kNone, kJson, kScript };
  Kind kind = Kind::kNone;
  std::string text;  // one JSON object, fit for a script element; or a script with UIConfig()
};

// `path` says by its ending which it is. Errors: kInvalidArgument, with a sentence.
Result<JaegerUiConfig> ParseJaegerUiConfig(std::string_view path, std::string_view text);

struct JaegerIndexValues {
  JaegerUiConfig config;
  std::string base_path;  // "/" or "/jaeger"
  std::string version;    // "0.1.0"
  bool archive = false;
  bool metrics = false;
};

// Marks that the page doesn't have are passed over: builds of all days do.
std::string JaegerIndexPage(std::string_view html, const JaegerIndexValues& values);

}  // namespace tracestore::server
