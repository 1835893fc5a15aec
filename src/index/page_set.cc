// The byte layout is the portable Roaring format as docs/format/postings.md repeats it.
#include "index/page_set.h"

#include <algorithm>
#include <bit>
#include <new>

#include <roaring/roaring.h>

#include "base/bytes.h"

namespace tracestore::index {
namespace {

constexpr std::uint32_t kCookieWithoutRuns = 12346;
constexpr std::uint32_t kCookieWithRuns = 12347;     // low 16 bits; above them: containers - 1
constexpr std::uint32_t kOffsetsFromContainers = 4;  // with runs, fewer have no offset table
constexpr std::uint32_t kMaxContainers = 65536;
constexpr std::uint32_t kMaxArray = 4096;  // more values than that are a bit set
constexpr std::size_t kBitsetBytes = 8192;

roaring_bitmap_t* OrThrow(roaring_bitmap_t* bitmap) {
  if (bitmap == nullptr) throw std::bad_alloc();
  return bitmap;
}

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("page set: ") + what};
}

// What the header says of one container.
struct Container {
  std::uint16_t key;
  std::uint32_t cardinality;  // 1 … 65536
  bool is_run;
};

// Each of these reads one container and gives its greatest low half, or -1 when it breaks a rule.
int CheckArray(base::ByteReader& in, std::uint32_t cardinality) {
  int last = -1;
  for (std::uint32_t i = 0; i < cardinality; ++i) {
    const int value = in.U16();
    if (!in.ok() || value <= last) return -1;
    last = value;
  }
  return last;
}

int CheckBitset(base::ByteReader& in, std::uint32_t cardinality) {
  const std::string_view words = in.Raw(kBitsetBytes);
  if (!in.ok()) return -1;
  std::uint32_t bits = 0;
  int last = -1;
  for (std::size_t at = 0; at < kBitsetBytes; at += 8) {
    const auto word = base::LoadLe<std::uint64_t>(words.data() + at);
    bits += static_cast<std::uint32_t>(std::popcount(word));
    if (word != 0) last = static_cast<int>(at * 8) + 63 - std::countl_zero(word);
  }
  return bits == cardinality ? last : -1;
}

int CheckRuns(base::ByteReader& in, std::uint32_t cardinality) {
  const std::uint32_t runs = in.U16();
  std::uint32_t total = 0;
  int last = -2;  // a run may begin at 0; later ones leave a gap of at least one
  for (std::uint32_t i = 0; i < runs; ++i) {
    const int start = in.U16();
    const int more = in.U16();  // length - 1
    if (!in.ok() || start <= last + 1 || start + more > 0xFFFF) return -1;
    last = start + more;
    total += static_cast<std::uint32_t>(more) + 1;
  }
  return in.ok() && total == cardinality ? last : -1;
}

int CheckContainer(base::ByteReader& in, const Container& container) {
  if (container.is_run) return CheckRuns(in, container.cardinality);
  if (container.cardinality <= kMaxArray) return CheckArray(in, container.cardinality);
  return CheckBitset(in, container.cardinality);
}

// Reads cookie, run flags and the key table. `has_offsets` tells whether an offset table follows.
Status ReadHeader(base::ByteReader& in, std::vector<Container>& out, bool& has_offsets) {
  const std::uint32_t cookie = in.U32();
  std::uint32_t containers = 0;
  std::string_view run_flags;
  if ((cookie & 0xFFFF) == kCookieWithRuns) {
    containers = (cookie >> 16) + 1;
    run_flags = in.Raw((containers + 7) / 8);
    has_offsets = containers >= kOffsetsFromContainers;
  } else if (cookie == kCookieWithoutRuns) {
    containers = in.U32();
    has_offsets = true;
  } else {
    return Corrupt("unknown cookie");
  }
  if (!in.ok() || containers > kMaxContainers || containers > in.remaining() / 4) {
    return Corrupt("container count past the end");
  }
  out.resize(containers);
  for (std::uint32_t i = 0; i < containers; ++i) {
    const bool is_run = !run_flags.empty() && ((run_flags[i / 8] >> (i % 8)) & 1) != 0;
    const std::uint16_t key = in.U16();
    out[i] = {key, in.U16() + 1U, is_run};
    if (i > 0 && key <= out[i - 1].key) return Corrupt("container keys not ascending");
  }
  if (!run_flags.empty() && containers % 8 != 0 &&
      (static_cast<unsigned char>(run_flags.back()) >> (containers % 8)) != 0) {
    return Corrupt("run flag past the last container");
  }
  return in.ok() ? Status() : Corrupt("header cut short");
}

// Refuses everything that is not exactly one well-formed set below page_count.
Status Check(std::string_view bytes, std::uint32_t page_count) {
  base::ByteReader in(bytes);
  std::vector<Container> containers;
  bool has_offsets = false;
  if (auto header = ReadHeader(in, containers, has_offsets); !header) return header;
  const std::string_view offsets = has_offsets ? in.Raw(containers.size() * 4) : "";
  if (!in.ok()) return Corrupt("offset table cut short");
  for (std::size_t i = 0; i < containers.size(); ++i) {
    if (has_offsets && base::LoadLe<std::uint32_t>(offsets.data() + i * 4) != in.offset()) {
      return Corrupt("container offset is not where the container stands");
    }
    const int last = CheckContainer(in, containers[i]);
    if (last < 0) return Corrupt("bad container");
    const std::uint32_t page =
        (static_cast<std::uint32_t>(containers[i].key) << 16) | static_cast<std::uint32_t>(last);
    if (page >= page_count) return Corrupt("page number past the last page");
  }
  if (!in.done()) return Corrupt("bytes after the last container");
  return {};
}

roaring_bitmap_t* Raw(void* bitmap) noexcept { return static_cast<roaring_bitmap_t*>(bitmap); }

}  // namespace

void PageSet::Free::operator()(void* bitmap) const noexcept { roaring_bitmap_free(Raw(bitmap)); }

PageSet::PageSet(const PageSet& other) {
  if (other.bitmap_) bitmap_.reset(OrThrow(roaring_bitmap_copy(Raw(other.bitmap_.get()))));
}

PageSet& PageSet::operator=(const PageSet& other) {
  PageSet copy(other);
  bitmap_.swap(copy.bitmap_);
  return *this;
}

void* PageSet::Own() {
  if (!bitmap_) bitmap_.reset(OrThrow(roaring_bitmap_create()));
  return bitmap_.get();
}

PageSet PageSet::Full(std::uint32_t page_count) {
  PageSet set;
  if (page_count > 0) set.bitmap_.reset(OrThrow(roaring_bitmap_from_range(0, page_count, 1)));
  return set;
}

PageSet PageSet::Of(std::span<const std::uint32_t> pages) {
  PageSet set;
  if (!pages.empty()) {
    set.bitmap_.reset(OrThrow(roaring_bitmap_of_ptr(pages.size(), pages.data())));
  }
  return set;
}

void PageSet::Add(std::uint32_t page) { roaring_bitmap_add(Raw(Own()), page); }

void PageSet::Remove(std::uint32_t page) {
  if (bitmap_) roaring_bitmap_remove(Raw(bitmap_.get()), page);
}

bool PageSet::Contains(std::uint32_t page) const noexcept {
  return bitmap_ && roaring_bitmap_contains(Raw(bitmap_.get()), page);
}

bool PageSet::empty() const noexcept {
  return !bitmap_ || roaring_bitmap_is_empty(Raw(bitmap_.get()));
}

std::size_t PageSet::cardinality() const noexcept {
  return bitmap_ ? static_cast<std::size_t>(roaring_bitmap_get_cardinality(Raw(bitmap_.get()))) : 0;
}

void PageSet::And(const PageSet& other) {
  if (!bitmap_ || this == &other) return;
  if (other.bitmap_) {
    roaring_bitmap_and_inplace(Raw(bitmap_.get()), Raw(other.bitmap_.get()));
  } else {
    bitmap_.reset();
  }
}

void PageSet::Or(const PageSet& other) {
  if (!other.bitmap_ || this == &other) return;
  if (bitmap_) {
    roaring_bitmap_or_inplace(Raw(bitmap_.get()), Raw(other.bitmap_.get()));
  } else {
    *this = other;
  }
}

void PageSet::AndNot(const PageSet& other) {
  if (!bitmap_ || !other.bitmap_) return;
  if (this == &other) {
    bitmap_.reset();
  } else {
    roaring_bitmap_andnot_inplace(Raw(bitmap_.get()), Raw(other.bitmap_.get()));
  }
}

std::vector<std::uint32_t> PageSet::ToVector() const {
  std::vector<std::uint32_t> pages(cardinality());
  if (!pages.empty()) roaring_bitmap_to_uint32_array(Raw(bitmap_.get()), pages.data());
  return pages;
}

std::vector<std::uint32_t> PageSet::ToVectorDescending() const {
  std::vector<std::uint32_t> pages = ToVector();
  std::reverse(pages.begin(), pages.end());
  return pages;
}

bool operator==(const PageSet& a, const PageSet& b) noexcept {
  if (a.empty() || b.empty()) return a.empty() == b.empty();
  return roaring_bitmap_equals(Raw(a.bitmap_.get()), Raw(b.bitmap_.get()));
}

void PageSet::AppendTo(std::string& out) const {
  PageSet copy(*this);  // run containers change the form, and the form is shared with readers
  roaring_bitmap_t* const bitmap = Raw(copy.Own());
  roaring_bitmap_run_optimize(bitmap);
  const std::size_t at = out.size();
  out.resize(at + roaring_bitmap_portable_size_in_bytes(bitmap));
  roaring_bitmap_portable_serialize(bitmap, out.data() + at);
}

Result<PageSet> PageSet::Parse(std::string_view bytes, std::uint32_t page_count) {
  if (auto checked = Check(bytes, page_count); !checked) return std::move(checked).error();
  PageSet set;
  set.bitmap_.reset(roaring_bitmap_portable_deserialize_safe(bytes.data(), bytes.size()));
  if (!set.bitmap_) return Corrupt("refused by the bitmap library");
  return set;
}

}  // namespace tracestore::index
