"""For tests of programs that send traces: a receiver in this process, and assertions on traces.

    with TraceReceiver() as receiver:
        run_the_program(OTEL_EXPORTER_OTLP_ENDPOINT=receiver.endpoint)
        trace = receiver.wait_for_trace(service="checkout", spans=3)
        pay = assert_span(trace, name="POST /pay", status="ok", parent="POST /checkout")

With pytest the fixture `trace_receiver` is one, without an import: the plugin comes with the
package.
"""

from __future__ import annotations

import json
import tempfile
import threading
import time
import zlib
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Optional

from . import _core
from ._check import timeout_s, whole
from ._errors import BusyError, Error, InvalidArgumentError, UnsupportedError
from ._open import open_store
from ._store import Store
from ._trace import Trace

_MOST_BYTES = 64 << 20  # of a request, packed and unpacked
_FORMATS = {"application/x-protobuf": "otlp-proto", "application/json": "otlp-json"}


class _TooLong(Exception):
    pass


def _gunzip(data: bytes) -> bytes:
    try:
        unpacker = zlib.decompressobj(wbits=31)
        plain = unpacker.decompress(data, _MOST_BYTES)
        if unpacker.unconsumed_tail:
            raise _TooLong
        if not unpacker.eof:
            raise InvalidArgumentError("the gzip data ends early")
        return plain
    except zlib.error as error:
        raise InvalidArgumentError(f"the body is no gzip: {error}") from None


def _varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _partial_success(result: _core.AppendResult, format: str) -> bytes:
    """An ExportTraceServiceResponse: empty where every span was taken."""
    if format == "otlp-json":
        if not result.rejected:
            return b"{}"
        partial = {"rejectedSpans": str(result.rejected), "errorMessage": result.first_error}
        return json.dumps({"partialSuccess": partial}).encode()
    if not result.rejected:
        return b""
    message = result.first_error.encode()
    inner = b"\x08" + _varint(result.rejected) + b"\x12" + _varint(len(message)) + message
    return b"\x0a" + _varint(len(inner)) + inner


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10  # seconds without a byte
    receiver: TraceReceiver

    def do_POST(self) -> None:
        try:
            self._answer(200, *self._receive())
        except _TooLong:
            self._refuse(413, f"the request is longer than {_MOST_BYTES} bytes")
        except BusyError as error:
            self._refuse(503, str(error))
        except UnsupportedError as error:
            self._refuse(415, str(error))
        except InvalidArgumentError as error:
            self._refuse(400, str(error))
        except Error as error:
            self._refuse(500, str(error))

    def do_GET(self) -> None:
        self._refuse(405, "traces are posted to /v1/traces")

    def _receive(self) -> tuple[str, bytes]:
        if self.path != "/v1/traces":
            self.close_connection = True
            raise InvalidArgumentError(f"there is nothing at {self.path}, only /v1/traces")
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            self.close_connection = True  # where the body ends nobody knows
            raise InvalidArgumentError("a request needs a Content-Length")
        if len(length) > 12 or int(length) > _MOST_BYTES:
            self.close_connection = True
            raise _TooLong
        body = self.rfile.read(int(length))
        kind = self.headers.get("Content-Type", "").split(";")[0].strip().lower()
        if kind not in _FORMATS:
            raise UnsupportedError(f"content type {kind!r} is none of {', '.join(_FORMATS)}")
        encoding = self.headers.get("Content-Encoding", "identity").strip().lower()
        if encoding not in ("identity", "gzip"):
            raise UnsupportedError(f"content encoding {encoding!r} is none of identity, gzip")
        data = _gunzip(body) if encoding == "gzip" else body
        return kind, self.receiver.take(data, _FORMATS[kind])

    def _refuse(self, code: int, sentence: str) -> None:
        self._answer(code, "text/plain; charset=utf-8", sentence.encode())

    def _answer(self, code: int, kind: str, body: bytes) -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing: a test's output is the test's."""


class TraceReceiver:
    """OTLP over HTTP (protobuf and JSON, plain and gzip) on a free port of the loopback, into a
    store of its own in a temporary folder, or in `path`. A context manager; close() ends it."""

    def __init__(self, path: Optional[str] = None) -> None:
        self._folder = tempfile.TemporaryDirectory() if path is None else None
        where = path if self._folder is None else self._folder.name + "/store"
        assert where is not None
        self._store = open_store(where, "a", sync="off")
        self._arrived = threading.Condition()
        self._arrivals = 0
        handler = type("Handler", (_Handler,), {"receiver": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    @property
    def store(self) -> Store:
        """The store of what came."""
        return self._store

    @property
    def endpoint(self) -> str:
        """For OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:PORT"."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def take(self, data: bytes, format: str) -> bytes:
        """Appends a message as if it had been sent; gives the answer's body."""
        result = self._store.append(data, format)
        with self._arrived:
            self._arrivals += 1
            self._arrived.notify_all()
        return _partial_success(result, format)

    def wait_for_trace(self, *, spans: int = 1, timeout: float = 10.0, **query: Any) -> Trace:
        """The newest trace that matches what find() takes and has at least so many spans, as soon
        as it is there. Raises AssertionError after `timeout` seconds, with what came instead."""
        if whole(spans, "spans") is None:
            raise InvalidArgumentError("spans is a whole number, not None")
        deadline = time.monotonic() + (timeout_s(timeout) or 0)
        while True:
            with self._arrived:
                seen = self._arrivals
            for summary in self._store.find(**query):
                if summary.span_count >= spans:
                    return self._store.trace(summary.trace_id)
            with self._arrived:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise AssertionError(self._what_came(spans, query))
                self._arrived.wait_for(lambda: self._arrivals != seen, left)

    def _what_came(self, spans: int, query: Mapping[str, Any]) -> str:
        wanted = ", ".join(f"{name}={value!r}" for name, value in query.items()) or "anything"
        text = f"no trace of at least {spans} spans with {wanted} came"
        drawn = [str(trace) for trace in self._store.find(limit=5).traces()]
        if not drawn:
            return text + "; nothing came at all"
        return text + "; the newest that came:\n\n" + "\n\n".join(drawn)

    def close(self) -> None:
        """Ends the receiver and its store."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
        self._store.close()
        if self._folder is not None:
            self._folder.cleanup()

    def __enter__(self) -> TraceReceiver:
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()


def _fits(span: _core.Span, wanted: Mapping[str, Any]) -> bool:
    for name in ("service", "name", "kind", "status"):
        if wanted[name] is not None and getattr(span, name) != wanted[name]:
            return False
    attributes = wanted["attributes"]
    if attributes:
        there = span.attributes
        if any(key not in there or there[key] != value for key, value in attributes.items()):
            return False
    if wanted["parent"] is not None:
        parent = span.parent
        return parent is not None and parent.name == wanted["parent"]
    return True


def assert_span(
    trace: Trace,
    *,
    service: Optional[str] = None,
    name: Optional[str] = None,
    kind: Optional[str] = None,
    status: Optional[str] = None,
    attributes: Optional[Mapping[str, Any]] = None,
    parent: Optional[str] = None,
) -> _core.Span:
    """The first span of the trace, parents before children, that has all of this; `parent` is the
    name of its parent. Raises AssertionError with the tree where there is none."""
    wanted = {
        "service": service,
        "name": name,
        "kind": kind,
        "status": status,
        "attributes": attributes,
        "parent": parent,
    }
    for span in trace:
        if _fits(span, wanted):
            return span
    said = ", ".join(f"{key}={value!r}" for key, value in wanted.items() if value is not None)
    raise AssertionError(f"no span with {said} in\n\n{trace}")


def assert_no_errors(trace: Trace) -> None:
    """No span's status is error, and no parent is missing. Raises AssertionError with the tree."""
    bad = [f"{span.service}: {span.name}" for span in trace if span.status == "error"]
    if bad:
        raise AssertionError(f"spans with errors ({', '.join(bad)}) in\n\n{trace}")
    if trace.missing_parents:
        missing = ", ".join(trace.missing_parents)
        raise AssertionError(f"missing parents ({missing}) in\n\n{trace}")
