#include "net/secret_file.h"

#include <cerrno>
#include <cstring>
#include <fstream>

namespace tracestore::net {

FileStamp FileStamp::Of(const std::string& path) {
  struct stat found {};
  if (stat(path.c_str(), &found) != 0) return {};
  return {found.st_ino, found.st_size, found.st_mtim};
}

bool FileStamp::operator==(const FileStamp& other) const noexcept {
  return inode == other.inode && size == other.size && time.tv_sec == other.time.tv_sec &&
         time.tv_nsec == other.time.tv_nsec;
}

Result<std::string> ReadSecretFile(const std::string& path, std::size_t most) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return Error(ErrorCode::kIo, "cannot read auth file " + path + ": " + std::strerror(errno));
  std::string text(most + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return Error(ErrorCode::kIo, "cannot read auth file " + path);
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > most) {
    return Error(ErrorCode::kInvalidArgument,
                 "auth file " + path + " is longer than " + std::to_string(most) + " bytes");
  }
  return text;
}

}  // namespace tracestore::net
