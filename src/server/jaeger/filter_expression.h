// Jaeger's structured filter as a query's condition, over HTTP and gRPC.
#pragma once
#include <tracestore/query.h>
#include <tracestore/status.h>

#include <string>

#include "codec/jaeger/filter_tree.h"

namespace tracestore::server {

// `tree`: what a decoder made of the filter. `beside`: the legacy conditions that the request has
// as well, separated by blanks; there may be none. Errors: kInvalidArgument with Jaeger's sentence,
// "malformed parameter query.filter: …", "invalid query filter: …".
Result<Expression> FilterExpression(Result<codec::FilterTree> tree, const std::string& beside);

}  // namespace tracestore::server
