#include "fs/fault_file_system.h"

namespace tracestore::fs {
namespace {

using State = FaultFileSystem::State;

// Makes the call, or fails it as the fault says. `call` gives a Status or a Result.
template <typename Call>
auto Faulted(State& state, const char* operation, const std::string& path, Call call)
    -> decltype(call()) {
  if (!state.Next()) return call();
  if (state.fault.effect == Fault::Effect::kAll) {
    if (auto done = call(); !done.has_value()) return std::move(done).error();
  }
  return ErrnoError(operation, path, state.fault.error_number);
}

class FaultReader final : public RandomAccessFile {
 public:
  FaultReader(State& state, std::string path, std::unique_ptr<RandomAccessFile> base)
      : state_(state), path_(std::move(path)), base_(std::move(base)) {}

  Result<std::size_t> ReadAt(std::uint64_t offset, char* out, std::size_t size) const override {
    return Faulted(state_, "read", path_, [&] { return base_->ReadAt(offset, out, size); });
  }
  Result<std::uint64_t> Size() const override {
    return Faulted(state_, "stat", path_, [&] { return base_->Size(); });
  }

 private:
  State& state_;
  const std::string path_;
  const std::unique_ptr<RandomAccessFile> base_;
};

class FaultWriter final : public WritableFile {
 public:
  FaultWriter(State& state, std::string path, std::unique_ptr<WritableFile> base)
      : state_(state), path_(std::move(path)), base_(std::move(base)) {}

  Status Append(std::string_view bytes) override {
    if (!state_.Next()) return base_->Append(bytes);
    std::size_t written = 0;
    if (state_.fault.effect == Fault::Effect::kHalf) written = bytes.size() / 2;
    if (state_.fault.effect == Fault::Effect::kAll) written = bytes.size();
    if (auto done = base_->Append(bytes.substr(0, written)); !done.has_value()) return done;
    return ErrnoError("write", path_, state_.fault.error_number);
  }
  Status Sync() override {
    return Faulted(state_, "sync", path_, [&] { return base_->Sync(); });
  }
  Status Close() override {
    return Faulted(state_, "close", path_, [&] { return base_->Close(); });
  }
  std::uint64_t size() const noexcept override { return base_->size(); }

 private:
  State& state_;
  const std::string path_;
  const std::unique_ptr<WritableFile> base_;
};

Result<std::unique_ptr<WritableFile>> Wrap(State& state, const std::string& path,
                                           Result<std::unique_ptr<WritableFile>> file) {
  if (!file.has_value()) return file;
  return std::unique_ptr<WritableFile>(
      std::make_unique<FaultWriter>(state, path, std::move(file).value()));
}

}  // namespace

bool FaultFileSystem::State::Next() noexcept {
  const std::uint64_t call = ++calls;
  if (fault.at_call == 0) return false;
  const bool fails = fault.from_then_on ? call >= fault.at_call : call == fault.at_call;
  if (fails) fired = true;
  return fails;
}

void FaultFileSystem::Arm(Fault fault) noexcept {
  state_.fault = fault;
  state_.calls = 0;
  state_.fired = false;
}

Status FaultFileSystem::CreateDirectories(const std::string& path) {
  return Faulted(state_, "create directory", path, [&] { return base_.CreateDirectories(path); });
}

Result<std::unique_ptr<RandomAccessFile>> FaultFileSystem::OpenForRead(const std::string& path) {
  auto file = Faulted(state_, "open", path, [&] { return base_.OpenForRead(path); });
  if (!file.has_value()) return file;
  return std::unique_ptr<RandomAccessFile>(
      std::make_unique<FaultReader>(state_, path, std::move(file).value()));
}

Result<std::unique_ptr<WritableFile>> FaultFileSystem::CreateExclusive(const std::string& path) {
  return Wrap(state_, path,
              Faulted(state_, "create", path, [&] { return base_.CreateExclusive(path); }));
}

Result<std::unique_ptr<WritableFile>> FaultFileSystem::OpenForAppend(const std::string& path) {
  return Wrap(state_, path,
              Faulted(state_, "open", path, [&] { return base_.OpenForAppend(path); }));
}

Status FaultFileSystem::Rename(const std::string& from, const std::string& to) {
  return Faulted(state_, "rename", from + " to " + to, [&] { return base_.Rename(from, to); });
}

Status FaultFileSystem::Unlink(const std::string& path) {
  return Faulted(state_, "unlink", path, [&] { return base_.Unlink(path); });
}

Status FaultFileSystem::RemoveDirectory(const std::string& path) {
  return Faulted(state_, "remove directory", path, [&] { return base_.RemoveDirectory(path); });
}

Result<std::vector<DirectoryEntry>> FaultFileSystem::List(const std::string& path) {
  return Faulted(state_, "list", path, [&] { return base_.List(path); });
}

Result<std::uint64_t> FaultFileSystem::FileSize(const std::string& path) {
  return Faulted(state_, "stat", path, [&] { return base_.FileSize(path); });
}

Result<bool> FaultFileSystem::Exists(const std::string& path) {
  return Faulted(state_, "stat", path, [&] { return base_.Exists(path); });
}

Status FaultFileSystem::SyncDirectory(const std::string& path) {
  return Faulted(state_, "sync directory", path, [&] { return base_.SyncDirectory(path); });
}

Result<std::unique_ptr<FileLock>> FaultFileSystem::LockExclusive(const std::string& path,
                                                                 const std::string& subject) {
  return Faulted(state_, "lock", path, [&] { return base_.LockExclusive(path, subject); });
}

Result<std::optional<LockHolder>> FaultFileSystem::LockedBy(const std::string& path) {
  return Faulted(state_, "lock", path, [&] { return base_.LockedBy(path); });
}

}  // namespace tracestore::fs
