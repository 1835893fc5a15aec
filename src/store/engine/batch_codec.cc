// Layout: docs/format/batch.md. Version byte, seven counts, strings, then one run of bytes a field.
#include "store/engine/batch_codec.h"

#include "base/bytes.h"

namespace tracestore::store {
namespace {

using model::SpanBatch;
constexpr std::uint8_t kVersion = 1;

class ColumnWriter {
 public:
  explicit ColumnWriter(std::string& out) : out_(out) {}
  template <typename T, typename Records, typename Get>
  void Column(const Records& records, Get get) {
    const std::size_t at = out_.size();
    out_.resize(at + records.size() * sizeof(T));
    char* to = out_.data() + at;
    for (const auto& record : records) {
      base::StoreLe(to, static_cast<T>(get(record)));
      to += sizeof(T);
    }
  }
  template <typename Records, typename Get>
  void Ranges(const Records& records, Get get) {
    Column<std::uint32_t>(records, [&](const auto& r) { return get(r).begin; });
    Column<std::uint32_t>(records, [&](const auto& r) { return get(r).count; });
  }

 private:
  std::string& out_;
};

class ColumnReader {
 public:
  explicit ColumnReader(base::ByteReader& in) : in_(in) {}
  template <typename T, typename Records, typename Set>
  void Column(Records& records, Set set) {
    const std::string_view bytes = in_.Raw(records.size() * sizeof(T));
    if (!in_.ok()) return;
    const char* from = bytes.data();
    for (auto& record : records) {
      good_ = set(record, base::LoadLe<T>(from)) && good_;
      from += sizeof(T);
    }
  }
  // A column of 32-bit numbers below `limit`.
  template <typename Records, typename Member>
  void Below(Records& records, std::size_t limit, Member member) {
    Column<std::uint32_t>(records, [&](auto& r, std::uint32_t v) {
      member(r) = v;
      return v < limit;
    });
  }
  template <typename Records, typename Member>
  void Ranges(Records& records, std::size_t limit, Member member) {
    Column<std::uint32_t>(records, [&](auto& r, std::uint32_t v) {
      member(r).begin = v;
      return true;
    });
    // Ranges don't overlap where we write; some is let pass, but few bytes must not become many.
    std::uint64_t total = 0;
    Column<std::uint32_t>(records, [&](auto& r, std::uint32_t v) {
      member(r).count = v;
      total += v;
      return std::uint64_t{member(r).begin} + v <= limit && total <= limit * 8ULL;
    });
  }
  template <typename T, typename Records, typename Member>
  void Any(Records& records, Member member) {
    Column<T>(records, [&](auto& r, T v) {
      member(r) = v;
      return true;
    });
  }
  template <typename E, typename Records, typename Member>
  void Enum(Records& records, std::uint8_t most, Member member) {
    Column<std::uint8_t>(records, [&](auto& r, std::uint8_t v) {
      member(r) = static_cast<E>(v);
      return v <= most;
    });
  }
  bool good() const { return good_ && in_.ok(); }

 private:
  base::ByteReader& in_;
  bool good_ = true;
};

using U8 = std::uint8_t;
using U32 = std::uint32_t;
using U64 = std::uint64_t;

void WriteSpans(const SpanBatch& b, ColumnWriter& w) {
  const auto& s = b.spans;
  w.Column<U64>(s, [](const auto& r) { return r.trace_id.high; });
  w.Column<U64>(s, [](const auto& r) { return r.trace_id.low; });
  w.Column<U64>(s, [](const auto& r) { return r.span_id.value; });
  w.Column<U64>(s, [](const auto& r) { return r.parent_id.value; });
  w.Column<U64>(s, [](const auto& r) { return r.start_ns; });
  w.Column<U64>(s, [](const auto& r) { return r.duration_ns; });
  w.Column<U32>(s, [](const auto& r) { return r.name; });
  w.Column<U32>(s, [](const auto& r) { return r.status_message; });
  w.Column<U32>(s, [](const auto& r) { return r.trace_state; });
  w.Column<U32>(s, [](const auto& r) { return r.unknown_fields; });
  w.Column<U32>(s, [](const auto& r) { return r.flags; });
  w.Column<U32>(s, [](const auto& r) { return r.resource; });
  w.Column<U32>(s, [](const auto& r) { return r.scope; });
  w.Ranges(s, [](const auto& r) { return r.attributes; });
  w.Ranges(s, [](const auto& r) { return r.events; });
  w.Ranges(s, [](const auto& r) { return r.references; });
  w.Column<U32>(s, [](const auto& r) { return r.dropped_attributes; });
  w.Column<U32>(s, [](const auto& r) { return r.dropped_events; });
  w.Column<U32>(s, [](const auto& r) { return r.dropped_links; });
  w.Column<U32>(s, [](const auto& r) { return r.parent_position; });
  w.Column<U8>(s, [](const auto& r) { return r.kind; });
  w.Column<U8>(s, [](const auto& r) { return r.status; });
  w.Column<U8>(s, [](const auto& r) { return r.presence; });
}

void ReadSpans(SpanBatch& b, ColumnReader& r) {
  auto& s = b.spans;
  const std::size_t texts = b.strings.size();
  r.Any<U64>(s, [](auto& x) -> U64& { return x.trace_id.high; });
  r.Any<U64>(s, [](auto& x) -> U64& { return x.trace_id.low; });
  r.Any<U64>(s, [](auto& x) -> U64& { return x.span_id.value; });
  r.Any<U64>(s, [](auto& x) -> U64& { return x.parent_id.value; });
  r.Any<U64>(s, [](auto& x) -> U64& { return x.start_ns; });
  r.Any<U64>(s, [](auto& x) -> U64& { return x.duration_ns; });
  r.Below(s, texts, [](auto& x) -> U32& { return x.name; });
  r.Below(s, texts, [](auto& x) -> U32& { return x.status_message; });
  r.Below(s, texts, [](auto& x) -> U32& { return x.trace_state; });
  r.Below(s, texts, [](auto& x) -> U32& { return x.unknown_fields; });
  r.Any<U32>(s, [](auto& x) -> U32& { return x.flags; });
  r.Below(s, b.resources.size(), [](auto& x) -> U32& { return x.resource; });
  r.Below(s, b.scopes.size(), [](auto& x) -> U32& { return x.scope; });
  r.Ranges(s, b.attributes.size(), [](auto& x) -> model::Range& { return x.attributes; });
  r.Ranges(s, b.events.size(), [](auto& x) -> model::Range& { return x.events; });
  r.Ranges(s, b.references.size(), [](auto& x) -> model::Range& { return x.references; });
  r.Any<U32>(s, [](auto& x) -> U32& { return x.dropped_attributes; });
  r.Any<U32>(s, [](auto& x) -> U32& { return x.dropped_events; });
  r.Any<U32>(s, [](auto& x) -> U32& { return x.dropped_links; });
  r.Any<U32>(s, [](auto& x) -> U32& { return x.parent_position; });
  r.Enum<SpanKind>(s, 5, [](auto& x) -> SpanKind& { return x.kind; });
  r.Enum<StatusCode>(s, 2, [](auto& x) -> StatusCode& { return x.status; });
  r.Enum<U8>(s, 3, [](auto& x) -> U8& { return x.presence; });
}

void WriteParts(const SpanBatch& b, ColumnWriter& w) {
  w.Column<U64>(b.attributes, [](const auto& r) { return r.bits; });
  w.Column<U32>(b.attributes, [](const auto& r) { return r.key; });
  w.Column<U8>(b.attributes, [](const auto& r) { return r.type_byte; });
  w.Ranges(b.resources, [](const auto& r) { return r.attributes; });
  w.Column<U32>(b.resources, [](const auto& r) { return r.dropped_attributes; });
  w.Column<U32>(b.resources, [](const auto& r) { return r.schema_url; });
  w.Column<U32>(b.resources, [](const auto& r) { return r.unknown_fields; });
  w.Column<U8>(b.resources, [](const auto& r) { return r.origin; });
  w.Column<U32>(b.scopes, [](const auto& r) { return r.name; });
  w.Column<U32>(b.scopes, [](const auto& r) { return r.version; });
  w.Ranges(b.scopes, [](const auto& r) { return r.attributes; });
  w.Column<U32>(b.scopes, [](const auto& r) { return r.dropped_attributes; });
  w.Column<U32>(b.scopes, [](const auto& r) { return r.schema_url; });
  w.Column<U32>(b.scopes, [](const auto& r) { return r.unknown_fields; });
  w.Column<U64>(b.events, [](const auto& r) { return r.time_ns; });
  w.Column<U32>(b.events, [](const auto& r) { return r.name; });
  w.Column<U32>(b.events, [](const auto& r) { return r.unknown_fields; });
  w.Ranges(b.events, [](const auto& r) { return r.attributes; });
  w.Column<U32>(b.events, [](const auto& r) { return r.dropped_attributes; });
  w.Column<U64>(b.references, [](const auto& r) { return r.trace_id.high; });
  w.Column<U64>(b.references, [](const auto& r) { return r.trace_id.low; });
  w.Column<U64>(b.references, [](const auto& r) { return r.span_id.value; });
  w.Column<U32>(b.references, [](const auto& r) { return r.trace_state; });
  w.Column<U32>(b.references, [](const auto& r) { return r.unknown_fields; });
  w.Ranges(b.references, [](const auto& r) { return r.attributes; });
  w.Column<U32>(b.references, [](const auto& r) { return r.dropped_attributes; });
  w.Column<U32>(b.references, [](const auto& r) { return r.flags; });
  w.Column<U8>(b.references, [](const auto& r) { return r.type; });
}

void ReadAttributes(SpanBatch& b, ColumnReader& r) {
  const std::size_t texts = b.strings.size();
  r.Any<U64>(b.attributes, [](auto& x) -> U64& { return x.bits; });
  r.Below(b.attributes, texts, [](auto& x) -> U32& { return x.key; });
  r.Column<U8>(b.attributes, [&](model::Attribute& x, U8 v) {
    x.type_byte = v;
    return (v & 0x7F) <= static_cast<U8>(ValueType::kMap) &&
           (!model::IsTextual(x.type()) || x.bits < texts);
  });
}

void ReadParts(SpanBatch& b, ColumnReader& r) {
  const std::size_t texts = b.strings.size();
  const std::size_t attributes = b.attributes.size();
  const auto range = [](auto& x) -> model::Range& { return x.attributes; };
  const auto dropped = [](auto& x) -> U32& { return x.dropped_attributes; };
  const auto unknown = [](auto& x) -> U32& { return x.unknown_fields; };
  const auto schema = [](auto& x) -> U32& { return x.schema_url; };
  const auto name = [](auto& x) -> U32& { return x.name; };
  r.Ranges(b.resources, attributes, range);
  r.Any<U32>(b.resources, dropped);
  r.Below(b.resources, texts, schema);
  r.Below(b.resources, texts, unknown);
  r.Enum<Origin>(b.resources, 2, [](auto& x) -> Origin& { return x.origin; });
  r.Below(b.scopes, texts, name);
  r.Below(b.scopes, texts, [](auto& x) -> U32& { return x.version; });
  r.Ranges(b.scopes, attributes, range);
  r.Any<U32>(b.scopes, dropped);
  r.Below(b.scopes, texts, schema);
  r.Below(b.scopes, texts, unknown);
  r.Any<U64>(b.events, [](auto& x) -> U64& { return x.time_ns; });
  r.Below(b.events, texts, name);
  r.Below(b.events, texts, unknown);
  r.Ranges(b.events, attributes, range);
  r.Any<U32>(b.events, dropped);
  r.Any<U64>(b.references, [](auto& x) -> U64& { return x.trace_id.high; });
  r.Any<U64>(b.references, [](auto& x) -> U64& { return x.trace_id.low; });
  r.Any<U64>(b.references, [](auto& x) -> U64& { return x.span_id.value; });
  r.Below(b.references, texts, [](auto& x) -> U32& { return x.trace_state; });
  r.Below(b.references, texts, unknown);
  r.Ranges(b.references, attributes, range);
  r.Any<U32>(b.references, dropped);
  r.Any<U32>(b.references, [](auto& x) -> U32& { return x.flags; });
  r.Enum<ReferenceType>(b.references, 2, [](auto& x) -> ReferenceType& { return x.type; });
}

Error Damaged() { return {ErrorCode::kCorruption, "a batch of spans in the log is damaged"}; }

}  // namespace

std::string EncodeBatch(const SpanBatch& batch) {
  std::string out;
  EncodeBatch(batch, out);
  return out;
}

void EncodeBatch(const SpanBatch& batch, std::string& out) {
  out.clear();
  out.reserve(batch.strings.text_bytes() + batch.size() * 128 + batch.attributes.size() * 13);
  base::ByteWriter writer(out);
  writer.U8(kVersion);
  for (const std::size_t count :
       {batch.strings.size() - 1, batch.attributes.size(), batch.resources.size(),
        batch.scopes.size(), batch.events.size(), batch.references.size(), batch.spans.size()}) {
    writer.Varint(count);
  }
  for (model::StringId id = 1; id < batch.strings.size(); ++id)
    writer.Varint(batch.text(id).size());
  for (model::StringId id = 1; id < batch.strings.size(); ++id) writer.Raw(batch.text(id));
  ColumnWriter columns(out);
  WriteParts(batch, columns);
  WriteSpans(batch, columns);
}

Result<SpanBatch> DecodeBatch(std::string_view payload) {
  base::ByteReader in(payload);
  const std::uint8_t version = in.U8();
  if (in.ok() && version > kVersion) {
    return Error(ErrorCode::kUnsupported,
                 "a batch in the log has version " + std::to_string(version) +
                     "; this build reads version 1: use a newer tracestore");
  }
  if (version != kVersion) return Damaged();
  SpanBatch batch;
  const std::size_t texts = in.Count();
  batch.attributes.resize(in.Count(13));
  batch.resources.resize(in.Count(21));
  batch.scopes.resize(in.Count(28));
  batch.events.resize(in.Count(28));
  batch.references.resize(in.Count(49));
  batch.spans.resize(in.Count(119));
  std::vector<std::uint64_t> sizes(texts);
  std::uint64_t bytes = 0;
  for (auto& size : sizes) {
    size = in.BoundedVarint(in.remaining());
    bytes += size;
  }
  if (bytes > in.remaining()) return Damaged();
  batch.strings.Reserve(texts, static_cast<std::size_t>(bytes));
  for (const std::uint64_t size : sizes) (void)batch.strings.Intern(in.Raw(size));
  // A text that stands twice would shift every id behind it.
  if (!in.ok() || batch.strings.size() != texts + 1) return Damaged();
  ColumnReader columns(in);
  ReadAttributes(batch, columns);
  ReadParts(batch, columns);
  ReadSpans(batch, columns);
  if (!columns.good() || !in.done()) return Damaged();
  return batch;
}

}  // namespace tracestore::store
