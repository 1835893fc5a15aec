"""The SDK's exporter, the receiver for tests, and the pytest plugin."""

from __future__ import annotations

import gzip
import http.client
import json
import os
import subprocess
import sys
import threading

import pytest
from opentelemetry import trace as api
from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans as official
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support import SHOP, span

import tracestore
from tracestore.opentelemetry import StoreSpanExporter, encode_spans
from tracestore.testing import TraceReceiver, assert_no_errors, assert_span


def make_spans(exporter):
    """Spans of every shape, to the exporter; gives them as the SDK has them."""
    kept = InMemorySpanExporter()
    provider = TracerProvider(
        resource=Resource({"service.name": "sdk", "n": 4}, "https://schema"),
        span_limits=SpanLimits(max_events=2, max_span_attributes=8),
    )
    for to in (kept, exporter):
        provider.add_span_processor(SimpleSpanProcessor(to))
    tracer = provider.get_tracer("lib", "1.0", "https://scope", {"scoped": True})
    with tracer.start_as_current_span("outer", kind=api.SpanKind.SERVER) as outer:
        outer.set_attributes({"a": "ü", "b": True, "c": 3, "d": 0.5, "e": ["x", "y"], "f": (1, 2)})
        link = api.Link(outer.get_span_context(), {"why": "test"})
        with tracer.start_as_current_span("inner", links=[link]) as inner:
            for i in range(4):
                inner.add_event(f"event {i}", {"i": i})
            inner.set_status(api.StatusCode.ERROR, "broken")
    remote = api.SpanContext(5, 6, True, api.TraceFlags(1), api.TraceState([("k", "v")]))
    far = api.set_span_in_context(api.NonRecordingSpan(remote))
    tracer.start_span("of a remote parent", far, kind=api.SpanKind.CONSUMER).end()
    provider.shutdown()
    return kept.get_finished_spans()


def everything(store):
    """All that the OTLP encoder says of a store's spans, by span."""
    out = {}
    for trace in store.find().traces():
        for resource in json.loads(trace.encode("otlp-json"))["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for one in scope["spans"]:
                    context = [resource["resource"], resource.get("schemaUrl"), scope["scope"]]
                    out[one["spanId"]] = [*context, scope.get("schemaUrl"), one]
    return out


def test_exporter_says_what_the_official_encoder_says(tmp_path):
    with tracestore.open(tmp_path / "ours", "a") as ours:
        spans = make_spans(StoreSpanExporter(ours))
        assert not ours.closed
        with tracestore.open(tmp_path / "theirs", "a") as theirs:
            theirs.append(official(spans).SerializeToString(), "otlp-proto")
            assert len(spans) == 3
            assert everything(ours) == everything(theirs)
        inner = next(t for t in ours.find(operation="inner").traces()).spans[1]
        assert (inner.service, inner.status_message) == ("sdk", "broken")
        assert inner.references[0].span_id == inner.parent_id


def test_exporter_owns_a_store_by_its_path(tmp_path):
    exporter = StoreSpanExporter(tmp_path / "s")
    spans = make_spans(exporter)
    assert exporter.store.closed
    assert exporter.export(spans) is SpanExportResult.FAILURE
    assert exporter.force_flush() is False
    with tracestore.open(tmp_path / "s") as store:
        assert store.find().count() == 2
    again = StoreSpanExporter(str(tmp_path / "s"))
    assert again.export(spans) is SpanExportResult.SUCCESS and again.force_flush()
    assert again.store.trace(f"{spans[0].context.trace_id:x}")[f"{spans[0].context.span_id:x}"].copies == 2
    again.shutdown()
    assert encode_spans([]) == b'{"resourceSpans": []}'


@pytest.mark.parametrize("compression", ["gzip", "none"])
def test_receiver_takes_what_the_sdk_sends(compression):
    from opentelemetry.exporter.otlp.proto.http import Compression

    with TraceReceiver() as receiver:
        exporter = OTLPSpanExporter(
            receiver.endpoint + "/v1/traces", compression=Compression(compression)
        )
        make_spans(exporter)
        trace = receiver.wait_for_trace(service="sdk", operation="inner", spans=2)
        inner = assert_span(trace, name="inner", parent="outer", status="error", service="sdk")
        assert len(inner.events) == 2
        with pytest.raises(AssertionError, match="✗ sdk inner"):
            assert_no_errors(trace)
        with pytest.raises(AssertionError, match="no span with name='none', kind='server'"):
            assert_span(trace, name="none", kind="server")
        assert assert_span(trace, attributes={"c": 3, "e": ["x", "y"]}).name == "outer"


def test_waiting_is_for_what_comes_later(shop):
    with TraceReceiver() as receiver:
        timer = threading.Timer(0.2, receiver.take, (shop, "otlp-json"))
        timer.start()
        assert receiver.wait_for_trace(service="payment", spans=5).trace_id == SHOP
        timer.join()
        with pytest.raises(AssertionError, match="(?s)at least 9 spans with service='payment'.*charge"):
            receiver.wait_for_trace(service="payment", spans=9, timeout=0)
    with TraceReceiver() as receiver:
        with pytest.raises(AssertionError, match="nothing came at all"):
            receiver.wait_for_trace(timeout=0)


def test_missing_parents_are_no_success(store):
    store.append(span(3, 99))
    with pytest.raises(AssertionError, match="missing parents"):
        assert_no_errors(store.trace("1"))


def ask(receiver, method, path, body=b"", **headers):
    host = receiver.endpoint.removeprefix("http://")
    connection = http.client.HTTPConnection(host, timeout=10)
    connection.request(method, path, body, {k.replace("_", "-"): v for k, v in headers.items()})
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_receiver_refuses(shop):
    js = "application/json"
    with TraceReceiver() as receiver:
        def post(body=b"", **headers):
            return ask(receiver, "POST", "/v1/traces", body, **headers)

        assert post(shop, Content_Type=js) == (200, b"{}")
        assert post(gzip.compress(shop), Content_Type=js, Content_Encoding="gzip")[0] == 200
        assert post(b"{", Content_Type=js)[0] == 400
        assert post(b"\xff", Content_Type="application/x-protobuf")[0] == 400
        assert post(shop, Content_Type="text/plain")[0] == 415
        assert post(shop, Content_Type=js, Content_Encoding="br")[0] == 415
        assert post(b"junk", Content_Type=js, Content_Encoding="gzip")[0] == 400
        assert post(gzip.compress(shop)[:-9], Content_Type=js, Content_Encoding="gzip")[0] == 400
        bomb = gzip.compress(b" " * (65 << 20))
        assert post(bomb, Content_Type=js, Content_Encoding="gzip")[0] == 413
        assert post(b"", Content_Type=js, Content_Length="99999999999")[0] == 413
        assert post(b"", Content_Type=js, Content_Length="-1")[0] == 400
        assert ask(receiver, "POST", "/v1/metrics", b"{}")[0] == 400
        assert ask(receiver, "GET", "/")[0] == 405
        bad = json.loads(shop)
        bad["resourceSpans"][0]["scopeSpans"][0]["spans"][0]["traceId"] = "00" * 16
        status, body = post(json.dumps(bad).encode(), Content_Type=js)
        assert status == 200 and json.loads(body)["partialSuccess"]["rejectedSpans"] == "1"


def test_partial_success_as_protobuf(store):
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
        ExportTraceServiceRequest,
        ExportTraceServiceResponse,
    )

    request = ExportTraceServiceRequest.FromString(store.trace(SHOP).encode("otlp-proto"))
    request.resource_spans[0].scope_spans[0].spans[0].span_id = b""
    with TraceReceiver() as receiver:
        body = receiver.take(request.SerializeToString(), "otlp-proto")
        partial = ExportTraceServiceResponse.FromString(body).partial_success
        assert partial.rejected_spans == 1 and partial.error_message
        assert receiver.take(b"", "otlp-proto") == b""


PLUGIN = """
import urllib.request
from tracestore.testing import assert_span

def send(receiver, body):
    request = urllib.request.Request(
        receiver.endpoint + "/v1/traces", body, {"Content-Type": "application/json"})
    urllib.request.urlopen(request).read()

def test_good(trace_receiver):
    send(trace_receiver, open("shop.json", "rb").read())
    assert_span(trace_receiver.wait_for_trace(spans=5), name="charge")

def test_bad(trace_receiver):
    send(trace_receiver, open("shop.json", "rb").read())
    assert_span(trace_receiver.wait_for_trace(), name="refund")
"""


def test_plugin(tmp_path, shop):
    (tmp_path / "shop.json").write_bytes(shop)
    (tmp_path / "test_it.py").write_text(PLUGIN)
    done = subprocess.run(
        [sys.executable, "-B", "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"],
        capture_output=True, text=True, cwd=tmp_path, env=dict(os.environ, COLUMNS="200"),
    )
    assert done.returncode == 1 and "1 failed, 1 passed" in done.stdout, done.stdout
    assert "no span with name='refund'" in done.stdout and "payment charge" in done.stdout
