// What the tests of the tail sampler share: a store of the test's own, and spans.
#pragma once
#include <map>
#include <mutex>
#include <optional>
#include <utility>

#include "ingest/tail_sampler.h"

namespace tracestore::ingest {

// Keeps spans in memory, over the life of many samplers; fails when told to.
class MemoryTarget final : public TailTarget {
 public:
  Status Append(model::SpanBatch&& batch) override {
    const std::lock_guard lock(mutex);
    if (appends_until_failure && (*appends_until_failure)-- == 0)
      return Error(ErrorCode::kIo, "the store's disk is full");
    for (const model::SpanRecord& span : batch.spans) ++spans[{span.trace_id, span.span_id}];
    model::BatchAppender appender(all);
    appender.SetSource(batch);
    for (std::uint32_t row = 0; row < batch.size(); ++row) appender.Append(row);
    return {};
  }
  Status Sync() override { return {}; }
  Result<std::shared_ptr<const model::SpanBatch>> SpansOf(TraceId id) override {
    const std::lock_guard lock(mutex);
    auto out = std::make_shared<model::SpanBatch>();
    model::BatchAppender appender(*out);
    appender.SetSource(all);
    for (std::uint32_t row = 0; row < all.size(); ++row)
      if (all.spans[row].trace_id == id) appender.Append(row);
    return std::shared_ptr<const model::SpanBatch>(out);
  }
  int CountOf(TraceId trace, SpanId span) {
    const std::lock_guard lock(mutex);
    const auto found = spans.find({trace, span});
    return found == spans.end() ? 0 : found->second;
  }

  std::mutex mutex;  // guards what follows
  std::optional<int> appends_until_failure;
  std::map<std::pair<TraceId, SpanId>, int> spans;
  model::SpanBatch all;
};

struct TestSpan {
  std::uint64_t trace;
  std::uint64_t span;
  StatusCode status = StatusCode::kUnset;
  std::uint32_t flags = 0;
};

inline model::SpanBatch BatchOf(const std::vector<TestSpan>& spans) {
  model::SpanBatch batch;
  batch.AddString(batch.strings.Intern("service.name"), "shop");
  batch.resources.emplace_back().attributes = {0, 1};
  batch.scopes.emplace_back();
  for (const TestSpan& one : spans) {
    model::SpanRecord span;
    span.trace_id = {1, one.trace};
    span.span_id = {one.span};
    span.name = batch.strings.Intern("operation");
    span.start_ns = 1'000'000 + one.span;
    span.duration_ns = 10;
    span.presence = model::kHasStart | model::kHasDuration;
    span.status = one.status;
    span.flags = one.flags;
    batch.spans.push_back(span);
  }
  return batch;
}

inline sampling::TailPolicies ErrorPolicy() {
  sampling::TailPolicyConfig config;
  config.name = "errors";
  config.type = "error";
  return sampling::TailPolicies::Compile({config}).value();
}

}  // namespace tracestore::ingest
