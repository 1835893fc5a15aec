#include "query/cursor.h"

#include "base/hex.h"

namespace tracestore::query {

std::string EncodeCursor(std::uint64_t query_hash, const predicate::OrderKey& last) {
  std::string text = "1-" + std::string(16, '0') + "-" + std::string(16, '0') + "-";
  base::WriteHex64(query_hash, text.data() + 2);
  base::WriteHex64(last.key, text.data() + 19);
  return text + last.trace_id.ToHex();
}

Result<predicate::OrderKey> DecodeCursor(std::string_view text, std::uint64_t query_hash) {
  const Error bad(ErrorCode::kInvalidArgument, "the cursor is not one that this store gave");
  if (text.size() != 68 || text.substr(0, 2) != "1-" || text[18] != '-' || text[35] != '-')
    return bad;
  const auto hash = base::ParseHex64(text.substr(2, 16));
  const auto key = base::ParseHex64(text.substr(19, 16));
  const auto id = TraceId::FromHex(text.substr(36));
  if (!hash || !key || !id) return bad;
  if (*hash != query_hash)
    return Error(ErrorCode::kInvalidArgument, "the cursor belongs to another query");
  return predicate::OrderKey{*key, *id};
}

}  // namespace tracestore::query
