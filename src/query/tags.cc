#include "query/tags.h"

#include <algorithm>
#include <bit>
#include <memory>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/stop.h"
#include "base/try.h"
#include "model/text.h"
#include "store/segment/residue.h"

namespace tracestore::query {
namespace {

using model::SpanBatch;
using model::SpanRecord;
using store::PageCodes;
using store::PageInfo;
using store::RowCodes;
using store::SegmentReader;
using store::SegmentTables;
using store::SnapshotData;
using store::TermKind;

// Beside FactKind's, in SegmentAnswers.
constexpr int kTagAnswers = 100;

// What of a row's residue can hold attributes.
constexpr std::uint64_t kAttributesInResidue =
    store::kResidueReferences | store::kResidueEvents | store::kResidueGeneric;

// What the rows of a segment that are to be seen have.
struct SegmentTags {
  LeveledKeys names;
  OwnerNames owners;
  std::vector<bool> resources;               // by number in the tables: some row has it
  std::vector<bool> scopes;
  std::vector<std::uint32_t> residue_pages;  // with attributes in residues, ascending

  std::size_t memory_bytes() const {
    std::size_t bytes = sizeof *this + residue_pages.size() * sizeof(std::uint32_t) +
                        (resources.size() + scopes.size()) / 8;
    const auto add = [&bytes](const auto& texts) {
      for (const std::string& text : texts) bytes += 64 + text.size();
    };
    for (const auto& level : names.keys) add(level);
    add(owners.scopes);
    add(owners.scope_versions);
    add(owners.root_services);
    add(owners.root_operations);
    return bytes;
  }
};

bool MayStartIn(const SegmentReader& segment, TimeRange range) {
  const store::SegmentMeta& meta = segment.meta();
  return range.all() || (meta.max_start_ns >= range.begin_ns &&
                         (meta.min_start_ns < range.end_ns || range.Contains(meta.min_start_ns)));
}

// Calls `visit(level, attribute)` for the attributes of a batch's spans that `wanted(span)`; those
// of a resource or scope come once.
template <typename Wanted, typename Visit>
void ForEachLeveled(const SpanBatch& batch, const Wanted& wanted, const Visit& visit) {
  std::vector<bool> resources(batch.resources.size());
  std::vector<bool> scopes(batch.scopes.size());
  const auto visit_range = [&](LevelSet level, model::Range range) {
    for (const model::Attribute& attribute : AttributesOf(batch, range)) visit(level, attribute);
  };
  for (const SpanRecord& span : batch.spans) {
    if (span.firehose() || !wanted(span)) continue;
    resources[span.resource] = true;
    scopes[span.scope] = true;
    visit_range(kOnSpan, span.attributes);
    for (std::uint32_t i = 0; i < span.events.count; ++i)
      visit_range(kOnEvent, batch.events[span.events.begin + i].attributes);
    for (std::uint32_t i = 0; i < span.references.count; ++i)
      visit_range(kOnLink, batch.references[span.references.begin + i].attributes);
  }
  for (std::size_t i = 0; i < resources.size(); ++i) {
    if (resources[i]) visit_range(kOnResource, batch.resources[i].attributes);
  }
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    if (scopes[i]) visit_range(kOnScope, batch.scopes[i].attributes);
  }
}

bool StartsIn(const SpanRecord& span, TimeRange starts) {
  return starts.all() || (span.has_start() && starts.Contains(span.start_ns));
}

void AddKeys(const SpanBatch& batch, TimeRange starts, LeveledKeys& out) {
  std::vector<LevelSet> known(batch.strings.size());  // by key
  ForEachLeveled(
      batch,
      [&](const SpanRecord& span) { return StartsIn(span, starts); },
      [&](LevelSet level, const model::Attribute& attribute) {
        if ((known[attribute.key] & level) != 0) return;
        known[attribute.key] |= level;
        out.At(level).emplace(batch.text(attribute.key));
      });
}

void AddScope(const SpanBatch& batch, const SpanRecord& span, OwnerNames& out) {
  const model::ScopeRecord& scope = batch.scopes[span.scope];
  out.scopes.emplace(batch.text(scope.name));
  out.scope_versions.emplace(batch.text(scope.version));
}

void AddOwnersOfHead(const SpanBatch& batch, TimeRange starts, OwnerNames& out) {
  for (const SpanRecord& span : batch.spans) {
    if (span.firehose() || !StartsIn(span, starts)) continue;
    AddScope(batch, span, out);
    if (!span.parent_id.empty()) continue;
    out.root_services.emplace(ServiceOf(batch, span));
    out.root_operations.emplace(batch.text(span.name));
  }
}

// Reads the shapes of a segment's rows, page by page.
class TagScan {
 public:
  TagScan(const SnapshotData& data, std::size_t number)
      : data_(data), number_(number), segment_(*data.segments[number]) {}

  Result<SegmentTags> Run() {
    TS_TRY_ASSIGN(context_, segment_.Context());
    const SegmentTables& tables = *context_.tables;
    keysets_.resize(tables.keysets.size());
    event_lists_.resize(tables.event_lists.size());
    tags_.resources.resize(tables.resources.size());
    tags_.scopes.resize(tables.scopes.size());
    for (std::uint32_t page = 0; page < segment_.page_count(); ++page) TS_TRY(ScanPage(page));
    Name();
    return std::move(tags_);
  }

 private:
  bool Hidden(const RowCodes& row) const {
    return data_.MayHide(number_) &&
           data_.Hidden(number_, context_.traces->parts[row.part].id);
  }

  Status ScanPage(std::uint32_t page) {
    TS_TRY(CheckStop(data_.stop));
    TS_TRY_ASSIGN(const auto codes, segment_.Codes(page, context_, false));
    bool residues = false;
    bool generic = false;
    for (const RowCodes& row : codes->rows()) {
      if (Hidden(row)) continue;
      std::uint64_t bits = 0;
      if (row.residue != store::kNoRow)
        bits = base::ByteReader(codes->Residue(row)).BoundedVarint(255);
      residues |= (bits & kAttributesInResidue) != 0;
      const store::PageShape shape = codes->ShapeOf(row);
      generic |= shape.op == 0;
      MarkRow(row, shape, (bits & store::kResidueEvents) != 0);
    }
    if (!residues && !generic) return {};
    const PageInfo& info = segment_.pages()[page];
    store::Projection projection;
    projection.all_columns = false;
    projection.keep_pages = false;
    SpanBatch rows;
    TS_TRY(segment_.ReadRows(info.first_row, info.first_row + info.rows, projection, rows,
                             data_.stop));
    bool any = false;
    ForEachLeveled(
        rows, [&](const SpanRecord& span) { return !data_.Hidden(number_, span.trace_id); },
        [&](LevelSet level, const model::Attribute& attribute) {
          any |= (level & (kOnResource | kOnScope)) == 0;
          tags_.names.At(level).emplace(rows.text(attribute.key));
        });
    // Generic rows mark neither their resource nor their scope.
    if (any || generic) tags_.residue_pages.push_back(page);
    for (const SpanRecord& span : rows.spans) {
      if (!span.firehose() && !data_.Hidden(number_, span.trace_id))
        AddScope(rows, span, tags_.owners);
    }
    return {};
  }

  void MarkRow(const RowCodes& row, const store::PageShape& shape, bool events_in_residue) {
    if (shape.op == 0) return;  // generic: all of it is in the residue
    const store::TableOp& op = context_.tables->ops[shape.op - 1];
    if ((op.flags & model::kFlagFirehose) != 0) return;
    keysets_[shape.keyset] = true;
    if (!events_in_residue) event_lists_[shape.event_list] = true;
    tags_.resources[row.resource] = true;
    tags_.scopes[op.scope] = true;
  }

  void Name() {
    const SegmentTables& tables = *context_.tables;
    const auto name = [&](LevelSet level, std::uint32_t key) {
      tags_.names.At(level).emplace(context_.dictionary->At(key));
    };
    const auto name_columns = [&](LevelSet level, const std::vector<std::uint32_t>& columns) {
      for (const std::uint32_t column : columns) {
        if (column != store::kStatusMessageColumn) name(level, tables.columns[column].key);
      }
    };
    for (std::size_t i = 0; i < keysets_.size(); ++i) {
      if (keysets_[i]) name_columns(kOnSpan, tables.keysets[i]);
    }
    for (std::size_t i = 0; i < event_lists_.size(); ++i) {
      if (!event_lists_[i]) continue;
      for (const std::uint32_t type : tables.event_lists[i])
        name_columns(kOnEvent, tables.keysets[tables.event_types[type].keyset]);
    }
    for (std::size_t i = 0; i < tags_.resources.size(); ++i) {
      if (!tags_.resources[i]) continue;
      for (const auto& attribute : tables.resources[i].attributes) name(kOnResource, attribute.key);
    }
    for (std::size_t i = 0; i < tags_.scopes.size(); ++i) {
      if (!tags_.scopes[i]) continue;
      tags_.owners.scopes.emplace(context_.dictionary->At(tables.scopes[i].name));
      tags_.owners.scope_versions.emplace(context_.dictionary->At(tables.scopes[i].version));
      for (const auto& attribute : tables.scopes[i].attributes) name(kOnScope, attribute.key);
    }
    NameRoots();
  }

  void NameRoots() {
    std::set<std::uint32_t> services, operations;
    for (const store::TracePart& part : context_.traces->parts) {
      if (part.root_row == store::kNoRoot || data_.Hidden(number_, part.id)) continue;
      services.insert(part.root_service);
      operations.insert(part.root_name);
    }
    for (const std::uint32_t id : services)
      tags_.owners.root_services.emplace(context_.dictionary->At(id));
    for (const std::uint32_t id : operations)
      tags_.owners.root_operations.emplace(context_.dictionary->At(id));
  }

  const SnapshotData& data_;
  const std::size_t number_;
  const SegmentReader& segment_;
  store::PageContext context_;
  std::vector<bool> keysets_, event_lists_;  // by number in the tables: some row has it
  SegmentTags tags_;
};

// Those of a segment are kept as long as it, but where deletes hide some: then for the moment's
// catalog version.
Result<std::shared_ptr<const SegmentTags>> TagsOf(const SnapshotData& data, std::size_t number) {
  const auto& segment = data.segments[number];
  const bool hides = data.MayHide(number);
  const std::string key = "tags " + segment->name();
  if (hides && data.memo != nullptr) {
    if (auto kept = data.memo->Find<SegmentTags>(key)) return kept;
  } else if (!hides && data.memory != nullptr) {
    if (auto kept = data.memory->by_segment().Find<SegmentTags>(segment, kTagAnswers)) return kept;
  }
  TS_TRY_ASSIGN(SegmentTags scanned, TagScan(data, number).Run());
  auto tags = std::make_shared<const SegmentTags>(std::move(scanned));
  if (hides && data.memo != nullptr) {
    data.memo->Keep(key, tags, tags->memory_bytes());
  } else if (!hides && data.memory != nullptr) {
    data.memory->by_segment().Keep(segment, kTagAnswers, tags, tags->memory_bytes());
  }
  return tags;
}

bool IsTold(ValueType type) {
  return type == ValueType::kString || type == ValueType::kBool || type == ValueType::kInt ||
         type == ValueType::kDouble;
}

// Of a scalar that is no text.
std::string NumberText(ValueType type, std::uint64_t bits) {
  if (type == ValueType::kBool) return bits != 0 ? "true" : "false";
  if (type == ValueType::kInt) return std::to_string(static_cast<std::int64_t>(bits));
  std::string text;
  model::AppendDouble(std::bit_cast<double>(bits), text);
  return text;
}

class ValueCollector {
 public:
  ValueCollector(std::string_view key, LevelSet levels, TimeRange starts, const ValueBounds& bounds)
      : key_(key), levels_(levels), starts_(starts), bounds_(bounds) {}

  bool full() const noexcept {
    return values_.size() >= bounds_.count || bytes_ >= bounds_.text_bytes;
  }

  void AddHead(const SpanBatch& batch) {
    AddBatch(batch, [this](const SpanRecord& span) { return StartsIn(span, starts_); });
  }

  Status AddSegment(const SnapshotData& data, std::size_t number) {
    const SegmentReader& segment = *data.segments[number];
    if (!MayStartIn(segment, starts_)) return {};
    TS_TRY(CheckStop(data.stop));
    TS_TRY_ASSIGN(const auto* strings, segment.dictionary());
    const auto key = strings->Find(key_);
    if (!key) return {};
    TS_TRY_ASSIGN(const auto tags, TagsOf(data, number));
    TS_TRY_ASSIGN(const auto* tables, segment.tables());
    AddOwners(*tables, *tags, *strings, *key);
    // Those of spans and events: off the lists of the tables, or row by row.
    store::Projection projection;
    projection.all_columns = false;
    projection.keep_pages = false;
    const bool hides = data.MayHide(number);
    if (!hides) AddLists(*tables, *strings, *key);
    if ((levels_ & (kOnSpan | kOnEvent)) != 0)
      projection.columns = ColumnsToRead(*tables, *key, hides);
    std::vector<std::uint32_t> pages = tags->residue_pages;
    if (!projection.columns.empty()) {
      pages.resize(segment.page_count());
      for (std::uint32_t page = 0; page < pages.size(); ++page) pages[page] = page;
    }
    return AddPages(data, number, *key, pages, projection);
  }

  std::vector<TypedValue> Take() && { return {values_.begin(), values_.end()}; }

 private:
  void Add(ValueType type, std::string text) {
    if (full()) return;
    const std::size_t bytes = text.size();
    if (values_.insert({type, std::move(text)}).second) bytes_ += bytes;
  }

  void AddBits(std::uint8_t type_byte, std::uint64_t bits,
               const column::StringDictionary& strings) {
    const auto type = static_cast<ValueType>(type_byte & 0x7F);
    if (!IsTold(type)) return;
    if (type != ValueType::kString) Add(type, NumberText(type, bits));
    else Add(type, std::string(strings.At(static_cast<std::uint32_t>(bits))));
  }

  template <typename Wanted>
  void AddBatch(const SpanBatch& batch, const Wanted& wanted) {
    const auto key = batch.strings.Find(key_);
    if (!key) return;
    ForEachLeveled(batch, wanted, [&](LevelSet level, const model::Attribute& attribute) {
      if (attribute.key != *key || (levels_ & level) == 0 || !IsTold(attribute.type())) return;
      Add(attribute.type(), model::CanonicalText(batch, attribute));
    });
  }

  // Of resources and scopes.
  void AddOwners(const SegmentTables& tables, const SegmentTags& tags,
                 const column::StringDictionary& strings, std::uint32_t key) {
    const auto add = [&](const std::vector<store::TableAttribute>& attributes) {
      for (const auto& attribute : attributes) {
        if (attribute.key == key) AddBits(attribute.type_byte, attribute.bits, strings);
      }
    };
    for (std::size_t i = 0; i < tags.resources.size() && (levels_ & kOnResource) != 0; ++i) {
      if (tags.resources[i]) add(tables.resources[i].attributes);
    }
    for (std::size_t i = 0; i < tags.scopes.size() && (levels_ & kOnScope) != 0; ++i) {
      if (tags.scopes[i]) add(tables.scopes[i].attributes);
    }
  }

  // Calls `visit(slot)` for the slots of the key in spans and events that aren't firehose's alone.
  template <typename Visit>
  void ForEachSlot(const SegmentTables& tables, std::uint32_t key, const Visit& visit) const {
    const auto visit_slots = [&](const std::vector<store::Slot>& slots) {
      for (const store::Slot& slot : slots) {
        if (slot.column != store::kStatusMessageColumn && tables.columns[slot.column].key == key)
          visit(slot);
      }
    };
    std::set<std::uint32_t> event_types;
    for (const store::TableOp& op : tables.ops) {
      if ((op.flags & model::kFlagFirehose) != 0) continue;
      if ((levels_ & kOnSpan) != 0) visit_slots(op.slots);
      if ((levels_ & kOnEvent) == 0) continue;
      for (const std::uint32_t list : op.event_lists)
        event_types.insert(tables.event_lists[list].begin(), tables.event_lists[list].end());
    }
    for (const std::uint32_t type : event_types) visit_slots(tables.event_types[type].slots);
  }

  void AddLists(const SegmentTables& tables, const column::StringDictionary& strings,
                std::uint32_t key) {
    ForEachSlot(tables, key, [&](const store::Slot& slot) {
      for (const std::uint64_t value : slot.values)
        AddBits(tables.columns[slot.column].type_byte, value, strings);
    });
  }

  // The columns whose values stand in no list; with `all` every one of the key.
  std::vector<std::uint32_t> ColumnsToRead(const SegmentTables& tables, std::uint32_t key,
                                           bool all) const {
    std::set<std::uint32_t> columns;
    ForEachSlot(tables, key, [&](const store::Slot& slot) {
      if (all || slot.raw) columns.insert(slot.column);
    });
    return {columns.begin(), columns.end()};
  }

  Status AddPages(const SnapshotData& data, std::size_t number, std::uint32_t key,
                  const std::vector<std::uint32_t>& pages, const store::Projection& projection) {
    if (pages.empty()) return {};
    const SegmentReader& segment = *data.segments[number];
    TS_TRY_ASSIGN(const index::PageSet with_key, segment.PagesOf(TermKind::kKey, key));
    for (const std::uint32_t page : pages) {
      if (full()) return {};
      if (!with_key.Contains(page)) continue;
      const PageInfo& info = segment.pages()[page];
      SpanBatch rows;
      TS_TRY(segment.ReadRows(info.first_row, info.first_row + info.rows, projection, rows,
                              data.stop));
      AddBatch(rows, [&](const SpanRecord& span) { return !data.Hidden(number, span.trace_id); });
    }
    return {};
  }

  const std::string_view key_;
  const LevelSet levels_;
  const TimeRange starts_;
  const ValueBounds bounds_;
  std::set<TypedValue> values_;
  std::size_t bytes_ = 0;
};

}  // namespace

Result<LeveledKeys> KeysByLevel(const SnapshotData& data, TimeRange starts) {
  LeveledKeys out;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY(CheckStop(data.stop));
    if (!MayStartIn(*data.segments[i], starts)) continue;
    TS_TRY_ASSIGN(const auto tags, TagsOf(data, i));
    for (std::size_t level = 0; level < kLevels; ++level)
      out.keys[level].insert(tags->names.keys[level].begin(), tags->names.keys[level].end());
  }
  for (const auto& part : data.head) {
    TS_TRY(CheckStop(data.stop));
    AddKeys(part->batch(), starts, out);
  }
  return out;
}

Result<OwnerNames> NamesOfOwners(const SnapshotData& data, TimeRange starts) {
  OwnerNames out;
  for (std::size_t i = 0; i < data.segments.size(); ++i) {
    TS_TRY(CheckStop(data.stop));
    if (!MayStartIn(*data.segments[i], starts)) continue;
    TS_TRY_ASSIGN(const auto tags, TagsOf(data, i));
    const auto add = [](const auto& from, auto& to) { to.insert(from.begin(), from.end()); };
    add(tags->owners.scopes, out.scopes);
    add(tags->owners.scope_versions, out.scope_versions);
    add(tags->owners.root_services, out.root_services);
    add(tags->owners.root_operations, out.root_operations);
  }
  for (const auto& part : data.head) AddOwnersOfHead(part->batch(), starts, out);
  for (auto* names : {&out.scopes, &out.scope_versions, &out.root_services, &out.root_operations})
    names->erase("");
  return out;
}

Result<std::vector<TypedValue>> TypedValues(const SnapshotData& data, std::string_view key,
                                            LevelSet levels, TimeRange starts,
                                            const ValueBounds& bounds) {
  ValueCollector values(key, levels, starts, bounds);
  for (const auto& part : data.head) {
    TS_TRY(CheckStop(data.stop));
    if (values.full()) break;
    values.AddHead(part->batch());
  }
  for (std::size_t i = data.segments.size(); i-- > 0 && !values.full();)
    TS_TRY(values.AddSegment(data, i));
  return std::move(values).Take();
}

}  // namespace tracestore::query
