"""One good span as each protocol carries it, and the pieces that bad messages are made of.

Written from the IDL in src/codec; nothing of what is tested is used to make the input.
"""

import base64
import json
import struct
import time
import zlib


# Protobuf.


def varint(number):
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def number_field(field, number):
    return varint(field << 3) + varint(number)


def fixed64_field(field, number):
    return varint(field << 3 | 1) + struct.pack("<Q", number)


def field(number, value):
    """Of length-delimited type: bytes, text or a message."""
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


# Thrift. A struct is a list of (id, type, value) in the order of ids; a list is (type, values).

BOOL, DOUBLE, I16, I32, I64, STRING, STRUCT, LIST = 2, 4, 6, 8, 10, 11, 12, 15


class Binary:
    """The binary protocol, strict."""

    @staticmethod
    def message(name, kind, arguments):
        return (struct.pack(">I", 0x80010000 | kind) + Binary.value(STRING, name)
                + struct.pack(">i", 1) + Binary.value(STRUCT, arguments))

    @staticmethod
    def value(kind, value):
        if kind == BOOL:
            return b"\x01" if value else b"\x00"
        if kind in (I16, I32, I64):
            return value.to_bytes({I16: 2, I32: 4, I64: 8}[kind], "big", signed=True)
        if kind == STRING:
            value = value.encode() if isinstance(value, str) else value
            return struct.pack(">I", len(value)) + value
        if kind == LIST:
            element, values = value
            return (struct.pack(">BI", element, len(values))
                    + b"".join(Binary.value(element, one) for one in values))
        assert kind == STRUCT, kind
        return b"".join(struct.pack(">BH", of, number) + Binary.value(of, one)
                        for number, of, one in value) + b"\x00"


class Compact:
    """The compact protocol."""

    CODES = {I16: 4, I32: 5, I64: 6, DOUBLE: 7, STRING: 8, LIST: 9, STRUCT: 12}

    @staticmethod
    def message(name, kind, arguments):
        return (bytes([0x82, kind << 5 | 1, 1]) + Compact.value(STRING, name)
                + Compact.value(STRUCT, arguments))

    @staticmethod
    def zigzag(number):
        return varint(number << 1 if number >= 0 else (-number << 1) - 1)

    @staticmethod
    def value(kind, value):
        if kind in (I16, I32, I64):
            return Compact.zigzag(value)
        if kind == STRING:
            value = value.encode() if isinstance(value, str) else value
            return varint(len(value)) + value
        if kind == LIST:
            element, values = value
            size = (bytes([len(values) << 4 | Compact.CODES[element]]) if len(values) < 15
                    else bytes([0xF0 | Compact.CODES[element]]) + varint(len(values)))
            return size + b"".join(Compact.value(element, one) for one in values)
        assert kind == STRUCT, kind
        out, last = b"", 0
        for number, of, one in value:
            code = (1 if one else 2) if of == BOOL else Compact.CODES[of]
            assert 0 < number - last < 16
            out += bytes([(number - last) << 4 | code])
            out += b"" if of == BOOL else Compact.value(of, one)
            last = number
        return out + b"\x00"


CALL, ONEWAY = 1, 4


def framed(message):
    return struct.pack(">I", len(message)) + message


# A good span. `number` makes its trace id, of 64 bits with the lowest bit set; `tags` are texts.

SERVICE, OPERATION = "good", "probe"


def trace_id(number):
    return f"{number:016x}"


def micros():
    return time.time_ns() // 1000


def otlp_protobuf(number, tags=(), service=SERVICE):
    span = (field(1, number.to_bytes(16, "big")) + field(2, number.to_bytes(8, "big"))
            + field(5, OPERATION) + fixed64_field(7, micros() * 1000)
            + fixed64_field(8, micros() * 1000 + 1000)
            + b"".join(field(9, field(1, key) + field(2, field(1, value))) for key, value in tags))
    return otlp_protobuf_around(span, service)


def otlp_protobuf_around(span, service=SERVICE):
    resource = field(1, field(1, field(1, "service.name") + field(2, field(1, service))))
    return field(1, resource + field(2, field(2, span)))


def otlp_json(number, tags=()):
    span = {"traceId": f"{number:032x}", "spanId": trace_id(number), "name": OPERATION,
            "startTimeUnixNano": str(micros() * 1000), "endTimeUnixNano": str(micros() * 1000 + 9),
            "attributes": [{"key": key, "value": {"stringValue": value}} for key, value in tags]}
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": SERVICE}}]}
    return json.dumps({"resourceSpans": [
        {"resource": resource, "scopeSpans": [{"spans": [span]}]}]}).encode()


def zipkin_json(number, tags=()):
    return json.dumps([{"traceId": trace_id(number), "id": trace_id(number), "name": OPERATION,
                        "timestamp": micros(), "duration": 1, "tags": dict(tags),
                        "localEndpoint": {"serviceName": SERVICE}}]).encode()


def zipkin_v1_json(number, tags=()):
    host = {"serviceName": SERVICE}
    return json.dumps([{"traceId": trace_id(number), "id": trace_id(number), "name": OPERATION,
                        "timestamp": micros(), "duration": 1,
                        "annotations": [{"timestamp": micros(), "value": "sr", "endpoint": host}],
                        "binaryAnnotations": [{"key": key, "value": value, "endpoint": host}
                                              for key, value in tags]}]).encode()


def zipkin_protobuf(number, tags=()):
    identifier = number.to_bytes(8, "big")
    return field(1, field(1, identifier) + field(3, identifier) + field(5, OPERATION)
                 + fixed64_field(6, micros()) + number_field(7, 1) + field(8, field(1, SERVICE))
                 + b"".join(field(11, field(1, key) + field(2, value)) for key, value in tags))


def jaeger_protobuf_span(number, tags=()):
    now = micros()
    start = number_field(1, now // 1_000_000) + number_field(2, now % 1_000_000 * 1000)
    return (field(1, number.to_bytes(16, "big")) + field(2, number.to_bytes(8, "big"))
            + field(3, OPERATION) + field(6, start) + field(7, number_field(2, 1000))
            + b"".join(field(8, field(1, key) + field(3, value)) for key, value in tags))


def jaeger_protobuf(number, tags=()):
    return field(1, field(1, jaeger_protobuf_span(number, tags)) + field(2, field(1, SERVICE)))


def jaeger_storage_protobuf(number, tags=()):
    """A WriteSpanRequest of Jaeger's storage interface."""
    return field(1, jaeger_protobuf_span(number, tags) + field(10, field(1, SERVICE)))


def jaeger_span(number, tags=()):
    texts = [[(1, STRING, key), (2, I32, 0), (3, STRING, value)] for key, value in tags]
    return [(1, I64, number), (2, I64, 0), (3, I64, number), (4, I64, 0), (5, STRING, OPERATION),
            (7, I32, 1), (8, I64, micros()), (9, I64, 1), (10, LIST, (STRUCT, texts))]


def jaeger_batch(numbers, tags=()):
    return [(1, STRUCT, [(1, STRING, SERVICE)]),
            (2, LIST, (STRUCT, [jaeger_span(number, tags) for number in numbers]))]


def jaeger_thrift_http(number, tags=()):
    return Binary.value(STRUCT, jaeger_batch([number], tags))


def emit_batch(protocol, numbers, tags=()):
    return protocol.message("emitBatch", ONEWAY, [(1, STRUCT, jaeger_batch(numbers, tags))])


def zipkin_v1_span(number, tags=()):
    texts = [[(1, STRING, key), (2, STRING, value), (3, I32, 6)] for key, value in tags]
    return [(1, I64, number), (3, STRING, OPERATION), (4, I64, number),
            (6, LIST, (STRUCT, [[(1, I64, micros()), (2, STRING, "sr"),
                                 (3, STRUCT, [(1, I32, 0), (2, I16, 0), (3, STRING, SERVICE)])]])),
            (8, LIST, (STRUCT, texts)), (10, I64, micros()), (11, I64, 1)]


def zipkin_v1_spans(number, tags=()):
    return (LIST, (STRUCT, [zipkin_v1_span(number, tags)]))


def zipkin_v1_thrift(number, tags=()):
    return Binary.value(*zipkin_v1_spans(number, tags))


def emit_zipkin_batch(number, tags=()):
    return Compact.message("emitZipkinBatch", ONEWAY, [(1, *zipkin_v1_spans(number, tags))])


def scribe_log(numbers, category="zipkin", tags=()):
    entries = [[(1, STRING, category),
                (2, STRING, base64.b64encode(Binary.value(STRUCT, zipkin_v1_span(number, tags))))]
               for number in numbers]
    return framed(Binary.message("Log", CALL, [(1, LIST, (STRUCT, entries))]))


SCRIBE_OK = framed(Binary.message("Log", 2, [(0, I32, 0)]))
SCRIBE_TRY_LATER = framed(Binary.message("Log", 2, [(0, I32, 1)]))


# TChannel: a connection's first frame, and a call of as many frames as it takes.

INIT_REQ, CALL_REQ, CALL_REQ_CONTINUE = 0x01, 0x03, 0x13
INIT_RES, CALL_RES, ERROR = 0x02, 0x04, 0xFF


def tchannel_frame(kind, number, payload):
    return struct.pack(">HBxI8x", 16 + len(payload), kind, number) + payload


def text(length_format, value):
    value = value.encode() if isinstance(value, str) else value
    return struct.pack(length_format, len(value)) + value


def tchannel_init():
    headers = {"host_port": "0.0.0.0:0", "process_name": "faults"}
    return tchannel_frame(INIT_REQ, 1, struct.pack(">HH", 2, len(headers)) + b"".join(
        text(">H", key) + text(">H", value) for key, value in headers.items()))


def tchannel_call(number, method, argument, whole=True):
    """The frames of a call; not `whole`: all but the last."""
    head = (struct.pack(">I25x", 1000) + text(">B", "jaeger-collector") + bytes([2])
            + text(">B", "as") + text(">B", "thrift") + text(">B", "cn") + text(">B", "faults"))
    frames, running, kind = [], 0, CALL_REQ
    before = text(">H", method) + text(">H", b"\0\0")
    running = zlib.crc32(b"\0\0", zlib.crc32(method.encode()))
    pieces = [argument[at:at + 60_000] for at in range(0, len(argument), 60_000)] or [b""]
    for index, piece in enumerate(pieces):
        running = zlib.crc32(piece, running)
        more = bytes([index + 1 < len(pieces)])
        frames.append(tchannel_frame(kind, number, more + head + struct.pack(">BI", 1, running)
                                     + before + text(">H", piece)))
        head, before, kind = b"", b"", CALL_REQ_CONTINUE
    return b"".join(frames if whole else frames[:-1])


def submit_batches(number, tags=()):
    arguments = [(1, LIST, (STRUCT, [jaeger_batch([number], tags)]))]
    return tchannel_call(2, "Collector::submitBatches", Binary.value(STRUCT, arguments))


def submit_zipkin_batch(number, tags=()):
    return tchannel_call(2, "ZipkinCollector::submitZipkinBatch",
                         Binary.value(STRUCT, [(1, *zipkin_v1_spans(number, tags))]))
