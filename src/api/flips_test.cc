// One bit flipped anywhere in the files of a store: verify finds it or it changes nothing, and
// every answer is the right one or an error that names the place. TRACESTORE_FLIP_ROUNDS says how
// often.
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <tracestore/store.h>
#include <tracestore/verify.h>

#include "api/answers_test_support.h"
#include "api/deletes_test_support.h"
#include "api/file_test_support.h"
#include "codec/testing/arbitrary_batch.h"

namespace tracestore {
namespace {

namespace files = std::filesystem;
using api::testing::Answers;
using api::testing::Ask;
using api::testing::OpenOrFail;
using api::testing::ReadFile;
using api::testing::WriteFile;
using api::testing::Questions;
using codec::Random;

std::uint64_t Rounds(std::uint64_t otherwise) {
  const char* asked = std::getenv("TRACESTORE_FLIP_ROUNDS");
  return asked != nullptr ? std::strtoull(asked, nullptr, 10) : otherwise;
}

model::SpanBatch SomeSpans(std::uint64_t seed, std::uint32_t spans) {
  codec::ArbitraryOptions options;
  options.spans = spans;
  options.traces = 6;
  options.beyond_origin = true;
  options.hostile_strings = false;
  options.weird_times = false;
  return codec::ArbitraryBatch(seed, options);
}

class Flips : public ::testing::Test {
 protected:
  // Three segments with traces in common, tombstones, two logs with records; nobody has it open.
  void SetUp() override {
    const std::string made = directory_.path() + "-made";
    {
      auto store = OpenOrFail(made);
      for (const std::uint64_t seed : {1, 2, 1}) {
        ASSERT_TRUE(store->AppendBatch(SomeSpans(seed, 25)).has_value());
        ASSERT_TRUE(store->Seal().has_value());
      }
      ASSERT_TRUE(store->Delete({SomeSpans(2, 25).spans[3].trace_id}).has_value());
      ASSERT_TRUE(store->AppendBatch(SomeSpans(3, 8)).has_value());
      ASSERT_TRUE(store->AppendBatch(SomeSpans(2, 8)).has_value());
      files::copy(made, path(), files::copy_options::recursive);  // as a kill would leave it
      auto reader = OpenOrFail(path().string(), OpenMode::kRead);
      const auto snapshot = reader->TakeSnapshot();
      ASSERT_TRUE(snapshot.has_value());
      questions_ = api::testing::QuestionsOf(*snapshot);
      right_ = Ask(*snapshot, questions_);
    }
    const auto report = Verify(path().string());
    ASSERT_TRUE(report.has_value() && report->sound());
    for (const auto& entry : files::recursive_directory_iterator(path())) {
      const std::string name = entry.path().filename();
      // Nobody reads what is in a lock file: docs/format/directory.md, catalog.md.
      if (entry.is_regular_file() && name != "lock" && name != "lock.mdb") {
        files_.push_back(entry.path());
      }
    }
    std::sort(files_.begin(), files_.end());
    ASSERT_EQ(6U, files_.size());
  }

  files::path path() const { return directory_.path(); }

  // What a store says whose `file` is damaged. Gives whether anything was refused.
  bool CheckAnswers(const files::path& file) {
    StoreOptions options = api::testing::Options(OpenMode::kRead);
    const auto store = Store::Open(path(), options);
    if (!store.has_value()) {
      EXPECT_TRUE(NamesIt(store.error().message(), file)) << store.error().message();
      return true;
    }
    const auto snapshot = (*store)->TakeSnapshot();
    if (!snapshot.has_value()) {
      EXPECT_TRUE(NamesIt(snapshot.error().message(), file)) << snapshot.error().message();
      return true;
    }
    bool refused = false;
    for (const auto& [question, answer] : Ask(*snapshot, questions_)) {
      const auto& due = right_.at(question);
      if (answer.ok || !due.ok) {
        EXPECT_EQ(due.text, answer.text) << question;
        EXPECT_EQ(due.ok, answer.ok) << question;
      } else {
        refused = true;
        EXPECT_TRUE(NamesIt(answer.text, file)) << question << ": " << answer.text;
      }
      if (HasFailure()) break;
    }
    return refused;
  }
  static bool NamesIt(const std::string& message, const files::path& file) {
    return message.find(file.string()) != std::string::npos ||
           message.find(file.parent_path().string() + ": ") != std::string::npos;
  }

  api::testing::TemporaryDirectory directory_;
  std::vector<files::path> files_;
  Questions questions_;
  Answers right_;
};

TEST_F(Flips, AreFoundAndNeverGiveAWrongAnswer) {
  const std::uint64_t seed = 4711;
  Random random(seed);
  const std::uint64_t rounds = Rounds(150);
  std::uint64_t found = 0, refused = 0;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const files::path& file = files_[static_cast<std::size_t>(round % files_.size())];
    const std::string whole = ReadFile(file);
    std::string flipped = whole;
    const auto at = static_cast<std::size_t>(random.Below(whole.size()));
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << random.Below(8)));
    SCOPED_TRACE("seed " + std::to_string(seed) + ", round " + std::to_string(round) + ": byte " +
                 std::to_string(at) + " of " + file.string());
    files::remove(path() / "catalog" / "lock.mdb");
    WriteFile(file, flipped);
    const auto report = Verify(path().string());
    ASSERT_TRUE(report.has_value()) << report.error().message();
    const bool says = !report->sound();
    const bool refuses = CheckAnswers(file);
    WriteFile(file, whole);
    if (HasFailure()) return;
    found += says ? 1 : 0;
    refused += refuses ? 1 : 0;
    // What nobody reads: the reserved bytes of a segment's header, and of the catalog what
    // docs/format/catalog.md lists under "Damage". All else is found.
    const bool reserved = file.extension() == ".seg" && at >= 12 && at < 16;
    EXPECT_TRUE(says || reserved || file.filename() == "data.mdb");
    EXPECT_TRUE(says || !refuses);
    if (HasFailure()) return;
  }
  EXPECT_GT(found, rounds / 2);
  EXPECT_GT(refused, rounds / 4);
}

// Of a log that is cut short nobody can tell that it was longer: what is left is right.
TEST_F(Flips, CutFilesAreFoundAndNeverGiveAWrongAnswer) {
  Random random(815);
  const std::uint64_t rounds = Rounds(150) / 3;
  for (std::uint64_t round = 0; round < rounds; ++round) {
    const files::path& file = files_[static_cast<std::size_t>(round % files_.size())];
    if (file.extension() == ".log") continue;
    const std::string whole = ReadFile(file);
    const auto left = static_cast<std::size_t>(random.Below(whole.size()));
    SCOPED_TRACE("round " + std::to_string(round) + ": " + file.string() + " cut to " +
                 std::to_string(left));
    files::remove(path() / "catalog" / "lock.mdb");
    WriteFile(file, whole.substr(0, left));
    const auto report = Verify(path().string());
    ASSERT_TRUE(report.has_value()) << report.error().message();
    // a reader may have filled the catalog's end with zeros
    WriteFile(file, whole.substr(0, left));
    const bool refuses = CheckAnswers(file);
    WriteFile(file, whole);
    EXPECT_TRUE(!report->sound() || (file.filename() == "data.mdb" && !refuses));
    if (HasFailure()) return;
  }
}

// A catalog that is gone is not made anew over segments that stand: a writer would remove them.
TEST_F(Flips, ALostCatalogCostsNoSegment) {
  files::remove_all(path() / "catalog");
  const auto refused = Store::Open(path(), api::testing::Options(OpenMode::kWrite));
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(ErrorCode::kCorruption, refused.error().code());
  EXPECT_NE(refused.error().message().find("it is empty, but 3 segments stand in"),
            std::string::npos)
      << refused.error().message();
  for (const files::path& file : files_) EXPECT_TRUE(files::exists(file)) << file;
  EXPECT_FALSE(Verify(path().string()).value().sound());
}

}  // namespace
}  // namespace tracestore
