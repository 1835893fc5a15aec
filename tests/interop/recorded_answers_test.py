"""Asks a real service everything that real Jaeger servers were asked, over the same spans, and
compares statuses and bodies with what they said: shared/protocols/jaeger-v1-answers.txt (v1.76) for
the legacy routes, jaeger-v2-answers.txt (the head of v2) for /api/v3. The files are read from
beside TRACESTORE_SHARED_DATA, where they may stay.

Usage: recorded_answers_test.py PROGRAM     exit 77 (skipped) where the files aren't there
"""

import base64
import json
import os
import re
import sys
import tempfile
import unittest
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

from service import Service

PROGRAM = sys.argv.pop(1)
ROOT = Path(__file__).resolve().parents[2]
RECORDED = Path(os.environ.get("TRACESTORE_SHARED_DATA", ROOT.parent / "shared/data")
                ).parent / "protocols"
if not (RECORDED / "jaeger-v1-answers.txt").exists():
    print(f"recorded_answers_test: not run: no jaeger-v1-answers.txt in {RECORDED} "
          "(TRACESTORE_SHARED_DATA names the folder beside it)")
    sys.exit(77)

TRACE = "0af7651916cd43dd8448eb211c80319c"
CUT = re.compile(r"…\((\d+) bytes\)$")
# Lists that Jaeger gives in no order; ours are by name.
UNORDERED = {"/api/services", "/api/services/fe/operations", "/api/operations?service=fe",
             "/api/v3/services", "/api/v3/operations?service=fe"}
# What ours says otherwise, and why. Of each the status is held here, and how the answer begins.
REAL = "Jaeger's open server answers canned data; ours counts"
COMPUTED = "Jaeger needs Prometheus for it; ours computes it from the store"
NO_PAGE = "a page of Jaeger's UI; without --query.static-files there is none"
V1_DIFFERS = {
    "GET /api/deep-dependencies?service=fe": (200, '{"dependencies":[', REAL),
    "GET /api/quality-metrics": (400, "", REAL + " for one service, which has to be named"),
    "GET /api/metrics/latencies?service=fe&quantile=0.95":
        (200, '{"name":"service_latencies"', COMPUTED),
    "GET /api/metrics/calls?service=fe": (200, '{"name":"service_call_rate"', COMPUTED),
    "GET /api/metrics/minstep": (200, '{"data":1', COMPUTED),
    "GET /api/nosuch": (404, "404 page", "v1 gives its page; unknown routes of an API are none"),
    "GET /search": (404, "", NO_PAGE),
    "GET /api/archive GET": (405, "GET is not allowed on /api/archive/", "theirs has no sentence"),
    f"POST /api/archive/{TRACE}":
        (200, '{"data":[]', "no archive was configured there; ours has one"),
    "POST /api/transform bad":
        (400, '{"data":null,"total":0,"limit":0,"offset":0,"errors":[{"code":400,"msg":"cannot '
         "unmarshal OTLP : ", "the rest is in the words of each one's parser"),
}
V2_DIFFERS = {
    "GET /api/v3/dependencies":
        (400, '{"error":{"httpCode":400,"message":"start_time and end_time are required"}}',
         "it came with a later head"),
    "filter": (200, '{"summaries":[{"traceId":"' + TRACE, "the gate of filters was closed"),
}


def recorded(name):
    """(section, request, status, body) of a file; the body without its last line ends."""
    section, answers = "", []
    for line in (RECORDED / name).read_text().split("\n"):
        if line.startswith("==== "):
            section = line[5:]
        elif line.startswith("## "):
            answers.append([section, line[3:], None, []])
        elif answers and answers[-1][2] is None:
            answers[-1][2] = int(line.split()[0])
        elif answers:
            answers[-1][3].append(line)
    return [(section, request, status, "\n".join(body).rstrip("\n"))
            for section, request, status, body in answers]


def otlp(start_ns):
    """The spans that the servers were sent, as their answers tell of them."""
    def text(key, value):
        return {"key": key, "value": {"stringValue": value}}

    def span(span_id, parent, name, kind, after_ms, ms, **more):
        begin = start_ns + after_ms * 1_000_000
        return {"traceId": TRACE, "spanId": span_id, "parentSpanId": parent, "name": name,
                "kind": kind, "startTimeUnixNano": str(begin),
                "endTimeUnixNano": str(begin + ms * 1_000_000), **more}

    root = span("00f067aa0ba902b7", "", "GET /", 2, 0, 50, attributes=[
        {"key": "arr", "value": {"arrayValue": {"values": [{"stringValue": "x"},
                                                           {"intValue": "1"}]}}},
        {"key": "b", "value": {"boolValue": True}},
        {"key": "bytes", "value": {"bytesValue": "AQI="}},
        {"key": "d", "value": {"doubleValue": 1.5}},
        {"key": "http.status_code", "value": {"intValue": "200"}},
    ], events=[{"timeUnixNano": str(start_ns + 1000), "name": "ev", "attributes": [text("k", "v")]}],
        links=[{"traceId": "0af7651916cd43dd8448eb211c80319d", "spanId": "00f067aa0ba902b8"}])
    call = span("00f067aa0ba90301", "00f067aa0ba902b7", "call be", 3, 5, 30)
    work = span("00f067aa0ba90302", "00f067aa0ba90301", "work", 2, 7, 20,
                status={"code": 2, "message": "boom"},
                attributes=[{"key": "error", "value": {"boolValue": True}}])
    return {"resourceSpans": [
        {"resource": {"attributes": [text("host.name", "h1"), text("service.name", "fe")]},
         "scopeSpans": [{"scope": {"name": "lib", "version": "1"}, "spans": [root, call]}]},
        {"resource": {"attributes": [text("service.name", "be")]},
         "scopeSpans": [{"spans": [work]}]},
    ]}


def in_order(value):
    """Objects' fields and lists of tags, spans and names in one order."""
    if isinstance(value, dict):
        return {key: in_order(one) for key, one in sorted(value.items())}
    if isinstance(value, list):
        return sorted((in_order(one) for one in value),
                      key=lambda one: json.dumps(one, sort_keys=True))
    return value


class RecordedAnswers(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")

    @classmethod
    def tearDownClass(cls):
        cls.scratch.cleanup()

    def ask(self, service, listener, method, path, body=None, content_type="application/json"):
        request = urllib.request.Request(service.url(listener, path), body, method=method,
                                         headers={"Content-Type": content_type} if body else {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.content_type = answer.headers["Content-Type"]
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            self.content_type = error.headers["Content-Type"]
            return error.code, error.read().decode()

    def serve(self, answers):
        """A service with the spans of that server, so many hours later that they are new."""
        told = next(body for _, request, _, body in answers
                    if request == f"GET /api/v3/traces/{TRACE}")
        start_ns = int(re.search(r'"startTimeUnixNano":"(\d+)"', told)[1])
        self.later_s = (time.time_ns() - start_ns) // 10**9 // 60 * 60
        start_ns += self.later_s * 10**9
        self.whole = None
        service = Service(PROGRAM, Path(self.scratch.name) / self.id().rsplit(".", 1)[1])
        self.addCleanup(service.kill)
        spans = json.dumps(otlp(start_ns)).encode()
        self.assertEqual(self.ask(service, "otlp_http", "POST", "/v1/traces", spans),
                         (200, '{"partialSuccess":{}}'))
        zipkin = json.dumps([{"traceId": "463ac35c9f6413ad", "id": "463ac35c9f6413ad",
                              "name": "get", "kind": "SERVER", "timestamp": start_ns // 1000,
                              "duration": 10, "localEndpoint": {"serviceName": "zfe"}}]).encode()
        self.assertEqual(self.ask(service, "zipkin", "POST", "/api/v2/spans", zipkin), (202, ""))
        return service, spans

    def later(self, path):
        """The request, asked so many hours later."""
        path = re.sub(r"(start|end)=(\d{16})",
                      lambda m: f"{m[1]}={int(m[2]) + self.later_s * 10**6}", path)
        path = re.sub(r"endTs=(\d{13})", lambda m: f"endTs={int(m[1]) + self.later_s * 1000}",
                      path)
        moved = lambda m: (datetime.fromisoformat(m[0][:-1])
                           + timedelta(seconds=self.later_s)).isoformat() + "Z"
        return re.sub(r"\d{4}-\d\d-\d\dT[\d:]{8}Z", moved, path)

    def as_then(self, told):
        """The answer with the times of that server."""
        told = re.sub(r'(?<=")\d{19}(?=")', lambda m: str(int(m[0]) - self.later_s * 10**9), told)
        return re.sub(r"\b\d{16}\b", lambda m: str(int(m[0]) - self.later_s * 10**6), told)

    def compare(self, request, told, expected):
        """Of an answer that was recorded in part: its length, and all that the whole one said of
        the trace."""
        cut = CUT.search(expected)
        path = request.split()[1]
        try:
            ours = json.loads(told)
        except ValueError:
            self.assertEqual(told.strip(), expected.strip())
            return
        if path == f"/api/traces/{TRACE}":
            self.whole = json.loads(expected)
        if cut and "/api/v3" not in path and "prettyPrint" not in path:
            self.assertEqual(len(told.encode()), int(cut[1]))
            self.assertEqual(in_order(ours["data"]), in_order(self.whole["data"]))
        elif cut and "prettyPrint" in path:
            self.assertEqual(told.split("\n")[:9], expected.split("\n")[:9])
            self.assertEqual(in_order(ours["data"]), in_order(self.whole["data"]))
        elif cut:
            known = expected[:cut.start()]
            self.assertEqual(told[:len(known)], known)
        elif path in UNORDERED or TRACE in path or "dependencies" in path:
            self.assertEqual(in_order(ours), in_order(json.loads(expected)))
        else:
            self.assertEqual(ours, json.loads(expected))

    def replay(self, service, spans, answers, differs, wanted):
        compared = 0
        for section, request, status, expected in answers:
            if section != "QUERY" or not wanted(request):
                continue
            method, path = request.split()[:2]
            body = None
            if request == "GET /api/archive GET":
                path = f"/api/archive/{TRACE}"
            if path == "/api/transform":
                body = b"{bad" if request.endswith("bad") else spans
            with self.subTest(request):
                code, told = self.ask(service, "query", method, self.later(path), body)
                # Also of errors, which v1 says are text.
                if told.startswith("{"):
                    self.assertEqual(self.content_type, "application/json")
                told = self.as_then(told)
                other = differs.get("filter" if "query.filter" in path else request)
                self.assertEqual(code, other[0] if other else status, told)
                if other:
                    self.assertEqual(told[:len(other[1])], other[1])
                else:
                    self.compare(request, told, expected)
                compared += 1
        return compared

    def ingest(self, service, answers):
        """What the collector's ports said. On 9411 ours answers in Zipkin's own words."""
        said = {request: (status, body) for section, request, status, body in answers
                if section == "INGEST"}
        thrift = "application/x-thrift"
        for request, listener, path, body, content_type in (
                ("POST otlp/http wrong content-type", "otlp_http", "/v1/traces", b"{}", "text/plain"),
                ("POST jaeger thrift http bad type", "jaeger_http", "/api/traces", b"x", "text/plain"),
                ("GET sampling /api/sampling?service=fe", "jaeger_http", "/api/sampling?service=fe",
                 None, None),
                ("GET sampling no service", "jaeger_http", "/api/sampling", None, None)):
            with self.subTest(request):
                method = request.split()[0]
                status, told = self.ask(service, listener, method, path, body, content_type)
                self.assertEqual((status, told.strip()), said[request])
        # What the parser says of bytes is each one's own.
        status, told = self.ask(service, "otlp_http", "POST", "/v1/traces", b"{bad")
        expected = json.loads(said["POST otlp/http bad json"][1])
        self.assertEqual((status, json.loads(told).keys(), json.loads(told)["code"]),
                         (400, expected.keys(), expected["code"]))
        status, told = self.ask(service, "jaeger_http", "POST", "/api/traces", b"\x0c", thrift)
        sentence = "Unable to process request body: "
        self.assertEqual((status, told[:len(sentence)]), (400, sentence))
        self.assertTrue(said["POST jaeger thrift http bad body"][1].startswith(sentence))

    def analyses(self, service):
        """Where Jaeger's open server answers canned data: counted from the spans that were sent."""
        window = "?service=fe&start=1&end=9000000000000000"
        for path in ("/api/deep-dependencies", "/analytics/v1/dependencies"):
            status, told = self.ask(service, "query", "GET", path + window)
            self.assertEqual((status, self.content_type), (200, "application/json"))
            (one,) = json.loads(told)["dependencies"]
            self.assertEqual([step["service"] for step in one["path"]], ["fe", "be"])
            self.assertIn({"key": "exemplar_trace_id", "value": TRACE}, one["attributes"])
        status, told = self.ask(service, "query", "GET", "/api/quality-metrics?service=fe&hours=48")
        self.assertEqual((status, self.content_type), (200, "application/json"))
        told = json.loads(told)
        metrics = {metric["name"]: metric for metric in told["metrics"]}
        # The two spans of `fe` have ids of their own; below its call a server's span stands.
        unique = metrics["Unique Span IDs"]
        self.assertEqual((unique["passCount"], unique["failureCount"]), (2, 0))
        self.assertEqual(metrics["Client Spans"]["passCount"], 1)
        self.assertEqual({score["key"] for score in told["scores"]}, {"coverage", "quality"})

    def test_legacy_routes_answer_as_v1_did(self):
        answers = recorded("jaeger-v1-answers.txt")
        service, spans = self.serve(answers)
        compared = self.replay(service, spans, answers, V1_DIFFERS,
                               lambda request: "/api/v3" not in request)
        self.assertGreater(compared, 35)
        print(f"    {compared} answers, {len(V1_DIFFERS)} of them differ on purpose",
              file=sys.stderr)

        self.ingest(service, answers)
        self.analyses(service)
        # Newer servers, and JSON of protobuf, have ids in base64, too.
        for alphabet in (base64.b64encode, base64.urlsafe_b64encode):
            coded = urllib.parse.quote(alphabet(bytes.fromhex(TRACE)), safe="")
            for path, found in (("/api/traces/", '{"data":[{"traceID":"' + TRACE),
                                ("/api/traces?traceID=", '{"data":[{"traceID":"' + TRACE),
                                ("/api/v3/traces/", '{"result":{"resourceSpans":[')):
                status, told = self.ask(service, "query", "GET", path + coded)
                self.assertEqual((status, told[:len(found)]), (200, found), path)
        # The admin's pages: what of them names no moment or version. /debug/vars has what Go's
        # runtime keeps; ours answers as on any path that it doesn't know.
        admin = {request: (status, body) for section, request, status, body in answers
                 if section == "ADMIN"}
        for request in ("GET /", "GET /version", "GET /status"):
            with self.subTest(request):
                status, told = self.ask(service, "admin", *request.split())
                self.assertEqual(status, admin[request][0])
                self.assertEqual(json.loads(told).keys(), json.loads(admin[request][1]).keys())
        status, told = self.ask(service, "admin", "GET", "/metrics")
        self.assertEqual((status, told[:7]), (200, admin["GET /metrics"][1][:7]))

    def test_v3_answers_as_the_head_did(self):
        answers = recorded("jaeger-v2-answers.txt")
        service, spans = self.serve(answers)
        compared = self.replay(service, spans, answers, V2_DIFFERS,
                               lambda request: "/api/v3" in request)
        self.assertGreater(compared, 8)
        print(f"    {compared} answers, {len(V2_DIFFERS)} of them differ on purpose",
              file=sys.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
