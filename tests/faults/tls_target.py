"""The service with TLS on all ports that have it, and honest clients who trust its certificates."""

import http.client
import socket
import ssl
import subprocess
from pathlib import Path

import grpc

from target import PATIENCE, Target

PREFIXES = ("collector.otlp.grpc", "collector.otlp.http", "collector.grpc", "collector.http",
            "collector.tchan-server", "collector.zipkin", "collector.scribe", "http-server",
            "sampling.grpc", "query.http", "query.grpc", "remote-storage", "tempo", "admin.http")

CONFIG = """\
[ca]
default_ca = own
[own]
database = {folder}/index.txt
serial = {folder}/serial
new_certs_dir = {folder}
default_md = sha256
policy = any
x509_extensions = extensions
unique_subject = no
[any]
commonName = supplied
[extensions]
subjectAltName = IP:127.0.0.1
basicConstraints = CA:TRUE
[req]
distinguished_name = none
[none]
"""


class Certificates:
    """Signed by themselves, for 127.0.0.1, made with openssl; one of them is the server's at a
    time."""

    def __init__(self, folder):
        self.folder = Path(folder)
        self.cert, self.key = self.folder / "server.crt", self.folder / "server.key"
        self.config = self.folder / "openssl.cnf"
        self.config.write_text(CONFIG.format(folder=self.folder))
        (self.folder / "index.txt").write_text("")
        (self.folder / "serial").write_text("01")

    def make(self, name, begin="20200101000000Z", end="20990101000000Z"):
        """The files of a new one: certificate and key."""
        key, request, cert = (self.folder / f"{name}.{kind}" for kind in ("key", "csr", "crt"))
        subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt",
                        "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-keyout", key,
                        "-out", request, "-config", self.config],
                       check=True, capture_output=True, timeout=60)
        subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-config", self.config, "-keyfile",
                        key, "-in", request, "-out", cert, "-startdate", begin, "-enddate", end,
                        "-notext"], check=True, capture_output=True, timeout=60)
        return cert, key

    def use(self, files):
        """Put in place as tools that renew certificates do: written beside, and renamed. Both are
        never changed at one moment: a server that looks between them keeps what it has."""
        for new, place in zip(files, (self.cert, self.key)):
            beside = place.with_suffix(".new")
            beside.write_bytes(new.read_bytes())
            beside.rename(place)


class TlsTarget(Target):
    """`trusted`: certificates of servers that clients believe."""

    def __init__(self, program, data, certificates, trusted, *flags):
        self.trusted = b"".join(path.read_bytes() for path in trusted)
        self.context = ssl.create_default_context(cadata=self.trusted.decode())
        tls = [flag for prefix in PREFIXES for flag in (
            f"--{prefix}.tls.enabled=true", f"--{prefix}.tls.cert={certificates.cert}",
            f"--{prefix}.tls.key={certificates.key}")]
        super().__init__(program, data, *tls, *flags)

    def connect(self, listener):
        plain = socket.create_connection(("127.0.0.1", self.ports[listener]), PATIENCE)
        return self.context.wrap_socket(plain, server_hostname="127.0.0.1")

    def http(self, listener):
        return http.client.HTTPSConnection("127.0.0.1", self.ports[listener], timeout=PATIENCE,
                                           context=self.context)

    def channel(self, listener):
        credentials = grpc.ssl_channel_credentials(self.trusted)
        return grpc.secure_channel(f"127.0.0.1:{self.ports[listener]}", credentials,
                                   [("grpc.use_local_subchannel_pool", 1)])
