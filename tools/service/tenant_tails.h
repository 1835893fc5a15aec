// TenantTails: a tail sampler for each tenant, beside their store, so that no trace of one waits
// for, or is decided by, another's.
#pragma once
#include <tracestore/status.h>

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/span_sink.h"
#include "ingest/tail_sampler.h"
#include "server/tenants/tenant_stores.h"

namespace tracestore::tools {

// A sampler and where what it keeps goes.
struct Tail {
  std::unique_ptr<ingest::TailTarget> target;
  std::unique_ptr<ingest::TailSampler> sampler;  // goes first
};

// Threads: any. Each sampler has its own bounds, log (`pending/` in the tenant's directory) and
// thread.
class TenantTails final : public ingest::SpanSink {
 public:
  // Called once a tenant, from any thread; again after an error.
  using OpenTail = std::function<Result<Tail>(Store& store, const std::string& directory)>;

  // `stores` is borrowed.
  TenantTails(server::TenantStores& stores, OpenTail open)
      : stores_(stores), open_(std::move(open)) {}

  // The sampler of the batch's tenant takes it; the first batch makes it. Errors: those of the
  // stores and of opening a sampler; the sampler's.
  Status Accept(model::SpanBatch&& batch, const ingest::SpanContext& context) override;

  // Makes a tenant's sampler, unless there is one.
  Status Open(std::string_view tenant);

  // Of all samplers together.
  ingest::TailStats Stats() const;

  // Ends all threads; with `decide` after deciding what waits. Gives the first error, having done
  // all. No call after it but Stats.
  Status Stop(bool decide);

 private:
  // Its mutex is held while the sampler opens, so that other tenants are not kept waiting.
  struct Entry {
    std::mutex mutex;
    Tail tail;  // guarded by mutex
  };
  Result<ingest::TailSampler*> Of(std::string_view tenant);
  std::vector<std::shared_ptr<Entry>> All() const;

  server::TenantStores& stores_;
  const OpenTail open_;
  mutable std::mutex mutex_;
  std::map<Store*, std::shared_ptr<Entry>> entries_;  // guarded by mutex_
};

}  // namespace tracestore::tools
