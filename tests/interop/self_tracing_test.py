"""Spans of the services' own requests: by real requests, read back out of the store.

Usage: self_tracing_test.py PROGRAM
Exit 77 (skipped) where something isn't installed, but not in CI
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

from otlp_json import of_service, send, span
from service import Service

try:
    import grpc
    import protos
except ImportError as error:
    print(f"self_tracing_test: not run: {error} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

PROGRAM = sys.argv[1]
CALLER = "4bf92f3577b34da6a3ce929d0e0e4736"
CALLERS_SPAN = "00f067aa0ba902b7"
SAMPLED = f"00-{CALLER}-{CALLERS_SPAN}-01"
NOT_SAMPLED = f"00-{CALLER}-{CALLERS_SPAN}-00"


def ask(service, listener, path, **headers):
    request = urllib.request.Request(service.url(listener, path), headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read()


def written(service):
    """Spans that the service has written of its own requests; the admin port makes none."""
    prefix = 'tracestore_self_tracing_spans{outcome="written"} '
    for line in ask(service, "admin", "/metrics")[1].decode().splitlines():
        if line.startswith(prefix):
            return float(line.removeprefix(prefix))
    return None


class SelfTracing(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(self.scratch.cleanup)
        self.data = Path(self.scratch.name) / "data"

    def wait_until_written(self, service, spans):
        deadline = time.monotonic() + 60
        while written(service) < spans:
            self.assertLess(time.monotonic(), deadline, service.log())
            time.sleep(0.02)  # they are written each second; nothing tells when
        self.assertEqual(written(service), spans)

    def own_spans(self, service, data):
        """What a reader sees of a service: operation to span."""
        with Service(PROGRAM, data, command="query") as query:
            body = json.loads(ask(query, "query", f"/api/traces?service={service}&limit=1000")[1])
            query.stop()
        spans = {}
        for trace in body["data"] or []:
            for one in trace["spans"]:
                one["tags"] = {tag["key"]: tag["value"] for tag in one["tags"]}
                one["service"] = trace["processes"][one["processID"]]["serviceName"]
                if one["service"] == service:
                    spans.setdefault(one["operationName"], []).append(one)
        return spans

    def test_all_in_one_traces_itself_into_its_store(self):
        with Service(PROGRAM, self.data, "--self-tracing.enabled") as service:
            send(service, of_service("shop", [span("1" * 32, 1, "GET /", 2)]))
            ask(service, "query", "/api/services", traceparent=SAMPLED)
            ask(service, "query", "/api/services", traceparent=NOT_SAMPLED)
            ask(service, "query", "/api/traces?service=shop&limit=5")
            ask(service, "zipkin", "/api/v2/services", b3=f"{CALLER}-{CALLERS_SPAN}-1")
            with grpc.insecure_channel(f"127.0.0.1:{service.ports['query_grpc']}") as channel:
                stub = API.stub(channel, "jaeger.api_v2.QueryService")
                stub.GetServices(API["jaeger.api_v2.GetServicesRequest"](), timeout=60,
                                 metadata=(("traceparent", SAMPLED),))
                with self.assertRaises(grpc.RpcError):
                    list(stub.GetTrace(API["jaeger.api_v2.GetTraceRequest"](
                        trace_id=bytes(16)), timeout=60))
            self.wait_until_written(service, 6)
            service.stop()
        spans = self.own_spans("tracestore-all-in-one", self.data)
        self.assertEqual({name: len(ones) for name, ones in spans.items()}, {
            "POST": 1, "GET /api/services": 1, "GET /api/traces": 1, "GET /api/v2/services": 1,
            "jaeger.api_v2.QueryService/GetServices": 1, "jaeger.api_v2.QueryService/GetTrace": 1})
        for name in ("GET /api/services", "GET /api/v2/services",
                     "jaeger.api_v2.QueryService/GetServices"):
            (one,) = spans[name]
            self.assertEqual(one["traceID"], CALLER)
            self.assertEqual([reference["spanID"] for reference in one["references"]],
                             [CALLERS_SPAN])
        (search,) = spans["GET /api/traces"]
        self.assertNotEqual(search["traceID"], CALLER)
        self.assertEqual(search["references"], [])
        tags = search["tags"]
        self.assertEqual(tags["span.kind"], "server")
        self.assertEqual((tags["http.request.method"], tags["http.route"],
                          tags["http.response.status_code"], tags["url.query"]),
                         ("GET", "/api/traces", 200, "service=shop&limit=5"))
        self.assertGreater(tags["http.response.body.size"], 100)
        (get,) = spans["jaeger.api_v2.QueryService/GetTrace"]
        self.assertEqual((get["tags"]["rpc.system"], get["tags"]["rpc.service"],
                          get["tags"]["rpc.method"]),
                         ("grpc", "jaeger.api_v2.QueryService", "GetTrace"))
        self.assertGreater(get["tags"]["rpc.grpc.status_code"], 0)

    def test_query_sends_its_spans_and_their_coming_makes_none(self):
        with Service(PROGRAM, self.data, "--self-tracing.enabled",
                     "--self-tracing.service-name=taker", command="collector") as collector:
            with Service(PROGRAM, self.data, "--self-tracing.enabled",
                         f"--self-tracing.otlp-endpoint={collector.url('otlp_http')}",
                         command="query") as query:
                ask(query, "query", "/api/services")
                ask(query, "query_zipkin", "/api/v2/services", traceparent=SAMPLED)
                self.wait_until_written(query, 2)
                query.stop()
            collector.stop()
        spans = self.own_spans("tracestore-query", self.data)
        self.assertEqual(set(spans), {"GET /api/services", "GET /api/v2/services"})
        self.assertEqual(spans["GET /api/v2/services"][0]["traceID"], CALLER)
        # The collector has served nothing but the sending of those.
        self.assertEqual(self.own_spans("taker", self.data), {})

    def test_it_is_off_by_default_and_a_share_where_one_is_asked(self):
        with Service(PROGRAM, self.data) as service:
            ask(service, "query", "/api/services", traceparent=SAMPLED)
            self.assertIsNone(written(service))
            service.stop()
        with Service(PROGRAM, self.data, environment={
                "SELF_TRACING_ENABLED": "true", "SELF_TRACING_SAMPLE_RATE": "0"}) as service:
            for _ in range(20):
                ask(service, "query", "/api/services")
            ask(service, "query", "/api/services", traceparent=SAMPLED)
            self.wait_until_written(service, 1)
            service.stop()

    def test_query_wants_to_know_where_to(self):
        for flags, sentence in (
                (["--self-tracing.enabled"], "say with self-tracing.otlp-endpoint which collector"),
                (["--self-tracing.otlp-endpoint=ftp://x"], "self-tracing.otlp-endpoint")):
            done = subprocess.run([PROGRAM, "query", "--data", str(self.data), *flags],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    lacking = protos.missing()
    if lacking:
        print(f"self_tracing_test: not run: {lacking}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    API = protos.Protos("api_v2/query.proto")
    unittest.main(argv=sys.argv[:1])
