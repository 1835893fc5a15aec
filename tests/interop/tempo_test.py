"""Tempo's query API as Grafana's data source asks it: spans of the real OpenTelemetry SDK, requests
of the data source's forms, answers read by protobuf from messages of our own.

Usage: tempo_test.py PROGRAM
Exit 77 (skipped) where the SDK or protoc isn't installed, but not in CI
"""

import gzip
import json
import os
import sys
import tempfile
import unittest
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import protos
from service import Service

try:
    from google.protobuf import json_format
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
    from opentelemetry.trace import Link, SpanKind, Status, StatusCode
except ImportError as missing:
    print(f"tempo_test: not run: {missing} (scripts/bootstrap makes .venv with the SDK)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)
if protos.missing():
    print(f"tempo_test: not run: {protos.missing()}")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

PROGRAM = sys.argv[1]
TEMPO = protos.Protos("tempo.proto")
PROTOBUF = "application/protobuf"


def send(service, headers=None):
    """Traces of a small shop; gives the SDK's spans."""
    sent = InMemorySpanExporter()
    exporter = OTLPSpanExporter(endpoint=service.url("otlp_http", "/v1/traces"), headers=headers)

    def tracer(name, **resource):
        provider = TracerProvider(resource=Resource({"service.name": name, **resource}),
                                  shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(sent))
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        return provider.get_tracer("interop", "0.9", attributes={"scope.key": "value"})

    front, stock = tracer("front", cluster="eu"), tracer("stock")
    with front.start_as_current_span("earlier") as other:
        pass
    link = Link(other.get_span_context(), {"why": "batch"})
    with front.start_as_current_span("GET /cart", kind=SpanKind.SERVER, links=[link]) as root:
        root.set_attributes({"http.status_code": 500, "a/b": "slash", "x y": "blank", "ratio": 0.5,
                             "raw": b"\x00\xff", "texts": ["a", "ü"], "empty": "", "yes": True})
        root.add_event("retry", {"attempt": 2})
        root.set_status(Status(StatusCode.ERROR, "out of stock"))
        with stock.start_as_current_span("query", kind=SpanKind.CLIENT) as child:
            child.set_attribute("db.statement", "SELECT 1")
    return sent.get_finished_spans()


def ask(service, path, accept=None, headers=(), method="GET"):
    """Status, headers and body; the body as it came."""
    sent = dict(headers)
    if accept:
        sent["Accept"] = accept
    request = urllib.request.Request(service.url("tempo", path), headers=sent, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def clear_empty_status(span):
    """An empty message, which JSON always shows, says as much as none."""
    if span.status == type(span.status)():
        span.ClearField("status")


def spans_of(resource_spans):
    """Each span with what it belongs to, by span id."""
    found = {}
    for of_resource in resource_spans:
        for of_scope in of_resource.scope_spans:
            for span in of_scope.spans:
                clear_empty_status(span)
                found[span.span_id] = (of_resource.resource, of_scope.scope, span)
    return found


class Tempo(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.service = Service(PROGRAM, Path(cls.scratch.name) / "data")
        cls.sent = send(cls.service)
        cls.root = next(span for span in cls.sent if span.name == "GET /cart")
        cls.id = f"{cls.root.context.trace_id:032x}"
        # Whole seconds around it, as the data source sends them.
        cls.range = (f"start={cls.root.start_time // 10**9 - 60}"
                     f"&end={cls.root.end_time // 10**9 + 60}")

    @classmethod
    def tearDownClass(cls):
        cls.service.kill()
        cls.scratch.cleanup()

    def json(self, path):
        status, headers, body = ask(self.service, path, "application/json")
        self.assertEqual(status, 200, body)
        self.assertEqual(headers["Content-Type"], "application/json")
        return json.loads(body)

    def message(self, path, name):
        """The answer as protobuf; its JSON form has to say the same."""
        status, headers, body = ask(self.service, path, PROTOBUF)
        self.assertEqual(status, 200, body)
        self.assertEqual(headers["Content-Type"], PROTOBUF)
        message = TEMPO[f"tempopb.{name}"].FromString(body)
        answer = self.json(path)
        if "batches" in answer:
            answer = {"resourceSpans": answer.pop("batches"), **answer}
        from_json = json_format.ParseDict(answer, TEMPO[f"tempopb.{name}"]())
        for both in (message, from_json):  # metrics are {} in JSON
            trace = getattr(both, "trace", both)
            spans_of(getattr(trace, "resourceSpans", []))
            if "metrics" in both.DESCRIPTOR.fields_by_name:
                both.ClearField("metrics")
        self.assertEqual(message, from_json)
        return message

    def sent_of(self, trace_id):
        mine = [span for span in self.sent if f"{span.context.trace_id:032x}" == trace_id]
        return spans_of(encode_spans(mine).resource_spans)

    def check_trace(self, resource_spans):
        found, expected = spans_of(resource_spans), self.sent_of(self.id)
        self.assertEqual(set(found), set(expected))
        self.assertEqual(len(expected), 2)
        for key, parts in expected.items():
            for mine, theirs in zip(found[key], parts):
                self.assertEqual(mine.SerializeToString(deterministic=True),
                                 theirs.SerializeToString(deterministic=True))

    def test_a_data_source_is_saved_and_tested(self):
        status, _, body = ask(self.service, "/api/echo")
        self.assertEqual((status, body), (200, b"echo"))
        self.assertRegex(self.json("/api/status/buildinfo")["version"], r"^\d+\.\d+\.\d+")
        self.assertEqual(ask(self.service, "/ready")[::2], (200, b"ready"))
        self.assertIn(b"tracestore_query_requests_total", ask(self.service, "/metrics")[2])

    def test_a_trace_is_opened(self):
        answer = self.message(f"/api/v2/traces/{self.id}?{self.range}", "TraceByIDResponse")
        self.check_trace(answer.trace.resourceSpans)
        self.check_trace(self.message(f"/api/traces/{self.id}", "Trace").resourceSpans)
        # By an id that lost its leading zeros, or has capitals.
        self.check_trace(self.message(f"/api/traces/{self.id.lstrip('0').upper()}",
                                      "Trace").resourceSpans)

    def test_a_trace_that_is_not_there(self):
        self.assertEqual(self.json("/api/v2/traces/1234"), {"trace": {}, "metrics": {}})
        status, _, body = ask(self.service, "/api/traces/1234", PROTOBUF)
        self.assertEqual((status, body), (404, b""))
        self.assertEqual(ask(self.service, "/api/v2/traces/xyz", PROTOBUF)[0], 400)

    def search(self, **params):
        path = "/api/search?" + urllib.parse.urlencode(params) + "&" + self.range
        return self.message(path, "SearchResponse").traces

    def test_traces_are_searched_by_the_form(self):
        (found,) = self.search(tags=' service.name="front" name="GET /cart"', limit=20)
        self.assertEqual(found.traceID, self.id.lstrip("0"))
        self.assertEqual((found.rootServiceName, found.rootTraceName), ("front", "GET /cart"))
        self.assertEqual(found.startTimeUnixNano, self.root.start_time)
        self.assertFalse(found.HasField("spanSet"))
        self.assertEqual(len(self.search(tags="service.name=front", limit=20)), 2)
        self.assertEqual(len(self.search(tags="service.name=front", limit=1)), 1)
        for tags in ("http.status_code=500", "cluster=EU name=cart", 'db.statement="select 1"',
                     "error=true", "yes=true", '"x"=1'):
            status, _, body = ask(self.service, "/api/search?" + urllib.parse.urlencode(
                {"tags": tags}))
            if tags.startswith('"'):
                self.assertEqual(status, 400, body)
                continue
            (one,) = json.loads(body)["traces"]
            self.assertEqual(one["traceID"], self.id.lstrip("0"), tags)
        self.assertFalse(self.search(tags="service.name=front", minDuration="1h"))
        self.assertFalse(self.search(tags="service.name=nobody"))

    def test_an_empty_query_lists_traces_with_spans(self):
        found = self.search(q="{}", limit=20, spss=1)
        self.assertEqual(len(found), 2)
        mine = next(trace for trace in found if trace.traceID == self.id.lstrip("0"))
        self.assertEqual(mine.spanSets[0], mine.spanSet)
        self.assertEqual(mine.spanSet.matched, 2)
        self.assertEqual([span.spanID for span in mine.spanSet.spans],
                         [f"{self.root.context.span_id:016x}"])
        self.assertEqual(mine.serviceStats["front"].errorCount, 1)
        status, headers, body = ask(self.service, "/api/search?q=%7B.a%3D1%7D")
        self.assertEqual(status, 501, body)
        self.assertTrue(headers["Content-Type"].startswith("text/plain"))

    def test_formats_and_headers_that_say_nothing(self):
        path = f"/api/traces/{self.id}"
        for accept, told in (("text/html, application/protobuf;q=0.9", PROTOBUF),
                             ("application/json, application/protobuf", PROTOBUF),
                             ("application/json", "application/json"),
                             ("application/vnd.grafana.llm", "application/json"),
                             ("text/html", "application/json"), (None, "application/json")):
            status, headers, _ = ask(self.service, path, accept)
            self.assertEqual((status, headers["Content-Type"]), (200, told), accept)
        # Without tenancy the header of tenants is nobody's.
        asked = {"X-Scope-OrgID": "somebody|else"}
        status, _, body = ask(self.service, path, "application/json", asked)
        self.assertEqual((status, body), ask(self.service, path, "application/json")[::2])
    def test_the_query_builder_lists_tags(self):
        answer = self.message(f"/api/v2/search/tags?limit=5000&{self.range}",
                              "SearchTagsV2Response")
        scopes = {scope.name: list(scope.tags) for scope in answer.scopes}
        self.assertEqual(scopes["resource"], ["cluster", "service.name"])
        self.assertEqual(scopes["event"], ["attempt"])
        self.assertEqual(scopes["link"], ["why"])
        self.assertEqual(scopes["instrumentation"], ["scope.key"])
        self.assertEqual(scopes["span"], ["a/b", "db.statement", "empty", "http.status_code",
                                          "ratio", "raw", "texts", "x y", "yes"])
        self.assertIn("rootServiceName", scopes["intrinsic"])
        flat = self.message("/api/search/tags", "SearchTagsResponse")
        self.assertIn("cluster", flat.tagNames)

    def test_the_query_builder_lists_values(self):
        def values(tag, **params):
            path = f"/api/v2/search/tag/{urllib.parse.quote(tag, safe='')}/values?"
            answer = self.message(path + urllib.parse.urlencode(params) + "&" + self.range,
                                  "SearchTagValuesV2Response")
            return [(value.type, value.value) for value in answer.tagValues]

        self.assertEqual(values("resource.service.name", q="{ resource.cluster = }"),
                         [("string", "front"), ("string", "stock")])
        self.assertEqual(values("span.http.status_code"), [("int", "500")])
        self.assertEqual(values("span.ratio"), [("float", "0.5")])
        self.assertEqual(values(".yes"), [("bool", "true")])
        self.assertEqual(values("span.a/b"), [("string", "slash")])
        self.assertEqual(values('span."x y"'), [("string", "blank")])
        self.assertEqual(values("span.empty"), [("string", "")])
        self.assertEqual(values("rootServiceName"), [("string", "front")])
        self.assertEqual(values("event:name"), [("string", "retry")])
        self.assertEqual(len(values("kind")), 6)
        old = self.message("/api/search/tag/service.name/values", "SearchTagValuesResponse")
        self.assertEqual(list(old.tagValues), ["front", "stock"])
        self.assertEqual(ask(self.service, "/api/v2/search/tag/service.name/values")[0], 400)

    def test_large_answers_are_compressed(self):
        gzips = {"Accept-Encoding": "gzip"}
        status, headers, body = ask(self.service, "/metrics", headers=gzips)
        self.assertEqual((status, headers["Content-Encoding"]), (200, "gzip"))
        self.assertIn(b"tracestore_build_info", gzip.decompress(body))
        self.assertIsNone(ask(self.service, "/api/echo", headers=gzips)[1]["Content-Encoding"])

    def test_methods_are_not_looked_at(self):
        self.assertEqual(ask(self.service, "/api/echo", method="POST")[2], b"echo")
        self.assertEqual(ask(self.service, "/api/nothing")[0], 404)
        self.assertEqual(ask(self.service, "/api/search", method="OPTIONS")[0], 200)


class Tenants(unittest.TestCase):
    def test_each_sees_its_own(self):
        with tempfile.TemporaryDirectory(prefix="tracestore-test-") as scratch, Service(
                PROGRAM, Path(scratch) / "data", "--multi-tenancy.enabled") as service:
            send(service, headers={"x-tenant": "shop"})

            def found(tenant):
                status, _, body = ask(service, "/api/search",
                                      headers={"X-Scope-OrgID": tenant} if tenant else {})
                return (status, len(json.loads(body)["traces"])) if status == 200 else (status,
                                                                                         body)

            self.assertEqual(found("shop"), (200, 2))
            self.assertEqual(found("pay"), (200, 0))
            self.assertEqual(found(None), (401, b"no org id"))
            self.assertEqual(
                found("a/b"), (400, b"tenant ID 'a/b' contains unsupported character '/'"))
            status, _, body = ask(service, "/api/search", headers={"X-Tenant": "shop"})
            self.assertEqual((status, body), (401, b"no org id"))
            status, _, body = ask(service, "/api/search", method="OPTIONS")
            self.assertEqual((status, body), (401, b"no org id"))
            for path in ("/api/echo", "/api/status/buildinfo", "/ready"):
                self.assertEqual(ask(service, path)[0], 200, path)
            # The process' figures tell of all tenants: they are on the admin port.
            self.assertEqual(ask(service, "/metrics")[0], 404)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
