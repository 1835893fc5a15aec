#include "service/parts.h"

namespace tracestore::tools {

const std::vector<Part>& AllInOneParts() {
  static const std::vector<Part> kParts = {
      StartAdmin,    OpenStore, OpenSampling, StartPipeline,        StartQuery,
      StartSampling, StartOtlp, StartZipkin,  StartJaegerCollector, StartAgentPorts,
  };
  return kParts;
}

const std::vector<Part>& CollectorParts() {
  static const std::vector<Part> kParts = {
      StartAdmin, OpenStore,   OpenSampling,         StartPipeline,   StartSampling,
      StartOtlp,  StartZipkin, StartJaegerCollector, StartAgentPorts,
  };
  return kParts;
}

}  // namespace tracestore::tools
