"""Zipkin's port as its pages, scrapers and browsers see it: headers, compression, long answers,
figures; and an answer that fails after its first byte.

Usage: zipkin_port_test.py PROGRAM
"""

import gzip
import http.client
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse
from pathlib import Path

from service import Service

PROGRAM = sys.argv.pop(1)
NOW_US = int(time.time()) * 1_000_000
# Texts that don't compress to nothing, so that traces take room in answers and on disk.
LONG = "".join(f"{i * 2654435761 % 2**32:08x}" for i in range(250))


def spans(first, count, service="shop"):
    """Traces of one span, each later than the one before."""
    return [{"traceId": f"{number:016x}", "id": f"{number:016x}", "name": "get", "kind": "SERVER",
             "timestamp": NOW_US - 3_600_000_000 + number * 1000, "duration": 10,
             "localEndpoint": {"serviceName": service},
             "tags": {"env": f"e{number % 5}", "text": f"{number} {LONG}"}}
            for number in range(first, first + count)]


class ZipkinPort(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(self.scratch.cleanup)

    def start(self, *flags, data="data", listener="zipkin", **more):
        service = Service(PROGRAM, Path(self.scratch.name) / data, *flags, **more)
        self.addCleanup(service.kill)
        self.port = service.ports[listener]
        return service

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        self.addCleanup(connection.close)
        connection.request(method, path, body, {name.replace("_", "-"): value
                                                for name, value in headers.items()})
        return connection.getresponse()

    def send(self, batch):
        answer = self.ask("POST", "/api/v2/spans", json.dumps(batch), Content_Type="application/json")
        self.assertEqual((answer.status, answer.read()), (202, b""))

    def test_headers(self):
        self.start(environment={"AUTOCOMPLETE_KEYS": "env"})
        self.send(spans(1, 3))
        cache = lambda path: self.ask("GET", path).getheader("Cache-Control")
        never = "max-age=300, must-revalidate"
        self.assertEqual(cache("/api/v2/autocompleteKeys"), never)
        self.assertIsNone(cache("/api/v2/autocompleteValues?key=env"))
        self.send(spans(4, 3))
        self.assertEqual(cache("/api/v2/autocompleteValues?key=env"), never)
        self.assertEqual(cache("/zipkin/config.json"), "max-age=600")
        # Anybody's pages may ask, by default, also first whether they may.
        answer = self.ask("GET", "/api/v2/services", Origin="http://elsewhere")
        self.assertEqual(answer.getheader("Access-Control-Allow-Origin"), "*")
        preflight = self.ask("OPTIONS", "/api/v2/spans", Origin="http://elsewhere",
                             Access_Control_Request_Method="POST",
                             Access_Control_Request_Headers="content-type")
        self.assertEqual(preflight.status, 200)
        self.assertEqual(preflight.getheader("Access-Control-Allow-Origin"), "*")
        self.assertEqual(preflight.getheader("Access-Control-Allow-Methods"), "GET,POST")
        allowed = preflight.getheader("Access-Control-Allow-Headers").lower()
        self.assertTrue({"content-type", "x-grpc-web"} <= set(allowed.replace(" ", "").split(",")))

    def test_other_origins_are_not_told_that_they_may(self):
        self.start(environment={"ZIPKIN_QUERY_ALLOWED_ORIGINS": "http://here"})
        for origin, told in (("http://here", "http://here"), ("http://elsewhere", None)):
            answer = self.ask("GET", "/api/v2/services", Origin=origin)
            self.assertEqual((answer.status, answer.getheader("Access-Control-Allow-Origin")),
                             (200, told))

    def test_pages_may_send_the_headers_that_they_are_allowed(self):
        self.start("--collector.zipkin.allowed-headers=content-type,x-custom")
        preflight = self.ask("OPTIONS", "/api/v2/spans", Origin="http://elsewhere",
                             Access_Control_Request_Method="POST",
                             Access_Control_Request_Headers="x-custom")
        allowed = preflight.getheader("Access-Control-Allow-Headers").lower().split(",")
        self.assertIn("x-custom", allowed)
        self.assertIn("x-grpc-web", allowed)

    def test_long_answers_are_compressed_where_asked_to(self):
        self.start()
        self.send(spans(1, 5))
        plain = self.ask("GET", "/api/v2/traces")
        self.assertIsNone(plain.getheader("Content-Encoding"))
        body = plain.read()
        self.assertEqual(plain.getheader("Content-Length"), str(len(body)))
        self.assertGreaterEqual(len(body), 2048)
        packed = self.ask("GET", "/api/v2/traces", Accept_Encoding="gzip")
        self.assertEqual(packed.getheader("Content-Encoding"), "gzip")
        self.assertEqual(gzip.decompress(packed.read()), body)
        short = self.ask("GET", "/api/v2/services", Accept_Encoding="gzip")
        self.assertIsNone(short.getheader("Content-Encoding"))

    def test_more_than_a_mebibyte_comes_in_pieces(self):
        self.start()
        self.send(spans(1, 700))
        answer = self.ask("GET", "/api/v2/traces?limit=1000")
        self.assertEqual(answer.status, 200)
        self.assertIsNone(answer.getheader("Content-Length"))
        self.assertEqual(answer.getheader("Transfer-Encoding"), "chunked")
        body = answer.read()
        self.assertGreater(len(body), 1 << 20)
        told = [trace[0]["traceId"] for trace in json.loads(body)]
        self.assertEqual(told, [f"{number:016x}" for number in range(700, 0, -1)])
        short = self.ask("GET", "/api/v2/traces?limit=100")
        self.assertEqual(short.getheader("Content-Length"), str(len(short.read())))

    def test_an_answer_that_fails_is_broken_off(self):
        service = self.start()
        self.send(spans(1, 300))
        service.stop()  # seals: a segment of the older ones
        service = self.start()
        self.send(spans(1001, 900))
        service.stop()
        old, new = sorted((Path(self.scratch.name) / "data/segments").glob("*.seg"))
        content = bytearray(old.read_bytes())
        for at in range(64, len(content) // 2, 64):  # its pages, which the search reads last
            content[at] ^= 0xFF
        old.write_bytes(content)
        self.start(command="query", listener="query_zipkin")
        answer = self.ask("GET", "/api/v2/traces?limit=2000")
        self.assertEqual(answer.status, 200)
        with self.assertRaises(http.client.IncompleteRead) as broken:
            answer.read()
        self.assertGreater(len(broken.exception.partial), 1 << 20)
        self.assertFalse(broken.exception.partial.endswith(b"]]"))
        # What fails before the first byte has its status, and a sentence with the place.
        answer = self.ask("GET", f"/api/v2/trace/{1:016x}")
        self.assertEqual((answer.status, answer.getheader("Content-Type")), (500, "text/*"))
        self.assertIn(str(old), answer.read().decode())
        answer = self.ask("GET", f"/api/v2/trace/{1001:016x}")
        self.assertEqual(answer.status, 200)

    def found(self, parameters=""):
        """Trace ids of a search, as numbers."""
        answer = self.ask("GET", f"/api/v2/traces?{parameters}")
        body = answer.read()
        self.assertEqual(answer.status, 200, body)
        return [int(trace[0]["traceId"], 16) for trace in json.loads(body)]

    def test_what_a_search_takes_where_nothing_is_said(self):
        self.start()
        old = spans(100, 1)
        old[0]["timestamp"] = NOW_US - 25 * 3600 * 1_000_000
        self.send(spans(1, 12) + old)
        self.assertEqual(self.found(), list(range(12, 2, -1)))  # ten, of the last day
        self.assertEqual(self.found("limit=100&serviceName=&spanName=&remoteServiceName="),
                         list(range(12, 0, -1)))
        self.assertEqual(self.found(f"limit=100&lookback={26 * 3600 * 1000}"),
                         [*range(12, 0, -1), 100])
        answer = self.ask("GET", "/api/v2/spans?serviceName=")
        self.assertEqual((answer.status, answer.read()), (200, b"[]"))

    def test_the_default_lookback_is_a_setting(self):
        self.start(environment={"QUERY_LOOKBACK": str(30 * 60 * 1000)})
        self.send(spans(1, 1))  # an hour old
        self.assertEqual(self.found(), [])
        self.assertEqual(self.found(f"lookback={2 * 3600 * 1000}"), [1])

    def test_words_of_an_annotation_query(self):
        self.start()
        batch = spans(1, 3)
        batch[0]["tags"] = {"error": "", "equation": "a=b"}
        batch[1]["tags"] = {"error": "boom"}
        batch[2]["tags"] = {"note": "error"}
        batch[2]["annotations"] = [{"timestamp": NOW_US, "value": "retry"}]
        self.send(batch)
        for query, ids in (("error", [2, 1]), ("error=", [2, 1]), ("error=boom", [2]),
                           ("equation=a=b", [1]), ("  error = boom  ", [2]), ("retry", [3]),
                           ("retry and note=error", [3]), ("retry and error", []),
                           ("error=boom and error", [2]), ("error=x and error=boom", [2]),
                           ("Error", []), ("error=Boom", [])):
            asked = urllib.parse.urlencode({"annotationQuery": query})
            self.assertEqual(self.found(asked), ids, query)

    def test_lenient_ids_join_what_shares_a_low_half(self):
        self.start(environment={"STRICT_TRACE_ID": "false"})
        short, long = spans(7, 1)[0], spans(7, 1)[0]
        long.update(traceId="463ac35c9f6413ad" + short["traceId"], id=f"{8:016x}")
        self.send([short, long])
        for asked in (short["traceId"], long["traceId"], "7"):
            told = json.loads(self.ask("GET", f"/api/v2/trace/{asked}").read())
            self.assertEqual({span["traceId"] for span in told},
                             {short["traceId"], long["traceId"]})
        self.assertEqual(len(json.loads(self.ask("GET", "/api/v2/traces").read())), 1)

    def test_a_bad_span_refuses_its_message(self):
        self.start()
        for part in ({"tags": {"a": None}}, {"annotations": [{"value": "x"}]},
                     {"annotations": [{"timestamp": NOW_US}]}):
            good, bad = spans(1, 2)
            answer = self.ask("POST", "/api/v2/spans", json.dumps([good, {**bad, **part}]),
                              Content_Type="application/json")
            self.assertEqual(answer.status, 400, answer.read())
        self.assertEqual(self.found(), [])

    def test_methods_and_switches(self):
        self.start(environment={"HTTP_COLLECTOR_ENABLED": "false"})
        for method in ("DELETE", "PUT"):
            answer = self.ask(method, "/api/v2/services")
            self.assertEqual((answer.status, answer.read()), (404, b"404 Not Found"))
            self.assertTrue(answer.getheader("Content-Type").startswith("text/plain"))
        for version in (1, 2):
            answer = self.ask("POST", f"/api/v{version}/spans", "[]",
                              Content_Type="application/json")
            self.assertEqual(answer.status, 404)
        answer = self.ask("GET", "/api/v2/spans?serviceName=shop")
        self.assertEqual((answer.status, answer.read()), (200, b"[]"))

    def curl(self, path, *arguments, listener="zipkin", service):
        """Status, content type and body, over HTTP/2 without TLS from the first byte on."""
        url = f"http://127.0.0.1:{service.ports[listener]}{path}"
        done = subprocess.run(
            ["curl", "-sS", "--http2-prior-knowledge", "--max-time", "60",
             "-w", "\n%{http_version} %{http_code} %{content_type}", url, *arguments],
            capture_output=True, timeout=90)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        body, _, told = done.stdout.rpartition(b"\n")
        version, status, content_type = told.decode().split(" ", 2)
        self.assertEqual(version, "2")
        return int(status), content_type, body

    def test_http2_in_plain(self):
        """As Envoy and Armeria send; and gRPC on the same ports."""
        service = self.start()
        batch = spans(1, 700)
        spans_file = Path(self.scratch.name) / "spans.json"
        spans_file.write_text(json.dumps(batch))
        posted = self.curl("/api/v2/spans", "-H", "Content-Type: application/json",
                           "--data-binary", f"@{spans_file}", service=service)
        self.assertEqual((posted[0], posted[2]), (202, b""))
        status, content_type, body = self.curl(f"/api/v2/trace/{7:016x}", service=service)
        self.assertEqual((status, content_type), (200, "application/json"))
        self.assertEqual(json.loads(body)[0]["traceId"], f"{7:016x}")
        status, _, body = self.curl("/api/v2/traces?limit=1000", service=service)  # in pieces
        self.assertEqual((status, len(json.loads(body))), (200, 700))
        status, _, body = self.curl("/api/v2/traces?limit=1000", "--compressed", service=service)
        self.assertEqual((status, len(json.loads(body))), (200, 700))
        self.assertEqual(self.curl("/health", service=service)[0], 200)
        self.assertEqual(self.curl("/nothing", service=service)[0], 404)
        refused = self.curl("/api/v2/spans", "-d", "{", "-H", "Content-Type: application/json",
                            service=service)
        self.assertEqual(refused[0], 400)
        status, _, body = self.curl("/api/services", listener="query", service=service)
        self.assertEqual((status, json.loads(body)["data"]), (200, ["shop"]))
        # gRPC's content type is gRPC's; what is no HTTP/2 after the preface hurts nobody.
        status, content_type, _ = self.curl("/zipkin.proto3.SpanService/Report", "-d", "",
                                            "-H", "Content-Type: application/grpc",
                                            "-H", "TE: trailers", service=service)
        self.assertEqual((status, content_type), (200, "application/grpc"))
        for listener in ("zipkin", "query"):
            with socket.create_connection(("127.0.0.1", service.ports[listener]), 60) as garbage:
                garbage.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 1000)
                garbage.shutdown(socket.SHUT_WR)
                try:
                    while garbage.recv(65536):
                        pass
                except ConnectionResetError:
                    pass
        self.assertEqual(self.curl("/api/v2/services", service=service)[2], b'["shop"]')
        service.stop()

    def test_its_own_figures(self):
        self.start()
        self.send(spans(1, 3))
        text = self.ask("GET", "/metrics").read().decode()
        self.assertIn('"counter.zipkin_collector.spans.http":3.0', text)  # floats, as Java's
        figures = json.loads(text)
        for name in ("messages", "messages_dropped", "bytes", "spans", "spans_dropped"):
            self.assertIn(f"counter.zipkin_collector.{name}.http", figures)
        self.assertEqual(figures["counter.zipkin_collector.spans.http"], 3)
        self.assertEqual(figures["counter.zipkin_collector.messages.http"], 1)
        self.assertEqual(figures["gauge.zipkin_collector.message_spans.http"], 3)
        self.assertEqual(figures["gauge.zipkin_collector.message_bytes.http"],
                         len(json.dumps(spans(1, 3))))
        answer = self.ask("GET", "/actuator/metrics")
        self.assertEqual(answer.getheader("Content-Type"),
                         "application/vnd.spring-boot.actuator.v2+json")
        self.assertIn("zipkin_collector.spans", json.loads(answer.read())["names"])
        told = json.loads(self.ask("GET", "/actuator/metrics/zipkin_collector.spans").read())
        self.assertEqual(told["measurements"], [{"statistic": "COUNT", "value": 3.0}])
        self.assertEqual(self.ask("GET", "/actuator/metrics/nothing").status, 404)

    def test_its_pages_are_counted_where_there_are_any(self):
        folder = Path(self.scratch.name) / "build" / "zipkin-lens"
        folder.mkdir(parents=True)
        (folder / "index.html").write_text('<head><base href="/zipkin/"></head>')
        self.start("--lens", str(folder.parent))
        self.assertEqual(self.ask("GET", "/").status, 302)
        self.assertEqual(self.ask("GET", "/zipkin/dependency").status, 200)
        text = self.ask("GET", "/prometheus").read().decode()
        for status, uri in ((302, "REDIRECTION"), (200, "/zipkin/index.html")):
            self.assertIn(f'http_server_requests_seconds_count{{method="GET",status="{status}",'
                          f'uri="{uri}"}} 1\n', text)
        self.start("--lens", str(folder.parent), data="other", environment={"UI_ENABLED": "false"})
        self.assertEqual(self.ask("GET", "/zipkin/").status, 404)
        self.assertEqual(self.ask("GET", "/api/v2/services").status, 200)

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60,
                       cwd=self.scratch.name)

    def key_store(self, name, *more):
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                     "-nodes", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1",
                     "-days", "2", "-keyout", "key.pem", "-out", "cert.pem")
        self.openssl("pkcs12", "-export", "-in", "cert.pem", "-inkey", "key.pem", "-out", name,
                     "-passout", "pass:open sesame", *more)
        return Path(self.scratch.name) / name

    def test_tls_from_a_key_store(self):
        """As ARMERIA_SSL_* tell Zipkin's server, HTTP and gRPC on the one port."""
        store = self.key_store("zipkin.p12")
        settings = {"ARMERIA_SSL_ENABLED": "true", "ARMERIA_SSL_KEY_STORE": str(store),
                    "ARMERIA_SSL_KEY_STORE_PASSWORD": "open sesame",
                    "ARMERIA_SSL_KEY_STORE_TYPE": "PKCS12"}
        service = self.start(environment=settings)
        self.assertNotIn("sesame", service.log())
        trusting = ssl.create_default_context(cafile=str(store.parent / "cert.pem"))
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=trusting,
                                                 timeout=60)
        self.addCleanup(connection.close)
        connection.request("POST", "/api/v2/spans", json.dumps(spans(1, 1)),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        self.assertEqual((answer.status, answer.read()), (202, b""))
        connection.request("GET", "/api/v2/services")
        self.assertEqual(connection.getresponse().read(), b'["shop"]')
        self.assertIn("h2", self.alpn(store))
        # Who offers h2 and http/1.1, as curl does by itself, gets the one over which HTTP is served.
        sent = subprocess.run(
            ["curl", "-sS", "--cacert", store.parent / "cert.pem", "--max-time", "60",
             "-w", "%{http_version} %{http_code}", "-H", "Content-Type: application/json",
             "-d", json.dumps(spans(2, 1, "pay")), f"https://127.0.0.1:{self.port}/api/v2/spans"],
            capture_output=True, timeout=90)
        self.assertEqual(sent.stdout, b"1.1 202", sent.stderr.decode())
        connection.request("GET", "/api/v2/services")
        self.assertEqual(connection.getresponse().read(), b'["pay","shop"]')
        plain = self.ask("GET", "/api/v2/services")  # without TLS nobody is heard
        self.assertEqual(plain.status, 400)
        self.assertNotIn(b"shop", plain.read())
        service.stop()

    def alpn(self, store):
        offering = ssl.create_default_context(cafile=str(store.parent / "cert.pem"))
        offering.set_alpn_protocols(["h2"])
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain:
            with offering.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                return secure.selected_alpn_protocol()

    def test_key_stores_that_do_not_open(self):
        store = self.key_store("zipkin.p12")
        other = store.with_name("other.p12")
        other.write_bytes(store.read_bytes()[:-40])
        self.openssl("pkcs12", "-export", "-nokeys", "-in", "cert.pem", "-out", "keyless.p12",
                     "-passout", "pass:open sesame")
        for path, password, more, sentence in (
                (store, "wrong", {}, f"key store file {store}: its password is another, or it is "
                                     "damaged"),
                (other, "open sesame", {}, f"key store file {other}: it is no PKCS 12 key store"),
                (store.with_name("keyless.p12"), "open sesame", {},
                 "there is no certificate with its key in it"),
                (store.with_name("none.p12"), "x", {}, "No such file or directory"),
                (store, "open sesame", {"COLLECTOR_ZIPKIN_TLS_CERT": "cert.pem"},
                 "ARMERIA_SSL_KEY_STORE: 'collector.zipkin.tls.key-store' stands in place of "
                 "'collector.zipkin.tls.cert' and 'collector.zipkin.tls.key'")):
            with self.subTest(sentence), self.assertRaises(AssertionError) as refused:
                self.start(environment={"ARMERIA_SSL_ENABLED": "true", **more,
                                        "ARMERIA_SSL_KEY_STORE": str(path),
                                        "ARMERIA_SSL_KEY_STORE_PASSWORD": password})
            self.assertIn(sentence, str(refused.exception))
            self.assertNotIn("sesame", str(refused.exception))

    def test_figures_for_prometheus(self):
        service = self.start()
        self.send(spans(1, 3))
        for path in (f"/api/v2/trace/{1:016x}", f"/api/v2/trace/{2:016x}", "/api/v2/services",
                     "/nothing"):
            self.ask("GET", path).read()
        lines = self.ask("GET", "/prometheus").read().decode().splitlines()
        figures = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        count = lambda status, uri: figures.get(
            f'http_server_requests_seconds_count{{method="GET",status="{status}",uri="{uri}"}}')
        self.assertEqual(count(200, "/api/v2/trace/{traceId}"), "2")
        self.assertEqual(count(200, "/api/v2/services"), "1")
        self.assertEqual(count(404, "NOT_FOUND"), "1")
        self.assertEqual(figures['zipkin_collector_spans_total{transport="http"}'], "3")
        # Of the process, held against what the kernel says here.
        process = {name: float(value) for name, value in figures.items()
                   if name.startswith("process_")}
        proc = Path(f"/proc/{service.process.pid}")
        self.assertGreater(process["process_cpu_seconds_total"], 0)
        self.assertAlmostEqual(process["process_open_fds"], len(list((proc / "fd").iterdir())),
                               delta=20)
        self.assertEqual(process["process_files_open_files"], process["process_open_fds"])
        limit = next(line for line in (proc / "limits").read_text().splitlines()
                     if line.startswith("Max open files")).split()[3]
        self.assertEqual(process["process_files_max_files"], float(limit))
        self.assertLess(abs(process["process_start_time_seconds"]
                            + process["process_uptime_seconds"] - time.time()), 60)
        self.assertLess(process["process_uptime_seconds"], 120)
        self.assertGreater(process["process_resident_memory_bytes"], 1 << 20)


if __name__ == "__main__":
    unittest.main(verbosity=2)
