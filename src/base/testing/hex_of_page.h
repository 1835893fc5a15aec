// For tests that hold a dump of docs/format against the code.
#pragma once
#include <fstream>
#include <sstream>
#include <string>

#include "base/hex.h"
#include "base/testing/source_dir.h"

namespace tracestore::base::testing {

// The bytes of the first "```hex" block of a page: per line an offset of eight digits, then bytes
// up to '|'.
inline std::string BytesOfPage(const std::string& page) {
  std::ifstream file(SourceDir() + "/" + page);
  std::string bytes;
  std::string line;
  while (std::getline(file, line) && line != "```hex") {
  }
  while (std::getline(file, line) && line != "```") {
    std::istringstream words(line.substr(8, line.find('|') - 8));
    for (std::string word; words >> word;)
      bytes.push_back(static_cast<char>(ParseHex64(word).value_or(0)));
  }
  return bytes;
}

}  // namespace tracestore::base::testing
