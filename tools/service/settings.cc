#include "service/settings.h"

#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

template <class Row>
std::vector<Row> Joined(std::initializer_list<std::span<const Row>> tables) {
  std::vector<Row> rows;
  for (const auto table : tables) rows.insert(rows.end(), table.begin(), table.end());
  return rows;
}

}  // namespace

const char* RoleName(Role role) noexcept {
  switch (role) {
    case kAllInOne: return "all-in-one";
    case kCollector: return "collector";
    case kAgent: return "agent";
    case kQuery: return "query";
    case kRemoteStorage: return "remote-storage";
  }
  return "";
}

std::span<const Setting> Settings() {
  static const auto kAll = Joined<Setting>(
      {GeneralSettings(), CollectorSettings(), JaegerPortSettings(), ForwardSettings(),
       PipelineSettings(), SamplingSettings(), QuerySettings(), RemoteStorageSettings(),
       TempoSettings(), SelfTracingSettings(), SecuritySettings(), TenancySettings()});
  return kAll;
}

const Setting* FindSetting(std::string_view name) {
  for (const Setting& setting : Settings()) {
    if (setting.name == name) return &setting;
  }
  return nullptr;
}

std::span<const OtherName> OtherNames() {
  static const auto kAll =
      Joined<OtherName>({OwnOtherNames(), JaegerOtherNames(), ZipkinOtherNames()});
  return kAll;
}

std::span<const Ignored> IgnoredNames() {
  static const auto kAll = Joined<Ignored>({JaegerIgnoredNames(), ZipkinIgnoredNames()});
  return kAll;
}

std::string EnvironmentName(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (c >= 'a' && c <= 'z') {
      out += static_cast<char>(c - 'a' + 'A');
    } else if ((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
      out += c;
    } else {
      out += '_';
    }
  }
  return out;
}

ServiceConfig DefaultsOf(Role role) {
  ServiceConfig config;
  config.role = role;
  if (role == kAgent) {
    config.admin.http = OnPort(14271);
    config.forward.type = "grpc";
  }
  if (role == kQuery) config.admin.http = OnPort(16687);
  if (role == kRemoteStorage) config.admin.http = OnPort(17270);
  return config;
}

}  // namespace tracestore::tools
