"""Whether a dashboard made for Jaeger finds its figures: /metrics of a running all-in-one and agent
against the names that Jaeger v1.76 had (shared/protocols/jaeger-v1-metric-names.txt, read from
beside TRACESTORE_SHARED_DATA) and those that its jaeger-mixin asks for (shared/protocols/jaeger.md,
2.5); and what some of them count.

Usage: metric_names_test.py PROGRAM     exit 77 (skipped) where the file isn't there
"""

import os
import re
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

import otlp_json
from service import Service

PROGRAM = sys.argv.pop(1)
ROOT = Path(__file__).resolve().parents[2]
NAMES = Path(os.environ.get("TRACESTORE_SHARED_DATA", ROOT.parent / "shared/data")
             ).parent / "protocols/jaeger-v1-metric-names.txt"
if not NAMES.exists():
    print(f"metric_names_test: not run: no {NAMES} (TRACESTORE_SHARED_DATA names the folder beside "
          "that of it)")
    sys.exit(77)

STORAGE = {"jaeger_storage_requests_total", "jaeger_storage_latency_seconds_bucket",
           "jaeger_storage_requests", "jaeger_storage_latency", "jaeger_storage_responses"}
QUERY = {"jaeger_query_requests_total", "jaeger_query_latency_bucket"}
COLLECTOR = {"jaeger_collector_spans_dropped_total", "jaeger_collector_spans_received_total",
             "jaeger_collector_queue_length", "jaeger_collector_in_queue_latency_bucket"}
REPORTER = {"jaeger_agent_reporter_batches_failures_total",
            "jaeger_agent_reporter_batches_submitted_total"}
TRACER = {"jaeger_tracer_reporter_spans_total"}
BOTH = {"jaeger_agent_http_server_errors_total", "jaeger_agent_http_server_total",
        *(f"otelcol_{name}{end}" for end in ("", "_total")
          for name in ("receiver_accepted_spans", "receiver_refused_spans",
                       "exporter_sent_spans", "exporter_send_failed_spans")),
        "otelcol_exporter_queue_size", "otelcol_exporter_queue_capacity",
        "http_server_request_duration_seconds_count",
        "http_server_request_duration_seconds_bucket", "http_server_request_duration",
        "jaeger_remote_sampling_http_server_requests",
        "otelcol_process_cpu_seconds_total", "otelcol_process_memory_rss_bytes"}


def shown(text):
    """Names of series and of families."""
    return set(re.findall(r"^(?:# TYPE )?([A-Za-z_:]+)[ {]", text, re.MULTILINE))


class MetricNames(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(scratch.cleanup)
        self.data = Path(scratch.name) / "data"

    def value(self, text, series):
        found = re.search(rf"^{re.escape(series)} (\S+)$", text, re.MULTILINE)
        self.assertTrue(found, f"no {series} in\n{text}")
        return float(found[1])

    def test_an_all_in_one(self):
        with Service(PROGRAM, self.data) as service:
            at_once = shown(service.get("admin", "/metrics")[1])
            self.assertEqual(set(NAMES.read_text().split()) - at_once, set())
            root = otlp_json.span("0af7651916cd43dd8448eb211c80319c", 1, "GET /", 2)
            bad = [{**root, "spanId": "0" * 16, "parentSpanId": parent}
                   for parent in ("", "1" * 16)]
            otlp_json.send(service, otlp_json.of_service("shop", [root, *bad]))
            self.assertEqual(service.get("query", "/api/services")[0], 200)
            self.assertEqual(service.get("query", "/api/traces?service=shop&lookback=1h")[0], 200)
            self.assertEqual(service.get("query", "/api/v3/services")[0], 200)
            self.assertEqual(service.get("sampling_http", "/sampling?service=shop")[0], 200)
            self.assertEqual(service.get("sampling_http", "/sampling")[0], 400)
            text = service.get("admin", "/metrics")[1]
            self.assertEqual((STORAGE | QUERY | COLLECTOR | TRACER | BOTH) - shown(text), set())
            by_http = '{debug="false",format="otlp",sampler_type="unknown",svc="other-services",'
            for series, expected in (
                    (f'jaeger_collector_traces_rejected_total{by_http}transport="http"}}', 1),
                    ('otelcol_receiver_accepted_spans_total{receiver="otlp",transport="http"}', 1),
                    ('otelcol_receiver_refused_spans_total{receiver="otlp",transport="http"}', 2),
                    ('otelcol_exporter_sent_spans_total{exporter="jaeger_storage_exporter"}', 1),
                    ('jaeger_storage_responses_count{operation="get_services"}', 2),
                    ('jaeger_storage_responses_sum{operation="get_services"}', 2),
                    ('jaeger_storage_responses_sum{operation="find_traces"}', 1),
                    ('jaeger_storage_requests_total{operation="get_services",result="ok"}', 2),
                    ("jaeger_agent_http_server_total", 2),
                    ('http_server_request_duration_seconds_count{http_response_status_code="200",'
                     'http_route="/api/traces"}', 1),
                    ('http_server_request_duration_seconds_count{http_response_status_code="400",'
                     'http_route="/sampling"}', 1)):
                with self.subTest(series):
                    self.assertEqual(self.value(text, series), expected)
            service.stop()

    def test_an_agent(self):
        packet = (ROOT / "tests/data/wire/jaeger-client-go-2.30.0-jaeger_thrift_compact.bin"
                  ).read_bytes()
        with Service(PROGRAM, self.data) as collector, Service(
                PROGRAM, None,
                f"--reporter.grpc.host-port=127.0.0.1:{collector.ports['jaeger_grpc']}",
                command="agent") as agent:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(packet, ("127.0.0.1", agent.ports["jaeger_compact"]))
            self.assertEqual(agent.get("sampling_http", "/sampling?service=shop")[0], 200)
            sent = 'jaeger_agent_reporter_batches_submitted_total{format="jaeger",protocol="grpc"}'
            deadline = time.monotonic() + 60
            while True:
                text = agent.get("admin", "/metrics")[1]
                if self.value(text, sent) == 1:
                    break
                self.assertLess(time.monotonic(), deadline, text)
                time.sleep(0.05)  # polls another process; nothing in it can wake us
            self.assertEqual((REPORTER | BOTH) - shown(text), set())
            # What an agent has no figure for.
            self.assertEqual({name for name in shown(text) if name.startswith(
                ("jaeger_collector", "jaeger_query", "jaeger_storage", "jaeger_tracer"))}, set())
            self.assertGreater(self.value(
                text, 'otelcol_exporter_sent_spans_total{exporter="jaeger-grpc"}'), 0)
            agent.stop()
            collector.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
