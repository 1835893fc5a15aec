"""The query service beside a collector: what another process writes is answered over every port, at
once; traces are archived meanwhile; whose requests they are and who may ask holds as in the others.

Usage: query_test.py PROGRAM
Exit 77 (skipped) where something isn't installed, but not in CI
"""

import concurrent.futures
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from otlp_json import attribute, of_service, send, span
from service import Service

try:
    import grpc
    import protos
except ImportError as error:
    print(f"query_test: not run: {error} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

PROGRAM = sys.argv[1]
TRACE = "0af7651916cd43dd8448eb211c80319c"
OTHER = "0af7651916cd43dd8448eb211c80319d"


def ask(service, listener, path, method="GET", headers=None):
    """Status, headers and body."""
    request = urllib.request.Request(service.url(listener, path), headers=headers or {},
                                     method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read().decode()


def found(service, trace, headers=None):
    return ask(service, "query", f"/api/traces/{trace}", headers=headers)[0]


class Query(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(self.scratch.cleanup)
        self.path = Path(self.scratch.name)
        self.data = self.path / "data"

    def command(self, *arguments):
        subprocess.run([PROGRAM, *arguments], check=True, capture_output=True, timeout=120)

    def services(self, query):
        """By Jaeger's API over HTTP, over gRPC on both ports, and by Zipkin's."""
        names = json.loads(ask(query, "query", "/api/services")[2])["data"] or []
        for listener in ("query", "query_grpc"):
            with grpc.insecure_channel(f"127.0.0.1:{query.ports[listener]}") as channel:
                stub = API.stub(channel, "jaeger.api_v2.QueryService")
                answer = stub.GetServices(API["jaeger.api_v2.GetServicesRequest"](), timeout=60)
                self.assertEqual(list(answer.services), names)
        status, _, body = ask(query, "query_zipkin", "/api/v2/services")
        self.assertEqual((status, json.loads(body)), (200, names))
        return names

    def test_it_answers_what_a_collector_writes(self):
        with Service(PROGRAM, self.data, command="query") as query:
            # There is nothing yet, and nothing is made by asking.
            self.assertEqual(self.services(query), [])
            self.assertEqual(found(query, TRACE), 404)
            self.assertEqual(ask(query, "query", f"/api/archive/{TRACE}", "POST")[0], 404)
            self.assertFalse(self.data.exists())
            with Service(PROGRAM, self.data, command="collector") as collector:
                self.assertNotIn("query", collector.ports)
                send(collector, of_service("shop", [span(TRACE, 1, "GET /", 2)]))
                self.assertEqual(self.services(query), ["shop"])
                self.assertEqual(found(query, TRACE), 200)
                self.assertEqual(ask(query, "query_zipkin", f"/api/v2/trace/{TRACE}")[0], 200)
                # Spans come in elsewhere.
                self.assertEqual(ask(query, "query_zipkin", "/api/v2/spans", "POST")[0], 404)
                # The archive is written by this process, while the other has the store.
                self.assertEqual(ask(query, "query", f"/api/archive/{TRACE}", "POST")[0], 200)
                send(collector, of_service("stock", [span(OTHER, 1, "read", 2)]))
                self.assertEqual(self.services(query), ["shop", "stock"])
                self.command("delete", str(self.data), "--all", "--yes")
                self.assertEqual(self.services(query), [])
                self.assertEqual(found(query, TRACE), 200)
                self.assertEqual(found(query, OTHER), 404)
                collector.kill()
            # Without a collector, and with the next one.
            self.assertEqual(found(query, TRACE), 200)
            with Service(PROGRAM, self.data, command="collector") as collector:
                send(collector, of_service("later", [span(OTHER, 1, "read", 2)]))
                self.assertEqual(self.services(query), ["later"])
                collector.stop()
            self.assertEqual(self.services(query), ["later"])
            metrics = ask(query, "admin", "/metrics")[2]
            self.assertIn("tracestore_store_spans 1\n", metrics)
            self.assertEqual(ask(query, "admin", "/")[0], 200)
            query.stop()

    def test_many_archive_at_once(self):
        traces = [f"{i + 1:032x}" for i in range(8)]
        with Service(PROGRAM, self.data, command="collector") as collector:
            send(collector, *[of_service("shop", [span(trace, 1, "a", 1)]) for trace in traces])
            with Service(PROGRAM, self.data, command="query") as one, Service(
                    PROGRAM, self.data, command="query") as two:
                with concurrent.futures.ThreadPoolExecutor(8) as pool:
                    asked = [pool.submit(ask, query, "query", f"/api/archive/{trace}", "POST")
                             for trace in traces for query in (one, two)]
                    self.assertEqual({answer.result()[0] for answer in asked}, {200})
                self.command("delete", str(self.data), "--all", "--yes")
                for trace in traces:
                    self.assertEqual(found(one, trace), 200)
                one.stop()
                two.stop()
            collector.stop()

    def test_whose_and_who(self):
        users = self.path / "users"
        made = subprocess.run([PROGRAM, "credential", "--bearer", "ci"], text=True, check=True,
                              capture_output=True, timeout=60)
        users.write_text(made.stdout)
        token = made.stderr.splitlines()[-1]
        page = "https://pages.example"
        with Service(PROGRAM, self.data, "--multi-tenancy.enabled",
                     command="collector") as collector, Service(
                         PROGRAM, self.data, "--multi-tenancy.enabled", f"--auth.file={users}",
                         f"--query.cors.allowed-origins={page}",
                         f"--collector.zipkin.allowed-origins={page}",
                         command="query") as query:
            def known(tenant):
                return {"Authorization": f"Bearer {token}", "X-Tenant": tenant, "Origin": page}

            request = urllib.request.Request(
                collector.url("otlp_http", "/v1/traces"),
                json.dumps({"resourceSpans": [of_service("cart", [span(TRACE, 1, "a", 1)])]})
                .encode(), {"Content-Type": "application/json", "X-Tenant": "shop"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.assertEqual(answer.status, 200)
            self.assertEqual(found(query, TRACE, known("shop")), 200)
            self.assertEqual(found(query, TRACE, known("pay")), 404)
            self.assertEqual(found(query, TRACE), 401)
            self.assertEqual(found(query, TRACE, {"Authorization": f"Bearer {token}"}), 401)
            for listener, path in (("query", f"/api/traces/{TRACE}"),
                                   ("query_zipkin", f"/api/v2/trace/{TRACE}")):
                status, headers, _ = ask(query, listener, path, headers=known("shop"))
                self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (200, page))
                # A page may read that it is refused, and what it may send is said before.
                status, headers, _ = ask(query, listener, path, headers={"Origin": page})
                self.assertEqual((status, headers["Access-Control-Allow-Origin"]), (401, page))
                status, headers, _ = ask(query, listener, path, "OPTIONS", {
                    "Origin": page, "Access-Control-Request-Method": "GET",
                    "Access-Control-Request-Headers": "authorization,x-tenant"})
                self.assertEqual(headers["Access-Control-Allow-Origin"], page)
                allowed = headers["Access-Control-Allow-Headers"].split(",")
                self.assertIn("authorization", allowed)
                self.assertIn("x-tenant", allowed)
                self.assertLess(status, 300)
            with grpc.insecure_channel(f"127.0.0.1:{query.ports['query_grpc']}") as channel:
                stub = API.stub(channel, "jaeger.api_v2.QueryService")
                ask_names = API["jaeger.api_v2.GetServicesRequest"]
                answer = stub.GetServices(ask_names(), timeout=60, metadata=(
                    ("authorization", f"Bearer {token}"), ("x-tenant", "shop")))
                self.assertEqual(list(answer.services), ["cart"])
                with self.assertRaises(grpc.RpcError) as refused:
                    stub.GetServices(ask_names(), timeout=60)
                self.assertEqual(refused.exception.code(), grpc.StatusCode.UNAUTHENTICATED)
            query.stop()
            collector.stop()

    def test_the_archive_has_its_own_retention(self):
        traces = [f"{i + 1:032x}" for i in range(3)]
        with Service(PROGRAM, self.data, command="collector") as collector:
            send(collector, *[of_service("shop", [span(trace, 1, "a", 1)]) for trace in traces])
            with Service(PROGRAM, self.data, "--archive.keep-age=1d", command="query") as query:
                for trace in traces:  # each copy is a segment
                    self.assertEqual(ask(query, "query", f"/api/archive/{trace}", "POST")[0], 200)
                query.stop()
            collector.stop()
        self.command("delete", str(self.data), "--all", "--yes")
        with Service(PROGRAM, self.data, command="query") as query:  # none by default
            self.assertEqual([found(query, trace) for trace in traces], [200] * 3)
            query.stop()
        with Service(PROGRAM, self.data, "--archive.keep-bytes=1", command="query") as query:
            # It looks at the start; nothing tells when it is done. The newest segment stays.
            deadline = time.monotonic() + 60
            while [found(query, trace) for trace in traces] != [404, 404, 200]:
                self.assertLess(time.monotonic(), deadline, query.log())
                time.sleep(0.05)
            query.stop()

    def test_answers_have_a_bound_of_memory(self):
        large = "0af7651916cd43dd8448eb211c80319e"
        spans = [span(large, i + 1, f"step {i} {'x' * 200}", 1) for i in range(2_000)]
        small = [f"{i + 1:032x}" for i in range(50)]
        with Service(PROGRAM, self.data, command="collector") as collector:
            send(collector, of_service("nightly", spans))
            long = [attribute("text", "a" * 10_000)]
            send(collector, *[of_service("shop", [span(trace, 1, "step", 1, attributes=long)])
                              for trace in small])
            collector.stop()
        sentence = ("the query needs more memory than one may have (query.max-bytes-per-query is "
                    "409600 bytes); ask for fewer traces")
        # More than what is made of an answer at a time, 256 KiB and a trace.
        with Service(PROGRAM, self.data, "--query.max-bytes-per-query=400KiB",
                     command="query") as query:
            for listener, path in (
                    ("query", f"/api/traces/{large}"), ("query", f"/api/v3/traces/{large}"),
                    ("query", "/api/traces?service=nightly"),
                    ("query_zipkin", f"/api/v2/trace/{large}"),
                    ("query_zipkin", "/api/v2/traces?serviceName=nightly"),
                    ("tempo", f"/api/traces/{large}")):
                status, _, body = ask(query, listener, path)
                self.assertEqual(status, 422, (path, body[:300]))
                self.assertIn(sentence, body)
            with grpc.insecure_channel(f"127.0.0.1:{query.ports['query_grpc']}") as channel:
                stub = API.stub(channel, "jaeger.api_v2.QueryService")
                get = API["jaeger.api_v2.GetTraceRequest"](trace_id=bytes.fromhex(large))
                with self.assertRaises(grpc.RpcError) as refused:
                    list(stub.GetTrace(get, timeout=60))
            self.assertEqual(refused.exception.code(), grpc.StatusCode.RESOURCE_EXHAUSTED)
            self.assertEqual(refused.exception.details(), sentence)
            # Of traces that are sent one after the other no more is held than that.
            status, _, body = ask(query, "query", "/api/traces?service=shop&limit=50")
            self.assertEqual(status, 200, body[:300])
            self.assertEqual(len(json.loads(body)["data"]), 50)
            self.assertGreater(len(body), 409_600)
            # What needs no spans is no larger than a small trace.
            self.assertEqual(self.services(query), ["nightly", "shop"])
            metrics = ask(query, "admin", "/metrics")[2]
            self.assertIn('tracestore_query_refused_total{server="query",'
                          'reason="bytes_per_query"} 3\n', metrics)
            self.assertIn("tracestore_query_bytes_in_flight 0\n", metrics)
            query.stop()
        with Service(PROGRAM, self.data, "--query.max-bytes=256KiB", command="query") as query:
            status, headers, body = ask(query, "query", f"/api/traces/{large}")
            self.assertEqual((status, headers["Retry-After"]), (503, "1"))
            self.assertIn("queries hold as much memory as they may (query.max-bytes is 262144 "
                          "bytes); come again", body)
            query.stop()

    def test_zipkins_variables(self):
        """Rows Q15 to Q18 and W7 of Zipkin's table, by the names that its users set."""
        def zipkin(listener="zipkin", command="all-in-one", **environment):
            return Service(PROGRAM, self.data, command=command, environment=environment), listener

        def posts(service):
            request = urllib.request.Request(
                service.url("zipkin", "/api/v2/spans"), b"[]", {"Content-Type": "application/json"})
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    return answer.status
            except urllib.error.HTTPError as error:
                with error:
                    return error.code

        def statuses(service, listener, *paths):
            return [ask(service, listener, path)[0] for path in paths]

        reads = ("/api/v2/services", "/api/v2/traces", "/zipkin/config.json")
        service, listener = zipkin(QUERY_ENABLED="false")
        with service:
            self.assertEqual(statuses(service, listener, *reads), [404] * 3)
            self.assertEqual(statuses(service, listener, "/health", "/info", "/metrics"), [200] * 3)
            self.assertEqual(posts(service), 202)
            service.stop()
        service, listener = zipkin(SEARCH_ENABLED="false", UI_ENABLED="false",
                                   COLLECTOR_HTTP_ENABLED="false")
        with service:
            send(service, of_service("shop", [span(TRACE, 1, "GET /", 2)]))
            self.assertEqual(ask(service, listener, "/api/v2/services")[::2], (200, "[]"))
            self.assertEqual(ask(service, listener, "/api/v2/traces")[::2], (200, "[]"))
            self.assertEqual(statuses(service, listener, f"/api/v2/trace/{TRACE}",
                                      "/zipkin/config.json", "/zipkin/"), [200, 404, 404])
            self.assertEqual(posts(service), 404)
            service.stop()
        service, listener = zipkin("query_zipkin", "query",
                                   ZIPKIN_QUERY_ALLOWED_ORIGINS="https://pages.example")
        with service:
            status, headers, _ = ask(service, listener, "/api/v2/services", "OPTIONS", {
                "Origin": "https://pages.example", "Access-Control-Request-Method": "GET"})
            self.assertEqual((status, headers["Access-Control-Allow-Origin"]),
                             (200, "https://pages.example"))
            self.assertEqual(headers["Access-Control-Allow-Methods"], "GET,POST")
            self.assertIn("x-grpc-web", headers["Access-Control-Allow-Headers"])
            _, headers, _ = ask(service, listener, "/api/v2/services", "OPTIONS", {
                "Origin": "https://other.example", "Access-Control-Request-Method": "GET"})
            self.assertIsNone(headers["Access-Control-Allow-Origin"])
            self.assertIn('http_server_requests_seconds_count{',
                          ask(service, listener, "/health") and
                          ask(service, listener, "/prometheus")[2])
            service.stop()

    def test_it_wants_to_know_the_store(self):
        done = subprocess.run([PROGRAM, "query"], capture_output=True, text=True, timeout=60,
                              check=False)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("query reads the store of a collector: name its directory", done.stderr)


if __name__ == "__main__":
    lacking = protos.missing()
    if lacking:
        print(f"query_test: not run: {lacking}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    API = protos.Protos("api_v2/query.proto")
    unittest.main(argv=sys.argv[:1])
