#include <tracestore/values.h>

#include "model/value_blob.h"

namespace tracestore {

struct ValueParts::Reader {
  model::ValueBlobReader blob;
};

ValueParts::ValueParts(const AttributeView& attribute) {
  const ValueType type = attribute.type();
  if (type != ValueType::kArray && type != ValueType::kMap) return;
  reader_ = std::make_unique<Reader>(Reader{{attribute.blob(), type}});
}
ValueParts::~ValueParts() = default;

ValueParts::Part ValueParts::Next() {
  using Token = model::ValueToken::Kind;
  Part part;
  if (reader_ == nullptr) return part;
  const model::ValueToken token = reader_->blob.Next();
  switch (token.kind) {
    case Token::kScalar: part.kind = Kind::kScalar; break;
    case Token::kBeginArray: part.kind = Kind::kBeginArray; break;
    case Token::kBeginMap: part.kind = Kind::kBeginMap; break;
    case Token::kKey: part.kind = Kind::kKey; break;
    case Token::kEnd: part.kind = Kind::kEnd; break;
    // Decoders check what they let in; of a blob that is bad all the same, the good beginning.
    case Token::kDone:
    case Token::kBad: reader_ = nullptr; return part;
  }
  part.type = token.type;
  part.text = token.text;
  part.integer = token.integer;
  part.number = token.number;
  return part;
}

}  // namespace tracestore
