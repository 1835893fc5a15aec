#include "codec/column/template_splitter.h"

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "codec/column/column_test_util.h"

namespace tracestore::column {
namespace {

using testing::Random;

// The template as people read it: N a number, Dn fixed digits, Hn hex, U a half of a UUID, each in
// braces with its value.
std::optional<std::string> Shown(std::string_view text) {
  const auto split = std::make_unique<SplitText>();
  if (!SplitTemplate(text, *split)) return std::nullopt;
  std::string shown;
  std::size_t at = 0;
  for (std::size_t i = 0; i < split->slot_count; ++i) {
    const TemplateSlot slot = split->slots[i];
    shown += split->literals().substr(at, slot.offset - at);
    at = slot.offset;
    shown += '{';
    shown += "NDHUU"[static_cast<std::size_t>(slot.kind)];
    if (slot.width > 0) shown += std::to_string(slot.width);
    shown += ' ' + std::to_string(split->values[i]) + '}';
  }
  return shown += split->literals().substr(at);
}

std::string Printed(std::string_view text) {
  const auto split = std::make_unique<SplitText>();
  if (!SplitTemplate(text, *split)) return std::string(text);
  std::string back;
  std::size_t at = 0;
  for (std::size_t i = 0; i < split->slot_count; ++i) {
    const TemplateSlot slot = split->slots[i];
    back += split->literals().substr(at, slot.offset - at);
    at = slot.offset;
    char buffer[20];
    EXPECT_LE(split->values[i], MostOfSlot(slot));
    const char* end = PrintSlot(slot, split->values[i], buffer);
    EXPECT_LE(static_cast<std::size_t>(end - buffer), MaxBytesOfSlot(slot));
    back.append(buffer, static_cast<std::size_t>(end - buffer));
  }
  return back += split->literals().substr(at);
}

struct Case {
  std::string_view text;
  std::string_view shown;
};

void ExpectAll(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    EXPECT_EQ(Shown(one.text), std::string(one.shown));
    EXPECT_EQ(Printed(one.text), one.text);
  }
}

TEST(TemplateSplitter, TakesNumbers) {
  ExpectAll({
      {"", ""},
      {"no digits at all", "no digits at all"},
      {"0", "{N 0}"},
      {"123ms", "{N 123}ms"},
      {"took 12.5s", "took {N 12}.{N 5}s"},
      {"-7", "-{N 7}"},
      {"http://shop/api/v1/users/4711?page=2", "http://shop/api/v{N 1}/users/{N 4711}?page={N 2}"},
      {"10.0.3.17:8080", "{N 10}.{N 0}.{N 3}.{N 17}:{N 8080}"},
      {"SELECT * FROM t1 WHERE id = 99 LIMIT 10",
       "SELECT * FROM t{N 1} WHERE id = {N 99} LIMIT {N 10}"},
      {"cart:user:31337:items", "cart:user:{N 31337}:items"},
      {"at com.shop.Cart$1.add(Cart.java:42)\n\tat B.run(B.java:7)",
       "at com.shop.Cart${N 1}.add(Cart.java:{N 42})\n\tat B.run(B.java:{N 7})"},
      {"thread-12-pool_3", "thread-{N 12}-pool_{N 3}"},
      {"x1y2z3", "x{N 1}y{N 2}z{N 3}"},
      {"18446744073709551615", "{N 1844674407370955161}{D1 5}"},
      {"9999999999999999999", "{N 9999999999999999999}"},
      {"123456789012345678901234567890",
       "{N 1234567890123456789}{D11 1234567890}"},
  });
}

TEST(TemplateSplitter, KeepsLeadingZerosByWidth) {
  ExpectAll({
      {"00", "{D2 0}"},
      {"order-000123", "order-{D6 123}"},
      {"1.007", "{N 1}.{D3 7}"},
      {"0000000000000000000000001", "{D19 0}{D6 1}"},
  });
}

TEST(TemplateSplitter, TakesDatesAndTimesByWidth) {
  ExpectAll({
      {"2026-11-15T09:05:00.120Z GET",
       "{D4 2026}-{D2 11}-{D2 15}T{D2 9}:{D2 5}:{D2 0}.{D3 120}Z GET"},
      {"2026-01-02 10:20:30,999999 x",
       "{D4 2026}-{D2 1}-{D2 2} {D2 10}:{D2 20}:{D2 30},{D6 999999} x"},
      {"12:34:56", "{D2 12}:{D2 34}:{D2 56}"},
      {"12:34", "{N 12}:{N 34}"},
      {"2026-11-155", "{N 2026}-{N 11}-{N 155}"},
      {"12:34:567", "{N 12}:{N 34}:{N 567}"},
      {"12:34:56.", "{D2 12}:{D2 34}:{D2 56}."},
  });
}

TEST(TemplateSplitter, TakesHexTokensWithALetterAndADigit) {
  ExpectAll({
      {"a1b2c", "{H5 662316}"},
      {"trace=00f067aa0ba902b7!", "trace={H16 67667974448284343}!"},
      {"id 4bf92f3577b34da6a3ce929d0e0e4736",
       "id {H16 5474458728733560230}{H16 11803532876627986230}"},
      {"commit_abc123f", "commit_{H7 180097599}"},
      {"0x1f3a", "{N 0}x{N 1}f{N 3}a"},
      {"0x1f3ab", "{N 0}x{H5 127915}"},
      {"1a2b", "{N 1}a{N 2}b"},
      {"ABC1234F", "ABC{N 1234}F"},
      {"abc123x", "abc{N 123}x"},
      {"cafebabe", "cafebabe"},
      {"12345", "{N 12345}"},
  });
}

TEST(TemplateSplitter, TakesUuids) {
  ExpectAll({
      {"/u/123e4567-e89b-12d3-a456-426614174000/x",
       "/u/{U 1314564453825188563}{U 11841725276408463360}/x"},
      {"abcdefab-1234-1234-1234-123456789abc", "{U 12379814468735210036}{U 1311693407470000828}"},
      {"123e4567-e89b-12d3-a456-42661417400",
       "{H8 306070887}-e{N 89}b-{N 12}d{N 3}-a{N 456}-{N 42661417400}"},
      {"x123e4567-e89b-12d3-a456-4266141740001",
       "x{N 123}e{N 4567}-e{N 89}b-{N 12}d{N 3}-a{N 456}-{N 4266141740001}"},
      {"123E4567-E89B-12D3-A456-426614174000",
       "{N 123}E{N 4567}-E{N 89}B-{N 12}D{N 3}-A{N 456}-{N 426614174000}"},
  });
}

TEST(TemplateSplitter, TakesAnyBytesAsLiterals) {
  const std::string nul("a\0b7\xff\xfe" "8\x80", 8);
  EXPECT_EQ(Printed(nul), nul);
  EXPECT_EQ(Shown(nul), std::string("a\0b{N 7}\xff\xfe{N 8}\x80", 16));
  ExpectAll({{"dGVzdDE5OQ==", "dGVzdDE{N 5}OQ=="}, {"naïve ٣ 5", "naïve ٣ {N 5}"}});
}

TEST(TemplateSplitter, LeavesLongTextsAndManyValuesAlone) {
  EXPECT_EQ(Shown(std::string(kMaxTemplateText, 'a')), std::string(kMaxTemplateText, 'a'));
  EXPECT_EQ(Shown(std::string(kMaxTemplateText + 1, 'a')), std::nullopt);
  std::string many;
  for (std::size_t i = 0; i < kMaxTemplateSlots; ++i) many += "7,";
  EXPECT_TRUE(Shown(many).has_value());
  EXPECT_EQ(Shown(many + "7"), std::nullopt);
  EXPECT_EQ(Shown(std::string(kMaxTemplateText, '0')), std::nullopt);
}

TEST(TemplateSplitter, PrintsBackAnyText) {
  const std::string_view alphabet = "0123456789abcdefxzAT-:., \n\xff";
  for (std::uint64_t seed = 0; seed < 20'000; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const std::size_t letters = 1 + random.Below(alphabet.size());
    const std::size_t size = random.Below(80);
    std::string text;
    while (text.size() < size) text.push_back(alphabet[random.Below(letters)]);
    for (const char* inserted :
         {"123e4567-e89b-12d3-a456-426614174000", "2026-11-15T09:05:00.120"}) {
      if (random.Below(4) == 0) text.insert(random.Below(size + 1), inserted);
    }
    ASSERT_EQ(Printed(text), text);
  }
}

}  // namespace
}  // namespace tracestore::column
