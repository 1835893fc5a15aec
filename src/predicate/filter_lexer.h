// The words of the filter language (docs/filter-language.md).
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include <tracestore/query.h>

namespace tracestore::predicate {

struct Token {
  enum class Kind : std::uint8_t {
    kWord,    // text: a bare word
    kString,  // text: what stood in quotes
    kQuotedKey,  // text: a bare word that ends in a dot; key: the quoted text right behind it
    kOperator,
    kOpen,
    kClose,
    kEnd,
  };
  Kind kind = Kind::kEnd;
  std::size_t column = 1;  // in characters, from 1
  std::string text;
  std::string key;
  CompareOp op = CompareOp::kEqual;

  // How a message calls it: "'foo'", "the end".
  std::string Describe() const;
};

// Gives one token after another; kEnd for good at the end.
class FilterLexer {
 public:
  // `text` is borrowed for the lexer's life.
  explicit FilterLexer(std::string_view text) noexcept : text_(text) {}

  // Errors: kInvalidArgument with the column: a quote without end, a lone '!' or '^'.
  Result<Token> Next();

 private:
  void SkipSpace() noexcept;
  std::size_t Column(std::size_t at) const noexcept;
  Result<std::string> Quoted();
  Result<Token> Operator();

  std::string_view text_;
  std::size_t at_ = 0;
};

// kInvalidArgument: "column 7: …".
Error FilterError(std::size_t column, const std::string& what);

}  // namespace tracestore::predicate
