"""The service that faults are done to, and what must stay true of it meanwhile and afterwards:
it answers health, takes a good span by every port and finds it, and gives memory and descriptors
back.
"""

import http.client
import itertools
import os
import socket
import sys
import threading
import time
from pathlib import Path

import grpc

import dial
import messages
from messages import Binary, Compact

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
from service import Service  # noqa: E402  its folder was just named

PATIENCE = 60  # seconds in which things must come true; nothing is asserted about less
MIB, GIB = 1 << 20, 1 << 30

UDP = ("jaeger_compact", "jaeger_binary", "zipkin_compact")
GRPC_CALLS = {
    "otlp_grpc": ("/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                  messages.otlp_protobuf),
    "jaeger_grpc": ("/jaeger.api_v2.CollectorService/PostSpans", messages.jaeger_protobuf),
    "zipkin": ("/zipkin.proto3.SpanService/Report", messages.zipkin_protobuf),
    "remote_storage": ("/opentelemetry.proto.collector.trace.v1.TraceService/Export",
                       messages.otlp_protobuf),
    "sampling_grpc": ("/jaeger.api_v2.SamplingManager/GetSamplingStrategy",
                      lambda _: messages.field(1, "any")),
    "query_grpc": ("/jaeger.api_v2.QueryService/GetServices", lambda _: b""),
    "plugin": ("/jaeger.storage.v1.SpanWriterPlugin/WriteSpan",
               messages.jaeger_storage_protobuf),
    "remote_storage_archive": ("/jaeger.storage.v1.SpanReaderPlugin/GetServices", lambda _: b""),
}
GRPC_READS = ("sampling_grpc", "query_grpc", "remote_storage_archive")  # of which no span is kept
HTTP_POSTS = {
    "otlp_http": ("/v1/traces", "application/json", messages.otlp_json),
    "zipkin": ("/api/v2/spans", "application/json", messages.zipkin_json),
    "jaeger_http": ("/api/traces", "application/vnd.apache.thrift.binary",
                    messages.jaeger_thrift_http),
}
HTTP_GETS = {"sampling_http": "/sampling?service=any", "query": "/api/services", "admin": "/",
             "tempo": "/api/echo", "query_zipkin": "/api/v2/services"}
HTTP = (*HTTP_POSTS, *HTTP_GETS)
PACKETS = {
    "jaeger_compact": lambda number: messages.emit_batch(Compact, [number]),
    "jaeger_binary": lambda number: messages.emit_batch(Binary, [number]),
    "zipkin_compact": messages.emit_zipkin_batch,
}


class Refused(Exception):
    """An honest client would come again."""


def eventually(what, attempt):
    """The first answer of `attempt` that is true; it may raise what a client meets of a busy
    server."""
    deadline = time.monotonic() + PATIENCE
    while True:
        problem = None
        try:
            if answer := attempt():
                return answer
        except (OSError, http.client.HTTPException, grpc.RpcError, Refused) as error:
            problem = error
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {PATIENCE} s: {problem!r}") from problem
        time.sleep(0.02)  # polls another process; nothing in it can wake us


def sanitizers():
    """ASan keeps freed memory for a while, 256 MiB of it: too much to see what is kept."""
    return {"ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")
            + ":quarantine_size_mb=8:thread_local_quarantine_size_kb=64"
            + ":allocator_release_to_os_interval_ms=100"}


class Target:
    """An all-in-one service (or another `command`) with every listener on, on free ports."""

    def __init__(self, program, data, *flags, command="all-in-one"):
        self.adopt(Service(program, data, *flags, environment=sanitizers(), command=command))

    def adopt(self, service):
        self.service, self.ports = service, service.ports
        self.numbers = itertools.count(1)
        self.tcp = [name for name in self.ports if name not in UDP]

    def next_number(self):
        return next(self.numbers) << 1 | 1

    # How an honest client connects.

    def connect(self, listener):
        return dial.dial(self.ports[listener], PATIENCE)

    def http(self, listener):
        return http.client.HTTPConnection("127.0.0.1", self.ports[listener], timeout=PATIENCE)

    def channel(self, listener):
        unlimited = [("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(dial.of_grpc(self.ports[listener]), unlimited)

    # What it does.

    def get(self, listener, path):
        connection = self.http(listener)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def post(self, listener, path, content_type, body, **headers):
        connection = self.http(listener)
        try:
            connection.request("POST", path, body, {"Content-Type": content_type, **headers})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def call(self, listener, method, message, **options):
        """The bytes of the answer; grpc.RpcError."""
        with self.channel(listener) as channel:
            return channel.unary_unary(method)(message, timeout=PATIENCE, **options)

    def scribe(self, message):
        """The answer as it came, with its length."""
        with self.connect("scribe") as connection:
            connection.sendall(message)
            answer = b""
            while len(answer) < 4 or len(answer) < 4 + int.from_bytes(answer[:4], "big"):
                piece = connection.recv(4096)
                if not piece:
                    raise Refused("closed without an answer")
                answer += piece
            return answer

    def tchannel(self, call):
        """The type and payload of the answer's frame."""
        with self.connect("jaeger_tchannel") as connection:
            connection.sendall(messages.tchannel_init() + call)
            reader = connection.makefile("rb")
            for _ in range(2):
                head = reader.read(16)
                if len(head) < 16:
                    raise Refused("closed without an answer")
                payload = reader.read(int.from_bytes(head[:2], "big") - 16)
            return head[2], payload

    def is_kept(self, number):
        status, _ = self.get("query", f"/api/traces/{messages.trace_id(number)}")
        if status not in (200, 404):
            raise Refused(status)
        return status == 200

    # What must work whatever others do.

    def check_health(self):
        eventually("health", lambda: self.get("admin", "/")[0] == 200)

    def check_http(self, listener):
        if listener in HTTP_GETS:
            eventually(listener, lambda: self.get(listener, HTTP_GETS[listener])[0] == 200)
            return
        path, content_type, make = HTTP_POSTS[listener]
        number = self.next_number()
        eventually(listener,
                   lambda: self.post(listener, path, content_type, make(number))[0] in (200, 202))
        eventually(f"a span by {listener}", lambda: self.is_kept(number))

    def check_grpc(self, listener):
        method, make = GRPC_CALLS[listener]
        number = self.next_number()
        eventually(f"gRPC of {listener}",
                   lambda: self.call(listener, method, make(number)) is not None)
        if listener not in GRPC_READS:
            eventually(f"a span by gRPC of {listener}", lambda: self.is_kept(number))

    def check_scribe(self):
        number = self.next_number()
        eventually("Scribe",
                   lambda: self.scribe(messages.scribe_log([number])) == messages.SCRIBE_OK)
        eventually("a span by Scribe", lambda: self.is_kept(number))

    def check_tchannel(self):
        number = self.next_number()
        eventually("TChannel", lambda: self.tchannel(messages.submit_batches(number))[0]
                   == messages.CALL_RES)
        eventually("a span by TChannel", lambda: self.is_kept(number))

    def check_udp(self, listener):
        number = self.next_number()
        packet = PACKETS[listener](number)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:

            def send_and_look():  # a packet may be lost
                client.sendto(packet, ("127.0.0.1", self.ports[listener]))
                return self.is_kept(number)

            eventually(f"a span by {listener}", send_and_look)

    def check(self, listener):
        assert listener in (*HTTP, *GRPC_CALLS, *UDP, "scribe", "jaeger_tchannel"), listener
        if listener in HTTP:
            self.check_http(listener)
        if listener in GRPC_CALLS:
            self.check_grpc(listener)
        if listener in UDP:
            self.check_udp(listener)
        if listener == "scribe":
            self.check_scribe()
        if listener == "jaeger_tchannel":
            self.check_tchannel()

    def is_taken(self, listener):
        """Whether a good request is, at the first try."""
        try:
            if listener in HTTP_GETS:
                return self.get(listener, HTTP_GETS[listener])[0] == 200
            number = self.next_number()
            if listener in HTTP_POSTS:
                path, content_type, make = HTTP_POSTS[listener]
                return self.post(listener, path, content_type, make(number))[0] in (200, 202)
            if listener == "scribe":
                return self.scribe(messages.scribe_log([number])) == messages.SCRIBE_OK
            return self.tchannel(messages.submit_batches(number))[0] == messages.CALL_RES
        except (OSError, http.client.HTTPException, Refused):
            return False

    def check_often(self, listener, tries=20, most=5):
        """That few good requests are lost, where a client that tries until it succeeds would see
        nothing of those that are."""
        lost = sum(not self.is_taken(listener) for _ in range(tries))
        assert lost <= most, f"{listener}: {lost} of {tries} requests lost"

    def check_all(self):
        self.check_health()
        for listener in self.ports:
            self.check(listener)

    # What it has.

    def alive(self):
        return self.service.process.poll() is None

    def memory(self):
        """Bytes that are its own: RssAnon."""
        status = Path(f"/proc/{self.service.process.pid}/status").read_text()
        return int(status.split("RssAnon:")[1].split()[0]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.service.process.pid}/fd"))

    def metrics(self):
        """Of /metrics, name with labels: value."""
        _, body = self.get("admin", "/metrics")
        lines = body.decode().splitlines()
        return {name: float(value) for name, _, value in
                (line.rpartition(" ") for line in lines if not line.startswith("#"))}


class Watch:
    """A fault is done inside of it: afterwards the service must be as before.

    `grown`: MiB that it may have more afterwards; `peak`: at any time.
    """

    def __init__(self, target, grown, peak):
        self.target, self.grown, self.peak_limit = target, grown * MIB, peak * MIB

    def __enter__(self):
        self.memory, self.descriptors = self.target.memory(), self.target.descriptors()
        self.peak = self.memory
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.look)
        self.thread.start()
        return self

    def look(self):
        while not self.done.wait(0.02) and self.target.alive():
            self.peak = max(self.peak, self.target.memory())

    def __exit__(self, kind, *_):
        try:
            if kind is None:
                self.finish()
        finally:
            self.done.set()
            self.thread.join()

    def finish(self):
        target = self.target
        assert target.alive(), f"it died:\n{target.service.log()}"
        target.check_all()
        # A few come and go: the store's files, connections of the check that are being closed.
        eventually("descriptors given back", lambda: target.descriptors() <= self.descriptors + 16)
        eventually(f"memory given back to {self.memory / MIB:.0f} MiB and {self.grown / MIB:.0f}",
                   lambda: target.memory() <= self.memory + self.grown)
        assert self.peak <= self.memory + self.peak_limit, (
            f"{self.peak / MIB:.0f} MiB at a time, {self.memory / MIB:.0f} before")
        print(f"    memory {self.memory / MIB:.0f} MiB before, {self.peak / MIB:.0f} at most, "
              f"{target.memory() / MIB:.0f} after", file=sys.stderr)
