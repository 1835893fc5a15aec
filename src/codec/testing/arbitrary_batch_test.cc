#include "codec/testing/arbitrary_batch.h"

#include <gtest/gtest.h>

#include "model/value_blob.h"

namespace tracestore::codec {
namespace {

TEST(ArbitraryBatch, IsTheSameForTheSameSeedAndWellFormed) {
  for (const Origin origin : {Origin::kOtlp, Origin::kJaeger, Origin::kZipkin}) {
    for (const bool beyond : {false, true}) {
      for (std::uint64_t seed = 0; seed < 30; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        ArbitraryOptions options;
        options.origin = origin;
        options.beyond_origin = beyond;
        options.unknown_fields = true;
        options.invalid_utf8 = true;
        const model::SpanBatch a = ArbitraryBatch(seed, options);
        const model::SpanBatch b = ArbitraryBatch(seed, options);
        ASSERT_EQ(a.size(), options.spans);
        for (std::size_t row = 0; row < a.size(); ++row) {
          EXPECT_TRUE(model::SpansEqual(a, a.spans[row], b, b.spans[row]))
              << DescribeSpan(a, a.spans[row]);
        }
        for (const model::Attribute& attribute : a.attributes) {
          if (attribute.type() != ValueType::kArray && attribute.type() != ValueType::kMap)
            continue;
          EXPECT_TRUE(model::ValidateValueBlob(a.text(static_cast<model::StringId>(attribute.bits)),
                                               attribute.type())
                          .has_value());
        }
      }
    }
  }
}

}  // namespace
}  // namespace tracestore::codec
