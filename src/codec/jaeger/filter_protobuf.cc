#include <algorithm>
#include <utility>

#include "base/try.h"
#include "codec/jaeger/filter_tree.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

using Kind = FilterTerm::Kind;

constexpr std::uint32_t kFirst = WireTag(1, kWireBytes);
constexpr std::uint32_t kSecond = WireTag(2, kWireBytes);
// By the numbers of Expression's fields, from 1.
constexpr Kind kKinds[] = {Kind::kAttribute, Kind::kField, Kind::kNested,
                           Kind::kScalar,    Kind::kList,  Kind::kCall};

Status EndOf(const WireReader& reader) {
  if (reader.ok()) return {};
  return Error{ErrorCode::kInvalidArgument,
               std::string("the filter can't be read: ") + reader.problem()};
}

class Decoder {
 public:
  Result<FilterTree> Decode(std::string_view root) {
    tree_.terms.emplace_back();
    TS_TRY(ReadTerm(Kind::kCall, root, 0));
    while (!pending_.empty()) {
      const Pending next = pending_.back();
      pending_.pop_back();
      const auto index = static_cast<std::uint32_t>(tree_.terms.size());
      tree_.terms.emplace_back();
      tree_.terms[next.parent].args.push_back(index);
      TS_TRY(ReadExpression(next.message, index));
    }
    return std::move(tree_);
  }

 private:
  struct Pending {
    std::string_view message;
    std::uint32_t parent;
  };

  Status ReadExpression(std::string_view message, std::uint32_t index) {
    Kind kind = Kind::kEmpty;
    std::string_view term;
    WireReader reader(message);
    while (reader.Next()) {
      const std::uint32_t number = reader.tag() >> 3;
      if (reader.tag() == WireTag(number, kWireBytes) && number <= std::size(kKinds)) {
        kind = kKinds[number - 1];
        term = reader.Bytes();
      } else {
        reader.Skip();
      }
    }
    TS_TRY(EndOf(reader));
    return kind == Kind::kEmpty ? Status() : ReadTerm(kind, term, index);
  }

  Status ReadTerm(Kind kind, std::string_view message, std::uint32_t index) {
    FilterTerm& term = tree_.terms[index];
    term.kind = kind;
    const std::size_t first_arg = pending_.size();
    WireReader reader(message);
    while (reader.Next()) {
      if (reader.tag() == kFirst) {
        const std::string_view value = reader.Bytes();
        if (kind == Kind::kList) {
          term.values.emplace_back(value);
        } else {
          (kind == Kind::kNested ? term.level : term.text) = value;
        }
      } else if (reader.tag() == kSecond && kind == Kind::kCall) {
        pending_.push_back({reader.Bytes(), index});
      } else if (reader.tag() == kSecond && kind != Kind::kNested) {
        const bool typed = kind == Kind::kScalar || kind == Kind::kList;
        (typed ? term.type : term.level) = reader.Bytes();
      } else {
        reader.Skip();
      }
    }
    // They are read once what stands before them is: the last is put down first.
    std::reverse(pending_.begin() + static_cast<std::ptrdiff_t>(first_arg), pending_.end());
    return EndOf(reader);
  }

  FilterTree tree_;
  std::vector<Pending> pending_;
};

}  // namespace

Result<FilterTree> DecodeFilterProtobuf(std::string_view call) {
  if (call.size() > kMaxFilterBytes) {
    return Error{ErrorCode::kInvalidArgument, "a filter of " + std::to_string(call.size()) +
                                                  " bytes is longer than " +
                                                  std::to_string(kMaxFilterBytes)};
  }
  return Decoder().Decode(call);
}

}  // namespace tracestore::codec
