// Clients, collectors and a clock that are simulated: does each operation come to the target, from
// one request in ten seconds to ten thousand a second?
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <deque>
#include <random>

#include "sampling/adaptive/adaptive_sampler.h"

namespace tracestore::sampling {
namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 1'700'000'000 * kSecond;
constexpr std::array kRates = {0.1, 0.3, 1.0, 3.0, 10.0, 100.0, 1'000.0, 10'000.0};

enum class ClientKind { kJaeger, kOpenTelemetry };

// One instance of a service: asks for its strategy once a minute and obeys it.
struct Counts {
  std::array<std::uint64_t, kRates.size()> requests{};
  std::array<std::uint64_t, kRates.size()> sampled{};
};

class Client {
 public:
  Client(ClientKind kind, std::uint64_t seed)
      : kind_(kind), random_(seed), asks_at_(seed * 7 % 60) {
    tokens_.fill(1);
  }

  // A second of requests to every operation.
  void Second(std::uint64_t second, double share, StrategyProvider& agent,
              std::vector<RootSpan>& sent, Counts& counts) {
    if (second % 60 == asks_at_) strategy_ = *agent.StrategyFor("shop");
    for (std::size_t i = 0; i < kRates.size(); ++i) {
      const auto requests = std::poisson_distribution<std::uint64_t>(kRates[i] * share)(random_);
      counts.requests[i] += requests;
      counts.sampled[i] += Sample(i, requests, sent);
    }
  }

 private:
  static std::string NameOf(std::size_t operation) { return "op" + std::to_string(operation); }

  double ProbabilityOf(std::size_t operation) const {
    for (const auto& each : strategy_.operations->operations)
      if (each.operation == NameOf(operation)) return each.probability;
    return strategy_.operations->default_probability;
  }

  std::uint64_t Sample(std::size_t operation, std::uint64_t requests, std::vector<RootSpan>& sent) {
    if (!strategy_.operations.has_value()) return 0;  // hasn't asked yet
    const double probability = ProbabilityOf(operation);
    tokens_[operation] = std::min(1.0, tokens_[operation] + strategy_.operations->lower_bound);
    const auto drawn = std::binomial_distribution<std::uint64_t>(requests, probability)(random_);
    const SamplerKind kind =
        kind_ == ClientKind::kJaeger ? SamplerKind::kProbabilistic : SamplerKind::kSilent;
    for (std::uint64_t i = 0; i < drawn; ++i)
      sent.push_back({"shop", NameOf(operation), kind, probability});
    if (drawn > 0)
      tokens_[operation] = std::max(0.0, tokens_[operation] - static_cast<double>(drawn));
    if (requests == drawn || tokens_[operation] < 1) return drawn;
    tokens_[operation] -= 1;
    sent.push_back({"shop", NameOf(operation),
                    kind_ == ClientKind::kJaeger ? SamplerKind::kLowerBound : SamplerKind::kSilent,
                    probability});
    return drawn + 1;
  }

  const ClientKind kind_;
  std::mt19937_64 random_;
  const std::uint64_t asks_at_;
  std::array<double, kRates.size()> tokens_{};
  codec::SamplingStrategy strategy_;
};

struct World {
  explicit World(ClientKind kind, std::size_t collector_count, std::uint64_t seed)
      : store(MakeMemorySamplingStore()) {
    for (std::size_t i = 0; i < collector_count; ++i) Join(kStart);
    for (std::uint64_t i = 0; i < 3; ++i) clients.emplace_back(kind, seed * 100 + i);
  }

  void Join(std::uint64_t now) {
    AdaptiveSampler::Options options;
    options.collector = "collector-" + std::to_string(++joined);
    auto sampler = AdaptiveSampler::Open(std::move(options), *store, now);
    ASSERT_TRUE(sampler.has_value());
    collectors.push_back(std::move(*sampler));
  }

  // What happened in these seconds.
  Counts Run(std::uint64_t seconds) {
    Counts counts;
    for (std::uint64_t i = 0; i < seconds; ++i, ++second) {
      for (std::size_t c = 0; c < clients.size(); ++c) {
        std::vector<RootSpan> sent;
        AdaptiveSampler& collector = *collectors[(c + second) % collectors.size()];
        clients[c].Second(second, 1.0 / static_cast<double>(clients.size()), collector, sent,
                          counts);
        collector.Record(sent);
      }
      for (const auto& collector : collectors) collector->Tick(kStart + second * kSecond);
    }
    return counts;
  }

  // The average over ten intervals is within the tolerance of min(target, request rate).
  void ExpectOnTarget(const char* when) {
    const AdaptiveOptions settings;
    const double seconds = 600;
    const Counts counts = Run(600);
    for (std::size_t op = 0; op < kRates.size(); ++op) {
      const double wanted = std::min(settings.target_samples_per_second,
                                     static_cast<double>(counts.requests[op]) / seconds);
      const double got = static_cast<double>(counts.sampled[op]) / seconds;
      EXPECT_NEAR(got, wanted, wanted * settings.delta_tolerance)
          << kRates[op] << " requests a second, " << when;
    }
  }

  std::unique_ptr<SamplingStore> store;
  std::vector<std::unique_ptr<AdaptiveSampler>> collectors;
  std::deque<Client> clients;
  std::uint64_t second = 0;
  int joined = 0;
};

constexpr std::uint64_t kWarmUp = 3'600;  // ten doublings from 0.001 to 1, some four minutes each

TEST(AdaptiveSimulation, JaegersClientsReachTheTargetAtEveryRate) {
  for (const std::uint64_t seed : {1, 2, 3, 4}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(ClientKind::kJaeger, 1, seed);
    world.Run(kWarmUp);
    world.ExpectOnTarget("first ten minutes");
    world.ExpectOnTarget("next ten minutes");
  }
}

TEST(AdaptiveSimulation, OpenTelemetryClientsThatSayNothingReachItToo) {
  for (const std::uint64_t seed : {5, 6, 7, 8}) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    World world(ClientKind::kOpenTelemetry, 1, seed);
    world.Run(kWarmUp);
    world.ExpectOnTarget("first ten minutes");
    world.ExpectOnTarget("next ten minutes");
  }
}

TEST(AdaptiveSimulation, CollectorsThatShareAStoreActAsOneAndSurviveTheirLeader) {
  World world(ClientKind::kOpenTelemetry, 3, 7);
  world.Run(kWarmUp);
  world.ExpectOnTarget("three collectors");
  std::size_t leader = world.collectors.size();
  for (std::size_t i = 0; i < world.collectors.size(); ++i) {
    if (!world.collectors[i]->counters().leader) continue;
    EXPECT_EQ(leader, world.collectors.size()) << "two leaders";
    leader = i;
  }
  ASSERT_LT(leader, world.collectors.size()) << "no leader";
  world.collectors.erase(world.collectors.begin() + static_cast<std::ptrdiff_t>(leader));
  world.Run(300);
  world.ExpectOnTarget("after the leader is gone");
  int leaders = 0;
  for (const auto& each : world.collectors) leaders += each->counters().leader ? 1 : 0;
  EXPECT_EQ(leaders, 1);
}

TEST(AdaptiveSimulation, ARestartGoesOnWhereItWas) {
  World world(ClientKind::kJaeger, 1, 8);
  world.Run(kWarmUp);
  world.collectors.clear();
  world.Join(kStart + world.second * kSecond);
  world.ExpectOnTarget("after a restart");
}

TEST(AdaptiveSimulation, AnOperationThatDoesNotObeyKeepsItsProbability) {
  const auto store = MakeMemorySamplingStore();
  AdaptiveSampler::Options options;
  options.collector = "c";
  auto opened = AdaptiveSampler::Open(std::move(options), *store, kStart);
  ASSERT_TRUE(opened.has_value());
  AdaptiveSampler& sampler = **opened;
  const auto probability = [&sampler] {
    const auto strategy = *sampler.StrategyFor("s");
    return strategy.operations->operations.empty() ? -1
                                                   : strategy.operations->operations[0].probability;
  };
  // Always 0.5, whatever it is told, 100 times a second.
  for (std::uint64_t second = 0; second < 1'800; ++second) {
    sampler.Record(std::vector<RootSpan>(100, {"s", "op", SamplerKind::kProbabilistic, 0.5}));
    sampler.Tick(kStart + second * kSecond);
  }
  // The first change is made because a new operation is taken to obey.
  EXPECT_NEAR(probability(), 0.001 / 100, 1e-6);
  EXPECT_TRUE(sampler.counters().leader);
  EXPECT_GT(sampler.counters().calculations, 20U);
  EXPECT_EQ(sampler.counters().operations, 1U);
  // Silent for longer than the buckets reach back: forgotten.
  for (std::uint64_t second = 1'800; second < 3'000; ++second)
    sampler.Tick(kStart + second * kSecond);
  EXPECT_EQ(sampler.counters().operations, 0U);
  EXPECT_EQ(sampler.StrategyFor("s")->operations->default_probability, 0.001);
  EXPECT_NEAR(sampler.StrategyFor("s")->operations->lower_bound, 1.0 / 60, 1e-12);
}

TEST(AdaptiveOptions, SaysWhichSettingIsWrong) {
  const auto message = [](auto change) {
    AdaptiveOptions options;
    change(options);
    const Status status = options.Validate();
    return status.has_value() ? std::string("valid") : status.error().message();
  };
  EXPECT_EQ(message([](AdaptiveOptions&) {}), "valid");
  EXPECT_EQ(message([](AdaptiveOptions& o) { o.delta_tolerance = 1.5; }),
            "adaptive sampling: delta_tolerance is 1.5, not from 0 to below 1");
  EXPECT_EQ(message([](AdaptiveOptions& o) { o.target_samples_per_second = 0; }),
            "adaptive sampling: target_samples_per_second is 0, not above 0");
  EXPECT_EQ(message([](AdaptiveOptions& o) { o.calculation_buckets = 11; }),
            "adaptive sampling: calculation_buckets is 11, not from 1 to aggregation_buckets");
  EXPECT_EQ(message([](AdaptiveOptions& o) { o.calculation_interval = {}; }),
            "adaptive sampling: calculation_interval is 0s, not above 0 to 24h");
  EXPECT_EQ(message([](AdaptiveOptions& o) { o.initial_sampling_probability = 2; }),
            "adaptive sampling: initial_sampling_probability is 2, not above 0 to 1");
}

}  // namespace
}  // namespace tracestore::sampling
