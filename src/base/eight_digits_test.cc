#include "base/eight_digits.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <string>

namespace tracestore::base {
namespace {

TEST(EightDigits, TellsDigitsFromEveryOtherByte) {
  for (std::size_t at = 0; at < 8; ++at) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = "12345678";
      text[at] = static_cast<char>(byte);
      EXPECT_EQ(AreEightDigits(text.data()), byte >= '0' && byte <= '9') << at << ' ' << byte;
    }
  }
}

TEST(EightDigits, GivesTheirNumber) {
  for (const std::uint32_t number : {0U, 1U, 9U, 10U, 12'345'678U, 90'000'009U, 99'999'999U}) {
    char text[16];
    std::snprintf(text, sizeof text, "%08u", number);
    EXPECT_EQ(EightDigits(text), number);
  }
}

}  // namespace
}  // namespace tracestore::base
