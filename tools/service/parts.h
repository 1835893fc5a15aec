// The parts that services are made of, and which service has which. Each function stands in a file
// of its own; service.h says what a part does.
#pragma once
#include <vector>

#include "service/service.h"

namespace tracestore::tools {

Status OpenAuth(Service& service);       // sets Shared::credentials: before any listener
Status StartAdmin(Service& service);     // health, metrics: first, so that it tells of the rest
Status OpenStore(Service& service);      // sets Shared::store
Status OpenStoreToRead(Service& service);  // sets Shared::tenants alone: another process writes
Status OpenTenants(Service& service);    // sets Shared::tenancy and tenants: after the store
Status OpenArchives(Service& service);   // sets Shared::archives: after the store
Status OpenSampling(Service& service);   // sets Shared::strategies and adaptive
Status StartSampling(Service& service);  // the agent's endpoints for clients
Status OpenForward(Service& service);    // where spans are sent on: sets Shared::end, strategies
Status OpenBaggage(Service& service);    // sets Shared::baggage
Status StartPipeline(Service& service);  // sets Shared::sink and intake; needs the store
Status StartSelfTracing(Service& service);  // sets Shared::self_tracer: before what is to be traced
Status OpenQueryAccess(Service& service);  // sets Shared::query_access: before all that follow here
Status StartQuery(Service& service);       // needs stores and archives
Status StartTempo(Service& service);       // Tempo's query API
Status OpenZipkinQuery(Service& service);  // sets Shared::zipkin_reads
Status StartZipkinQuery(Service& service);  // a port of its own; after OpenZipkinQuery
Status StartRemoteStorage(Service& service);  // needs the archives and the pipeline
Status StartOtlp(Service& service);      // needs the pipeline
Status StartZipkin(Service& service);    // needs the pipeline

Status StartAgentPorts(Service& service);       // 6831, 6832, 5775 by UDP; needs the pipeline
Status StartJaegerCollector(Service& service);  // 14250, 14268; needs the pipeline and strategies

// In the order of starts.
const std::vector<Part>& AllInOneParts();
const std::vector<Part>& CollectorParts();
const std::vector<Part>& AgentParts();
const std::vector<Part>& QueryParts();
const std::vector<Part>& RemoteStorageParts();

}  // namespace tracestore::tools
