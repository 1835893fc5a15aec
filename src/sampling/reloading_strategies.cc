#include "sampling/reloading_strategies.h"

#include <utility>

#include "base/thread.h"
#include "base/try.h"
#include "sampling/text_file.h"

namespace tracestore::sampling {
namespace {

constexpr std::string_view kUnavailable = "sampling strategies URL is temporarily unavailable";

bool IsUrl(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://");
}

Result<std::string> Download(const std::string& url, const FetchUrl& fetch) {
  if (!fetch) {
    return Error(ErrorCode::kUnsupported,
                 "failed to download sampling strategies: no HTTP client in this build");
  }
  auto answer = fetch(url);
  if (!answer.has_value())
    return std::move(answer).error().WithContext("failed to download sampling strategies");
  if (answer->status == 503) return Error(ErrorCode::kBusy, std::string(kUnavailable));
  if (answer->status != 200) {
    return Error(ErrorCode::kIo,
                 "receiving " + std::to_string(answer->status) +
                     " while downloading strategies file: " + answer->body.substr(0, 256));
  }
  return std::move(answer->body);
}

}  // namespace

ReloadingStrategies::ReloadingStrategies(StrategiesSourceOptions options)
    : options_(std::move(options)) {}

ReloadingStrategies::~ReloadingStrategies() {
  thread_.request_stop();
  wake_.notify_all();
}

Result<std::unique_ptr<ReloadingStrategies>> ReloadingStrategies::Open(
    StrategiesSourceOptions options) {
  std::unique_ptr<ReloadingStrategies> out(new ReloadingStrategies(std::move(options)));
  const auto& settings = out->options_;
  out->strategies_ = std::make_shared<const StaticStrategies>(
      StaticStrategies::From(std::nullopt, settings.default_probability));
  if (settings.source.empty()) {
    out->Log("No sampling strategies source provided, using defaults");
    return out;
  }
  if (const auto loaded = out->Load(true); !loaded.has_value()) {
    const bool later = IsUrl(settings.source) && loaded.error().code() == ErrorCode::kBusy;
    if (!later) return loaded.error();
    out->Log("No sampling strategies found or URL is unavailable, using defaults");
  }
  if (settings.reload_interval.count() > 0)
    out->thread_ =
        base::StartThread([self = out.get()](const std::stop_token& stop) { self->Run(stop); });
  return out;
}

Result<codec::SamplingStrategy> ReloadingStrategies::StrategyFor(std::string_view service) {
  return strategies_.load()->For(service);
}

Result<std::string> ReloadingStrategies::ReadSource() const {
  return IsUrl(options_.source)
             ? Download(options_.source, options_.fetch)
             : ReadTextFile("strategies file", options_.source, codec::kMaxStrategiesFileBytes);
}

Result<bool> ReloadingStrategies::Load(bool first) {
  TS_TRY_ASSIGN(std::string text, ReadSource());
  if (!first && text == text_) return false;
  TS_TRY_ASSIGN(const auto file, codec::ParseStrategiesFile(text));
  auto made = std::make_shared<const StaticStrategies>(
      StaticStrategies::From(file, options_.default_probability));
  for (const std::string& warning : made->warnings()) Log(warning);
  if (!file.has_value()) Log("No sampling strategies found or URL is unavailable, using defaults");
  strategies_ = std::move(made);
  text_ = std::move(text);
  return true;
}

Result<bool> ReloadingStrategies::Reload() {
  if (options_.source.empty()) return false;
  const std::lock_guard lock(reload_mutex_);
  auto loaded = Load(false);
  if (!loaded.has_value()) {
    ++failures_;
    Log("failed to re-load sampling strategies: " + loaded.error().message());
  } else if (*loaded) {
    ++reloads_;
    Log("Updated sampling strategies from " + options_.source);
  }
  return loaded;
}

void ReloadingStrategies::Log(std::string_view sentence) const {
  if (options_.log) options_.log(sentence);
}

void ReloadingStrategies::Run(const std::stop_token& stop) {
  std::unique_lock lock(wake_mutex_);
  while (!stop.stop_requested()) {
    wake_.wait_for(lock, stop, options_.reload_interval, [] { return false; });
    if (stop.stop_requested()) return;
    (void)Reload();  // counted and logged there
  }
}

}  // namespace tracestore::sampling
