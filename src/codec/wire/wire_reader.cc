#include "codec/wire/wire_reader.h"

#include <array>

namespace tracestore::codec {

const char* WireReader::LongVarint(const char* at, const char* end, std::uint64_t* value,
                                   const char** problem) noexcept {
  const char* const begin = at;
  std::uint64_t sum = 0;
  // 10 bytes at most; what a tenth has above bit 63 is dropped, as protobuf drops it.
  for (unsigned shift = 0; shift < 70; shift += 7) {
    if (at == end) {
      *problem = "a number runs past the end of its message";
      return begin;
    }
    const auto byte = static_cast<std::uint8_t>(*at++);
    sum |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      *value = sum;
      return at;
    }
  }
  *problem = "a varint is longer than 10 bytes";
  return begin;
}

const char* WireReader::SkipValue(std::uint32_t tag, const char* at, const char* end,
                                  const char** problem) noexcept {
  WireReader reader({at, static_cast<std::size_t>(end - at)});
  if ((tag & 7) == kWireGroup) {
    reader.SkipGroup(tag >> 3);
  } else {
    reader.SkipPlain(tag & 7);
  }
  *problem = reader.problem_;
  return reader.ok() ? reader.at_ : reader.problem_at_;
}

void WireReader::SkipPlain(std::uint32_t type) noexcept {
  switch (type) {
    case kWireVarint: Varint(); break;
    case kWireFixed64: Fixed64(); break;
    case kWireBytes: Bytes(); break;
    case kWireFixed32: Fixed32(); break;
    case kWireGroupEnd: Fail("a group ends that has not begun"); break;
    default: Fail("a field has an unknown wire type"); break;
  }
}

void WireReader::SkipGroup(std::uint32_t number) noexcept {
  std::array<std::uint32_t, kMaxGroups> open;
  open[0] = number;
  std::size_t depth = 1;
  while (depth > 0) {
    if (!Next()) {
      Fail("a group doesn't end");
      return;
    }
    const std::uint32_t type = tag_ & 7;
    if (type == kWireGroup) {
      if (depth == kMaxGroups) {
        Fail("groups are nested too deep");
        return;
      }
      open[depth++] = tag_ >> 3;
    } else if (type == kWireGroupEnd) {
      if (open[--depth] != tag_ >> 3) {
        Fail("a group ends that has not begun");
        return;
      }
    } else {
      SkipPlain(type);
    }
  }
}

void WireWriter::End(std::size_t begin) {
  std::uint64_t size = out_.size() - begin;
  if (size < 0x80) {
    out_[begin - 1] = static_cast<char>(size);
    return;
  }
  std::array<char, 10> length;
  std::size_t n = 0;
  for (; size >= 0x80; size >>= 7) length[n++] = static_cast<char>(size | 0x80);
  length[n++] = static_cast<char>(size);
  out_.replace(begin - 1, 1, length.data(), n);
}

void WireWriter::EndUnlessEmpty(std::uint32_t field, std::size_t begin) {
  if (out_.size() != begin) {
    End(begin);
    return;
  }
  const std::size_t tag_bytes = field < 16 ? 1 : 2;  // numbers below 2048
  out_.resize(begin - 1 - tag_bytes);
}

}  // namespace tracestore::codec
