#include "predicate/text_replacer.h"

#include <re2/re2.h>

#include <utility>

namespace tracestore::predicate {

Result<TextReplacer> TextReplacer::Compile(const std::string& pattern,
                                           const std::string& replacement) {
  RE2::Options options;
  options.set_log_errors(false);
  auto compiled = std::make_shared<const RE2>(pattern, options);
  if (!compiled->ok()) {
    return Error(ErrorCode::kInvalidArgument,
                 "bad regular expression '" + pattern + "': " + compiled->error());
  }
  std::string why;
  if (!compiled->CheckRewriteString(replacement, &why))
    return Error(ErrorCode::kInvalidArgument, "replacement '" + replacement + "': " + why);
  return TextReplacer(std::move(compiled), replacement);
}

bool TextReplacer::Replace(std::string& text) const {
  return RE2::GlobalReplace(&text, *pattern_, replacement_) > 0;
}

}  // namespace tracestore::predicate
