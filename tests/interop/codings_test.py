"""Bodies in every Content-Encoding, whole and in pieces, on the HTTP ports that take spans: each is
answered as the plain one, and its span is found.

Usage: codings_test.py PROGRAM
"""

import gzip
import http.client
import itertools
import struct
import sys
import tempfile
import unittest
import zlib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
import messages
from service import Service

PROGRAM = sys.argv.pop(1)


def raw_deflate(body):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


def zstd(body):
    """A frame of RFC 8878 with a content size of four bytes and one raw block: Python has no zstd."""
    assert len(body) < 1 << 17, len(body)
    return (b"\x28\xB5\x2F\xFD" + b"\xA0" + struct.pack("<I", len(body))
            + struct.pack("<I", len(body) << 3 | 1)[:3] + body)


CODINGS = {  # what the header says, and what is sent
    "plain": (None, bytes),
    "identity": ("identity", bytes),
    "gzip": ("gzip", gzip.compress),
    "x-gzip": ("x-gzip", gzip.compress),
    "gzip in capitals": ("GZIP", gzip.compress),
    "gzip of two members": ("gzip", lambda body: gzip.compress(body[:9]) + gzip.compress(body[9:])),
    "deflate": ("deflate", zlib.compress),
    "deflate without zlib's frame": ("deflate", raw_deflate),
    "zstd": ("zstd", zstd),
}


def zipkin_v1_json(number):
    identifier = messages.trace_id(number)
    host = f'"endpoint":{{"serviceName":"{messages.SERVICE}"}}'
    return (f'[{{"traceId":"{identifier}","id":"{identifier}","annotations":['
            f'{{"timestamp":{messages.micros()},"value":"sr",{host}}}]}}]').encode()


def zipkin_v1_thrift(number):
    spans = [messages.zipkin_v1_span(number)]
    return messages.Binary.value(messages.LIST, (messages.STRUCT, spans))


JSON, PROTOBUF, THRIFT = "application/json", "application/x-protobuf", "application/x-thrift"
# Listener, path, Content-Type, the maker of a message, the status of a good one.
TARGETS = [
    ("zipkin", "/api/v2/spans", JSON, messages.zipkin_json, 202),
    ("zipkin", "/api/v2/spans", PROTOBUF, messages.zipkin_protobuf, 202),
    ("zipkin", "/api/v1/spans", JSON, zipkin_v1_json, 202),
    ("zipkin", "/api/v1/spans", THRIFT, zipkin_v1_thrift, 202),
    ("jaeger_http", "/api/traces", THRIFT, messages.jaeger_thrift_http, 202),
    ("otlp_http", "/v1/traces", JSON, messages.otlp_json, 200),
    ("otlp_http", "/v1/traces", PROTOBUF, messages.otlp_protobuf, 200),
]


class Codings(unittest.TestCase):
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

    def post(self, listener, path, content_type, coding, body, chunked=False):
        """Status, Content-Type and body."""
        headers = {"Content-Type": content_type}
        if coding is not None:
            headers["Content-Encoding"] = coding
        connection = http.client.HTTPConnection("127.0.0.1", self.service.ports[listener],
                                                timeout=60)
        self.addCleanup(connection.close)
        # Pieces that end anywhere, the first of them within a head.
        pieces = (body[at:at + 7] for at in range(0, len(body), 7)) if chunked else body
        connection.request("POST", path, pieces, headers)  # of no length: chunked
        answer = connection.getresponse()
        return answer.status, answer.getheader("Content-Type"), answer.read()

    def test_every_coding_whole_and_in_pieces(self):
        number = itertools.count(0x7001, 2)
        for listener, path, content_type, make, good in TARGETS:
            for name, (coding, encode) in CODINGS.items():
                for chunked in (False, True):
                    with self.subTest(path, type=content_type, coding=name, chunked=chunked):
                        one = next(number)
                        status, _, body = self.post(listener, path, content_type, coding,
                                                    encode(make(one)), chunked)
                        self.assertEqual(status, good, body)
                        trace = self.service.trace(messages.trace_id(one))
                        self.assertIsNotNone(trace)
                        self.assertEqual([span["spanID"] for span in trace["spans"]],
                                         [messages.trace_id(one)])

    def test_what_is_not_in_its_coding_is_refused(self):
        for listener, path, content_type, make, _ in TARGETS:
            plain = make(0x6FFF)
            packed = gzip.compress(plain)
            wrong_sum = packed[:-8] + bytes([packed[-8] ^ 1]) + packed[-7:]
            for name, coding, body in (
                    ("no gzip", "gzip", plain), ("cut", "gzip", packed[:-9]),
                    ("another sum", "gzip", wrong_sum), ("no zlib", "deflate", b"\x07" + plain),
                    ("no zstd", "zstd", plain), ("cut zstd", "zstd", zstd(plain)[:-1])):
                for chunked in (False, True):
                    with self.subTest(path, type=content_type, body=name, chunked=chunked):
                        status, kind, told = self.post(listener, path, content_type, coding, body,
                                                       chunked)
                        self.assertEqual(status, 400, told)
                        if listener == "zipkin" and coding == "gzip":
                            self.assertEqual((kind, told), ("text/*", b"Cannot gunzip spans"))
            for coding in ("br", "zlib", "gzip, br"):
                with self.subTest(path, type=content_type, coding=coding):
                    status, _, told = self.post(listener, path, content_type, coding, plain)
                    self.assertEqual(status, 415, told)
        self.assertIsNone(self.service.trace(messages.trace_id(0x6FFF)))


if __name__ == "__main__":
    unittest.main(verbosity=2)
