// What of a span a condition reads.
#pragma once
#include <tracestore/query.h>

#include <string>
#include <vector>

namespace tracestore::predicate {

// Which parts of a span the evaluation reads beside its trace id, presence, start and flags: all
// else may be left out of a decoded batch (empty ranges, zero ids).
struct Needs {
  bool span_attributes = false;
  bool resource_attributes = false;  // true where service is needed, too
  bool scope_attributes = false;
  bool event_attributes = false;
  bool link_attributes = false;
  // The keys wanted at the levels above, sorted, each once. ("service.name" among them where the
  // service is needed.)
  std::vector<std::string> attribute_keys;

  bool service = false;
  bool operation = false;
  bool kind = false;
  bool status = false;
  bool status_message = false;
  bool duration = false;
  bool span_id = false;
  bool parent_id = false;
  bool scope_name = false;
  bool event_name = false;
  bool events = false;  // how many there are, and their times
  bool links = false;   // how many there are, and their ids
  bool link_trace_state = false;
  bool trace_state = false;
  bool resource_schema_url = false;
  bool scope_version = false;
  bool scope_schema_url = false;

  void Add(const Needs& other);
};

Needs NeedsOf(const Condition& condition);

}  // namespace tracestore::predicate
