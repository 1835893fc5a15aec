// The nearest of the words that would have been right.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace tracestore::tools {

// The word of `words` with the fewest single-letter changes (insert, drop, replace, swap) from
// `wrong`; "" where none is near: more than a third of its letters (at least one) would change and
// it is no beginning of one either.
std::string Nearest(std::string_view wrong, const std::vector<std::string>& words);

// ": did you mean 'find'?" or "".
std::string DidYouMean(std::string_view wrong, const std::vector<std::string>& words);

}  // namespace tracestore::tools
