"""Sends what clients once sent (tests/data/wire) to the real ports again, and compares what
Jaeger's query API tells of it with what Jaeger v1.76 told of the same bytes (expected-jaeger-v1,
-udp). Zipkin's own answers are compared in zipkin_test.py.

Usage: replay_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import json
import os
import socket
import sys
import tempfile
import time
import unittest
import urllib.request
from pathlib import Path

try:
    import grpc
except ImportError as missing:
    print(f"replay_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import thrift_compact
from service import Service

PROGRAM = sys.argv.pop(1)
WIRE = Path(__file__).resolve().parents[1] / "data/wire"
PATIENCE = 60
POST_SPANS = "/jaeger.api_v2.CollectorService/PostSpans"

# A capture: how it goes out, and the answer that has its spans.
CAPTURES = {
    "jaeger-client-go-2.30.0-http_thrift_binary": "expected-jaeger-v1/wire-jaeger-go",
    "jaeger-client-java-1.8.1-http_thrift_binary": "expected-jaeger-v1/wire-jaeger-java",
    "otel-python-1.21.0-http_thrift_binary":
        "expected-jaeger-v1/wire-otel-python-jaeger-thrift-http",
    "otel-python-1.21.0-api_v2_PostSpans": "expected-jaeger-v1/wire-otel-python-jaeger-grpc",
    "jaeger-client-go-2.30.0-jaeger_thrift_compact": "expected-jaeger-v1-udp/wire-jaeger-go",
    "jaeger-client-java-1.8.1-jaeger_thrift_compact": "expected-jaeger-v1-udp/wire-jaeger-java",
    "jaeger-client-python-4.8.0-jaeger_thrift_compact":
        "expected-jaeger-v1-udp/wire-jaeger-python",
    "jaeger-client-python-4.8.0-remote-sampler-jaeger_thrift_compact":
        "expected-jaeger-v1-udp/wire-jaeger-python",
    "otel-python-1.21.0-jaeger_thrift_compact":
        "expected-jaeger-v1-udp/wire-otel-python-jaeger-thrift-udp",
}
OTLP_CAPTURES = {
    "otel-python-1.45.2-otlp_grpc": "wire-otel-python-otlp-grpc",
    "otel-python-1.45.2-otlp_http_proto": "wire-otel-python-otlp-http",
    "otel-python-1.45.2-otlp_http_proto_gzip": "wire-otel-python-otlp-http-gzip",
    "otel-node-0.223.1-otlp_grpc": "wire-otel-node-otlp-grpc",
    "otel-node-0.223.1-otlp_http_json": "wire-otel-node-otlp-http-json",
    "otel-node-0.223.1-otlp_http_proto": "wire-otel-node-otlp-http-proto",
}
# Zipkin's with the status that Zipkin itself gives; Jaeger refuses the booleans of two of them
# (400), which Zipkin takes, so that it has nothing to compare with.
ZIPKIN_CAPTURES = {
    "otel-python-1.45.1-zipkin_v2_json": "wire-otel-python-zipkin-json",
    "otel-python-1.45.1-zipkin_v1_json": "wire-otel-python-zipkin-json-v1",
    "otel-python-1.45.1-zipkin_v2_proto": "wire-otel-python-zipkin-proto",
    "otel-node-2.12.1-zipkin_v2_json": "wire-otel-node-zipkin",
    "py_zipkin-0.20.2-zipkin_v1_thrift": "wire-py-zipkin",
    "py_zipkin-1.2.8-zipkin_v2_json": "wire-py-zipkin",
    "py_zipkin-1.2.8-zipkin_v2_proto": "wire-py-zipkin",
    "zipkin-js-0.22.0-zipkin_v2_json": "wire-zipkin-js",
}
REFUSED_BY_JAEGER = {"py_zipkin-1.2.8-zipkin_v1_json", "zipkin-js-0.22.0-zipkin_v1_json"}
# Of 5775, which Jaeger v1.76 has no more: compared with what its bytes say.
OLD_CAPTURE = "jaeger-client-python-3.7.1-zipkin_thrift_compact"
REFUSED_BY_BOTH = {"zipkin-js-0.22.0-zipkin_v1_thrift"}
TYPES = {"json": "application/json", "proto": "application/x-protobuf",
         "thrift": "application/x-thrift"}
EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

# Where Jaeger's answer differs, and why ours is otherwise on purpose:
# - a tag of its own says in which format a span came; our store says it by the span's origin;
FORMAT = "@jaeger@format"
# - v1.76 takes a duration of zero for a negative one and marks it with a tag; zero is not negative.
ZERO = "InvalidNegativeDuration"


def by_key(tags):
    return sorted(tags, key=lambda tag: json.dumps(tag, sort_keys=True))


def without_sdk(tags):
    return [tag for tag in tags if not tag["key"].startswith("telemetry.sdk.")]


def spans_of(answer):
    """By trace and span id: the span with its process, in one order, without the listed
    differences.

    - Warnings: Jaeger's null and our null or empty list are one.
    - The names of processes ("p1") are each answer's own.
    - What names the SDK stands with the span as well as the process in what v1.21 of
      OpenTelemetry's exporter sends; Jaeger's query service moves it to the process, ours leaves it
      where it was sent: compared as one list.
    """
    found = {}
    for trace in answer["data"]:
        for span in trace["spans"]:
            process = trace["processes"][span["processID"]]
            tags = [tag for tag in span["tags"] if tag["key"] not in (FORMAT, ZERO)]
            sdk = {json.dumps(tag, sort_keys=True) for tag in (*tags, *process["tags"])
                   if tag["key"].startswith("telemetry.sdk.")}
            found.setdefault((span["traceID"], span["spanID"]), []).append({
                "traceID": span["traceID"],
                "operationName": span["operationName"],
                "flags": span.get("flags", 0),
                "startTime": span["startTime"],
                "duration": span["duration"],
                "references": span["references"],
                "tags": by_key(without_sdk(tags)),
                "logs": [{"timestamp": log["timestamp"], "fields": by_key(log["fields"])}
                         for log in span["logs"]],
                "warnings": span["warnings"] or [],
                "service": process["serviceName"],
                "process": by_key(without_sdk(process["tags"])),
                "sdk": sorted(sdk),
            })
    return found


# What Jaeger v1.76 tells otherwise of Zipkin's spans, which it takes by OpenTelemetry's
# translators:
# - it loses the debug flag, which ours keeps;
DEBUG = 2
# - of v2 it moves tags that begin with service. or otel.library. to the process, or drops them;
#   ours are where they were sent: both are compared as one list, without these;
MOVED = {"service.name", "otel.library.name", "otel.library.version"}
# - of v1 it gives the local endpoint's address as the process's tags `ipv4` and `port`, and an
#   address annotation (`sa`) as a tag that is true; ours gives both as it does (and Jaeger, too)
#   for v2;
ADDRESSES = {"ipv4", "port", "net.host.ip", "net.host.port", "sa", "net.peer.ip", "net.peer.port",
             "peer.service"}
# - of v1 it drops the text of the tag `error`, where ours has it beside the boolean.


def zipkin_spans_of(answer, v1):
    """As spans_of, without those differences."""
    def kept(tag):
        return (tag["key"] not in MOVED and not (v1 and tag["key"] in ADDRESSES)
                and not (v1 and tag["key"] == "error" and tag["type"] == "string"))

    found = spans_of(answer)
    for spans in found.values():
        for span in spans:
            span["flags"] &= ~DEBUG
            tags = span.pop("tags") + span.pop("process")
            span["tags and process"] = sorted({json.dumps(tag, sort_keys=True) for tag in tags
                                               if kept(tag)})
    return found


class Replay(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.service = Service(PROGRAM, Path(cls.scratch.name) / "data")

    @classmethod
    def tearDownClass(cls):
        try:
            cls.service.stop()
        finally:
            cls.service.kill()
            cls.scratch.cleanup()

    def send(self, name):
        """As its client did; what must be answered is held here."""
        content = (WIRE / f"{name}.bin").read_bytes()
        if name.endswith("jaeger_thrift_compact"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(content, ("127.0.0.1", self.service.ports["jaeger_compact"]))
        elif name.endswith("PostSpans"):
            address = f"127.0.0.1:{self.service.ports['jaeger_grpc']}"
            with grpc.insecure_channel(address) as channel:
                self.assertEqual(channel.unary_unary(POST_SPANS)(content, timeout=PATIENCE), b"")
        else:
            request = urllib.request.Request(self.service.url("jaeger_http", "/api/traces"), content,
                                             {"Content-Type": "application/x-thrift"})
            with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
                self.assertEqual((answer.status, answer.read()), (202, b""))

    def post(self, listener, path, content_type, content, **headers):
        request = urllib.request.Request(self.service.url(listener, path), content,
                                         {"Content-Type": content_type, **headers})
        with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
            return answer.status, answer.read()

    def send_otlp(self, name):
        """The answers are those that Jaeger gave: no partial success."""
        content = (WIRE / f"{name}.bin").read_bytes()
        if name.endswith("grpc"):
            address = f"127.0.0.1:{self.service.ports['otlp_grpc']}"
            with grpc.insecure_channel(address) as channel:
                answer = channel.unary_unary(EXPORT)(content, timeout=PATIENCE)
            self.assertIn(answer, (b"", b"\n\0"))
        else:
            kind = "json" if name.endswith("json") else "proto"
            headers = {"Content-Encoding": "gzip"} if name.endswith("gzip") else {}
            status, answer = self.post("otlp_http", "/v1/traces", TYPES[kind], content, **headers)
            self.assertEqual(status, 200)
            self.assertIn(answer, (b"", b"\n\0", b'{"partialSuccess":{}}'))

    def send_zipkin(self, name):
        content = (WIRE / f"{name}.bin").read_bytes()
        _, version, kind = name.rsplit("-", 1)[1].split("_")
        self.assertEqual(self.post("zipkin", f"/api/{version}/spans", TYPES[kind], content),
                         (202, b""))

    def read(self, trace_id):
        """What the query API tells of the trace; packets take their time."""
        deadline = time.monotonic() + PATIENCE
        while (trace := self.service.trace(trace_id)) is None:
            self.assertLess(time.monotonic(), deadline, f"no trace {trace_id}")
            time.sleep(0.02)  # polls another process; nothing in it can wake us
        return {"data": [trace]}

    def test_every_jaeger_capture_is_told_as_jaeger_told_it(self):
        compared, answers = 0, {}
        for name, file in CAPTURES.items():
            self.send(name)
            answers[file] = json.loads((WIRE / f"{file}.traces.json").read_text())
        for file, answer in answers.items():
            for trace in answer["data"]:
                with self.subTest(file, trace=trace["traceID"]):
                    expected = spans_of({"data": [trace]})
                    told = spans_of(self.read(trace["traceID"]))
                    self.assertEqual(told, expected)
                    compared += len(expected)
        self.assertEqual(compared, 33)
        print(f"    {compared} spans of {len(CAPTURES)} captures are as Jaeger told them",
              file=sys.stderr)

    def compare(self, captures, send, spans, of):
        """`of`: the spans of an answer and a capture's name, as they are compared."""
        compared = 0
        seen = set()
        for name, file in captures.items():
            send(name)
            answer = json.loads((WIRE / f"expected-jaeger-v1/{file}.traces.json").read_text())
            for trace in answer["data"]:
                told = self.service.trace(trace["traceID"])
                # Others are of captures with the same service: to come, or compared.
                if told is None or trace["traceID"] in seen:
                    continue
                seen.add(trace["traceID"])
                with self.subTest(name, trace=trace["traceID"]):
                    expected = of({"data": [trace]}, name)
                    self.assertEqual(of({"data": [told]}, name), expected)
                    compared += len(expected)
        self.assertEqual(compared, spans)
        print(f"    {compared} spans of {len(captures)} captures are as Jaeger told them",
              file=sys.stderr)

    def test_every_otlp_capture_is_told_as_jaeger_told_it(self):
        self.compare(OTLP_CAPTURES, self.send_otlp, 18, lambda answer, _: spans_of(answer))

    def test_every_zipkin_capture_is_told_as_jaeger_told_it(self):
        self.compare(ZIPKIN_CAPTURES, self.send_zipkin, 24,
                     lambda answer, name: zipkin_spans_of(answer, "zipkin_v1" in name))

    def test_services_and_operations_are_those_that_jaeger_listed(self):
        """Jaeger lists them in no order, ours by name. Of its own server's traces, which it lists
        too, there is nothing to send."""
        for captures, send in ((CAPTURES, self.send), (OTLP_CAPTURES, self.send_otlp),
                               (ZIPKIN_CAPTURES, self.send_zipkin)):
            for name in captures:
                send(name)
        expected = json.loads((WIRE / "expected-jaeger-v1/services.json").read_text())
        self.assertEqual(len(expected["data"]), expected["total"])
        ask = lambda path: json.loads(self.service.get("query", path)[1])
        told = ask("/api/services")
        self.assertEqual(set(expected["data"]) - set(told["data"]), set())
        self.assertEqual(told["data"], sorted(set(told["data"])))
        self.assertEqual(told["total"], len(told["data"]))
        self.assertEqual({key: told[key] for key in ("limit", "offset", "errors")},
                         {key: expected[key] for key in ("limit", "offset", "errors")})
        files = sorted(WIRE.glob("expected-jaeger-v1/*.operations.json"))
        self.assertEqual({file.name.removesuffix(".operations.json") for file in files},
                         set(expected["data"]))
        pair = lambda operation: (operation["name"], operation["spanKind"])
        for file in files:
            service = file.name.removesuffix(".operations.json")
            with self.subTest(service):
                listed = json.loads(file.read_text())
                ours = ask(f"/api/operations?service={service}")
                self.assertEqual(sorted(map(pair, ours["data"])),
                                 sorted(map(pair, listed["data"])))
                self.assertEqual({key: ours[key] for key in ours if key != "data"},
                                 {key: listed[key] for key in listed if key != "data"})

    def test_the_capture_of_5775_is_told_as_its_bytes_say(self):
        content = (WIRE / f"{OLD_CAPTURE}.bin").read_bytes()
        name, arguments = thrift_compact.message(content)
        self.assertEqual(name, "emitZipkinBatch")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(content, ("127.0.0.1", self.service.ports["zipkin_compact"]))
        unsigned = lambda number: f"{number & (1 << 64) - 1:016x}"
        (trace,) = self.read(unsigned(arguments[1][0][1]))["data"]
        told = {span["spanID"]: span for span in trace["spans"]}
        self.assertEqual(len(told), len(arguments[1]))
        for sent in arguments[1]:
            span = told[unsigned(sent[4])]
            self.assertEqual(span["operationName"], sent[3].decode())
            self.assertEqual((span["startTime"], span["duration"]), (sent[10], sent[11]))
            parents = [unsigned(sent[5])] if 5 in sent else []
            self.assertEqual([one["spanID"] for one in span["references"]], parents)
            self.assertEqual(trace["processes"][span["processID"]]["serviceName"],
                             "wire-jaeger-python-old")
            tags = {tag["key"]: tag["value"] for tag in span["tags"]}
            for tag in sent[8]:  # "sa", "ca": addresses; "lc": the service
                key, value = tag[1].decode(), tag[2].decode()
                if key not in ("sa", "ca", "lc"):
                    self.assertEqual(str(tags[key]), value, key)
            kinds = {note[2] for note in sent[6]} & {b"cs", b"sr"}
            if kinds:
                self.assertEqual(tags["span.kind"], "client" if b"cs" in kinds else "server")
            core = (b"cs", b"cr", b"ss", b"sr")
            self.assertEqual(sorted(log["timestamp"] for log in span["logs"]),
                             sorted(note[1] for note in sent[6] if note[2] not in core))

    def test_every_capture_is_replayed(self):
        here = {path.stem for path in WIRE.glob("*.bin")}
        self.assertEqual(here, {*CAPTURES, *OTLP_CAPTURES, *ZIPKIN_CAPTURES, *REFUSED_BY_JAEGER,
                                *REFUSED_BY_BOTH, OLD_CAPTURE})


if __name__ == "__main__":
    unittest.main(verbosity=2)
