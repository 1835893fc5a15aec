"""Certificates of peers that a trusted CA signed and gRPC can't read, an IP address of five bytes
in them: a client's, and a collector's that an agent calls. gRPC by itself would end the process.

Usage: peer_certificates_test.py PROGRAM
"""

import http.client
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from pathlib import Path

from service import Service

PROGRAM = sys.argv.pop(1)
PACKET = (Path(__file__).resolve().parents[1]
          / "data/wire/jaeger-client-go-2.30.0-jaeger_thrift_compact.bin").read_bytes()
ADDRESS = "87:04:7f:00:00:01"    # iPAddress 127.0.0.1, as DER
ODD = "87:05:01:02:03:04:05"     # an iPAddress of five bytes
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0])


class PeerCertificates(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)
        self.openssl("req", "-x509", *self.key("ca"), "-subj", "/CN=ca", "-days", "2", "-out",
                     "ca.pem")
        self.issue("server", ADDRESS)
        self.issue("client", ADDRESS)
        self.issue("odd", f"{ADDRESS}:{ODD}")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=60,
                       cwd=self.folder)

    def key(self, name):
        return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout",
                f"{name}.key"]

    def issue(self, name, names):
        """A certificate by the CA, with those alternative names."""
        size = len(names.split(":"))
        (self.folder / "names").write_text(f"subjectAltName=DER:30:{size:02x}:{names}\n")
        self.openssl("req", *self.key(name), "-subj", f"/CN={name}", "-out", f"{name}.csr")
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", "names", "-out", f"{name}.pem")

    def file(self, name):
        return str(self.folder / name)

    def start(self, *flags, **more):
        service = Service(PROGRAM, *flags, **more)
        self.addCleanup(service.kill)
        return service

    def greets(self, port, name):
        """Whether the server of the port answers a client with that certificate in HTTP/2."""
        context = ssl.create_default_context(cafile=self.file("ca.pem"))
        context.set_alpn_protocols(["h2"])
        context.load_cert_chain(self.file(f"{name}.pem"), self.file(f"{name}.key"))
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
                with context.wrap_socket(plain, server_hostname="127.0.0.1") as secure:
                    secure.sendall(PREFACE)
                    return len(secure.recv(9)) == 9  # its settings
        except OSError:
            return False

    def test_of_a_client(self):
        listeners = {"collector.otlp.grpc": "otlp_grpc", "collector.grpc": "jaeger_grpc",
                     "collector.zipkin": "zipkin"}
        flags = [f"--{listener}.tls.{flag}" for listener in listeners
                 for flag in ("enabled", f"cert={self.file('server.pem')}",
                              f"key={self.file('server.key')}",
                              f"client-ca={self.file('ca.pem')}")]
        service = self.start(self.folder / "data", *flags, command="collector")
        for listener in listeners.values():
            port = service.ports[listener]
            self.assertTrue(self.greets(port, "client"), listener)
            for _ in range(3):
                self.assertFalse(self.greets(port, "odd"), listener)
            self.assertTrue(self.greets(port, "client"), listener)
        service.stop()

    def serve(self, context, met):
        """A server of HTTP/2 that greets; gives its address."""
        listening = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listening.close)

        def run():
            while True:
                try:
                    plain, _ = listening.accept()
                except OSError:
                    return  # closed
                try:
                    with context.wrap_socket(plain, server_side=True) as secure:
                        secure.sendall(bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))
                        secure.recv(1)
                except OSError:
                    pass
                met.set()

        threading.Thread(target=run, daemon=True).start()
        return "127.0.0.1:%d" % listening.getsockname()[1]

    def test_of_a_collector(self):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file("odd.pem"), self.file("odd.key"))
        context.set_alpn_protocols(["h2"])
        met = threading.Event()
        agent = self.start(None, f"--reporter.grpc.host-port={self.serve(context, met)}",
                           "--reporter.grpc.tls.enabled",
                           f"--reporter.grpc.tls.ca={self.file('ca.pem')}", command="agent")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.sendto(PACKET, ("127.0.0.1", agent.ports["jaeger_compact"]))
        self.assertTrue(met.wait(60))
        deadline = time.monotonic() + 60
        while "certificate verify failed" not in agent.log():
            self.assertLess(time.monotonic(), deadline, agent.log())
            self.assertIsNone(agent.process.poll(), agent.log())
            time.sleep(0.02)  # polls another process; nothing in it can wake us
        connection = http.client.HTTPConnection("127.0.0.1", agent.ports["admin"], timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/")
        self.assertEqual(json.loads(connection.getresponse().read())["status"], "Server available")


if __name__ == "__main__":
    unittest.main(verbosity=2)
