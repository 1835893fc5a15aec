#include "codec/json/json_writer.h"

#include <cassert>
#include <charconv>
#include <cmath>

#include "model/text.h"

namespace tracestore::codec {
namespace {

template <typename T>
void AppendInteger(T value, std::string& out) {
  char buffer[24];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value);
  out.append(buffer, end.ptr);
}

}  // namespace

void JsonWriter::Separate() {
  if (after_key_) {
    after_key_ = false;
    return;
  }
  if (has_items_.empty()) return;
  if (has_items_.back()) out_ += ',';
  has_items_.back() = true;
}

void JsonWriter::Begin(char bracket) {
  Separate();
  out_ += bracket;
  has_items_.push_back(false);
}

void JsonWriter::End(char bracket) {
  assert(!has_items_.empty() && !after_key_);
  has_items_.pop_back();
  out_ += bracket;
}

void JsonWriter::Key(std::string_view key) {
  assert(!has_items_.empty() && !after_key_);
  Separate();
  model::AppendJsonString(key, out_);
  out_ += ':';
  after_key_ = true;
}

void JsonWriter::String(std::string_view text) {
  Separate();
  model::AppendJsonString(text, out_);
}

void JsonWriter::Int(std::int64_t value) {
  Separate();
  AppendInteger(value, out_);
}

void JsonWriter::Uint(std::uint64_t value) {
  Separate();
  AppendInteger(value, out_);
}

void JsonWriter::IntString(std::int64_t value) {
  Separate();
  out_ += '"';
  AppendInteger(value, out_);
  out_ += '"';
}

void JsonWriter::UintString(std::uint64_t value) {
  Separate();
  out_ += '"';
  AppendInteger(value, out_);
  out_ += '"';
}

void JsonWriter::Double(double value) {
  Separate();
  const bool finite = std::isfinite(value);
  if (!finite) out_ += '"';
  const std::size_t begin = out_.size();
  model::AppendDouble(value, out_);
  if (!finite) out_ += '"';
  // Without a point, readers take "-0" for the integer 0, and simdjson refuses whole numbers beyond
  // 64 bits.
  const bool ambiguous = (value == 0 && std::signbit(value)) || std::fabs(value) >= 0x1p63;
  if (finite && ambiguous && out_.find_first_of(".e", begin) == std::string::npos) out_ += ".0";
}

void JsonWriter::Bool(bool value) {
  Separate();
  out_ += value ? "true" : "false";
}

void JsonWriter::Null() {
  Separate();
  out_ += "null";
}

void JsonWriter::Base64(std::string_view bytes) {
  Separate();
  out_ += '"';
  model::AppendBase64(bytes, out_);
  out_ += '"';
}

void JsonWriter::Raw(std::string_view json) {
  Separate();
  out_ += json;
}

}  // namespace tracestore::codec
