#include "store/engine/segment_merge.h"

#include <algorithm>
#include <vector>

#include "base/try.h"
#include "store/segment/page_decoder.h"

namespace tracestore::store {
namespace {

// How many pages are decoded before `stop` is asked again.
constexpr std::uint32_t kPagesAtOnce = 8;

Error Stopped() { return {ErrorCode::kCancelled, "the compaction was stopped"}; }

// The page's rows that are left.
template <typename Hides>
void FindRunsLeft(const PageCodes& page, const TraceTable& traces, const Hides& hides,
                  std::vector<RowRun>& runs) {
  runs.clear();
  const auto end = page.first_row() + static_cast<std::uint32_t>(page.rows().size());
  for (std::uint32_t row = page.first_row(); row < end;) {
    const TracePart& part = traces.parts[page.rows()[row - page.first_row()].part];
    const std::uint32_t next = std::min(end, part.first_row + part.rows);
    if (!hides(part.id)) {
      if (runs.empty() || runs.back().last != row) runs.push_back({row, row});
      runs.back().last = next;
    }
    row = next;
  }
}

// Leaves of the records from `first` on those that are not among the ones before, and says for each
// which it is now.
template <typename Record, typename Hash, typename Equal>
std::vector<std::uint32_t> UniteRecords(
    std::vector<Record>& records, std::size_t first,
    std::unordered_multimap<std::uint64_t, std::uint32_t>& known, const Hash& hash_of,
    const Equal& equal) {
  std::vector<std::uint32_t> numbers;
  std::size_t left = first;
  for (std::size_t i = first; i < records.size(); ++i) {
    const std::uint64_t hash = hash_of(records[i]);
    const auto [begin, end] = known.equal_range(hash);
    const auto same = std::find_if(begin, end, [&](const auto& entry) {
      return equal(records[entry.second], records[i]);
    });
    if (same != end) {
      numbers.push_back(same->second);
      continue;
    }
    numbers.push_back(static_cast<std::uint32_t>(left));
    known.emplace(hash, numbers.back());
    records[left++] = records[i];
  }
  records.resize(left);
  return numbers;
}

}  // namespace

Result<bool> SegmentMerge::Add(const SnapshotData& data, std::size_t segment) {
  const SegmentReader& reader = *data.segments[segment];
  const bool may_hide = data.MayHide(segment);
  const auto hides = [&](TraceId id) { return may_hide && data.Hidden(segment, id); };
  TS_TRY_ASSIGN(const PageContext context, reader.Context());
  const Projection everything;
  HintRecorder recorder(*context.tables, hints_);
  const model::SpanBatch::Mark fresh = kept_.mark();
  PageDecoder decoder(context, everything, kept_, &recorder);
  std::vector<RowRun> runs;
  for (std::uint32_t page = 0; page < reader.page_count(); ++page) {
    if (page % kPagesAtOnce == 0) {
      if (stop_ && stop_(read_)) return Stopped();
      if (held_bytes() > most_bytes_) return false;
    }
    TS_TRY_ASSIGN(const auto codes, reader.Codes(page, context, false));
    FindRunsLeft(*codes, *context.traces, hides, runs);
    auto decoded = decoder.Decode(*codes, runs);
    if (!decoded.has_value()) return reader.InPage(page, std::move(decoded).error());
    read_ += codes->rows().size();
    file_bytes_ += reader.pages()[page].bytes;
  }
  streams_decoded_ += decoder.streams_decoded();
  Unite(fresh);
  if (fresh.spans == 0) ReserveForAll();
  return held_bytes() <= most_bytes_;
}

bool SegmentMerge::HasRoomFor(std::uint64_t rows) const noexcept {
  if (read_ == 0) return true;
  const double held = static_cast<double>(held_bytes());
  const double more = held / static_cast<double>(read_) * static_cast<double>(rows);
  return held + more <= static_cast<double>(most_bytes_);
}

std::uint64_t SegmentMerge::held_bytes() const noexcept {
  // Of a text: where it ends, its hash, and a place or two in the table.
  constexpr std::uint64_t kTextBytes = 24;
  const model::SpanBatch::Mark have = kept_.mark();
  return kept_.strings.text_bytes() + kept_.strings.size() * kTextBytes +
         have.attributes * sizeof(model::Attribute) + have.events * sizeof(model::EventRecord) +
         have.references * sizeof(model::ReferenceRecord) +
         have.spans * sizeof(model::SpanRecord) +
         (hints_.shapes.size() + hints_.values.size()) * 4 + hints_.splits.used_bytes() +
         file_bytes_;
}

void SegmentMerge::Unite(const model::SpanBatch::Mark& fresh) {
  const auto resources = UniteRecords(
      kept_.resources, fresh.resources, resources_,
      [&](const auto& record) { return HashResource(kept_, record); },
      [&](const auto& a, const auto& b) { return ResourcesEqual(kept_, a, kept_, b); });
  const auto scopes = UniteRecords(
      kept_.scopes, fresh.scopes, scopes_,
      [&](const auto& record) { return HashScope(kept_, record); },
      [&](const auto& a, const auto& b) { return ScopesEqual(kept_, a, kept_, b); });
  for (std::size_t i = fresh.spans; i < kept_.spans.size(); ++i) {
    model::SpanRecord& span = kept_.spans[i];
    span.resource = resources[span.resource - fresh.resources];
    span.scope = scopes[span.scope - fresh.scopes];
  }
}

// As the first source is, the others will be: where it is a fair part of them, not a span or two.
// What is not used of it is no memory.
void SegmentMerge::ReserveForAll() {
  constexpr std::uint64_t kMostTimes = 8;
  constexpr std::size_t kMostTextBytes = std::size_t{256} << 20;
  if (read_ == 0 || read_ >= rows_ || rows_ / read_ > kMostTimes) return;
  const double more = 1.05 * static_cast<double>(rows_) / static_cast<double>(read_);
  const auto all = [more](std::size_t count) {
    return static_cast<std::size_t>(static_cast<double>(count) * more) + 1;
  };
  const model::SpanBatch::Mark have = kept_.mark();
  kept_.Reserve({all(have.attributes), have.resources, have.scopes, all(have.events),
                 all(have.references), all(have.spans)});
  kept_.strings.Reserve(all(kept_.strings.size()) - kept_.strings.size(),
                        std::min(all(kept_.strings.text_bytes()) - kept_.strings.text_bytes(),
                                 kMostTextBytes));
  hints_.shapes.reserve(all(have.spans));
  hints_.values.reserve(all(have.attributes));
}

Result<BuiltSegment> SegmentMerge::Build(const SegmentOrigin& origin) {
  if (stop_ && stop_(read_)) return Stopped();
  if (kept_.empty()) return BuiltSegment{};
  return BuildSegment(kept_, origin, std::move(hints_));
}

}  // namespace tracestore::store
