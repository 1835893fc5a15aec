"""Agents whose collectors change under them, by gRPC and by HTTP: a certificate of another signer,
an address that moves (by TChannel, too), one of two collectors that refuses for a while or loses
its answers. Every span of a packet that was read is in a store in the end and counted once as
delivered; how many are there twice is told, and is none where no answer was lost.

Usage: reconnect_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import contextlib
import http.client
import http.server
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from concurrent import futures
from pathlib import Path

try:
    import grpc
except ImportError as missing:
    print(f"reconnect_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

from kill_test import (PATIENCE, SPANS_A_PACKET, Load, by_udp, eventually, found, free_port,
                       metrics, packets_read)
from name_server import NameServer
from service import Service
from tls_target import Certificates

PROGRAM = sys.argv.pop(1)
DELIVERED = "tracestore_forward_spans_total"
# reporter.type, its setting, the port of a collector and that port's flags
KINDS = {"grpc": ("grpc", "jaeger_grpc", "collector.grpc-server", "collector.grpc"),
         "otlp-http": ("otlp", "otlp_http", "collector.otlp.http", "collector.otlp.http")}
TCHANNEL = ("tchannel", "jaeger_tchannel", "collector.tchan-server", "collector.tchan-server")
OF_NAMES = {**KINDS, "tchannel": TCHANNEL}
GOOD, REFUSES, LOSES_ANSWERS = range(3)


NAME = "collectors.test"


class GrpcNames(NameServer):
    """A name server of its own, which gRPC's resolver is told of."""

    program = PROGRAM

    def __init__(self, _, addresses):
        super().__init__(addresses)

    def target(self, port):
        return f"dns://{self.address}/{NAME}:{port}"


class SystemNames:
    """A file that a program has in the place of /etc/hosts, which the system's resolver reads for
    each connection."""

    def __init__(self, folder, addresses):
        self.hosts, wrapper = folder / "hosts", folder / "program"
        self.addresses = addresses
        wrapper.write_text(f"#!/bin/sh\nexec unshare -rm sh -c 'mount --bind {self.hosts} /etc/hosts "
                           f"&& exec \"$0\" \"$@\"' {PROGRAM} \"$@\"\n")
        wrapper.chmod(0o755)
        self.program = str(wrapper)

    def __setattr__(self, name, value):
        super().__setattr__(name, value)
        if name == "addresses":  # in place: the program has this very file
            self.hosts.write_text("".join(f"{address} {NAME}\n" for address in value))

    def target(self, port):
        return f"{NAME}:{port}"

    def __enter__(self):
        tried = subprocess.run([self.program, "--version"], capture_output=True, check=False)
        if tried.returncode != 0 and os.environ.get("CI") != "true":
            raise unittest.SkipTest(f"no mount of one's own: {tried.stderr.decode()}")
        return self

    def __exit__(self, *_):
        pass


NAMES = {"grpc": GrpcNames, "otlp-http": SystemNames, "tchannel": SystemNames}


class GrpcProxy:
    """Passes calls on to a collector, as far as its mode lets it."""

    def __init__(self, port):
        self.mode = GOOD
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.server = grpc.server(futures.ThreadPoolExecutor(4))
        self.server.add_generic_rpc_handlers([self])
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def service(self, details):
        call = self.channel.unary_unary(details.method)

        def handle(request, context):
            mode = self.mode
            answer = call(request, timeout=PATIENCE) if mode != REFUSES else b""
            if mode != GOOD:
                context.abort(grpc.StatusCode.UNAVAILABLE, "for a while")
            return answer

        return grpc.unary_unary_rpc_method_handler(handle)

    def close(self):
        self.server.stop(None).wait()
        self.channel.close()


class HttpProxy:
    """The same by HTTP."""

    def __init__(self, port):
        self.mode = GOOD
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body, mode = self.rfile.read(int(self.headers["Content-Length"])), proxy.mode
                status, answer = 503, b""
                if mode != REFUSES:
                    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
                    connection.request("POST", self.path, body, dict(self.headers))
                    passed = connection.getresponse()
                    status, answer = passed.status, passed.read()
                    connection.close()
                if mode != GOOD:
                    status, answer = 503, b""
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_port
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Reconnects(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        seed = int(os.environ.get("TRACESTORE_SEED", random.SystemRandom().getrandbits(32)))
        print(f"seed {seed}", file=sys.stderr)
        cls.random = random.Random(seed)

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.scratch = Path(self.stack.enter_context(
            tempfile.TemporaryDirectory(prefix="tracestore-faults-")))

    def start(self, data, *flags, command="all-in-one", program=PROGRAM):
        return self.stack.enter_context(Service(program, data, *flags, command=command))

    def agent(self, kind, addresses, *flags, program=PROGRAM):
        return self.start(None, f"--reporter.type={kind}",
                          f"--reporter.{OF_NAMES[kind][0]}.host-port={addresses}",
                          "--reporter.max-retry-interval=200ms", "--reporter.batch.wait=10ms",
                          *flags, command="agent", program=program)

    @contextlib.contextmanager
    def load(self, agent):
        send = by_udp(agent.ports["jaeger_compact"])

        def send_slowly(number):
            time.sleep(0.01)  # gRPC asks a name again after half a minute: not too many until then
            return send(number)

        load = Load(send_slowly, range(1_000_001, 9_000_000, SPANS_A_PACKET))
        load.start()
        try:
            yield load
        finally:
            load.finish()

    def more_is_delivered(self, agent):
        before = metrics(agent, DELIVERED, 'outcome="delivered"')
        eventually("more is delivered",
                   lambda: metrics(agent, DELIVERED, 'outcome="delivered"') > before + 100)

    def something_waits(self, agent):
        """While nothing is delivered."""
        eventually("batches wait",
                   lambda: metrics(agent, "tracestore_forward_queue_batches") > 2)

    def check(self, what, agent, numbers, services):
        """That all is accounted for; gives how many spans are kept twice."""
        eventually("the buffer is empty",
                   lambda: metrics(agent, "tracestore_forward_queue_batches") == 0)
        read, lost = packets_read(agent, numbers)
        shown = [found(service, numbers) for service in services]
        kept = set().union(*shown)
        self.assertLessEqual(len(numbers) - len(kept), lost * SPANS_A_PACKET)
        sent = read * SPANS_A_PACKET
        self.assertEqual(metrics(agent, "jaeger_agent_reporter_spans_submitted_total"), sent)
        self.assertEqual(metrics(agent, DELIVERED, 'outcome="delivered"'), sent)
        self.assertEqual(metrics(agent, DELIVERED, 'outcome="dropped"'), 0)
        for one in shown:
            self.assertLessEqual(set(one.values()), {1})
        stored = sum(metrics(service, "tracestore_store_spans") for service in services)
        print(f"    {what}: {len(kept)} spans are kept, {int(stored) - len(kept)} of them twice, "
              f"{int(lost)} packets lost", file=sys.stderr)
        return stored - len(kept)

    def test_a_certificate_of_another_signer(self):
        """The collector comes back with it while spans are sent: they wait until the agent's file
        of signers is replaced, too, and the agent goes on without a restart."""
        for kind, (_, listener, port_flag, tls_flag) in KINDS.items():
            with self.subTest(kind):
                folder = self.scratch / kind
                folder.mkdir()
                certificates = Certificates(folder)
                first, second = certificates.make("first"), certificates.make("second")
                certificates.use(first)
                signers = folder / "ca.pem"
                shutil.copy(first[0], signers)
                port = free_port(self.random)

                def collector():
                    return self.start(
                        folder / "data", f"--{port_flag}.host-port={port}",
                        f"--{tls_flag}.tls.enabled", f"--{tls_flag}.tls.cert={certificates.cert}",
                        f"--{tls_flag}.tls.key={certificates.key}")

                before = collector()
                agent = self.agent(kind, f"127.0.0.1:{port}", "--reporter.grpc.tls.enabled",
                                   f"--reporter.grpc.tls.ca={signers}")
                with self.load(agent) as load:
                    self.more_is_delivered(agent)
                    before.stop()
                    certificates.use(second)
                    after = collector()
                    self.something_waits(agent)
                    eventually("the agent says why", lambda: "certificate verify failed" in
                               agent.log() or "CERTIFICATE_VERIFY_FAILED" in agent.log())
                    self.assertEqual(metrics(after, "tracestore_spans_accepted_total"), 0)
                    beside = folder / "ca.new"
                    shutil.copy(second[0], beside)
                    beside.rename(signers)
                    self.more_is_delivered(agent)
                self.assertEqual(self.check(kind, agent, load.acknowledged, [after]), 0)

    @contextlib.contextmanager
    def of_one_name(self, kind):
        """Two services, a name whose addresses lead to the first of them, and an agent that has
        delivered by it and is under load."""
        folder = self.scratch / kind
        folder.mkdir()
        _, listener, flag, _ = OF_NAMES[kind]
        first = self.start(folder / "1")
        port = first.ports[listener]
        second = self.start(folder / "2", f"--{flag}.host-port=127.0.0.2:{port}")
        with NAMES[kind](folder, ["127.0.0.1"]) as names:
            agent = self.agent(kind, names.target(port), program=names.program)
            with self.load(agent) as load:
                self.more_is_delivered(agent)
                yield first, second, names, agent, load

    def second_is_found(self, second):
        eventually("the other is found",
                   lambda: metrics(second, "tracestore_spans_accepted_total") > 100)

    def test_an_address_that_moves(self):
        for kind in OF_NAMES:
            with self.subTest(kind), self.of_one_name(kind) as (first, second, names, agent, load):
                names.addresses = ["127.0.0.2"]
                first.stop()
                self.second_is_found(second)
                self.more_is_delivered(agent)
                load.finish()
                first = self.start(self.scratch / kind / "1")
                self.assertEqual(
                    self.check(f"moved, {kind}", agent, load.acknowledged, [first, second]), 0)

    def test_a_collector_that_hangs(self):
        """Its connection stands and nothing is answered; the name has another address."""
        for kind in OF_NAMES:
            with self.subTest(kind), self.of_one_name(kind) as (first, second, names, agent, load):
                first.process.send_signal(signal.SIGSTOP)
                names.addresses = ["127.0.0.2"]
                self.second_is_found(second)
                load.finish()
                first.process.send_signal(signal.SIGCONT)
                # What the first had in its hands it may keep now; it was sent again.
                self.check(f"hangs, {kind}", agent, load.acknowledged, [first, second])

    def check_one_of_two(self, kind, mode):
        proxy_of = {"grpc": GrpcProxy, "otlp-http": HttpProxy}[kind]
        _, listener, *_ = KINDS[kind]
        services = [self.start(self.scratch / f"{kind} {mode} {i}") for i in range(2)]
        proxy = proxy_of(services[1].ports[listener])
        self.stack.callback(proxy.close)
        agent = self.agent(kind, f"127.0.0.1:{services[0].ports[listener]},127.0.0.1:{proxy.port}")
        accepted = "tracestore_spans_accepted_total"
        with self.load(agent) as load:
            for service in services:
                eventually("both get spans", lambda one=service: metrics(one, accepted) > 100)
            proxy.mode = mode
            eventually("it failed", lambda: metrics(
                agent, "tracestore_forward_collectors_healthy") == 1)
            for _ in range(3):
                self.more_is_delivered(agent)  # by the other
            before = metrics(services[1], accepted)
            proxy.mode = GOOD
            eventually("both get spans again",
                       lambda: metrics(services[1], accepted) > before + 100)
            eventually("both are well", lambda: metrics(
                agent, "tracestore_forward_collectors_healthy") == 2)
        return self.check(f"{kind}, mode {mode}", agent, load.acknowledged, services)

    def test_one_of_two_that_refuses_for_a_while(self):
        for kind in KINDS:
            with self.subTest(kind):
                self.assertEqual(self.check_one_of_two(kind, REFUSES), 0)

    def test_one_of_two_whose_answers_are_lost_for_a_while(self):
        """What it has kept is sent again, to whoever is well: only then is a span kept twice."""
        for kind in KINDS:
            with self.subTest(kind):
                self.assertGreater(self.check_one_of_two(kind, LOSES_ANSWERS), 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
