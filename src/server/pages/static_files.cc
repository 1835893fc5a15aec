#include "server/pages/static_files.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/hash.h"
#include "base/hex.h"
#include "base/try.h"

namespace tracestore::server {
namespace {

namespace fs = std::filesystem;

std::string EtagOf(std::string_view bytes) {
  std::string etag(18, '"');
  base::WriteHex64(base::Hash64(bytes), etag.data() + 1);
  return etag;
}

Result<std::string> ReadWhole(const fs::path& path, std::uint64_t at_most) {
  std::ifstream in(path, std::ios::binary);
  std::string bytes;
  std::array<char, 65'536> piece;
  while (in.read(piece.data(), piece.size()) || in.gcount() > 0) {
    bytes.append(piece.data(), static_cast<std::size_t>(in.gcount()));
    if (bytes.size() > at_most)
      return Error(ErrorCode::kInvalidArgument, path.string() + " is too large for a web page");
  }
  if (!in.eof()) return Error(ErrorCode::kIo, "cannot read " + path.string());
  return bytes;
}

// If-None-Match: a list of tags, weak or not, or a star.
bool Names(std::string_view list, std::string_view etag) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    std::string_view one = list.substr(0, comma);
    while (one.starts_with(' ')) one.remove_prefix(1);
    while (one.ends_with(' ')) one.remove_suffix(1);
    if (one.starts_with("W/")) one.remove_prefix(2);
    if (one == "*" || one == etag) return true;
    if (comma == std::string_view::npos) return false;
    list.remove_prefix(comma + 1);
  }
  return false;
}

}  // namespace

std::string_view ContentTypeOf(std::string_view path) noexcept {
  static constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".mjs", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".json", "application/json"},
      {".map", "application/json"},
      {".txt", "text/plain; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".png", "image/png"},
      {".jpg", "image/jpeg"},
      {".jpeg", "image/jpeg"},
      {".gif", "image/gif"},
      {".webp", "image/webp"},
      {".ico", "image/x-icon"},
      {".woff", "font/woff"},
      {".woff2", "font/woff2"},
      {".ttf", "font/ttf"},
      {".wasm", "application/wasm"},
  };
  for (const auto& [ending, type] : kTypes) {
    if (path.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

void StaticFiles::Set(const std::string& path, std::string bytes) {
  std::string etag = EtagOf(bytes);
  files_[path] = {std::move(bytes), std::string(ContentTypeOf(path)), std::move(etag)};
}

const StaticFile* StaticFiles::Find(std::string_view path) const {
  const auto at = files_.find(path);
  return at == files_.end() ? nullptr : &at->second;
}

Result<StaticFiles> StaticFiles::OfDirectory(const std::string& path, const StaticLimits& limits) {
  std::error_code error;
  if (!fs::is_directory(path, error))
    return Error(ErrorCode::kNotFound, path + " is no directory");
  StaticFiles files;
  std::uint64_t bytes = 0;
  fs::recursive_directory_iterator at(path, error);
  for (const fs::recursive_directory_iterator end; !error && at != end; at.increment(error)) {
    std::error_code of_one;
    // The iterator follows no links; of files only those that are what they seem.
    if (!at->is_regular_file(of_one) || at->is_symlink(of_one)) continue;
    if (files.files_.size() == limits.files)
      return Error(ErrorCode::kInvalidArgument, path + " has too many files for a web page");
    TS_TRY_ASSIGN(std::string whole, ReadWhole(at->path(), limits.bytes - bytes));
    bytes += whole.size();
    files.Set(at->path().lexically_relative(path).generic_string(), std::move(whole));
  }
  if (error) return Error(ErrorCode::kIo, "cannot read " + path + ": " + error.message());
  return files;
}

net::HttpResponse StaticAnswer(const net::HttpRequest& request, const StaticFile& file,
                               std::string_view cache_control) {
  net::HttpResponse response;
  response.headers.emplace_back("ETag", file.etag);
  response.headers.emplace_back("Cache-Control", cache_control);
  if (Names(request.header("if-none-match"), file.etag)) {
    response.status = 304;
    return response;
  }
  response.content_type = file.content_type;
  response.body = file.bytes;
  return response;
}

}  // namespace tracestore::server
