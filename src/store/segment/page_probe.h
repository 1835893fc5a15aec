// Looks for one value in a page's streams without making rows or texts of them.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include <tracestore/status.h>

#include "store/segment/page_decoder.h"

namespace tracestore::store {

// The columns of string attributes with that key (a dictionary id).
std::vector<std::uint32_t> StringColumnsOf(const SegmentTables& tables, std::uint32_t key);

// False: no span or event of the page has `text` as an unlisted value in one of the columns. True
// also where the page keeps attributes outside of columns. Errors: kCorruption.
Result<bool> PageMayHaveText(std::string_view payload, std::uint32_t rows,
                             const PageContext& context,
                             const std::vector<std::uint32_t>& columns, std::string_view text);

}  // namespace tracestore::store
