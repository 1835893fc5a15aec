// By hand: five small messages, all of them in a row of fields (numbers of
// docs/format/sampling.md).
//   SamplingStrategyParameters      1 service
//   SamplingStrategyResponse        1 type, 2 Probabilistic, 3 RateLimiting, 4 PerOperation
//   Probabilistic 1 double          RateLimiting 1 int32
//   PerOperation                    1 default, 2 lower bound, 3 Operation…, 4 upper bound
//   Operation                       1 name, 2 Probabilistic
#include "codec/sampling/strategy_proto.h"

#include <bit>
#include <cstdint>
#include <utility>

#include "base/try.h"
#include "codec/wire/wire_reader.h"

namespace tracestore::codec {
namespace {

constexpr std::uint32_t kInt1 = WireTag(1, kWireVarint);
constexpr std::uint32_t kDouble1 = WireTag(1, kWireFixed64);
constexpr std::uint32_t kDouble2 = WireTag(2, kWireFixed64);
constexpr std::uint32_t kDouble4 = WireTag(4, kWireFixed64);
constexpr std::uint32_t kBytes1 = WireTag(1, kWireBytes);
constexpr std::uint32_t kBytes2 = WireTag(2, kWireBytes);
constexpr std::uint32_t kBytes3 = WireTag(3, kWireBytes);
constexpr std::uint32_t kBytes4 = WireTag(4, kWireBytes);

Error Broken(const WireReader& reader) {
  return {ErrorCode::kInvalidArgument,
          std::string("sampling message: ") + (reader.ok() ? "broken" : reader.problem())};
}

double Real(WireReader& reader) { return std::bit_cast<double>(reader.Fixed64()); }

void WriteDouble(WireWriter& out, std::uint32_t field, double value) {
  out.Fixed64(field, std::bit_cast<std::uint64_t>(value));
}

void WriteProbabilistic(WireWriter& out, std::uint32_t field, double probability) {
  const std::size_t begin = out.Begin(field);
  WriteDouble(out, 1, probability);
  out.End(begin);
}

Result<double> ReadProbabilistic(std::string_view bytes) {
  double value = 0;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.tag() == kDouble1) {
      value = Real(reader);
    } else {
      reader.Skip();
    }
  }
  if (!reader.ok()) return Broken(reader);
  return value;
}

Result<std::int32_t> ReadRateLimiting(std::string_view bytes) {
  std::int32_t value = 0;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.tag() == kInt1) {
      value = static_cast<std::int32_t>(reader.Varint());
    } else {
      reader.Skip();
    }
  }
  if (!reader.ok()) return Broken(reader);
  return value;
}

Result<OperationStrategy> ReadOperation(std::string_view bytes) {
  OperationStrategy out;
  WireReader reader(bytes);
  while (reader.Next()) {
    switch (reader.tag()) {
      case kBytes1: out.operation = reader.Bytes(); break;
      case kBytes2: {
        TS_TRY_ASSIGN(out.probability, ReadProbabilistic(reader.Bytes()));
        break;
      }
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Broken(reader);
  return out;
}

Status MergeOperations(std::string_view bytes, OperationStrategies& out) {
  WireReader reader(bytes);
  while (reader.Next()) {
    switch (reader.tag()) {
      case kDouble1: out.default_probability = Real(reader); break;
      case kDouble2: out.lower_bound = Real(reader); break;
      case kDouble4: out.upper_bound = Real(reader); break;
      case kBytes3: {
        TS_TRY_ASSIGN(auto operation, ReadOperation(reader.Bytes()));
        out.operations.push_back(std::move(operation));
        break;
      }
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Broken(reader);
  return {};
}

void WriteOperations(WireWriter& out, const OperationStrategies& operations) {
  const std::size_t begin = out.Begin(4);
  WriteDouble(out, 1, operations.default_probability);
  WriteDouble(out, 2, operations.lower_bound);
  for (const OperationStrategy& each : operations.operations) {
    const std::size_t entry = out.Begin(3);
    out.Bytes(1, each.operation);
    WriteProbabilistic(out, 2, each.probability);
    out.End(entry);
  }
  WriteDouble(out, 4, operations.upper_bound);
  out.End(begin);
}

}  // namespace

std::string EncodeStrategyRequest(std::string_view service) {
  std::string out;
  WireWriter(out).Bytes(1, service);
  return out;
}

Result<std::string> DecodeStrategyRequest(std::string_view bytes) {
  std::string service;
  WireReader reader(bytes);
  while (reader.Next()) {
    if (reader.tag() == kBytes1) {
      service = reader.Bytes();
    } else {
      reader.Skip();
    }
  }
  if (!reader.ok()) return Broken(reader);
  return service;
}

std::string EncodeStrategyResponse(const SamplingStrategy& strategy) {
  std::string out;
  WireWriter writer(out);
  writer.Uint(1, static_cast<std::uint64_t>(strategy.type));
  if (strategy.probability.has_value()) WriteProbabilistic(writer, 2, *strategy.probability);
  if (strategy.traces_per_second.has_value()) {
    const std::size_t begin = writer.Begin(3);
    // An int32 below zero takes ten bytes.
    writer.Uint(1, static_cast<std::uint64_t>(std::int64_t{*strategy.traces_per_second}));
    writer.End(begin);
  }
  if (strategy.operations.has_value()) WriteOperations(writer, *strategy.operations);
  return out;
}

Result<SamplingStrategy> DecodeStrategyResponse(std::string_view bytes) {
  SamplingStrategy out;
  WireReader reader(bytes);
  while (reader.Next()) {
    switch (reader.tag()) {
      case kInt1: {
        const std::uint64_t type = reader.Varint();
        if (type > 1)
          return Error(ErrorCode::kInvalidArgument, "sampling message: unknown strategy type");
        out.type = static_cast<StrategyType>(type);
        break;
      }
      case kBytes2: {
        TS_TRY_ASSIGN(out.probability, ReadProbabilistic(reader.Bytes()));
        break;
      }
      case kBytes3: {
        TS_TRY_ASSIGN(out.traces_per_second, ReadRateLimiting(reader.Bytes()));
        break;
      }
      case kBytes4: {
        if (!out.operations.has_value()) out.operations.emplace();
        TS_TRY(MergeOperations(reader.Bytes(), *out.operations));
        break;
      }
      default: reader.Skip();
    }
  }
  if (!reader.ok()) return Broken(reader);
  return out;
}

}  // namespace tracestore::codec
