// ReloadingStrategies: a strategies file, or a URL of one, that is read again while the service
// runs. A new text that can't be read leaves the strategies as they were and is counted.
#pragma once
#include <tracestore/status.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "sampling/static_strategies.h"
#include "sampling/strategy_provider.h"

namespace tracestore::sampling {

// What a GET of a URL gave.
struct FetchedText {
  int status = 0;
  std::string body;
};
// Errors: the network's; may block for its own time-out, which is a second for strategies.
using FetchUrl = std::function<Result<FetchedText>(const std::string& url)>;

struct StrategiesSourceOptions {
  std::string source;  // a path, or a URL of http or https; "" = none, the default for everyone
  double default_probability = kDefaultProbability;  // 0 to 1
  // How often the source is read again; 0 = only by Reload(). Its text decides, not its date.
  std::chrono::milliseconds reload_interval{0};
  FetchUrl fetch;  // required for a URL
  // Called with one sentence when something was loaded, or couldn't be. On any thread; may be
  // unset.
  std::function<void(std::string_view)> log;
};

class ReloadingStrategies final : public StrategyProvider {
 public:
  // Reads the source once. A URL that answers 503 counts as not there yet: the default serves until
  // a reload finds it. Errors: kNotFound or kIo, "failed to read strategies file x.json: No such
  // file or directory"; kInvalidArgument for a text that is no strategies file.
  static Result<std::unique_ptr<ReloadingStrategies>> Open(StrategiesSourceOptions options);

  ~ReloadingStrategies() override;
  ReloadingStrategies(const ReloadingStrategies&) = delete;
  ReloadingStrategies& operator=(const ReloadingStrategies&) = delete;

  Result<codec::SamplingStrategy> StrategyFor(std::string_view service) override;

  // Reads the source now, on the caller's thread (a signal's, the interval's). True if strategies
  // changed; an error leaves them as they are.
  Result<bool> Reload();

  std::uint64_t reloads() const noexcept { return reloads_.load(); }    // that changed something
  std::uint64_t failures() const noexcept { return failures_.load(); }  // that gave an error

 private:
  explicit ReloadingStrategies(StrategiesSourceOptions options);
  Result<std::string> ReadSource() const;
  Result<bool> Load(bool first);
  void Log(std::string_view sentence) const;
  void Run(const std::stop_token& stop);

  const StrategiesSourceOptions options_;
  std::atomic<std::shared_ptr<const StaticStrategies>> strategies_;  // never null after Open()
  std::mutex reload_mutex_;                                          // one reload at a time
  std::string text_;  // what strategies_ were made of; guarded by reload_mutex_
  std::atomic<std::uint64_t> reloads_{0};
  std::atomic<std::uint64_t> failures_{0};
  std::mutex wake_mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // "strategies"; only with an interval
};

}  // namespace tracestore::sampling
