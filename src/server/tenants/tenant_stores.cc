#include "server/tenants/tenant_stores.h"

#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "base/try.h"

namespace tracestore::server {
namespace {

std::size_t CountFolders(const std::string& directory) {
  std::error_code error;
  std::size_t count = 0;
  for (std::filesystem::directory_iterator at(directory, error), end; !error && at != end;
       at.increment(error)) {
    ++count;
  }
  return count;
}

}  // namespace

// Its mutex is held while the store opens, so that others are not kept waiting.
struct TenantStores::Entry {
  std::mutex mutex;
  std::unique_ptr<Store> store;  // guarded by mutex
};

TenantStores::TenantStores(Store* default_store, TenantStoresOptions options)
    : default_store_(default_store), options_(std::move(options)) {}

TenantStores::~TenantStores() = default;

std::string TenantStores::DirectoryOf(const std::string& name) const {
  if (name == options_.default_tenant) return options_.directory;
  return (std::filesystem::path(options_.directory) / kTenantFolder / name).string();
}

Result<TenantStores::Tenant> TenantStores::ToWrite(std::string_view name) {
  return Get(name, true);
}

Result<TenantStores::Tenant> TenantStores::ToRead(std::string_view name) {
  return Get(name, false);
}

Result<std::shared_ptr<TenantStores::Entry>> TenantStores::EntryOf(const std::string& name,
                                                                   bool make) {
  const std::string directory = DirectoryOf(name);
  const std::lock_guard lock(mutex_);
  if (closed_) return Error(ErrorCode::kBusy, "the stores of tenants are being closed");
  if (const auto at = entries_.find(name); at != entries_.end()) return at->second;
  std::error_code ignored;
  if (!std::filesystem::exists(directory, ignored)) {
    if (!make) return Error(ErrorCode::kNotFound, "nothing is stored of tenant " + name);
    if (name != options_.default_tenant &&
        CountFolders((std::filesystem::path(options_.directory) / kTenantFolder).string()) >=
            options_.max_tenants) {
      return Error(ErrorCode::kBusy, "there are " + std::to_string(options_.max_tenants) +
                                         " tenants already, as many as there may be");
    }
    // Made here, so that it counts for the next.
    std::filesystem::create_directories(directory, ignored);
  }
  auto entry = std::make_shared<Entry>();
  entries_.emplace(name, entry);
  return entry;
}

Result<TenantStores::Tenant> TenantStores::Get(std::string_view name, bool make) {
  const std::string key(name.empty() ? options_.default_tenant : name);
  if (default_store_ != nullptr && key == options_.default_tenant)
    return Tenant{default_store_, options_.directory};
  TS_TRY_ASSIGN(const auto entry, EntryOf(key, make));
  const std::lock_guard lock(entry->mutex);
  if (!entry->store) {
    TS_TRY_ASSIGN(entry->store, Store::Open(DirectoryOf(key), options_.store_options(key)));
  }
  return Tenant{entry->store.get(), DirectoryOf(key)};
}

std::vector<std::string> TenantStores::Stored() const {
  std::vector<std::string> names = {options_.default_tenant};
  std::error_code error;
  const auto folder = std::filesystem::path(options_.directory) / kTenantFolder;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code ignored;
    if (at->is_directory(ignored)) names.push_back(at->path().filename().string());
  }
  return names;
}

void TenantStores::ForEach(
    const std::function<void(const std::string& name, const Store& store)>& visit) const {
  if (default_store_ != nullptr) visit(options_.default_tenant, *default_store_);
  std::vector<std::pair<std::string, std::shared_ptr<Entry>>> entries;
  {
    const std::lock_guard lock(mutex_);
    entries.assign(entries_.begin(), entries_.end());
  }
  for (const auto& [name, entry] : entries) {
    const std::unique_lock lock(entry->mutex, std::try_to_lock);  // one that opens now is left out
    if (lock.owns_lock() && entry->store) visit(name, *entry->store);
  }
}

Status TenantStores::Close() {
  std::map<std::string, std::shared_ptr<Entry>> entries;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    entries = entries_;
  }
  Status first;
  for (const auto& [name, entry] : entries) {
    const std::lock_guard lock(entry->mutex);
    if (!entry->store) continue;
    const Status closed = entry->store->Close();
    if (first.has_value() && !closed.has_value()) first = closed;
  }
  return first;
}

}  // namespace tracestore::server
