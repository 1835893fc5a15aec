#include "ingest/pending_records.h"

#include "base/bytes.h"

namespace tracestore::ingest {
namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kVerdictBytes = 17;

Error Corrupt(const char* what) {
  return {ErrorCode::kCorruption, std::string("pending log: ") + what};
}

Status CheckVersion(std::uint8_t version) {
  if (version == kVersion) return {};
  if (version == 0) return Corrupt("a record without a version");
  return Error(ErrorCode::kUnsupported, "a decision in the pending log has version " +
                                            std::to_string(version) +
                                            "; this build reads version 1: use a newer tracestore");
}

}  // namespace

std::string EncodeDecision(const Decision& decision) {
  std::string out;
  base::ByteWriter writer(out);
  writer.U8(kVersion);
  writer.U64(decision.number);
  writer.U32(static_cast<std::uint32_t>(decision.traces.size()));
  for (const TraceVerdict& trace : decision.traces) {
    writer.U64(trace.id.high);
    writer.U64(trace.id.low);
    writer.U8(trace.kept ? 1 : 0);
  }
  return out;
}

std::string EncodeMoved(std::uint64_t decision) {
  std::string out;
  base::ByteWriter writer(out);
  writer.U8(kVersion);
  writer.U64(decision);
  return out;
}

Result<Decision> DecodeDecision(std::string_view payload) {
  base::ByteReader reader(payload);
  const Status version = CheckVersion(reader.U8());
  if (!version.has_value()) return version.error();
  Decision out;
  out.number = reader.U64();
  const std::uint32_t count = reader.U32();
  if (!reader.ok() || reader.remaining() != count * kVerdictBytes)
    return Corrupt("a decision's length is wrong");
  out.traces.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    TraceVerdict trace;
    trace.id.high = reader.U64();
    trace.id.low = reader.U64();
    const std::uint8_t kept = reader.U8();
    if (kept > 1) return Corrupt("a verdict is neither 0 nor 1");
    trace.kept = kept == 1;
    out.traces.push_back(trace);
  }
  return out;
}

Result<std::uint64_t> DecodeMoved(std::string_view payload) {
  base::ByteReader reader(payload);
  const Status version = CheckVersion(reader.U8());
  if (!version.has_value()) return version.error();
  const std::uint64_t decision = reader.U64();
  if (!reader.ok() || !reader.done()) return Corrupt("a mark's length is wrong");
  return decision;
}

}  // namespace tracestore::ingest
