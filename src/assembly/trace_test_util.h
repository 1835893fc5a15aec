// Small traces for the tests of this room.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

#include "model/span_batch.h"

namespace tracestore::assembly {

// Builds a trace (id 7) span by span; a test names services by text and spans by number.
class TraceMaker {
 public:
  TraceMaker() { batch_.scopes.emplace_back(); }

  // Adds a span and gives it back for changes (until the next Add).
  model::SpanRecord& Add(std::uint64_t id, std::uint64_t parent, const std::string& service,
                         std::uint64_t start, std::uint64_t duration,
                         SpanKind kind = SpanKind::kInternal) {
    model::SpanRecord span;
    span.trace_id = {0, 7};
    span.span_id = {id};
    span.parent_id = {parent};
    span.start_ns = start;
    span.duration_ns = duration;
    span.presence = model::kHasStart | model::kHasDuration;
    span.kind = kind;
    span.name = batch_.strings.Intern("op" + std::to_string(id));
    span.resource = Resource(service, {});
    span.attributes.begin = static_cast<std::uint32_t>(batch_.attributes.size());
    span.references.begin = static_cast<std::uint32_t>(batch_.references.size());
    batch_.spans.push_back(span);
    return batch_.spans.back();
  }
  // To the last span.
  void Refer(ReferenceType type, std::uint64_t id, TraceId trace = {0, 7}) {
    model::ReferenceRecord reference;
    reference.trace_id = trace;
    reference.span_id = {id};
    reference.type = type;
    batch_.references.push_back(reference);
    ++batch_.spans.back().references.count;
  }
  void Tag(const std::string& key, const std::string& value, bool synthetic = false) {
    batch_.AddString(batch_.strings.Intern(key), value, synthetic);
    ++batch_.spans.back().attributes.count;
  }
  void OnHost(const std::string& host) {
    auto& span = batch_.spans.back();
    span.resource = Resource(
        std::string(model::ServiceOf(batch_, batch_.resources[span.resource])), host);
  }

  model::SpanBatch& batch() { return batch_; }

 private:
  std::uint32_t Resource(const std::string& service, const std::string& host) {
    model::ResourceRecord resource;
    resource.origin = Origin::kZipkin;
    resource.attributes.begin = static_cast<std::uint32_t>(batch_.attributes.size());
    if (!service.empty()) batch_.AddString(batch_.strings.Intern("service.name"), service);
    if (!host.empty()) batch_.AddString(batch_.strings.Intern("host.name"), host);
    resource.attributes.count =
        static_cast<std::uint32_t>(batch_.attributes.size()) - resource.attributes.begin;
    // A record each would do; sharing them keeps large traces small.
    for (std::uint32_t i = 0; i < std::min<std::size_t>(batch_.resources.size(), 16); ++i) {
      if (!model::ResourcesEqual(batch_, batch_.resources[i], batch_, resource)) continue;
      batch_.attributes.resize(resource.attributes.begin);
      return i;
    }
    batch_.resources.push_back(resource);
    return static_cast<std::uint32_t>(batch_.resources.size() - 1);
  }

  model::SpanBatch batch_;
};

// A random trace of about `spans` spans: few ids, so that parents are missing, several spans share
// an id, and references make cycles; duplicates, missing starts, shared pairs, several parents.
inline model::SpanBatch RandomTrace(std::uint64_t seed, std::uint32_t spans) {
  std::mt19937_64 random(seed);
  const auto below = [&](std::uint64_t n) { return random() % n; };
  TraceMaker maker;
  const std::uint64_t ids = spans + spans / 2 + 2;
  const bool mostly_tree = below(2) == 0;
  const char* services[] = {"a", "b", "c", ""};
  for (std::uint32_t i = 0; i < spans; ++i) {
    if (i > 0 && below(10) == 0) {
      model::SpanRecord copy = maker.batch().spans[below(i)];
      maker.batch().spans.push_back(copy);
      continue;
    }
    const std::uint64_t id = below(8) == 0 ? below(ids) + 1 : i + 1;
    const std::uint64_t parent = below(7) == 0 ? 0
                                 : mostly_tree ? below(i + std::uint64_t{1}) + 1
                                               : below(ids) + 1;
    auto& span = maker.Add(id, parent == id && below(4) != 0 ? 0 : parent, services[below(4)],
                           below(60), below(40), static_cast<SpanKind>(below(4)));
    if (below(12) == 0) {
      span.presence = 0;
      span.start_ns = span.duration_ns = 0;
    }
    if (below(6) == 0) span.status = StatusCode::kError;
    if (below(15) == 0) span.duration_ns = std::uint64_t{0} - below(span.start_ns + 1);
    if (below(8) == 0) maker.Tag("zipkin.shared", "true", true);
    if (below(8) == 0) maker.Tag("peer.service", services[below(4)]);
    for (std::uint64_t more = below(5) == 0 ? below(3) : 0; more > 0; --more) {
      const auto type = static_cast<ReferenceType>(below(3));
      maker.Refer(type, below(ids) + 1, TraceId{0, below(4) == 0 ? 8U : 7U});
    }
  }
  return std::move(maker.batch());
}

// The same spans in another order.
inline model::SpanBatch Shuffled(const model::SpanBatch& batch, std::uint64_t seed) {
  std::vector<std::uint32_t> rows(batch.size());
  std::iota(rows.begin(), rows.end(), 0U);
  std::mt19937_64 random(seed);
  std::shuffle(rows.begin(), rows.end(), random);
  model::SpanBatch shuffled;
  model::BatchAppender appender(shuffled);
  appender.SetSource(batch);
  for (const std::uint32_t row : rows) appender.Append(row);
  return shuffled;
}

}  // namespace tracestore::assembly
