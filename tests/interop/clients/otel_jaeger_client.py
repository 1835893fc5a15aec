"""Sends a few spans with OpenTelemetry's exporter to Jaeger and prints them as JSON.

Usage: otel_jaeger_client.py thrift-udp HOST:PORT | thrift-http URL | grpc HOST:PORT
"""

import json
import sys

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode


def exporter(kind, address):
    if kind == "grpc":
        from opentelemetry.exporter.jaeger.proto.grpc import JaegerExporter

        return JaegerExporter(collector_endpoint=address, insecure=True)
    from opentelemetry.exporter.jaeger.thrift import JaegerExporter

    if kind == "thrift-http":
        return JaegerExporter(collector_endpoint=address)
    host, port = address.rsplit(":", 1)
    return JaegerExporter(agent_host_name=host, agent_port=int(port))


def told(span, service):
    context = span.get_span_context()
    references = []
    if span.parent is not None:
        references.append({"refType": "CHILD_OF", "spanID": f"{span.parent.span_id:016x}"})
    for link in span.links:
        references.append({"refType": "FOLLOWS_FROM", "spanID": f"{link.context.span_id:016x}"})
    # What the exporter says of status, kind and scope in tags is the exporter's own matter, and so
    # are the names of its logs: only what the program has set is compared.
    return {
        "traceID": f"{context.trace_id:032x}",
        "spanID": f"{context.span_id:016x}",
        "operationName": span.name,
        "startTime": span.start_time // 1000,
        "duration": (span.end_time - span.start_time) // 1000,
        "references": references,
        "tags": {**span.attributes, "span.kind": span.kind.name.lower()},
        "logs": [
            {"timestamp": event.timestamp // 1000, "fields": {**event.attributes, "message": event.name}}
            for event in span.events
        ],
        "service": service,
    }


def main(kind, address):
    service = "interop-otel-jaeger-" + kind
    memory = InMemorySpanExporter()
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(SimpleSpanProcessor(memory))
    provider.add_span_processor(BatchSpanProcessor(exporter(kind, address)))
    tracer = provider.get_tracer("interop", "0.1")
    attributes = {"text": "Grüße-日本", "int": 42, "negative": -7, "float": 2.5, "bool": True}
    with tracer.start_as_current_span("root", kind=SpanKind.SERVER, attributes=attributes) as root:
        root.add_event("cache-miss", {"tries": 3})
        with tracer.start_as_current_span("child", kind=SpanKind.CLIENT) as child:
            child.set_status(Status(StatusCode.ERROR, "boom"))
    link = Link(root.get_span_context())
    tracer.start_span("after", kind=SpanKind.CONSUMER, links=[link]).end()
    provider.force_flush()
    provider.shutdown()
    print(json.dumps([told(span, service) for span in memory.get_finished_spans()]))


main(*sys.argv[1:])
