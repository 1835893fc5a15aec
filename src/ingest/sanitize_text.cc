#include "ingest/sanitize_text.h"

#include "model/value_blob.h"

namespace tracestore::ingest {
namespace {

using model::ValueToken;

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
