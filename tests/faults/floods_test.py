"""Floods of HTTP/2's own frames on every port that speaks it: calls that are reset as soon as they are
begun, heads that never end, settings and pings without number. After each the service must be as
before (target.py); meanwhile others are answered and memory stays within bounds.

Usage: floods_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import os
import socket
import struct
import sys
import threading
import time
import unittest

try:
    import grpc  # noqa: F401  target.py needs it
except ImportError as missing:
    print(f"floods_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import http2
import suite
from target import GRPC_CALLS, MIB, Target

PROGRAM = sys.argv.pop(1)
CONNECTIONS = 5  # at a time, of one flood: more than gRPC has threads to read them
# MiB that calls take for a while that gRPC has read and nobody has seen: 60 to 130 measured; 380
# to 620 before reading was held up.
CALLS_PEAK = 300
# MiB that heads without end leave behind: up to 140 in a build without sanitizers and 200 with,
# after the floods of calls, whose holes the allocator has kept. The next of the same sort leave
# nothing more.
HEADS_GROWN = 280
SECONDS = 5  # what isn't sent by then is not taken


class Flood(threading.Thread):
    """Sends on one connection until all is sent or the server has enough of it; reads what comes, or
    doesn't."""

    def __init__(self, port, pieces, reads=True):
        super().__init__(daemon=True)
        self.connection = http2.connect(port)
        self.pieces, self.reads = pieces, reads
        self.sent = 0

    def run(self):
        if self.reads:
            threading.Thread(target=self.drain, daemon=True).start()
        try:
            for piece in self.pieces:
                self.connection.sendall(piece)
                self.sent += len(piece)
        except OSError:
            pass  # closed, or nothing is taken any more: it may

    def drain(self):
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            pass

    def end(self):
        try:
            self.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.join()
        self.connection.close()


def frames(kind, flags, stream, payload, count):
    """So many of one frame, in pieces of some 100 KiB."""
    one = http2.frame(kind, flags, stream, payload)
    at_once = max(1, 100_000 // len(one))
    for _ in range(0, count, at_once):
        yield one * at_once


def resets(method, count, after=b""):
    """Calls, each reset behind `after`."""
    for begin in range(0, count, 500):
        yield b"".join(http2.call(stream, method) + after
                       + http2.frame(http2.RST_STREAM, 0, stream, http2.CANCEL)
                       for stream in range(2 * begin + 1, 2 * (begin + 500), 2))


def endless_head(method, block, count):
    """A call whose head goes on in so many frames."""
    yield http2.frame(http2.HEADERS, 0, 1, http2.head(method))
    yield from frames(http2.CONTINUATION, 0, 1, block, count)


def hpack_length(prefix_bits, value):
    """An integer of HPACK that fills its prefix (RFC 7541, 5.1)."""
    most = (1 << prefix_bits) - 1
    assert value >= most
    out, value = [most], value - most
    while value >= 128:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes(out + [value])


class Floods(suite.FaultSuite):
    @classmethod
    def make_target(cls, folder):
        return Target(PROGRAM, folder, *suite.SHORT_TIMES)

    def flood(self, pieces_of, reads=True, calls=False, grown=suite.GROWN):
        """On every port with gRPC, one after the other."""
        for listener in self.target.ports:
            # The query's and the archive's ports are of the same server as those that take spans.
            if listener not in GRPC_CALLS or listener in ("query_grpc", "remote_storage_archive"):
                continue
            method = GRPC_CALLS[listener][0]
            peak = CALLS_PEAK if calls else suite.PEAK
            with self.subTest(listener), self.watch(peak, grown):
                floods = [Flood(self.target.ports[listener], pieces_of(method), reads)
                          for _ in range(CONNECTIONS)]
                try:
                    for flood in floods:
                        flood.start()
                    self.target.check_grpc(listener)
                    until = time.monotonic() + SECONDS
                    for flood in floods:
                        flood.join(max(0, until - time.monotonic()))
                finally:
                    for flood in floods:
                        flood.end()
                sent = sum(flood.sent for flood in floods)
                print(f"    {listener}: {sent / MIB:.1f} MiB sent", file=sys.stderr)

    def closed(self):
        return sum(value for name, value in self.target.metrics().items()
                   if name.startswith("tracestore_grpc_connections_closed_total"))

    def test_calls_that_are_reset_at_once(self):
        before = self.closed()
        self.flood(lambda method: resets(method, 40_000), calls=True)
        self.assertGreater(self.closed(), before)

    def test_calls_of_no_method_that_are_reset_at_once(self):
        self.flood(lambda _: resets("/no.Such/Method", 40_000), calls=True)

    def test_calls_with_half_a_message_that_are_reset(self):
        half = http2.message(1, b"x" * 2000, 4000, end=False)
        self.flood(lambda method: resets(method, 20_000, half), calls=True)

    def test_heads_that_do_not_end(self):
        field = http2.hpack_literal("x-some", "v" * 100)
        self.flood(lambda method: endless_head(method, field * 140, 2_000), grown=HEADS_GROWN)
        self.flood(lambda method: endless_head(method, field * 140, 2_000))  # of the same, no more
        self.flood(lambda method: endless_head(method, b"", 100_000))

    def test_a_field_of_a_gibibyte(self):
        """Announced, and some of it sent."""
        opening = bytes([0, 1]) + b"x" + hpack_length(7, 1 << 30)

        def pieces(method):
            yield http2.frame(http2.HEADERS, 0, 1, http2.head(method) + opening)
            yield from frames(http2.CONTINUATION, 0, 1, b"v" * 16_000, 4_000)

        self.flood(pieces)

    def test_fields_that_refer_to_a_long_one(self):
        """4 KB in the table, then a byte for each more of them."""
        long = bytes([0x40, 1]) + b"x" + hpack_length(7, 3_900) + b"v" * 3_900
        self.flood(lambda method: iter([
            http2.frame(http2.HEADERS, 0, 1, http2.head(method) + long),
            *frames(http2.CONTINUATION, 0, 1, b"\xbe" * 16_000, 100)]))

    def test_settings_and_pings(self):
        setting = struct.pack(">HI", http2.INITIAL_WINDOW_SIZE, 65_535)
        for reads in (True, False):
            self.flood(lambda _: frames(http2.SETTINGS, 0, 0, setting, 300_000), reads)
            self.flood(lambda _: frames(http2.PING, 0, 0, b"12345678", 300_000), reads)

    def test_frames_that_do_nothing(self):
        self.flood(lambda _: frames(http2.PRIORITY, 0, 1, b"\0\0\0\0\1", 300_000))
        self.flood(lambda _: frames(http2.WINDOW_UPDATE, 0, 0, b"\0\0\0\1", 300_000))
        self.flood(lambda method: iter([http2.call(1, method),
                                        *frames(http2.DATA, 0, 1, b"", 300_000)]))


if __name__ == "__main__":
    unittest.main(verbosity=2)
