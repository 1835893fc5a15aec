#include "store/segment/trace_table.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "base/bytes.h"
#include "codec/column/frame.h"

namespace tracestore::store {
namespace {

constexpr std::uint32_t kTexts = 9;  // in the dictionary

TracePart Part(std::uint64_t id, std::uint32_t first_row, std::uint32_t rows, std::uint32_t list) {
  TracePart part;
  part.id = {id, id + 1};
  part.start_ns = 100 * id;
  part.end_ns = 100 * id + 7;
  part.has_start = true;
  part.first_row = first_row;
  part.rows = rows;
  part.profile = list;
  return part;
}

std::vector<ServiceCount> ListOf(const ServiceLists& lists, std::uint32_t number) {
  const auto list = lists[number];
  return {list.begin(), list.end()};
}

class TraceTables : public ::testing::Test {
 protected:
  void SetUp() override {
    table_.parts = {Part(1, 0, 5, 0), Part(2, 5, 2, 1), Part(3, 7, 3, 0)};
    lists_.Add(std::vector<ServiceCount>{{2, 4, 1}, {8, 1, 0}});
    lists_.Add(std::vector<ServiceCount>{});
  }

  std::string Refusal(const std::string& section, std::uint32_t texts = kTexts) {
    const auto parsed = TraceTable::Parse(section, 10, texts);
    if (!parsed.has_value()) return "the table: " + parsed.error().message();
    const auto lists = parsed->ParseLists(section, 10, texts);
    return lists.has_value() ? "" : lists.error().message();
  }

  TraceTable table_;
  ServiceLists lists_;
};

TEST_F(TraceTables, KeepPartsAndTheirServices) {
  const std::string section = table_.Encode(lists_);
  const auto parsed = TraceTable::Parse(section, 10, kTexts);
  ASSERT_TRUE(parsed.has_value()) << parsed.error().message();
  ASSERT_EQ(3U, parsed->parts.size());
  EXPECT_EQ(7U, parsed->parts[2].first_row);
  EXPECT_EQ(307U, parsed->parts[2].end_ns);
  EXPECT_EQ(1U, parsed->parts[1].profile);
  const auto lists = parsed->ParseLists(section, 10, kTexts);
  ASSERT_TRUE(lists.has_value()) << lists.error().message();
  ASSERT_EQ(2U, lists->size());
  EXPECT_EQ((std::vector<ServiceCount>{{2, 4, 1}, {8, 1, 0}}), ListOf(*lists, 0));
  EXPECT_TRUE(ListOf(*lists, 1).empty());
}

TEST_F(TraceTables, RefuseListsThatAreDamaged) {
  const std::string section = table_.Encode(lists_);
  EXPECT_EQ("", Refusal(section));
  EXPECT_EQ("table of traces: bytes follow its end", Refusal(section + "x"));
  EXPECT_NE("", Refusal(section.substr(0, section.size() - 1)));
  EXPECT_EQ("table of traces: the service lists are cut short", Refusal(section, 8))
      << "a service that the dictionary lacks";
  table_.parts[2].profile = 2;
  EXPECT_EQ("table of traces: a service list is missing", Refusal(table_.Encode(lists_)));
}

// Numbers that would take memory: more lists than parts, more services than bytes.
TEST_F(TraceTables, RefuseCountsThatTheBytesCannotHold) {
  const std::string section = table_.Encode(lists_);
  const std::size_t lists_at = TraceTable::Parse(section, 10, kTexts)->lists_at;
  const auto with = [&](const std::vector<std::uint64_t>& numbers) {
    std::string raw;
    for (const std::uint64_t number : numbers) base::ByteWriter(raw).Varint(number);
    std::string changed = section.substr(0, lists_at);
    column::AppendRawFrame(raw, changed);
    return Refusal(changed);
  };
  EXPECT_EQ("", with({2, 1, 2, 9, 0, 0}));
  EXPECT_EQ("table of traces: the service lists are cut short", with({4, 0, 0, 0, 0}));
  EXPECT_EQ("table of traces: the service lists are cut short", with({2, 1ULL << 40}));
  EXPECT_EQ("table of traces: the service lists are cut short", with({1, 1, 2, 1ULL << 33, 0}));
  EXPECT_EQ("table of traces: a service list is missing", with({0}));
}

}  // namespace
}  // namespace tracestore::store
