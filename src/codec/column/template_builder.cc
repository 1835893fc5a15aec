// How a column's templates are chosen: count candidates while values are added, keep those whose
// estimated gain pays their place in the table, then hold the whole against plain text streams on a
// sample of the column.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <span>
#include <unordered_map>

#include "codec/column/bit_pack.h"
#include "codec/column/template_codec.h"
#include "codec/column/text_stream.h"

namespace tracestore::column {
namespace {

// Candidates kept at a time; when there are more, those seen once go (a column of unique texts
// would otherwise fill memory).
constexpr std::size_t kMaxCandidates = 8192;
// Forget-rounds in which nearly no value met a known candidate; then the column is taken as having
// no further templates, and adding costs nothing.
constexpr int kMaxFruitlessRounds = 3;
constexpr std::size_t kFruitlessHitPercent = 5;

// A template seen fewer times stays text.
constexpr std::uint64_t kLeastUses = 4;
// The rows that a page has, about; what zstd sees at a time.
constexpr double kPageRows = 1000;
// What zstd level 1 takes within a page (measured on URLs, statements, log lines, stack traces):
// for a literal piece that it has seen in the page, for one that it has not, by byte, and beyond
// the packed bits of a value.
constexpr double kMatchedPieceBytes = 2.5;
constexpr double kFreshLiteralRatio = 0.3;
constexpr double kValueOverhead = 0.2;
// The table's bytes for a literal byte, a template and a slot.
constexpr double kTableLiteralRatio = 0.5;
constexpr double kTableTemplateBytes = 1;
constexpr double kTableSlotBytes = 2.5;

// The sample: the first values, then a run of every sixteenth 256 values, until full.
constexpr std::size_t kSampleBytes = std::size_t{256} << 10;
constexpr std::size_t kSampleHead = 1024;
constexpr std::size_t kSampleRun = 256;
constexpr std::size_t kSampleEvery = 16;

struct ValueRange {
  std::uint64_t least = ~std::uint64_t{0};
  std::uint64_t most = 0;
};

struct Candidate {
  std::string literals;
  std::vector<TemplateSlot> slots;
  std::vector<ValueRange> ranges;
  std::uint64_t uses = 0;

  bool Is(std::string_view its_literals, std::span<const TemplateSlot> its_slots) const noexcept {
    return literals == its_literals && slots.size() == its_slots.size() &&
           (slots.empty() ||
            std::memcmp(slots.data(), its_slots.data(), its_slots.size_bytes()) == 0);
  }
  void Count(const std::uint64_t* values) noexcept {
    ++uses;
    for (ValueRange& range : ranges) {
      range.least = std::min(range.least, *values);
      range.most = std::max(range.most, *values);
      ++values;
    }
  }
  unsigned BitsOf(std::size_t i) const noexcept {
    return BitWidth(ranges[i].most - ranges[i].least);
  }
  std::size_t Pieces() const noexcept {
    std::size_t pieces = 0;
    std::size_t done = 0;
    for (const TemplateSlot slot : slots) {
      pieces += slot.offset > done;
      done = slot.offset;
    }
    return pieces + (literals.size() > done);
  }
};

// The bytes that coding `uses` values of this template saves against a page's text stream.
double Gain(const Candidate& candidate, std::uint64_t total) {
  const auto uses = static_cast<double>(candidate.uses);
  const auto literal = static_cast<double>(candidate.literals.size());
  double value_bytes = 0;
  for (std::size_t i = 0; i < candidate.slots.size(); ++i) value_bytes += candidate.BitsOf(i) / 8.0;
  const double code_bytes = std::log2(static_cast<double>(total) / uses) / 8;
  const double each = 1 + kMatchedPieceBytes * static_cast<double>(candidate.Pieces()) +
                      kValueOverhead * value_bytes - code_bytes;
  const double pages = std::min(uses, static_cast<double>(total) / kPageRows + 1);
  return uses * each + pages * kFreshLiteralRatio * literal - kTableLiteralRatio * literal -
         kTableTemplateBytes - kTableSlotBytes * static_cast<double>(candidate.slots.size());
}

}  // namespace

struct TemplateTableBuilder::State {
  std::vector<Candidate> candidates;
  // By hash of the template. Where two templates have one hash, the second has no candidate.
  std::unordered_map<std::uint64_t, std::uint32_t> by_hash;
  std::uint64_t total = 0;
  std::uint64_t total_bytes = 0;
  std::size_t hits = 0;    // since the last forget-round
  std::size_t misses = 0;
  int fruitless_rounds = 0;
  std::string sample;
  std::vector<std::size_t> sample_ends;
  SplitText split;
  // By number of a template in the union: its candidate.
  std::unordered_map<std::uint64_t, std::uint32_t> known;

  // No new candidates are taken any more; the ones there are still counted.
  bool Hopeless() const noexcept { return fruitless_rounds >= kMaxFruitlessRounds; }
  // False: templates are not looked for any more.
  bool BeginText(std::string_view text);
  void AddSample(std::string_view text);
  // The candidate of a template; none where no more are taken, or where another has its hash.
  std::optional<std::uint32_t> CandidateOf(std::uint64_t hash, std::string_view literals,
                                           std::span<const TemplateSlot> slots);
  void ForgetRare();
  std::vector<const Candidate*> Chosen() const;
  bool Wins(const TemplateTable& table) const;
};

TemplateTableBuilder::TemplateTableBuilder() : state_(std::make_unique<State>()) {}
TemplateTableBuilder::~TemplateTableBuilder() = default;
TemplateTableBuilder::TemplateTableBuilder(TemplateTableBuilder&&) noexcept = default;
TemplateTableBuilder& TemplateTableBuilder::operator=(TemplateTableBuilder&&) noexcept = default;

void TemplateTableBuilder::State::AddSample(std::string_view text) {
  const bool in_run = total < kSampleHead || total / kSampleRun % kSampleEvery == 0;
  if (!in_run || sample.size() + text.size() > kSampleBytes) return;
  sample.append(text);
  sample_ends.push_back(sample.size());
}

void TemplateTableBuilder::State::ForgetRare() {
  const bool fruitless = hits * 100 < (hits + misses) * kFruitlessHitPercent;
  fruitless_rounds = fruitless ? fruitless_rounds + 1 : 0;
  hits = 0;
  misses = 0;
  // Twice seen go too where the ones seen once don't make enough room.
  for (std::uint64_t rare = 1; candidates.size() > kMaxCandidates / 2; rare *= 2) {
    std::erase_if(candidates, [rare](const Candidate& c) { return c.uses <= rare; });
  }
  known.clear();
  by_hash.clear();
  for (std::uint32_t i = 0; i < candidates.size(); ++i) {
    by_hash.emplace(HashTemplate(candidates[i].literals, candidates[i].slots), i);
  }
}

bool TemplateTableBuilder::State::BeginText(std::string_view text) {
  AddSample(text);
  ++total;
  total_bytes += text.size();
  return !Hopeless() || !candidates.empty();
}

std::optional<std::uint32_t> TemplateTableBuilder::State::CandidateOf(
    std::uint64_t hash, std::string_view literals, std::span<const TemplateSlot> slots) {
  auto found = by_hash.find(hash);
  if (found == by_hash.end()) {
    ++misses;
    if (candidates.size() == kMaxCandidates) ForgetRare();
    if (Hopeless()) return std::nullopt;
    found = by_hash.emplace(hash, candidates.size()).first;
    candidates.push_back({std::string(literals),
                          {slots.begin(), slots.end()},
                          std::vector<ValueRange>(slots.size()),
                          0});
  } else {
    ++hits;
  }
  if (!candidates[found->second].Is(literals, slots)) return std::nullopt;
  return found->second;
}

void TemplateTableBuilder::Add(std::string_view text) {
  State& state = *state_;
  if (!state.BeginText(text)) return;
  SplitText& split = state.split;
  if (!SplitTemplate(text, split)) return;
  const std::span<const TemplateSlot> slots(split.slots.data(), split.slot_count);
  const auto candidate =
      state.CandidateOf(HashTemplate(split.literals(), slots), split.literals(), slots);
  if (candidate) state.candidates[*candidate].Count(split.values.data());
}

void TemplateTableBuilder::Add(std::string_view text, KnownSplit split,
                               const TemplateUnion& templates) {
  State& state = *state_;
  if (!state.BeginText(text)) return;
  if (const auto known = state.known.find(*split); known != state.known.end()) {
    ++state.hits;
    return state.candidates[known->second].Count(split + 1);
  }
  const auto number = static_cast<std::uint32_t>(*split);
  const auto candidate = state.CandidateOf(templates.HashOf(number), templates.Literals(number),
                                           templates.Slots(number));
  if (!candidate) return;
  state.known.emplace(*split, *candidate);
  state.candidates[*candidate].Count(split + 1);
}

// Those that pay, the most used first, so that small codes are frequent.
std::vector<const Candidate*> TemplateTableBuilder::State::Chosen() const {
  std::vector<const Candidate*> chosen;
  for (const Candidate& candidate : candidates) {
    if (candidate.uses >= kLeastUses && Gain(candidate, total) > 0) chosen.push_back(&candidate);
  }
  // Ties by the literals, so that the same column always gives the same bytes.
  std::sort(chosen.begin(), chosen.end(), [](const Candidate* a, const Candidate* b) {
    return a->uses != b->uses ? a->uses > b->uses : a->literals < b->literals;
  });
  if (chosen.size() > kMaxTemplates) chosen.resize(kMaxTemplates);
  return chosen;
}

// Encodes the sample both ways, in pages.
bool TemplateTableBuilder::State::Wins(const TemplateTable& table) const {
  std::string templated;
  std::string plain;
  std::vector<std::string_view> page;
  std::size_t begin = 0;
  for (std::size_t i = 0; i < sample_ends.size(); ++i) {
    page.push_back(std::string_view(sample).substr(begin, sample_ends[i] - begin));
    begin = sample_ends[i];
    if (page.size() < kSampleHead && i + 1 < sample_ends.size()) continue;
    EncodeTemplated(page, table, templated);
    EncodeTexts(page, plain);
    page.clear();
  }
  const double scale = static_cast<double>(total_bytes) / static_cast<double>(sample.size() + 1);
  const auto table_bytes = static_cast<double>(EncodeTemplateTable(table).size());
  return static_cast<double>(templated.size()) * scale + table_bytes <
         static_cast<double>(plain.size()) * scale;
}

TemplateTable TemplateTableBuilder::Finish() const {
  TemplateTable table;
  std::vector<SlotCoding> slots;
  for (const Candidate* candidate : state_->Chosen()) {
    slots.clear();
    for (std::size_t i = 0; i < candidate->slots.size(); ++i) {
      slots.push_back({candidate->slots[i], static_cast<std::uint8_t>(candidate->BitsOf(i)),
                       candidate->ranges[i].least});
    }
    // base + 2^bits - 1 may pass 2^64 although no value does: then the base is lowered.
    for (SlotCoding& slot : slots) {
      slot.base = std::min(slot.base, ~std::uint64_t{0} - LowMask(slot.bits));
    }
    table.Add(candidate->literals, slots);
  }
  if (!table.empty() && !state_->Wins(table)) return {};
  return table;
}

}  // namespace tracestore::column
