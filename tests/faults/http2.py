"""HTTP/2 by hand, as far as a client needs that means no good (RFC 9113)."""

import struct

from dial import dial

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS = range(5)
PING, WINDOW_UPDATE, CONTINUATION = 6, 8, 9
CANCEL = struct.pack(">I", 8)
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def settings(**values):
    """`window`: how many bytes of an answer a stream may send before it is told that more may
    come."""
    payload = b""
    if "window" in values:
        payload += struct.pack(">HI", INITIAL_WINDOW_SIZE, values["window"])
    return frame(SETTINGS, 0, 0, payload)


def hpack_literal(name, value):
    """Never longer than a length of one byte can say; without table and Huffman."""
    name, value = name.encode(), value.encode()
    assert len(name) < 127 and len(value) < 127
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


def head(path):
    """The fields of a gRPC call."""
    fields = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "a"),
              ("te", "trailers"), ("content-type", "application/grpc")]
    return b"".join(hpack_literal(name, value) for name, value in fields)


def call(stream, path):
    """The head of a gRPC call; its message is still to come."""
    return frame(HEADERS, END_HEADERS, stream, head(path))


def message(stream, payload, announced=None, end=True):
    """A gRPC message, or the beginning of one of `announced` bytes, in frames of 16 KiB."""
    length = len(payload) if announced is None else announced
    rest = b"\0" + struct.pack(">I", length) + payload
    out = b""
    while True:
        piece, rest = rest[:16384], rest[16384:]
        out += frame(DATA, END_STREAM if end and not rest else 0, stream, piece)
        if not rest:
            return out


def connect(port):
    """A connection that has said hello and agreed to everything."""
    connection = dial(port, 60)
    connection.sendall(PREFACE + settings() + frame(SETTINGS, ACK, 0)
                       + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 24)))
    return connection


def is_ended(connection, streams):
    """Reads until so many streams are reset, or all: the server has closed. OSError when it does
    neither for as long as the connection waits."""
    reader = connection.makefile("rb")
    ended = set()
    while len(ended) < streams:
        head = reader.read(9)
        if len(head) < 9:
            return True
        if head[3] == RST_STREAM or head[3] == HEADERS and head[4] & END_STREAM:
            ended.add(head[5:])
        reader.read(int.from_bytes(head[:3], "big"))
    return True
