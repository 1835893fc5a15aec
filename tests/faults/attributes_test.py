"""A span of 10,000 attributes by every protocol that carries some: it is kept with as many as
limits.attributes says and a mark, and what went is counted with the span and in the metrics. A
packet of UDP holds fewer: by the default it is kept whole.

Usage: attributes_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import json
import os
import socket
import sys
import tempfile
import unittest

try:
    import grpc  # noqa: F401  target.py needs it
except ImportError as missing:
    print(f"attributes_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import messages
from messages import Binary, Compact
from target import GRPC_CALLS, Target, eventually

PROGRAM = sys.argv.pop(1)
MOST = 8192  # limits.attributes, the default
FEWER = 2000  # than a packet holds
MANY = [(f"{i:04}", "v") for i in range(10_000)]  # in order: Zipkin sorts them
MOST_PACKET = 65_000

POSTS = {
    "OTLP, protobuf": ("otlp_http", "/v1/traces", "application/x-protobuf",
                       messages.otlp_protobuf),
    "OTLP, JSON": ("otlp_http", "/v1/traces", "application/json", messages.otlp_json),
    "Zipkin v2, JSON": ("zipkin", "/api/v2/spans", "application/json", messages.zipkin_json),
    "Zipkin v2, protobuf": ("zipkin", "/api/v2/spans", "application/x-protobuf",
                            messages.zipkin_protobuf),
    "Zipkin v1, JSON": ("zipkin", "/api/v1/spans", "application/json", messages.zipkin_v1_json),
    "Zipkin v1, Thrift": ("zipkin", "/api/v1/spans", "application/x-thrift",
                          messages.zipkin_v1_thrift),
    "Jaeger, Thrift": ("jaeger_http", "/api/traces", "application/x-thrift",
                       messages.jaeger_thrift_http),
}
CALLS = {"OTLP": ("otlp_grpc", *GRPC_CALLS["otlp_grpc"]),
         "Jaeger": ("jaeger_grpc", *GRPC_CALLS["jaeger_grpc"]),
         "Zipkin": ("zipkin", *GRPC_CALLS["zipkin"]),
         "storage, OTLP": ("remote_storage", *GRPC_CALLS["remote_storage"]),
         "storage, Jaeger": ("remote_storage", *GRPC_CALLS["plugin"])}
TCHANNEL = {"Jaeger": messages.submit_batches, "Zipkin": messages.submit_zipkin_batch}
PACKETS = {
    "jaeger_compact": lambda number, tags: messages.emit_batch(Compact, [number], tags),
    "jaeger_binary": lambda number, tags: messages.emit_batch(Binary, [number], tags),
    "zipkin_compact": messages.emit_zipkin_batch,
}


def full_packet(make, number):
    """With as many of MANY as it holds; gives how many, too."""
    few, more = (len(make(number, MANY[:count])) for count in (1000, 2000))
    count = 2000 + (MOST_PACKET - more) * 1000 // (more - few)
    while len(packet := make(number, MANY[:count])) > MOST_PACKET:
        count -= 1
    return packet, count


class Attributes(unittest.TestCase):
    def start(self, *flags):
        folder = tempfile.TemporaryDirectory(prefix="tracestore-faults-")
        self.addCleanup(folder.cleanup)
        self.target = Target(PROGRAM, folder.name, *flags)
        self.addCleanup(self.target.service.scratch.cleanup)
        self.addCleanup(self.target.service.kill)

    def counted(self):
        """Spans that were cut, received, accepted and rejected."""
        metrics = self.target.metrics()
        cut = 'tracestore_pipeline_spans_total{stage="sanitize",rule="attributes",action="changed"}'
        return [metrics.get(cut, 0),
                *(sum(value for name, value in metrics.items()
                      if name.startswith(f"tracestore_spans_{what}_total"))
                  for what in ("received", "accepted", "rejected"))]

    def check(self, what, number, send, sent=len(MANY), most=MOST):
        """`send` sends a span with the first `sent` of MANY."""
        with self.subTest(what):
            before = self.counted()
            send()
            eventually("the span is kept", lambda: self.target.is_kept(number))
            trace = messages.trace_id(number)
            (span,) = self.target.service.trace(trace)["spans"]
            tags = {tag["key"]: tag["value"] for tag in span["tags"]}
            self.assertEqual([(key, tags[key]) for key, _ in MANY if key in tags],
                             MANY[:min(sent, most)])
            self.assertEqual(tags.get("tracestore.cut"), "attributes" if sent > most else None)
            (scope,) = json.loads(self.target.get("tempo", f"/api/traces/{trace}")[1])[
                "batches"][0]["scopeSpans"]
            self.assertEqual(scope["spans"][0].get("droppedAttributesCount", 0),
                             max(sent - most, 0))
            self.assertEqual([now - then for now, then in zip(self.counted(), before)],
                             [sent > most, 1, 1, 0])

    def check_post(self, what, listener, path, content_type, make):
        number = self.target.next_number()
        body = make(number, MANY)
        self.check(what, number, lambda: self.assertIn(
            self.target.post(listener, path, content_type, body)[0], (200, 202)))

    def check_call(self, what, listener, method, make):
        number = self.target.next_number()
        message = make(number, MANY)
        self.check(f"gRPC, {what}", number,
                   lambda: self.target.call(listener, method, message))

    def check_tchannel(self, what, make):
        number = self.target.next_number()
        call = make(number, MANY)
        self.check(f"TChannel, {what}", number, lambda: self.assertEqual(
            self.target.tchannel(call)[0], messages.CALL_RES))

    def check_scribe(self):
        number = self.target.next_number()
        log = messages.scribe_log([number], tags=MANY)
        self.check("Scribe", number,
                   lambda: self.assertEqual(self.target.scribe(log), messages.SCRIBE_OK))

    def check_packets(self, most):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for listener, make in PACKETS.items():
                number = self.target.next_number()
                packet, sent = full_packet(make, number)
                address = ("127.0.0.1", self.target.ports[listener])
                self.check(listener, number, lambda: client.sendto(packet, address), sent, most)

    def test_by_every_protocol(self):
        self.start()
        for what, post in POSTS.items():
            self.check_post(what, *post)
        for what, call in CALLS.items():
            self.check_call(what, *call)
        for what, make in TCHANNEL.items():
            self.check_tchannel(what, make)
        self.check_scribe()
        self.check_packets(MOST)

    def test_packets_of_more_than_are_kept(self):
        self.start(f"--limits.attributes={FEWER}")
        self.check_packets(FEWER)


if __name__ == "__main__":
    unittest.main(verbosity=2)
