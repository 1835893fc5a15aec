// The metrics of a service: their help lines, and how a message that came in is counted.
#pragma once
#include "ingest/intake.h"
#include "ingest/stage_event.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

// Help of all of them; once, at start.
void DescribeMetrics(server::MetricRegistry& metrics);

// An IntakeObserver's work.
void CountIntake(server::MetricRegistry& metrics, const ingest::IntakeEvent& event);

// Called for everything that a stage of the pipeline does.
void CountStage(server::MetricRegistry& metrics, const ingest::StageEvent& event);

}  // namespace tracestore::tools
