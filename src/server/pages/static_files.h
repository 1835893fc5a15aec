// StaticFiles: the files of a web page's build, in memory, from a directory or an archive (zip,
// jar).
#pragma once
#include <tracestore/status.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "net/http.h"

namespace tracestore::server {

struct StaticFile {
  std::string bytes;
  std::string content_type;  // by the name's ending
  std::string etag;          // of the bytes, with its quotes
};

// What a build may hold; real ones have 20 files and 14 MB.
struct StaticLimits {
  std::size_t files = 10'000;
  std::uint64_t bytes = std::uint64_t{256} << 20;
};

// Threads: const calls from any.
class StaticFiles {
 public:
  // A directory with its folders; links are left out. Errors: kNotFound, kIo;
  // kInvalidArgument, more than `limits`.
  static Result<StaticFiles> OfDirectory(const std::string& path, const StaticLimits& limits = {});
  // The files below `folder` ("zipkin-lens/", "": all) of a zip file. Errors also: kCorruption.
  static Result<StaticFiles> OfArchive(const std::string& path, std::string_view folder,
                                       const StaticLimits& limits = {});
  // The same of the archive that lies in the archive as the file whose path has `inner` in it.
  static Result<StaticFiles> OfInnerArchive(const std::string& path, std::string_view inner,
                                            std::string_view folder,
                                            const StaticLimits& limits = {});

  // "static/js/main.js": relative, with '/'. Null: there is none.
  const StaticFile* Find(std::string_view path) const;
  bool empty() const noexcept { return files_.empty(); }

  // Adds a file or takes its place.
  void Set(const std::string& path, std::string bytes);

 private:
  std::map<std::string, StaticFile, std::less<>> files_;
};

// "text/css; charset=utf-8" of "a/b.css"; "application/octet-stream" of what isn't known.
std::string_view ContentTypeOf(std::string_view path) noexcept;

// The file; 304 without it for a client that has it.
net::HttpResponse StaticAnswer(const net::HttpRequest& request, const StaticFile& file,
                               std::string_view cache_control);

}  // namespace tracestore::server
