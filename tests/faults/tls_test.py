"""Faults of ports with TLS: handshakes that don't begin, don't end or are none, by the thousand,
and certificates that are renewed, or expire, under load. Afterwards the service must be as before
(target.py).

Usage: tls_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import os
import random
import socket
import ssl
import struct
import sys
import threading
import unittest

try:
    import grpc  # noqa: F401  target.py needs it
except ImportError as missing:
    print(f"tls_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import http2
import messages
import suite
from crowd import Crowd
from target import GRPC_CALLS, HTTP, HTTP_POSTS, PATIENCE, eventually
from tls_target import Certificates, TlsTarget

PROGRAM = sys.argv.pop(1)
NOT_HTTP2 = {*HTTP, "tempo", "query_zipkin", "scribe", "jaeger_tchannel"}


def client_hello(listener):
    """The first bytes of a client of that port."""
    context = ssl.create_default_context()
    if listener not in NOT_HTTP2:
        context.set_alpn_protocols(["h2"])
    out = ssl.MemoryBIO()
    try:
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="127.0.0.1").do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


class Tls(suite.FaultSuite):
    @classmethod
    def make_target(cls, folder):
        cls.certificates = Certificates(folder)
        cls.first = cls.certificates.make("first")
        cls.second = cls.certificates.make("second")
        cls.expired = cls.certificates.make("expired", end="20200102000000Z")
        cls.certificates.use(cls.first)
        return TlsTarget(PROGRAM, folder + "/data", cls.certificates,
                         [cls.first[0], cls.second[0], cls.expired[0]], *suite.SHORT_TIMES)

    def crowds(self, opening_of, count=suite.CAP + 100, **options):
        with self.watch():
            for listener in self.target.tcp:
                opening = opening_of(listener)
                with self.subTest(listener), Crowd(self.target.ports[listener], count,
                                                   lambda _: opening, **options):
                    self.target.check_health()
                    self.target.check(listener)

    def test_a_crowd_that_says_nothing(self):
        self.crowds(lambda _: b"")

    def test_a_crowd_that_says_half_a_hello(self):
        self.crowds(lambda listener: client_hello(listener)[:100])

    def test_a_crowd_that_does_not_go_on_after_its_hello(self):
        self.crowds(client_hello)

    def test_a_crowd_that_drips_its_hello(self):
        self.crowds(client_hello, 300, drip=True)

    def garbage(self, listener):
        noise, hello = self.random.randbytes, client_hello(listener)
        broken = bytearray(hello)
        for _ in range(5):
            broken[self.random.randrange(len(broken))] = self.random.randrange(256)
        openings = [b"", hello, hello[:5], bytes(broken), hello * 20,
                    b"\x16\x03\x01\xff\xff", b"\x16\x03\x01\x00\x00" * 1000,
                    b"\x16\x03\x01\x40\x00\x01\xff\xff\xff", b"\x15\x03\x03\x00\x02\x01\x00" * 1000,
                    b"\x14\x03\x03\x00\x01\x01" * 1000, b"\x17\x03\x03\x40\x00",
                    # In plain.
                    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", http2.PREFACE + http2.settings(),
                    messages.scribe_log([1]), messages.tchannel_init(),
                    struct.pack(">I", 0x7FFFFFFF)]
        return [opening + noise(self.random.randrange(0, 3000)) for opening in openings
                for _ in range(2)]

    def test_garbage(self):
        self.check_garbage(self.garbage)

    def test_garbage_behind_a_handshake(self):
        with self.watch():
            for listener in self.target.tcp:
                for size in (1, 5, 100, 20_000):
                    try:
                        with self.target.connect(listener) as connection:
                            connection.sendall(self.random.randbytes(size))
                            connection.unwrap().close()
                    except (OSError, ValueError):
                        pass  # closed meanwhile: it may
                    # And in plain over the socket below.
                    try:
                        connection = self.target.connect(listener)
                        raw = socket.socket(fileno=connection.detach())
                        with raw:
                            raw.sendall(self.random.randbytes(size))
                            raw.shutdown(socket.SHUT_WR)
                            while raw.recv(65536):
                                pass
                    except OSError:
                        pass
                with self.subTest(listener):
                    self.target.check(listener)

    def served(self, listener):
        """The certificate that a port shows now."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if listener not in NOT_HTTP2:
            context.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", self.target.ports[listener]),
                                      PATIENCE) as plain:
            with context.wrap_socket(plain) as connection:
                return connection.getpeercert(binary_form=True)

    def check_told(self, words):
        """By every port, which looks when somebody connects."""
        for listener in self.target.tcp:
            eventually(f"{listener} tells", lambda: self.served(listener) and any(
                f" {listener}: " in line and words in line
                for line in self.target.service.log().splitlines()))

    def renew(self, files):
        """Until every port shows it."""
        self.certificates.use(files)
        wanted = ssl.PEM_cert_to_DER_cert(files[0].read_text())
        for listener in self.target.tcp:
            eventually(f"the new certificate of {listener}",
                       lambda: self.served(listener) == wanted)

    def test_certificates_are_renewed_under_load(self):
        """Nobody who sends meanwhile notices: each message over a connection of its own."""
        done, failed, sent = threading.Event(), [], [0]

        def load(send):
            while not done.is_set():
                try:
                    send()
                    sent[0] += 1
                except Exception as problem:  # told by the main thread
                    failed.append(problem)
                    return

        def post(listener):
            path, content_type, make = HTTP_POSTS[listener]
            status, _ = self.target.post(listener, path, content_type,
                                         make(self.target.next_number()))
            assert status in (200, 202), status

        method, make = GRPC_CALLS["otlp_grpc"]
        loads = [threading.Thread(target=load, args=(send,)) for send in (
            lambda: post("otlp_http"), lambda: post("zipkin"),
            lambda: self.target.call("otlp_grpc", method, make(self.target.next_number())),
            lambda: self.target.scribe(messages.scribe_log([self.target.next_number()])))]
        with self.watch():
            for thread in loads:
                thread.start()
            try:
                for _ in range(2):
                    self.renew(self.second)
                    self.renew(self.first)
            finally:
                done.set()
                for thread in loads:
                    thread.join()
            self.assertEqual(failed, [])
            self.assertGreater(sent[0], 20)

    def test_an_expired_certificate(self):
        """Is not taken: every port goes on with the one before and says so."""
        with self.watch():
            before = self.served("admin")
            self.certificates.use(self.expired)
            self.check_told("the certificate expired on 2020-01-02")
            for listener in self.target.tcp:
                self.assertEqual(self.served(listener), before, listener)
            self.renew(self.second)
            self.renew(self.first)

    def test_files_that_are_none(self):
        """Leave the certificate before."""
        before = self.served("admin")
        self.certificates.cert.write_text("no PEM\n")
        self.check_told("there is no PEM certificate in it")
        for listener in self.target.tcp:
            self.assertEqual(self.served(listener), before, listener)
            self.target.check(listener)
        self.renew(self.second)
        self.renew(self.first)


if __name__ == "__main__":
    unittest.main(verbosity=2)
