"""What tests share: the data, and spans as dicts."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
DATA = ROOT / "tests" / "data"
# Real material, where somebody has put it beside the checkout, or says where it is.
SHARED = Path(os.environ.get("TRACESTORE_SHARED_DATA", ROOT.parent / "shared" / "data"))
SHOP = "4bf92f3577b34da6a3ce929d0e0e4736"
FORMATS = """otlp-json otlp-proto otlp-jsonl jaeger jaeger-proto jaeger-thrift zipkin zipkin-proto
    zipkin-v1 zipkin-v1-thrift""".split()


def span(number: int, parent: int = 0, trace: int = 1, **fields):
    """A span as a dict: [number, number + 1) seconds, unless fields say otherwise."""
    made = {
        "trace_id": f"{trace:032x}",
        "span_id": f"{number:016x}",
        "name": f"op{number}",
        "service": "tests",
        "start_ns": number * 1_000_000_000,
        "duration": "1s",
    }
    if parent:
        made["parent_id"] = f"{parent:016x}"
    made.update(fields)
    return made


def numbered(numbers, trace=lambda number: 1, parent=lambda number: 0) -> bytes:
    """Spans as span() makes them, as a message in OTLP's JSON: for many, quicker than a dict
    each."""
    spans = ",".join(
        f'{{"traceId":"{trace(i):032x}","spanId":"{i:016x}","name":"op{i}",'
        + (f'"parentSpanId":"{parent(i):016x}",' if parent(i) else "")
        + f'"startTimeUnixNano":"{i}000000000","endTimeUnixNano":"{i + 1}000000000"}}'
        for i in numbers
    )
    resource = '{"attributes":[{"key":"service.name","value":{"stringValue":"tests"}}]}'
    scopes = f'[{{"spans":[{spans}]}}]'
    return f'{{"resourceSpans":[{{"resource":{resource},"scopeSpans":{scopes}}}]}}'.encode()
