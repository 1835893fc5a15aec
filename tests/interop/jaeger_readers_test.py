"""What reads from Jaeger's query APIs: jaeger-mcp over the legacy HTTP API, and a Go client
generated from our own .proto files over gRPC; then what large answers cost, and how one that fails
ends.

Usage: jaeger_readers_test.py PROGRAM CLIENTS
CLIENTS: where scripts/bootstrap --clients installed them. Exit 77 (skipped) where some of them are
missing, but not in CI.
"""

import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.request
from pathlib import Path

from service import Service

HERE = Path(__file__).resolve().parent / "clients"
PROGRAM = sys.argv[1]
CLIENTS = Path(sys.argv[2])
MCP = CLIENTS / "jaeger_mcp/bin"
GO = CLIENTS / "jaeger_query_go/jaeger_query_go"
absent = [str(path) for path in (MCP / "jaeger-mcp", GO) if not path.exists()]
if absent:
    print(f"jaeger_readers_test: not run: {', '.join(absent)} missing (scripts/bootstrap --clients)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

TRACE = "0af7651916cd43dd8448eb211c80319c"
ROOT, CHILD = "00f067aa0ba902b7", "00f067aa0ba902b8"


def attribute(key, value):
    kind = {int: "intValue", str: "stringValue"}[type(value)]
    return {"key": key, "value": {kind: str(value)}}


def resource_spans(service, spans):
    return {"resource": {"attributes": [attribute("service.name", service)]},
            "scopeSpans": [{"spans": spans}]}


def post(service, *of_resources):
    body = json.dumps({"resourceSpans": of_resources}).encode()
    request = urllib.request.Request(service.url("otlp_http", "/v1/traces"), body,
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=120) as answer:
        assert answer.status == 200, answer.read()


def send_shop(service):
    """A trace of two services: a server that fails, and the call within."""
    start = time.time_ns() - 60 * 10**9
    post(service,
         resource_spans("front", [{
             "traceId": TRACE, "spanId": ROOT, "name": "GET /cart", "kind": 2,
             "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 250_000_000),
             "attributes": [attribute("http.status_code", 500)],
             "status": {"code": 2, "message": "boom"}}]),
         resource_spans("stock", [{
             "traceId": TRACE, "spanId": CHILD, "parentSpanId": ROOT, "name": "query", "kind": 2,
             "startTimeUnixNano": str(start + 50_000_000),
             "endTimeUnixNano": str(start + 150_000_000)}]))


class Readers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.service = Service(PROGRAM, Path(cls.scratch.name) / "data")
        send_shop(cls.service)

    @classmethod
    def tearDownClass(cls):
        cls.service.kill()
        cls.scratch.cleanup()

    def mcp(self, *calls):
        """What each tool gave as data."""
        done = subprocess.run(
            [MCP / "python", HERE / "jaeger_mcp_client.py", MCP / "jaeger-mcp", json.dumps(calls)],
            capture_output=True, text=True, timeout=300,
            env={**os.environ, "JAEGER_URL": self.service.url("query")})
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = json.loads(done.stdout)["answers"]
        for (tool, _), answer in zip(calls, answers):
            self.assertFalse(answer["error"], (tool, answer["text"]))
        return [answer["data"] for answer in answers]

    def test_an_assistant_reads_over_the_legacy_api(self):
        services, operations, found, trace, links, path, statistics = self.mcp(
            ["jaeger_list_services", {}],
            ["jaeger_list_operations", {"service": "front"}],
            ["jaeger_search_traces", {"service": "front", "operation": "GET /cart",
                                      "min_duration": "200ms", "max_duration": "1s", "limit": 5}],
            ["jaeger_get_trace", {"trace_id": TRACE}],
            ["jaeger_get_dependencies", {}],
            ["jaeger_critical_path", {"trace_id": TRACE}],
            ["jaeger_span_statistics", {"service": "front"}])
        self.assertEqual(services["services"], ["front", "stock"])
        self.assertEqual(operations["operations"], ["GET /cart"])
        self.assertEqual([one["trace_id"] for one in found["traces"]], [TRACE])
        self.assertEqual(found["traces"][0]["span_count"], 2)
        self.assertEqual(trace["trace_id"], TRACE)
        self.assertEqual(trace["total_duration_us"], 250_000)
        self.assertEqual({(span["service"], span["operation_name"], span["parent_span_id"])
                          for span in trace["spans"]},
                         {("front", "GET /cart", None), ("stock", "query", ROOT)})
        self.assertEqual(links["edges"], [{"parent": "front", "child": "stock", "call_count": 1}])
        self.assertIn("GET /cart", json.dumps(path))
        self.assertEqual([(one["operation"], one["count"]) for one in statistics["stats"]
                          if one["operation"] == "GET /cart"], [("GET /cart", 1)])

    def test_go_clients_read_over_grpc(self):
        spans = {ROOT: "front GET /cart", CHILD: "stock query"}
        for port in ("query_grpc", "query"):
            with self.subTest(port):
                done = subprocess.run(
                    [GO, f"127.0.0.1:{self.service.ports[port]}", "front", "GET /cart", TRACE],
                    capture_output=True, text=True, timeout=120)
                self.assertEqual(done.returncode, 0, done.stderr)
                answers = json.loads(done.stdout)
                for api in ("v2", "v3"):
                    self.assertEqual(answers[f"{api}.services"], ["front", "stock"])
                    self.assertEqual(answers[f"{api}.find"], spans)
                    self.assertEqual(answers[f"{api}.get"], spans)
                self.assertEqual(answers["v2.absent"], "NotFound: trace not found")
                self.assertEqual(answers["v3.absent"], "NotFound: trace not found")
                self.assertEqual(answers["v2.operations"], ["server GET /cart"])
                self.assertEqual(answers["v2.dependencies"], ["front stock 1"])
                self.assertEqual(answers["v2.slow"], {})
                self.assertEqual(answers["v3.summaries"], 1)


class Large(unittest.TestCase):
    """Many traces in one answer."""

    TRACES, SPANS = 240, 200

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.data = Path(cls.scratch.name) / "data"
        with Service(PROGRAM, cls.data) as service:
            cls.fill(service)
            service.stop()  # seals

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    @classmethod
    def fill(cls, service):
        start = 1_700_000_000 * 10**9
        for number in range(cls.TRACES):
            begin = start + number * 10**9
            post(service, resource_spans("bulk", [{
                "traceId": f"{number + 1:032x}", "spanId": f"{i + 1:016x}", "name": f"step {i % 7}",
                **({"parentSpanId": f"{i:016x}"} if i else {}),
                "startTimeUnixNano": str(begin + i * 1000),
                "endTimeUnixNano": str(begin + 10**9 - i * 1000),
                "attributes": [attribute("note", f"{number} {i} " + "x" * 200)],
            } for i in range(cls.SPANS)]))

    # What is freed is given back, so that memory is what is held; nothing is kept from call to
    # call.
    FLAGS = ("--query-memory=0",)
    ENVIRONMENT = {"ASAN_OPTIONS": "quarantine_size_mb=1:thread_local_quarantine_size_kb=16",
                   "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "1048576"}
    ALL = "service=bulk&start=1&end=9000000000000000&limit=1000"

    def read(self, service, listener, path):
        """Status and length of the body, read piece by piece; it has to be whole."""
        connection = http.client.HTTPConnection("127.0.0.1", service.ports[listener], timeout=300)
        connection.request("GET", path)
        answer = connection.getresponse()
        length = 0
        while piece := answer.read(1 << 20):
            length += len(piece)
        connection.close()
        return answer.status, length

    def peak(self, service, listener, path):
        """How far anonymous memory rose above where it was, in bytes, and the length of the
        answer."""
        status_file = Path(f"/proc/{service.process.pid}/status")

        def anonymous():
            (line,) = [one for one in status_file.read_text().splitlines()
                       if one.startswith("RssAnon:")]
            return int(line.split()[1]) * 1024

        before, highest, done = anonymous(), [0], threading.Event()

        def watch():
            while not done.wait(0.002):  # samples another process
                highest[0] = max(highest[0], anonymous())

        watcher = threading.Thread(target=watch)
        watcher.start()
        try:
            status, length = self.read(service, listener, path)
        finally:
            done.set()
            watcher.join()
        self.assertEqual(status, 200)
        return max(highest[0], anonymous()) - before, length

    def test_memory_is_that_of_one_trace(self):
        with Service(PROGRAM, self.data, *self.FLAGS, environment=self.ENVIRONMENT) as service:
            for listener, path in (
                    ("query", f"/api/traces?{self.ALL}"),
                    ("zipkin", "/api/v2/traces?serviceName=bulk&endTs=1800000000000"
                               "&lookback=1800000000000&limit=1000"),
                    ("query", "/api/v3/traces?query.service_name=bulk"
                              "&query.start_time_min=2000-01-01T00:00:00Z"
                              "&query.start_time_max=2100-01-01T00:00:00Z"
                              "&query.search_depth=1000")):
                with self.subTest(path):
                    self.peak(service, listener, path)  # what is opened once stays
                    risen, length = self.peak(service, listener, path)
                    self.assertGreater(length, self.TRACES * self.SPANS * 300)
                    self.assertLess(risen, length / 2, length)
                    print(f"{listener} {path[:20]}: {length >> 10} KiB answered, memory rose by "
                          f"{risen >> 10} KiB")

    def damage(self):
        """Flips bytes of the first page of each segment: of the oldest traces, which come last."""
        segments = sorted((self.data / "segments").glob("*.seg"))
        self.assertTrue(segments)
        with open(segments[0], "r+b") as file:
            file.seek(16 + 8 + 40)
            byte = file.read(1)
            file.seek(-1, os.SEEK_CUR)
            file.write(bytes([byte[0] ^ 0xff]))

    def test_what_fails_midway_is_broken_off(self):
        self.damage()
        try:
            with Service(PROGRAM, self.data) as service:
                status, body = service.get("query", f"/api/traces/{1:032x}")
                self.assertEqual(status, 500, body)
                self.assertIn("checksum", body)
                connection = http.client.HTTPConnection("127.0.0.1", service.ports["query"],
                                                        timeout=300)
                connection.request("GET", f"/api/traces?{self.ALL}")
                answer = connection.getresponse()
                self.assertEqual(answer.status, 200)
                self.assertEqual(answer.getheader("Transfer-Encoding"), "chunked")
                with self.assertRaises((http.client.IncompleteRead, ConnectionResetError)) as broken:
                    answer.read()
                partial = getattr(broken.exception, "partial", b"")
                self.assertNotIn(b'"errors":', partial)  # what would end the envelope
                # The service lives, and answers what isn't damaged.
                self.assertEqual(service.get("query", f"/api/traces/{self.TRACES:032x}")[0], 200)
        finally:
            self.damage()  # once more is as it was


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
