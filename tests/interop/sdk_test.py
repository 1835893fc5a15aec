"""Drives the all-in-one service with the real OpenTelemetry SDK, over HTTP and gRPC, and compares
what Jaeger's API gives back span by span, before and after a restart.

Usage: sdk_test.py PROGRAM     exit 77 (skipped) where the SDK isn't installed, but not in CI
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

from service import Service

try:
    from opentelemetry import trace
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import (
        OTLPSpanExporter as GrpcExporter,
    )
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (
        OTLPSpanExporter as HttpExporter,
    )
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode
except ImportError as missing:
    print(f"sdk_test: not run: {missing} (scripts/bootstrap makes .venv with the SDK)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def check_metrics_are_documented(metrics):
    """Each has a HELP line, and stands in the table of docs/operations.md."""
    page = (Path(__file__).resolve().parents[2] / "docs" / "operations.md").read_text()
    names = {line.split(" ")[2] for line in metrics.splitlines() if line.startswith("# TYPE ")}
    assert len(names) > 10, metrics
    for name in names:
        assert f"# HELP {name} " in metrics, name
        assert f"`{name}`" in page, name


def make_spans(exporter, service):
    """Sends spans of every shape; gives them as the SDK has them."""
    sent = InMemorySpanExporter()
    results = []
    export = exporter.export

    def recorded(spans):
        results.append(export(spans))
        return results[-1]

    exporter.export = recorded
    provider = TracerProvider(
        resource=Resource.create(
            {"service.name": service, "service.version": "1.2", "host.cpus": 4}
        ),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(sent))
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("interop", "0.9", attributes={"scope.key": "scope value"})

    with tracer.start_as_current_span("elsewhere", kind=SpanKind.PRODUCER) as other:
        pass
    with tracer.start_as_current_span("GET /", kind=SpanKind.SERVER) as root:
        root.set_attributes(
            {
                "text": 'quotes " and ünïcödé 😀\n',
                "empty": "",
                "int": 42,
                "big": 2**62,
                "negative": -7,
                "double": 72.5,
                "tiny": 5e-324,
                "yes": True,
                "no": False,
                "raw": b"\x00\xff\x10",
                "texts": ["a", 'b"', "ü"],
                "numbers": [1, -2, 3],
                "doubles": [0.5, 1.0],
                "bools": [True, False],
            }
        )
        root.add_event("cache.miss", {"cache.key": "product:7", "cache.size": 3})
        with tracer.start_as_current_span(
            "call", kind=SpanKind.CLIENT, links=[Link(other.get_span_context(), {"why": "batch"})]
        ) as call:
            call.set_status(Status(StatusCode.OK))
            try:
                raise ValueError("no such product")
            except ValueError as error:
                call.record_exception(error)
        with tracer.start_as_current_span("work") as work:
            work.set_status(Status(StatusCode.ERROR, "out of stock"))
        for kind in (SpanKind.INTERNAL, SpanKind.CONSUMER):
            with tracer.start_as_current_span(f"kind {kind.name}", kind=kind):
                pass
    provider.shutdown()
    assert results and all(result is SpanExportResult.SUCCESS for result in results), results
    return sent.get_finished_spans()


def json_number(value):
    """As canonical JSON writes a number within an array: 1.0 is 1."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def tag_of(key, value):
    """A tag as Jaeger's API shows an attribute of the SDK's."""
    if isinstance(value, bool):
        return (key, "bool", value)
    if isinstance(value, int):
        # Beyond 2^53 JavaScript can't hold it; Jaeger writes text.
        return (key, "int64", value if abs(value) < 2**53 else str(value))
    if isinstance(value, float):
        return (key, "float64", value)
    if isinstance(value, bytes):
        return (key, "binary", base64.b64encode(value).decode())
    if isinstance(value, (tuple, list)):
        items = [json_number(item) for item in value]
        return (key, "string", json.dumps(items, separators=(",", ":"), ensure_ascii=False))
    return (key, "string", value)


def shown_tags(tags):
    return sorted((tag["key"], tag["type"], tag["value"]) for tag in tags)


def expected_tags(span):
    tags = [tag_of(key, value) for key, value in span.attributes.items()]
    scope = span.instrumentation_scope
    tags += [("otel.scope.name", "string", scope.name)]
    tags += [("otel.scope.version", "string", scope.version)]
    tags += [("span.kind", "string", span.kind.name.lower())]
    if span.status.status_code is StatusCode.OK:
        tags += [("otel.status_code", "string", "OK")]
    if span.status.status_code is StatusCode.ERROR:
        tags += [("otel.status_code", "string", "ERROR"), ("error", "bool", True)]
        tags += [("otel.status_description", "string", span.status.description)]
    return sorted(tags)


def expected_references(span):
    references = []
    if span.parent:
        context = span.parent
        references.append(("CHILD_OF", f"{context.trace_id:032x}", f"{context.span_id:016x}"))
    for link in span.links:
        context = link.context
        references.append(("FOLLOWS_FROM", f"{context.trace_id:032x}", f"{context.span_id:016x}"))
    return references


def expected_logs(span):
    return [
        (
            event.timestamp // 1000,
            sorted(
                [("event", "string", event.name)]
                + [tag_of(key, value) for key, value in event.attributes.items()]
            ),
        )
        for event in span.events
    ]


def compare(span, shown, processes):
    context = span.context
    assert shown["traceID"] == f"{context.trace_id:032x}"
    assert shown["operationName"] == span.name
    assert shown["startTime"] == span.start_time // 1000, (shown["startTime"], span.start_time)
    assert shown["duration"] == (span.end_time - span.start_time) // 1000
    references = [(ref["refType"], ref["traceID"], ref["spanID"]) for ref in shown["references"]]
    assert references == expected_references(span), references
    assert shown_tags(shown["tags"]) == expected_tags(span), (
        shown_tags(shown["tags"]),
        expected_tags(span),
    )
    logs = [(log["timestamp"], shown_tags(log["fields"])) for log in shown["logs"]]
    assert logs == expected_logs(span), logs
    assert shown["warnings"] is None, shown["warnings"]
    process = processes[shown["processID"]]
    resource = dict(span.resource.attributes)
    assert process["serviceName"] == resource.pop("service.name")
    assert shown_tags(process["tags"]) == sorted(tag_of(k, v) for k, v in resource.items())


def compare_all(service, spans):
    by_trace = {}
    for span in spans:
        by_trace.setdefault(f"{span.context.trace_id:032x}", {})[
            f"{span.context.span_id:016x}"
        ] = span
    for trace_id, expected in by_trace.items():
        trace_shown = service.trace(trace_id)
        assert trace_shown is not None, f"trace {trace_id} is missing"
        shown = {span["spanID"]: span for span in trace_shown["spans"]}
        assert len(shown) == len(trace_shown["spans"])
        assert shown.keys() == expected.keys(), (shown.keys(), expected.keys())
        for span_id, span in expected.items():
            compare(span, shown[span_id], trace_shown["processes"])


def search(service, parameters):
    status, body = service.get("query", f"/api/traces?{parameters}")
    assert status == 200, body
    return {found["traceID"] for found in json.loads(body)["data"]}


def check_search(service, spans, name):
    root = next(span for span in spans if span.name == "GET /")
    trace_id = f"{root.context.trace_id:032x}"
    assert trace_id in search(service, f"service={name}")
    for parameters in ("tag=int:42", "tag=error:true", "tag=event:cache.miss", "operation=work"):
        assert search(service, f"service={name}&{parameters}") == {trace_id}, parameters
    assert search(service, f"service={name}&tag=int:43") == set()
    assert search(service, f"service={name}&minDuration=1h") == set()
    _, body = service.get("query", f"/api/services/{name}/operations")
    assert json.loads(body)["data"] == sorted({span.name for span in spans}), body


def check_api_v3(service, spans, name):
    """Summary, trace and call rate of what one exporter sent."""
    day = "query.startTimeMin=2020-01-01T00:00:00Z&query.startTimeMax=2100-01-01T00:00:00Z"
    _, body = service.get("query", f"/api/v3/trace-summaries?query.serviceName={name}&{day}")
    summaries = json.loads(body)["summaries"]
    assert sum(summary["spanCount"] for summary in summaries) == len(spans), summaries
    read = {}
    for summary in summaries:
        _, body = service.get("query", f"/api/v3/traces/{summary['traceId']}")
        for resource in json.loads(body)["result"]["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                read.update({span["spanId"]: span for span in scope["spans"]})
    for span in spans:
        shown = read[f"{span.context.span_id:016x}"]
        assert shown["name"] == span.name
        assert shown["startTimeUnixNano"] == str(span.start_time), (shown, span.start_time)
    kinds = "&".join(f"spanKind={k}" for k in ("internal", "server", "client", "producer", "consumer"))
    window = f"endTs={max(span.end_time for span in spans) // 10**6 + 20_000}&lookback=0&ratePer=60000"
    _, body = service.get("query", f"/api/metrics/calls?service={name}&{kinds}&{window}&step=10000")
    (series,) = json.loads(body)["metrics"]
    (point,) = series["metricPoints"]
    assert round(point["gaugeValue"]["doubleValue"] * 60) == len(spans), body


def check_archive(service, program, data, spans):
    """An archived trace is found after it was deleted; Zipkin's API no longer has it."""
    trace_id = f"{spans[0].context.trace_id:032x}"
    url = service.url("query", f"/api/archive/{trace_id}")
    with urllib.request.urlopen(urllib.request.Request(url, method="POST"), timeout=60) as answer:
        assert json.load(answer)["errors"] == []
    assert service.get("zipkin", f"/api/v2/trace/{trace_id}")[0] == 200
    done = subprocess.run([program, "delete", data, trace_id, "--yes"], timeout=60)
    assert done.returncode == 0
    assert service.get("zipkin", f"/api/v2/trace/{trace_id}") == (404, f"{trace_id} not found")
    archived = service.trace(trace_id)
    ids = {f"{s.context.span_id:016x}" for s in spans if f"{s.context.trace_id:032x}" == trace_id}
    assert {span["spanID"] for span in archived["spans"]} == ids


def main():
    program = sys.argv[1]
    with tempfile.TemporaryDirectory(prefix="tracestore-sdk-") as data:
        with Service(program, data) as service:
            http = service.url("otlp_http", "/v1/traces")
            sent = {
                "over-http": make_spans(HttpExporter(endpoint=http), "over-http"),
                "over-gzip": make_spans(
                    HttpExporter(endpoint=http, compression=Compression.Gzip), "over-gzip"
                ),
                "over-grpc": make_spans(
                    GrpcExporter(endpoint=f"127.0.0.1:{service.ports['otlp_grpc']}", insecure=True),
                    "over-grpc",
                ),
            }
            total = sum(len(spans) for spans in sent.values())
            for name, spans in sent.items():
                compare_all(service, spans)
                check_search(service, spans, name)
                check_api_v3(service, spans, name)
            _, body = service.get("query", "/api/services")
            assert json.loads(body)["data"] == sorted(sent), body
            status, body = service.get("admin", "/")
            assert status == 200 and json.loads(body)["status"] == "Server available", body
            _, metrics = service.get("admin", "/metrics")
            assert f"tracestore_store_spans {total}\n" in metrics, metrics
            check_metrics_are_documented(metrics)
            service.stop()
        with Service(program, data) as service:
            for name, spans in sent.items():
                compare_all(service, spans)
                check_search(service, spans, name)
            check_archive(service, program, data, sent["over-http"])
            service.stop()
    print(f"{total} spans of the SDK came back whole, also after a restart")


if __name__ == "__main__":
    main()
