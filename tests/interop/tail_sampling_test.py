"""Tail sampling in the service: kills while traces wait, and the metrics of every decision.

Usage: tail_sampling_test.py PROGRAM
"""

import json
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from service import Service

PROGRAM = sys.argv[1]
CONFIG = """\
tail-sampling.decision-wait: {wait}
tail-sampling.policies:
  - type: error
  - {{type: latency, threshold: 1s, name: slow}}
processors:
  - {{action: drop-spans, where: 'operation = noise', name: noise}}
"""
TRACES = 30  # by their number modulo 3: an error, a slow one, neither


def trace_id(number):
    return f"{number + 1:032x}"


def send(service, number, span, name="work"):
    """One span of a trace; its second span (span 2) has what the policies ask for."""
    start = 1_700_000_000_000_000_000 + number
    duration = 2_000_000_000 if span == 2 and number % 3 == 1 else 1000
    body = {
        "traceId": trace_id(number),
        "spanId": f"{span:016x}",
        "name": name,
        "startTimeUnixNano": str(start),
        "endTimeUnixNano": str(start + duration),
        "status": {"code": 2} if span == 2 and number % 3 == 0 else {},
    }
    request = urllib.request.Request(
        service.url("otlp_http", "/v1/traces"),
        data=json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [body]}]}]}).encode(),
        headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200, answer.status


def metric(service, name):
    """The metric's samples by their labels."""
    _, text = service.get("admin", "/metrics")
    lines = [line for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
    return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1]) for line in lines}


def start(data, wait, scratch):
    config = Path(scratch) / "config.yaml"
    config.write_text(CONFIG.format(wait=wait))
    return Service(PROGRAM, data, "--config", str(config))


def main():
    with tempfile.TemporaryDirectory(prefix="tracestore-test-") as scratch:
        data = Path(scratch) / "store"
        # The first spans; then the process is killed while all of them wait.
        with start(data, "1h", scratch) as service:
            for number in range(TRACES):
                send(service, number, 1)
            assert service.trace(trace_id(0)) is None, "a trace that waits was found"
            assert metric(service, "tracestore_tail_waiting_traces") == {
                "tracestore_tail_waiting_traces": TRACES}
        # The second spans, killed again.
        with start(data, "1h", scratch) as service:
            assert metric(service, "tracestore_tail_waiting_spans") == {
                "tracestore_tail_waiting_spans": TRACES}
            for number in range(TRACES):
                send(service, number, 2)
            send(service, 0, 9, "noise")
            dropped = metric(service, "tracestore_pipeline_spans_total")
            labels = 'tracestore_pipeline_spans_total{stage="process",rule="noise",action="dropped"}'
            assert dropped == {labels: 1}, dropped
        # Now they are decided on.
        with start(data, "500ms", scratch) as service:
            deadline = time.monotonic() + 60
            waiting = "tracestore_tail_waiting_traces"
            while metric(service, waiting) != {waiting: 0}:
                assert time.monotonic() < deadline, service.log()
                time.sleep(0.05)  # asks another process; nothing in it can wake us
            decided = metric(service, "tracestore_pipeline_traces_total")
            third = TRACES // 3
            for rule, action in (("error-1", "kept"), ("slow", "kept"), ("no-policy", "dropped")):
                label = (f'tracestore_pipeline_traces_total{{stage="tail",rule="{rule}",'
                         f'action="{action}"}}')
                assert decided.pop(label) == third, (label, decided)
            assert not decided, decided
            for number in range(TRACES):
                found = service.trace(trace_id(number))
                if number % 3 == 2:
                    assert found is None, number
                else:
                    spans = sorted(span["spanID"] for span in found["spans"])
                    assert spans == [f"{span:016x}" for span in (1, 2)], (number, spans)
            # Late spans follow.
            send(service, 0, 3)
            send(service, 2, 3)
            assert len(service.trace(trace_id(0))["spans"]) == 3
            assert service.trace(trace_id(2)) is None
            service.stop()
        # Nothing comes back.
        with start(data, "500ms", scratch) as service:
            stored = metric(service, "tracestore_store_spans")
            assert stored == {"tracestore_store_spans": 2 * 2 * TRACES // 3 + 1}, stored
    print(f"{TRACES} traces over two kills: kept, dropped and counted as configured")


if __name__ == "__main__":
    main()
