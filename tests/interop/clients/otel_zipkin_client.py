"""Sends spans by OpenTelemetry's exporters for Zipkin and prints them as the SDK had them.

Usage: otel_zipkin_client.py v1-json|v2-json|v2-proto URL     URL of the server's root
"""

import json
import sys

from opentelemetry.exporter.zipkin.json import Protocol
from opentelemetry.exporter.zipkin.json import ZipkinExporter as JsonExporter
from opentelemetry.exporter.zipkin.proto.http import ZipkinExporter as ProtoExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, Status, StatusCode

# Version 1 needs a length.
LOCAL = {
    "local_node_ipv4": "192.168.0.1",
    "local_node_port": 8080,
    "max_tag_value_length": 128,
}


def exporter(kind, url):
    if kind == "v2-proto":
        return ProtoExporter(endpoint=url + "/api/v2/spans", **LOCAL)
    if kind == "v1-json":
        return JsonExporter(version=Protocol.V1, endpoint=url + "/api/v1/spans", **LOCAL)
    return JsonExporter(version=Protocol.V2, endpoint=url + "/api/v2/spans", **LOCAL)


def micros(nanos):
    """Rounded, as the exporter does."""
    return (nanos + 500) // 1000


def text(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return json.dumps([text(item) for item in value], separators=(",", ":"), ensure_ascii=True)
    return str(value)


def shown(span):
    """What the exporter's documentation says becomes of a span."""
    resource = dict(span.resource.attributes)
    scope = span.instrumentation_scope
    tags = {key: text(value) for key, value in {**resource, **span.attributes}.items()}
    tags["otel.scope.name"] = tags["otel.library.name"] = scope.name
    tags["otel.scope.version"] = tags["otel.library.version"] = scope.version
    if span.status.status_code is not StatusCode.UNSET:
        tags["otel.status_code"] = span.status.status_code.name
    if span.status.status_code is StatusCode.ERROR:
        tags["error"] = span.status.description or ""
    fields = {
        "traceId": f"{span.context.trace_id:032x}",
        "parentId": f"{span.parent.span_id:016x}" if span.parent else None,
        "id": f"{span.context.span_id:016x}",
        "name": span.name,
        "kind": None if span.kind is SpanKind.INTERNAL else span.kind.name,
        "timestamp": micros(span.start_time),
        "duration": micros(span.end_time - span.start_time),
        "localEndpoint": {
            "serviceName": resource["service.name"], "ipv4": "192.168.0.1", "port": 8080
        },
        "annotations": [
            {
                "timestamp": micros(event.timestamp),
                "value": json.dumps(
                    {event.name: dict(sorted(event.attributes.items()))}, sort_keys=True
                ),
            }
            for event in span.events
        ],
        "tags": tags,
        "debug": True,
    }
    return {key: value for key, value in fields.items() if value}


def main():
    sent = InMemorySpanExporter()
    target = exporter(sys.argv[1], sys.argv[2])
    results = []
    export = target.export
    target.export = lambda spans: results.append(export(spans)) or results[-1]
    provider = TracerProvider(
        resource=Resource.create({"service.name": "OTel-Zipkin", "res.list": ["a", "b"]}),
        shutdown_on_exit=False,
    )
    provider.add_span_processor(SimpleSpanProcessor(sent))
    provider.add_span_processor(SimpleSpanProcessor(target))
    tracer = provider.get_tracer("interop", "0.9")
    with tracer.start_as_current_span("Root-Op", kind=SpanKind.SERVER) as root:
        root.set_attributes(
            {"http.method": "GET", "n.int": 42, "n.float": 2.5, "n.bool": True, "n.neg": -7,
             "uni": "Grüße-日本", "arr": [1, 2, 3]}
        )
        root.add_event("cache-miss", {"key": "k1", "tries": 3})
        with tracer.start_as_current_span("child-op", kind=SpanKind.CLIENT) as child:
            child.set_status(Status(StatusCode.ERROR, "boom"))
        with tracer.start_as_current_span("local"):
            pass
        for kind in (SpanKind.PRODUCER, SpanKind.CONSUMER):
            with tracer.start_as_current_span(kind.name, kind=kind):
                pass
    provider.shutdown()
    assert results and all(result is SpanExportResult.SUCCESS for result in results), results
    json.dump([shown(span) for span in sent.get_finished_spans()], sys.stdout)


main()
