"""Spans as OTLP JSON, and their sending, for tests."""

import json
import time
import urllib.request

NOW_NS = time.time_ns() - 60_000_000_000  # when spans begin: the same in all of a test


def attribute(key, value):
    return {"key": key, "value": {"stringValue": value}}


def span(trace_id, number, name, kind, parent=0, **more):
    start = NOW_NS + number * 1000
    return {"traceId": trace_id, "spanId": f"{number:016x}", "name": name, "kind": kind,
            "parentSpanId": f"{parent:016x}" if parent else "", "startTimeUnixNano": str(start),
            "endTimeUnixNano": str(start + 5_000_000), **more}


def of_service(name, spans):
    return {"resource": {"attributes": [attribute("service.name", name)]},
            "scopeSpans": [{"spans": spans}]}


def send(service, *resource_spans):
    body = json.dumps({"resourceSpans": resource_spans}).encode()
    request = urllib.request.Request(service.url("otlp_http", "/v1/traces"), body,
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200
