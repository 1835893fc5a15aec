// TenantStores: a store for each tenant, opened when it is first needed.
#pragma once
#include <tracestore/store.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace tracestore::server {

struct TenantStoresOptions {
  std::string directory;       // the default tenant's store's; others' are DIRECTORY/tenants/NAME
  std::string default_tenant;  // the name of whom `default_store` is; "" is the same one
  std::size_t max_tenants = 100;  // beside the default one
  // Of a tenant's store. Called once each, from any thread.
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

  // `default_store` is borrowed and must outlive this object.
  TenantStores(Store& default_store, TenantStoresOptions options);
  ~TenantStores();
  TenantStores(const TenantStores&) = delete;
  TenantStores& operator=(const TenantStores&) = delete;

  // Opens the tenant's store, makes it where there is none. `name` is one that may be a folder
  // (net::IsTenantName). Errors: kBusy, there are max_tenants already; those of Store::Open, after
  // which the next call tries again.
  Result<Tenant> ToWrite(std::string_view name);
  // The same, but kNotFound for a tenant of whom nothing was ever stored.
  Result<Tenant> ToRead(std::string_view name);

  // Each open store, the default one included; the stores stay open meanwhile.
  void ForEach(const std::function<void(const std::string& name, const Store& store)>& visit) const;

  // Closes all but the default one. Gives the first error, having done all. ToWrite() and ToRead()
  // are kClosed from then on.
  Status Close();

 private:
  struct Entry;
  Result<Tenant> Get(std::string_view name, bool make);
  Result<std::shared_ptr<Entry>> EntryOf(const std::string& name, bool make);
  std::string DirectoryOf(const std::string& name) const;

  Store& default_store_;
  const TenantStoresOptions options_;
  mutable std::mutex mutex_;
  bool closed_ = false;                                     // guarded by mutex_, as what follows
  std::map<std::string, std::shared_ptr<Entry>> entries_;
};

}  // namespace tracestore::server
