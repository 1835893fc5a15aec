"""What is done to the ports of any service: a suite makes a subclass of PortFaults of it, whose
target has some of the listeners that target.py knows."""

import itertools
import struct
import zlib

import grpc

import http2
import messages
import suite
from crowd import Crowd
from target import GIB, GRPC_CALLS, HTTP, HTTP_GETS, HTTP_POSTS, MIB

BOMB = bytes(140 * MIB)
BOMB_PEAK = 120  # MiB: it is not unpacked to its end; 70 measured


class PortFaults(suite.FaultSuite):
    def http_listeners(self):
        return [name for name in self.target.ports if name in HTTP]

    def grpc_listeners(self):
        return [name for name in self.target.ports if name in GRPC_CALLS]

    # More connections than are taken, of clients that say nothing or not all of a request, and come
    # again when they are closed.

    def test_a_crowd_that_says_nothing(self):
        with self.watch():
            for listener in self.target.tcp:
                with self.subTest(listener), Crowd(self.target.ports[listener], suite.CAP + 100,
                                                   lambda _: b""):
                    self.target.check_health()
                    if listener in (*HTTP, "scribe", "jaeger_tchannel"):
                        self.target.check_often(listener)
                    self.target.check(listener)

    def test_a_crowd_that_speaks_http2_and_asks_nothing(self):
        hello = http2.PREFACE + http2.settings() + http2.frame(http2.SETTINGS, http2.ACK, 0)
        with self.watch():
            for listener in self.grpc_listeners():
                with self.subTest(listener), Crowd(self.target.ports[listener], suite.CAP + 100,
                                                   lambda _: hello):
                    self.target.check_health()
                    self.target.check(listener)

    # Garbage.

    def garbage(self):
        """Some of random bytes, some that begin as protocols do."""
        noise = self.random.randbytes
        openings = [b"", http2.PREFACE, http2.PREFACE + http2.settings(),
                    http2.PREFACE + http2.settings() + http2.frame(http2.HEADERS, 4, 1),
                    b"POST /v1/traces HTTP/1.1\r\n", b"GET / HTTP/9.9\r\n\r\n",
                    b"POST /api/v2/spans HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"
                    b"fffffffffffff\r\n",
                    b"POST /api/traces HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                    b"GET /" + b"a" * 100_000, b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                    struct.pack(">I", 0x7FFFFFFF), struct.pack(">I", 0x80000000),
                    struct.pack(">I", 0xFFFFFFFF), struct.pack(">I", 20) + b"\x80\x01\x00\x01",
                    struct.pack(">I", 0),
                    messages.tchannel_init(), messages.tchannel_init()[:20],
                    messages.tchannel_init() + messages.submit_batches(1)[:-20],
                    messages.tchannel_init() + messages.tchannel_frame(messages.CALL_REQ, 1, b""),
                    messages.tchannel_init() + b"\xff\xff\x03\0" + bytes(12)]
        return [opening + noise(self.random.randrange(0, 3000)) for opening in openings
                for _ in range(3)]

    def test_garbage_on_tcp(self):
        self.check_garbage(lambda _: self.garbage())

    # Messages that are announced and don't come.

    def test_a_gibibyte_by_http_that_does_not_come(self):
        for framing in (b"Content-Length: %d\r\n\r\n" % GIB,
                        b"Content-Length: %d\r\n\r\n" % (31 * MIB) + b"{",
                        b"Transfer-Encoding: chunked\r\n\r\n40000000\r\n{"):
            head = (b"POST %s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n" + framing)
            too_large = b"%d" % GIB in framing or b"40000000" in framing
            with self.watch():
                for listener in self.http_listeners():
                    path = HTTP_POSTS.get(listener, ("/", ))[0].encode()
                    with self.subTest(listener), Crowd(self.target.ports[listener], 200,
                                                       lambda _: head % path):
                        self.target.check(listener)
                    if too_large:
                        with self.subTest(listener), self.target.connect(listener) as asks:
                            asks.sendall(head % path)
                            self.assertRegex(asks.recv(100), rb"^HTTP/1.1 413 ")

    def test_calls_without_a_message(self):
        self.check_calls(lambda stream: b"")

    def test_a_gibibyte_by_grpc_that_does_not_come(self):
        self.check_calls(lambda stream: http2.message(stream, b"\n", GIB, end=False))
        self.check_calls(lambda stream: http2.message(stream, b"\n", 31 * MIB, end=False))

    def check_calls(self, begin, streams=100, connections=5):
        """Many calls at a time that go no further."""
        with self.watch():
            for listener in self.grpc_listeners():
                method = GRPC_CALLS[listener][0]
                opened = []
                try:
                    for _ in range(connections):
                        opened.append(http2.connect(self.target.ports[listener]))
                        for stream in range(1, 2 * streams, 2):
                            opened[-1].sendall(http2.call(stream, method) + begin(stream))
                    with self.subTest(listener):
                        self.target.check_grpc(listener)
                finally:
                    for connection in opened:
                        connection.close()

    # Bombs.

    def gzip_bomb(self, size=GIB):
        """Of zeros, without its checksum: nobody gets as far."""
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        piece = packer.compress(bytes(16 * MIB)) + packer.flush(zlib.Z_FULL_FLUSH)
        return (b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + piece * (size // (16 * MIB)) + b"\x03\0"
                + bytes(8))

    def zstd_bomb(self, size=GIB):
        """Blocks of 128 KiB that are one byte each (RFC 8878, 3.1.1.2), in a window of 1 MiB."""
        block = (size // (128 * 1024) - 1)
        rle = struct.pack("<I", 128 * 1024 << 3 | 1 << 1)[:3] + b"\0"
        last = struct.pack("<I", 128 * 1024 << 3 | 1 << 1 | 1)[:3] + b"\0"
        return b"\x28\xb5\x2f\xfd\0\x50" + rle * block + last

    def deflate_bomb(self, size=GIB):
        """The same as zlib makes it."""
        return b"\x78\xda" + self.gzip_bomb(size)[10:]

    def test_bombs_by_http(self):
        bombs = (("gzip", self.gzip_bomb()), ("zstd", self.zstd_bomb()),
                 ("deflate", self.deflate_bomb()), ("deflate", self.gzip_bomb()[10:]))
        posts = [(listener, path, content_type)
                 for listener, (path, content_type, _) in HTTP_POSTS.items()]
        posts += [("zipkin", "/api/v1/spans", "application/x-thrift"),
                  ("zipkin", "/api/v2/spans", "application/x-protobuf"),
                  ("otlp_http", "/v1/traces", "application/x-protobuf"),
                  ("query", "/api/transform", "application/json")]
        posts += [(listener, path, "text/plain") for listener, path in HTTP_GETS.items()]
        posts = [post for post in posts if post[0] in self.target.ports]
        with self.watch():
            for coding, bomb in bombs:
                for listener, path, content_type in posts:
                    with self.subTest(listener, coding=coding, path=path):
                        status, answer = self.target.post(listener, path, content_type, bomb,
                                                          **{"Content-Encoding": coding})
                        self.assertEqual(status, 413, answer)

    def test_a_bomb_by_grpc(self):
        with self.watch():
            for listener, coding in itertools.product(
                    self.grpc_listeners(), (grpc.Compression.Gzip, grpc.Compression.Deflate)):
                # Each by itself: what the allocator has kept of the one before is no part of it.
                with self.subTest(listener, coding=coding), self.watch(peak=BOMB_PEAK):
                    self.assertEqual(self.status_of_bomb(listener, coding),
                                     grpc.StatusCode.RESOURCE_EXHAUSTED)

    def status_of_bomb(self, listener, coding):
        """On a busy machine this client takes longer to pack it than a slow one may (UNAVAILABLE)."""
        for _ in range(10):
            with self.assertRaises(grpc.RpcError) as refused:
                self.target.call(listener, GRPC_CALLS[listener][0], BOMB, compression=coding)
            if refused.exception.code() != grpc.StatusCode.UNAVAILABLE:
                break
        return refused.exception.code()

    # Answers that nobody reads.

    def test_answers_of_grpc_that_nobody_reads(self):
        with self.watch():
            for listener in self.grpc_listeners():
                method, make = GRPC_CALLS[listener]
                opened = []
                try:
                    for _ in range(5):
                        connection = http2.connect(self.target.ports[listener])
                        opened.append(connection)
                        connection.sendall(http2.settings(window=0))
                        for stream in range(1, 200, 2):
                            connection.sendall(http2.call(stream, method) + http2.message(
                                stream, make(self.target.next_number())))
                    with self.subTest(listener):
                        self.target.check_grpc(listener)
                finally:
                    for connection in opened:
                        connection.close()
