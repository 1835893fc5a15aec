// Any text as the parameters of Tempo's API: what is taken can be asked of the store, what is
// refused is the caller's fault.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "net/http.h"
#include "predicate/compiled_query.h"
#include "predicate/pattern.h"
#include "server/tempo/logfmt.h"
#include "server/tempo/tempo_params.h"
#include "server/tempo/tempo_search.h"

using namespace tracestore;

namespace {

void Check(bool holds) {
  if (!holds) std::abort();
}

template <typename T>
void CheckRefusal(const Result<T>& result) {
  if (result.has_value()) return;
  const ErrorCode code = result.error().code();
  Check(code == ErrorCode::kInvalidArgument || code == ErrorCode::kUnsupported);
}

// What quotes a text, read again, is the text.
void CheckQuoted(std::string_view text) {
  std::string quoted = "k=\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  const auto pairs = server::ParseLogfmt(quoted + "\" next");
  Check(pairs.has_value() && pairs->size() == 2 && (*pairs)[0].second == text);
}

void CheckSearch(const server::TempoSearch& search) {
  AppendResult nothing;
  static const Snapshot kEmpty = SnapshotOfFiles({}, nothing).value();
  const auto query = server::TempoQuery(kEmpty, search);
  Check(query.has_value());
  const auto found = kEmpty.Find(*query);
  // A value that is no UTF-8 makes no pattern.
  if (!found.has_value()) Check(found.error().code() == ErrorCode::kInvalidArgument);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  CheckRefusal(server::ParseLogfmt(text));
  CheckRefusal(server::ParseTempoTag(text));
  CheckRefusal(server::ParseTempoTraceId(text));
  CheckQuoted(text);
  net::QueryParams tags;
  tags.Add("tags", std::string(text));
  const auto search = server::ParseTempoSearch(tags);
  CheckRefusal(search);
  if (search.has_value() && size < 4096) CheckSearch(*search);
  const auto params = net::QueryParams::Parse(text);
  if (!params.has_value()) return 0;
  CheckRefusal(server::ParseTempoSearch(*params));
  CheckRefusal(server::ParseTempoScope(*params));
  CheckRefusal(server::CheckTempoTraceParams(*params));
  CheckRefusal(server::ParseTempoNameLimit(*params, true));
  return 0;
}
