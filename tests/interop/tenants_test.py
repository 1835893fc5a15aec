"""Tenants: whose spans are whose, on every port, with what Jaeger says to requests that don't say it.

Usage: tenants_test.py PROGRAM
"""

import json
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

import grpc

from service import Service

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = sys.argv[1]
TRACE = "0af7651916cd43dd8448eb211c80319c"
PACKET = (ROOT / "tests/data/wire/jaeger-client-go-2.30.0-jaeger_thrift_compact.bin").read_bytes()


def ask(service, listener, path, tenant=None, body=None, method=None, header="X-Tenant"):
    """Status and body."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if tenant is not None:
        headers[header] = tenant
    request = urllib.request.Request(service.url(listener, path), body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def spans(service, name, count=1, start=1_000_000):
    return json.dumps({"resourceSpans": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]},
        "scopeSpans": [{"spans": [
            {"traceId": TRACE, "spanId": f"{i + 1:016x}", "name": name,
             "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 1_000_000)}
            for i in range(count)]}]}]}).encode()


def protobuf_spans(count):
    """An ExportTraceServiceRequest."""
    def field(number, payload):
        size, length = len(payload), b""
        while size >= 128:
            size, length = size >> 7, length + bytes([size & 127 | 128])
        return bytes([number << 3 | 2]) + length + bytes([size]) + payload

    trace = bytes.fromhex(TRACE)
    made = [field(2, field(1, trace) + field(2, (i + 1).to_bytes(8, "big")) + field(5, b"a"))
            for i in range(count)]
    return field(1, field(2, b"".join(made)))


def call(service, listener, method, *metadata):
    """The code and details of a call with an empty message."""
    with grpc.insecure_channel(f"127.0.0.1:{service.ports[listener]}") as channel:
        try:
            channel.unary_unary(method)(b"", metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            return error.code(), error.details()
    return grpc.StatusCode.OK, ""


def services(service, tenant):
    status, body = ask(service, "query", "/api/services", tenant)
    assert status == 200, body
    return json.loads(body)["data"] or []


class Tenants(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(self.scratch.cleanup)
        self.path = Path(self.scratch.name)

    def post(self, service, tenant, body):
        status, answer = ask(service, "otlp_http", "/v1/traces", tenant, body)
        self.assertEqual(status, 200, answer)

    def test_nobody_sees_anothers(self):
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled") as service:
            self.post(service, "shop", spans("cart", "of-shop"))
            self.post(service, "pay", spans("bank", "of-pay"))
            zipkin = [{"traceId": TRACE, "id": "00000000000000ff", "name": "z",
                       "timestamp": 1000, "localEndpoint": {"serviceName": "zip"}}]
            status, answer = ask(service, "zipkin", "/api/v2/spans", "pay",
                                 json.dumps(zipkin).encode())
            self.assertEqual(status, 202, answer)
            self.assertEqual(services(service, "shop"), ["cart"])
            self.assertEqual(services(service, "pay"), ["bank", "zip"])
            self.assertEqual(services(service, "new"), [])
            for tenant, there, absent in (("shop", "of-shop", "of-pay"),
                                          ("pay", "of-pay", "of-shop")):
                for path in (f"/api/traces/{TRACE}", f"/api/v3/traces/{TRACE}"):
                    body = ask(service, "query", path, tenant)[1]
                    self.assertIn(there, body)
                    self.assertNotIn(absent, body)
            self.assertEqual(ask(service, "query", f"/api/traces/{TRACE}", "new")[0], 404)
            self.assertEqual(json.loads(ask(service, "zipkin", "/api/v2/services", "shop")[1]),
                             ["cart"])
            self.assertEqual(ask(service, "query", f"/api/archive/{TRACE}", "shop", b"")[0], 200)
            self.assertEqual(ask(service, "query", f"/api/archive/{TRACE}", "new", b"")[0], 404)
            self.assertFalse((self.path / "data/tenants/new").exists())
            self.assertTrue((self.path / "data/tenants/shop/archive").exists())
            # Over gRPC, too.
            code, _ = call(service, "query_grpc", "/jaeger.api_v2.QueryService/GetServices",
                           ("x-tenant", "shop"))
            self.assertEqual(code, grpc.StatusCode.OK)
            metrics = service.get("admin", "/metrics")[1]
            self.assertIn("tracestore_tenants_open 3\n", metrics)
            self.assertIn("tracestore_store_spans 3\n", metrics)
            service.stop()
        # Kept, and each a store of its own.
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled") as service:
            self.assertEqual(services(service, "shop"), ["cart"])
            service.stop()
        done = subprocess.run([PROGRAM, "services", self.path / "data/tenants/shop"],
                              capture_output=True, text=True, check=True, timeout=60)
        self.assertIn("cart", done.stdout)
        self.assertNotIn("bank", done.stdout)

    def test_requests_that_do_not_say_whose_they_are(self):
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled",
                     "--multi-tenancy.tenants=shop,pay") as service:
            for listener, path in (("query", "/api/services"), ("zipkin", "/api/v2/services"),
                                   ("otlp_http", "/v1/traces"), ("jaeger_http", "/api/traces")):
                self.assertEqual(ask(service, listener, path), (401, "missing tenant header"))
                self.assertEqual(ask(service, listener, path, "x"), (401, "unknown tenant"))
            for listener, method in (
                    ("query_grpc", "/jaeger.api_v2.QueryService/GetServices"),
                    ("otlp_grpc", "/opentelemetry.proto.collector.trace.v1.TraceService/Export"),
                    ("jaeger_grpc", "/jaeger.api_v2.CollectorService/PostSpans"),
                    ("zipkin", "/zipkin.proto3.SpanService/Report")):
                self.assertEqual(call(service, listener, method),
                                 (grpc.StatusCode.UNAUTHENTICATED, "missing tenant header"))
                self.assertEqual(call(service, listener, method, ("x-tenant", "x")),
                                 (grpc.StatusCode.PERMISSION_DENIED, "unknown tenant"))
                self.assertEqual(
                    call(service, listener, method, ("x-tenant", "shop"), ("x-tenant", "pay")),
                    (grpc.StatusCode.PERMISSION_DENIED, "extra tenant header"))
            # What is nobody's.
            self.assertEqual(ask(service, "sampling_http", "/sampling?service=a")[0], 200)
            self.assertEqual(ask(service, "jaeger_http", "/api/sampling?service=a")[0], 200)
            self.assertEqual(ask(service, "zipkin", "/health")[0], 200)
            self.assertEqual(ask(service, "admin", "/")[0], 200)
            service.stop()

    def test_spans_without_headers_are_the_default_tenants(self):
        with Service(PROGRAM, self.path / "data") as service:
            status, answer = ask(service, "otlp_http", "/v1/traces", None, spans("old", "x"))
            self.assertEqual(status, 200, answer)
            service.stop()
        # What was stored before there were tenants is the default one's.
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled",
                     "--multi-tenancy.default-tenant=main", "--multi-tenancy.header=X-Whose",
                     "--multi-tenancy.max-tenants=1") as collector, Service(
                         PROGRAM, None, "--multi-tenancy.enabled",
                         "--multi-tenancy.header=x-whose", "--multi-tenancy.default-tenant=edge",
                         f"--reporter.grpc.host-port=127.0.0.1:{collector.ports['jaeger_grpc']}",
                         command="agent") as agent:
            def names(tenant):
                status, body = ask(collector, "query", "/api/services", tenant, header="x-whose")
                self.assertEqual(status, 200, body)
                return json.loads(body)["data"] or []

            self.assertEqual(names("main"), ["old"])
            for receiver, tenant, count in ((collector, "main", 2), (agent, "edge", 1)):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                    client.sendto(PACKET, ("127.0.0.1", receiver.ports["jaeger_compact"]))
                deadline = time.monotonic() + 60
                while len(names(tenant)) < count:
                    self.assertLess(time.monotonic(), deadline, receiver.log())
                    time.sleep(0.05)  # polls another process; nothing in it can wake us
            # No more tenants than may be.
            status, body = ask(collector, "otlp_http", "/v1/traces", "third", spans("a", "b"),
                               header="x-whose")
            self.assertEqual(status, 429, body)
            self.assertIn("there are 1 tenants already", body)
            agent.stop()
            collector.stop()

    def test_a_tenant_that_sends_too_much_is_told_to_wait(self):
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled",
                     "--multi-tenancy.span-rates=shop=1,*=0") as service:
            self.post(service, "shop", spans("cart", "a", 1000))  # owes 999 seconds now
            status, body = ask(service, "otlp_http", "/v1/traces", "shop", spans("cart", "b"))
            self.assertEqual(status, 429)
            self.assertIn("the tenant sends more spans a second than it may", body)
            self.post(service, "pay", spans("bank", "a", 1000))
            self.assertIn('tracestore_spans_rejected_total{reason="tenant-rate"} 1\n',
                          service.get("admin", "/metrics")[1])
            service.stop()

    def test_what_storage_can_do_is_nobodys(self):
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled") as service:
            for listener in ("remote_storage", "remote_storage_archive"):
                for method in ("/jaeger.storage.v1.PluginCapabilities/Capabilities",
                               "/jaeger.storage.v2.Capabilities/GetCapabilities"):
                    code, details = call(service, listener, method)
                    self.assertEqual(code, grpc.StatusCode.OK, f"{method}: {details}")
            service.stop()

    def test_the_archive_has_the_same_quota(self):
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled",
                     "--multi-tenancy.span-rates=shop=1") as service:
            def write(listener, count):
                with grpc.insecure_channel(f"127.0.0.1:{service.ports[listener]}") as channel:
                    export = channel.unary_unary(
                        "/opentelemetry.proto.collector.trace.v1.TraceService/Export")
                    export(protobuf_spans(count), metadata=(("x-tenant", "shop"),), timeout=60)

            write("remote_storage_archive", 1000)  # owes 999 seconds now
            for listener in ("remote_storage_archive", "remote_storage"):
                with self.assertRaises(grpc.RpcError) as refused:
                    write(listener, 1)
                self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            service.stop()

    def tail(self, wait, policies=True):
        config = self.path / "config.yaml"
        text = "multi-tenancy.enabled: true\n"
        if policies:
            text += (f"tail-sampling.decision-wait: {wait}\n"
                     "tail-sampling.policies:\n  - {type: error}\n")
        config.write_text(text)
        return Service(PROGRAM, self.path / "data", f"--config={config}")

    def names(self, service, tenant):
        """Of the spans of the trace that all tests here have; empty where there is none."""
        status, body = ask(service, "query", f"/api/traces/{TRACE}", tenant)
        if status == 404:
            return []
        (trace,) = json.loads(body)["data"]
        return sorted(span["operationName"] for span in trace["spans"])

    def test_tail_sampling_is_each_tenants_own(self):
        """One trace id with two tenants, of whom one has an error: killed while both wait, then decided
        apart. A third one's wait goes on until tail sampling is switched off."""
        def post(service, tenant, name, error=False):
            body = json.loads(spans("cart", name))
            (span,) = body["resourceSpans"][0]["scopeSpans"][0]["spans"]
            span["spanId"] = f"{len(name):016x}"
            span["status"] = {"code": 2} if error else {}
            self.post(service, tenant, json.dumps(body).encode())

        with self.tail("1h") as service:
            post(service, "shop", "first")
            post(service, "pay", "first")
            post(service, "default", "first")
            post(service, "shop", "failed", error=True)
            self.assertEqual([self.names(service, tenant) for tenant in ("shop", "pay", "default")],
                             [[], [], []])
            metrics = service.get("admin", "/metrics")[1]
            self.assertIn("tracestore_tail_waiting_traces 3\n", metrics)
            self.assertIn("tracestore_tail_waiting_spans 4\n", metrics)
        with self.tail("300ms") as service:  # nobody asks for their stores
            deadline = time.monotonic() + 60
            while "tracestore_tail_waiting_traces 0\n" not in service.get("admin", "/metrics")[1]:
                self.assertLess(time.monotonic(), deadline, service.log())
                time.sleep(0.05)  # polls another process; nothing in it can wake us
            self.assertEqual(self.names(service, "shop"), ["failed", "first"])
            self.assertEqual(self.names(service, "pay"), [])
            self.assertEqual(self.names(service, "default"), [])
            # Late spans follow their own tenant's decision.
            post(service, "shop", "late span")
            post(service, "pay", "late span")
            self.assertEqual(self.names(service, "shop"), ["failed", "first", "late span"])
            self.assertEqual(self.names(service, "pay"), [])
            service.stop()
        with self.tail("1h") as service:
            post(service, "new", "waits")
            self.assertEqual(self.names(service, "new"), [])
        with self.tail("", policies=False) as service:
            self.assertEqual(self.names(service, "new"), ["waits"])
            service.stop()

    def test_what_is_learnt_of_spans_is_told_to_their_tenant(self):
        """Adaptive sampling: operations, their counts and so their probabilities."""
        flags = ["--multi-tenancy.enabled", "--sampling.type=adaptive", "--sampling.delay=0s",
                 "--sampling.calculation-interval=1s"]
        # Who asks for whom: by the header, or as the default tenant where there is none.
        ports = [("jaeger_http", "/api/sampling"), ("sampling_http", "/sampling"),
                 ("sampling_http", "/")]
        strategy = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy"

        def told(service, listener, path, tenant):
            status, body = ask(service, listener, path + "?service=cart", tenant)
            self.assertEqual(status, 200, body)
            operations = json.loads(body)["operationSampling"]["perOperationStrategies"]
            return [one["operation"] for one in operations or []]

        def told_by_grpc(service, listener, *metadata):
            with grpc.insecure_channel(f"127.0.0.1:{service.ports[listener]}") as channel:
                return channel.unary_unary(strategy)(b"\x0a\x04cart", metadata=metadata, timeout=60)

        with Service(PROGRAM, self.path / "data", *flags) as service:
            deadline = time.monotonic() + 60
            while any(told(service, "jaeger_http", "/api/sampling", name) != [f"of-{name}"]
                      for name in ("shop", "pay", "default")):
                self.assertLess(time.monotonic(), deadline, service.log())
                for name in ("shop", "pay", "default"):
                    self.post(service, name, spans("cart", f"of-{name}"))
                time.sleep(0.2)  # once a second it is calculated; nothing wakes us
            for listener, path in ports:
                for tenant, of in (("shop", ["of-shop"]), ("pay", ["of-pay"]), ("new", []),
                                   (None, ["of-default"])):
                    self.assertEqual(told(service, listener, path, tenant), of, (listener, tenant))
            for listener in ("jaeger_grpc", "sampling_grpc"):
                self.assertIn(b"of-shop", told_by_grpc(service, listener, ("x-tenant", "shop")))
                self.assertNotIn(b"of-shop", told_by_grpc(service, listener))
                self.assertIn(b"of-default", told_by_grpc(service, listener))
            self.assertFalse((self.path / "data/tenants/new").exists())
            metrics = service.get("admin", "/metrics")[1]
            self.assertIn("tracestore_adaptive_operations 3\n", metrics)
            # A collector that sends on asks as the tenant who asks it.
            before = ["--multi-tenancy.enabled", "--reporter.type=grpc",
                      f"--reporter.grpc.host-port=127.0.0.1:{service.ports['jaeger_grpc']}"]
            with Service(PROGRAM, None, *before, command="collector") as relay:
                for listener, path in ports:
                    for tenant, of in (("shop", ["of-shop"]), (None, ["of-default"])):
                        self.assertEqual(told(relay, listener, path, tenant), of, tenant)
                relay.stop()
            service.stop()
        # What was learnt lies with each one's spans.
        with Service(PROGRAM, self.path / "data", *flags) as service:
            self.assertEqual(told(service, "sampling_http", "/sampling", "shop"), ["of-shop"])
            service.stop()

    def test_data_ports_tell_nothing_of_the_process(self):
        pages = [("zipkin", "/prometheus"), ("zipkin", "/actuator/prometheus"),
                 ("tempo", "/metrics")]
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled") as service:
            self.post(service, "shop", spans("cart", "a"))
            for listener, path in pages:
                self.assertEqual(ask(service, listener, path),
                                 (404, "with tenants, metrics are on the admin port alone\n"))
            for path in ("/metrics", "/actuator/metrics"):
                self.assertNotIn("cart", ask(service, "zipkin", path)[1])
            self.assertIn('svc="cart"', service.get("admin", "/metrics")[1])
        with Service(PROGRAM, self.path / "other") as service:
            for listener, path in pages:
                self.assertEqual(ask(service, listener, path)[0], 200)

    def test_credentials_are_bound_to_tenants(self):
        file = self.path / "users"

        def token(*flags):
            done = subprocess.run([PROGRAM, "credential", "--bearer", "x", *flags], text=True,
                                  capture_output=True, check=True, timeout=60)
            with open(file, "a", encoding="utf-8") as out:
                out.write(done.stdout)
            return "Bearer " + done.stderr.splitlines()[-1]

        shop, two, all_ = token("--tenants=shop"), token("--tenants=shop,pay"), token()
        report = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
        with Service(PROGRAM, self.path / "data", "--multi-tenancy.enabled",
                     f"--auth.file={file}", "--auth.except=admin") as service:
            def status(listener, path, who, tenant, body=None, header="X-Tenant"):
                request = urllib.request.Request(
                    service.url(listener, path), body,
                    {"Authorization": who, "Content-Type": "application/json", header: tenant})
                try:
                    with urllib.request.urlopen(request, timeout=60) as answer:
                        return answer.status, answer.read()
                except urllib.error.HTTPError as error:
                    with error:
                        return error.code, error.read()

            def code(listener, who, tenant):
                return call(service, listener, report, ("authorization", who),
                            ("x-tenant", tenant))[0]

            body = spans("cart", "a")
            for who, allowed in ((shop, {"shop"}), (two, {"shop", "pay"}),
                                 (all_, {"shop", "pay", "bank"})):
                for tenant in ("shop", "pay", "bank"):
                    good = tenant in allowed
                    for listener, path, sent in (
                            ("otlp_http", "/v1/traces", body), ("query", "/api/services", None),
                            ("query", "/api/traces/" + TRACE, None),
                            ("zipkin", "/api/v2/services", None)):
                        got, answer = status(listener, path, who, tenant, sent)
                        self.assertEqual(got, 200 if good else 403, (listener, tenant, answer))
                        if not good:
                            self.assertIn(b"the credentials are of other tenants", answer)
                    self.assertEqual(status("tempo", "/api/search/tags", who, tenant,
                                            header="X-Scope-OrgID")[0], 200 if good else 403)
                    self.assertEqual(code("otlp_grpc", who, tenant), grpc.StatusCode.OK if good
                                     else grpc.StatusCode.PERMISSION_DENIED)
            # Archiving is the only write of the query API.
            self.assertEqual(status("query", f"/api/archive/{TRACE}", shop, "pay", b"")[0], 403)
            self.assertIn('tracestore_auth_refused_total{server="query"} ',
                          service.get("admin", "/metrics")[1])
            service.stop()

    def test_a_tenant_past_its_bytes_loses_its_oldest(self):
        """Each has three segments, of three days; the default tenant may have a bound of its own, too."""
        data = self.path / "data"
        folders = {"default": data, "shop": data / "tenants/shop", "pay": data / "tenants/pay"}
        for name, folder in folders.items():
            for day in range(3):
                file = self.path / "day.json"
                file.write_bytes(spans(f"{name}-{day}", "a", start=day * 86_400 * 10**9 + 10**6))
                subprocess.run([PROGRAM, "import", folder, file], check=True, timeout=60,
                               capture_output=True)

        def sizes(name):
            return [file.stat().st_size for file in sorted((folders[name] / "segments").glob("*.seg"))]

        self.assertEqual([len(sizes(name)) for name in folders], [3, 3, 3])
        bounds = f"shop={sizes('shop')[-1] + 1},default={sum(sizes('default')) - 1}"
        with Service(PROGRAM, data, "--multi-tenancy.enabled",
                     f"--multi-tenancy.keep-bytes={bounds}") as service:
            for name, kept in (("shop", [2]), ("default", [1, 2]), ("pay", [0, 1, 2])):
                wanted = [f"{name}-{day}" for day in kept]
                deadline = time.monotonic() + 60
                while services(service, name) != wanted and time.monotonic() < deadline:
                    time.sleep(0.05)  # the compactor runs in a thread of its own
                self.assertEqual(services(service, name), wanted)
            service.stop()
        self.assertEqual([len(sizes(name)) for name in folders], [2, 1, 3])

    def test_settings_that_cannot_be(self):
        for flag, sentence in (
                ("--multi-tenancy.tenants=a,b/c", "'b/c' is no tenant's name"),
                ("--multi-tenancy.default-tenant=..", "'..' is no tenant's name"),
                ("--multi-tenancy.span-rates=shop", "'shop' is not TENANT=NUMBER"),
                ("--multi-tenancy.keep-bytes=shop=1x", "takes a size such as 50GiB, not '1x'"),
                ("--multi-tenancy.keep-bytes=a=1,a=2", "tenant 'a' stands there twice")):
            done = subprocess.run([PROGRAM, "all-in-one", "--multi-tenancy.enabled", flag],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(sentence, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
