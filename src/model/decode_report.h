// What a decoder says of one message: how many spans it took, and which it refused and why.
#pragma once
#include <cstdint>
#include <map>
#include <string>

namespace tracestore::model {

struct DecodeReport {
  std::uint64_t accepted = 0;
  std::uint64_t rejected = 0;
  std::uint64_t rejected_roots = 0;  // of them, those that are seen to have no parent
  // Reason as a fixed short text ("span id is not 8 bytes") to count. Bounded: the reasons are
  // the decoder's own sentences, never input.
  std::map<std::string, std::uint64_t> reasons;
  // One sentence on the first refused span that names it ("span 3 of trace 0af7…: span id 'xyz' is
  // not hexadecimal"), "" when none was refused.
  std::string first_error;
  // Texts of the message that were no Unicode and have U+FFFD for what was wrong, where the decoder
  // had to mend them (JSON); other decoders keep such texts for who looks at the spans.
  std::uint64_t mended_texts = 0;

  // `sentence` is kept if it is the first.
  void Reject(const std::string& reason, const std::string& sentence, bool is_root = false) {
    ++rejected;
    if (is_root) ++rejected_roots;
    ++reasons[reason];
    if (first_error.empty()) first_error = sentence;
  }
  void Add(const DecodeReport& other) {
    accepted += other.accepted;
    rejected += other.rejected;
    mended_texts += other.mended_texts;
    rejected_roots += other.rejected_roots;
    for (const auto& [reason, count] : other.reasons) reasons[reason] += count;
    if (first_error.empty()) first_error = other.first_error;
  }
};

}  // namespace tracestore::model
