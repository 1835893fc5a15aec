"""Who may speak to a service: --auth.file with users and tokens, on ports of HTTP and gRPC, and agents
that show a token to a collector over TLS.

Usage: auth_test.py PROGRAM
"""

import base64
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
REPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def user_line(name, password):
    done = subprocess.run([PROGRAM, "credential", name], input=password + "\n", text=True,
                          capture_output=True, check=True, timeout=60)
    return done.stdout


def token_line(name):
    """The line of the file, and the token."""
    done = subprocess.run([PROGRAM, "credential", "--bearer", name], text=True,
                          capture_output=True, check=True, timeout=60)
    token, = done.stderr.splitlines()  # redirected it is the file of the token
    return done.stdout, token


def basic(name, password):
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


def ask(url, authorization=None, body=None, method=None):
    """Status, headers and body."""
    headers = {"Content-Type": "application/json"} if body is not None else {}
    if authorization is not None:
        headers["Authorization"] = authorization
    request = urllib.request.Request(url, body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def call(service, listener, method, authorization=None):
    """The code of a call with an empty message."""
    with grpc.insecure_channel(f"127.0.0.1:{service.ports[listener]}") as channel:
        metadata = [("authorization", authorization)] if authorization else []
        try:
            channel.unary_unary(method)(b"", metadata=metadata, timeout=60)
        except grpc.RpcError as error:
            return error.code()
    return grpc.StatusCode.OK


def poll(test, condition, log):
    deadline = time.monotonic() + 60
    while not condition():
        test.assertLess(time.monotonic(), deadline, log())
        time.sleep(0.05)  # polls another process; nothing in it can wake us


class Auth(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(self.scratch.cleanup)
        self.path = Path(self.scratch.name)
        self.file = self.path / "users"

    def test_http_ports_ask_who_is_there(self):
        line, token = token_line("ci")
        self.file.write_text("# who may\n" + user_line("ann", "pass word") + line)
        with Service(PROGRAM, self.path / "data", f"--auth.file={self.file}") as service:
            ports = {"query": "/api/services", "zipkin": "/api/v2/services", "tempo": "/api/search",
                     "otlp_http": "/v1/traces", "jaeger_http": "/api/sampling?service=a"}
            for listener, path in ports.items():
                body = b'{"resourceSpans":[]}' if listener == "otlp_http" else None
                url = service.url(listener, path)
                status, headers, answer = ask(url, body=body)
                self.assertEqual(status, 401, (listener, answer))
                self.assertIn("Basic", headers["WWW-Authenticate"], listener)
                self.assertIn(b"authentication is required", answer, listener)
                for wrong in (basic("ann", "pass  word"), basic("bob", "pass word"), "Basic !",
                              "Bearer " + token[:-1], "Bearer", token, "Digest a=b"):
                    self.assertEqual(ask(url, wrong, body)[0], 401, (listener, wrong))
                for right in (basic("ann", "pass word"), "Bearer " + token, "bearer " + token):
                    self.assertEqual(ask(url, right, body)[0], 200, (listener, right))
            # What a browser asks first has no credentials; where no page may ask, it is nobody.
            for listener in ("otlp_http", "zipkin"):
                status, _, answer = ask(service.url(listener, ports[listener]), method="OPTIONS")
                self.assertLess(status, 300, listener)
                self.assertEqual(answer, b"", listener)
            # Tempo looks at no method.
            for listener, status in (("query", 405), ("tempo", 200), ("jaeger_http", 405)):
                url = service.url(listener, ports[listener])
                self.assertEqual(ask(url, method="OPTIONS")[0], 401, listener)
                self.assertEqual(ask(url, "Bearer " + token, method="OPTIONS")[0], status, listener)
            self.assertEqual(service.get("admin", "/")[0], 200)
            self.assertEqual(service.get("sampling_http", "/sampling?service=a")[0], 200)
            self.assertIn('tracestore_auth_refused_total{server="query"} 9\n',
                          service.get("admin", "/metrics")[1])
            self.assertNotIn(token, service.log())
            service.stop()

    def test_grpc_ports_too(self):
        line, token = token_line("ci")
        self.file.write_text(line)
        with Service(PROGRAM, self.path / "data", f"--auth.file={self.file}",
                     "--auth.except=jaeger_grpc") as service:
            sampling = "/jaeger.api_v2.SamplingManager/GetSamplingStrategy"
            refused = grpc.StatusCode.UNAUTHENTICATED
            for listener, method in (("otlp_grpc", REPORT), ("sampling_grpc", sampling),
                                     ("zipkin", "/zipkin.proto3.SpanService/Report")):
                self.assertEqual(call(service, listener, method), refused, listener)
                self.assertEqual(call(service, listener, method, "Bearer x"), refused, listener)
                self.assertNotEqual(call(service, listener, method, "Bearer " + token), refused,
                                    listener)
            self.assertEqual(call(service, "otlp_grpc", REPORT, "Bearer " + token),
                             grpc.StatusCode.OK)
            self.assertNotEqual(call(service, "jaeger_grpc", sampling), refused)
            self.assertEqual(service.get("admin", "/")[0], 401)
            service.stop()

    def test_a_changed_file_holds_and_a_broken_one_does_not(self):
        first, old = token_line("ci")
        second, new = token_line("ci")
        self.file.write_text(first)
        with Service(PROGRAM, self.path / "data", f"--auth.file={self.file}") as service:
            url = service.url("query", "/api/services")
            self.assertEqual(ask(url, "Bearer " + old)[0], 200)
            self.file.write_text(second)
            poll(self, lambda: ask(url, "Bearer " + new)[0] == 200, service.log)
            self.assertEqual(ask(url, "Bearer " + old)[0], 401)
            self.file.write_text("nonsense\n")
            poll(self, lambda: (ask(url), "the old credentials hold on" in service.log())[1],
                 service.log)
            self.assertIn("line 1: it is neither NAME:HASH nor bearer NAME SHA256", service.log())
            self.assertEqual(ask(url, "Bearer " + new)[0], 200)
            service.stop()

    def test_a_wrong_start_is_refused(self):
        for text, sentence in (("ann:secret\n", "line 1: the hash of ann is none of crypt(3)'s"),
                               ("bearer ci 12\n", "line 1: the hash of token ci is not 64"),
                               (None, "cannot read auth file")):
            if text is not None:
                self.file.write_text(text)
            else:
                self.file.unlink()
            done = subprocess.run([PROGRAM, "all-in-one", "--data", self.path / "data",
                                   f"--auth.file={self.file}"], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(sentence, done.stderr)
        done = subprocess.run([PROGRAM, "all-in-one", "--auth.except=qery"], capture_output=True,
                              text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("unknown listener 'qery'", done.stderr)

    def test_an_agent_shows_its_token_over_tls(self):
        cert, key = str(self.path / "cert.pem"), str(self.path / "key.pem")
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", cert],
                       check=True, capture_output=True, timeout=60)
        line, token = token_line("agent")
        self.file.write_text(line)
        shown = self.path / "token"
        shown.write_text("not it yet\n")
        packet = (ROOT / "tests/data/wire/jaeger-client-go-2.30.0-jaeger_thrift_compact.bin"
                  ).read_bytes()
        with Service(PROGRAM, self.path / "data", f"--auth.file={self.file}",
                     "--auth.except=query,admin", "--collector.grpc.tls.enabled=true",
                     f"--collector.grpc.tls.cert={cert}", f"--collector.grpc.tls.key={key}"
                     ) as collector, Service(
                         PROGRAM, None, "--reporter.grpc.tls.enabled=true",
                         f"--reporter.grpc.tls.ca={cert}", f"--reporter.bearer-token-file={shown}",
                         "--reporter.max-retry-interval=100ms",
                         f"--reporter.grpc.host-port=127.0.0.1:{collector.ports['jaeger_grpc']}",
                         command="agent") as agent:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(packet, ("127.0.0.1", agent.ports["jaeger_compact"]))
            refused = 'tracestore_auth_refused_total{server="jaeger_grpc"}'
            poll(self, lambda: refused in collector.get("admin", "/metrics")[1], agent.log)
            services = lambda: json.loads(collector.get("query", "/api/services")[1])["data"]
            self.assertFalse(services())
            shown.write_text(token + "\n")  # what waits is sent on as soon as it is right
            poll(self, services, agent.log)
            self.assertNotIn(token, agent.log() + collector.log())
            agent.stop()
            collector.stop()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
