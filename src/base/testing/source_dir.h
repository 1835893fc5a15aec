// Where the source tree stands, for tests that read its pages and the data beside it.
#pragma once
#include <filesystem>
#include <string>

namespace tracestore::base {

// Absolute, no slash at the end. In a library of its own, so that the tests themselves compile to
// the same in every checkout.
std::string SourceDir();

// Real files of others for tests to read: where TRACESTORE_SHARED_DATA says, else ../shared/data
// beside the checkout.
std::filesystem::path SharedData();

// Where they aren't, says on stdout that the test is not run.
bool SharedDataIsThere();

}  // namespace tracestore::base
