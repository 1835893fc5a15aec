"""Mutual TLS, tokens and passwords on every port that answers queries, asked by clients of other
hands: Python's HTTPS client and gRPC's.

Usage: query_security_test.py PROGRAM
"""

import base64
import http.client
import ssl
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import grpc

from service import Service

PROGRAM = sys.argv[1]
# Listener, prefix of its TLS settings, and what is asked there.
HTTP = (("query", "query.http", "/api/services"),
        ("zipkin", "collector.zipkin", "/api/v2/services"),
        ("tempo", "tempo", "/api/search"), ("admin", "admin.http", "/"))
HTTP_APART = (("query", "query.http", "/api/services"),
              ("query_zipkin", "query.zipkin", "/api/v2/services"),
              ("tempo", "tempo", "/api/search"), ("admin", "admin.http", "/"))
QUERY = "/jaeger.api_v2.QueryService/GetServices"
STORAGE = "/jaeger.storage.v1.SpanReaderPlugin/GetServices"
GRPC = (("query", "query.http", QUERY), ("query_grpc", "query.grpc", QUERY),
        ("remote_storage", "remote-storage", STORAGE),
        ("remote_storage_archive", "remote-storage", STORAGE))
GRPC_APART = GRPC[:2]


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60)


def authority(folder, name):
    """A CA's certificate and key, as paths."""
    cert, key = str(folder / f"{name}.pem"), str(folder / f"{name}-key.pem")
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-subj", f"/CN={name}", "-days", "2", "-keyout", key, "-out", cert)
    return cert, key


def signed(folder, name, by):
    """A certificate of 127.0.0.1 and its key, as paths."""
    cert, key, request = (str(folder / f"{name}{end}") for end in (".pem", "-key.pem", ".csr"))
    extensions = folder / f"{name}.ext"
    extensions.write_text("subjectAltName=IP:127.0.0.1\n")
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj",
            f"/CN={name}", "-keyout", key, "-out", request)
    openssl("x509", "-req", "-in", request, "-CA", by[0], "-CAkey", by[1], "-CAcreateserial",
            "-days", "2", "-extfile", str(extensions), "-out", cert)
    return cert, key


class QuerySecurity(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(scratch.cleanup)
        self.path = Path(scratch.name)
        self.ca = authority(self.path, "ca")
        self.server = signed(self.path, "server", self.ca)
        self.client = signed(self.path, "client", self.ca)
        self.stranger = signed(self.path, "stranger", authority(self.path, "other"))

    def flags(self, listeners):
        cert, key = self.server
        return [f"--{prefix}.tls.{flag}" for prefix in dict.fromkeys(one[1] for one in listeners)
                for flag in ("enabled=true", f"cert={cert}", f"key={key}",
                             f"client-ca={self.ca[0]}")]

    def ask(self, service, listener, path, shown, authorization=None):
        """Status, or None where there is no connection to ask over."""
        context = ssl.create_default_context(cafile=self.ca[0])
        if shown:
            context.load_cert_chain(*shown)
        connection = http.client.HTTPSConnection("127.0.0.1", service.ports[listener], timeout=60,
                                                 context=context)
        try:
            connection.request("GET", path, headers={"Authorization": authorization}
                               if authorization else {})
            return connection.getresponse().status
        except (OSError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def call(self, service, listener, method, shown, authorization=None):
        """The code of a call with an empty message."""
        read = lambda path: Path(path).read_bytes()
        credentials = grpc.ssl_channel_credentials(
            read(self.ca[0]), *((read(shown[1]), read(shown[0])) if shown else ()))
        metadata = [("authorization", authorization)] if authorization else []
        with grpc.secure_channel(f"127.0.0.1:{service.ports[listener]}", credentials) as channel:
            try:
                channel.unary_unary(method)(b"", metadata=metadata, timeout=60)
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    def expect_mutual_tls(self, service, over_http, over_grpc):
        for listener, _, path in over_http:
            with self.subTest(listener=listener, over="HTTP"):
                self.assertEqual(self.ask(service, listener, path, self.client), 200)
                self.assertIsNone(self.ask(service, listener, path, None))
                self.assertIsNone(self.ask(service, listener, path, self.stranger))
                plain = http.client.HTTPConnection("127.0.0.1", service.ports[listener], timeout=60)
                plain.request("GET", path)
                self.assertEqual(plain.getresponse().status, 400)
                plain.close()
        for listener, _, method in over_grpc:
            with self.subTest(listener=listener, over="gRPC"):
                away = grpc.StatusCode.UNAVAILABLE
                self.assertEqual(self.call(service, listener, method, self.client),
                                 grpc.StatusCode.OK)
                self.assertEqual(self.call(service, listener, method, None), away)
                self.assertEqual(self.call(service, listener, method, self.stranger), away)

    def test_who_shows_no_certificate_is_not_heard(self):
        with Service(PROGRAM, self.path / "data", *self.flags(HTTP + GRPC)) as service:
            self.expect_mutual_tls(service, HTTP, GRPC)
            service.stop()

    def test_a_query_service_apart_listens_no_more(self):
        with Service(PROGRAM, self.path / "data"):
            with Service(PROGRAM, self.path / "data", *self.flags(HTTP_APART + GRPC_APART),
                         command="query") as service:
                self.expect_mutual_tls(service, HTTP_APART, GRPC_APART)
                service.stop()

    def credentials(self):
        """What opens the ports, and what doesn't; the file that says so is `users`."""
        user = subprocess.run([PROGRAM, "credential", "ann"], input="secret\n", text=True,
                              capture_output=True, check=True, timeout=60).stdout
        bearer = subprocess.run([PROGRAM, "credential", "--bearer", "ci"], text=True,
                                capture_output=True, check=True, timeout=60)
        (self.path / "users").write_text(user + bearer.stdout)
        token = bearer.stderr.splitlines()[-1]
        basic = lambda text: "Basic " + base64.b64encode(text.encode()).decode()
        return ((basic("ann:secret"), "Bearer " + token),
                (None, basic("ann:guess"), "Bearer " + token[:-1]))

    def expect_credentials(self, service, over_http, over_grpc, right, wrong):
        for listener, _, path in over_http:
            with self.subTest(listener=listener, over="HTTP"):
                for one in right:
                    self.assertEqual(self.ask(service, listener, path, self.client, one), 200)
                for one in wrong:
                    self.assertEqual(self.ask(service, listener, path, self.client, one), 401)
        for listener, _, method in over_grpc:
            with self.subTest(listener=listener, over="gRPC"):
                for one in right:
                    self.assertEqual(self.call(service, listener, method, self.client, one),
                                     grpc.StatusCode.OK)
                for one in wrong:
                    self.assertEqual(self.call(service, listener, method, self.client, one),
                                     grpc.StatusCode.UNAUTHENTICATED)

    def test_a_certificate_is_no_password(self):
        right, wrong = self.credentials()
        # Without the last flag the admin port is open to all.
        auth = [f"--auth.file={self.path / 'users'}", "--auth.except=sampling_http"]
        with Service(PROGRAM, self.path / "data", *auth, *self.flags(HTTP + GRPC)) as service:
            self.expect_credentials(service, HTTP, GRPC, right, wrong)
            with Service(PROGRAM, self.path / "data", *auth,
                         *self.flags(HTTP_APART + GRPC_APART), command="query") as apart:
                self.expect_credentials(apart, HTTP_APART, GRPC_APART, right, wrong)
                apart.stop()
            service.stop()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
