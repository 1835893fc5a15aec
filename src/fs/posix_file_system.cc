#include "fs/posix_file_system.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdio>

#include "base/try.h"
#include "fs/posix_descriptor.h"

namespace tracestore::fs {
namespace {

class PosixRandomAccessFile final : public RandomAccessFile {
 public:
  PosixRandomAccessFile(std::string path, Descriptor fd)
      : path_(std::move(path)), fd_(std::move(fd)) {}

  Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const override {
    return ReadFully(fd_.get(), path_, offset, out, size);
  }
  Result<std::uint64_t> Size() const override {
    struct stat info {};
    if (::fstat(fd_.get(), &info) != 0) return ErrnoError("stat", path_, errno);
    return static_cast<std::uint64_t>(info.st_size);
  }

 private:
  const std::string path_;
  const Descriptor fd_;
};

class PosixWritableFile final : public WritableFile {
 public:
  PosixWritableFile(std::string path, Descriptor fd, std::uint64_t size)
      : path_(std::move(path)), fd_(std::move(fd)), size_(size) {}

  Status Append(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t wrote = ::write(fd_.get(), bytes.data(), bytes.size());
      if (wrote < 0) {
        if (errno == EINTR) continue;
        return ErrnoError("write", path_, errno);
      }
      bytes.remove_prefix(static_cast<std::size_t>(wrote));
      size_ += static_cast<std::uint64_t>(wrote);
    }
    return {};
  }
  Status Sync() override {
    // Not repeated after an error: the kernel may have marked the lost pages clean.
    if (::fdatasync(fd_.get()) != 0) return ErrnoError("sync", path_, errno);
    return {};
  }
  Status Close() override {
    if (fd_.get() < 0) return ErrnoError("close", path_, EBADF);
    // On Linux the descriptor is gone even when close() fails with EINTR.
    if (::close(fd_.Release()) != 0 && errno != EINTR) return ErrnoError("close", path_, errno);
    return {};
  }
  std::uint64_t size() const noexcept override { return size_; }

 private:
  const std::string path_;
  Descriptor fd_;
  std::uint64_t size_;
};

Result<std::unique_ptr<WritableFile>> OpenWritable(const char* operation, const std::string& path,
                                                   int flags) {
  TS_TRY_ASSIGN(Descriptor fd, OpenDescriptor(operation, path, flags));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return ErrnoError("stat", path, errno);
  return std::unique_ptr<WritableFile>(std::make_unique<PosixWritableFile>(
      path, std::move(fd), static_cast<std::uint64_t>(info.st_size)));
}

Result<bool> IsDirectory(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError("stat", path, errno);
  return S_ISDIR(info.st_mode);
}

}  // namespace

Result<Descriptor> OpenDescriptor(const char* operation, const std::string& path, int flags) {
  for (;;) {
    const int fd = ::open(path.c_str(), flags | O_CLOEXEC, 0644);
    if (fd >= 0) return Descriptor(fd);
    if (errno != EINTR) return ErrnoError(operation, path, errno);
  }
}

Result<std::size_t> ReadFully(int fd, const std::string& path, std::uint64_t offset, char* out,
                              std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const ssize_t got = ::pread(fd, out + done, size - done, static_cast<off_t>(offset + done));
    if (got == 0) break;
    if (got < 0) {
      if (errno == EINTR) continue;
      return ErrnoError("read", path, errno);
    }
    done += static_cast<std::size_t>(got);
  }
  return done;
}

PosixFileSystem& PosixFileSystem::Shared() {
  static PosixFileSystem files;
  return files;
}

Status PosixFileSystem::CreateDirectories(const std::string& path) {
  std::vector<std::string> missing;  // deepest first
  for (std::string at = path;;) {
    struct stat info {};
    if (::stat(at.c_str(), &info) == 0) {
      if (!S_ISDIR(info.st_mode)) return ErrnoError("create directory", at, ENOTDIR);
      break;
    }
    if (errno != ENOENT) return ErrnoError("create directory", at, errno);
    missing.push_back(at);
    std::string parent = ParentDirectory(at);
    if (parent == at) break;
    at = std::move(parent);
  }
  for (; !missing.empty(); missing.pop_back()) {
    const std::string& at = missing.back();
    if (::mkdir(at.c_str(), 0755) != 0 && errno != EEXIST) {
      return ErrnoError("create directory", at, errno);
    }
    TS_TRY(SyncDirectory(ParentDirectory(at)));
  }
  TS_TRY_ASSIGN(const bool stands, IsDirectory(path));
  if (!stands) return ErrnoError("create directory", path, ENOTDIR);
  return {};
}

Result<std::unique_ptr<RandomAccessFile>> PosixFileSystem::OpenForRead(const std::string& path) {
  TS_TRY_ASSIGN(Descriptor fd, OpenDescriptor("open", path, O_RDONLY));
  return std::unique_ptr<RandomAccessFile>(
      std::make_unique<PosixRandomAccessFile>(path, std::move(fd)));
}

Result<std::unique_ptr<WritableFile>> PosixFileSystem::CreateExclusive(const std::string& path) {
  return OpenWritable("create", path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND);
}

Result<std::unique_ptr<WritableFile>> PosixFileSystem::OpenForAppend(const std::string& path) {
  return OpenWritable("open", path, O_WRONLY | O_CREAT | O_APPEND);
}

Status PosixFileSystem::Rename(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) {
    return ErrnoError("rename", from + " to " + to, errno);
  }
  return {};
}

Status PosixFileSystem::Unlink(const std::string& path) {
  if (::unlink(path.c_str()) != 0) return ErrnoError("unlink", path, errno);
  return {};
}

Status PosixFileSystem::RemoveDirectory(const std::string& path) {
  if (::rmdir(path.c_str()) != 0) return ErrnoError("remove directory", path, errno);
  return {};
}

Result<std::vector<DirectoryEntry>> PosixFileSystem::List(const std::string& path) {
  TS_TRY_ASSIGN(Descriptor fd, OpenDescriptor("list", path, O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(fd.get()), &::closedir);
  if (!stream) return ErrnoError("list", path, errno);
  fd.Release();  // closedir() closes it
  std::vector<DirectoryEntry> entries;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr) {
      if (errno != 0) return ErrnoError("list", path, errno);
      break;
    }
    DirectoryEntry found{entry->d_name, entry->d_type == DT_DIR};
    if (found.name == "." || found.name == "..") continue;
    if (entry->d_type == DT_UNKNOWN || entry->d_type == DT_LNK) {
      const auto is_directory = IsDirectory(JoinPath(path, found.name));
      found.is_directory = is_directory.value_or(false);  // gone meanwhile, or a dangling link
    }
    entries.push_back(std::move(found));
  }
  std::sort(entries.begin(), entries.end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return entries;
}

Result<std::uint64_t> PosixFileSystem::FileSize(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return ErrnoError("stat", path, errno);
  return static_cast<std::uint64_t>(info.st_size);
}

Result<bool> PosixFileSystem::Exists(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  return ErrnoError("stat", path, errno);
}

Status PosixFileSystem::SyncDirectory(const std::string& path) {
  TS_TRY_ASSIGN(const Descriptor fd,
                OpenDescriptor("sync directory", path, O_RDONLY | O_DIRECTORY));
  // EINVAL: a file system that has no way to sync a directory (fsync(2)); nothing more can be done.
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return ErrnoError("sync directory", path, errno);
  return {};
}

}  // namespace tracestore::fs
