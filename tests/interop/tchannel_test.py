"""TChannel between agents and collectors: Jaeger's own agent 1.17, the last that speaks it, and our
own before our collector, and our own agent before a collector made with Uber's own library. What
real clients sent is compared span by span with what arrives.

Usage: tchannel_test.py PROGRAM CLIENTS
CLIENTS: where scripts/bootstrap --clients installed them. Exit 77 (skipped) where some of them are
missing, but not in CI.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from jaeger_test import HERE, check, close, run, same
from service import Service

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
import messages  # noqa: E402  its folder was just named

PROGRAM, CLIENTS = sys.argv.pop(1), Path(sys.argv.pop(1))
PATIENCE = 60

STRATEGIES = {"default_strategy": {
    "type": "probabilistic", "param": 0.25,
    "operation_strategies": [{"operation": "GET /", "type": "probabilistic", "param": 0.75}]}}


def listening(pid, kind):
    """The addresses that a process has sockets on, of "udp" or "tcp": {"127.0.0.2": port}."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        try:
            inodes.add(os.readlink(descriptor))
        except OSError:
            pass  # closed meanwhile
    found = {}
    for line in Path(f"/proc/{pid}/net/{kind}").read_text().splitlines()[1:]:
        fields = line.split()
        host, port = fields[1].split(":")
        if f"socket:[{fields[9]}]" in inodes and fields[2] == "00000000:0000":
            found[socket.inet_ntoa(int(host, 16).to_bytes(4, "little"))] = int(port, 16)
    return found


class JaegerAgent:
    """On free ports, each on a loopback address of its own: it tells nobody which it has taken."""

    UDP = {"jaeger-compact": "127.0.0.2", "jaeger-binary": "127.0.0.3",
           "zipkin-compact": "127.0.0.4"}
    HTTP = "127.0.0.5"

    def __init__(self, collector_port):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.log_path = Path(self.scratch.name) / "log"
        flags = [f"--processor.{name}.server-host-port={host}:0"
                 for name, host in self.UDP.items()]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [CLIENTS / "jaeger_agent/jaeger_agent", "--reporter.type=tchannel",
                 f"--reporter.tchannel.host-port=127.0.0.1:{collector_port}",
                 f"--http-server.host-port={self.HTTP}:0", "--admin-http-port=0", *flags],
                stdout=log, stderr=log)
        deadline = time.monotonic() + PATIENCE
        while True:
            self.udp = listening(self.process.pid, "udp")
            self.tcp = listening(self.process.pid, "tcp")
            if set(self.UDP.values()) <= set(self.udp) and self.HTTP in self.tcp:
                break
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the agent did not start:\n{self.log()}")
            time.sleep(0.02)  # polls another process; nothing in it can wake us

    def address(self, processor):
        host = self.UDP[processor]
        return host, self.udp[host]

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://{self.HTTP}:{self.tcp[self.HTTP]}{path}",
                                        timeout=PATIENCE) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def log(self):
        return self.log_path.read_text(errors="replace")

    def kill(self):
        self.process.kill()
        self.process.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.scratch.cleanup()


class UbersCollector:
    """Of Uber's library: prints its address and each span that comes."""

    def __init__(self, *arguments):
        self.process = subprocess.Popen(
            [CLIENTS / "tchannel_collector_go/tchannel_collector_go", *arguments],
            stdout=subprocess.PIPE, text=True)
        self.address = self.process.stdout.readline().strip()
        self.spans = {}
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            span = json.loads(line)
            self.spans.setdefault(span["spanID"], []).append(span)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Tchannel(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.path = Path(self.scratch.name)
        self.strategies = self.path / "strategies.json"
        self.strategies.write_text(json.dumps(STRATEGIES))

    def tearDown(self):
        self.scratch.cleanup()

    def collector(self, command="all-in-one", *flags):
        return Service(PROGRAM, self.path / "data", f"--sampling.strategies-file={self.strategies}",
                       *flags, command=command)

    def eventually(self, what, attempt, told):
        deadline = time.monotonic() + PATIENCE
        while not (answer := attempt()):
            self.assertLess(time.monotonic(), deadline, f"{what}\n{told()}")
            time.sleep(0.05)  # polls another process; nothing in it can wake us
        return answer

    def test_spans_of_jaegers_agent_come_back_as_they_were_sent(self):
        with self.collector() as service, JaegerAgent(service.ports["jaeger_tchannel"]) as agent:
            # It sends only once it is connected, and drops what comes before.
            self.eventually("strategies", lambda: agent.get("/sampling?service=any")[0] == 200,
                            agent.log)
            host, port = agent.address("jaeger-compact")
            sent = {
                "jaeger-client go": run(CLIENTS / "jaeger_go/jaeger_go", "udp", f"{host}:{port}"),
                "jaeger-client python": run(CLIENTS / "jaeger_python/bin/python",
                                            HERE / "jaeger_python_client.py", host, port),
                "opentelemetry python": run(CLIENTS / "jaeger_otel_python/bin/python",
                                            HERE / "otel_jaeger_client.py", "thrift-udp",
                                            f"{host}:{port}"),
            }
            for what, spans in sent.items():
                check(what, spans, service)
            number = 4711
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(messages.emit_zipkin_batch(number), agent.address("zipkin-compact"))
            trace = self.eventually("Zipkin's span",
                                    lambda: service.trace(messages.trace_id(number)), agent.log)
            (span,) = trace["spans"]
            self.assertEqual((span["operationName"], span["spanID"], span["duration"]),
                             (messages.OPERATION, messages.trace_id(number), 1))
            metrics = service.get("admin", "/metrics")[1]
            self.assertIn('transport="tchannel"', metrics)
            self.assertNotIn("tracestore_tchannel_refused_total{", metrics)
            service.stop()

    def test_strategies_of_jaegers_agent_are_the_collectors(self):
        with self.collector("collector") as service, JaegerAgent(
                service.ports["jaeger_tchannel"]) as agent:
            self.eventually("strategies", lambda: agent.get("/sampling?service=any")[0] == 200,
                            agent.log)
            strategy = json.loads(agent.get("/sampling?service=any")[1])
            self.assertEqual(strategy["strategyType"], "PROBABILISTIC")
            operations = strategy["operationSampling"]
            self.assertEqual(operations["defaultSamplingProbability"], 0.25)
            self.assertEqual(operations["perOperationStrategies"],
                             [{"operation": "GET /",
                               "probabilisticSampling": {"samplingRate": 0.75}}])
            # Jaeger's own collector has no such method either.
            status, text = agent.get("/baggageRestrictions?service=any")
            self.assertEqual(status, 500)
            self.assertIn("no handler for service", text)
            self.assertIn("tracestore_sampling_tchannel_requests_total",
                          service.get("admin", "/metrics")[1])
            service.stop()

    # Our own agent.

    def agent(self, *flags):
        return Service(PROGRAM, None, *flags, command="agent")

    def strategy(self, agent):
        """What our agent tells clients; None while it has no answer."""
        status, body = agent.get("sampling_http", "/sampling?service=any")
        return json.loads(body) if status == 200 else None

    def test_spans_of_our_own_agent_reach_our_collector(self):
        with self.collector() as service, self.agent(
                f"--collector.host-port=127.0.0.1:{service.ports['jaeger_tchannel']}") as agent:
            sent = run(CLIENTS / "jaeger_go/jaeger_go", "udp",
                       f"127.0.0.1:{agent.ports['jaeger_compact']}")
            check("through our agent", sent, service)
            strategy = self.eventually("strategies", lambda: self.strategy(agent), agent.log)
            self.assertEqual(strategy["operationSampling"]["defaultSamplingProbability"], 0.25)
            self.assertIn('transport="tchannel"', service.get("admin", "/metrics")[1])
            agent.stop()
            service.stop()

    def test_spans_of_our_own_agent_reach_a_collector_of_ubers_library(self):
        """One that refuses the first message as busy: it comes again, once."""
        with UbersCollector("busy") as collector, self.agent(
                "--reporter.type=tchannel",
                f"--reporter.tchannel.host-port={collector.address}") as agent:
            sent = run(CLIENTS / "jaeger_go/jaeger_go", "udp",
                       f"127.0.0.1:{agent.ports['jaeger_compact']}")
            self.eventually("all spans", lambda: len(collector.spans) == len(sent), agent.log)
            for one in sent:
                (got,) = collector.spans[one["spanID"].zfill(16)]
                self.assertEqual(got["traceID"], one["traceID"].zfill(32))
                for field in ("operationName", "flags", "service"):
                    self.assertEqual(got[field], one[field])
                for field in ("startTime", "duration"):
                    self.assertTrue(close(one[field], got[field]), (field, one, got))
                self.assertEqual(got["references"],
                                 [{**each, "spanID": each["spanID"].zfill(16)}
                                  for each in one["references"]])
                for key, value in one["tags"].items():
                    if key in got["tags"]:  # else of the process
                        self.assertTrue(same(value, got["tags"][key]), (key, one, got))
                self.assertTrue(set(got["tags"]) <= set(one["tags"]), (one, got))
                self.assertEqual([log["fields"] for log in got["logs"]],
                                 [log["fields"] for log in one["logs"]])
            metrics = agent.get("admin", "/metrics")[1]
            self.assertIn('tracestore_forward_spans_total{outcome="failed"}', metrics)
            self.assertIn(f'tracestore_forward_spans_total{{outcome="delivered"}} {len(sent)}\n',
                          metrics)
            strategy = self.eventually("strategies", lambda: self.strategy(agent), agent.log)
            self.assertEqual(strategy["probabilisticSampling"]["samplingRate"], 0.125)
            agent.stop()


if __name__ == "__main__":
    needed = [CLIENTS / part for part in ("jaeger_agent/jaeger_agent", "jaeger_go/jaeger_go",
                                          "tchannel_collector_go/tchannel_collector_go",
                                          "jaeger_python/bin/python",
                                          "jaeger_otel_python/bin/python")]
    absent = [str(path) for path in needed if not path.exists()]
    if absent:
        print(f"SKIPPED: no {', '.join(absent)}; run scripts/bootstrap --clients")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    unittest.main(verbosity=2)
