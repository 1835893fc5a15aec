// The methods of a collector that TChannel's calls name.
#pragma once
#include <string>

#include "codec/tchannel/call.h"
#include "ingest/receivers/tchannel.h"

namespace tracestore::ingest {

// Appends the answer to a whole call, or an error frame. Blocks until spans are kept.
void AnswerTchannelCall(std::uint32_t id, const codec::TchannelCall& call,
                        const TchannelShared& shared, std::string& out);

}  // namespace tracestore::ingest
