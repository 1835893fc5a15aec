#include "service/name_rank.h"

#include <string_view>

namespace tracestore::tools {
namespace {

// Jaeger takes the deprecated port and client CA, else the setting's own name. 0: nobody has said.
int RankOf(std::string_view name) {
  if (FindSetting(name) != nullptr) return 2;
  if (name == "health-check-http-port") return 4;  // older than admin-http-port, and beats it
  for (const OtherName& other : OtherNames()) {
    if (other.name != name) continue;
    if (other.rule == Rule::kZeroIsUnset || other.rule == Rule::kEmptyIsUnset) return 3;
    return other.jaegers && !other.environment_only ? 1 : 0;
  }
  return 0;
}

// ".tls" and ".tls.enabled": one that is true is enough, so that no port is open by mistake.
bool IsSwitchOfTls(std::string_view name) { return name.ends_with(".tls"); }

}  // namespace

std::optional<bool> Prevails(const Given& given, const Given& before) {
  const int rank = RankOf(given.name);
  const int rank_before = RankOf(before.name);
  if (rank == rank_before || rank == 0 || rank_before == 0) return std::nullopt;
  if (IsSwitchOfTls(given.name) || IsSwitchOfTls(before.name)) {
    const bool on = SwitchOf(given.value) == true;
    if (on != (SwitchOf(before.value) == true)) return on;
  }
  return rank > rank_before;
}

}  // namespace tracestore::tools
