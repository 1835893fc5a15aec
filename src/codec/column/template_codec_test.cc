#include "codec/column/template_codec.h"

#include <gtest/gtest.h>

#include "codec/column/column_test_util.h"
#include "codec/column/text_stream.h"

namespace tracestore::column {
namespace {

using testing::Random;
using testing::ToHex;
using Texts = std::vector<std::string>;

std::string Digits(Random& random, std::size_t count, std::uint64_t base) {
  std::string text;
  while (text.size() < count) text.push_back("0123456789abcdef"[random.Below(base)]);
  return text;
}

std::string Uuid(Random& random) {
  return Digits(random, 8, 16) + '-' + Digits(random, 4, 16) + "-4" + Digits(random, 3, 16) + '-' +
         Digits(random, 4, 16) + '-' + Digits(random, 12, 16);
}

std::string TwoDigits(std::uint64_t value) {
  return std::to_string(value / 10 % 10) + std::to_string(value % 10);
}

// What high-cardinality attributes look like.
std::string ArbitraryText(Random& random, std::uint64_t kind) {
  const std::string id = std::to_string(random.Below(1'000'000));
  switch (kind) {
    case 0:
      return "http://shop:8080/api/v1/users/" + id + "/cart?page=" +
             std::to_string(random.Below(9));
    case 1: return "/objects/" + Uuid(random) + "/meta";
    case 2:
      return "2026-11-" + TwoDigits(1 + random.Below(28)) + 'T' + TwoDigits(random.Below(24)) +
             ':' + TwoDigits(random.Below(60)) + ':' + TwoDigits(random.Below(60)) + '.' +
             Digits(random, 3, 10) + "Z order " + id + " shipped";
    case 3:
      return "connect 10.0." + std::to_string(random.Below(256)) + '.' +
             std::to_string(random.Below(256)) + ':' + std::to_string(1024 + random.Below(60000)) +
             " took " + std::to_string(random.Below(900)) + "ms";
    case 4: return "SELECT name, price FROM products WHERE id = " + id + " AND shop = 'de'";
    case 5: return "session:" + Digits(random, 16, 16) + ":cart";
    case 6: return "order-" + Digits(random, 8, 10);
    case 7: {
      std::string token;
      constexpr std::string_view kBase64 =
          "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
      while (token.size() < 32) token.push_back(kBase64[random.Below(64)]);
      return token;
    }
    case 8: {
      std::string bytes;
      const std::size_t size = random.Below(20);
      while (bytes.size() < size) bytes.push_back(static_cast<char>(random.Next()));
      return bytes;
    }
    case 9:
      return "java.lang.IllegalStateException: no stock for item " + id +
             "\n\tat com.shop.Cart.add(Cart.java:142)\n\tat com.shop.Cart$1.run(Cart.java:77)";
    default: return std::to_string(random.Next()) + std::to_string(random.Next());
  }
}

Texts ArbitraryColumn(std::uint64_t seed) {
  Random random(seed);
  constexpr std::size_t kCounts[] = {0, 1, 5, 100, 1500};
  const std::size_t count = kCounts[random.Below(std::size(kCounts))];
  const std::uint64_t only = random.Below(12);
  Texts texts;
  for (std::size_t i = 0; i < count; ++i) {
    texts.push_back(ArbitraryText(random, only < 11 && random.Below(20) ? only : random.Below(11)));
  }
  return texts;
}

TemplateTable TableOf(const Texts& texts) {
  TemplateTableBuilder builder;
  for (const std::string& text : texts) builder.Add(text);
  return builder.Finish();
}

std::string Encoded(const Texts& texts, const TemplateTable& table) {
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  std::string out;
  EncodeTemplated(views, table, out);
  return out;
}

std::size_t PlainSize(const Texts& texts) { return Encoded(texts, {}).size(); }

std::size_t TotalBytes(const Texts& texts) {
  std::size_t total = 0;
  for (const std::string& text : texts) total += text.size();
  return total;
}

TEST(TemplateCodec, RoundTripsAnyColumnThroughAParsedTable) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Texts texts = ArbitraryColumn(seed);
    const auto table = ParseTemplateTable(EncodeTemplateTable(TableOf(texts)));
    ASSERT_TRUE(table.has_value()) << table.error().message();
    const std::string bytes = Encoded(texts, *table);
    base::ByteReader in(bytes);
    std::string arena;
    std::vector<std::string_view> back;
    const Status status = DecodeTemplated(in, texts.size(), *table, TotalBytes(texts), arena, back);
    ASSERT_TRUE(status.has_value()) << status.error().message();
    EXPECT_TRUE(in.done());
    EXPECT_EQ(Texts(back.begin(), back.end()), texts);
    const std::size_t step = 1 + bytes.size() / 60;
    for (std::size_t cut = 0; cut < bytes.size(); cut += step) {
      base::ByteReader short_in(std::string_view(bytes).substr(0, cut));
      EXPECT_FALSE(
          DecodeTemplated(short_in, texts.size(), *table, 1 << 24, arena, back).has_value());
    }
  }
}

// With templates and, where the table is empty, as plain texts.
TEST(TemplateCodec, DecodesARangeOfAnyColumn) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Texts texts = ArbitraryColumn(seed);
    const TemplateTable table = TableOf(texts);
    const std::string bytes = Encoded(texts, table);
    Random random(seed);
    for (int i = 0; i < 4; ++i) {
      StreamRange range;
      range.end = random.Below(texts.size() + 1);
      range.begin = random.Below(range.end + 1);
      base::ByteReader in(bytes);
      std::string arena;
      std::vector<std::string_view> some;
      const Status status =
          DecodeTemplatedRange(in, texts.size(), table, range, TotalBytes(texts), arena, some);
      ASSERT_TRUE(status.has_value()) << status.error().message();
      EXPECT_TRUE(in.done());
      EXPECT_EQ(Texts(some.begin(), some.end()),
                Texts(texts.begin() + static_cast<long>(range.begin),
                      texts.begin() + static_cast<long>(range.end)));
    }
    base::ByteReader in(bytes);
    std::string arena;
    std::vector<std::string_view> none;
    EXPECT_FALSE(DecodeTemplatedRange(in, texts.size(), table, {0, texts.size() + 1}, 1 << 24,
                                      arena, none).has_value());
  }
}

// What a table coded is coded by another without a split, with the same bytes: what a merge does.
TEST(TemplateCodec, KnownSplitsGiveTheSameTableAndBytes) {
  for (std::uint64_t seed = 0; seed < 120; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    TemplateUnion templates;
    Texts all;
    std::vector<std::vector<std::uint64_t>> words;  // of each text; empty: its split isn't known
    for (std::uint64_t source = 0; source < 3; ++source) {
      const Texts texts = ArbitraryColumn(seed * 3 + source);
      const TemplateTable table = TableOf(texts);
      const std::string bytes = Encoded(texts, table);
      base::ByteReader in(bytes);
      std::string arena;
      std::vector<std::string_view> back;
      TemplatedCodes codes;
      ASSERT_TRUE(DecodeTemplatedRange(in, texts.size(), table, {0, texts.size()},
                                       TotalBytes(texts), arena, back, &codes).has_value());
      ASSERT_EQ(codes.templates.size(), table.empty() ? 0 : texts.size());
      std::size_t next = 0;
      for (std::size_t i = 0; i < texts.size(); ++i) {
        all.push_back(texts[i]);
        words.emplace_back();
        if (codes.templates.empty() || codes.templates[i] == 0) continue;
        const TemplateTable::Template& t = table.At(codes.templates[i] - 1);
        words.back().push_back(templates.NumberOf(table.Literals(t), table.Slots(t)));
        for (std::uint32_t slot = 0; slot < t.slot_count; ++slot)
          words.back().push_back(codes.values[next++]);
      }
      EXPECT_EQ(next, codes.values.size());
    }
    std::vector<KnownSplit> splits;
    TemplateTableBuilder builder;
    for (std::size_t i = 0; i < all.size(); ++i) {
      splits.push_back(words[i].empty() ? nullptr : words[i].data());
      if (splits.back() == nullptr) builder.Add(all[i]);
      else builder.Add(all[i], splits.back(), templates);
    }
    const TemplateTable table = builder.Finish();
    ASSERT_EQ(EncodeTemplateTable(table), EncodeTemplateTable(TableOf(all)));
    TemplatePlaces places(table, templates);
    std::string bytes;
    const std::vector<std::string_view> views(all.begin(), all.end());
    EncodeTemplated(views, splits, table, places, bytes);
    EXPECT_TRUE(bytes == Encoded(all, table));
  }
}

TEST(TemplateCodec, CodesValuesThatTheBuilderNeverSaw) {
  Random random(3);
  Texts seen;
  for (int i = 0; i < 2000; ++i) {
    seen.push_back("GET /items/" + std::to_string(100 + random.Below(100)));
  }
  const TemplateTable table = TableOf(seen);
  ASSERT_EQ(table.size(), 1U);
  const Texts others = {"GET /items/5", "GET /items/150", "GET /items/99999", "GET /items/150/x",
                        ""};
  const std::string bytes = Encoded(others, table);
  base::ByteReader in(bytes);
  std::string arena;
  std::vector<std::string_view> back;
  ASSERT_TRUE(DecodeTemplated(in, others.size(), table, 1000, arena, back).has_value());
  EXPECT_EQ(Texts(back.begin(), back.end()), others);
}

TEST(TemplateCodec, FindsEqualValuesOnCodes) {
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Texts texts = ArbitraryColumn(seed);
    const TemplateTable table = TableOf(texts);
    const std::string bytes = Encoded(texts, table);
    Texts wanted = {"", "absent", "order-00000000", "GET /1"};
    const std::size_t step = 1 + texts.size() / 10;
    for (std::size_t i = 0; i < texts.size(); i += step) wanted.push_back(texts[i]);
    for (const std::string& text : wanted) {
      std::vector<std::uint32_t> expected;
      for (std::uint32_t i = 0; i < texts.size(); ++i) {
        if (texts[i] == text) expected.push_back(i);
      }
      base::ByteReader in(bytes);
      std::vector<std::uint32_t> rows;
      ASSERT_TRUE(FindTemplated(in, texts.size(), table, 1 << 24, text, rows).has_value());
      EXPECT_EQ(rows, expected);
    }
  }
}

TEST(TemplateCodec, HalvesTheBytesOfWhatIsTemplated) {
  // Bytes a value that templates may take, table included, where zstd takes much more.
  constexpr double kMost[] = {3.3, 16.1, 7.7, 5.3, 2.7, 8.1, 3.5};
  for (std::uint64_t kind = 0; kind < std::size(kMost); ++kind) {
    SCOPED_TRACE("kind " + std::to_string(kind));
    Random random(kind);
    Texts texts;
    for (int i = 0; i < 4000; ++i) texts.push_back(ArbitraryText(random, kind));
    const TemplateTable table = TableOf(texts);
    const std::size_t size = Encoded(texts, table).size() + EncodeTemplateTable(table).size();
    EXPECT_LE(static_cast<double>(size) / 4000, kMost[kind]);
    EXPECT_LT(size, PlainSize(texts));
  }
}

TEST(TemplateCodec, LeavesColumnsWithoutTemplatesAsPlainText) {
  Random random(11);
  Texts tokens;
  Texts unique;
  for (int i = 0; i < 30'000; ++i) {
    tokens.push_back(ArbitraryText(random, 7));
    unique.push_back("word" + Digits(random, 4, 16) + "x" + std::string(1 + random.Below(9), 'z') +
                     std::string(1, static_cast<char>('A' + random.Below(26))) + tokens.back());
  }
  for (const Texts& texts : {tokens, unique}) {
    const TemplateTable table = TableOf(texts);
    EXPECT_TRUE(table.empty());
    EXPECT_EQ(EncodeTemplateTable(table).size(), 1U);
    EXPECT_EQ(Encoded(texts, table).size(), PlainSize(texts));
  }
  EXPECT_TRUE(TableOf({}).empty());
}

TEST(TemplateCodec, FindsTemplatesAmongManyUniqueTexts) {
  Random random(12);
  Texts texts;
  for (int i = 0; i < 60'000; ++i) texts.push_back(ArbitraryText(random, random.Below(3) ? 7 : 4));
  const TemplateTable table = TableOf(texts);
  ASSERT_GE(table.size(), 1U);
  const Texts page(texts.begin(), texts.begin() + 3000);
  EXPECT_LT(Encoded(page, table).size(), PlainSize(page) * 95 / 100);
}

TEST(TemplateCodec, NeverCrashesOnBitFlipsAndKeepsItsBound) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Texts texts = ArbitraryColumn(seed);
    const TemplateTable table = TableOf(texts);
    const std::string good = Encoded(texts, table);
    const std::string good_table = EncodeTemplateTable(table);
    const std::size_t total = TotalBytes(texts);
    Random random(seed);
    std::string arena;
    std::vector<std::string_view> back;
    std::vector<std::uint32_t> rows;
    for (int round = 0; round < 30; ++round) {
      std::string bad = good;
      std::string bad_table = good_table;
      if (!bad.empty()) bad[random.Below(bad.size())] ^= static_cast<char>(1U << random.Below(8));
      bad_table[random.Below(bad_table.size())] ^= static_cast<char>(1U << random.Below(8));
      const auto parsed = ParseTemplateTable(bad_table);
      const TemplateTable* tables[] = {&table, parsed.has_value() ? &*parsed : &table};
      for (const TemplateTable* one : tables) {
        base::ByteReader in(bad);
        std::size_t sum = 0;
        if (DecodeTemplated(in, texts.size(), *one, total, arena, back).has_value()) {
          for (const std::string_view text : back) sum += text.size();
        }
        EXPECT_LE(sum, total);
        EXPECT_LE(arena.size(), 2 * total + 10'000);
        base::ByteReader again(bad);
        (void)FindTemplated(again, texts.size(), *one, total, "order-1", rows).has_value();
      }
    }
  }
}

TEST(TemplateTable, RefusesWhatIsImpossible) {
  const auto slot = [](std::uint32_t offset, SlotKind kind, std::uint8_t width, std::uint8_t bits,
                       std::uint64_t base) {
    return SlotCoding{{offset, kind, width, 0}, bits, base};
  };
  const std::vector<std::vector<SlotCoding>> bad = {
      {slot(3, SlotKind::kNumber, 0, 4, 0)},                                       // outside
      {slot(2, SlotKind::kNumber, 0, 4, 0), slot(1, SlotKind::kNumber, 0, 4, 0)},  // out of order
      {slot(0, SlotKind::kNumber, 1, 4, 0)},                                       // a width
      {slot(0, SlotKind::kDigits, 0, 4, 0)},
      {slot(0, SlotKind::kDigits, 20, 4, 0)},
      {slot(0, SlotKind::kHex, 17, 4, 0)},
      {slot(0, static_cast<SlotKind>(5), 0, 4, 0)},
      {slot(0, SlotKind::kNumber, 0, 65, 0)},
      {slot(0, SlotKind::kNumber, 0, 64, 1)},      // past 2^64
      {slot(0, SlotKind::kDigits, 2, 1, 100)},     // 100 has three digits
  };
  for (const auto& slots : bad) {
    TemplateTable table;
    EXPECT_FALSE(table.Add("ab", slots));
    EXPECT_TRUE(table.empty());
  }
  TemplateTable table;
  const SlotCoding good = slot(2, SlotKind::kNumber, 0, 64, 0);
  EXPECT_TRUE(table.Add("ab", {&good, 1}));
  EXPECT_FALSE(table.Add("ab", {&good, 1}));
  EXPECT_TRUE(table.Add("ab", {}));
  EXPECT_EQ(table.size(), 2U);
}

TEST(TemplateTable, TakesNoMoreThanItsMost) {
  TemplateTable table;
  for (std::size_t i = 0; i < kMaxTemplates; ++i) ASSERT_TRUE(table.Add(std::to_string(i), {}));
  EXPECT_FALSE(table.Add("one more", {}));
  const auto parsed = ParseTemplateTable(EncodeTemplateTable(table));
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->size(), kMaxTemplates);
}

TEST(TemplateCodec, MatchesTheExamplesOfTheFormatPage) {
  TemplateTable table;
  const SlotCoding slots[] = {{{3, SlotKind::kNumber, 0, 0}, 4, 10},
                              {{4, SlotKind::kDigits, 2, 0}, 7, 0}};
  ASSERT_TRUE(table.Add("GET.", slots));
  const std::string table_hex = "01 20 08 47 45 54 2e 10 11 01 02 29 00 20 02 11 04 0c 21 00 0a";
  const std::string page_hex = "09 00 05 52 f8 04 08 02 78";
  EXPECT_EQ(ToHex(EncodeTemplateTable(table)), table_hex);
  EXPECT_EQ(ToHex(Encoded({"GET12.05", "x", "GET25.09"}, table)), page_hex);
  EXPECT_EQ(ToHex(EncodeTemplateTable({})), "00");
  EXPECT_TRUE(testing::IsOnFormatPage(table_hex) && testing::IsOnFormatPage(page_hex));
}

}  // namespace
}  // namespace tracestore::column
