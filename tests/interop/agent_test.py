"""An agent before collectors: how it finds them, and what it asks them for its clients.

Usage: agent_test.py PROGRAM
"""

import json
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

from name_server import NameServer
from service import Service

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = sys.argv.pop(1)
PACKET = (ROOT / "tests/data/wire/jaeger-client-go-2.30.0-jaeger_thrift_compact.bin").read_bytes()
PATIENCE = 60


def metric(service, name):
    _, text = service.get("admin", "/metrics")
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines()
               if line.startswith(name) and line[len(name)] in " {")


def until(condition, act=lambda: None):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            return False
        act()
        time.sleep(0.05)  # polls another process
    return True


def send(agent):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(PACKET, ("127.0.0.1", agent.ports["jaeger_compact"]))


class Agent(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)

    def start(self, *arguments, **named):
        service = Service(PROGRAM, *arguments, **named)
        self.addCleanup(service.__exit__)
        return service

    def test_all_addresses_of_a_name_get_spans(self):
        first = self.start(self.scratch / "1", command="collector")
        port = first.ports["jaeger_grpc"]
        second = self.start(self.scratch / "2",
                            f"--collector.grpc-server.host-port=127.0.0.2:{port}",
                            command="collector")
        with NameServer(["127.0.0.1", "127.0.0.2"]) as names:
            agent = self.start(
                None, f"--reporter.grpc.host-port=dns://{names.address}/collectors.test:{port}",
                "--reporter.batch.wait=1ms", command="agent")
            received = "jaeger_collector_spans_received_total"
            self.assertTrue(until(lambda: metric(first, received) and metric(second, received),
                                  lambda: send(agent)), agent.log())

    def test_targets_of_grpc(self):
        collector = self.start(self.scratch / "1")
        for scheme in ("dns:///", "passthrough:///"):
            with self.subTest(scheme):
                agent = self.start(
                    None, "--reporter.grpc.host-port="
                    f"{scheme}localhost:{collector.ports['jaeger_grpc']}", command="agent")
                taken = "jaeger_agent_reporter_batches_submitted_total"
                self.assertTrue(until(lambda: metric(agent, taken), lambda: send(agent)),
                                agent.log())
                status, body = agent.get("sampling_http", "/sampling?service=a")
                self.assertEqual((status, json.loads(body)["strategyType"]),
                                 (200, "PROBABILISTIC"))

    def test_an_agent_that_sends_by_otlp_asks_for_strategies_where_it_is_told(self):
        strategies = self.scratch / "strategies.json"
        strategies.write_text('{"default_strategy": {"type": "probabilistic", "param": 0.25}}')
        collector = self.start(self.scratch / "1", f"--sampling.strategies-file={strategies}")
        otlp = {"otlp-http": "otlp_http", "otlp-grpc": "otlp_grpc"}
        for kind, listener in otlp.items():
            with self.subTest(kind):
                to = f"--reporter.otlp.host-port=127.0.0.1:{collector.ports[listener]}"
                silent = self.start(None, f"--reporter.type={kind}", to, command="agent")
                # No made-up probability: a client keeps what it has.
                self.assertEqual(silent.get("sampling_http", "/sampling?service=a"),
                                 (500, "collector error: OTLP's ports tell no strategies: name those "
                                       "that do by reporter.sampling.host-port\n"))
                agent = self.start(None, f"--reporter.type={kind}", to,
                                   "--reporter.sampling.host-port="
                                   f"127.0.0.1:{collector.ports['jaeger_http']}", command="agent")
                status, body = agent.get("sampling_http", "/sampling?service=a")
                self.assertEqual(status, 200, body)
                self.assertEqual(json.loads(body)["probabilisticSampling"],
                                 {"samplingRate": 0.25})


if __name__ == "__main__":
    unittest.main()
