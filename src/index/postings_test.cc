#include "index/postings.h"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "codec/column/int_stream.h"
#include "index/test_support.h"

namespace tracestore::index {
namespace {

struct ModelEntry {
  std::uint64_t count = 0;
  std::set<std::uint32_t> pages;
};
using Model = std::map<Term, ModelEntry>;

struct Sample {
  std::uint32_t page_count = 0;
  Model model;
  std::string section;
};

// Singletons, sparse lists, runs, dense lists, extreme ids, pages in any order.
Sample ArbitrarySample(std::uint64_t seed) {
  std::mt19937_64 random(seed);
  Sample sample;
  const std::uint32_t page_counts[] = {1, 3, 4, 250, 5'000, 80'000};
  sample.page_count = page_counts[random() % 6];
  PostingsBuilder builder;
  const auto add = [&](Term term, std::uint32_t page, std::uint64_t count) {
    builder.Add(term, page, count);
    ModelEntry& entry = sample.model[term];
    entry.count += count;
    entry.pages.insert(page);
  };
  const std::uint64_t terms = random() % 3 == 0 ? random() % 4 : random() % 300;
  for (std::uint64_t i = 0; i < terms; ++i) {
    Term term{static_cast<std::uint8_t>(random() % 4 * 85),
              static_cast<std::uint32_t>(random() % 9),
              static_cast<std::uint32_t>(random() % 1000)};
    if (random() % 50 == 0) term.a = term.b = 0xFFFFFFFF;
    const auto start = static_cast<std::uint32_t>(random() % sample.page_count);
    switch (random() % 4) {
      case 0: add(term, start, 1); break;
      case 1:
        for (std::uint64_t n = random() % 60; n > 0; --n) {
          add(term, static_cast<std::uint32_t>(random() % sample.page_count), random() % 5);
        }
        break;
      case 2:
        for (std::uint32_t p = start; p < sample.page_count && p < start + 400; ++p) {
          add(term, p, 2);
        }
        break;
      default: add(term, start, ~std::uint64_t{0} >> (random() % 64)); break;
    }
  }
  EXPECT_EQ(builder.term_count(), sample.model.size());
  sample.section = builder.Finish(sample.page_count);
  EXPECT_EQ(builder.term_count(), 0U);
  return sample;
}

void ExpectHit(const Postings& postings, Term term, const ModelEntry& entry) {
  const auto hit = postings.Find(term);
  ASSERT_TRUE(hit.has_value());
  EXPECT_EQ(hit->count, entry.count);
  EXPECT_EQ(postings.CountOf(term), entry.count);
  EXPECT_EQ(hit->dense, entry.pages.size() > postings.page_count() / kDenseFraction);
  if (hit->dense) {
    EXPECT_TRUE(hit->pages == PageSet::Full(postings.page_count()));
  } else {
    EXPECT_EQ(hit->pages.ToVector(),
              std::vector<std::uint32_t>(entry.pages.begin(), entry.pages.end()));
  }
}

TEST(Postings, EqualsAMapOfSets) {
  for (std::uint64_t seed = 0; seed < 150; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sample sample = ArbitrarySample(seed);
    const auto parsed = Postings::Parse(sample.section, sample.page_count);
    ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
    EXPECT_TRUE(parsed->Verify().has_value());
    ASSERT_EQ(parsed->term_count(), sample.model.size());
    std::set<std::pair<std::uint8_t, std::uint32_t>> prefixes;
    for (const auto& [term, entry] : sample.model) {
      ExpectHit(*parsed, term, entry);
      prefixes.insert({term.kind, term.a});
      const Term next{term.kind, term.a, term.b + 1};
      EXPECT_EQ(parsed->Find(next).has_value(), sample.model.count(next) != 0);
    }
    std::map<Term, std::uint64_t> visited;
    for (const auto& [kind, a] : prefixes) {
      parsed->ForEach(kind, a, [&, k = kind, key = a](Term term, std::uint64_t count) {
        EXPECT_TRUE(term.kind == k && term.a == key);
        EXPECT_TRUE(visited.emplace(term, count).second);
      });
    }
    std::vector<Term> in_order;
    for (int kind = 0; kind < 256; ++kind) {
      parsed->ForEach(static_cast<std::uint8_t>(kind), std::nullopt,
                      [&](Term term, std::uint64_t) { in_order.push_back(term); });
    }
    ASSERT_EQ(visited.size(), sample.model.size());
    ASSERT_EQ(in_order.size(), sample.model.size());
    std::size_t at = 0;
    for (const auto& [term, entry] : sample.model) {
      EXPECT_EQ(visited[term], entry.count);
      EXPECT_EQ(in_order[at++], term);
    }
    parsed->ForEach(85, 12345, [](Term, std::uint64_t) { ADD_FAILURE() << "no such term"; });
  }
}

TEST(Postings, SurvivesDamage) {
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const Sample sample = ArbitrarySample(seed);
    std::mt19937_64 random(seed);
    EXPECT_FALSE(Postings::Parse(sample.section + '\1', sample.page_count).has_value());
    ForEachDamage(
        sample.section, random, 120,
        [&](std::string_view cut) {
          // Only the zeros that fill a section up may be missing, and then the count is refused.
          EXPECT_FALSE(Postings::Parse(cut, sample.page_count).has_value());
        },
        [&](std::string_view flipped) {
          const auto damaged = Postings::Parse(flipped, sample.page_count);
          if (!damaged) return;
          static_cast<void>(damaged->Verify());
          for (int kind = 0; kind < 256; ++kind) {
            std::vector<Term> terms;
            damaged->ForEach(static_cast<std::uint8_t>(kind), std::nullopt,
                             [&](Term term, std::uint64_t) { terms.push_back(term); });
            EXPECT_TRUE(std::is_sorted(terms.begin(), terms.end()));
            for (const Term& term : terms) {
              const auto hit = damaged->Find(term);
              ASSERT_TRUE(hit.has_value());
              const auto pages = hit->pages.ToVector();
              EXPECT_TRUE(pages.empty() || pages.back() < sample.page_count);
            }
          }
        });
  }
}

TEST(Postings, HasTheBytesOfTheFormatPage) {
  PostingsBuilder builder;
  const std::string empty = builder.Finish(100);
  EXPECT_EQ(ToHex(empty), "01 00");
  EXPECT_FALSE(Postings::Parse(empty, 100)->Find(Term{}).has_value());
  builder.Add({1, 7, 0}, 3);
  builder.Add({1, 7, 0}, 9);
  builder.Add({1, 7, 1}, 4);
  builder.Add({2, 0, 5}, 12, 10);
  for (std::uint32_t page = 0; page < 30; ++page) builder.Add({2, 1, 5}, page);
  for (std::uint32_t page = 16; page < 32; ++page) builder.Add({2, 1, 6}, page);
  const std::string bytes = builder.Finish(100);
  EXPECT_EQ(ToHex(bytes),
            "01 02 01 02 02 03 "
            "19 00 07 02 19 00 40 0b 29 01 01 a4 fe 00 19 00 4c 30 "
            "21 04 80 11 01 0c "
            "dd ff ff 00 00");
  const auto parsed = Postings::Parse(bytes, 100);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->Find({1, 7, 0})->pages.ToVector(), (std::vector<std::uint32_t>{3, 9}));
}

TEST(Postings, KeepsARunAsRoaringAndScatteredPagesPacked) {
  PostingsBuilder builder;
  for (std::uint32_t page = 1'000; page < 3'000; ++page) builder.Add({0, 0, 0}, page);
  const std::string runs = builder.Finish(10'000);
  EXPECT_LT(runs.size(), 40U);
  for (std::uint32_t i = 0; i < 200; ++i) builder.Add({0, 0, 0}, i * 50 + i % 7);
  const std::string scattered = builder.Finish(10'000);
  EXPECT_LT(scattered.size(), 200U);  // 7.5 bits an entry
  EXPECT_EQ(Postings::Parse(runs, 10'000)->Find({0, 0, 0})->pages.cardinality(), 2'000U);
  EXPECT_EQ(Postings::Parse(scattered, 10'000)->Find({0, 0, 0})->pages.cardinality(), 200U);
}

TEST(Postings, TakesAFewBytesATerm) {
  // As a segment has them: values numbered by first appearance, half of them on one page, the rest
  // on a few, counts small.
  PostingsBuilder builder;
  std::mt19937_64 random(3);
  constexpr std::uint32_t kPages = 262;
  constexpr std::uint32_t kTerms = 20'000;
  for (std::uint32_t i = 0; i < kTerms; ++i) {
    const Term term{2, i / 500, i % 500};
    const std::uint32_t first = i % 500 * kPages / 500;
    builder.Add(term, first, 1 + random() % 3);
    for (std::uint64_t n = i % 2 == 0 ? random() % 6 : 0; n > 0; --n) {
      builder.Add(term, static_cast<std::uint32_t>(random() % kPages));
    }
  }
  const std::string section = builder.Finish(kPages);
  RecordProperty("bytes_a_term", std::to_string(static_cast<double>(section.size()) / kTerms));
  EXPECT_LT(section.size(), kTerms * 4U);
}

TEST(Postings, PaysABytePerSixtyFourTerms) {
  PostingsBuilder builder;
  for (std::uint32_t i = 0; i < 100'000; ++i) builder.Add({0, 0, i}, 0);
  const std::string section = builder.Finish(1);
  EXPECT_EQ(section.size(), 1563U);
  ASSERT_TRUE(Postings::Parse(section, 1).has_value());
  EXPECT_EQ(Postings::Parse(section, 1)->Find({0, 0, 99'999})->count, 1U);
  EXPECT_FALSE(Postings::Parse(section.substr(0, 1562), 1).has_value());
}

// A section of one kind whose columns are given one by one.
std::string Section(std::uint64_t terms, const std::vector<std::vector<std::uint64_t>>& columns,
                    std::string_view lists) {
  std::string out("\1\1\0", 3);
  base::ByteWriter(out).Varint(terms);
  for (const auto& column : columns) column::EncodeInts(column, out);
  return out.append(lists);
}

TEST(Postings, RefusesEveryHandMadeBreakOfARule) {
  const std::uint64_t big = std::uint64_t{1} << 32;
  const struct {
    const char* what;
    std::string bytes;
  } cases[] = {
      {"nothing", ""},
      {"257 kinds", FromHex("01 81 02") + std::string(1000, '\1')},
      {"a term count past the bytes", FromHex("01 01 00 ff ff ff ff 0f 00 00 08 00")},
      {"an overlong term count", FromHex("01 01 00 ff ff ff ff ff ff ff ff ff ff 01")},
      {"two counts that overflow", FromHex("01 02 00 80 10 01 80 10 00 00 08 00")},
      {"a kind without terms", FromHex("01 01 00 00")},
      {"kinds not ascending", FromHex("01 02 05 01 05 01 00 00 08 00")},
      {"a past 32 bits", Section(1, {{big}, {0}, {1}, {0}}, "")},
      {"a overflows", Section(2, {{big - 1, 1}, {0, 0}, {1, 1}, {0, 0}}, "")},
      {"b past 32 bits", Section(1, {{0}, {big}, {1}, {0}}, "")},
      {"b overflows", Section(2, {{0, 0}, {big - 1, 0}, {1, 1}, {0, 0}}, "")},
      {"unknown form", Section(1, {{0}, {0}, {1}, {35}}, "")},
      {"huge form", Section(1, {{0}, {0}, {1}, {256}}, "")},
      {"single page past the end", Section(1, {{0}, {0}, {1}, {1}, {100}}, "")},
      {"empty list", Section(1, {{0}, {0}, {1}, {3}, {}, {0}}, "")},
      {"list past the end", Section(1, {{0}, {0}, {1}, {3}, {}, {9}}, "12345678")},
      {"lists that overflow", Section(2, {{0, 0}, {0, 0}, {1, 1}, {3, 3}, {}, {1, ~0ULL}}, "1")},
      {"bytes after the lists", Section(1, {{0}, {0}, {1}, {0}}, "1")},
  };
  for (const auto& one : cases) {
    SCOPED_TRACE(one.what);
    const auto parsed = Postings::Parse(one.bytes, 100);
    ASSERT_FALSE(parsed.has_value());
    EXPECT_EQ(parsed.error().code(), ErrorCode::kCorruption);
  }
  EXPECT_TRUE(Postings::Parse(Section(1, {{0}, {0}, {1}, {0}}, ""), 100).has_value());
  const auto newer = Postings::Parse(FromHex("02 00"), 100);
  ASSERT_FALSE(newer.has_value());
  EXPECT_EQ(newer.error().code(), ErrorCode::kUnsupported);
}

TEST(Postings, ABrokenListGivesEveryPageAndVerifyNamesIt) {
  for (const int form : {2, 3, 34}) {
    const auto parsed =
        Postings::Parse(Section(1, {{0}, {0}, {7}, {static_cast<std::uint64_t>(form)}, {}, {3}},
                                "\xff\xff\xff"), 100);
    ASSERT_TRUE(parsed.has_value());
    const auto hit = parsed->Find({0, 0, 0});
    ASSERT_TRUE(hit.has_value());
    EXPECT_EQ(hit->count, 7U);
    EXPECT_TRUE(hit->dense);
    EXPECT_TRUE(hit->pages == PageSet::Full(100));
    const auto verified = parsed->Verify();
    ASSERT_FALSE(verified.has_value());
    EXPECT_EQ(verified.error().code(), ErrorCode::kCorruption);
  }
}

}  // namespace
}  // namespace tracestore::index
