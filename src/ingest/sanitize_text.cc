#include "ingest/sanitize_text.h"

#include "model/text.h"
#include "model/value_blob.h"

namespace tracestore::ingest {
namespace {

using model::ValueToken;

bool Continues(char c) noexcept { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

void Write(const ValueToken& token, model::ValueBlobWriter& out) {
  switch (token.kind) {
    case ValueToken::Kind::kBeginArray: return out.BeginArray();
    case ValueToken::Kind::kBeginMap: return out.BeginMap();
    case ValueToken::Kind::kKey: return out.Key(token.text);
    case ValueToken::Kind::kEnd: return out.End();
    case ValueToken::Kind::kDone:
    case ValueToken::Kind::kBad: return;
    case ValueToken::Kind::kScalar: break;
  }
  switch (token.type) {
    case ValueType::kString: return out.String(token.text);
    case ValueType::kBytes: return out.Bytes(token.text);
    case ValueType::kBool: return out.Bool(token.integer != 0);
    case ValueType::kInt: return out.Int(token.integer);
    case ValueType::kDouble: return out.Double(token.number);
    default: return out.Empty();
  }
}

}  // namespace

std::string_view CutText(std::string_view text, std::size_t most) noexcept {
  if (text.size() <= most) return text;
  std::size_t end = most;
  // A character has at most three bytes behind its first.
  for (int i = 0; i < 3 && end > 0 && Continues(text[end]); ++i) --end;
  return text.substr(0, end);
}

std::string MendUtf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    std::size_t length = model::Utf8Length(text);
    if (length == 0) {
      out += "\xEF\xBF\xBD";
      length = 1;
    } else {
      out.append(text.substr(0, length));
    }
    text.remove_prefix(length);
  }
  return out;
}

std::string CutValueBlob(std::string_view blob, ValueType container, std::size_t most) {
  model::ValueBlobReader reader(blob, container);
  std::string out;
  model::ValueBlobWriter writer(out);
  // Up to here `out` ends after a value; so many containers are open there, each one byte to close.
  std::size_t good = 0;
  std::size_t good_open = 0;
  for (;;) {
    const ValueToken token = reader.Next();
    if (token.kind == ValueToken::Kind::kDone || token.kind == ValueToken::Kind::kBad) break;
    Write(token, writer);
    const std::size_t open = reader.depth() - 1;  // the outermost isn't written
    if (out.size() + open > most) break;
    if (token.kind == ValueToken::Kind::kKey) continue;
    good = out.size();
    good_open = open;
  }
  out.resize(good);
  for (; good_open > 0; --good_open) writer.End();
  return out;
}

}  // namespace tracestore::ingest
