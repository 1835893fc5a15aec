#include "codec/thrift/thrift_structs.h"

#include <thrift/TConfiguration.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>

namespace tracestore::codec {
namespace {

using apache::thrift::TConfiguration;
using apache::thrift::protocol::TBinaryProtocolT;
using apache::thrift::protocol::TCompactProtocolT;
using apache::thrift::protocol::TProtocol;
using apache::thrift::transport::TMemoryBuffer;

int Bounded(std::uint32_t limit) {
  constexpr auto kGreatest = static_cast<std::uint32_t>(std::numeric_limits<int>::max());
  return static_cast<int>(std::min(limit, kGreatest));
}

std::shared_ptr<TConfiguration> Configuration(std::uint32_t max_bytes) {
  const int bytes = Bounded(max_bytes);
  return std::make_shared<TConfiguration>(bytes, bytes, static_cast<int>(ThriftReader::kMaxDepth));
}

std::unique_ptr<TProtocol> Protocol(const std::shared_ptr<TMemoryBuffer>& buffer,
                                    ThriftProtocol protocol, int max_string, int max_elements) {
  if (protocol == ThriftProtocol::kCompact) {
    return std::make_unique<TCompactProtocolT<TMemoryBuffer>>(buffer, max_string, max_elements);
  }
  // Reads headers of both forms, writes the strict one.
  return std::make_unique<TBinaryProtocolT<TMemoryBuffer>>(buffer, max_string, max_elements, false,
                                                           true);
}

}  // namespace

ThriftBuffer::ThriftBuffer(std::string_view bytes, ThriftProtocol protocol,
                           const ThriftLimits& limits)
    // OBSERVE only reads, whatever its parameter's type says.
    : buffer_(std::make_shared<TMemoryBuffer>(
          reinterpret_cast<std::uint8_t*>(const_cast<char*>(bytes.data())),
          static_cast<std::uint32_t>(bytes.size()), TMemoryBuffer::OBSERVE,
          Configuration(limits.max_message_bytes))),
      protocol_(Protocol(buffer_, protocol, Bounded(limits.max_message_bytes),
                         Bounded(limits.max_elements))) {}

ThriftBuffer::ThriftBuffer(ThriftProtocol protocol)
    : buffer_(std::make_shared<TMemoryBuffer>(
          Configuration(std::numeric_limits<std::uint32_t>::max()))),
      protocol_(Protocol(buffer_, protocol, 0, 0)) {}

std::string_view ThriftBuffer::bytes() const {
  std::uint8_t* begin = nullptr;
  std::uint32_t size = 0;
  buffer_->getBuffer(&begin, &size);
  return {reinterpret_cast<const char*>(begin), size};
}

Status CheckThriftStruct(std::string_view bytes, ThriftProtocol protocol,
                         const ThriftLimits& limits) {
  if (bytes.size() > limits.max_message_bytes) {
    return Error(ErrorCode::kInvalidArgument,
                 "a Thrift message of " + std::to_string(bytes.size()) + " bytes is longer than " +
                     std::to_string(limits.max_message_bytes));
  }
  ThriftReader reader(bytes, protocol);
  reader.SkipElement(ThriftType::kStruct);
  if (!reader.ok()) return reader.error();
  return {};
}

Error CurrentThriftError() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& problem) {
    return {ErrorCode::kInvalidArgument, std::string("not Thrift: ") + problem.what()};
  }
}

}  // namespace tracestore::codec
