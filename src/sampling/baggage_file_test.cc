#include "sampling/baggage_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace tracestore::sampling {
namespace {

TEST(BaggageFile, IsReadAndReadAgain) {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("baggage_file_test_" + std::to_string(getpid()) + ".json"))
                               .string();
  EXPECT_EQ(BaggageFile::Open(path).error().message(),
            "failed to read baggage restrictions " + path + ": No such file or directory");
  std::ofstream(path) << R"([{"baggageKey":"user","maxValueLength":64}])";
  auto file = BaggageFile::Open(path);
  ASSERT_TRUE(file.has_value()) << file.error().message();
  const std::vector<codec::BaggageRestriction> first = {{"user", 64}};
  EXPECT_EQ(*(*file)->RestrictionsFor("any"), first);

  std::ofstream(path) << "{}";
  EXPECT_EQ((*file)->Reload().error().message(),
            path + ": baggage restrictions: expected a list, found an object");
  EXPECT_EQ(*(*file)->RestrictionsFor("any"), first);
  std::ofstream(path) << "[]";
  EXPECT_TRUE((*file)->Reload().has_value());
  EXPECT_TRUE((*file)->RestrictionsFor("any")->empty());
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace tracestore::sampling
