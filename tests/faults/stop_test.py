"""Stops each service in order, by SIGTERM and by SIGINT, while clients send and ask by all its
ports at once, over connections that they keep. Until the signal everybody is answered; from then on
health is 503, what was begun is finished, the exit code is 0, and all that was acknowledged is in
the store, once. A second signal ends a stop at once.

Usage: stop_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import os
import signal
import socket
import sys
import tempfile
import threading
import time
import unittest

try:
    import grpc
except ImportError as missing:
    print(f"stop_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import http2
import messages
from kill_test import found
from service import Service
from storage_target import QueryTarget
from target import (GRPC_CALLS, GRPC_READS, HTTP_GETS, HTTP_POSTS, PACKETS, PATIENCE, UDP, Refused,
                    Target, eventually)

PROGRAM = sys.argv.pop(1)
SIGNALS = (signal.SIGTERM, signal.SIGINT)
SENT = 20  # by each client before the signal comes
# Statuses of a service that doesn't take any more: the client goes to another, or comes again.
GOING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


class Client(threading.Thread):
    """Sends one after the other until nobody is there. `by`: send(number) and close()."""

    def __init__(self, target, name, by, keeps):
        super().__init__(name=name, daemon=True)
        self.target, self.keeps = target, keeps
        self.send, self.close = by
        self.acknowledged = []
        self.problem = None  # what ended it
        self.told_at = None

    def run(self):
        while self.problem is None:
            number = self.target.next_number()
            try:
                self.send(number)
                self.acknowledged.append(number)
            except Exception as problem:  # judged by the main thread
                self.problem = problem
                self.told_at = time.monotonic()
            time.sleep(0.002)  # load, but not all of the machine
        self.close()

    def went_in_order(self):
        """Cut off between requests, or told; not while an answer came."""
        if isinstance(self.problem, grpc.RpcError):
            return self.problem.code() in GOING
        return isinstance(self.problem, (OSError, Refused))


def by_http(target, listener, request):
    connection = target.http(listener)

    def send(number):
        connection.request(*request(number))
        answer = connection.getresponse()
        body = answer.read()
        if answer.status == 503:
            raise Refused(body)
        assert answer.status in (200, 202), (answer.status, body)

    return send, connection.close


def by_grpc(target, listener, name):
    method, make = GRPC_CALLS[name]
    channel = target.channel(listener)
    call = channel.unary_unary(method)
    return (lambda number: call(make(number), timeout=PATIENCE)), channel.close


def by_scribe(target):
    def send(number):
        answer = target.scribe(messages.scribe_log([number]))
        if answer == messages.SCRIBE_TRY_LATER:
            raise Refused("try later")
        assert answer == messages.SCRIBE_OK, answer

    return send, lambda: None


def by_tchannel(target):
    def send(number):
        kind, payload = target.tchannel(messages.submit_batches(number))
        if kind == messages.ERROR:
            raise Refused(payload)
        assert kind == messages.CALL_RES, kind

    return send, lambda: None


def by_udp(target, listener):
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    client.connect(("127.0.0.1", target.ports[listener]))
    return (lambda number: client.send(PACKETS[listener](number))), client.close


def clients_of(target):
    """One a protocol of each port, but for the admin port's."""
    out = []

    def add(name, by, keeps):
        out.append(Client(target, name, by, keeps))

    for listener in target.ports:
        if listener in HTTP_POSTS:
            path, content_type, make = HTTP_POSTS[listener]
            add(f"{listener} http", by_http(target, listener, lambda number, p=path, c=content_type,
                                            m=make: ("POST", p, m(number), {"Content-Type": c})),
                True)
        if listener in HTTP_GETS and listener != "admin":
            add(listener, by_http(target, listener, lambda _, p=HTTP_GETS[listener]: ("GET", p)),
                False)
        if listener in GRPC_CALLS:
            add(f"{listener} grpc", by_grpc(target, listener, listener),
                listener not in GRPC_READS)
        if listener == "remote_storage":  # by both interfaces
            add("SpanWriterPlugin", by_grpc(target, listener, "plugin"), True)
        if listener in UDP:
            add(listener, by_udp(target, listener), False)  # nobody is told
    if "scribe" in target.ports:
        add("scribe", by_scribe(target), True)
    if "jaeger_tchannel" in target.ports:
        add("jaeger_tchannel", by_tchannel(target), True)
    return out


def begin_by_http(target, listener):
    """A request of which the last byte is to come."""
    path = HTTP_POSTS.get(listener, ("/",))[0]
    body = messages.otlp_json(target.next_number())
    connection = target.connect(listener)
    connection.sendall((f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                        f"Content-Length: {len(body)}\r\n\r\n").encode() + body[:-1])
    return connection


def begin_by_grpc(target, listener):
    """A call whose message is to come."""
    connection = http2.connect(target.ports[listener])
    connection.sendall(http2.call(1, GRPC_CALLS[listener][0]))
    return connection


# Of each service where a request may be begun, which its stop then waits for.
HELD = {"all-in-one": (begin_by_http, "otlp_http"), "collector": (begin_by_http, "otlp_http"),
        "agent": (begin_by_http, "sampling_http"), "query": (begin_by_http, "query"),
        "remote-storage": (begin_by_grpc, "remote_storage")}


class Stop(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tracestore-faults-")
        self.addCleanup(scratch.cleanup)
        self.data = scratch.name + "/data"

    def start(self, command):
        if command == "query":
            target = QueryTarget(PROGRAM, self.data)
            self.addCleanup(target.behind.service.__exit__)
        elif command == "agent":
            self.behind = Target(PROGRAM, self.data)
            self.addCleanup(self.behind.service.__exit__)
            target = Target(PROGRAM, None, "--reporter.grpc.host-port="
                            f"127.0.0.1:{self.behind.ports['jaeger_grpc']}", command=command)
        else:
            target = Target(PROGRAM, self.data, command=command)
        self.addCleanup(target.service.__exit__)
        return target

    def until_it_says_503(self, target):
        eventually("health is 503", lambda: target.get("admin", "/")[0] == 503)

    def stop_under_load(self, target, number, held):
        """Ends it; gives its clients."""
        clients = clients_of(target)
        for client in clients:
            client.start()
        eventually("all are answered", lambda: all(
            len(client.acknowledged) >= SENT or client.problem for client in clients))
        for client in clients:
            self.assertIsNone(client.problem, client.name)
        begin, listener = held
        with begin(target, listener) as begun:
            time.sleep(0.1)  # its head is read; if not, nothing below fails for that
            self.packets_before = self.packets_read(target)
            told = time.monotonic()
            target.service.process.send_signal(number)
            self.until_it_says_503(target)
            if begin is begin_by_http:
                begun.sendall(b"}")
                self.assertRegex(begun.recv(100), rb"^HTTP/1.1 [24]0")
            code = target.service.process.wait(timeout=PATIENCE)
        self.assertEqual(code, 0, target.service.log())
        self.assertNotIn(" error ", target.service.log())
        for client in clients:
            if client.name in UDP:
                client.problem = client.problem or OSError("it isn't told of its end")
            client.join(PATIENCE)
            self.assertTrue(client.name in UDP or client.went_in_order(),
                            f"{client.name}: {client.problem!r}")
            self.assertTrue(client.told_at is None or client.told_at >= told, client.name)
        return clients

    def packets_read(self, target):
        return sum(value for name, value in target.metrics().items()
                   if name.startswith("jaeger_agent_thrift_udp_server_packets_processed_total"))

    def check_kept(self, clients):
        kept = [number for client in clients if client.keeps for number in client.acknowledged]
        packets = [number for client in clients if client.name in UDP
                   for number in client.acknowledged]
        with Service(PROGRAM, self.data) as service:
            shown = found(service, kept)
            missing = [number for number in kept if number not in shown]
            self.assertEqual(missing, [], f"of {len(kept)}")
            self.assertEqual({number for number, times in shown.items() if times != 1}, set())
            self.check_packets(service, packets)
            service.stop()
        return len(kept)

    def check_packets(self, service, packets):
        """Those that were read before the signal at least."""
        if packets:
            self.assertGreater(self.packets_before, 0)
            self.assertGreaterEqual(len(found(service, packets)), self.packets_before)

    def test_collectors_and_storage(self):
        for command in ("all-in-one", "collector", "remote-storage"):
            for number in SIGNALS:
                with self.subTest(command, signal=number.name):
                    self.data += "x"
                    clients = self.stop_under_load(self.start(command), number, HELD[command])
                    kept = self.check_kept(clients)
                    print(f"    {command}, {number.name}: {kept} acknowledged spans are kept",
                          file=sys.stderr)

    def test_query(self):
        for number in SIGNALS:
            with self.subTest(signal=number.name):
                self.data += "x"
                self.stop_under_load(self.start("query"), number, HELD["query"])

    def test_agent(self):
        """What it has read reaches its collector before it ends."""
        for number in SIGNALS:
            with self.subTest(signal=number.name):
                self.data += "x"
                clients = self.stop_under_load(self.start("agent"), number, HELD["agent"])
                packets = [number for client in clients if client.name in UDP
                           for number in client.acknowledged]
                self.check_packets(self.behind.service, packets)

    def test_a_second_signal_ends_it_at_once(self):
        for command, (begin, listener) in HELD.items():
            for first, second in (SIGNALS, SIGNALS[::-1], (signal.SIGTERM, signal.SIGTERM)):
                with self.subTest(command, first=first.name, second=second.name):
                    self.data += "x"
                    target = self.start(command)
                    process = target.service.process
                    with begin(target, listener):
                        time.sleep(0.1)
                        process.send_signal(first)
                        self.until_it_says_503(target)
                        self.assertIsNone(process.poll())
                        process.send_signal(second)
                        # Its grace is longer (stop-grace, 8 s).
                        self.assertEqual(process.wait(timeout=5), -second, target.service.log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
