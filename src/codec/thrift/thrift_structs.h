// Structs that thrift's compiler generated from our IDL, to bytes and back by libthrift.
//
// For what is written, for small messages of a service (a question for a sampling strategy, a
// health check), and as what tests hold the decoders of spans to. Spans come in by ThriftReader.
//
// The header brings libthrift: include it in .cc files only. Threads: none shared.
#pragma once
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/protocol/TCompactProtocol.h>
#include <thrift/transport/TBufferTransports.h>
#include <tracestore/status.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "codec/thrift/thrift_reader.h"

namespace tracestore::codec {

struct ThriftLimits {
  // Bytes of one message. libthrift refuses more than 100 MiB unless told otherwise; the transports
  // before us have their own, lower limits.
  std::uint32_t max_message_bytes = std::uint32_t{1} << 30;
  // Elements of one list: generated code makes room for as many as are announced before it reads
  // the first, about 300 bytes each.
  std::uint32_t max_elements = 1'000'000;
};

// libthrift's protocol over a buffer in memory.
class ThriftBuffer {
 public:
  // To read `bytes`, which must outlive it.
  ThriftBuffer(std::string_view bytes, ThriftProtocol protocol, const ThriftLimits& limits = {});
  // To write.
  explicit ThriftBuffer(ThriftProtocol protocol);

  apache::thrift::protocol::TProtocol& protocol() noexcept { return *protocol_; }
  // What was written.
  std::string_view bytes() const;

 private:
  std::shared_ptr<apache::thrift::transport::TMemoryBuffer> buffer_;
  std::unique_ptr<apache::thrift::protocol::TProtocol> protocol_;
};

// Whether `bytes` may be given to libthrift: their length, and (walked by ThriftReader first) that
// they begin with a whole struct whose lists hold what they announce.
Status CheckThriftStruct(std::string_view bytes, ThriftProtocol protocol,
                         const ThriftLimits& limits);

// Turns what libthrift throws into an Error; rethrows std::bad_alloc. Call it in a catch block.
Error CurrentThriftError();

// Reads the struct that `bytes` begin with into a fresh `value` (a service's arguments can't be
// copied, so they aren't returned); what follows it is not looked at. kInvalidArgument where it is
// none, or lacks a field that the IDL requires: `value` is then half filled.
template <typename Struct>
Status ReadThriftStruct(std::string_view bytes, ThriftProtocol protocol, Struct& value,
                        const ThriftLimits& limits = {}) {
  if (Status fit = CheckThriftStruct(bytes, protocol, limits); !fit.has_value()) return fit;
  try {
    ThriftBuffer buffer(bytes, protocol, limits);
    value.read(&buffer.protocol());
    return {};
  } catch (...) {
    return CurrentThriftError();
  }
}

// Appends the struct to `out`. kInvalidArgument where it is greater than libthrift's buffer (4
// GiB).
template <typename Struct>
Status WriteThriftStruct(const Struct& value, ThriftProtocol protocol, std::string& out) {
  try {
    ThriftBuffer buffer(protocol);
    value.write(&buffer.protocol());
    out += buffer.bytes();
    return {};
  } catch (...) {
    return CurrentThriftError();
  }
}

// The same with a message's header in front (binary: the strict form). `arguments` is the
// generated <Service>_<method>_args, or _result.
template <typename Struct>
Status WriteThriftMessage(const ThriftMessage& header, const Struct& arguments,
                          ThriftProtocol protocol, std::string& out) {
  try {
    ThriftBuffer buffer(protocol);
    buffer.protocol().writeMessageBegin(
        std::string(header.name), static_cast<apache::thrift::protocol::TMessageType>(header.type),
        header.sequence);
    arguments.write(&buffer.protocol());
    out += buffer.bytes();
    return {};
  } catch (...) {
    return CurrentThriftError();
  }
}

}  // namespace tracestore::codec
