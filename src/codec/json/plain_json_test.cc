#include "codec/json/plain_json.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "codec/json/json_dom.h"

namespace tracestore::codec {
namespace {

// What the reader makes of a text with its quotes; a star where it isn't plain.
std::string Read(const std::string& text) {
  PlainJsonReader in(text);
  std::string_view out;
  return in.Text(out) ? std::string(out) : "*";
}

TEST(PlainJson, EachByteOfAText) {
  for (std::size_t size = 1; size <= 40; ++size) {
    for (std::size_t at = 0; at < size; ++at) {
      for (int byte = 0; byte < 256; ++byte) {
        std::string text(size, 'm');
        text[at] = static_cast<char>(byte);
        const bool plain = byte >= 0x20 && byte != '"' && byte != '\\';
        const std::string quoted = '"' + text + '"';
        PlainJsonReader whole(quoted);
        std::string_view out;
        ASSERT_EQ(whole.Text(out), plain || byte == '"') << size << ' ' << at << ' ' << byte;
        if (!plain) continue;
        ASSERT_EQ(out, text);
        ASSERT_EQ(whole.ascii(), byte < 0x80);
        ASSERT_TRUE(whole.AtEnd());
      }
    }
  }
}

TEST(PlainJson, EscapesAsTheTreeReadsThem) {
  for (const std::string inner :
       {R"(\"\\\/\b\f\n\r\t)", R"(a\u0041b\u00e9\u20AC)", R"(\ud83d\ude00 and more)",
        R"(long text before \u0000 and a long one behind it too)", R"(\uFFFF\ud7ff\ue000)"}) {
    const std::string text = '"' + inner + '"';
    JsonTree tree;
    const auto root = tree.Parse(text);
    ASSERT_TRUE(root.has_value()) << text;
    EXPECT_EQ(Read(text), *TextOf(*root)) << text;
  }
}

TEST(PlainJson, RefusesEscapesThatAreNone) {
  for (const char* inner : {R"(\x)", R"(\u12)", R"(\u12g4)", R"(\ud83d)", R"(\ud83d\n)",
                            R"(\ud83dabcdef)", R"(\ude00)", R"(\ud83d\ud83d)", R"(\)", R"(\u)"}) {
    EXPECT_EQ(Read('"' + std::string(inner) + '"'), "*") << inner;
    EXPECT_EQ(Read('"' + std::string(inner)), "*") << inner;
  }
  EXPECT_EQ(Read("\"a\\\n\""), "*");
}

TEST(PlainJson, TextsWithEscapesStayWhileOthersAreRead) {
  const std::string text = R"("a\nb""c\td""e")";
  PlainJsonReader in(text);
  std::string_view first, second, third;
  ASSERT_TRUE(in.Text(first) && in.Text(second) && in.Text(third) && in.AtEnd());
  EXPECT_EQ(first, "a\nb");
  EXPECT_EQ(second, "c\td");
  EXPECT_EQ(third, "e");
}

TEST(PlainJson, Numbers) {
  const auto read = [](const std::string& text) -> std::string {
    PlainJsonReader in(text);
    std::uint64_t number = 0;
    return in.Number(number) ? std::to_string(number) : "*";
  };
  EXPECT_EQ(read("0"), "0");
  EXPECT_EQ(read(" 17,"), "17");
  EXPECT_EQ(read("9999999999999999999}"), "9999999999999999999");
  for (std::size_t digits = 1; digits <= 19; ++digits) {
    const std::string text = std::string("1234567890987654321").substr(0, digits);
    EXPECT_EQ(read(text), text);
    EXPECT_EQ(read(text + ",12345678"), text);
    EXPECT_EQ(read(text + "x"), "*");
  }
  for (const char* other : {"", "01", "-1", "1.5", "1e3", "10000000000000000000", "\"1\"", "1a",
                            "99999999999999999999999999", "null"}) {
    EXPECT_EQ(read(other), "*") << other;
  }
}

// Texts, and what stands between them, that end before, at and behind each end of a block.
TEST(PlainJson, TextsAtEveryPlaceOfABlock) {
  for (std::size_t space = 0; space <= 140; ++space) {
    for (const std::size_t size : {0, 1, 15, 63, 64, 65, 130}) {
      const std::string first(size, 'a'), second(size + 1, 'b');
      const std::string text = std::string(space, ' ') + "[\"" + first + "\"" +
                               std::string(space, '\n') + ",\"" + second + "\"]";
      PlainJsonReader in(text);
      std::vector<std::string> read;
      const bool good = in.List([&] {
        std::string_view out;
        if (!in.Text(out)) return false;
        read.emplace_back(out);
        return true;
      });
      ASSERT_TRUE(good) << space << ' ' << size;
      ASSERT_EQ(read, (std::vector{first, second})) << space << ' ' << size;
      ASSERT_TRUE(in.AtEnd());
    }
  }
}

TEST(PlainJson, ObjectsOfTexts) {
  const auto read = [](const std::string& text) -> std::string {
    PlainJsonReader in(text);
    std::string all;
    const bool good = in.Texts([&](std::string_view key, std::string_view value) {
      all.append(key).append("=").append(value).append(";");
    });
    return good && in.AtEnd() ? all : "*";
  };
  EXPECT_EQ(read("{}"), "");
  EXPECT_EQ(read(" { } "), "");
  EXPECT_EQ(read(R"({"":""})"), "=;");
  EXPECT_EQ(read(R"({"a":"b","cd":"ef"})"), "a=b;cd=ef;");
  EXPECT_EQ(read(R"({ "a" : "b" ,"c":"d", "e":"f" })"), "a=b;c=d;e=f;");
  EXPECT_EQ(read(R"({"a\"b":"c\\d","e":"f\u0041"})"), "a\"b=c\\d;e=fA;");
  for (const char* wrong :
       {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":\"", "{\"a\":\"b", "{\"a\":\"b\"",
        "{\"a\":\"b\",", "{\"a\":\"b\",}", "{\"a\":1}", "{\"a\":null}", "{\"a\",\"b\"}",
        "{\"a\":\"b\"\"c\":\"d\"}", "{\"a\":\"b\nc\"}", "{\"a\nb\":\"c\"}", "{a:\"b\"}"}) {
    EXPECT_EQ(read(wrong), "*") << wrong;
  }
}

TEST(PlainJson, TakesAgainWhatStandsThereAsItIs) {
  const std::string text = R"({"a":"b"} {"a":"b"}{"a":"c"})" + std::string(100, ' ') + "\"end\"";
  PlainJsonReader reader(text);
  const std::string_view known = R"({"a":"b"})";
  EXPECT_EQ(reader.left(), text);
  EXPECT_TRUE(reader.TakeAgain(known));
  EXPECT_FALSE(reader.TakeAgain(known));  // white space is not as it was
  ASSERT_TRUE(reader.TakeAgain(" "));
  EXPECT_TRUE(reader.TakeAgain(known));
  EXPECT_FALSE(reader.TakeAgain(known));
  EXPECT_FALSE(reader.TakeAgain(text));                                  // longer than what is left
  ASSERT_TRUE(reader.TakeAgain(R"({"a":"c"})" + std::string(99, ' ')));  // beyond a block
  std::string_view end;
  EXPECT_TRUE(reader.Text(end));
  EXPECT_EQ(end, "end");
  EXPECT_TRUE(reader.AtEnd());
}

TEST(PlainJson, ObjectsAndLists) {
  const auto sum = [](const std::string& text) {
    PlainJsonReader in(text);
    std::uint64_t all = 0;
    const bool read = in.List([&] {
      return in.Object([&](std::string_view key) {
        std::uint64_t number = 0;
        bool flag = false;
        if (key == "flag") return in.Flag(flag);
        if (!in.Number(number)) return false;
        all += number * key.size();
        return true;
      });
    });
    return read && in.AtEnd() ? static_cast<int>(all) : -1;
  };
  EXPECT_EQ(sum("[]"), 0);
  EXPECT_EQ(sum(" [ { } , { \"a\" : 1 , \"bc\":2 } ] \n\t\r"), 5);
  EXPECT_EQ(sum("[{\"flag\":true},{\"flag\": false,\"a\":7}]"), 7);
  for (const char* wrong : {"", "[", "[{", "[{}", "[{},]", "[,]", "{}", "[{\"a\"}]", "[{\"a\":}]",
                            "[{\"a\":1,}]", "[{\"a\" 1}]", "[{\"flag\":truth}]", "[{\"flag\":tru",
                            "[{}]]", "[{}] x", "[{\"a\":1}{}]"}) {
    EXPECT_EQ(sum(wrong), -1) << wrong;
  }
}

}  // namespace
}  // namespace tracestore::codec
