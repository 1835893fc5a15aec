#include "sampling/text_file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

namespace tracestore::sampling {
namespace {

struct CloseFile {
  void operator()(std::FILE* file) const { std::fclose(file); }
};

}  // namespace

Result<std::string> ReadTextFile(std::string_view what, const std::string& path,
                                 std::size_t most_bytes) {
  const auto failed = [&] {
    const int error = errno;
    return Error(error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                 "failed to read " + std::string(what) + " " + path + ": " + std::strerror(error));
  };
  const std::unique_ptr<std::FILE, CloseFile> file(std::fopen(path.c_str(), "rbe"));
  if (file == nullptr) return failed();
  std::string out;
  char piece[65536];
  while (out.size() <= most_bytes) {
    errno = 0;
    const std::size_t got = std::fread(piece, 1, sizeof piece, file.get());
    out.append(piece, got);
    if (got == sizeof piece) continue;
    if (std::ferror(file.get()) != 0) return failed();
    break;
  }
  out.resize(std::min(out.size(), most_bytes + 1));
  return out;
}

}  // namespace tracestore::sampling
