// The residue of a row: what rare rows have and the columns don't (docs/format/segment.md,
// "Residue"). Self-contained: its texts stand in it, not in the dictionary.
#pragma once
#include <string>
#include <string_view>

#include <tracestore/status.h>

#include "model/span_batch.h"

namespace tracestore::store {

// Bits of the residue's first number.
enum ResidueBits : std::uint32_t {
  kResiduePresence = 1, kResidueTraceState = 2, kResidueUnknown = 4, kResidueDropped = 8,
  kResidueParentPosition = 16, kResidueReferences = 32, kResidueEvents = 64, kResidueGeneric = 128,
};

// Appends the residue of a span. `generic`: everything but ids, parent and times; `events`: its
// events too. `scope` and `resource` are numbers in the segment's tables.
void EncodeResidue(const model::SpanBatch& batch, const model::SpanRecord& span, bool generic,
                   bool events, std::string& out);

// Adds what the residue holds to `span`, whose lists go to the end of `batch`'s. In a generic
// residue scope and resource are numbers in the segment's tables, left in the span as they are.
// Errors: kCorruption.
Status DecodeResidue(std::string_view residue, model::SpanBatch& batch, model::SpanRecord& span);

}  // namespace tracestore::store
