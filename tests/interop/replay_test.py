"""Sends what Jaeger's clients once sent (tests/data/wire) to the real ports again, and compares what the
query API tells of it with what Jaeger v1.76 told of the same bytes (expected-jaeger-v1, -udp).

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
    """By trace and span id: the span with its process, in one order, without the listed differences.

    - Warnings: Jaeger's null and our null or empty list are one.
    - The names of processes ("p1") are each answer's own.
    - What names the SDK stands with the span as well as the process in what v1.21 of OpenTelemetry's
      exporter sends; Jaeger's query service moves it to the process, ours leaves it where it was sent:
      compared as one list.
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

    def test_every_jaeger_capture_is_replayed(self):
        here = {path.stem for path in WIRE.glob("*.bin")
                if path.stem.endswith(("http_thrift_binary", "jaeger_thrift_compact", "PostSpans"))}
        self.assertEqual(here, set(CAPTURES))


if __name__ == "__main__":
    unittest.main(verbosity=2)
