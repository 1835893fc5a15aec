// Answers in Tempo's manner, as JSON and as protobuf (docs/format/tempo-api.md).
#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <tracestore/spans.h>
#include <tracestore/status.h>

#include "net/http.h"
#include "query/tags.h"
#include "server/tempo/tempo_search.h"

namespace tracestore::server {

// By the Accept header; JSON where it names neither.
enum class TempoForm : unsigned char { kJson, kProtobuf };
TempoForm TempoFormOf(const net::HttpRequest& request) noexcept;

net::HttpResponse TempoAnswer(TempoForm form, std::string body);
net::HttpResponse TempoSentence(int status, std::string sentence);
// 400 for kInvalidArgument, 501 for kUnsupported, 504 for kCancelled, else 500.
net::HttpResponse TempoFailure(const Error& error);

// Each distinct span once, those of one resource and scope together. Of /api/traces/{id}.
std::string TempoTrace(const SpanList& spans, TempoForm form);
// Of /api/v2/traces/{id}; `spans` may be empty: none.
std::string TempoTraceById(const SpanList& spans, TempoForm form);

// A search's answer in pieces: Begin, then any number of traces, then End.
class TempoSearchWriter {
 public:
  TempoSearchWriter(TempoForm form, bool by_query) : form_(form), by_query_(by_query) {}
  void Begin(std::string& out) const;
  void Append(const TempoFound& found, std::string& out);
  void End(std::string& out) const;

 private:
  const TempoForm form_;
  const bool by_query_;
  bool any_ = false;
};

std::string TempoTagNames(const std::vector<std::string>& names, TempoForm form);
using TempoScopeNames = std::vector<std::pair<std::string, std::vector<std::string>>>;
std::string TempoTagNamesV2(const TempoScopeNames& scopes, TempoForm form);
std::string TempoTagValues(const std::vector<std::string>& values, TempoForm form);
// Type ("string", "int", "float", "bool", "keyword") and text.
using TempoValues = std::vector<std::pair<std::string_view, std::string>>;
std::string TempoTagValuesV2(const TempoValues& values, TempoForm form);

}  // namespace tracestore::server
