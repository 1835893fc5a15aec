// TextReplacer: what matches a regular expression is replaced, as redaction does it. RE2's syntax.
#pragma once
#include <tracestore/status.h>

#include <memory>
#include <string>
#include <string_view>

namespace re2 {
class RE2;
}

namespace tracestore::predicate {

// Immutable; any number of threads may use one. Time is linear in the text.
class TextReplacer {
 public:
  // `replacement` may name groups as \1 … \9, \0 is the whole match. Errors: kInvalidArgument.
  static Result<TextReplacer> Compile(const std::string& pattern, const std::string& replacement);

  // Replaces every match; true if there was one.
  bool Replace(std::string& text) const;

 private:
  TextReplacer(std::shared_ptr<const re2::RE2> pattern, std::string replacement)
      : pattern_(std::move(pattern)), replacement_(std::move(replacement)) {}
  std::shared_ptr<const re2::RE2> pattern_;
  std::string replacement_;
};

}  // namespace tracestore::predicate
