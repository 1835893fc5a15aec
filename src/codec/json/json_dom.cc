#include "codec/json/json_dom.h"

#include <charconv>
#include <cmath>
#include <utility>

#include "codec/json/json_error.h"

namespace tracestore::codec {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr double kTwoTo63 = 9223372036854775808.0;

std::optional<std::int64_t> FromDouble(double value, bool truncate) {
  const double whole = std::trunc(value);
  if (!(whole >= -kTwoTo63 && whole < kTwoTo63)) return std::nullopt;
  if (!truncate && whole != value) return std::nullopt;
  return static_cast<std::int64_t>(whole);
}

std::optional<std::int64_t> ToInteger(element value, bool truncate) {
  switch (value.type()) {
    case element_type::INT64: return value.get_int64().value_unsafe();
    case element_type::DOUBLE: return FromDouble(value.get_double().value_unsafe(), truncate);
    case element_type::STRING: {
      const std::string_view text = value.get_string().value_unsafe();
      std::int64_t number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default: return std::nullopt;  // a UINT64 is above the greatest signed one
  }
}

std::string Explain(std::string_view text, const JsonMending& mending, simdjson::error_code code,
                    std::size_t skipped) {
  if (const auto error = FindJsonError(text, mending.texts))
    return "not JSON: " + error->what + " at byte " + std::to_string(error->offset + skipped);
  if (code == simdjson::NUMBER_ERROR) return "JSON with a number out of range";
  return std::string("not JSON: ") + simdjson::error_message(code);
}

}  // namespace

namespace {
// Null while a tree has it, or none was made yet.
thread_local std::unique_ptr<simdjson::dom::parser> kept_parser;
}  // namespace

JsonTree::JsonTree() : parser_(std::move(kept_parser)) {
  if (parser_ == nullptr) parser_ = std::make_unique<simdjson::dom::parser>();
}

JsonTree::~JsonTree() {
  if (parser_->capacity() <= kKeptJsonBytes) kept_parser = std::move(parser_);
}

Result<element> JsonTree::Parse(std::string_view text, const JsonMending& mending) {
  mended_texts_ = 0;
  std::size_t skipped = 0;
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    skipped = 3;
    text.remove_prefix(3);
  }
  if (text.size() > kMaxJsonBytes) {
    return Error(ErrorCode::kInvalidArgument, "JSON of " + std::to_string(text.size()) +
                                                  " bytes is longer than " +
                                                  std::to_string(kMaxJsonBytes));
  }
  if (text.empty()) return Error(ErrorCode::kInvalidArgument, "not JSON: unexpected end at byte 0");
  element root;
  auto code = parser_->parse(text.data(), text.size()).get(root);
  const bool mendable = code == simdjson::NUMBER_ERROR || mending.texts || mending.rest;
  if (code != simdjson::SUCCESS && code != simdjson::MEMALLOC && mendable) {
    const MendedJson mended = MendJson(text, mending, kMaxJsonBytes);
    mended_texts_ = mended.texts;
    if (mended.changed) code = parser_->parse(mended.text.data(), mended.text.size()).get(root);
  }
  if (code == simdjson::MEMALLOC) throw std::bad_alloc();
  if (code != simdjson::SUCCESS)
    return Error(ErrorCode::kInvalidArgument, Explain(text, mending, code, skipped));
  return root;
}

std::optional<std::string_view> TextOf(element value) {
  if (value.type() != element_type::STRING) return std::nullopt;
  return value.get_string().value_unsafe();
}

std::optional<std::int64_t> IntegerOf(element value) { return ToInteger(value, false); }

std::optional<std::int64_t> TruncatedIntegerOf(element value) { return ToInteger(value, true); }

std::optional<double> DoubleOf(element value) {
  switch (value.type()) {
    case element_type::INT64: return static_cast<double>(value.get_int64().value_unsafe());
    case element_type::UINT64: return static_cast<double>(value.get_uint64().value_unsafe());
    case element_type::DOUBLE: return value.get_double().value_unsafe();
    case element_type::STRING: {
      std::string_view text = value.get_string().value_unsafe();
      const bool plus = text.substr(0, 1) == "+";
      if (plus) text.remove_prefix(1);
      if (plus && text.substr(0, 1) == "-") return std::nullopt;
      double number = 0;
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
      return number;
    }
    default: return std::nullopt;
  }
}

std::optional<bool> BoolOf(element value) {
  if (value.type() == element_type::BOOL) return value.get_bool().value_unsafe();
  if (const auto text = TextOf(value)) {
    if (*text == "true") return true;
    if (*text == "false") return false;
    return std::nullopt;
  }
  const auto number = IntegerOf(value);
  if (number == 0) return false;
  if (number == 1) return true;
  return std::nullopt;
}

std::string PlainTextOf(element value) {
  if (const auto text = TextOf(value)) return std::string(*text);
  if (value.type() == element_type::NULL_VALUE) return "";
  return simdjson::minify(value);
}

const char* TypeNameOf(element value) {
  switch (value.type()) {
    case element_type::ARRAY: return "a list";
    case element_type::OBJECT: return "an object";
    case element_type::STRING: return "a string";
    case element_type::BOOL: return "a boolean";
    case element_type::NULL_VALUE: return "null";
    default: return "a number";
  }
}

}  // namespace tracestore::codec
