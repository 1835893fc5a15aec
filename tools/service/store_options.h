// The options of a service's stores.
#pragma once
#include <tracestore/store.h>

namespace tracestore::tools {

class Service;

// From its settings; logs and counts by the service, which must outlive the store.
StoreOptions StoreOptionsOf(Service& service);
// Of an archive: with its own retention, and not counted.
StoreOptions ArchiveOptionsOf(Service& service);

// Of a store's archive: what was put there was meant to stay, and does not count as the store's.
StoreOptions ArchiveOptionsOf(Service& service);

}  // namespace tracestore::tools
