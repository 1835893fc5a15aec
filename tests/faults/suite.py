"""What the suites of faults share: a service in a folder of its own, and that it must be as before after
each fault (target.py)."""

import os
import random
import resource
import socket
import sys
import tempfile
import unittest

import dial
from target import PATIENCE, Watch

CAP = 1024  # listeners.max-connections, the default
# MiB that a fault may leave behind, and may take for a while. Measured with ASan, which rounds up,
# keeps what was freed and the addresses of who freed it: 20 to 60 left by the first large message
# on each port, none by the next. What a listener may take is bounded by listeners.max-bytes-in-flight.
GROWN, PEAK = 160, 640
# With which slow clients are done away with while a test waits.
SHORT_TIMES = ("--listeners.read-timeout=2s", "--listeners.idle-timeout=3s",
               "--listeners.write-timeout=2s")


class FaultSuite(unittest.TestCase):
    """A subclass says make_target(folder), and which services() beside the target's it ends."""

    @classmethod
    def setUpClass(cls):
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(most, 16384), most))
        cls.seed = int(os.environ.get("TRACESTORE_SEED", random.SystemRandom().getrandbits(32)))
        print(f"seed {cls.seed}", file=sys.stderr)
        cls.scratch = tempfile.TemporaryDirectory(prefix="tracestore-faults-")
        cls.target = cls.make_target(cls.scratch.name)
        cls.target.check_all()

    @classmethod
    def services(cls):
        return [cls.target.service]

    @classmethod
    def tearDownClass(cls):
        try:
            for service in cls.services():
                service.stop()
        finally:
            for service in cls.services():
                service.kill()
            cls.scratch.cleanup()

    def setUp(self):
        self.random = random.Random(self.seed)

    def watch(self, peak=PEAK, grown=GROWN):
        return Watch(self.target, grown, peak)

    def check_garbage(self, garbage):
        """Sends each listener of TCP all that garbage(listener) gives, each in a connection of its own."""
        with self.watch():
            for listener in self.target.tcp:
                for bytes_ in garbage(listener):
                    with dial.dial(self.target.ports[listener], PATIENCE) as connection:
                        try:
                            connection.sendall(bytes_)
                            connection.shutdown(socket.SHUT_WR)
                            while connection.recv(65536):
                                pass
                        except OSError:
                            pass  # closed meanwhile: it may
                with self.subTest(listener):
                    self.target.check(listener)
