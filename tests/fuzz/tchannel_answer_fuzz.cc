// Any bytes as what a server says to a client of TChannel, after a greeting and after a call:
// nothing breaks, and what the client says to it are whole frames.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "codec/tchannel/frame.h"
#include "ingest/forward/tchannel_client.h"

using namespace tracestore;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view bytes(reinterpret_cast<const char*>(data), size);
  ingest::TchannelAnswerReader reader(2);
  while (bytes.size() >= codec::kTchannelHeaderBytes) {
    const auto rest = codec::TchannelPayloadSize(bytes.substr(0, codec::kTchannelHeaderBytes));
    if (!rest || codec::kTchannelHeaderBytes + *rest > bytes.size()) return 0;
    const std::string_view frame = bytes.substr(0, codec::kTchannelHeaderBytes + *rest);
    (void)ingest::ReadTchannelGreeting(frame);
    const auto step = reader.Take(frame);
    if (!step.has_value() || step->last) return 0;
    if (!step->reply.empty() && !codec::DecodeTchannelFrame(step->reply).has_value()) std::abort();
    bytes.remove_prefix(frame.size());
  }
  return 0;
}
