#include "server/pages/lens_pages.h"

#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "base/try.h"

namespace tracestore::server {
namespace {

constexpr const char* kFolder = "zipkin-lens/";
constexpr const char* kIndex = "index.html";
constexpr std::string_view kRoot = "/zipkin/";
// As Zipkin's server: names below static/ have a hash in them.
constexpr const char* kForAMinute = "max-age=60";
constexpr const char* kForAYear = "max-age=31536000";

// <base href="/zipkin/"> says where all links begin, and where the script asks.
std::string WithBase(std::string html, const std::string& base_path) {
  constexpr std::string_view kBase = "<base href=\"/zipkin/\"";
  const auto at = html.find(kBase);
  if (at == std::string::npos) return html;
  std::string put = "<base href=\"";
  for (const char c : base_path)
    put += c == '"' ? "&quot;" : c == '&' ? "&amp;" : std::string(1, c);
  return html.replace(at, kBase.size(), put + (base_path.ends_with('/') ? "\"" : "/\""));
}

bool IsPage(std::string_view rest) {
  return rest.empty() || rest == kIndex || rest == "dependency" || rest == "traceViewer" ||
         (rest.starts_with("traces/") && rest.find('/', 7) == std::string_view::npos);
}

net::HttpResponse LeadTo(std::string location) {
  net::HttpResponse response;
  response.status = 302;
  response.headers.emplace_back("Location", std::move(location));
  return response;
}

std::string_view CacheControl(std::string_view rest) {
  return rest.starts_with("static/") ? kForAYear : kForAMinute;
}

}  // namespace

Result<StaticFiles> ReadLens(const std::string& path) {
  std::error_code ignored;
  StaticFiles files;
  if (std::filesystem::is_directory(path, ignored)) {
    const auto inside = std::filesystem::path(path) / kFolder;
    const bool whole_jar = std::filesystem::is_directory(inside, ignored);
    TS_TRY_ASSIGN(files, StaticFiles::OfDirectory(whole_jar ? inside.string() : path));
  } else {
    TS_TRY_ASSIGN(files, StaticFiles::OfArchive(path, kFolder));
    if (files.empty()) {
      TS_TRY_ASSIGN(files, StaticFiles::OfInnerArchive(path, "/zipkin-lens-", kFolder));
    }
  }
  if (files.Find(kIndex) == nullptr) {
    return Error(ErrorCode::kInvalidArgument,
                 path + " has no index.html of zipkin-lens: it is no build of Zipkin's pages");
  }
  return files;
}

net::HttpHandler MakeLensHandler(StaticFiles files, const std::string& base_path,
                                 net::HttpHandler api, PageObserver observer) {
  files.Set(kIndex, WithBase(files.Find(kIndex)->bytes, base_path));
  const auto kept = std::make_shared<const StaticFiles>(std::move(files));
  return [kept, api = std::move(api), observer = std::move(observer)](
             const net::HttpRequest& request) {
    const auto begin = std::chrono::steady_clock::now();
    const auto told = [&](const char* route, net::HttpResponse response) {
      if (observer) observer(route, response.status, std::chrono::steady_clock::now() - begin);
      return response;
    };
    const std::string_view path = request.path;
    if (request.method != "GET") return api(request);
    if (path == "/" || path == "/zipkin") return told("REDIRECTION", LeadTo(std::string(kRoot)));
    if (path == "/favicon.ico")
      return told("REDIRECTION", LeadTo(std::string(kRoot) + "favicon.ico"));
    if (!path.starts_with(kRoot)) return api(request);
    const std::string_view rest = path.substr(kRoot.size());
    if (IsPage(rest)) {
      return told("/zipkin/index.html", StaticAnswer(request, *kept->Find(kIndex), kForAMinute));
    }
    if (const StaticFile* file = kept->Find(rest))
      return told("/zipkin/*", StaticAnswer(request, *file, CacheControl(rest)));
    return api(request);
  };
}

}  // namespace tracestore::server
