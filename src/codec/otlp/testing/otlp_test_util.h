// What the tests of this folder share.
#pragma once
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "codec/testing/arbitrary_batch.h"
#include "model/span_batch.h"

namespace tracestore::codec {

// Every span of `a` is the one at the same row of `b`.
inline void ExpectSameSpans(const model::SpanBatch& a, const model::SpanBatch& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t row = 0; row < a.size(); ++row) {
    ASSERT_TRUE(model::SpansEqual(a, a.spans[row], b, b.spans[row]))
        << "row " << row << "\nexpected " << DescribeSpan(a, a.spans[row]) << "\ngot      "
        << DescribeSpan(b, b.spans[row]);
  }
}

inline std::string ReadFile(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace tracestore::codec
