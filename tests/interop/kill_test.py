"""Kills the service with SIGKILL in the middle of traffic, again and again on one directory, and
demands every span that was acknowledged back after each restart.

Usage: kill_test.py PROGRAM [--rounds N] [--seed N]
"""

import argparse
import http.client
import json
import random
import tempfile
import threading
import time

from service import Service

SENDERS = 3
SPANS_A_REQUEST = 4


def request_of(trace_id, number):
    start = time.time_ns()
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {
                        "attributes": [
                            {"key": "service.name", "value": {"stringValue": f"s{number % 5}"}}
                        ]
                    },
                    "scopeSpans": [
                        {
                            "spans": [
                                {
                                    "traceId": trace_id,
                                    "spanId": f"{number * SPANS_A_REQUEST + i + 1:016x}",
                                    "name": f"operation {i}",
                                    "startTimeUnixNano": str(start + i),
                                    "endTimeUnixNano": str(start + i + 1000),
                                }
                                for i in range(SPANS_A_REQUEST)
                            ]
                        }
                    ],
                }
            ]
        }
    )


class Sender(threading.Thread):
    """Sends requests until the service is gone; remembers what was acknowledged."""

    def __init__(self, port, seed, first_ack):
        super().__init__()
        self.port = port
        self.random = random.Random(seed)
        self.first_ack = first_ack
        self.acknowledged = []  # trace ids

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        number = 0
        try:
            while True:
                trace_id = f"{self.random.getrandbits(128) | 1:032x}"
                connection.request(
                    "POST",
                    "/v1/traces",
                    request_of(trace_id, number),
                    {"Content-Type": "application/json"},
                )
                answer = connection.getresponse()
                body = answer.read()
                assert answer.status == 200, (answer.status, body)
                assert body == b'{"partialSuccess":{}}', body
                self.acknowledged.append(trace_id)
                self.first_ack.set()
                number += 1
        except (OSError, http.client.HTTPException):
            pass  # killed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().getrandbits(32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}")
    chance = random.Random(arguments.seed)
    acknowledged = []
    with tempfile.TemporaryDirectory(prefix="tracestore-kill-") as data:
        for round_number in range(arguments.rounds):
            with Service(arguments.program, data) as service:
                check(service, acknowledged[-200:])
                first_ack = threading.Event()
                senders = [
                    Sender(service.ports["otlp_http"], chance.getrandbits(64), first_ack)
                    for _ in range(SENDERS)
                ]
                for sender in senders:
                    sender.start()
                assert first_ack.wait(60), f"round {round_number}: nothing was acknowledged"
                time.sleep(chance.uniform(0, 0.15))  # the moment of the kill is what is random
                service.kill()
                for sender in senders:
                    sender.join()
                    acknowledged += sender.acknowledged
        with Service(arguments.program, data) as service:
            check(service, acknowledged)
            service.stop()
        with Service(arguments.program, data) as service:
            check(service, acknowledged[:: max(1, len(acknowledged) // 200)])
            service.stop()
    print(f"{arguments.rounds} kills, {len(acknowledged)} acknowledged traces, none missing")


def check(service, trace_ids):
    """Every span of the traces is there, once."""
    missing = []
    for begin in range(0, len(trace_ids), 100):
        some = trace_ids[begin : begin + 100]
        query = "&".join(f"traceID={trace_id}" for trace_id in some)
        status, body = service.get("query", f"/api/traces?{query}")
        assert status == 200, body
        found = {trace["traceID"].zfill(32): trace for trace in json.loads(body)["data"]}
        for trace_id in some:
            if len(found.get(trace_id, {"spans": []})["spans"]) != SPANS_A_REQUEST:
                missing.append(trace_id)
    assert not missing, f"{len(missing)} acknowledged traces not whole: {missing[:3]}"


if __name__ == "__main__":
    main()
