#include "service/parts.h"

namespace tracestore::tools {

const std::vector<Part>& AllInOneParts() {
  static const std::vector<Part> kParts = {
      OpenAuth, StartAdmin, OpenStore, OpenTenants, OpenSampling, OpenBaggage, StartPipeline,
      StartQuery, StartTempo, StartSampling, StartOtlp, OpenZipkinQuery, StartZipkin, StartJaegerCollector,
      StartAgentPorts,
  };
  return kParts;
}

const std::vector<Part>& CollectorParts() {
  static const std::vector<Part> kParts = {
      OpenAuth, StartAdmin, OpenForward, OpenStore, OpenTenants, OpenSampling, OpenBaggage,
      StartPipeline, StartSampling, StartOtlp, StartZipkin, StartJaegerCollector, StartAgentPorts,
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

}  // namespace tracestore::tools
