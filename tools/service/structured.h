// Settings that are lists of maps: processors, policies.
#pragma once
#include <tracestore/status.h>

#include <string>
#include <utility>
#include <vector>

#include "service/config.h"

namespace tracestore::tools {

// The fields of one entry, in the order of the text.
using FieldList = std::vector<std::pair<std::string, std::string>>;

// `name`: the setting's, of errors. Errors: kInvalidArgument, "a.yaml:3: 'processors' takes a list
// of maps", "a.yaml:3: processors[0]: a field is a text".
Result<std::vector<FieldList>> ReadMaps(const StructuredText& text, const std::string& name);

// Whether a file with the text as YAML below a setting's name gives the very text.
bool IsAsAFileGivesIt(const std::string& yaml);

// The error with where the text stands before it.
Error AtPlaceOf(const StructuredText& text, const Error& error);

}  // namespace tracestore::tools
