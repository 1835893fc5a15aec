// What the implementations of FileSystem share: paths, errno's names, the lock file's text.
//
// Lock file: three lines, pid, program and host, rewritten by each new holder
// (docs/format/directory.md).
#include "fs/file_system.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <charconv>

#include "base/try.h"

namespace tracestore::fs {

std::string JoinPath(std::string_view directory, std::string_view name) {
  if (directory.empty()) return std::string(name);
  std::string path(directory);
  if (path.back() != '/') path.push_back('/');
  path.append(name);
  return path;
}

std::string ParentDirectory(std::string_view path) {
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  path = path.substr(0, slash);
  while (path.size() > 1 && path.back() == '/') path.remove_suffix(1);
  return path.empty() ? "/" : std::string(path);
}

Result<std::string> ReadWholeFile(FileSystem& files, const std::string& path,
                                  std::uint64_t most_bytes) {
  TS_TRY_ASSIGN(const auto file, files.OpenForRead(path));
  TS_TRY_ASSIGN(const std::uint64_t size, file->Size());
  if (size > most_bytes) return ErrnoError("read", path, EFBIG);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  TS_TRY_ASSIGN(const std::size_t got, file->ReadAt(0, bytes.data(), bytes.size()));
  bytes.resize(got);
  return bytes;
}

Status ReplaceFile(FileSystem& files, const std::string& path, std::string_view bytes) {
  const std::string temporary = path + ".tmp";
  TS_TRY_ASSIGN(const bool left, files.Exists(temporary));  // by one that was killed
  if (left) TS_TRY(files.Unlink(temporary));
  TS_TRY_ASSIGN(auto file, files.CreateExclusive(temporary));
  TS_TRY(file->Append(bytes));
  TS_TRY(file->Sync());
  TS_TRY(file->Close());
  TS_TRY(files.Rename(temporary, path));
  return files.SyncDirectory(ParentDirectory(path));
}

Error ErrnoError(std::string_view operation, std::string_view path, int error_number) {
  std::string message(operation);
  message.append(" ").append(path).append(": ");
  const char* name = strerrorname_np(error_number);  // both are safe from any thread (glibc 2.32)
  const char* text = strerrordesc_np(error_number);
  if (name != nullptr && text != nullptr) {
    message.append(name).append(" (").append(text).append(")");
  } else {
    message.append("error ").append(std::to_string(error_number));
  }
  return {error_number == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo, std::move(message)};
}

std::string EncodeLockHolder(const LockHolder& holder) {
  return std::to_string(holder.pid) + "\n" + holder.program + "\n" + holder.host + "\n";
}

std::optional<LockHolder> ParseLockHolder(std::string_view text) {
  std::string_view lines[3];
  for (std::string_view& line : lines) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) return std::nullopt;
    line = text.substr(0, end);
    text.remove_prefix(end + 1);
  }
  LockHolder holder;
  const auto [rest, failure] =
      std::from_chars(lines[0].data(), lines[0].data() + lines[0].size(), holder.pid);
  if (failure != std::errc{} || rest != lines[0].data() + lines[0].size()) return std::nullopt;
  holder.program = lines[1];
  holder.host = lines[2];
  return holder;
}

Error LockedError(const std::string& subject, const std::optional<LockHolder>& holder) {
  std::string message = subject + " is open for writing by ";
  if (holder) {
    message += "PID " + std::to_string(holder->pid) + " (" + holder->program + ") on host " +
               holder->host;
  } else {
    message += "another process";
  }
  return {ErrorCode::kBusy, std::move(message)};
}

LockHolder ThisProcess() {
  LockHolder holder;
  holder.pid = getpid();
  holder.program = program_invocation_short_name;
  for (char& c : holder.program) {
    if (c == '\n') c = ' ';
  }
  char host[256] = {};  // HOST_NAME_MAX is 64 on Linux
  holder.host = gethostname(host, sizeof host - 1) == 0 ? host : "unknown";
  return holder;
}

}  // namespace tracestore::fs
