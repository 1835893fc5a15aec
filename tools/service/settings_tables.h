// The tables that Settings(), OtherNames() and IgnoredNames() are made of, one a concern.
#pragma once
#include <span>

#include "service/settings.h"

namespace tracestore::tools {

std::span<const Setting> GeneralSettings();     // settings_general.cc
std::span<const Setting> CollectorSettings();   // settings_collector.cc: listeners for spans
std::span<const Setting> JaegerPortSettings();  // settings_jaeger_ports.cc
std::span<const Setting> ForwardSettings();     // settings_forward.cc
std::span<const Setting> PipelineSettings();    // settings_pipeline.cc
std::span<const Setting> SamplingSettings();    // settings_sampling.cc
std::span<const Setting> QuerySettings();          // settings_query.cc
std::span<const Setting> RemoteStorageSettings();  // settings_remote_storage.cc
std::span<const Setting> TempoSettings();          // settings_tempo.cc
std::span<const Setting> SelfTracingSettings();    // settings_self_tracing.cc

std::span<const Setting> SecuritySettings();  // settings_security.cc
std::span<const Setting> TenancySettings();   // settings_tenancy.cc

std::span<const OtherName> OwnOtherNames();     // settings_general.cc
std::span<const OtherName> JaegerOtherNames();  // settings_jaeger.cc
std::span<const OtherName> ZipkinOtherNames();  // settings_zipkin.cc
std::span<const Ignored> JaegerIgnoredNames();  // settings_jaeger.cc
std::span<const Ignored> ZipkinIgnoredNames();  // settings_zipkin.cc

// Of what a service asks by an https URL: `of` is a TlsClientOptions.
#define TS_CLIENT_TLS_SETTINGS(prefix, of, in_group, who)                                \
  {.name = prefix ".ca",                                                                 \
   .field = TS_FIELD(of.ca_file),                                                        \
   .group = in_group,                                                                    \
   .help =                                                                               \
       "Who signed the certificate of an https URL, PEM; without it the "                \
       "system's CAs",                                                                   \
   .roles = who},                                                                        \
      {.name = prefix ".cert",                                                           \
       .field = TS_FIELD(of.cert_file),                                                  \
       .group = in_group,                                                                \
       .help = "The certificate shown there, PEM",                                       \
       .roles = who},                                                                    \
      {.name = prefix ".key",                                                            \
       .field = TS_FIELD(of.key_file),                                                   \
       .group = in_group,                                                                \
       .help = "Its private key, PEM",                                                   \
       .roles = who},                                                                    \
  {                                                                                      \
    .name = prefix ".server-name", .field = TS_FIELD(of.server_name), .group = in_group, \
    .help = "The name that its certificate must have; without it its host", .roles = who \
  }

}  // namespace tracestore::tools
