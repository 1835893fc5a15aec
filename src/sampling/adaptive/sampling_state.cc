// Layouts: docs/format/sampling.md, "State".
#include "sampling/adaptive/sampling_state.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <utility>

#include "base/bytes.h"

namespace tracestore::sampling {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::uint8_t kSilent = 1;

Status CheckVersion(std::uint8_t version) {
  if (version == kVersion) return {};
  if (version > kVersion)
    return Error(ErrorCode::kUnsupported, "sampling state of version " + std::to_string(version));
  return Error(ErrorCode::kCorruption, "sampling state: no version");
}

Error Broken() { return {ErrorCode::kCorruption, "sampling state: broken bytes"}; }

}  // namespace

std::uint32_t ToMillionths(double probability) noexcept {
  return static_cast<std::uint32_t>(std::lround(std::clamp(probability, 0.0, 1.0) * 1e6));
}

std::string EncodeThroughput(const ThroughputReport& report) {
  std::string out;
  base::ByteWriter writer(out);
  writer.U8(kVersion);
  writer.U64(report.begin_ns);
  writer.U64(report.end_ns);
  writer.Varint(report.operations.size());
  for (const Throughput& each : report.operations) {
    writer.Bytes(each.service);
    writer.Bytes(each.operation);
    writer.Varint(each.sampled);
    writer.U8(each.silent ? kSilent : 0);
    writer.Varint(each.millionths.size());
    for (const std::uint32_t probability : each.millionths) writer.Varint(probability);
  }
  return out;
}

Result<ThroughputReport> DecodeThroughput(std::string_view bytes) {
  base::ByteReader reader(bytes);
  if (auto version = CheckVersion(reader.U8()); !version.has_value()) return version.error();
  ThroughputReport out;
  out.begin_ns = reader.U64();
  out.end_ns = reader.U64();
  const std::size_t count = reader.Count(5);  // two lengths, a number, flags, a count
  out.operations.reserve(count);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    Throughput& each = out.operations.emplace_back();
    each.service = reader.Bytes();
    each.operation = reader.Bytes();
    each.sampled = reader.Varint();
    each.silent = (reader.U8() & kSilent) != 0;
    const std::uint64_t probabilities = reader.BoundedVarint(kMaxReportedProbabilities);
    for (std::uint64_t p = 0; p < probabilities; ++p)
      each.millionths.push_back(static_cast<std::uint32_t>(reader.BoundedVarint(1'000'000)));
  }
  if (!reader.ok() || !reader.done()) return Broken();
  return out;
}

std::string EncodeStates(const std::vector<OperationState>& states) {
  std::string out;
  base::ByteWriter writer(out);
  writer.U8(kVersion);
  writer.Varint(states.size());
  for (const OperationState& each : states) {
    writer.Bytes(each.service);
    writer.Bytes(each.operation);
    writer.U64(std::bit_cast<std::uint64_t>(each.probability));
    writer.U64(std::bit_cast<std::uint64_t>(each.samples_per_second));
    writer.U64(each.changed_ns);
  }
  return out;
}

Result<std::vector<OperationState>> DecodeStates(std::string_view bytes) {
  base::ByteReader reader(bytes);
  if (auto version = CheckVersion(reader.U8()); !version.has_value()) return version.error();
  const std::size_t count = reader.Count(26);  // two lengths, three numbers
  std::vector<OperationState> out;
  out.reserve(count);
  for (std::size_t i = 0; i < count && reader.ok(); ++i) {
    OperationState& each = out.emplace_back();
    each.service = reader.Bytes();
    each.operation = reader.Bytes();
    each.probability = std::bit_cast<double>(reader.U64());
    each.samples_per_second = std::bit_cast<double>(reader.U64());
    each.changed_ns = reader.U64();
    if (!(each.probability >= 0 && each.probability <= 1)) return Broken();
  }
  if (!reader.ok() || !reader.done()) return Broken();
  return out;
}

}  // namespace tracestore::sampling
