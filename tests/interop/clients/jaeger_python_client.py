"""Sends a few spans with Jaeger's client for Python by UDP (compact) and prints them as JSON.

Usage: jaeger_python_client.py HOST PORT
"""

import json
import sys
import time

import opentracing
from jaeger_client import Config
from jaeger_client.reporter import CompositeReporter, InMemoryReporter
from opentracing.ext import tags

SERVICE = "interop-jaeger-python"


def told(span):
    context = span.context
    references = [
        {
            "refType": "CHILD_OF" if one.type == opentracing.ReferenceType.CHILD_OF else "FOLLOWS_FROM",
            "spanID": f"{one.referenced_context.span_id:016x}",
        }
        for one in span.references or []
    ]
    if not references and context.parent_id:  # of child_of it keeps nothing but the id
        references.append({"refType": "CHILD_OF", "spanID": f"{context.parent_id:016x}"})
    return {
        "traceID": f"{context.trace_id:016x}",
        "spanID": f"{context.span_id:016x}",
        "operationName": span.operation_name,
        "flags": context.flags,
        "startTime": int(span.start_time * 1e6),
        "duration": int((span.end_time - span.start_time) * 1e6),
        "references": references,
        "tags": {tag.key: value_of(tag) for tag in span.tags},
        "logs": [
            {"timestamp": log.timestamp, "fields": {tag.key: value_of(tag) for tag in log.fields}}
            for log in span.logs
        ],
        "service": SERVICE,
    }


def value_of(tag):
    """The value of a Thrift tag, which the client has made already."""
    for value in (tag.vStr, tag.vDouble, tag.vBool, tag.vLong):
        if value is not None:
            return value
    return None


def main(host, port):
    config = Config(
        config={
            "sampler": {"type": "const", "param": 1},
            "local_agent": {"reporting_host": host, "reporting_port": int(port)},
            "tags": {"deployment": "interop"},
        },
        service_name=SERVICE,
        validate=True,
    )
    tracer = config.initialize_tracer()
    memory = InMemoryReporter()
    tracer.reporter = CompositeReporter(memory, tracer.reporter)
    root = tracer.start_span(
        "root",
        tags={"text": "Grüße-日本", "int": 42, "negative": -7, "float": 2.5, "bool": True,
              tags.SPAN_KIND: tags.SPAN_KIND_RPC_SERVER},
    )
    root.log_kv({"event": "cache-miss", "tries": 3})
    child = tracer.start_span("child", child_of=root)
    child.set_tag(tags.ERROR, True)
    child.log_kv({"event": "error", "message": "boom", "stack": "line1\nline2"})
    child.finish()
    after = tracer.start_span("after", references=[opentracing.follows_from(root.context)])
    after.finish()
    root.finish()
    spans = [told(span) for span in memory.get_spans()]
    tracer.close()
    time.sleep(3)  # sent each second by a thread that nobody can wait for
    print(json.dumps(spans))


main(*sys.argv[1:])
