// Which pages of a segment can hold a span that satisfies a leaf of a query.
#pragma once
#include <tracestore/status.h>

#include "index/page_set.h"
#include "predicate/compiled_query.h"
#include "store/segment/segment_reader.h"

namespace tracestore::query {

// From posting lists, filters and zone maps: no page with a matching span is left out.
Result<index::PageSet> CandidatePages(const store::SegmentReader& segment,
                                      const predicate::CompiledQuery& query, std::size_t leaf);

// What to decode of a segment's rows so that `needs` can be evaluated.
Result<store::Projection> ProjectionFor(const store::SegmentReader& segment,
                                        const predicate::Needs& needs);

}  // namespace tracestore::query
