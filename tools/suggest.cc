#include "suggest.h"

#include <algorithm>
#include <cstddef>

namespace tracestore::tools {
namespace {

// Edits between two words: optimal string alignment, three rows of the table at a time.
std::size_t Distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({replace, last[j] + 1, row[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string Nearest(std::string_view wrong, const std::vector<std::string>& words) {
  constexpr std::size_t kLongest = 64;  // no command or flag is longer
  if (wrong.empty() || wrong.size() > kLongest) return "";
  std::string best;
  std::size_t best_distance = std::max<std::size_t>(1, wrong.size() / 3) + 1;
  for (const std::string& word : words) {
    const std::size_t distance = Distance(wrong, word);
    if (distance < best_distance) {
      best = word;
      best_distance = distance;
    }
  }
  if (!best.empty()) return best;
  for (const std::string& word : words) {
    if (wrong.size() >= 3 && word.starts_with(wrong)) return word;
  }
  return "";
}

std::string DidYouMean(std::string_view wrong, const std::vector<std::string>& words) {
  const std::string nearest = Nearest(wrong, words);
  return nearest.empty() ? "" : ": did you mean '" + nearest + "'?";
}

}  // namespace tracestore::tools
