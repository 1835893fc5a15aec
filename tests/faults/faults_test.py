"""Does to an all-in-one service what the worst of clients do, port by port, and demands after each
fault that it answers health, takes and finds a good span by every port, and has given memory and
descriptors back.

Usage: faults_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import contextlib
import os
import socket
import struct
import sys
import threading
import time
import unittest

try:
    import grpc
except ImportError as missing:
    print(f"faults_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import http2
import messages
import ports
import suite
from crowd import Crowd
from target import (GIB, GRPC_CALLS, HTTP, HTTP_POSTS, MIB, PATIENCE, UDP, Target,
                    eventually)

PROGRAM = sys.argv.pop(1)
DEEPEST = 48  # levels of a value (model::kMaxValueDepth)



class Faults(ports.PortFaults):
    @classmethod
    def make_target(cls, folder):
        return Target(PROGRAM, folder, *suite.SHORT_TIMES)

    # More connections than are taken, of clients that say nothing or not all of a request, and come
    # again when they are closed.

    def test_a_crowd_that_says_half_a_head(self):
        openings = {name: b"POST /v1/traces HTTP/1.1\r\nHo" for name in self.http_listeners()}
        openings["scribe"] = b"\0\0\0\x64\x80\x01"
        openings["jaeger_tchannel"] = messages.tchannel_init()[:20]
        with self.watch():
            for listener, opening in openings.items():
                with self.subTest(listener), Crowd(self.target.ports[listener], suite.CAP + 100,
                                                   lambda _: opening):
                    self.target.check_health()
                    self.target.check_often(listener)
                    self.target.check(listener)

    def test_a_crowd_that_says_half_a_call(self):
        opening = messages.tchannel_init() + messages.tchannel_call(
            2, "Collector::submitBatches", bytes(1000), whole=False)
        with self.watch(), Crowd(self.target.ports["jaeger_tchannel"], suite.CAP + 100,
                                 lambda _: opening):
            self.target.check_health()
            self.target.check_often("jaeger_tchannel")

    def test_a_crowd_that_holds_megabytes(self):
        """Messages of which some megabytes have come, and the rest comes as slowly as the read
        timeout lets it: all of a listener's max-bytes-in-flight."""
        head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 32505856\r\n\r\n"
        begun = bytes(4_300_000)
        for listener, opening in (("otlp_http", head), ("scribe", struct.pack(">I", 16_000_000))):
            with self.watch(), contextlib.ExitStack() as opened:
                slow = [opened.enter_context(self.target.connect(listener)) for _ in range(33)]
                for connection in slow:
                    try:
                        connection.sendall(opening + begun)
                    except OSError:
                        pass  # there is no room for it
                stop = threading.Event()
                thread = threading.Thread(target=self.drip, args=(slow, 70_000, stop))
                thread.start()
                try:
                    with self.subTest(listener):
                        time.sleep(1.5)  # nobody is slow before a second has passed
                        # On a busy machine what was sent is still being read by then.
                        eventually("the slowest goes", lambda: self.target.is_taken(listener))
                        self.target.check_often(listener)
                finally:
                    stop.set()
                    thread.join()

    def drip(self, connections, size, stop):
        """Sends so many bytes a second by each."""
        connections = list(connections)
        while not stop.wait(1):
            for connection in list(connections):
                try:
                    connection.sendall(bytes(size))
                except OSError:
                    connections.remove(connection)

    def test_a_crowd_that_drips(self):
        head = b"POST /v1/traces HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n" + b" " * 100
        openings = {"scribe": messages.scribe_log([1]),
                    "jaeger_tchannel": messages.tchannel_init() + messages.submit_batches(1)}
        with self.watch():
            for listener in self.target.tcp:
                opening = openings.get(listener, http2.PREFACE * 4
                                       if listener not in HTTP else head)
                with self.subTest(listener), Crowd(self.target.ports[listener], 300,
                                                   lambda _: opening, drip=True):
                    self.target.check_health()
                    if listener in HTTP or listener in openings:
                        self.target.check_often(listener)
                    self.target.check(listener)

    # Garbage.

    def test_garbage_on_udp(self):
        good = [messages.emit_batch(messages.Compact, range(1, 20, 2)),
                messages.emit_batch(messages.Binary, range(1, 20, 2)),
                messages.emit_zipkin_batch(1)]
        with self.watch(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for listener in UDP:
                to = ("127.0.0.1", self.target.ports[listener])
                for _ in range(300):
                    packet = bytearray(self.random.choice(good))
                    for _ in range(self.random.randrange(4)):
                        packet[self.random.randrange(len(packet))] = self.random.randrange(256)
                    client.sendto(packet[:self.random.randrange(len(packet) + 1)], to)
                    client.sendto(self.random.randbytes(self.random.randrange(2000)), to)
                for depth in (b"\x1c", b"\x0c\x00\x01", b"\x19\x1c", b"\xf9\xff\xff\xff\x7f"):
                    client.sendto(good[0][:15] + depth * (60_000 // len(depth)), to)
                    client.sendto(good[1][:21] + depth * (60_000 // len(depth)), to)
                with self.subTest(listener):
                    self.target.check(listener)

    # Messages that are announced and don't come.

    def test_a_gibibyte_by_scribe_that_does_not_come(self):
        port = self.target.ports["scribe"]
        nested = messages.Binary.message("Log", messages.CALL, [])[:-1]
        for opening in (struct.pack(">I", GIB), struct.pack(">I", 16_000_000) + b"\x80\x01",
                        messages.framed(nested + b"\x0f\x00\x01\x0c" + struct.pack(">I", GIB)),
                        messages.framed(nested + b"\x0b\x00\x01" + struct.pack(">I", GIB)),
                        messages.framed(nested + b"\x0c\x00\x63" * 100_000)):
            with self.watch(), Crowd(port, 200, lambda _: opening):
                self.target.check_scribe()

    def test_calls_of_tchannel_that_do_not_end(self):
        """Of 16 and 31 MiB of frames a connection, without the last ones; and of Thrift that has
        not what it announces."""
        port = self.target.ports["jaeger_tchannel"]
        method = "Collector::submitBatches"
        endless = messages.tchannel_call(2, method, bytes(31 * MIB), whole=False)
        many = b"".join(messages.tchannel_call(number, method, bytes(MIB), whole=False)
                        for number in range(2, 18))
        nested = [messages.tchannel_call(2, method, argument) for argument in (
            b"\x0f\x00\x01\x0c" + struct.pack(">I", GIB), b"\x0c\x00\x63" * 100_000,
            b"\x0b\x00\x01" + struct.pack(">I", GIB))]
        for opening in (endless, many, *nested):
            with self.watch():
                opened = []
                try:
                    for _ in range(20):
                        connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
                        opened.append(connection)
                        try:
                            connection.sendall(messages.tchannel_init() + opening)
                        except OSError:
                            pass  # closed meanwhile: it may
                    self.target.check_tchannel()
                finally:
                    for connection in opened:
                        connection.close()

    def test_thrift_by_http_that_announces_what_it_has_not(self):
        path, content_type, _ = HTTP_POSTS["jaeger_http"]
        with self.watch():
            for body in (b"\x0f\x00\x02\x0c" + struct.pack(">I", GIB),
                         b"\x0c\x00\x01\x0b\x00\x01" + struct.pack(">I", GIB),
                         b"\x0c\x00\x63" * 1_000_000, b"\x0f\x00\x63\x0f\x00\x00\x00\x01" * 500_000):
                self.assertEqual(self.target.post("jaeger_http", path, content_type, body)[0], 400)

    # Spans that are too much.

    def nested_protobuf(self, depth, member):
        """An AnyValue of so many arrays (5) or maps (6), one in the other."""
        headers, size = [], 0
        for _ in range(depth):
            inner = messages.varint(1 << 3 | 2) + messages.varint(size)
            if member == 6:  # KeyValueList.values is a KeyValue, whose value (2) it is
                inner = messages.varint(2 << 3 | 2) + messages.varint(size)
                inner = (messages.varint(1 << 3 | 2) + messages.varint(size + len(inner)) + inner)
            outer = messages.varint(member << 3 | 2) + messages.varint(size + len(inner))
            headers.append(outer + inner)
            size += len(outer) + len(inner)
        return b"".join(reversed(headers))

    def test_nested_values(self):
        path = HTTP_POSTS["otlp_http"][0]
        with self.watch():
            for member in (5, 6):
                value = self.nested_protobuf(100_000, member)
                body = messages.otlp_protobuf_around(
                    messages.field(1, bytes([1] * 16)) + messages.field(2, bytes([1] * 8))
                    + messages.field(9, messages.field(1, "deep") + messages.field(2, value)))
                status, answer = self.target.post("otlp_http", path, "application/x-protobuf", body)
                # The message as no protobuf, or its span alone: never kept.
                if status != 400:
                    self.assertEqual(status, 200, answer)
                    self.assertIn(b"nested deeper than", answer)
                try:
                    answer = self.target.call("otlp_grpc", GRPC_CALLS["otlp_grpc"][0], body)
                    self.assertIn(b"nested deeper than", answer)
                except grpc.RpcError as refused:
                    self.assertEqual(refused.code(), grpc.StatusCode.INVALID_ARGUMENT)
                self.check_depths(member)
            good = messages.otlp_json(self.target.next_number(), [("deep", "x")])
            for opening in (b'{"arrayValue":{"values":[',
                            b'{"kvlistValue":{"values":[{"key":"a","value":', b"[", b'{"a":'):
                body = good.replace(b'{"stringValue": "x"}', opening * 100_000)
                self.assertNotEqual(body, good)
                for listener in ("otlp_http", "zipkin"):
                    path, content_type, _ = HTTP_POSTS[listener]
                    self.assertEqual(self.target.post(listener, path, content_type, body)[0], 400)

    def check_depths(self, member):
        """The deepest value that is kept is shown by each API, one level more is refused."""
        for depth, kept in ((DEEPEST, True), (DEEPEST + 1, False)):
            number = self.target.next_number()
            value = self.nested_protobuf(depth, member)
            body = messages.otlp_protobuf_around(
                messages.field(1, number.to_bytes(16, "big"))
                + messages.field(2, number.to_bytes(8, "big"))
                + messages.field(9, messages.field(1, "deep") + messages.field(2, value)))
            status, answer = self.target.post("otlp_http", HTTP_POSTS["otlp_http"][0],
                                              "application/x-protobuf", body)
            self.assertEqual(status, 200, answer)
            self.assertEqual(b"nested deeper than" not in answer, kept, answer)
            trace = messages.trace_id(number)
            for listener, path in (("query", f"/api/traces/{trace}"),
                                   ("zipkin", f"/api/v2/trace/{trace}"),
                                   ("tempo", f"/api/traces/{trace}")):
                status, answer = self.target.get(listener, path)
                self.assertEqual(status, 200 if kept else 404, (listener, answer))

    def test_services_whose_names_are_long_or_no_text(self):
        path = HTTP_POSTS["otlp_http"][0]
        with self.watch():
            for service in [b"a\xffb", *(b"%d" % i + b"n" * 3_000_000 for i in range(10))]:
                body = messages.otlp_protobuf(self.target.next_number(), service=service)
                status, answer = self.target.post("otlp_http", path, "application/x-protobuf", body)
                self.assertEqual(status, 200, answer)
            _, body = self.target.get("admin", "/metrics")
            self.assertIn('svc="a\ufffdb"', body.decode())  # UTF-8, or Prometheus takes none of it
            self.assertLess(max(map(len, body.splitlines())), 500)

    # A client that never reads its answer.

    def test_answers_that_nobody_reads(self):
        path, content_type, make = HTTP_POSTS["otlp_http"]
        tags = [(f"key-{i}", "v" * 50) for i in range(8_000)]
        for _ in range(25):
            status, _ = self.target.post("otlp_http", path, content_type,
                                         make(self.target.next_number(), tags))
            self.assertEqual(status, 200)
        ask = b"GET /api/traces?service=good&limit=1000&lookback=1h HTTP/1.1\r\nHost: a\r\n\r\n"
        opened = []
        with self.watch():
            try:
                for _ in range(40):
                    connection = socket.socket()
                    opened.append(connection)
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                    connection.connect(("127.0.0.1", self.target.ports["query"]))
                    connection.sendall(ask)
                self.target.check_health()
                self.target.check("query")
                eventually("clients that don't read are left", lambda: self.target.metrics()[
                    'tracestore_http_connections{server="query"}'] < 2)
            finally:
                for connection in opened:
                    connection.close()



if __name__ == "__main__":
    unittest.main(verbosity=2)
