#include "fs/memory_file_system.h"

#include <errno.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/try.h"

namespace tracestore::fs {

// A file or a directory; lives as long as a name or a handle points to it. Guarded by Disk::mutex.
struct MemoryFileSystem::Node {
  explicit Node(bool directory) : is_directory(directory) {}

  const bool is_directory;
  std::string bytes;             // file: all bytes
  std::size_t synced_bytes = 0;  // file: the durable prefix of them
  std::map<std::string, std::shared_ptr<Node>> names;         // directory: what stands in it
  std::map<std::string, std::shared_ptr<Node>> synced_names;  // directory: what is durable of it
  std::optional<LockHolder> lock;
};

struct MemoryFileSystem::Disk {
  std::mutex mutex;
  std::shared_ptr<Node> root = std::make_shared<Node>(true);
  std::uint64_t power_cuts = 0;  // a handle of another power cycle is dead
};

// A path taken apart: the directory that holds it, its last name, and what stands there.
struct MemoryFileSystem::Place {
  std::shared_ptr<Node> directory;  // null: a directory above is missing (error_number says why)
  std::string name;                 // empty for the root
  std::shared_ptr<Node> node;       // null: nothing stands there
  int error_number = ENOENT;

  static std::vector<std::string> Split(const std::string& path) {
    std::vector<std::string> names;
    for (std::size_t begin = 0; begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      std::string name = path.substr(begin, end - begin);
      if (!name.empty() && name != ".") names.push_back(std::move(name));
      begin = end + 1;
    }
    return names;
  }

  static Place Find(const Disk& disk, const std::string& path) {
    Place place{disk.root, "", disk.root};
    for (std::string& name : Split(path)) {
      if (!place.node || !place.node->is_directory) {
        return {nullptr, "", nullptr, place.node ? ENOTDIR : ENOENT};
      }
      place.directory = place.node;
      const auto found = place.directory->names.find(name);
      place.node = found == place.directory->names.end() ? nullptr : found->second;
      place.name = std::move(name);
    }
    return place;
  }
};

class MemoryFileSystem::Reader final : public RandomAccessFile {
 public:
  Reader(std::string path, std::shared_ptr<Disk> disk, std::shared_ptr<Node> node)
      : path_(std::move(path)), disk_(std::move(disk)), node_(std::move(node)),
        power_cuts_(disk_->power_cuts) {}

  Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const override {
    const std::lock_guard lock(disk_->mutex);
    if (power_cuts_ != disk_->power_cuts) return ErrnoError("read", path_, EIO);
    if (offset >= node_->bytes.size()) return std::size_t{0};
    const auto begin = static_cast<std::size_t>(offset);
    size = std::min(size, node_->bytes.size() - begin);
    if (size != 0) std::memcpy(out, node_->bytes.data() + begin, size);
    return size;
  }
  Result<std::uint64_t> Size() const override {
    const std::lock_guard lock(disk_->mutex);
    if (power_cuts_ != disk_->power_cuts) return ErrnoError("stat", path_, EIO);
    return std::uint64_t{node_->bytes.size()};
  }

 private:
  const std::string path_;
  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<Node> node_;
  const std::uint64_t power_cuts_;
};

class MemoryFileSystem::Writer final : public WritableFile {
 public:
  Writer(std::string path, std::shared_ptr<Disk> disk, std::shared_ptr<Node> node)
      : path_(std::move(path)), disk_(std::move(disk)), node_(std::move(node)),
        power_cuts_(disk_->power_cuts), size_(node_->bytes.size()) {}

  Status Append(std::string_view bytes) override {
    const std::lock_guard lock(disk_->mutex);
    TS_TRY(CheckAlive("write"));
    node_->bytes.append(bytes);
    size_ += bytes.size();
    return {};
  }
  Status Sync() override {
    const std::lock_guard lock(disk_->mutex);
    TS_TRY(CheckAlive("sync"));
    node_->synced_bytes = node_->bytes.size();
    return {};
  }
  Status Close() override {
    const std::lock_guard lock(disk_->mutex);
    TS_TRY(CheckAlive("close"));
    closed_ = true;
    return {};
  }
  std::uint64_t size() const noexcept override { return size_; }

 private:
  Status CheckAlive(const char* operation) const {
    if (closed_) return ErrnoError(operation, path_, EBADF);
    if (power_cuts_ != disk_->power_cuts) return ErrnoError(operation, path_, EIO);
    return {};
  }

  const std::string path_;
  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<Node> node_;
  const std::uint64_t power_cuts_;
  std::uint64_t size_;
  bool closed_ = false;
};

class MemoryFileSystem::Lock final : public FileLock {
 public:
  Lock(std::shared_ptr<Disk> disk, std::shared_ptr<Node> node)
      : disk_(std::move(disk)), node_(std::move(node)), power_cuts_(disk_->power_cuts) {}
  ~Lock() override {
    const std::lock_guard lock(disk_->mutex);
    if (power_cuts_ == disk_->power_cuts) node_->lock.reset();
  }

 private:
  const std::shared_ptr<Disk> disk_;
  const std::shared_ptr<Node> node_;
  const std::uint64_t power_cuts_;
};

MemoryFileSystem::MemoryFileSystem() : disk_(std::make_shared<Disk>()) {}
MemoryFileSystem::~MemoryFileSystem() = default;

void MemoryFileSystem::DropUnsynced(std::optional<std::uint64_t> seed) {
  const std::lock_guard lock(disk_->mutex);
  ++disk_->power_cuts;
  std::uint64_t state = seed.value_or(0) * 2 + 1;
  const auto random = [&state](std::uint64_t below) {  // splitmix64's step, taken modulo
    state += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z ^= z >> 27;
    return z % below;
  };
  std::vector<std::shared_ptr<Node>> todo{disk_->root};
  while (!todo.empty()) {
    const std::shared_ptr<Node> node = todo.back();
    todo.pop_back();
    node->lock.reset();
    if (!node->is_directory) {
      std::size_t kept = node->synced_bytes;
      if (seed) kept += static_cast<std::size_t>(random(node->bytes.size() - kept + 1));
      node->bytes.resize(kept);
      node->synced_bytes = kept;
      continue;
    }
    auto after = node->synced_names;
    if (seed) {
      for (const auto& [name, child] : node->names) {
        if (random(2) == 0) after[name] = child;
      }
      for (const auto& [name, child] : node->synced_names) {
        if (!node->names.contains(name) && random(2) == 0) after.erase(name);
      }
    }
    node->names = after;
    node->synced_names = std::move(after);
    for (const auto& [name, child] : node->names) todo.push_back(child);
  }
}

Status MemoryFileSystem::Overwrite(const std::string& path, std::string bytes) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node || place.node->is_directory) return ErrnoError("write", path, ENOENT);
  place.node->bytes = std::move(bytes);
  place.node->synced_bytes = place.node->bytes.size();
  return {};
}

Status MemoryFileSystem::CreateDirectories(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  std::shared_ptr<Node> at = disk_->root;
  for (const std::string& name : Place::Split(path)) {
    std::shared_ptr<Node>& child = at->names[name];
    if (!child) {
      child = std::make_shared<Node>(true);
      at->synced_names[name] = child;
    }
    if (!child->is_directory) return ErrnoError("create directory", path, ENOTDIR);
    at = child;
  }
  return {};
}

Result<std::unique_ptr<RandomAccessFile>> MemoryFileSystem::OpenForRead(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node) return ErrnoError("open", path, place.error_number);
  if (place.node->is_directory) return ErrnoError("open", path, EISDIR);
  return std::unique_ptr<RandomAccessFile>(std::make_unique<Reader>(path, disk_, place.node));
}

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::CreateExclusive(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (place.node) return ErrnoError("create", path, EEXIST);
  if (!place.directory) return ErrnoError("create", path, place.error_number);
  const auto node = std::make_shared<Node>(false);
  place.directory->names[place.name] = node;
  return std::unique_ptr<WritableFile>(std::make_unique<Writer>(path, disk_, node));
}

Result<std::unique_ptr<WritableFile>> MemoryFileSystem::OpenForAppend(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  Place place = Place::Find(*disk_, path);
  if (place.node && place.node->is_directory) return ErrnoError("open", path, EISDIR);
  if (!place.node) {
    if (!place.directory) return ErrnoError("open", path, place.error_number);
    place.node = std::make_shared<Node>(false);
    place.directory->names[place.name] = place.node;
  }
  return std::unique_ptr<WritableFile>(std::make_unique<Writer>(path, disk_, place.node));
}

Status MemoryFileSystem::Rename(const std::string& from, const std::string& to) {
  const std::lock_guard lock(disk_->mutex);
  const std::string both = from + " to " + to;
  const Place source = Place::Find(*disk_, from);
  const Place target = Place::Find(*disk_, to);
  if (!source.node || !source.directory) return ErrnoError("rename", both, source.error_number);
  if (!target.directory) return ErrnoError("rename", both, target.error_number);
  if (target.node == source.node) return {};
  if (target.node && target.node->is_directory) {
    if (!source.node->is_directory) return ErrnoError("rename", both, EISDIR);
    if (!target.node->names.empty()) return ErrnoError("rename", both, ENOTEMPTY);
  }
  source.directory->names.erase(source.name);
  target.directory->names[target.name] = source.node;
  return {};
}

Status MemoryFileSystem::Unlink(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node) return ErrnoError("unlink", path, place.error_number);
  if (place.node->is_directory) return ErrnoError("unlink", path, EISDIR);
  place.directory->names.erase(place.name);
  return {};
}

Status MemoryFileSystem::RemoveDirectory(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node) return ErrnoError("remove directory", path, place.error_number);
  if (!place.node->is_directory) return ErrnoError("remove directory", path, ENOTDIR);
  if (!place.node->names.empty()) return ErrnoError("remove directory", path, ENOTEMPTY);
  if (!place.directory) return ErrnoError("remove directory", path, EBUSY);
  place.directory->names.erase(place.name);
  return {};
}

Result<std::vector<DirectoryEntry>> MemoryFileSystem::List(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node) return ErrnoError("list", path, place.error_number);
  if (!place.node->is_directory) return ErrnoError("list", path, ENOTDIR);
  std::vector<DirectoryEntry> entries;
  for (const auto& [name, node] : place.node->names) entries.push_back({name, node->is_directory});
  return entries;
}

Result<std::uint64_t> MemoryFileSystem::FileSize(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node) return ErrnoError("stat", path, place.error_number);
  return std::uint64_t{place.node->bytes.size()};
}

Result<bool> MemoryFileSystem::Exists(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  return Place::Find(*disk_, path).node != nullptr;
}

Status MemoryFileSystem::SyncDirectory(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  if (!place.node) return ErrnoError("sync directory", path, place.error_number);
  if (!place.node->is_directory) return ErrnoError("sync directory", path, ENOTDIR);
  place.node->synced_names = place.node->names;
  return {};
}

Result<std::unique_ptr<FileLock>> MemoryFileSystem::LockExclusive(const std::string& path,
                                                                  const std::string& subject) {
  const std::lock_guard lock(disk_->mutex);
  Place place = Place::Find(*disk_, path);
  if (!place.directory) return ErrnoError("open", path, place.error_number);
  if (!place.node) {
    place.node = std::make_shared<Node>(false);
    place.directory->names[place.name] = place.node;
  }
  if (place.node->lock) return LockedError(subject, place.node->lock);
  place.node->lock = ThisProcess();
  place.node->bytes = EncodeLockHolder(*place.node->lock);
  return std::unique_ptr<FileLock>(std::make_unique<Lock>(disk_, place.node));
}

Result<std::optional<LockHolder>> MemoryFileSystem::LockedBy(const std::string& path) {
  const std::lock_guard lock(disk_->mutex);
  const Place place = Place::Find(*disk_, path);
  return place.node ? place.node->lock : std::optional<LockHolder>();
}

}  // namespace tracestore::fs
