"""A store that can't write: no file of the service may grow any more (RLIMIT_FSIZE, as a quota or a
full disk does). Every port that answers says when to come again, nothing of it is counted as kept,
and once there is room all is as before.

Usage: full_test.py PROGRAM     exit 77 (skipped) where grpcio isn't installed, but not in CI
"""

import http.client
import os
import resource
import sys
import tempfile
import unittest

try:
    import grpc
except ImportError as missing:
    print(f"full_test: not run: {missing} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

import messages
from target import GRPC_CALLS, GRPC_READS, HTTP_POSTS, UDP, Target, eventually

PROGRAM = sys.argv.pop(1)
UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)


class Full(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-full-")
        self.target = Target(PROGRAM, self.scratch.name)
        self.kept = []
        self.refused = []

    def tearDown(self):
        self.target.service.kill()
        self.scratch.cleanup()

    def limit(self, limits):
        resource.prlimit(self.target.service.process.pid, resource.RLIMIT_FSIZE, limits)

    def send_by_all(self):
        """Outcome by port: True where it was taken."""
        outcomes = {}
        for listener in HTTP_POSTS:
            outcomes[listener + " http"] = self.send(self.send_http, listener)
        for listener in set(self.target.ports) & set(GRPC_CALLS) - set(GRPC_READS):
            outcomes[listener + " grpc"] = self.send(self.send_grpc, listener)
        outcomes["scribe"] = self.send(self.send_scribe, "scribe")
        outcomes["tchannel"] = self.send(self.send_tchannel, "jaeger_tchannel")
        return outcomes

    def send(self, by, listener):
        number = self.target.next_number()
        taken = by(listener, number)
        (self.kept if taken else self.refused).append(number)
        return taken

    def send_http(self, listener, number):
        path, content_type, make = HTTP_POSTS[listener]
        connection = http.client.HTTPConnection("127.0.0.1", self.target.ports[listener], timeout=60)
        try:
            connection.request("POST", path, make(number), {"Content-Type": content_type})
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        if answer.status in (200, 202):
            return True
        self.assertEqual(answer.status, 503, body)
        self.assertGreaterEqual(int(answer.getheader("Retry-After")), 1)
        return False

    def send_grpc(self, listener, number):
        method, make = GRPC_CALLS[listener]
        try:
            self.target.call(listener, method, make(number))
            return True
        except grpc.RpcError as refused:
            self.assertIn(refused.code(), (grpc.StatusCode.RESOURCE_EXHAUSTED,
                                           grpc.StatusCode.UNAVAILABLE))
            details = dict(refused.trailing_metadata()).get("grpc-status-details-bin", b"")
            self.assertIn(b"google.rpc.RetryInfo", details)
            return False

    def send_scribe(self, _, number):
        answer = self.target.scribe(messages.scribe_log([number]))
        self.assertIn(answer, (messages.SCRIBE_OK, messages.SCRIBE_TRY_LATER))
        return answer == messages.SCRIBE_OK

    def send_tchannel(self, _, number):
        kind, payload = self.target.tchannel(messages.submit_batches(number))
        self.assertIn(kind, (messages.CALL_RES, messages.ERROR))
        if kind == messages.ERROR:
            self.assertIn(payload[0], (3, 4))  # busy, declined
        return kind == messages.CALL_RES

    def counted(self, name):
        return sum(value for key, value in self.target.metrics().items()
                   if key.split("{")[0] == name)

    def test_refuses_with_a_hint_and_recovers(self):
        self.assertTrue(all(self.send_by_all().values()))
        accepted = self.counted("tracestore_spans_accepted_total")
        rejected = self.counted("tracestore_spans_rejected_total")
        self.assertEqual(accepted, len(self.kept))

        self.limit((0, resource.RLIM_INFINITY))
        for _ in range(3):
            outcomes = self.send_by_all()
            self.assertFalse(any(outcomes.values()), outcomes)
        self.target.check_health()
        self.assertEqual(self.counted("tracestore_spans_accepted_total"), accepted)
        self.assertEqual(self.counted("tracestore_spans_rejected_total"),
                         rejected + len(self.refused))

        self.limit(UNLIMITED)
        eventually("all ports take spans again", lambda: all(self.send_by_all().values()))
        for listener in UDP:
            self.target.check(listener)
        self.check_kept()
        self.target.service.stop()

    def check_kept(self):
        for number in self.kept:
            self.assertTrue(self.target.is_kept(number), number)
        for number in self.refused:
            self.assertFalse(self.target.is_kept(number), number)

    def test_a_write_that_fails_half_way(self):
        """There is room for some spans and a part of the next. What was refused is not there after
        a kill either, when the log is read again."""
        for room in (9_000, 9_001, 20_011):  # bytes of each file
            self.limit((room, resource.RLIM_INFINITY))
            for _ in range(1_000):
                if not self.send(self.send_http, "otlp_http"):
                    break
            else:
                self.fail("it never was full")
            self.limit(UNLIMITED)
            eventually("spans are taken again", lambda: self.send(self.send_http, "otlp_http"))
        self.check_kept()
        self.target.service.kill()
        numbers = self.target.numbers
        self.target = Target(PROGRAM, self.scratch.name)
        self.target.numbers = numbers
        self.check_kept()
        self.target.service.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
