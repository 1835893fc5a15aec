// Regular expressions as Jaeger's filters take them.
#pragma once
#include <optional>
#include <string>
#include <string_view>

namespace tracestore::predicate {

// Why `pattern` is no RE2, in the words of Go's regexp ("error parsing regexp: missing closing ]:
// `[a`"); nullopt where it is one.
std::optional<std::string> PatternProblem(std::string_view pattern);

// What a right pattern holds, beside what every engine reads alike.
struct PatternTraits {
  bool anchor = false;         // ^ $ \A \z
  bool word_boundary = false;  // \b \B
  bool lazy = false;           // *? +? ?? {1,2}?, and the flag U
  bool folds_case = false;     // the flag i
};
PatternTraits TraitsOf(std::string_view pattern);

// Whether it matches anywhere in `text`; a wrong pattern doesn't.
bool PatternMatches(std::string_view pattern, std::string_view text);

}  // namespace tracestore::predicate
