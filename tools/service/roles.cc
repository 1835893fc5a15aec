#include "service/parts.h"

namespace tracestore::tools {

const std::vector<Part>& AllInOneParts() {
  static const std::vector<Part> kParts = {
      OpenAuth, StartAdmin, OpenStore, OpenTenants, OpenArchives, OpenSampling, OpenBaggage,
      StartPipeline, StartSelfTracing, OpenQueryAccess, StartRemoteStorage, StartQuery, StartTempo,
      StartSampling, StartOtlp,
      OpenZipkinQuery, StartZipkin, StartJaegerCollector, StartAgentPorts,
  };
  return kParts;
}

const std::vector<Part>& CollectorParts() {
  static const std::vector<Part> kParts = {
      OpenAuth, StartAdmin, OpenForward, OpenStore, OpenTenants, OpenSampling, OpenBaggage,
      StartPipeline, StartSelfTracing, StartSampling, StartOtlp, StartZipkin, StartJaegerCollector,
      StartAgentPorts,
  };
  return kParts;
}

const std::vector<Part>& RemoteStorageParts() {
  static const std::vector<Part> kParts = {
      OpenAuth,     StartAdmin,    OpenStore,          OpenTenants,
      OpenArchives, StartPipeline, StartSelfTracing,   OpenQueryAccess,
      StartRemoteStorage,
  };
  return kParts;
}

const std::vector<Part>& AgentParts() {
  static const std::vector<Part> kParts = {
      OpenAuth, StartAdmin, OpenForward, OpenTenants, OpenSampling, OpenBaggage, StartPipeline,
      StartSampling, StartAgentPorts,
  };
  return kParts;
}

const std::vector<Part>& QueryParts() {
  static const std::vector<Part> kParts = {
      OpenAuth, StartAdmin, OpenStoreToRead, OpenTenants, OpenArchives, StartSelfTracing,
      OpenQueryAccess, StartQuery, StartTempo, OpenZipkinQuery, StartZipkinQuery,
  };
  return kParts;
}

}  // namespace tracestore::tools
