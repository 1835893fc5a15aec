// Texts of values: JSON strings, doubles, base64, and the one canonical text that equality across
// types compares (docs/format/semantics.md).
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "model/span_batch.h"

namespace tracestore::model {

void AppendJsonString(std::string_view text, std::string& out);
void AppendDouble(double value, std::string& out);
void AppendBase64(std::string_view bytes, std::string& out);
// nullopt where `text` is no base64 (standard or URL alphabet, padding optional).
std::optional<std::string> DecodeBase64(std::string_view text);

// Bytes of the UTF-8 character that `text`, which isn't empty, begins with; 0 where it isn't one
// (overlong forms, surrogates and values above U+10FFFF are not).
std::size_t Utf8Length(std::string_view text) noexcept;
// Whether `text` is well-formed UTF-8.
bool IsUtf8(std::string_view text) noexcept;

// Whether no byte is 0x80 or more.
bool IsAscii(std::string_view text) noexcept;

// `text` with U+FFFD in place of each byte that belongs to no character.
std::string MendUtf8(std::string_view text);

// At most `most` bytes from the front, cut between characters.
std::string_view CutText(std::string_view text, std::size_t most) noexcept;

// The canonical text of a value: a string itself, 123, true, 72.5, base64 of bytes, JSON of an
// array or map, "" of an empty value. Two values are equal where their canonical texts are.
std::string CanonicalText(const SpanBatch& batch, const Attribute& attribute);

// The number that `<` and `>` compare: of an int, a double, or a string that is wholly a decimal
// number ("72.5", "-3", "1e9"); nullopt for anything else.
std::optional<double> AsNumber(const SpanBatch& batch, const Attribute& attribute) noexcept;
std::optional<double> ParseNumber(std::string_view text) noexcept;

}  // namespace tracestore::model
