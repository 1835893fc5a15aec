// By hand, as the other forms: five small structs (numbers of docs/format/sampling.md).
#include "codec/sampling/strategy_thrift.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include "codec/thrift/binary_writer.h"
#include "codec/thrift/thrift_reader.h"

namespace tracestore::codec {
namespace {

constexpr std::int32_t kMostRate = std::numeric_limits<std::int16_t>::max();
constexpr std::uint32_t kText1 = ThriftTag(1, ThriftType::kString);
constexpr std::uint32_t kDouble1 = ThriftTag(1, ThriftType::kDouble);
constexpr std::uint32_t kDouble2 = ThriftTag(2, ThriftType::kDouble);
constexpr std::uint32_t kDouble4 = ThriftTag(4, ThriftType::kDouble);
constexpr std::uint32_t kStruct2 = ThriftTag(2, ThriftType::kStruct);
constexpr std::uint32_t kStruct3 = ThriftTag(3, ThriftType::kStruct);
constexpr std::uint32_t kStruct4 = ThriftTag(4, ThriftType::kStruct);
constexpr std::uint32_t kList3 = ThriftTag(3, ThriftType::kList);

// ProbabilisticSamplingStrategy as field `number`.
void WriteProbability(std::int16_t number, double probability, ThriftBinaryWriter& out) {
  out.Begin(number, ThriftType::kStruct);
  out.DoubleField(1, probability);
  out.Stop();
}

void WriteOperations(const OperationStrategies& operations, ThriftBinaryWriter& out) {
  out.Begin(4, ThriftType::kStruct);
  out.DoubleField(1, operations.default_probability);
  out.DoubleField(2, operations.lower_bound);
  out.ListField(3, ThriftType::kStruct, operations.operations.size());
  for (const OperationStrategy& each : operations.operations) {
    out.TextField(1, each.operation);
    WriteProbability(2, each.probability, out);
    out.Stop();
  }
  if (operations.upper_bound != 0) out.DoubleField(4, operations.upper_bound);
  out.Stop();
}

double Real(ThriftReader& in) { return std::bit_cast<double>(in.DoubleBits()); }

double ReadProbability(ThriftReader& in) {
  double probability = 0;
  ThriftField field;
  while (in.Next(field)) {
    if (field.tag() == kDouble1) {
      probability = Real(in);
    } else {
      in.Skip(field);
    }
  }
  return probability;
}

std::int32_t ReadRate(ThriftReader& in) {
  std::int32_t rate = 0;
  ThriftField field;
  while (in.Next(field)) {
    if (field.tag() == ThriftTag(1, ThriftType::kI16)) {
      rate = in.I16();
    } else {
      in.Skip(field);
    }
  }
  return rate;
}

OperationStrategy ReadOperation(ThriftReader& in) {
  OperationStrategy out;
  ThriftField field;
  while (in.Next(field)) {
    switch (field.tag()) {
      case kText1: out.operation = in.Bytes(); break;
      case kStruct2: out.probability = ReadProbability(in); break;
      default: in.Skip(field);
    }
  }
  return out;
}

OperationStrategies ReadOperations(ThriftReader& in) {
  OperationStrategies out;
  ThriftField field;
  while (in.Next(field)) {
    switch (field.tag()) {
      case kDouble1: out.default_probability = Real(in); break;
      case kDouble2: out.lower_bound = Real(in); break;
      case kDouble4: out.upper_bound = Real(in); break;
      case kList3: {
        const ThriftList list = in.List();
        if (list.size != 0 && list.element != ThriftType::kStruct)
          in.Fail("a list of operations holds no structs");
        for (std::uint32_t i = 0; i < list.size && in.ok(); ++i)
          out.operations.push_back(ReadOperation(in));
        break;
      }
      default: in.Skip(field);
    }
  }
  return out;
}

SamplingStrategy ReadStrategy(ThriftReader& in) {
  SamplingStrategy out;
  ThriftField field;
  while (in.Next(field)) {
    switch (field.tag()) {
      case ThriftTag(1, ThriftType::kI32):
        if (const std::int32_t type = in.I32(); type == 0 || type == 1) {
          out.type = static_cast<StrategyType>(type);
        } else {
          in.Fail("a strategy is of an unknown type");
        }
        break;
      case kStruct2: out.probability = ReadProbability(in); break;
      case kStruct3: out.traces_per_second = ReadRate(in); break;
      case kStruct4: out.operations = ReadOperations(in); break;
      default: in.Skip(field);
    }
  }
  return out;
}

}  // namespace

std::string EncodeStrategyArguments(std::string_view service) {
  std::string out;
  ThriftBinaryWriter writer(out);
  writer.TextField(1, service);
  writer.Stop();
  return out;
}

Result<std::string> DecodeStrategyArguments(std::string_view bytes) {
  std::string service;
  ThriftReader in(bytes, ThriftProtocol::kBinary);
  ThriftField field;
  while (in.Next(field)) {
    if (field.tag() == kText1) {
      service = in.Bytes();
    } else {
      in.Skip(field);
    }
  }
  if (!in.ok()) return in.error();
  return service;
}

std::string EncodeStrategyResult(const SamplingStrategy& strategy) {
  std::string out;
  ThriftBinaryWriter writer(out);
  writer.Begin(0, ThriftType::kStruct);
  writer.I32Field(1, static_cast<std::uint32_t>(strategy.type));
  if (strategy.probability) WriteProbability(2, *strategy.probability, writer);
  if (strategy.traces_per_second) {
    writer.Begin(3, ThriftType::kStruct);
    writer.I16Field(1, static_cast<std::uint16_t>(
                           std::clamp(*strategy.traces_per_second, -kMostRate - 1, kMostRate)));
    writer.Stop();
  }
  if (strategy.operations) WriteOperations(*strategy.operations, writer);
  writer.Stop();
  writer.Stop();
  return out;
}

Result<SamplingStrategy> DecodeStrategyResult(std::string_view bytes) {
  std::optional<SamplingStrategy> strategy;
  ThriftReader in(bytes, ThriftProtocol::kBinary);
  ThriftField field;
  while (in.Next(field)) {
    if (field.tag() == ThriftTag(0, ThriftType::kStruct)) {
      strategy = ReadStrategy(in);
    } else {
      in.Skip(field);
    }
  }
  if (!in.ok()) return in.error();
  if (!strategy) return Error(ErrorCode::kInvalidArgument, "the answer holds no strategy");
  return *std::move(strategy);
}

}  // namespace tracestore::codec
