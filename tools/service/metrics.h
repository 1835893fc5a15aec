// The metrics of a service: their help lines, and how a message that came in is counted.
#pragma once
#include "ingest/intake.h"
#include "server/admin/metrics.h"

namespace tracestore::tools {

// Help of all of them; once, at start.
void DescribeMetrics(server::MetricRegistry& metrics);

// An IntakeObserver's work.
void CountIntake(server::MetricRegistry& metrics, const ingest::IntakeEvent& event);

}  // namespace tracestore::tools
