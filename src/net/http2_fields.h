// HTTP/2's fields and HTTP/1's, one turned into the other. Pure.
#pragma once
#include <string_view>

#include "net/http.h"

namespace tracestore::net {

// Puts a field of a request's head where HTTP/1 has it. The target is put into raw_target, as it
// came: SetTarget() is still to be called.
void TakeField(std::string_view name, std::string_view value, HttpRequest& request);

// WireResponse::head as HTTP/2 sends it: ":status" first, names in lower case, without the fields
// that are about the connection.
NamedValues ResponseFields(std::string_view head);

}  // namespace tracestore::net
