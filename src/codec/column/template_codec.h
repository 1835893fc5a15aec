// High-cardinality strings as template number + bit-packed values, each value with an escape to
// text (docs/format/column-encodings.md, "Templated strings"). Half to a tenth of the bytes that
// zstd takes, and equality is a compare on codes.
//
// Use: Add() all values of a column of a segment to a builder, Finish() it, store the table once,
// then encode page by page.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "codec/column/int_stream.h"
#include "codec/column/template_table.h"
#include "codec/column/template_union.h"
#include <tracestore/status.h>

namespace tracestore::column {

// Looks at all values of a column and decides which templates are worth their place. Not for
// several threads at once. Memory: at most about 8,192 candidates and a 256 KiB sample.
class TemplateTableBuilder {
 public:
  TemplateTableBuilder();
  ~TemplateTableBuilder();
  TemplateTableBuilder(TemplateTableBuilder&&) noexcept;
  TemplateTableBuilder& operator=(TemplateTableBuilder&&) noexcept;

  // Cost: one split and one hash lookup. The text is copied where it is kept.
  void Add(std::string_view text);
  // The same of a text whose split by a template of `templates` is known. All calls with the same
  // union.
  void Add(std::string_view text, KnownSplit split, const TemplateUnion& templates);
  // The templates, most used first. Empty where templates don't beat plain text streams on the
  // sample, table included.
  TemplateTable Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Appends the values of a page; their count is not stored. With an empty table this is
// EncodeTexts(). No values are no bytes.
void EncodeTemplated(std::span<const std::string_view> texts, const TemplateTable& table,
                     std::string& out);
// The same bytes, where splits are known: one for each text, or null; `places` of that table.
void EncodeTemplated(std::span<const std::string_view> texts, std::span<const KnownSplit> splits,
                     const TemplateTable& table, TemplatePlaces& places, std::string& out);

// The codes that texts were decoded from: of each text 1 + its template, or 0 where it was escaped;
// and the values of all, one after the other. Without templates both are empty.
struct TemplatedCodes {
  std::vector<std::uint32_t> templates;
  std::vector<std::uint64_t> values;
};

// Reads `count` values into `out` (resized to `count`), by the table that encoded them. The views
// point into `arena`, whose content is replaced (or, with an empty table, into the bytes of `in`).
// The caller bounds `count`. Errors: kCorruption, also where the texts have more than
// `max_total_bytes` together.
Status DecodeTemplated(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                       std::size_t max_total_bytes, std::string& arena,
                       std::vector<std::string_view>& out);

// The same, but only the values of `range` (within `count`) are built, and come into `out`; and
// their codes into `codes`, unless it is null.
Status DecodeTemplatedRange(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                            StreamRange range, std::size_t max_total_bytes, std::string& arena,
                            std::vector<std::string_view>& out, TemplatedCodes* codes = nullptr);

// The rows (ascending, below `count`) whose value equals `text`, found without building any text
// that is templated. Reads the same bytes as DecodeTemplated().
Status FindTemplated(base::ByteReader& in, std::size_t count, const TemplateTable& table,
                     std::size_t max_total_bytes, std::string_view text,
                     std::vector<std::uint32_t>& rows);

}  // namespace tracestore::column
