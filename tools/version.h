// What this binary is.
#pragma once
#include <string>
#include <vector>

namespace tracestore::tools {

inline constexpr const char* kVersion = TRACESTORE_VERSION;

inline std::vector<const char*> BuiltFeatures() {
  return {
#ifdef TRACESTORE_HAS_OTLP
      "otlp",
#endif
#ifdef TRACESTORE_HAS_JAEGER
      "jaeger",
#endif
#ifdef TRACESTORE_HAS_ZIPKIN
      "zipkin",
#endif
#ifdef TRACESTORE_HAS_SERVER
      "server",
#endif
  };
}

// "tracestore 0.1.0 (otlp, jaeger, zipkin, server)"
inline std::string VersionText() {
  std::string text = std::string("tracestore ") + kVersion;
  const char* separator = " (";
  for (const char* feature : BuiltFeatures()) {
    text += std::string(separator) + feature;
    separator = ", ";
  }
  return BuiltFeatures().empty() ? text : text + ")";
}

}  // namespace tracestore::tools
