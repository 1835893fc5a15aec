#include "predicate/filter_lexer.h"

#include <algorithm>

#include "base/try.h"

namespace tracestore::predicate {
namespace {

bool IsSpace(char c) noexcept { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool EndsWord(char c) noexcept {
  return IsSpace(c) || std::string_view("()\"'=!<>~^").find(c) != std::string_view::npos;
}

struct OperatorText {
  std::string_view text;
  CompareOp op;
};
// Longer ones before those that they begin with.
constexpr OperatorText kOperators[] = {
    {"=~", CompareOp::kRegex},        {"^=", CompareOp::kPrefix}, {"!=", CompareOp::kNotEqual},
    {"<=", CompareOp::kLessEqual},    {"<", CompareOp::kLess},    {">=", CompareOp::kGreaterEqual},
    {">", CompareOp::kGreater},       {"=", CompareOp::kEqual},
};

}  // namespace

Error FilterError(std::size_t column, const std::string& what) {
  return {ErrorCode::kInvalidArgument, "column " + std::to_string(column) + ": " + what};
}

std::string Token::Describe() const {
  switch (kind) {
    case Kind::kWord: return "'" + text + "'";
    case Kind::kString: return "the text \"" + text + "\"";
    case Kind::kQuotedKey: return "'" + text + "\"" + key + "\"'";
    case Kind::kOperator: return "'" + text + "'";
    case Kind::kOpen: return "'('";
    case Kind::kClose: return "')'";
    case Kind::kEnd: break;
  }
  return "the end";
}

void FilterLexer::SkipSpace() noexcept {
  while (at_ < text_.size() && IsSpace(text_[at_])) ++at_;
}

std::size_t FilterLexer::Column(std::size_t at) const noexcept {
  const auto continues = [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; };
  const std::string_view before = text_.substr(0, at);
  return 1 + before.size() -
         static_cast<std::size_t>(std::count_if(before.begin(), before.end(), continues));
}

Result<std::string> FilterLexer::Quoted() {
  const std::size_t begin = at_;
  const char quote = text_[at_++];
  std::string out;
  while (at_ < text_.size() && text_[at_] != quote) {
    // In double quotes a backslash protects a quote or a backslash; else it stands for itself.
    const bool escape = quote == '"' && text_[at_] == '\\' && at_ + 1 < text_.size() &&
                        (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
    if (escape) ++at_;
    out += text_[at_++];
  }
  if (at_ == text_.size())
    return FilterError(Column(begin), std::string("a quote that is never closed: ") + quote);
  ++at_;
  return out;
}

Result<Token> FilterLexer::Operator() {
  Token token;
  token.column = Column(at_);
  token.kind = Token::Kind::kOperator;
  for (const OperatorText& candidate : kOperators) {
    if (text_.substr(at_, candidate.text.size()) != candidate.text) continue;
    at_ += candidate.text.size();
    token.text = candidate.text;
    token.op = candidate.op;
    return token;
  }
  return FilterError(token.column, std::string("'") + text_[at_] +
                                       "' is no operator; there are = != < <= > >= =~ ^= exists");
}

Result<Token> FilterLexer::Next() {
  SkipSpace();
  Token token;
  token.column = Column(at_);
  if (at_ == text_.size()) return token;
  const char c = text_[at_];
  if (c == '(' || c == ')') {
    ++at_;
    token.kind = c == '(' ? Token::Kind::kOpen : Token::Kind::kClose;
    return token;
  }
  if (c == '"' || c == '\'') {
    token.kind = Token::Kind::kString;
    TS_TRY_ASSIGN(token.text, Quoted());
    return token;
  }
  if (EndsWord(c)) return Operator();
  const std::size_t begin = at_;
  while (at_ < text_.size() && !EndsWord(text_[at_])) ++at_;
  token.text = text_.substr(begin, at_ - begin);
  token.kind = Token::Kind::kWord;
  if (token.text.back() == '.' && at_ < text_.size() && (text_[at_] == '"' || text_[at_] == '\'')) {
    token.kind = Token::Kind::kQuotedKey;
    TS_TRY_ASSIGN(token.key, Quoted());
  }
  return token;
}

}  // namespace tracestore::predicate
