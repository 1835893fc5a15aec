#include "codec/zipkin/zipkin_json.h"

#include <gtest/gtest.h>

namespace tracestore::codec {
namespace {
TEST(A, B) {
  model::SpanBatch b;
  auto r = DecodeZipkinJson("[]", b);
  EXPECT_TRUE(r.has_value());
}
}
}
