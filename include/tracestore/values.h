// ValueParts: what stands in an array or a map, one part after another.
//
//   for (ValueParts parts(attribute);;) {
//     const auto part = parts.Next();
//     if (part.kind == ValueParts::Kind::kDone) break; …
//   }
#pragma once
#include <cstdint>
#include <memory>
#include <string_view>

#include <tracestore/span_types.h>
#include <tracestore/spans.h>

namespace tracestore {

// Reads a kArray or kMap; of any other attribute it is done at once. Values nest at most 48 deep.
// The views that it gives are valid as long as the attribute's SpanList. One thread.
class ValueParts {
 public:
  enum class Kind : std::uint8_t {
    kScalar,      // an item, or what belongs to the key before it
    kBeginArray,  // an array within; its items follow, then kEnd
    kBeginMap,    // a map within; its keys, each with a value, follow, then kEnd
    kKey,         // of a map: its value is the next part
    kEnd,
    kDone,        // the attribute's own end; again and again
  };
  struct Part {
    Kind kind = Kind::kDone;
    ValueType type = ValueType::kEmpty;  // of a scalar: any but kArray and kMap
    std::string_view text;               // kString, kBytes; of a key its name
    std::int64_t integer = 0;            // kInt; kBool: 0 or 1
    double number = 0;                   // kDouble
  };

  explicit ValueParts(const AttributeView& attribute);
  ~ValueParts();
  ValueParts(const ValueParts&) = delete;
  ValueParts& operator=(const ValueParts&) = delete;

  Part Next();

 private:
  struct Reader;
  std::unique_ptr<Reader> reader_;  // none: done
};

}  // namespace tracestore
