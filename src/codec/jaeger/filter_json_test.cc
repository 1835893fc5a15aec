#include <gtest/gtest.h>

#include <string>

#include "codec/jaeger/filter_tree.h"

namespace tracestore::codec {
namespace {

using Kind = FilterTerm::Kind;

std::string ErrorOf(const std::string& json) {
  const auto tree = DecodeFilterJson(json);
  return tree.has_value() ? "" : tree.error().message();
}

TEST(FilterJson, ReadsTermsInPreorder) {
  const auto tree = DecodeFilterJson(
      R"({"args":[{"call":{"op":"eq","args":[{"attr":{"key":"k","level":"event"}},)"
      R"({"scalar":{"value":"v","type":"int"}}]}},{"call":{"op":"in","args":[)"
      R"({"field":{"name":"kind","level":"span"}},)"
      R"({"list":{"values":["a","b"],"type":"string"}}]}},)"
      R"({"nested":{"level":"link"}},{}],"op":"and"})");
  ASSERT_TRUE(tree.has_value()) << tree.error().message();
  ASSERT_EQ(tree->terms.size(), 9u);
  const auto& terms = tree->terms;
  EXPECT_EQ(terms[0].kind, Kind::kCall);
  EXPECT_EQ(terms[0].text, "and");
  EXPECT_EQ(terms[0].args, (std::vector<std::uint32_t>{1, 4, 7, 8}));
  EXPECT_EQ(terms[1].text, "eq");
  EXPECT_EQ(terms[1].args, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(terms[2].kind, Kind::kAttribute);
  EXPECT_EQ(terms[2].text + terms[2].level, "kevent");
  EXPECT_EQ(terms[3].kind, Kind::kScalar);
  EXPECT_EQ(terms[3].text + terms[3].type, "vint");
  EXPECT_EQ(terms[5].kind, Kind::kField);
  EXPECT_EQ(terms[5].text + terms[5].level, "kindspan");
  EXPECT_EQ(terms[6].kind, Kind::kList);
  EXPECT_EQ(terms[6].values, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(terms[6].type, "string");
  EXPECT_EQ(terms[7].kind, Kind::kNested);
  EXPECT_EQ(terms[7].level, "link");
  EXPECT_EQ(terms[8].kind, Kind::kEmpty);
}

TEST(FilterJson, TakesNullForNothingAndTheLastTerm) {
  const auto tree = DecodeFilterJson(
      R"({"op":null,"args":[null,{"attr":{"key":"a"},"field":{"name":"n"},"list":null}]})");
  ASSERT_TRUE(tree.has_value()) << tree.error().message();
  ASSERT_EQ(tree->terms.size(), 3u);
  EXPECT_EQ(tree->terms[0].text, "");
  EXPECT_EQ(tree->terms[1].kind, Kind::kEmpty);
  EXPECT_EQ(tree->terms[2].kind, Kind::kField);
  EXPECT_TRUE(DecodeFilterJson(R"({"args":null})").has_value());
}

TEST(FilterJson, RefusesOthers) {
  EXPECT_EQ(ErrorOf(R"({"op":"eq","argz":[]})"), R"(unknown field "argz" in expression.Call)");
  EXPECT_EQ(ErrorOf(R"({"args":[{"what":1}]})"),
            R"(unknown field "what" in expression.Expression)");
  EXPECT_EQ(ErrorOf(R"({"args":[{"nested":{"key":"x"}}]})"),
            R"(unknown field "key" in expression.NestedReference)");
  EXPECT_EQ(ErrorOf(R"({"args":[{"field":{"key":"x"}}]})"),
            R"(unknown field "key" in expression.FieldReference)");
  EXPECT_EQ(ErrorOf(R"({"args":[{"scalar":{"level":"x"}}]})"),
            R"(unknown field "level" in expression.Scalar)");
  EXPECT_EQ(ErrorOf(R"({"args":[{"list":{"value":"x"}}]})"),
            R"(unknown field "value" in expression.List)");
  EXPECT_EQ(ErrorOf(R"({"op":["eq"]})"),
            "json: cannot unmarshal array into Go value of type string");
  EXPECT_EQ(ErrorOf(R"({"args":{}})"),
            "json: cannot unmarshal object into Go value of type []json.RawMessage");
  EXPECT_EQ(ErrorOf(R"({"args":[true]})"),
            "json: cannot unmarshal bool into Go value of type map[string]json.RawMessage");
  EXPECT_EQ(ErrorOf(R"({"args":[{"list":{"values":[1]}}]})"),
            "json: cannot unmarshal number into Go value of type string");
  EXPECT_EQ(ErrorOf("[]"),
            "json: cannot unmarshal array into Go value of type map[string]json.RawMessage");
  const std::string whole =
      R"({"op":"not","args":[{"call":{"op":"exists","args":[{"attr":{"key":"a"}}]}}]})";
  for (std::size_t cut = 0; cut < whole.size(); ++cut)
    EXPECT_NE(ErrorOf(whole.substr(0, cut)), "") << cut;
}

TEST(FilterJson, BoundsLengthAndNestsWithoutRecursion) {
  EXPECT_EQ(ErrorOf(std::string(kMaxFilterBytes + 1, ' ')),
            "a filter of 262145 bytes is longer than 262144");
  std::string deep;
  constexpr int kDepth = 300;  // calls; three times as many levels of JSON
  for (int i = 0; i < kDepth; ++i) deep += R"({"op":"not","args":[{"call":)";
  deep += R"({"op":"exists"})";
  for (int i = 0; i < kDepth; ++i) deep += "}]}";
  const auto tree = DecodeFilterJson(deep);
  ASSERT_TRUE(tree.has_value()) << tree.error().message();
  EXPECT_EQ(tree->terms.size(), kDepth + 1u);
  // A line of arguments as long as fits.
  std::string wide = R"({"args":[{})";
  while (wide.size() < kMaxFilterBytes - 8) wide += ",{}";
  const auto many = DecodeFilterJson(wide + "]}");
  ASSERT_TRUE(many.has_value());
  EXPECT_GT(many->terms.size(), 80'000u);
}

}  // namespace
}  // namespace tracestore::codec
