"""Jaeger's query API over gRPC, called by a real client, gRPC's own for Python, with its defaults:
every method, answers in many messages, calls that are given up.

Usage: jaeger_grpc_test.py PROGRAM
Exit 77 (skipped) where something isn't installed, but not in CI
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
from pathlib import Path

from otlp_json import NOW_NS, attribute, of_service, send, span
from service import Service

try:
    import grpc
    import protos
    from google.protobuf import descriptor_pb2
except ImportError as error:
    print(f"jaeger_grpc_test: not run: {error} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

PROGRAM = sys.argv[1]
SMALL = "0af7651916cd43dd8448eb211c80319c"
LARGE = "0af7651916cd43dd8448eb2100000001"
ABSENT = "0000000000000000000000000000000f"
LARGE_SPANS = 10_000


def fill(service):
    send(service,
         of_service("shop", [span(SMALL, 1, "GET /", 2, attributes=[attribute("user", "ada")]),
                             span(SMALL, 2, "call", 3, parent=1)]),
         of_service("stock", [span(SMALL, 3, "read", 2, parent=2,
                                   status={"code": 2, "message": "empty"},
                                   events=[{"timeUnixNano": str(NOW_NS), "name": "retry"}],
                                   links=[{"traceId": LARGE, "spanId": f"{1:016x}"}])]))
    padding = "x" * 1000  # and each another: to look at all takes far more than a millisecond
    for begin in range(1, LARGE_SPANS + 1, 2000):
        send(service, of_service("batch", [
            span(LARGE, number, f"step {number % 7}", 1, parent=0 if number == 1 else 1,
                 attributes=[attribute("padding", f"{padding}{number}")])
            for number in range(begin, min(begin + 2000, LARGE_SPANS + 1))]))


def spans_of(chunks):
    return [one for data in chunks for resource in data.resource_spans
            for scope in resource.scope_spans for one in scope.spans]


def rfc3339(ns):
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ns // 10**9)) + f".{ns % 10**9:09d}Z"


class Base(unittest.TestCase):
    api = "jaeger.api_v2"
    flags = ()

    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.service = Service(PROGRAM, Path(cls.scratch.name) / "store", *cls.flags)
        cls.addClassCleanup(cls.service.__exit__)
        fill(cls.service)
        cls.channel = grpc.insecure_channel(f"127.0.0.1:{cls.service.ports['query_grpc']}")
        cls.addClassCleanup(cls.channel.close)
        cls.stub = PROTOS.stub(cls.channel, f"{cls.api}.QueryService")

    def message(self, name, **fields):
        return PROTOS[f"{self.api}.{name}"](**fields)

    def refuses(self, call, code, details):
        with self.assertRaises(grpc.RpcError) as caught:
            for _ in call():
                pass
        self.assertEqual(caught.exception.code(), code, caught.exception)
        self.assertEqual(caught.exception.details(), details)

    def time_of(self, ns):
        return PROTOS["google.protobuf.Timestamp"](seconds=ns // 10**9, nanos=ns % 10**9)

    def duration_of(self, ns):
        return PROTOS["google.protobuf.Duration"](seconds=ns // 10**9, nanos=ns % 10**9)

    def calls_that_are_given_up(self, begin):
        """More of them than there may be at once, so that none may be left over."""
        for _ in range(300):
            call = begin()
            next(call)
            call.cancel()
        # What was cancelled ends soon after, not at once.
        deadline = time.monotonic() + 60
        while True:
            try:
                return list(begin())
            except grpc.RpcError as error:
                self.assertEqual(error.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)  # polls another process; nothing in it can wake us


class Guarded(unittest.TestCase):
    def test_both_ports_have_tls(self):
        with tempfile.TemporaryDirectory(prefix="tracestore-test-") as scratch:
            cert, key = f"{scratch}/cert.pem", f"{scratch}/key.pem"
            subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                            "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test", "-addext",
                            "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out",
                            cert], check=True, capture_output=True, timeout=60)
            flags = [f"--query.{protocol}.tls.{flag}" for protocol in ("http", "grpc")
                     for flag in ("enabled", f"cert={cert}", f"key={key}")]
            trusting = grpc.ssl_channel_credentials(Path(cert).read_bytes())
            with Service(PROGRAM, f"{scratch}/store", *flags) as service:
                for port in ("query", "query_grpc"):
                    address = f"127.0.0.1:{service.ports[port]}"
                    with grpc.secure_channel(address, trusting) as channel:
                        stub = PROTOS.stub(channel, "jaeger.api_v2.QueryService")
                        request = PROTOS["jaeger.api_v2.GetServicesRequest"]()
                        self.assertEqual(list(stub.GetServices(request, timeout=60).services), [])
                    with grpc.insecure_channel(address) as channel:
                        with self.assertRaises(grpc.RpcError):
                            PROTOS.stub(channel, "jaeger.api_v2.QueryService").GetServices(
                                request, timeout=5)
                service.stop()


class ApiV2(Base):
    def get(self, trace_id, **more):
        return self.stub.GetTrace(
            self.message("GetTraceRequest", trace_id=bytes.fromhex(trace_id), **more), timeout=60)

    def find(self, **query):
        request = self.message("FindTracesRequest",
                               query=self.message("TraceQueryParameters", **query))
        return [one for chunk in self.stub.FindTraces(request, timeout=60) for one in chunk.spans]

    def test_gives_a_trace(self):
        (chunk,) = self.get(SMALL)
        root, call, read = chunk.spans
        self.assertEqual(root.trace_id.hex(), SMALL)
        self.assertEqual(root.operation_name, "GET /")
        self.assertEqual(root.start_time.ToNanoseconds(), NOW_NS + 1000)
        self.assertEqual(root.duration.ToNanoseconds(), 5_000_000)
        self.assertEqual({tag.key: tag.v_str for tag in root.tags},
                         {"user": "ada", "span.kind": "server"})
        self.assertEqual([one.process.service_name for one in chunk.spans],
                         ["shop", "shop", "stock"])
        self.assertEqual(call.references[0].span_id, root.span_id)
        self.assertIn("error", [tag.key for tag in read.tags])

    def test_splits_a_large_trace(self):
        for raw in (False, True):
            chunks = list(self.get(LARGE, raw_traces=raw))
            self.assertGreater(len(chunks), 3)
            ids = {one.span_id for chunk in chunks for one in chunk.spans}
            self.assertEqual(len(ids), LARGE_SPANS)

    def test_refuses(self):
        code = grpc.StatusCode
        self.refuses(lambda: self.get(ABSENT), code.NOT_FOUND, "trace not found")
        self.refuses(lambda: self.get(""), code.INVALID_ARGUMENT,
                     "uninitialized TraceID is not allowed")
        self.refuses(lambda: self.get("0123"), code.INVALID_ARGUMENT,
                     "TraceID is 2 bytes long, not 16")
        self.refuses(lambda: self.stub.FindTraces(self.message("FindTracesRequest")),
                     code.INVALID_ARGUMENT, "missing query")
        self.refuses(lambda: self.stub.GetDependencies(self.message("GetDependenciesRequest")),
                     code.INVALID_ARGUMENT, "StartTime and EndTime must be initialized.")
        raw = self.channel.unary_stream("/jaeger.api_v2.QueryService/FindTraces")
        self.refuses(lambda: raw(b"\x0a\x7f"), code.INVALID_ARGUMENT,
                     "the request can't be read: a field runs past the end of its message")
        none = self.channel.unary_unary("/jaeger.api_v2.QueryService/Other")
        self.refuses(lambda: none(b""), code.UNIMPLEMENTED,
                     "unknown method /jaeger.api_v2.QueryService/Other")

    def test_searches(self):
        self.assertEqual(len(self.find(service_name="stock", search_depth=5)), 3)
        self.assertEqual(len(self.find(service_name="shop", operation_name="GET /",
                                       tags={"user": "ada"}, search_depth=5,
                                       start_time_min=self.time_of(NOW_NS),
                                       start_time_max=self.time_of(NOW_NS + 10**9),
                                       duration_min=self.duration_of(5_000_000))), 3)
        self.assertEqual(self.find(service_name="shop", tags={"user": "bob"}), [])
        self.assertEqual(self.find(service_name="nobody"), [])
        self.assertEqual(len(self.find()), LARGE_SPANS + 3)

    def test_names_and_dependencies(self):
        services = self.stub.GetServices(self.message("GetServicesRequest"), timeout=60)
        self.assertEqual(list(services.services), ["batch", "shop", "stock"])
        operations = self.stub.GetOperations(self.message("GetOperationsRequest", service="shop"),
                                             timeout=60)
        self.assertEqual([(one.name, one.span_kind) for one in operations.operations],
                         [("GET /", "server"), ("call", "client")])
        self.assertEqual(list(operations.operationNames), ["GET /", "call"])
        links = self.stub.GetDependencies(
            self.message("GetDependenciesRequest", start_time=self.time_of(NOW_NS - 10**9),
                         end_time=self.time_of(NOW_NS + 10**9)), timeout=60)
        self.assertEqual([(one.parent, one.child, one.call_count) for one in links.dependencies],
                         [("shop", "stock", 1)])

    def test_archives(self):
        def request(trace_id):
            return self.message("ArchiveTraceRequest", trace_id=bytes.fromhex(trace_id))

        self.stub.ArchiveTrace(request(SMALL), timeout=60)
        self.assertTrue((Path(self.scratch.name) / "store" / "archive").is_dir())
        self.refuses(lambda: self.stub.ArchiveTrace(request(ABSENT)), grpc.StatusCode.NOT_FOUND,
                     "trace not found")

    def test_calls_end_when_the_client_gives_up(self):
        chunks = self.calls_that_are_given_up(lambda: self.get(LARGE))
        self.assertEqual(sum(len(chunk.spans) for chunk in chunks), LARGE_SPANS)

    def test_clients_that_wait_hold_nobody_up(self):
        """More streams that nobody reads on than the server has threads."""
        waiting = [self.get(LARGE) for _ in range(12)]
        for call in waiting:
            next(call)
        services = self.stub.GetServices(self.message("GetServicesRequest"), timeout=60)
        self.assertEqual(list(services.services), ["batch", "shop", "stock"])
        (chunk,) = self.get(SMALL)
        self.assertEqual(len(chunk.spans), 3)
        for call in waiting:
            call.cancel()

    def test_answers_on_the_http_port_too(self):
        address = f"127.0.0.1:{self.service.ports['query']}"
        with grpc.insecure_channel(address) as channel:
            stub = PROTOS.stub(channel, "jaeger.api_v2.QueryService")
            services = stub.GetServices(self.message("GetServicesRequest"), timeout=60)
            self.assertEqual(list(services.services), ["batch", "shop", "stock"])
        status, body = self.service.get("query", "/api/services")
        self.assertEqual((status, json.loads(body)["data"]), (200, ["batch", "shop", "stock"]))

    def test_says_that_it_is_well(self):
        for port in ("query", "query_grpc"):
            with grpc.insecure_channel(f"127.0.0.1:{self.service.ports[port]}") as channel:
                check = channel.unary_unary("/grpc.health.v1.Health/Check")
                self.assertEqual(check(b"", timeout=60), b"\x08\x01")  # SERVING

    def test_tells_what_it_has(self):
        """What grpcurl asks: the services, then the files of one, from which a call is made."""
        for version in ("v1", "v1alpha"):
            reflection = PROTOS.stub(self.channel, f"grpc.reflection.{version}.ServerReflection")
            request = PROTOS[f"grpc.reflection.{version}.ServerReflectionRequest"]
            services, files = reflection.ServerReflectionInfo(iter([
                request(list_services="*"),
                request(file_containing_symbol="jaeger.api_v2.QueryService")]), timeout=60)
            names = [one.name for one in services.list_services_response.service]
            self.assertIn("jaeger.api_v2.QueryService", names)
            self.assertIn("jaeger.api_v3.QueryService", names)
            found = [descriptor_pb2.FileDescriptorProto.FromString(one)
                     for one in files.file_descriptor_response.file_descriptor_proto]
            self.assertEqual(found[0].name, "api_v2/query.proto")
            told = protos.Protos.of_files(reversed(found))
            stub = told.stub(self.channel, "jaeger.api_v2.QueryService")
            answer = stub.GetServices(told["jaeger.api_v2.GetServicesRequest"](), timeout=60)
            self.assertEqual(list(answer.services), ["batch", "shop", "stock"])

    def test_is_counted(self):
        list(self.get(SMALL))
        self.refuses(lambda: self.get(ABSENT), grpc.StatusCode.NOT_FOUND, "trace not found")
        _, metrics = self.service.get("admin", "/metrics")
        for status in ("0", "5"):
            self.assertIn('tracestore_query_requests_total{route="/jaeger.api_v2.QueryService/'
                          f'GetTrace",status="{status}"}}', metrics)
        self.assertIn('jaeger_query_requests_total{operation="get_trace",result="ok"}', metrics)


class ApiV3(Base):
    api = "jaeger.api_v3"

    def get(self, trace_id, **more):
        return self.stub.GetTrace(self.message("GetTraceRequest", trace_id=trace_id, **more),
                                  timeout=60)

    def query(self, kind="FindTracesRequest", **query):
        query.setdefault("start_time_min", self.time_of(NOW_NS))
        query.setdefault("start_time_max", self.time_of(NOW_NS + 10**9))
        return self.message(kind, query=self.message("TraceQueryParameters", **query))

    def find(self, **query):
        return spans_of(self.stub.FindTraces(self.query(**query), timeout=60))

    def test_gives_a_trace(self):
        (data,) = self.get(SMALL)
        services = [resource.resource.attributes[0].value.string_value
                    for resource in data.resource_spans]
        self.assertEqual(services, ["shop", "stock"])
        root, _, read = spans_of([data])
        self.assertEqual(root.trace_id.hex(), SMALL)
        self.assertEqual((root.name, root.kind), ("GET /", 2))
        self.assertEqual(root.start_time_unix_nano, NOW_NS + 1000)
        self.assertEqual([(one.key, one.value.string_value) for one in root.attributes],
                         [("user", "ada")])
        self.assertEqual((read.status.code, read.status.message), (2, "empty"))

    def test_splits_a_large_trace(self):
        for raw in (False, True):
            chunks = list(self.get(LARGE, raw_traces=raw))
            self.assertGreater(len(chunks), 3)
            self.assertEqual(len({one.span_id for one in spans_of(chunks)}), LARGE_SPANS)

    def test_refuses(self):
        code = grpc.StatusCode
        self.refuses(lambda: self.get(ABSENT), code.NOT_FOUND, "trace not found")
        self.refuses(lambda: self.get("xyz"), code.INVALID_ARGUMENT,
                     'malform trace ID: strconv.ParseUint: parsing "xyz": invalid syntax')
        for method, kind in ((self.stub.FindTraces, "FindTracesRequest"),
                             (self.stub.FindTraceSummaries, "FindTraceSummariesRequest")):
            self.refuses(lambda: method(self.message(kind)), code.INVALID_ARGUMENT,
                         "missing query")
            asked = self.message(kind, query=self.message("TraceQueryParameters"))
            self.refuses(lambda: method(asked), code.INVALID_ARGUMENT,
                         "start time min and max are required parameters")

    def test_searches(self):
        self.assertEqual(len(self.find(service_name="stock")), 3)
        self.assertEqual(len(self.find(service_name="shop", attributes={"user": "ada"},
                                       duration_max=self.duration_of(5_000_000))), 3)
        self.assertEqual(self.find(service_name="shop", attributes={"user": "bob"}), [])
        self.assertEqual(len(self.find()), LARGE_SPANS + 3)
        self.assertEqual(self.find(start_time_min=self.time_of(0), start_time_max=self.time_of(1)),
                         [])

    def test_searches_by_a_filter(self):
        def call(op, *args):
            return PROTOS["jaeger.expression.v1.Call"](op=op, args=args)

        service = {"field": {"name": "service", "level": "resource"}}
        failed = call("eq", {"field": {"name": "status", "level": "span"}},
                      {"scalar": {"value": "error"}})
        of_shop = call("eq", service, {"scalar": {"value": "shop"}})
        self.assertEqual(len(self.find(filter=failed)), 3)
        self.assertEqual(self.find(filter=call("and", {"call": failed}, {"call": of_shop})), [])
        self.assertEqual(len(self.find(filter=call("or", {"call": failed}, {"call": of_shop}))), 3)
        self.refuses(lambda: self.stub.FindTraces(self.query(filter=call("like"))),
                     grpc.StatusCode.INVALID_ARGUMENT,
                     'invalid query filter: unknown filter operator "like"')
        self.refuses(lambda: self.stub.FindTraces(self.query(filter=failed, service_name="shop")),
                     grpc.StatusCode.INVALID_ARGUMENT,
                     "invalid query filter: it cannot be combined with [service_name]; "
                     "express those predicates in the filter instead")

    def filtered(self, operator, *args):
        """What the same says over HTTP: the status, and the traces that it found or the refusal."""
        window = {"query.start_time_min": rfc3339(NOW_NS),
                  "query.start_time_max": rfc3339(NOW_NS + 10**9)}
        asked = urllib.parse.urlencode({
            **window, "query.filter": json.dumps({"op": operator, "args": list(args)})})
        status, body = self.service.get("query", f"/api/v3/trace-summaries?{asked}")
        told = json.loads(body)
        if status != 200:
            return status, told["error"]["message"]
        return status, {one["traceId"] for one in told.get("summaries", [])}

    def test_every_operator_over_http(self):
        field = lambda name, level="span": {"field": {"name": name, "level": level}}
        user = {"attr": {"key": "user", "level": "span"}}
        value = lambda text, kind=None: {"scalar": {"value": text, **({"type": kind} if kind else {})}}
        several = lambda *texts: {"list": {"values": list(texts), "type": "string"}}
        call = lambda operator, *args: {"call": {"op": operator, "args": list(args)}}
        service = field("service", "resource")
        of_shop = call("eq", service, value("shop"))
        for found, operator, *args in (
                ({SMALL}, "eq", service, value("stock")),
                ({SMALL, LARGE}, "ne", service, value("stock")),
                ({SMALL}, "ne", user, value("bob")),
                (set(), "ne", user, value("ada")),
                ({SMALL}, "exists", user),
                ({SMALL}, "regex", user, value("a.a|xyz")),
                (set(), "regex", user, value("Ada")),
                ({SMALL}, "in", service, several("shop", "stock")),
                ({LARGE}, "not_in", service, several("shop", "stock")),
                ({SMALL, LARGE}, "gt", field("duration"), value("1ns")),
                (set(), "gt", field("duration"), value("1h")),
                ({SMALL, LARGE}, "gte", field("startTime"), value(rfc3339(NOW_NS))),
                (set(), "lt", field("startTime"), value(rfc3339(NOW_NS))),
                ({SMALL, LARGE}, "lte", field("duration"), value("1h")),
                (set(), "and", of_shop, call("eq", field("status"), value("error"))),
                ({SMALL, LARGE}, "or", of_shop, call("eq", service, value("batch"))),
                ({SMALL, LARGE}, "not", call("eq", field("status"), value("error"))),
                ({LARGE}, "not", call("in", service, several("shop", "stock"))),
                ({SMALL}, "some", {"nested": {"level": "event"}},
                 call("eq", field("name", "event"), value("retry"))),
                ({SMALL}, "some", {"nested": {"level": "link"}},
                 call("eq", field("traceID", "link"), value(LARGE))),
                (set(), "some", {"nested": {"level": "link"}},
                 call("eq", field("traceID", "link"), value(SMALL)))):
            with self.subTest(operator, args=args):
                self.assertEqual(self.filtered(operator, *args), (200, found))
        for sentence, operator, *args in (
                ('invalid query filter: unknown filter operator "like"', "like"),
                ('invalid query filter: operator "exists" takes a reference, got an untyped constant',
                 "exists", value("1"))):
            self.assertEqual(self.filtered(operator, *args), (400, sentence))

    def test_summarizes(self):
        request = self.query("FindTraceSummariesRequest")
        found = [one for chunk in self.stub.FindTraceSummaries(request, timeout=60)
                 for one in chunk.summaries]
        small = {one.trace_id: one for one in found}[SMALL]
        self.assertEqual(len(found), 2)
        self.assertEqual((small.root_service_name, small.root_operation_name), ("shop", "GET /"))
        self.assertEqual((small.span_count, small.error_span_count, small.orphan_span_count),
                         (3, 1, 0))
        self.assertEqual(small.min_start_time_unix_nano, NOW_NS + 1000)
        self.assertEqual([(one.name, one.span_count) for one in small.services],
                         [("shop", 2), ("stock", 1)])

    def test_names_and_dependencies(self):
        services = self.stub.GetServices(self.message("GetServicesRequest"), timeout=60)
        self.assertEqual(list(services.services), ["batch", "shop", "stock"])
        operations = self.stub.GetOperations(
            self.message("GetOperationsRequest", service="shop", span_kind="client"), timeout=60)
        self.assertEqual([(one.name, one.span_kind) for one in operations.operations],
                         [("call", "client")])
        links = self.stub.GetDependencies(
            self.message("GetDependenciesRequest", start_time=self.time_of(NOW_NS),
                         end_time=self.time_of(NOW_NS + 10**9)), timeout=60)
        self.assertEqual([(one.parent, one.child, one.call_count) for one in links.dependencies],
                         [("shop", "stock", 1)])

    def test_calls_end_when_the_client_gives_up(self):
        chunks = self.calls_that_are_given_up(lambda: self.get(LARGE))
        self.assertEqual(len(spans_of(chunks)), LARGE_SPANS)


class PastTheLimit(Base):
    """A query that takes longer than it may: all spans have to be looked at, none is found."""

    api = "jaeger.api_v3"
    flags = ("--query.timeout=1ms",)
    SENTENCE = "the query's deadline has passed"

    def test_it_is_cancelled_and_says_so(self):
        padding = {"attr": {"key": "padding", "level": "span"}}
        nothing = {"op": "regex", "args": [padding, {"scalar": {"value": "x[a-w]+z|z.*y"}}]}
        wanted = PROTOS["jaeger.expression.v1.Call"](**nothing)
        asked = self.message("FindTracesRequest", query=self.message(
            "TraceQueryParameters", filter=wanted, start_time_min=self.time_of(NOW_NS),
            start_time_max=self.time_of(NOW_NS + 10**9)))
        self.refuses(lambda: self.stub.FindTraces(asked, timeout=60),
                     grpc.StatusCode.DEADLINE_EXCEEDED,
                     f"failed when searching for traces: {self.SENTENCE}")
        parameters = urllib.parse.urlencode({
            "query.start_time_min": rfc3339(NOW_NS), "query.filter": json.dumps(nothing),
            "query.start_time_max": rfc3339(NOW_NS + 10**9)})
        for path in ("traces", "trace-summaries"):
            status, body = self.service.get("query", f"/api/v3/{path}?{parameters}")
            self.assertEqual((status, json.loads(body)["error"]["message"]), (500, self.SENTENCE))
        self.assertEqual(self.service.get("admin", "/")[0], 200)


if __name__ == "__main__":
    if (why := protos.missing()) is not None:
        print(f"jaeger_grpc_test: not run: {why}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    PROTOS = protos.Protos("api_v2/query.proto", "api_v3/query_service.proto",
                           "grpc/reflection/v1/reflection.proto",
                           "grpc/reflection/v1alpha/reflection.proto")
    unittest.main(argv=sys.argv[:1])
