// The filter in protobuf, held to the same in JSON: protobuf's own classes write both.
#include <google/protobuf/util/json_util.h>
#include <gtest/gtest.h>

#include "codec/jaeger/filter_tree.h"
#include "codec/testing/arbitrary_batch.h"
#include "expression/v1/expression.pb.h"

namespace tracestore::codec {
namespace {

namespace api = jaeger::expression::v1;

void Fill(Random& random, unsigned depth, api::Call& call);

void Fill(Random& random, unsigned depth, api::Expression& expression) {
  const auto word = [&] { return random.Percent(90) ? "w" + std::to_string(random.Below(9)) : ""; };
  switch (random.Below(depth == 0 ? 6 : 7)) {
    case 0: break;
    case 1:
      expression.mutable_attr()->set_key(word());
      expression.mutable_attr()->set_level(word());
      break;
    case 2:
      expression.mutable_field()->set_name(word());
      expression.mutable_field()->set_level(word());
      break;
    case 3: expression.mutable_nested()->set_level(word()); break;
    case 4:
      expression.mutable_scalar()->set_value(word());
      expression.mutable_scalar()->set_type(word());
      break;
    case 5:
      for (std::uint64_t i = random.Below(4); i > 0; --i)
        expression.mutable_list()->add_values(word());
      expression.mutable_list()->set_type(word());
      break;
    default: Fill(random, depth - 1, *expression.mutable_call());
  }
}

void Fill(Random& random, unsigned depth, api::Call& call) {
  call.set_op("op" + std::to_string(random.Below(9)));
  for (std::uint64_t i = random.Below(5); i > 0; --i) Fill(random, depth, *call.add_args());
}

bool Same(const FilterTree& a, const FilterTree& b) {
  const auto same = [](const FilterTerm& x, const FilterTerm& y) {
    return x.kind == y.kind && x.text == y.text && x.level == y.level && x.type == y.type &&
           x.values == y.values && x.args == y.args;
  };
  return std::equal(a.terms.begin(), a.terms.end(), b.terms.begin(), b.terms.end(), same);
}

TEST(JaegerFilterProtobuf, SaysWhatJsonSays) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    api::Call call;
    Fill(random, 6, call);
    std::string json;
    ASSERT_TRUE(google::protobuf::util::MessageToJsonString(call, &json).ok());
    const std::string bytes = call.SerializeAsString();
    const auto from_json = DecodeFilterJson(json);
    const auto from_bytes = DecodeFilterProtobuf(bytes);
    ASSERT_TRUE(from_json.has_value()) << from_json.error().message();
    ASSERT_TRUE(from_bytes.has_value()) << from_bytes.error().message();
    EXPECT_TRUE(Same(*from_json, *from_bytes)) << json;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      EXPECT_EQ(DecodeFilterProtobuf(cut).has_value(), api::Call().ParseFromString(cut));
    }
  }
}

TEST(JaegerFilterProtobuf, DepthCostsNoStack) {
  std::string call;
  while (call.size() < 60'000) {  // each call around the last: {op:"", args:[{call:…}]}
    const auto wrapped = [](char tag, const std::string& inside) {
      std::string out(1, tag);
      for (std::size_t size = inside.size();; size >>= 7) {
        out += static_cast<char>(size < 0x80 ? size : (size & 0x7F) | 0x80);
        if (size < 0x80) break;
      }
      return out + inside;
    };
    call = wrapped('\x12', wrapped('\x32', call));
  }
  const auto tree = DecodeFilterProtobuf(call);
  ASSERT_TRUE(tree.has_value()) << tree.error().message();
  EXPECT_GT(tree->terms.size(), 7'000u);
}

TEST(JaegerFilterProtobuf, Refuses) {
  const auto cut = DecodeFilterProtobuf("\x0A\x10xx");
  ASSERT_FALSE(cut.has_value());
  EXPECT_EQ(cut.error().message(),
            "the filter can't be read: a field runs past the end of its message");
  EXPECT_FALSE(DecodeFilterProtobuf(std::string(kMaxFilterBytes + 1, '\0')).has_value());
}

}  // namespace
}  // namespace tracestore::codec
