#include "sampling/reloading_strategies.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <latch>

namespace tracestore::sampling {
namespace {

std::string FileWith(double probability) {
  return R"({"service_strategies":[{"service":"s","type":"probabilistic","param":)" +
         std::to_string(probability) + "}]}";
}

class ReloadingStrategiesTest : public testing::Test {
 protected:
  void SetUp() override {
    path_ = (std::filesystem::temp_directory_path() /
             ("strategies_test_" + std::to_string(getpid()) + "_" +
              testing::UnitTest::GetInstance()->current_test_info()->name() + ".json"))
                .string();
  }
  void TearDown() override { std::filesystem::remove(path_); }
  void Write(const std::string& text) const { std::ofstream(path_) << text; }
  StrategiesSourceOptions Options() {
    StrategiesSourceOptions options;
    options.source = path_;
    options.log = [this](std::string_view line) {
      const std::lock_guard lock(log_mutex_);
      log_.emplace_back(line);
    };
    return options;
  }
  std::vector<std::string> TakeLog() {
    const std::lock_guard lock(log_mutex_);
    return std::exchange(log_, {});
  }

  std::string path_;
  std::mutex log_mutex_;
  std::vector<std::string> log_;
};

double ProbabilityOf(ReloadingStrategies& strategies) {
  return (*strategies.StrategyFor("s")).probability.value_or(-1);
}

TEST_F(ReloadingStrategiesTest, WithoutASourceTheDefaultServes) {
  auto options = Options();
  options.source.clear();
  options.default_probability = 0.125;
  auto strategies = ReloadingStrategies::Open(options);
  ASSERT_TRUE(strategies.has_value());
  EXPECT_EQ(ProbabilityOf(**strategies), 0.125);
  EXPECT_THAT(TakeLog(),
              testing::ElementsAre("No sampling strategies source provided, using defaults"));
}

TEST_F(ReloadingStrategiesTest, AFileThatIsMissingOrBadStopsTheStart) {
  const auto missing = ReloadingStrategies::Open(Options());
  ASSERT_FALSE(missing.has_value());
  EXPECT_EQ(missing.error().code(), ErrorCode::kNotFound);
  EXPECT_EQ(missing.error().message(),
            "failed to read strategies file " + path_ + ": No such file or directory");
  Write("\"nonsense\"");
  const auto bad = ReloadingStrategies::Open(Options());
  ASSERT_FALSE(bad.has_value());
  EXPECT_EQ(bad.error().message(),
            "failed to unmarshal strategies: expected an object, found a string");
}

TEST_F(ReloadingStrategiesTest, ReloadTakesAGoodTextAndKeepsTheOldOverABadOne) {
  Write(FileWith(0.5));
  auto opened = ReloadingStrategies::Open(Options());
  ASSERT_TRUE(opened.has_value()) << opened.error().message();
  ReloadingStrategies& strategies = **opened;
  EXPECT_EQ(ProbabilityOf(strategies), 0.5);
  EXPECT_EQ(*strategies.Reload(), false);  // the same text

  Write(FileWith(0.75));
  EXPECT_EQ(*strategies.Reload(), true);
  EXPECT_EQ(ProbabilityOf(strategies), 0.75);
  TakeLog();

  Write("{");
  EXPECT_FALSE(strategies.Reload().has_value());
  std::filesystem::remove(path_);
  EXPECT_FALSE(strategies.Reload().has_value());
  EXPECT_EQ(ProbabilityOf(strategies), 0.75);
  EXPECT_EQ(strategies.reloads(), 1U);
  EXPECT_EQ(strategies.failures(), 2U);
  EXPECT_THAT(TakeLog(),
              testing::Each(testing::StartsWith("failed to re-load sampling strategies: ")));
}

TEST_F(ReloadingStrategiesTest, TheIntervalReloadsWithoutARestart) {
  Write(FileWith(0.5));
  auto options = Options();
  options.reload_interval = std::chrono::milliseconds(5);
  std::latch reloaded(1);
  options.log = [&reloaded,
                 once = std::make_shared<std::atomic<bool>>(false)](std::string_view line) {
    if (line.starts_with("Updated") && !once->exchange(true)) reloaded.count_down();
  };
  auto opened = ReloadingStrategies::Open(options);
  ASSERT_TRUE(opened.has_value());
  // Renamed into place, as operators do: no reader sees half of it.
  std::ofstream(path_ + ".new") << FileWith(0.25);
  std::filesystem::rename(path_ + ".new", path_);
  reloaded.wait();
  EXPECT_EQ(ProbabilityOf(**opened), 0.25);
}

TEST_F(ReloadingStrategiesTest, AUrlIsFetched) {
  FetchedText answer{200, FileWith(0.5)};
  std::string asked;
  auto options = Options();
  options.source = "http://127.0.0.1:1/strategies.json";
  options.fetch = [&](const std::string& url) -> Result<FetchedText> {
    asked = url;
    if (answer.status == 0) return Error(ErrorCode::kIo, "connection refused");
    return answer;
  };
  auto opened = ReloadingStrategies::Open(options);
  ASSERT_TRUE(opened.has_value());
  EXPECT_EQ(asked, options.source);
  EXPECT_EQ(ProbabilityOf(**opened), 0.5);
  const auto message = [&opened] { return (*opened)->Reload().error().message(); };
  answer = {404, "nothing here"};
  EXPECT_EQ(message(), "receiving 404 while downloading strategies file: nothing here");
  answer = {503, ""};
  EXPECT_EQ(message(), "sampling strategies URL is temporarily unavailable");
  answer = {0, ""};
  EXPECT_EQ(message(), "failed to download sampling strategies: connection refused");
  EXPECT_EQ(ProbabilityOf(**opened), 0.5);
  EXPECT_EQ((*opened)->failures(), 3U);

  EXPECT_FALSE(ReloadingStrategies::Open(options).has_value());  // refused at the start
  answer = {503, ""};
  auto later = ReloadingStrategies::Open(options);
  ASSERT_TRUE(later.has_value());  // a source that isn't there yet
  EXPECT_EQ(ProbabilityOf(**later), kDefaultProbability);
  answer = {200, FileWith(0.5)};
  EXPECT_EQ(*(*later)->Reload(), true);
  EXPECT_EQ(ProbabilityOf(**later), 0.5);
}

}  // namespace
}  // namespace tracestore::sampling
