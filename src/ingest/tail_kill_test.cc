// The tail sampler over a real store, killed at random moments: no acknowledged span of a kept
// trace is missing or stands twice, none of a dropped one stands.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <tracestore/store.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <random>
#include <set>
#include <vector>

#include "api/deletes_test_support.h"
#include "fs/posix_file_system.h"
#include "ingest/tail_sampler_test_support.h"

namespace tracestore::ingest {
namespace {

using api::testing::TemporaryDirectory;

constexpr SpanContext kFrom{{transport::kGrpc, format::kOtlpProto, ""}, nullptr};
constexpr std::uint64_t kSpansOfTrace = 4;

// Every third trace is kept: all its spans are errors, so that a part of it is kept, too, whose
// decision was forgotten.
bool IsKept(std::uint64_t trace) { return trace % 3 == 0; }

struct Service {
  std::unique_ptr<Store> store;
  std::unique_ptr<TailTarget> target;
  sampling::TailPolicies policies = ErrorPolicy();
  std::unique_ptr<TailSampler> sampler;
};

// Small files and little memory: files go and spans are read back all the time.
void OpenService(const std::string& path, bool background, Service& service) {
  StoreOptions store;
  store.sync = SyncPolicy::kOff;  // a killed process loses nothing
  store.head_max_spans = 1000;
  auto opened = Store::Open(path, store);
  if (!opened.has_value()) _exit(3);
  service.store = std::move(opened).value();
  service.target = MakeTailTarget(*service.store);
  TailSamplerOptions options;
  options.wait = std::chrono::milliseconds(15);
  options.sync = SyncPolicy::kOff;
  options.file_bytes = 20'000;
  options.max_memory_bytes = 20'000;
  options.background = background;
  static fs::PosixFileSystem files;
  auto sampler =
      TailSampler::Open(files, path + "/pending", service.policies, options, *service.target, {});
  if (!sampler.has_value()) _exit(4);
  service.sampler = std::move(sampler).value();
}

// Appends spans of ever new traces, some of each now and the rest later, and tells each batch that
// was acknowledged by its number.
[[noreturn]] void AppendForever(const std::string& path, int pipe, std::uint64_t first) {
  Service service;
  OpenService(path, true, service);
  for (std::uint64_t batch = first;; ++batch) {
    std::vector<TestSpan> spans;
    for (std::uint64_t i = 0; i < kSpansOfTrace && i <= batch; ++i) {
      const std::uint64_t trace = batch - i;  // span i of it
      spans.push_back({trace, i + 1, IsKept(trace) ? StatusCode::kError : StatusCode::kOk});
    }
    if (!service.sampler->Accept(BatchOf(spans), kFrom).has_value()) _exit(5);
    if (write(pipe, &batch, sizeof batch) != sizeof batch) _exit(6);
    if (batch % 50 == 0) usleep(1000);
  }
}

TEST(TailSamplerKill, EachKeptSpanStandsOnceAfterAnyKills) {
  const char* const asked = std::getenv("TRACESTORE_KILL_ROUNDS");
  const int kills = asked != nullptr ? std::atoi(asked) : 15;
  const TemporaryDirectory directory;
  std::mt19937_64 random(17);
  std::vector<std::uint64_t> acknowledged;
  std::uint64_t next = 0;
  for (int number = 0; number < kills; ++number) {
    SCOPED_TRACE("kill " + std::to_string(number));
    int ends[2];
    ASSERT_EQ(pipe(ends), 0);
    const pid_t child = fork();
    if (child == 0) {
      close(ends[0]);
      AppendForever(directory.path(), ends[1], next);
    }
    close(ends[1]);
    std::uint64_t batch = 0;
    const auto take = [&] {
      if (read(ends[0], &batch, sizeof batch) != sizeof batch) return false;
      acknowledged.push_back(batch);
      next = batch + 1;
      return true;
    };
    const std::size_t enough = acknowledged.size() + 100 + random() % 900;
    while (acknowledged.size() < enough && take()) {
    }
    kill(child, SIGKILL);
    while (take()) {
    }
    close(ends[0]);
    ++next;  // the batch that was broken off may be there or not, and isn't sent again
    int status = 0;
    waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child gave up with " << WEXITSTATUS(status);
  }
  Service service;
  OpenService(directory.path(), false, service);
  const Status decided = service.sampler->DecideAll();
  ASSERT_TRUE(decided.has_value()) << decided.error().message();
  const auto snapshot = service.store->TakeSnapshot();
  ASSERT_TRUE(snapshot.has_value());
  const std::set<std::uint64_t> batches(acknowledged.begin(), acknowledged.end());
  std::uint64_t found = 0;
  for (std::uint64_t trace = 0; trace <= next; ++trace) {
    const auto spans = snapshot->Get({1, trace});
    std::multiset<std::uint64_t> ids;
    for (std::size_t i = 0; spans.has_value() && i < spans->size(); ++i)
      ids.insert((*spans)[i].span_id().value);
    found += ids.size();
    for (std::uint64_t i = 0; i < kSpansOfTrace; ++i) {
      const std::size_t count = ids.count(i + 1);
      EXPECT_LE(count, IsKept(trace) ? 1u : 0u) << "trace " << trace << " span " << i + 1;
      if (IsKept(trace) && batches.contains(trace + i)) {
        EXPECT_EQ(count, 1u) << "trace " << trace << " span " << i + 1;
      }
    }
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_GT(found, acknowledged.size());  // a third of four spans a batch
}

}  // namespace
}  // namespace tracestore::ingest
