// The embedded store of a service, and its figures.
#include <spdlog/spdlog.h>
#include <tracestore/store.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <system_error>
#include <utility>

#include "base/try.h"
#include "server/tenants/tenant_stores.h"
#include "service/parts.h"
#include "service/store_options.h"
#include "service/sync_policy.h"
#include "service/tenants.h"

namespace tracestore::tools {
namespace {

// The store's directory; a temporary one goes with this object.
class DataDirectory {
 public:
  explicit DataDirectory(std::string path) : path_(std::move(path)) {}
  static Result<std::unique_ptr<DataDirectory>> Temporary() {
    std::error_code error;
    std::string path = (std::filesystem::temp_directory_path(error) / "tracestore-XXXXXX").string();
    if (error || mkdtemp(path.data()) == nullptr) {
      return Error(ErrorCode::kIo, "cannot make a temporary directory " + path);
    }
    auto made = std::make_unique<DataDirectory>(std::move(path));
    made->temporary_ = true;
    return made;
  }
  ~DataDirectory() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  DataDirectory(const DataDirectory&) = delete;
  DataDirectory& operator=(const DataDirectory&) = delete;

  const std::string& path() const noexcept { return path_; }
  bool temporary() const noexcept { return temporary_; }

 private:
  std::string path_;
  bool temporary_ = false;
};

void LogStoreMessage(LogLevel level, std::string_view text) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::debug("store: {}", text);
    case LogLevel::kInfo: return spdlog::info("store: {}", text);
    case LogLevel::kWarning: return spdlog::warn("store: {}", text);
    case LogLevel::kError: return spdlog::error("store: {}", text);
  }
}

struct StoreCounts {
  std::uint64_t spans = 0, head_spans = 0, deleted_spans = 0, segments = 0, segment_bytes = 0,
                log_bytes = 0;

  void Add(const Store& store) {
    const auto snapshot = store.TakeSnapshot();
    if (!snapshot.has_value()) return;
    const auto stats = snapshot->Stats(false);
    if (!stats.has_value()) return;
    spans += stats->spans;
    head_spans += stats->head_spans;
    deleted_spans += stats->deleted_spans;
    segments += stats->segments;
    segment_bytes += stats->segment_bytes;
    log_bytes += stats->log_bytes;
  }
};

// Runs on the admin server's thread, also after the store is closed: then there is no snapshot.
void CollectStore(const Shared& shared, server::MetricRegistry& metrics) {
  StoreCounts counts;
  if (shared.tenants == nullptr) {
    counts.Add(*shared.store);
  } else {
    std::size_t open = 0;
    shared.tenants->ForEach([&](const std::string&, const Store& store) {
      counts.Add(store);
      ++open;
    });
    metrics.Set("tracestore_tenants_open", {}, static_cast<double>(open));
  }
  const auto set = [&](const char* name, std::uint64_t value) {
    metrics.Set(name, {}, static_cast<double>(value));
  };
  set("tracestore_store_spans", counts.spans);
  set("tracestore_store_head_spans", counts.head_spans);
  set("tracestore_store_deleted_spans", counts.deleted_spans);
  set("tracestore_store_segments", counts.segments);
  set("tracestore_store_segment_bytes", counts.segment_bytes);
  set("tracestore_store_log_bytes", counts.log_bytes);
}

void Watch(Service& service) {
  service.OnCollect([&shared = service.shared()](server::MetricRegistry& metrics) {
    CollectStore(shared, metrics);
  });
}

}  // namespace

StoreOptions StoreOptionsOf(Service& service) {
  StoreOptions options;
  const StoreSection& config = service.config().store;
  options.sync = SyncOf(config.sync);
  options.retention_age = std::chrono::duration_cast<std::chrono::seconds>(config.keep_age);
  options.retention_bytes = config.keep_bytes;
  options.query_memory_bytes = config.query_memory_bytes;
  options.log = LogStoreMessage;
  // The store tells what is added: spans appended, sealed, recovered.
  options.metric = [&metrics = service.metrics()](std::string_view name, double value) {
    metrics.Add("tracestore_store_" + std::string(name) + "_total", {}, value);
  };
  return options;
}

StoreOptions ArchiveOptionsOf(Service& service) {
  StoreOptions options = StoreOptionsOf(service);
  const ArchiveSection& config = service.config().archive;
  options.retention_age = std::chrono::duration_cast<std::chrono::seconds>(config.keep_age);
  options.retention_bytes = config.keep_bytes;
  options.metric = {};  // the counters are of the store
  return options;
}

namespace {

Result<StoreOptions> OptionsOfDefaultTenant(Service& service) {
  StoreOptions options = StoreOptionsOf(service);
  const TenancySection& tenancy = service.config().tenancy;
  if (!tenancy.on) return options;
  TS_TRY_ASSIGN(const ByTenant keep_bytes, SizesByTenant(tenancy.keep_bytes));
  if (const auto own = keep_bytes.find(tenancy.default_tenant); own != keep_bytes.end())
    options.retention_bytes = own->second;
  return options;
}

}  // namespace

Status OpenStore(Service& service) {
  if (service.config().forward.on()) return {};  // spans are sent on
  const StoreSection& config = service.config().store;
  std::unique_ptr<DataDirectory> directory;
  if (config.data.empty()) {
    TS_TRY_ASSIGN(directory, DataDirectory::Temporary());
  } else {
    directory = std::make_unique<DataDirectory>(config.data);
  }
  const DataDirectory& data = service.Keep(std::move(directory));
  TS_TRY_ASSIGN(const StoreOptions options, OptionsOfDefaultTenant(service));
  TS_TRY_ASSIGN(auto opened, Store::Open(data.path(), options));
  Store& store = service.Keep(std::move(opened));
  service.shared().store = &store;
  service.shared().directory = data.path();
  service.OnStop([&store](std::chrono::milliseconds) { return store.Close(); });
  Watch(service);
  service.Show("data",
               data.path() + (data.temporary() ? "  (removed at exit; --data DIR keeps one)" : ""));
  return {};
}

// What a collector writes, or will.
Status OpenStoreToRead(Service& service) {
  service.shared().directory = service.config().store.data;
  server::TenantStoresOptions options;
  options.store_options = [&service](const std::string&) {
    StoreOptions store = StoreOptionsOf(service);
    store.mode = OpenMode::kRead;
    return store;
  };
  KeepTenantStores(service, std::move(options));
  Watch(service);
  std::error_code ignored;
  const bool there = std::filesystem::exists(service.shared().directory, ignored);
  service.Show("data", service.shared().directory + (there ? "" : "  (not there yet)"));
  return {};
}

}  // namespace tracestore::tools
