"""Faults of an agent by itself: garbage on its UDP ports, garbage, half requests and floods on its
HTTP and gRPC ports, and a collector that answers with garbage. Afterwards it must be as before
(target.py), and what honest clients send it is found in the collector behind it.

Usage: agent_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import os
import random
import socket
import sys
import threading
import unittest

try:
    import grpc  # noqa: F401  target.py needs it
except ImportError as missing:
    print(f"agent_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import http2
import messages
import suite
from crowd import Crowd
from target import PACKETS, PATIENCE, UDP, Target, eventually

PROGRAM = sys.argv.pop(1)


class AgentTarget(Target):
    """An agent, and the service that it sends to."""

    def __init__(self, program, data):
        self.behind = Target(program, data)
        super().__init__(program, None, *suite.SHORT_TIMES, "--reporter.max-retry-interval=100ms",
                         "--reporter.grpc.host-port="
                         f"127.0.0.1:{self.behind.ports['jaeger_grpc']}", command="agent")
        self.numbers = self.behind.numbers

    def is_kept(self, number):
        return self.behind.is_kept(number)


class BadCollector(threading.Thread):
    """Takes connections and says `words` to each, whatever comes."""

    def __init__(self, words):
        super().__init__(daemon=True)
        self.words = words
        self.met = threading.Event()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listening.getsockname()[1]
        self.open = []

    def run(self):
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return  # closed below
            self.open.append(connection)
            try:
                connection.sendall(self.words)
            except OSError:
                pass
            self.met.set()

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.listening.close()
        for connection in self.open:
            connection.close()


class Agent(suite.FaultSuite):
    @classmethod
    def make_target(cls, folder):
        target = AgentTarget(PROGRAM, folder)
        assert set(target.ports) >= {*UDP, "sampling_http", "sampling_grpc", "admin"}
        return target

    @classmethod
    def services(cls):
        return [cls.target.service, cls.target.behind.service]

    def test_garbage_on_udp(self):
        noise = self.random.randbytes
        with self.watch(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for listener in UDP:
                to = ("127.0.0.1", self.target.ports[listener])
                for _ in range(2_000):
                    packet = bytearray(PACKETS[listener](1))
                    for _ in range(self.random.randrange(4)):
                        packet[self.random.randrange(len(packet))] = self.random.randrange(256)
                    client.sendto(packet[:self.random.randrange(len(packet) + 1)], to)
                    client.sendto(noise(self.random.randrange(2000)), to)
                client.sendto(noise(65_000), to)
                client.sendto(b"", to)
                with self.subTest(listener):
                    self.target.check(listener)
            refused = [value for name, value in self.target.metrics().items()
                       if name.startswith("tracestore_spans_rejected_total")
                       or name.startswith("tracestore_ingest_requests_total")
                       and "malformed" in name]
            self.assertGreater(sum(refused), 0)

    def test_garbage_on_tcp(self):
        noise = self.random.randbytes
        openings = (b"", http2.PREFACE, http2.PREFACE + http2.settings(),
                    b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000,
                    b"GET /sampling?service=%ff%00%zz HTTP/1.1\r\nHost: a\r\n\r\n",
                    b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
                    b"\x16\x03\x01\x02\x00\x01", messages.tchannel_init())
        self.check_garbage(lambda _: [opening + noise(self.random.randrange(3000))
                                      for opening in openings * 3])

    def test_crowds(self):
        """That say nothing, half a head, and HTTP/2's hello alone."""
        hello = http2.PREFACE + http2.settings() + http2.frame(http2.SETTINGS, http2.ACK, 0)
        for opening in (b"", b"GET /sampling HTTP/1.1\r\nHo", hello):
            with self.watch():
                for listener in self.target.tcp:
                    with self.subTest(listener), Crowd(self.target.ports[listener], suite.CAP + 100,
                                                       lambda _: opening):
                        self.target.check_health()
                        self.target.check(listener)

    def test_services_without_number(self):
        """What is remembered of them is bounded."""
        with self.watch():
            connection = self.target.http("sampling_http")
            for number in range(3_000):
                connection.request("GET", f"/sampling?service={'x' * 1000}{number}")
                self.assertEqual(connection.getresponse().read()[:1], b"{")
            connection.close()

    def test_collectors_that_answer_with_garbage(self):
        """By each protocol, beside a good one: every span reaches that one, or waits for it."""
        noise = self.random.randbytes
        good = self.target.behind.ports
        for kind, setting, listener, words in (
                ("grpc", "grpc", "jaeger_grpc", http2.settings() + noise(5000)),
                ("grpc", "grpc", "jaeger_grpc", b"HTTP/1.1 200 OK\r\n\r\n"),
                ("otlp-http", "otlp", "otlp_http", noise(5000)),
                ("otlp-http", "otlp", "otlp_http", b"HTTP/1.1 200 OK\r\nContent-Length: 9999999999\r\n\r\n"),
                ("tchannel", "tchannel", "jaeger_tchannel", noise(5000)),
                ("tchannel", "tchannel", "jaeger_tchannel", b"\0\x10\2\0" + bytes(12)),
                ("tchannel", "tchannel", "jaeger_tchannel", b"\xff\xff\2\0" + noise(70_000))):
            with self.subTest(kind, words=words[:20]), BadCollector(words) as bad:
                agent = Target(PROGRAM, None, f"--reporter.type={kind}",
                               f"--reporter.{setting}.host-port={bad.address},"
                               f"127.0.0.1:{good[listener]}",
                               "--reporter.max-retry-interval=100ms", "--reporter.batch.wait=1ms",
                               command="agent")
                with agent.service:
                    before = agent.memory()
                    numbers = [self.target.next_number() for _ in range(20)]
                    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                        for number in numbers:
                            client.sendto(PACKETS["jaeger_compact"](number),
                                          ("127.0.0.1", agent.ports["jaeger_compact"]))
                    for number in numbers:
                        eventually("a span", lambda one=number: self.target.is_kept(one))
                    self.assertTrue(bad.met.wait(PATIENCE), "the bad one was never tried")
                    self.assertLess(agent.memory(), before + (suite.GROWN << 20))
                    agent.service.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
