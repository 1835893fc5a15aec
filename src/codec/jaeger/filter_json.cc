#include <algorithm>
#include <optional>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/filter_tree.h"
#include "codec/json/json_dom.h"

namespace tracestore::codec {
namespace {

using simdjson::dom::element;
using simdjson::dom::element_type;
using Kind = FilterTerm::Kind;

Error Invalid(std::string message) { return {ErrorCode::kInvalidArgument, std::move(message)}; }

Error WrongType(element value, const char* wanted) {
  const char* kind = "number";
  switch (value.type()) {
    case element_type::OBJECT: kind = "object"; break;
    case element_type::ARRAY: kind = "array"; break;
    case element_type::STRING: kind = "string"; break;
    case element_type::BOOL: kind = "bool"; break;
    default: break;
  }
  return Invalid(std::string("json: cannot unmarshal ") + kind + " into Go value of type " +
                 wanted);
}

Error UnknownField(std::string_view key, const char* message) {
  return Invalid("unknown field \"" + std::string(key) + "\" in expression." + message);
}

Status ReadText(element value, std::string& out) {
  if (value.type() == element_type::NULL_VALUE) return {};
  const auto text = TextOf(value);
  if (!text) return WrongType(value, "string");
  out = *text;
  return {};
}

Status ReadTexts(element value, std::vector<std::string>& out) {
  if (value.type() == element_type::NULL_VALUE) return {};
  simdjson::dom::array array;
  if (value.get(array) != simdjson::SUCCESS) return WrongType(value, "[]json.RawMessage");
  for (const element item : array) TS_TRY(ReadText(item, out.emplace_back()));
  return {};
}

struct TermWord {
  std::string_view key;
  Kind kind;
  const char* message;
  const char* text;  // the name of what FilterTerm::text keeps; nullptr: nothing
};
constexpr TermWord kTerms[] = {
    {"attr", Kind::kAttribute, "AttributeReference", "key"},
    {"field", Kind::kField, "FieldReference", "name"},
    {"nested", Kind::kNested, "NestedReference", nullptr},
    {"scalar", Kind::kScalar, "Scalar", "value"},
    {"list", Kind::kList, "List", nullptr},
    {"call", Kind::kCall, "Call", "op"},
};
constexpr const TermWord& kCallWord = kTerms[5];

class Decoder {
 public:
  Result<FilterTree> Decode(element root) {
    tree_.terms.emplace_back();
    TS_TRY(ReadTerm(kCallWord, root, 0));
    while (!pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      const auto index = static_cast<std::uint32_t>(tree_.terms.size());
      tree_.terms.emplace_back();
      tree_.terms[next.parent].args.push_back(index);
      TS_TRY(ReadExpression(next.value, index));
    }
    return std::move(tree_);
  }

 private:
  struct Pending {
    element value;
    std::uint32_t parent;
  };

  Status ReadExpression(element value, std::uint32_t index) {
    if (value.type() == element_type::NULL_VALUE) return {};
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS)
      return WrongType(value, "map[string]json.RawMessage");
    const TermWord* last = nullptr;
    element term;
    for (const auto field : object) {
      const TermWord* word = WordOf(field.key);
      if (word == nullptr) return UnknownField(field.key, "Expression");
      if (field.value.type() == element_type::NULL_VALUE) continue;
      last = word;
      term = field.value;
    }
    return last == nullptr ? Status() : ReadTerm(*last, term, index);
  }

  static const TermWord* WordOf(std::string_view key) {
    for (const TermWord& word : kTerms) {
      if (word.key == key) return &word;
    }
    return nullptr;
  }

  Status ReadTerm(const TermWord& word, element value, std::uint32_t index) {
    simdjson::dom::object object;
    if (value.get(object) != simdjson::SUCCESS)
      return WrongType(value, "map[string]json.RawMessage");
    FilterTerm& term = tree_.terms[index];
    term.kind = word.kind;
    const bool has_level =
        word.kind == Kind::kAttribute || word.kind == Kind::kField || word.kind == Kind::kNested;
    for (const auto field : object) {
      if (word.text != nullptr && field.key == word.text) {
        TS_TRY(ReadText(field.value, term.text));
      } else if (field.key == "level" && has_level) {
        TS_TRY(ReadText(field.value, term.level));
      } else if (field.key == "type" && (word.kind == Kind::kScalar || word.kind == Kind::kList)) {
        TS_TRY(ReadText(field.value, term.type));
      } else if (field.key == "values" && word.kind == Kind::kList) {
        TS_TRY(ReadTexts(field.value, term.values));
      } else if (field.key == "args" && word.kind == Kind::kCall) {
        TS_TRY(ReadArgs(field.value, index));
      } else {
        return UnknownField(field.key, word.message);
      }
    }
    return {};
  }

  // They are read once what stands before them is: the last is put down first.
  Status ReadArgs(element value, std::uint32_t index) {
    if (value.type() == element_type::NULL_VALUE) return {};
    simdjson::dom::array array;
    if (value.get(array) != simdjson::SUCCESS) return WrongType(value, "[]json.RawMessage");
    const std::size_t first = pending_.size();
    for (const element item : array) pending_.push_back({item, index});
    std::reverse(pending_.begin() + static_cast<std::ptrdiff_t>(first), pending_.end());
    return {};
  }

  FilterTree tree_;
  std::vector<Pending> pending_;
};

}  // namespace

Result<FilterTree> DecodeFilterJson(std::string_view json) {
  if (json.size() > kMaxFilterBytes) {
    return Invalid("a filter of " + std::to_string(json.size()) + " bytes is longer than " +
                   std::to_string(kMaxFilterBytes));
  }
  JsonTree tree;
  TS_TRY_ASSIGN(const element root, tree.Parse(json));
  return Decoder().Decode(root);
}

}  // namespace tracestore::codec
