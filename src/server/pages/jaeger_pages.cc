#include "server/pages/jaeger_pages.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <mutex>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "server/admin/admin_api.h"
#include "server/pages/index_page.h"
#include "server/pages/static_files.h"

namespace tracestore::server {
namespace {

constexpr const char* kIndex = "index.html";
constexpr std::size_t kMostConfigBytes = std::size_t{1} << 20;
// Names in Jaeger's builds have a hash in them; the page itself is asked for again each time.
constexpr const char* kForAYear = "max-age=31536000, immutable";
constexpr const char* kAskAgain = "no-cache";

// When a file was written last, and how long it is: what changes with it.
struct FileState {
  std::filesystem::file_time_type written;
  std::uintmax_t size = 0;
  bool operator==(const FileState&) const = default;
};

FileState StateOf(const std::string& path) {
  std::error_code ignored;
  return {std::filesystem::last_write_time(path, ignored),
          std::filesystem::file_size(path, ignored)};
}

Result<JaegerUiConfig> ReadUiConfig(const std::string& path) {
  if (path.empty()) return JaegerUiConfig();
  std::ifstream in(path, std::ios::binary);
  if (!in) return Error(ErrorCode::kNotFound, "cannot read the UI config file " + path);
  std::string text(kMostConfigBytes + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > kMostConfigBytes)
    return Error(ErrorCode::kInvalidArgument, path + " is longer than 1 MiB");
  return ParseJaegerUiConfig(path, text);
}

class JaegerPages {
 public:
  JaegerPages(JaegerPagesOptions options, StaticFiles files, net::HttpHandler api)
      : options_(std::move(options)), files_(std::move(files)), api_(std::move(api)) {}

  // The page for the first time.
  Status Begin() {
    state_ = StateOf(options_.ui_config);
    TS_TRY_ASSIGN(const JaegerUiConfig config, ReadUiConfig(options_.ui_config));
    page_ = MakePage(config);
    return {};
  }

  net::HttpResponse Answer(const net::HttpRequest& request) {
    const bool asks = request.method == "GET" || request.method == "HEAD";
    const std::string& path = request.path;
    if (!asks || IsUnder(path, "/api") || IsUnder(path, "/analytics")) return api_(request);
    const std::string_view name = std::string_view(path).substr(1);
    const StaticFile* const file = name == kIndex ? nullptr : files_.Find(name);
    if (IsUnder(path, "/static")) {
      if (file == nullptr) return net::HttpResponse::Text(404, "404 page not found\n");
      return StaticAnswer(request, *file, kForAYear);
    }
    if (file != nullptr) return StaticAnswer(request, *file, kAskAgain);
    const auto page = Page();
    return StaticAnswer(request, *page, kAskAgain);
  }

 private:
  static bool IsUnder(std::string_view path, std::string_view folder) {
    return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
  }

  std::shared_ptr<const StaticFile> MakePage(const JaegerUiConfig& config) const {
    JaegerIndexValues values;
    values.config = config;
    values.base_path = options_.base_path;
    values.version = Version();
    values.archive = true;
    values.metrics = true;
    StaticFiles one;
    one.Set(kIndex, JaegerIndexPage(files_.Find(kIndex)->bytes, values));
    return std::make_shared<const StaticFile>(*one.Find(kIndex));
  }

  // Made anew when ui_config has changed.
  std::shared_ptr<const StaticFile> Page() {
    const std::lock_guard lock(mutex_);
    if (options_.ui_config.empty()) return page_;
    const FileState now = StateOf(options_.ui_config);
    if (now == state_) return page_;
    state_ = now;
    const auto config = ReadUiConfig(options_.ui_config);
    if (config.has_value()) {
      page_ = MakePage(*config);
    } else if (options_.log) {
      options_.log("the old UI config holds on: " + config.error().message());
    }
    return page_;
  }

  const JaegerPagesOptions options_;
  const StaticFiles files_;
  const net::HttpHandler api_;
  std::mutex mutex_;
  FileState state_;                         // guarded by mutex_: of ui_config when it was read
  std::shared_ptr<const StaticFile> page_;  // guarded by mutex_
};

}  // namespace

Result<net::HttpHandler> MakeJaegerPagesHandler(JaegerPagesOptions options, net::HttpHandler api) {
  TS_TRY_ASSIGN(StaticFiles files, StaticFiles::OfDirectory(options.directory));
  if (files.Find(kIndex) == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 options.directory + " has no index.html: it is no build of Jaeger's pages");
  }
  const auto pages =
      std::make_shared<JaegerPages>(std::move(options), std::move(files), std::move(api));
  TS_TRY(pages->Begin());
  return net::HttpHandler(
      [pages](const net::HttpRequest& request) { return pages->Answer(request); });
}

}  // namespace tracestore::server
