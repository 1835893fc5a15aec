// A whole file in and out, for tests that damage one.
#pragma once
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace tracestore::api::testing {

inline std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}
inline void WriteFile(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace tracestore::api::testing
