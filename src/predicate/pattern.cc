#include "predicate/pattern.h"

#include <re2/re2.h>

#include <algorithm>

namespace tracestore::predicate {
namespace {

re2::StringPiece Piece(std::string_view text) { return {text.data(), text.size()}; }

re2::RE2::Options QuietOptions() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  options.set_max_mem(std::int64_t{1} << 20);
  return options;
}

const char* GoWords(re2::RE2::ErrorCode code) {
  switch (code) {
    case re2::RE2::ErrorBadEscape: return "invalid escape sequence";
    case re2::RE2::ErrorBadCharClass: return "invalid character class";
    case re2::RE2::ErrorBadCharRange: return "invalid character class range";
    case re2::RE2::ErrorMissingBracket: return "missing closing ]";
    case re2::RE2::ErrorMissingParen: return "missing closing )";
    case re2::RE2::ErrorUnexpectedParen: return "unexpected )";
    case re2::RE2::ErrorTrailingBackslash: return "trailing backslash at end of expression";
    case re2::RE2::ErrorRepeatArgument: return "missing argument to repetition operator";
    case re2::RE2::ErrorRepeatSize: return "invalid repeat count";
    case re2::RE2::ErrorRepeatOp: return "invalid nested repetition operator";
    case re2::RE2::ErrorBadPerlOp: return "invalid or unsupported Perl syntax";
    case re2::RE2::ErrorBadUTF8: return "invalid UTF-8";
    case re2::RE2::ErrorBadNamedCapture: return "invalid named capture";
    case re2::RE2::ErrorPatternTooLarge: return "expression too large";
    default: return "internal error";
  }
}

// Behind the character class that begins at `at`: a ']' that stands first is one of its members.
std::size_t PastClass(std::string_view text, std::size_t at) {
  ++at;
  if (at < text.size() && text[at] == '^') ++at;
  for (bool first = true; at < text.size(); first = false) {
    if (text[at] == ']' && !first) return at + 1;
    if (text.substr(at, 2) == "[:") {
      const std::size_t end = text.find(":]", at + 2);
      at = end == std::string_view::npos ? at + 1 : end + 2;
    } else {
      at += text[at] == '\\' ? 2 : 1;
    }
  }
  return at;
}

// Behind "(?flags)" or "(?flags:"; names of groups are no flags.
std::size_t PastGroupHead(std::string_view text, std::size_t at, PatternTraits& traits) {
  const std::string_view head = text.substr(at, 3);
  if (!head.starts_with("(?")) return at + 1;
  at += 2;
  if (head == "(?P" || head == "(?<") {
    const std::size_t end = text.find('>', at);
    return end == std::string_view::npos ? text.size() : end + 1;
  }
  bool set = true;
  for (; at < text.size() && text[at] != ')' && text[at] != ':'; ++at) {
    if (text[at] == '-') set = false;
    if (text[at] == 'i' && set) traits.folds_case = true;
    if (text[at] == 'U' && set) traits.lazy = true;
  }
  return at + 1;
}

std::size_t PastEscape(std::string_view text, std::size_t at, PatternTraits& traits) {
  const char escaped = at + 1 < text.size() ? text[at + 1] : '\0';
  if (escaped == 'A' || escaped == 'z') traits.anchor = true;
  if (escaped == 'b' || escaped == 'B') traits.word_boundary = true;
  if (escaped != 'Q') return at + 2;
  const std::size_t end = text.find("\\E", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

// Behind the "{2}", "{2,}" or "{2,5}" at `at`; `at` where there is none, and '{' stands for itself.
std::size_t PastCount(std::string_view text, std::size_t at) {
  const std::size_t end = text.find('}', at);
  if (end == std::string_view::npos) return at;
  const std::string_view inner = text.substr(at + 1, end - at - 1);
  const std::size_t comma = std::min(inner.find(','), inner.size());
  const auto digits = [](std::string_view part) {
    return part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  const bool count = comma > 0 && digits(inner.substr(0, comma)) &&
                     (comma == inner.size() || digits(inner.substr(comma + 1)));
  return count ? end + 1 : at;
}

}  // namespace

std::optional<std::string> PatternProblem(std::string_view pattern) {
  const re2::RE2 regex(Piece(pattern), QuietOptions());
  if (regex.ok()) return std::nullopt;
  const std::string& arg = regex.error_arg();
  return std::string("error parsing regexp: ") + GoWords(regex.error_code()) + ": `" +
         (arg.empty() ? std::string(pattern) : arg) + "`";
}

PatternTraits TraitsOf(std::string_view text) {
  PatternTraits traits;
  bool repeated = false;  // what stands before is a repetition
  for (std::size_t at = 0; at < text.size();) {
    const bool was_repeated = repeated;
    repeated = false;
    switch (text[at]) {
      case '\\': at = PastEscape(text, at, traits); break;
      case '[': at = PastClass(text, at); break;
      case '(': at = PastGroupHead(text, at, traits); break;
      case '{': {
        const std::size_t end = PastCount(text, at);
        repeated = end != at;
        at = repeated ? end : at + 1;
        break;
      }
      case '^':
      case '$':
        traits.anchor = true;
        ++at;
        break;
      case '?':
        if (was_repeated) traits.lazy = true;
        [[fallthrough]];
      case '*':
      case '+':
        repeated = !was_repeated || text[at] != '?';
        ++at;
        break;
      default: ++at;
    }
  }
  return traits;
}

bool PatternMatches(std::string_view pattern, std::string_view text) {
  const re2::RE2 regex(Piece(pattern), QuietOptions());
  return regex.ok() && re2::RE2::PartialMatch(Piece(text), regex);
}

}  // namespace tracestore::predicate
