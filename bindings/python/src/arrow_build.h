// Columns as Arrow has them in memory: what is built row by row, and given away with its memory.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "arrow_abi.h"

namespace tracestore::python {

// A column's name and type, in the letters of the C data interface ("u", "l", "tsn:UTC", "+l").
struct ArrowField {
  std::string name;
  std::string format;
  bool nullable = true;
  std::vector<ArrowField> children = {};
  std::string dictionary = {};  // the format of the values, where `format` is that of their numbers
};

// Gives what a buffer has beyond its values back, where that is more than an eighth of it.
template <typename T>
void Trim(std::vector<T>& values) {
  if (values.capacity() - values.size() > values.size() / 8 + 64) values.shrink_to_fit();
}

// A finished column. Owns its buffers.
struct ArrowData {
  std::int64_t length = 0;
  std::int64_t nulls = 0;
  std::vector<std::shared_ptr<const void>> buffers;  // null: a buffer that is left out
  std::vector<ArrowData> children;
  std::shared_ptr<ArrowData> dictionary = {};  // null: none

  template <typename T>
  void Keep(std::vector<T>&& values) {
    Trim(values);
    auto kept = std::make_shared<const std::vector<T>>(std::move(values));
    buffers.emplace_back(kept, kept->data());
  }
};

// Move it into the C structures, whose release() frees it.
void ExportSchema(const ArrowField& field, ArrowSchema* out);
void ExportArray(ArrowData&& data, ArrowArray* out);

// Which values are there; nothing is kept as long as all are.
class ValidBits {
 public:
  void Append(bool valid);
  std::int64_t length() const noexcept { return length_; }
  // Begins a new column with its length, number of nulls and first buffer.
  ArrowData Finish();

 private:
  std::int64_t length_ = 0;
  std::int64_t nulls_ = 0;
  std::vector<std::uint8_t> bits_;  // empty while there is no null
};

template <typename T>
class NumberBuilder {
 public:
  void Reserve(std::size_t rows) { values_.reserve(rows); }
  void Append(T value) { values_.push_back(value); valid_.Append(true); }
  void AppendNull() { values_.push_back(T{}); valid_.Append(false); }
  ArrowData Finish() {
    ArrowData data = valid_.Finish();
    data.Keep(std::exchange(values_, {}));
    return data;
  }

 private:
  std::vector<T> values_;
  ValidBits valid_;
};

class BoolBuilder {
 public:
  void Reserve(std::size_t rows) { bits_.reserve(rows / 8 + 1); }
  void Append(bool value);
  void AppendNull();
  ArrowData Finish();

 private:
  std::vector<std::uint8_t> bits_;
  ValidBits valid_;
};

// Values of a fixed number of bytes.
class FixedBuilder {
 public:
  explicit FixedBuilder(std::size_t width) : width_(width) {}
  void Reserve(std::size_t rows) { bytes_.reserve(rows * width_); }
  // `bytes`: of that width.
  void Append(const std::uint8_t* bytes);
  void AppendNull();
  ArrowData Finish();

 private:
  std::size_t width_;
  std::vector<std::uint8_t> bytes_;
  ValidBits valid_;
};

// "u" and "z": texts and bytes behind 32-bit offsets. Texts that are no UTF-8 get U+FFFD in place
// of each bad byte.
class TextBuilder {
 public:
  // For rows of `each` bytes; 0: of as many as those of the batch before.
  void Reserve(std::size_t rows, std::size_t each = 0);
  void Append(std::string_view text);
  void AppendBytes(std::string_view bytes);
  void AppendNull();
  // Bytes so far: whoever fills it stops long before kMostBytes.
  std::size_t bytes() const noexcept { return bytes_.size(); }
  // A value was too long for the offsets, and left out.
  bool overflowed() const noexcept { return overflowed_; }
  ArrowData Finish();

  static constexpr std::size_t kMostBytes = 0x7FFFFFFF;

 private:
  std::vector<std::int32_t> offsets_{0};
  std::vector<char> bytes_;
  ValidBits valid_;
  bool overflowed_ = false;
  double mean_bytes_ = 0;  // a row, in the last batch
};

// Texts by their number in a dictionary of the batch's own, without nulls.
class DictionaryBuilder {
 public:
  void Reserve(std::size_t rows) { numbers_.Reserve(rows); }
  void Append(std::string_view text);
  std::size_t bytes() const noexcept { return texts_.bytes(); }
  bool overflowed() const noexcept { return texts_.overflowed(); }
  ArrowData Finish();

 private:
  NumberBuilder<std::int32_t> numbers_;
  TextBuilder texts_;
  std::unordered_map<std::string, std::int32_t> known_;
  std::string last_;  // rows beside each other often have the same
  std::int32_t last_number_ = -1;
};

// Offsets of lists and maps, whose items another builder has. No nulls.
class ListOffsets {
 public:
  void Reserve(std::size_t rows) { offsets_.reserve(rows + 1); }
  // A row ends; `items` are there by now.
  void Append(std::size_t items) { offsets_.push_back(static_cast<std::int32_t>(items)); }
  ArrowData Finish(ArrowData items);

 private:
  std::vector<std::int32_t> offsets_{0};
};

// A struct without a null of its own.
ArrowData StructOf(std::vector<ArrowData> children, std::int64_t length);

}  // namespace tracestore::python
