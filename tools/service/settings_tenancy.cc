// Tenants: whose spans are whose.
#include "service/settings_tables.h"

namespace tracestore::tools {
namespace {

constexpr Setting kSettings[] = {
    {.name = "multi-tenancy.enabled",
     .field = TS_FIELD(tenancy.on),
     .group = "Tenants",
     .help = "Each request says by a header whose it is; each tenant has a store of its own",
     .jaegers = true},
    {.name = "multi-tenancy.header",
     .field = TS_FIELD(tenancy.header),
     .group = "Tenants",
     .help = "The header, and key of gRPC's metadata",
     .jaegers = true},
    {.name = "multi-tenancy.tenants",
     .field = TS_FIELD(tenancy.tenants),
     .group = "Tenants",
     .help = "Tenants that there are; without it every name that may be one",
     .jaegers = true},
    {.name = "multi-tenancy.default-tenant",
     .field = TS_FIELD(tenancy.default_tenant),
     .group = "Tenants",
     .help = "Whose the spans are that come by UDP, TChannel and Scribe, and what was stored "
             "without tenants"},
    {.name = "multi-tenancy.max-tenants",
     .field = TS_FIELD(tenancy.max_tenants),
     .group = "Tenants",
     .help = "Beside the default one; a new one beyond them is refused",
     .roles = kKeeping,
     .least = 1,
     .most = 10'000},
    {.name = "multi-tenancy.span-rates",
     .field = TS_FIELD(tenancy.span_rates),
     .group = "Tenants",
     .help = "Spans a second that tenants may send, TENANT=NUMBER,…; * is every other",
     .roles = kPiping},
    {.name = "multi-tenancy.keep-bytes",
     .field = TS_FIELD(tenancy.keep_bytes),
     .group = "Tenants",
     .help = "keep-bytes of tenants, TENANT=SIZE,…; the setting keep-bytes is every other's",
     .roles = kKeeping},
};

}  // namespace

std::span<const Setting> TenancySettings() { return kSettings; }

}  // namespace tracestore::tools
