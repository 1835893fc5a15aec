"""A Scribe sender generated from our IDL (scribe_sender.cc) before the real program's port: each span
that it sent, as Zipkin's conversion from version 1 to 2 has it, is what Zipkin's API gives back.

Usage: scribe_test.py PROGRAM SENDER
"""

import json
import subprocess
import sys
import tempfile
import unittest

from service import Service

PROGRAM, SENDER = sys.argv[1:3]
BEGIN = 1_700_000_000_000_000


def sent(number):
    """As scribe_sender's SpanOf(number), in version 2."""
    trace = f"{0x1000 + number % 3:016x}"
    span = {"traceId": f"{0x77:016x}{trace}" if number % 2 == 0 else trace,
            "id": f"{number:016x}", "name": f"call-{number}", "timestamp": BEGIN + number,
            "localEndpoint": {"serviceName": "front", "ipv4": "127.0.0.1", "port": 8080},
            "annotations": [{"timestamp": BEGIN + number + 5, "value": "note"}],
            "tags": {"http.path": f"/café/{number}"}}
    if number % 4 == 3:
        span["parentId"] = f"{number - 1:016x}"
    kind = number % 5
    if kind == 0:
        span |= {"kind": "CLIENT", "duration": 50,
                 "remoteEndpoint": {"serviceName": "back", "ipv4": "127.0.0.1", "port": 9090}}
    elif kind == 1:
        # Servers that give no timestamp have joined their client's span.
        span |= {"kind": "SERVER", "duration": 40, "shared": True,
                 "remoteEndpoint": {"serviceName": "caller", "ipv4": "127.0.0.1", "port": 65535}}
    elif kind == 2:
        span["kind"] = "PRODUCER"
    elif kind == 3:
        span["kind"] = "CONSUMER"
    else:
        span["duration"] = 30
        span["tags"]["lc"] = "worker"
    if number % 7 == 0:
        span["debug"] = True
    return span


class Scribe(unittest.TestCase):
    maxDiff = None

    def test_every_span_comes_back_as_it_was_sent(self):
        with tempfile.TemporaryDirectory() as data, Service(PROGRAM, data) as service:
            done = subprocess.run([SENDER, str(service.ports["scribe"])], capture_output=True,
                                  text=True, timeout=120, check=False)
            self.assertEqual(done.returncode, 0, done.stderr + service.log())
            want = {}
            for number in range(1, 101):
                span = sent(number)
                want[span["traceId"], span["id"]] = span
            got = {}
            for trace in sorted({key[0] for key in want}):
                status, body = service.get("zipkin", f"/api/v2/trace/{trace}")
                self.assertEqual(status, 200, body)
                for span in json.loads(body):
                    got[span["traceId"], span["id"]] = span
            for key, span in want.items():
                self.assertEqual(got.get(key), span)
            self.assertEqual(len(got), len(want))
            metrics = service.get("admin", "/metrics")[1]
            self.assertIn('zipkin_collector_spans_total{transport="scribe"} 100\n', metrics)
            service.stop()


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
