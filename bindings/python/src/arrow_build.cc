#include "arrow_build.h"

#include <algorithm>

namespace tracestore::python {
namespace {

struct SchemaOwner {
  std::string format, name;
  ArrowSchema dictionary{};
  std::vector<ArrowSchema> children;
  std::vector<ArrowSchema*> pointers;
};

struct ArrayOwner {
  ArrowData data;
  ArrowArray dictionary{};
  std::vector<const void*> buffers;
  std::vector<ArrowArray> children;
  std::vector<ArrowArray*> pointers;
};

// A consumer may have moved a child out, and released it on its own.
template <typename Struct, typename Owner>
void Release(Struct* self) {
  for (std::int64_t i = 0; i < self->n_children; ++i) {
    if (self->children[i]->release != nullptr) self->children[i]->release(self->children[i]);
  }
  if (self->dictionary != nullptr && self->dictionary->release != nullptr)
    self->dictionary->release(self->dictionary);
  delete static_cast<Owner*>(self->private_data);
  self->release = nullptr;
}

// The bytes of the UTF-8 character that `text` begins with; 0 where it begins with none.
std::size_t CharacterBytes(std::string_view text) noexcept {
  const auto at = [&](std::size_t i) -> unsigned {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (at(i) & 0xC0U) == 0x80U; };
  const unsigned first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4 || !follows(1)) return 0;
  if (first < 0xE0) return 2;
  if (!follows(2)) return 0;
  if (first < 0xF0) {
    const bool overlong = first == 0xE0 && at(1) < 0xA0;
    const bool surrogate = first == 0xED && at(1) > 0x9F;
    return overlong || surrogate ? 0 : 3;
  }
  const bool overlong = first == 0xF0 && at(1) < 0x90;
  const bool beyond = first == 0xF4 && at(1) > 0x8F;
  return !follows(3) || overlong || beyond ? 0 : 4;
}

// How many bytes from the beginning are whole characters.
std::size_t GoodBytes(std::string_view text) noexcept {
  std::size_t good = 0;
  while (good < text.size()) {
    if (static_cast<unsigned char>(text[good]) < 0x80) {
      ++good;
      continue;
    }
    const std::size_t bytes = CharacterBytes(text.substr(good));
    if (bytes == 0) return good;
    good += bytes;
  }
  return good;
}

std::string Repaired(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t good = GoodBytes(text);
    out.append(text.substr(0, good));
    text.remove_prefix(good);
    if (text.empty()) break;
    out += "\xEF\xBF\xBD";
    text.remove_prefix(1);
  }
  return out;
}

}  // namespace

void ExportSchema(const ArrowField& field, ArrowSchema* out) {
  auto owner = std::make_unique<SchemaOwner>();
  owner->format = field.format;
  owner->name = field.name;
  owner->children.resize(field.children.size());
  for (std::size_t i = 0; i < field.children.size(); ++i) {
    ExportSchema(field.children[i], &owner->children[i]);
    owner->pointers.push_back(&owner->children[i]);
  }
  *out = {};
  out->format = owner->format.c_str();
  out->name = owner->name.c_str();
  out->flags = field.nullable ? kArrowFlagNullable : 0;
  out->n_children = static_cast<std::int64_t>(owner->children.size());
  out->children = owner->pointers.data();
  if (!field.dictionary.empty()) {
    ExportSchema({"", field.dictionary, false}, &owner->dictionary);
    out->dictionary = &owner->dictionary;
  }
  out->release = &Release<ArrowSchema, SchemaOwner>;
  out->private_data = owner.release();
}

void ExportArray(ArrowData&& data, ArrowArray* out) {
  auto owner = std::make_unique<ArrayOwner>();
  owner->data = std::move(data);
  for (const auto& buffer : owner->data.buffers) owner->buffers.push_back(buffer.get());
  owner->children.resize(owner->data.children.size());
  for (std::size_t i = 0; i < owner->children.size(); ++i) {
    ExportArray(std::move(owner->data.children[i]), &owner->children[i]);
    owner->pointers.push_back(&owner->children[i]);
  }
  *out = {};
  out->length = owner->data.length;
  out->null_count = owner->data.nulls;
  out->n_buffers = static_cast<std::int64_t>(owner->buffers.size());
  out->n_children = static_cast<std::int64_t>(owner->children.size());
  out->buffers = owner->buffers.data();
  out->children = owner->pointers.data();
  if (owner->data.dictionary != nullptr) {
    ExportArray(std::move(*owner->data.dictionary), &owner->dictionary);
    out->dictionary = &owner->dictionary;
  }
  out->release = &Release<ArrowArray, ArrayOwner>;
  out->private_data = owner.release();
}

void ValidBits::Append(bool valid) {
  const auto at = static_cast<std::size_t>(length_);
  if (!valid && bits_.empty()) {
    bits_.assign(at / 8 + 1, 0xFF);  // all before are there
    ++nulls_;
    bits_[at / 8] = static_cast<std::uint8_t>((1U << (at % 8)) - 1);
  } else if (nulls_ > 0) {
    if (at % 8 == 0) bits_.push_back(0);
    if (valid) bits_[at / 8] = static_cast<std::uint8_t>(bits_[at / 8] | (1U << (at % 8)));
    nulls_ += valid ? 0 : 1;
  }
  ++length_;
}

ArrowData ValidBits::Finish() {
  ArrowData data;
  data.length = std::exchange(length_, 0);
  data.nulls = std::exchange(nulls_, 0);
  if (data.nulls == 0) data.buffers.emplace_back();
  else data.Keep(std::move(bits_));
  bits_ = {};
  return data;
}

void BoolBuilder::Append(bool value) {
  const auto at = static_cast<std::size_t>(valid_.length());
  if (at % 8 == 0) bits_.push_back(0);
  if (value) bits_[at / 8] = static_cast<std::uint8_t>(bits_[at / 8] | (1U << (at % 8)));
  valid_.Append(true);
}
void BoolBuilder::AppendNull() {
  if (valid_.length() % 8 == 0) bits_.push_back(0);
  valid_.Append(false);
}
ArrowData BoolBuilder::Finish() {
  ArrowData data = valid_.Finish();
  data.Keep(std::exchange(bits_, {}));
  return data;
}

void FixedBuilder::Append(const std::uint8_t* bytes) {
  bytes_.insert(bytes_.end(), bytes, bytes + width_);
  valid_.Append(true);
}
void FixedBuilder::AppendNull() {
  bytes_.resize(bytes_.size() + width_);
  valid_.Append(false);
}
ArrowData FixedBuilder::Finish() {
  ArrowData data = valid_.Finish();
  data.Keep(std::exchange(bytes_, {}));
  return data;
}

void TextBuilder::Reserve(std::size_t rows, std::size_t each) {
  // A little more than expected costs less than growing by half of it.
  constexpr double kSlack = 1.05;
  offsets_.reserve(rows + 1);
  // Few rows of long texts end a batch by their weight.
  constexpr double kMostReserved = 64.0 * (1 << 20);
  const double guess = std::min(static_cast<double>(rows) * mean_bytes_ * kSlack, kMostReserved);
  bytes_.reserve(each != 0 ? rows * each : static_cast<std::size_t>(guess));
}
void TextBuilder::Append(std::string_view text) {
  if (GoodBytes(text) == text.size()) AppendBytes(text);
  else AppendBytes(Repaired(text));
}
void TextBuilder::AppendBytes(std::string_view bytes) {
  if (bytes.size() > kMostBytes - bytes_.size()) {
    overflowed_ = true;
    return AppendNull();
  }
  bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  offsets_.push_back(static_cast<std::int32_t>(bytes_.size()));
  valid_.Append(true);
}
void TextBuilder::AppendNull() {
  offsets_.push_back(offsets_.back());
  valid_.Append(false);
}
ArrowData TextBuilder::Finish() {
  ArrowData data = valid_.Finish();
  if (data.length > 0)
    mean_bytes_ = static_cast<double>(bytes_.size()) / static_cast<double>(data.length);
  data.Keep(std::exchange(offsets_, {0}));
  data.Keep(std::exchange(bytes_, {}));
  return data;
}

void DictionaryBuilder::Append(std::string_view text) {
  if (last_number_ < 0 || last_ != text) {
    last_ = text;
    const auto next = static_cast<std::int32_t>(known_.size());
    const auto [at, added] = known_.try_emplace(last_, next);
    if (added) texts_.Append(text);
    last_number_ = at->second;
  }
  numbers_.Append(last_number_);
}
ArrowData DictionaryBuilder::Finish() {
  ArrowData data = numbers_.Finish();
  data.dictionary = std::make_shared<ArrowData>(texts_.Finish());
  known_.clear();
  last_number_ = -1;
  return data;
}

ArrowData ListOffsets::Finish(ArrowData items) {
  ArrowData data;
  data.length = static_cast<std::int64_t>(offsets_.size()) - 1;
  data.buffers.emplace_back();
  data.Keep(std::exchange(offsets_, {0}));
  data.children.push_back(std::move(items));
  return data;
}

ArrowData StructOf(std::vector<ArrowData> children, std::int64_t length) {
  ArrowData data;
  data.length = length;
  data.buffers.emplace_back();
  data.children = std::move(children);
  return data;
}

}  // namespace tracestore::python
