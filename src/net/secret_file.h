// Small files with secrets: read whole, and told when they change. Private to this room.
#pragma once
#include <sys/stat.h>
#include <tracestore/status.h>

#include <cstddef>
#include <string>

namespace tracestore::net {

// What tells one state of a file from another.
struct FileStamp {
  ino_t inode = 0;
  off_t size = 0;
  timespec time{};

  static FileStamp Of(const std::string& path);  // zeros where there is no such file
  bool operator==(const FileStamp& other) const noexcept;
};

// Errors: kIo, "cannot read auth file PATH: …"; kInvalidArgument, it is longer than `most` bytes.
Result<std::string> ReadSecretFile(const std::string& path, std::size_t most);

}  // namespace tracestore::net
