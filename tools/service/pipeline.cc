// What stands between receivers and the store: the sink that spans go to, the intake that decodes.
#include <memory>
#include <utility>

#include "ingest/intake.h"
#include "ingest/span_sink.h"
#include "service/metrics.h"
#include "service/parts.h"

namespace tracestore::tools {

Status StartPipeline(Service& service) {
  ingest::SpanSink& sink = service.Keep(ingest::MakeStoreSink(*service.shared().store));
  service.shared().sink = &sink;
  service.shared().intake = &service.Keep(std::make_unique<ingest::Intake>(
      sink, [&metrics = service.metrics()](const ingest::IntakeEvent& event) {
        CountIntake(metrics, event);
      }));
  return {};
}

}  // namespace tracestore::tools
