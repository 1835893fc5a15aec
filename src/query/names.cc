#include "query/names.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/stop.h"
#include "base/try.h"
#include "model/text.h"
#include "query/hidden_rows.h"
#include "query/remembered.h"

namespace tracestore::query {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using store::SegmentReader;
using store::SnapshotData;
using store::TermKind;

using Counts = std::map<std::string, std::uint64_t, std::less<>>;

constexpr std::uint8_t Kind(TermKind kind) { return static_cast<std::uint8_t>(kind); }

void AddTo(Counts& counts, std::string_view name, std::uint64_t count) {
  const auto at = counts.lower_bound(name);
  if (at != counts.end() && at->first == name) at->second += count;
  else counts.emplace_hint(at, name, count);
}

// What to add to a count so that `count` is taken out of it: the sum of both is exact, modulo 2^64.
constexpr std::uint64_t Minus(std::uint64_t count) { return 0 - count; }

// With what deleted rows counted for taken out, nothing may be left of a name.
void DropZeros(Counts& counts) {
  std::erase_if(counts, [](const auto& entry) { return entry.second == 0; });
}

store::Projection Structure() {
  store::Projection projection;
  projection.attributes = false;
  projection.events = false;
  return projection;
}

std::vector<NamedCount> ByName(const Counts& counts) {
  std::vector<NamedCount> list;
  list.reserve(counts.size());
  for (const auto& [name, count] : counts) list.push_back({name, count});
  return list;
}

// Calls `visit(text a, term, count)` for the posting terms of a kind, or those with this `a`.
template <typename Visit>
Status ForEachTerm(const SegmentReader& segment, TermKind kind, std::optional<std::uint32_t> a,
                   const Visit& visit) {
  TS_TRY_ASSIGN(const auto* postings, segment.postings());
  TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
  bool good = true;
  postings->ForEach(Kind(kind), a, [&](index::Term term, std::uint64_t count) {
    if (term.a < strings->size() && term.b < strings->size()) visit(*strings, term, count);
    else good = false;
  });
  if (good) return {};
  return Error(ErrorCode::kCorruption, "segment " + segment.name() +
                                           ": a posting term names a text that is not there");
}

// Calls `visit(service, span, count)`: for each (resource, name, kind) of a batch one of its spans
// and how many there are that indexes count.
template <typename Visit>
void ForEachOperation(const SpanBatch& batch, const Visit& visit) {
  struct Group {
    const SpanRecord* span = nullptr;
    std::uint64_t count = 0;
  };
  std::unordered_map<std::uint64_t, Group> groups;
  for (const SpanRecord& span : batch.spans) {
    if (span.firehose()) continue;
    Group& group = groups[(std::uint64_t{span.resource} << 35) ^ (std::uint64_t{span.name} << 3) ^
                          static_cast<std::uint64_t>(span.kind)];
    group.span = &span;
    ++group.count;
  }
  for (const auto& [key, group] : groups)
    visit(ServiceOf(batch, *group.span), *group.span, group.count);
}

// The ranges of attributes of a span alone: its own, its events', its references'.
template <typename Visit>
void ForEachOwnRange(const SpanBatch& batch, const SpanRecord& span, const Visit& visit) {
  visit(span.attributes);
  for (std::uint32_t i = 0; i < span.events.count; ++i)
    visit(batch.events[span.events.begin + i].attributes);
  for (std::uint32_t i = 0; i < span.references.count; ++i)
    visit(batch.references[span.references.begin + i].attributes);
}

// Calls `visit(attribute, count)` for the attributes at every level of the spans that indexes
// count; those of a resource or scope come once, with the number of its spans.
template <typename Visit>
void ForEachAttribute(const SpanBatch& batch, const Visit& visit) {
  std::vector<std::uint64_t> resources(batch.resources.size());
  std::vector<std::uint64_t> scopes(batch.scopes.size());
  const auto visit_range = [&](model::Range range, std::uint64_t count) {
    if (count == 0) return;
    for (const model::Attribute& attribute : AttributesOf(batch, range)) visit(attribute, count);
  };
  for (const SpanRecord& span : batch.spans) {
    if (span.firehose()) continue;
    ++resources[span.resource];
    ++scopes[span.scope];
    ForEachOwnRange(batch, span, [&](model::Range range) { visit_range(range, 1); });
  }
  for (std::size_t i = 0; i < resources.size(); ++i)
    visit_range(batch.resources[i].attributes, resources[i]);
  for (std::size_t i = 0; i < scopes.size(); ++i)
    visit_range(batch.scopes[i].attributes, scopes[i]);
}

// Counts the values of one key.
class ValueCounter {
 public:
  explicit ValueCounter(std::string_view key) : key_(key) {}

  void Add(std::string text, std::uint64_t count) { counts_[std::move(text)] += count; }

  void AddBatch(const SpanBatch& batch, bool remove = false) {
    const auto key = batch.strings.Find(key_);
    if (!key) return;
    ForEachAttribute(batch, [&](const model::Attribute& attribute, std::uint64_t count) {
      if (attribute.key == *key)
        Add(model::CanonicalText(batch, attribute), remove ? Minus(count) : count);
    });
  }

  Status AddSegment(const SnapshotData& data, std::size_t number) {
    TS_TRY(CheckStop(data.stop));
    TS_TRY(AddAllOf(*data.segments[number], data.stop));
    return ForEachHiddenBatch(data, number, {},
                              [&](const SpanBatch& rows) { AddBatch(rows, true); });
  }

  std::vector<NamedCount> MostFrequent(std::size_t limit) && {
    std::vector<NamedCount> list;
    list.reserve(counts_.size());
    for (auto& [text, count] : counts_) {
      if (count > 0) list.push_back({text, count});
    }
    const auto before = [](const NamedCount& a, const NamedCount& b) {
      return a.count != b.count ? a.count > b.count : a.name < b.name;
    };
    if (limit == 0 || limit > list.size()) limit = list.size();
    std::partial_sort(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(limit), list.end(),
                      before);
    list.resize(limit);
    return list;
  }

 private:
  Status AddAllOf(const SegmentReader& segment, const StopWhen& stop) {
    TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
    TS_TRY_ASSIGN(const auto* postings, segment.postings());
    const auto key = strings->Find(key_);
    if (!key) return {};
    const auto all = postings->CountOf({Kind(TermKind::kKey), *key, 0});
    if (!all) return {};
    std::uint64_t listed = 0;
    postings->ForEach(Kind(TermKind::kKeyValue), *key,
                      [&](index::Term, std::uint64_t count) { listed += count; });
    // Values that the encoder kept raw stand in no list: read them all.
    if (listed != *all) return ScanSegment(segment, *key, stop);
    return ForEachTerm(segment, TermKind::kKeyValue, *key,
                       [&](const auto& texts, index::Term term, std::uint64_t count) {
                         Add(std::string(texts.At(term.b)), count);
                       });
  }

  Status ScanSegment(const SegmentReader& segment, std::uint32_t key, const StopWhen& stop) {
    TS_TRY_ASSIGN(const auto* tables, segment.tables());
    store::Projection projection;
    projection.all_columns = false;
    for (std::uint32_t i = 0; i < tables->columns.size(); ++i) {
      if (tables->columns[i].key == key) projection.columns.push_back(i);
    }
    TS_TRY_ASSIGN(const index::PageSet pages, segment.PagesOf(TermKind::kKey, key));
    for (std::uint32_t page = 0; page < segment.page_count(); ++page) {
      if (!pages.Contains(page)) continue;
      const store::PageInfo& info = segment.pages()[page];
      SpanBatch rows;
      TS_TRY(segment.ReadRows(info.first_row, info.first_row + info.rows, projection, rows,
                              stop));
      AddBatch(rows);
    }
    return {};
  }

  std::string_view key_;
  std::unordered_map<std::string, std::uint64_t> counts_;
};

}  // namespace

Result<std::vector<NamedCount>> Services(const SnapshotData& data) {
  Counts counts;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY(CheckStop(data.stop));
    TS_TRY(ForEachTerm(*data.segments[i], TermKind::kService, std::nullopt,
                       [&](const auto& texts, index::Term term, std::uint64_t count) {
                         AddTo(counts, texts.At(term.a), count);
                       }));
    TS_TRY(ForEachHiddenBatch(data, i, Structure(), [&](const SpanBatch& rows) {
      ForEachOperation(rows, [&](std::string_view service, const SpanRecord&, std::uint64_t count) {
        AddTo(counts, service, Minus(count));
      });
    }));
  }
  for (const auto& part : data.head) {
    TS_TRY(CheckStop(data.stop));
    ForEachOperation(part->batch(),
                     [&](std::string_view service, const SpanRecord&, std::uint64_t count) {
                       AddTo(counts, service, count);
                     });
  }
  DropZeros(counts);
  if (const auto none = counts.find(""); none != counts.end()) counts.erase(none);
  return ByName(counts);
}

namespace {

// By name, then kind.
using OperationCounts = std::map<std::pair<std::string, std::uint32_t>, std::uint64_t>;

// Adds the batch's spans of the service ("": of all), or takes them out.
void AddOperations(const SpanBatch& batch, std::string_view service, bool remove,
                   OperationCounts& counts) {
  ForEachOperation(batch, [&](std::string_view owner, const SpanRecord& span,
                              std::uint64_t count) {
    if (!service.empty() && owner != service) return;
    counts[{std::string(batch.text(span.name)), static_cast<std::uint32_t>(span.kind)}] +=
        remove ? Minus(count) : count;
  });
}

Result<OperationCounts> CountOperations(const SnapshotData& data, std::string_view service) {
  constexpr std::uint32_t kKinds = 6;
  OperationCounts counts;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    const auto& segment = data.segments[i];
    TS_TRY(CheckStop(data.stop));
    std::optional<std::uint32_t> only;
    if (!service.empty()) {
      TS_TRY_ASSIGN(const auto* strings, segment->dictionary());
      only = strings->Find(service);
      if (!only) continue;
    }
    for (std::uint32_t kind = 0; kind < kKinds; ++kind) {
      const auto terms =
          static_cast<TermKind>(static_cast<std::uint32_t>(TermKind::kServiceOperationKind) + kind);
      TS_TRY(ForEachTerm(*segment, terms, only,
                         [&](const auto& texts, index::Term term, std::uint64_t count) {
                           counts[{std::string(texts.At(term.b)), kind}] += count;
                         }));
    }
    TS_TRY(ForEachHiddenBatch(data, i, Structure(), [&](const SpanBatch& rows) {
      AddOperations(rows, service, true, counts);
    }));
  }
  return counts;
}

// Those of the segments, once a catalog version.
Result<std::shared_ptr<const OperationCounts>> SealedOperations(const SnapshotData& data,
                                                                std::string_view service) {
  return Remembered<OperationCounts>(
      data, "operations " + std::string(service), [&] { return CountOperations(data, service); },
      [](const OperationCounts& counts) {
        std::size_t bytes = 0;
        for (const auto& [operation, count] : counts) bytes += 128 + operation.first.size();
        return bytes;
      });
}

std::vector<OperationInfo> ListOf(const OperationCounts& counts) {
  std::vector<OperationInfo> list;
  list.reserve(counts.size());
  for (const auto& [operation, count] : counts) {
    if (count > 0)
      list.push_back({operation.first, static_cast<SpanKind>(operation.second), count});
  }
  return list;
}

}  // namespace

Result<std::vector<OperationInfo>> Operations(const SnapshotData& data, std::string_view service) {
  TS_TRY(CheckStop(data.stop));
  TS_TRY_ASSIGN(const auto sealed, SealedOperations(data, service));
  if (data.head.empty()) return ListOf(*sealed);
  OperationCounts counts = *sealed;
  for (const auto& part : data.head) {
    TS_TRY(CheckStop(data.stop));
    AddOperations(part->batch(), service, false, counts);
  }
  return ListOf(counts);
}

Result<std::vector<NamedCount>> Keys(const SnapshotData& data) {
  Counts counts;
  const auto add = [&](const SpanBatch& batch, bool remove) {
    ForEachAttribute(batch, [&](const model::Attribute& attribute, std::uint64_t count) {
      AddTo(counts, batch.text(attribute.key), remove ? Minus(count) : count);
    });
  };
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY(CheckStop(data.stop));
    TS_TRY(ForEachTerm(*data.segments[i], TermKind::kKey, std::nullopt,
                       [&](const auto& texts, index::Term term, std::uint64_t count) {
                         AddTo(counts, texts.At(term.a), count);
                       }));
    TS_TRY(ForEachHiddenBatch(data, i, {}, [&](const SpanBatch& rows) { add(rows, true); }));
  }
  for (const auto& part : data.head) {
    TS_TRY(CheckStop(data.stop));
    add(part->batch(), false);
  }
  DropZeros(counts);
  return ByName(counts);
}

Result<std::vector<NamedCount>> Values(const SnapshotData& data, std::string_view key,
                                       std::size_t limit) {
  ValueCounter counter(key);
  for (std::size_t i = 0; i < data.segments.size(); ++i) TS_TRY(counter.AddSegment(data, i));
  for (const auto& part : data.head) {
    TS_TRY(CheckStop(data.stop));
    counter.AddBatch(part->batch());
  }
  return std::move(counter).MostFrequent(limit);
}

}  // namespace tracestore::query
