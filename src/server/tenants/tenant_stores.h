// TenantStores: a store for each tenant, opened when it is first needed.
#pragma once
#include <tracestore/store.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::server {

// Where the stores of tenants are in the directory of the default one's.
inline constexpr const char* kTenantFolder = "tenants";

struct TenantStoresOptions {
  std::string directory;       // the default tenant's store's; others' are DIRECTORY/tenants/NAME
  std::string default_tenant;  // whose the store in `directory` itself is; "" names it too
  std::size_t max_tenants = 100;  // beside the default one
  // Of a tenant's store; with OpenMode::kRead nothing is made and ToWrite() fails. Called once
  // each, from any thread.
  std::function<StoreOptions(const std::string& tenant)> store_options;
};

// Threads: any. Stores live until this object goes.
class TenantStores {
 public:
  // A tenant's store and where it is.
  struct Tenant {
    Store* store = nullptr;
    std::string directory;
  };

  // `default_store` is the default tenant's, borrowed; it must outlive this object. Null: that one
  // is opened when first needed, as the others.
  TenantStores(Store* default_store, TenantStoresOptions options);
  ~TenantStores();
  TenantStores(const TenantStores&) = delete;
  TenantStores& operator=(const TenantStores&) = delete;

  // Opens the tenant's store, makes it where there is none. `name` is one that may be a folder
  // (net::IsTenantName). Errors: kBusy, there are max_tenants already; those of Store::Open, after
  // which the next call tries again.
  Result<Tenant> ToWrite(std::string_view name);
  // The same, but kNotFound for a tenant of whom nothing was ever stored.
  Result<Tenant> ToRead(std::string_view name);

  // Where a tenant's store is, or would be.
  std::string DirectoryOf(const std::string& name) const;
  // Everybody of whom there is a directory, open or not: the default tenant first.
  std::vector<std::string> Stored() const;

  // Each open store, the default one's first where it was given; they stay open meanwhile.
  void ForEach(const std::function<void(const std::string& name, const Store& store)>& visit) const;

  // Closes all but a default one that was given. Gives the first error, having done all. ToWrite()
  // and ToRead() are kClosed from then on.
  Status Close();

 private:
  struct Entry;
  Result<Tenant> Get(std::string_view name, bool make);
  Result<std::shared_ptr<Entry>> EntryOf(const std::string& name, bool make);

  Store* const default_store_;
  const TenantStoresOptions options_;
  mutable std::mutex mutex_;
  bool closed_ = false;                                     // guarded by mutex_, as what follows
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace tracestore::server
