#include "codec/jaeger/jaeger_json.h"

#include <gtest/gtest.h>

namespace tracestore::codec {
namespace {
TEST(A, B) {
  model::SpanBatch b;
  auto r = DecodeJaegerJson("{\"data\":[]}", b);
  EXPECT_TRUE(r.has_value());
}
}
}
