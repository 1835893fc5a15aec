"""Sends spans by py_zipkin and prints them as the library had them, as Zipkin v2 JSON.

Usage: py_zipkin_client.py v1-json|v1-thrift|v2-json|v2-proto URL     URL of the server's root
"""

import json
import sys
import urllib.request

from py_zipkin import Encoding, Kind
from py_zipkin import logging_helper
from py_zipkin.zipkin import zipkin_client_span, zipkin_span

ENCODINGS = {
    "v1-json": ("V1_JSON", "/api/v1/spans", "application/json"),
    "v1-thrift": ("V1_THRIFT", "/api/v1/spans", "application/x-thrift"),
    "v2-json": ("V2_JSON", "/api/v2/spans", "application/json"),
    "v2-proto": ("V2_PROTO3", "/api/v2/spans", "application/x-protobuf"),
}
sent = []


def endpoint(of):
    if of is None:
        return None
    fields = {"serviceName": of.service_name, "ipv4": of.ipv4, "ipv6": of.ipv6, "port": of.port}
    return {key: value for key, value in fields.items() if value}


def micros(seconds):
    """Cut off, in the order of operations in which each encoder does it."""
    return int(seconds * 1000 * 1000) if sys.argv[1] == "v2-proto" else int(seconds * 1000000)


def shown(span):
    """A span of the library's as Zipkin v2 has it."""
    fields = {
        "traceId": span.trace_id,
        "parentId": span.parent_id,
        "id": span.span_id,
        "name": span.name,
        "kind": span.kind.value if span.kind else None,
        "timestamp": micros(span.timestamp),
        "duration": micros(span.duration),
        "localEndpoint": endpoint(span.local_endpoint),
        "remoteEndpoint": endpoint(span.remote_endpoint),
        "annotations": [
            {"timestamp": micros(time), "value": value}
            for value, time in span.annotations.items()
        ],
        "tags": dict(span.tags),
        "debug": span.debug,
        "shared": span.shared,
    }
    return {key: value for key, value in fields.items() if value}


def record(sender, span, add=logging_helper.ZipkinBatchSender.add_span):
    sent.append(shown(span))
    add(sender, span)


logging_helper.ZipkinBatchSender.add_span = record


def main():
    name, path, content_type = ENCODINGS[sys.argv[1]]

    def send(body):
        body = body.encode() if isinstance(body, str) else body
        request = urllib.request.Request(
            sys.argv[2] + path, data=body, headers={"Content-Type": content_type}
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            assert answer.status == 202, answer.status
            assert answer.read() == b""

    common = {
        "transport_handler": send,
        "encoding": getattr(Encoding, name),
        "sample_rate": 100,
        "host": "192.168.0.1",
        "port": 8080,
    }
    with zipkin_span(
        service_name="Py-Zipkin",
        span_name="Root-Op",
        kind=Kind.SERVER,
        use_128bit_trace_id=True,
        binary_annotations={"http.method": "GET", "uni": "Grüße-日本", "n.int": "42", "": "empty"},
        **common,
    ) as root:
        root.add_annotation("cache-miss")
        try:
            with zipkin_client_span(service_name="Py-Zipkin", span_name="child-op") as child:
                child.add_sa_binary_annotation(
                    port=3306, service_name="MySQL", host="192.168.0.9"
                )
                raise ValueError("boom")
        except ValueError:
            pass
        with zipkin_span(service_name="Py-Zipkin", span_name="send", kind=Kind.PRODUCER):
            pass
        # A tag, without which version 1 says nothing of the host.
        tags = {"part": "inside"}
        with zipkin_span(service_name="Py-Zipkin", span_name="local", binary_annotations=tags):
            pass
    with zipkin_span(
        service_name="small-ids", span_name="get", kind=Kind.CONSUMER, **common
    ):
        pass
    json.dump(sent, sys.stdout)


main()
