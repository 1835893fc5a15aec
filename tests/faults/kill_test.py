"""Kills a collector with SIGKILL under load, again and again, with two agents (by gRPC and by
TChannel) and a collector that sends on in front of it, all with a buffer on disk. Every span that
was acknowledged, and every one of a packet that an agent read, must be found in the end, shown
once, and counted once as delivered.

Usage: kill_test.py PROGRAM
"""

import argparse
import http.client
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

import messages
from messages import Compact

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "interop"))
from service import Service  # noqa: E402  its folder was just named

PATIENCE = 60
ROUNDS = 6
SPANS_A_PACKET = 10


def free_port(chance):
    """Below the ports that clients get: nobody takes it while the collector is away."""
    while True:
        port = chance.randrange(20_000, 30_000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                pass


def eventually(what, attempt):
    deadline = time.monotonic() + PATIENCE
    while not (answer := attempt()):
        assert time.monotonic() < deadline, f"{what}: not within {PATIENCE} s"
        time.sleep(0.05)  # polls another process; nothing in it can wake us
    return answer


def metrics(service, name, *parts):
    """The sum of all series of a name whose labels have these parts."""
    status, body = service.get("admin", "/metrics")
    assert status == 200, body
    series = (line.rpartition(" ") for line in body.splitlines() if not line.startswith("#"))
    return sum(float(value) for key, _, value in series
               if key.split("{")[0] == name and all(part in key for part in parts))


class Load(threading.Thread):
    """Sends one span after the other until told to stop."""

    def __init__(self, send, numbers):
        super().__init__()
        self.send, self.numbers = send, numbers
        self.done = threading.Event()
        self.acknowledged = []
        self.problem = None

    def run(self):
        try:
            for number in self.numbers:
                if self.done.is_set():
                    return
                self.acknowledged += self.send(number)
        except Exception as problem:  # told by the main thread
            self.problem = problem

    def finish(self):
        self.done.set()
        self.join()
        if self.problem is not None:
            raise self.problem


def by_http(port):
    """OTLP to the collector that sends on; it always answers, whatever becomes of the other."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)

    def send(number):
        connection.request("POST", "/v1/traces", messages.otlp_json(number),
                           {"Content-Type": "application/json"})
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, (answer.status, body)
        time.sleep(0.001)  # load, but not all of the machine
        return [number]

    return send


def by_udp(port):
    """Packets to the agent, which has no answer."""
    client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(number):
        numbers = range(number, number + SPANS_A_PACKET)
        client.sendto(messages.emit_batch(Compact, numbers), ("127.0.0.1", port))
        time.sleep(0.002)  # a rate that the socket of the agent has room for
        return numbers

    return send


def found(service, numbers):
    """How often each span is shown."""
    shown = {}
    for begin in range(0, len(numbers), 100):
        some = numbers[begin:begin + 100]
        query = "&".join(f"traceID={messages.trace_id(number)}" for number in some)
        status, body = service.get("query", f"/api/traces?{query}")
        assert status == 200, body
        for trace in json.loads(body)["data"]:
            shown[int(trace["traceID"], 16)] = len(trace["spans"])
    return shown


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    program = parser.parse_args().program
    seed = int(os.environ.get("TRACESTORE_SEED", random.SystemRandom().getrandbits(32)))
    print(f"seed {seed}")
    chance = random.Random(seed)
    otlp, jaeger, tchannel = (free_port(chance) for _ in range(3))
    with tempfile.TemporaryDirectory(prefix="tracestore-faults-") as scratch:
        data = Path(scratch) / "data"

        def collector(command="collector"):
            return Service(program, data, f"--collector.otlp.grpc.host-port={otlp}",
                           f"--collector.grpc-server.host-port={jaeger}",
                           f"--collector.tchan-server.host-port={tchannel}", command=command)

        with Service(program, None, "--reporter.type=otlp-grpc",
                     f"--reporter.otlp.host-port=127.0.0.1:{otlp}",
                     f"--reporter.buffer.directory={scratch}/forward",
                     command="collector") as forwarder, \
             Service(program, None, f"--reporter.grpc.host-port=127.0.0.1:{jaeger}",
                     f"--reporter.buffer.directory={scratch}/agent", command="agent") as agent, \
             Service(program, None, "--reporter.type=tchannel",
                     f"--reporter.tchannel.host-port=127.0.0.1:{tchannel}",
                     f"--reporter.buffer.directory={scratch}/old", command="agent") as old_agent:
            loads = [Load(by_http(forwarder.ports["otlp_http"]), range(1_000_001, 2_000_000)),
                     Load(by_udp(agent.ports["jaeger_compact"]),
                          range(2_000_001, 5_000_000, SPANS_A_PACKET)),
                     Load(by_udp(old_agent.ports["jaeger_compact"]),
                          range(5_000_001, 9_000_000, SPANS_A_PACKET))]
            for load in loads:
                load.start()
            try:
                for _ in range(ROUNDS):
                    with collector() as victim:
                        eventually("spans come by all", lambda: all(
                            metrics(victim, "tracestore_spans_accepted_total", series)
                            for series in ALL_SERIES))
                        # the moment of the kill is what is random
                        time.sleep(chance.uniform(0, 0.2))
                        victim.kill()
            finally:
                for load in loads:
                    load.finish()
            with collector("all-in-one") as last:
                by_otlp, *by_packets = (load.acknowledged for load in loads)
                check(forwarder, list(zip((agent, old_agent), by_packets)), last, by_otlp)


ALL_SERIES = ('format="otlp', 'format="jaeger-proto', 'transport="tchannel')


def packets_read(agent, by_packets):
    """Of an agent, and how many it lost."""
    udp = "jaeger_agent_thrift_udp_server_packets_"
    lost = metrics(agent, udp + "dropped_total")
    read = metrics(agent, udp + "processed_total", "compact", 'model="jaeger"')
    assert read + lost == len(by_packets) // SPANS_A_PACKET, (read, lost, len(by_packets))
    return read, lost


def check(forwarder, agents, last, by_otlp):
    for sender in (forwarder, *(agent for agent, _ in agents)):
        eventually("the buffers are empty",
                   lambda: metrics(sender, "tracestore_forward_queue_batches") == 0)
    shown = found(last, by_otlp)
    missing = [number for number in by_otlp if number not in shown]
    assert not missing, f"{len(missing)} acknowledged spans are missing: {missing[:5]}"
    expected, packets = [(forwarder, len(by_otlp))], 0
    for agent, numbers in agents:
        read, lost = packets_read(agent, numbers)
        of_agent = found(last, numbers)
        missing = [number for number in numbers if number not in of_agent]
        assert len(missing) <= lost * SPANS_A_PACKET, f"{len(missing)} missing, {lost} packets lost"
        shown.update(of_agent)
        packets += read
        expected.append((agent, read * SPANS_A_PACKET))
    twice = [number for number, times in shown.items() if times != 1]
    assert not twice, f"shown twice: {twice[:5]}"

    for sender, sent in expected:
        taken = metrics(sender, "jaeger_agent_reporter_spans_submitted_total")
        outcomes = metrics(sender, "tracestore_forward_spans_total", 'outcome="delivered"')
        assert sent == taken == outcomes, (sent, taken, outcomes)
    repeats = metrics(last, "tracestore_store_spans") - len(shown)
    print(f"{ROUNDS} kills, {len(by_otlp)} acknowledged spans and those of {int(packets)} "
          f"packets found once; {int(repeats)} came again")


if __name__ == "__main__":
    main()
