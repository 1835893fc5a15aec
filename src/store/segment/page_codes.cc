// Layout: docs/format/segment.md, "Page".
#include "store/segment/page_codes.h"

#include "base/bytes.h"
#include "base/try.h"
#include "codec/column/int_stream.h"
#include "codec/column/text_stream.h"
#include "store/segment/flat_map.h"
#include "store/segment/preorder_times.h"
#include "store/segment/residue.h"
#include "store/segment/segment_format.h"

namespace tracestore::store {
namespace {

Error Damaged(const char* what) {
  return {ErrorCode::kCorruption, std::string("page: ") + what};
}

// Values of one stream, taken one after the other.
struct Stream {
  std::vector<std::uint64_t> numbers;
  std::size_t next = 0;

  bool Take(std::uint64_t& out) {
    if (next >= numbers.size()) return false;
    out = numbers[next++];
    return true;
  }
};

// The streams that every row is made of. One a thread, so that their memory is taken once.
struct Streams {
  Stream op, keyset, status, resource, event_list, odd, pops, root_code, span_ids, starts,
      durations, signs;
  FlatMap shapes;
  PreorderTimes times;
};

Streams& ThreadStreams() {
  thread_local Streams streams;
  return streams;
}

}  // namespace

class PageCodes::Builder {
 public:
  Builder(PageCodes& page, const PageContext& context)
      : page_(page), context_(context), s_(ThreadStreams()) {}

  Status Run(std::uint32_t rows) {
    TS_TRY(page_.directory_.Parse(page_.payload_, rows));
    TS_TRY(Load(rows));
    TS_TRY(LoadResidues());
    const auto& parts = context_.traces->parts;
    part_ = context_.traces->PartOf(page_.first_row_);
    s_.times.BeginTrace(parts[part_].start_ns);
    s_.shapes.Clear();
    page_.rows_.reserve(rows);
    for (std::uint32_t row = 0; row < rows; ++row) {
      if (page_.first_row_ + row >= parts[part_].first_row + parts[part_].rows) {
        if (++part_ >= parts.size())
          return Damaged("it has more rows than the segment's traces");
        s_.times.BeginTrace(parts[part_].start_ns);
      }
      TS_TRY(AddRow(row));
    }
    return {};
  }

 private:
  Status LoadStream(StreamKind kind, Stream& stream) {
    stream.next = 0;
    return LoadNumbers(kind, stream.numbers);
  }
  Status LoadNumbers(StreamKind kind, std::vector<std::uint64_t>& numbers) {
    numbers.clear();
    const auto* stream = page_.directory_.Find(static_cast<std::uint32_t>(kind));
    if (stream == nullptr) return {};
    base::ByteReader in(stream->bytes);
    TS_TRY(column::DecodeInts(in, stream->count, numbers));
    if (!in.done()) return Damaged("bytes follow the values of a stream");
    return {};
  }
  Status LoadSigned(StreamKind kind, StreamKind signs, Stream& stream) {
    TS_TRY(LoadStream(kind, stream));
    TS_TRY(LoadStream(signs, s_.signs));
    const auto& negative = s_.signs.numbers;
    if (negative.empty()) return {};
    if (negative.size() != stream.numbers.size())
      return Damaged("a stream and its signs differ in length");
    for (std::size_t i = 0; i < negative.size(); ++i) {
      if (negative[i] != 0) stream.numbers[i] = 0 - stream.numbers[i];
    }
    return {};
  }

  Status Load(std::uint32_t rows) {
    using K = StreamKind;
    TS_TRY(LoadStream(K::kOp, s_.op));
    TS_TRY(LoadStream(K::kKeyset, s_.keyset));
    TS_TRY(LoadStream(K::kStatus, s_.status));
    TS_TRY(LoadStream(K::kResource, s_.resource));
    TS_TRY(LoadStream(K::kEventList, s_.event_list));
    TS_TRY(LoadStream(K::kOdd, s_.odd));
    TS_TRY(LoadStream(K::kPops, s_.pops));
    TS_TRY(LoadStream(K::kRootCode, s_.root_code));
    TS_TRY(LoadNumbers(K::kOutsideIds, page_.outside_ids_));
    TS_TRY(LoadStream(K::kSpanIds, s_.span_ids));
    TS_TRY(LoadSigned(K::kStarts, K::kStartSigns, s_.starts));
    TS_TRY(LoadSigned(K::kDurations, K::kDurationSigns, s_.durations));
    for (const Stream* s : {&s_.op, &s_.odd, &s_.pops, &s_.span_ids, &s_.starts, &s_.durations}) {
      if (s->numbers.size() != rows) return Damaged("a stream doesn't have a value a row");
    }
    return {};
  }

  Status LoadResidues() {
    const auto* stream =
        page_.directory_.Find(static_cast<std::uint32_t>(StreamKind::kResidue));
    if (stream == nullptr) return {};
    base::ByteReader in(stream->bytes);
    return column::DecodeTexts(in, stream->count, kMaxPageTextBytes, page_.residue_arena_,
                               page_.residues_);
  }

  Status AddRow(std::uint32_t number) {
    const std::uint64_t op_code = s_.op.numbers[number];
    if (op_code > context_.tables->ops.size())
      return Damaged("a row names an op that is not there");
    const TableOp* op = op_code == 0 ? nullptr : &context_.tables->ops[op_code - 1];
    RowCodes row;
    row.part = static_cast<std::uint32_t>(part_);
    TS_TRY(Place(number, op, row));
    PageShape shape;
    shape.op = static_cast<std::uint32_t>(op_code);
    if (op != nullptr) TS_TRY(ReadShape(*op, row, shape));
    if (s_.odd.numbers[number] != 0) {
      if (next_residue_ >= page_.residues_.size())
        return Damaged("it has fewer residues than odd rows");
      row.residue = next_residue_++;
      if (op == nullptr) TS_TRY(ReadResource(row));
    } else if (op == nullptr) {
      return Damaged("a generic row has no residue");
    }
    row.shape = NumberOf(shape);
    page_.rows_.push_back(row);
    return {};
  }

  // Its place in the tree, and with it its times.
  Status Place(std::uint32_t number, const TableOp* op, RowCodes& row) {
    PreorderTimes& times = s_.times;
    const std::uint64_t pops = s_.pops.numbers[number];
    if (pops > times.depth()) return Damaged("a row pops more levels than there are");
    row.parent = times.RowAfter(static_cast<std::size_t>(pops));
    std::uint64_t outside = 0;
    if (pops == times.depth() && !s_.root_code.Take(outside))
      return Damaged("it has fewer root codes than roots");
    if (outside > page_.outside_ids_.size())
      return Damaged("a row names an outside parent that is not there");
    row.outside = static_cast<std::uint32_t>(outside);
    times.Enter(static_cast<std::size_t>(pops), row.outside);
    row.span_id.value = s_.span_ids.numbers[number];
    row.start_ns = times.StartBaseOf(op == nullptr ? StartBase::kSiblingStart : op->start_base) +
                   s_.starts.numbers[number];
    row.duration_ns = times.Fold(op == nullptr ? DurationBase::kZero : op->duration_base,
                                 row.start_ns, s_.durations.numbers[number]);
    times.Place(number, row.start_ns, row.duration_ns);
    return {};
  }

  Status ReadShape(const TableOp& op, RowCodes& row, PageShape& shape) {
    const auto rank = [](Stream& stream, std::size_t choices, std::uint64_t& out) {
      out = 0;
      return choices <= 1 || (stream.Take(out) && out < choices);
    };
    std::uint64_t keyset = 0, status = 0, events = 0, resource = 1;
    const bool good = rank(s_.keyset, op.keysets.size(), keyset) &&
                      rank(s_.status, op.statuses.size(), status) &&
                      rank(s_.event_list, op.event_lists.size(), events) &&
                      (op.resources.size() <= 1 ||
                       (s_.resource.Take(resource) && resource <= op.resources.size()));
    if (!good || op.keysets.empty() || op.statuses.empty() || op.event_lists.empty() ||
        op.resources.empty() || (resource == 0 && row.parent == kNoRow)) {
      return Damaged("a row's rank is out of its op's lists");
    }
    row.resource =
        resource == 0 ? page_.rows_[row.parent].resource : op.resources[resource - 1];
    shape.keyset = op.keysets[keyset];
    shape.event_list = op.event_lists[events];
    shape.status = op.statuses[status];
    const auto& columns = context_.tables->keysets[shape.keyset];
    if (shape.has_message() && (columns.empty() || columns[0] != kStatusMessageColumn))
      return Damaged("a status message has no column");
    return {};
  }

  // Of a generic row it stands in the residue.
  Status ReadResource(RowCodes& row) {
    model::SpanBatch scratch;
    model::SpanRecord span;
    TS_TRY(DecodeResidue(page_.Residue(row), scratch, span));
    if (span.resource >= context_.tables->resources.size() ||
        span.scope >= context_.tables->scopes.size()) {
      return Damaged("a generic row names a resource or scope that is not there");
    }
    row.resource = span.resource;
    return {};
  }

  std::uint32_t NumberOf(const PageShape& shape) {
    // Key sets and event lists are fewer than 2^16 each (segment_format.h).
    const std::uint64_t key = std::uint64_t{shape.keyset} << 32 |
                              std::uint64_t{shape.event_list} << 8 | shape.status;
    const std::uint32_t number = s_.shapes.FindOrAdd(shape.op, key);
    if (number == page_.shapes_.size()) page_.shapes_.push_back(shape);
    return number;
  }

  PageCodes& page_;
  const PageContext& context_;
  Streams& s_;
  std::size_t part_ = 0;
  std::uint32_t next_residue_ = 0;
};

Result<std::shared_ptr<const PageCodes>> PageCodes::Decode(std::string payload,
                                                           std::uint32_t first_row,
                                                           std::uint32_t rows,
                                                           const PageContext& context) {
  const auto page = std::make_shared<PageCodes>();
  page->first_row_ = first_row;
  page->payload_ = std::move(payload);
  TS_TRY(Builder(*page, context).Run(rows));
  return std::shared_ptr<const PageCodes>(page);
}

std::size_t PageCodes::memory_bytes() const noexcept {
  return sizeof *this + payload_.capacity() + rows_.capacity() * sizeof(RowCodes) +
         shapes_.capacity() * sizeof(PageShape) + outside_ids_.capacity() * 8 +
         residue_arena_.capacity() + residues_.capacity() * sizeof(std::string_view) +
         directory_.streams().capacity() * sizeof(PageDirectory::Stream);
}

}  // namespace tracestore::store
