// Where the source tree stands, for tests that read its pages and the data beside it.
#pragma once
#include <string>

namespace tracestore::base {

// Absolute, no slash at the end. In a library of its own, so that the tests themselves compile to
// the same in every checkout.
std::string SourceDir();

}  // namespace tracestore::base
