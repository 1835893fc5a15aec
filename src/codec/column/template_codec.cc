// Layout of a page's values: codes (integer stream; 0 = escape, else template number + 1),
// bit-packed values minus their bases, escapes (text stream).
#include "codec/column/template_codec.h"

#include <algorithm>
#include <cstring>

#include "base/try.h"
#include "codec/column/bit_pack.h"
#include "codec/column/int_stream.h"
#include "codec/column/text_stream.h"

namespace tracestore::column {
namespace {

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("templated strings: ") + what};
}

// The parts of a page's values before any text is built.
struct Parts {
  std::vector<std::uint64_t> codes;
  std::string_view packed;
  std::size_t packed_bits = 0;
  std::vector<std::string_view> escapes;
  std::string escape_arena;
};

Status ReadParts(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                 std::size_t max_total_bytes, Parts& parts) {
  if (count > UINT32_MAX) return Corrupt("too many values");
  TS_TRY(DecodeInts(in, count, parts.codes));
  parts.packed_bits = 0;
  std::size_t escapes = 0;
  for (const std::uint64_t code : parts.codes) {
    if (code > table.size()) return Corrupt("a template that is not in the table");
    if (code == 0) ++escapes;
    else parts.packed_bits += table.At(static_cast<std::size_t>(code - 1)).bits;
  }
  parts.packed = in.Raw(PackedBytes(parts.packed_bits));
  if (!in.ok()) return Corrupt("the packed values are cut short");
  return DecodeTexts(in, escapes, max_total_bytes, parts.escape_arena, parts.escapes);
}

Parts& ThreadParts() {
  thread_local Parts parts;
  return parts;
}

SplitText& ThreadSplit() {
  thread_local SplitText split;
  return split;
}

// Builds texts one after the other in an arena that grows as needed, up to a bound.
class TextBuilder {
 public:
  TextBuilder(std::string& arena, std::size_t max_total_bytes)
      : arena_(arena), max_total_bytes_(max_total_bytes) {}

  std::size_t size() const noexcept { return size_; }

  bool Append(std::string_view text) {
    if (text.empty()) return true;
    if (text.size() > max_total_bytes_ - size_) return false;
    Reserve(text.size());
    std::memcpy(arena_.data() + size_, text.data(), text.size());
    size_ += text.size();
    return true;
  }

  // Prints one templated text; `bit` moves past its values, which come into `values`, unless null.
  bool AppendTemplated(const TemplateTable& table, const TemplateTable::Template& t,
                       const BitReader& packed, std::size_t& bit,
                       std::vector<std::uint64_t>* values) {
    Reserve(t.max_text);
    const std::string_view literals = table.Literals(t);
    char* out = arena_.data() + size_;
    std::size_t done = 0;
    for (const SlotCoding& coding : table.Slots(t)) {
      const std::uint64_t value = coding.base + packed.Get(bit, coding.bits);
      bit += coding.bits;
      if (value > MostOfSlot(coding.slot)) return false;
      if (values != nullptr) values->push_back(value);
      const std::size_t piece = coding.slot.offset - done;
      std::memcpy(out, literals.data() + done, piece);
      done = coding.slot.offset;
      out = PrintSlot(coding.slot, value, out + piece);
    }
    std::memcpy(out, literals.data() + done, literals.size() - done);
    size_ = static_cast<std::size_t>(out - arena_.data()) + literals.size() - done;
    return size_ <= max_total_bytes_;
  }

 private:
  void Reserve(std::size_t more) {
    if (arena_.size() - size_ < more) arena_.resize(std::max(size_ + more, arena_.size() * 2));
  }
  std::string& arena_;
  std::size_t max_total_bytes_;
  std::size_t size_ = 0;
};

}  // namespace

namespace {

// `find` gives the template of the i-th text, if one codes it, and where its values stand.
template <typename Find>
void EncodeByTemplates(std::span<const std::string_view> texts, const TemplateTable& table,
                       const Find& find, std::string& out) {
  thread_local std::vector<std::uint64_t> codes;
  thread_local std::vector<std::uint64_t> values;
  thread_local std::vector<std::string_view> escapes;
  codes.clear();
  values.clear();
  escapes.clear();
  std::size_t bits = 0;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    const std::uint64_t* first = nullptr;
    const std::optional<std::uint32_t> id = find(i, first);
    codes.push_back(id ? *id + 1 : 0);
    if (!id) {
      escapes.push_back(texts[i]);
      continue;
    }
    const TemplateTable::Template& t = table.At(*id);
    bits += t.bits;
    values.insert(values.end(), first, first + t.slot_count);
  }
  EncodeInts(codes, out);
  BitWriter writer(out, bits);
  const std::uint64_t* value = values.data();
  for (const std::uint64_t code : codes) {
    if (code == 0) continue;
    for (const SlotCoding& coding : table.Slots(table.At(static_cast<std::size_t>(code - 1)))) {
      writer.Put(*value++ - coding.base, coding.bits);
    }
  }
  writer.Finish();
  EncodeTexts(escapes, out);
}

std::optional<std::uint32_t> FindSplit(std::string_view text, const TemplateTable& table,
                                       const std::uint64_t*& values) {
  SplitText& split = ThreadSplit();
  if (!SplitTemplate(text, split)) return std::nullopt;
  values = split.values.data();
  return table.Find(split);
}

}  // namespace

void EncodeTemplated(std::span<const std::string_view> texts, const TemplateTable& table,
                     std::string& out) {
  if (table.empty()) return EncodeTexts(texts, out);
  EncodeByTemplates(
      texts, table,
      [&](std::size_t i, const std::uint64_t*& values) {
        return FindSplit(texts[i], table, values);
      },
      out);
}

void EncodeTemplated(std::span<const std::string_view> texts, std::span<const KnownSplit> splits,
                     const TemplateTable& table, TemplatePlaces& places, std::string& out) {
  if (table.empty()) return EncodeTexts(texts, out);
  EncodeByTemplates(
      texts, table,
      [&](std::size_t i, const std::uint64_t*& values) {
        if (splits[i] == nullptr) return FindSplit(texts[i], table, values);
        values = splits[i] + 1;
        return places.Find(splits[i]);
      },
      out);
}

Status DecodeTemplated(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                       std::size_t max_total_bytes, std::string& arena,
                       std::vector<std::string_view>& out) {
  return DecodeTemplatedRange(in, count, table, {0, count}, max_total_bytes, arena, out);
}

Status DecodeTemplatedRange(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                            StreamRange range, std::size_t max_total_bytes, std::string& arena,
                            std::vector<std::string_view>& out, TemplatedCodes* codes) {
  if (codes != nullptr) {
    codes->templates.clear();
    codes->values.clear();
  }
  if (table.empty()) return DecodeTextRange(in, count, range, max_total_bytes, arena, out);
  out.clear();
  if (range.begin > range.end || range.end > count)
    return Corrupt("values past its end are wanted");
  if (codes != nullptr) codes->templates.resize(range.size());
  Parts& parts = ThreadParts();
  TS_TRY(ReadParts(in, count, table, max_total_bytes, parts));
  std::size_t bit = 0;
  std::size_t escape = 0;
  for (std::size_t i = 0; i < range.begin; ++i) {
    const auto code = static_cast<std::size_t>(parts.codes[i]);
    if (code == 0) ++escape;
    else bit += table.At(code - 1).bits;
  }
  thread_local std::vector<std::size_t> ends;
  ends.resize(range.size());
  TextBuilder builder(arena, max_total_bytes);
  const BitReader packed(parts.packed);
  for (std::size_t i = 0; i < range.size(); ++i) {
    const auto code = static_cast<std::size_t>(parts.codes[range.begin + i]);
    const bool fits = code == 0
                          ? builder.Append(parts.escapes[escape++])
                          : builder.AppendTemplated(table, table.At(code - 1), packed, bit,
                                                    codes == nullptr ? nullptr : &codes->values);
    if (codes != nullptr) codes->templates[i] = static_cast<std::uint32_t>(code);
    if (!fits) return Corrupt("more bytes than allowed, or a value outside its slot");
    ends[i] = builder.size();
  }
  out.resize(range.size());
  std::size_t begin = 0;
  for (std::size_t i = 0; i < range.size(); ++i) {
    out[i] = std::string_view(arena.data() + begin, ends[i] - begin);
    begin = ends[i];
  }
  return {};
}

Status FindTemplated(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                     std::size_t max_total_bytes, std::string_view text,
                     std::vector<std::uint32_t>& rows) {
  rows.clear();
  Parts& parts = ThreadParts();
  if (table.empty()) {
    if (count > UINT32_MAX) return Corrupt("too many values");
    TS_TRY(DecodeTexts(in, count, max_total_bytes, parts.escape_arena, parts.escapes));
    parts.codes.assign(count, 0);
  } else {
    TS_TRY(ReadParts(in, count, table, max_total_bytes, parts));
  }
  SplitText& split = ThreadSplit();
  const auto id = SplitTemplate(text, split) ? table.Find(split) : std::nullopt;
  const std::uint64_t wanted = id ? *id + 1 : 0;
  const BitReader packed(parts.packed);
  std::size_t bit = 0;
  std::size_t escape = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const std::uint64_t code = parts.codes[i];
    if (code == 0) {
      const bool equal = parts.escapes[escape++] == text;
      if (wanted == 0 && equal) rows.push_back(static_cast<std::uint32_t>(i));
      continue;
    }
    const TemplateTable::Template& t = table.At(static_cast<std::size_t>(code - 1));
    if (code == wanted) {
      const std::span<const SlotCoding> slots = table.Slots(t);
      std::size_t at = bit;
      std::size_t same = 0;
      while (same < slots.size() &&
             packed.Get(at, slots[same].bits) == split.values[same] - slots[same].base) {
        at += slots[same++].bits;
      }
      if (same == slots.size()) rows.push_back(static_cast<std::uint32_t>(i));
    }
    bit += t.bits;
  }
  return {};
}

}  // namespace tracestore::column
