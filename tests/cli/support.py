"""What the tests of the command share: where it is, how it is run, the fixtures."""

import json
import os
import pty
import select
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

BINARY = Path(sys.argv.pop(1)).resolve() if len(sys.argv) > 1 else Path("tracestore")
DATA = Path(__file__).resolve().parent.parent / "data"

SHOP = "4bf92f3577b34da6a3ce929d0e0e4736"
SECOND = "0af7651916cd43dd8448eb211c80319c"
NIGHT = "00000000deadbeef"

FILES = {
    "otlp": str(DATA / "shop.otlp.json"),
    "jaeger": str(DATA / "shop.jaeger.json"),
    "zipkin": str(DATA / "shop.zipkin.json"),
    "two": str(DATA / "two.jsonl"),
}


def environment(**changes):
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "TERM")}
    env.update(TERM="xterm", **changes)
    return env


class Answer:
    def __init__(self, done):
        self.code = done.returncode
        self.raw = done.stdout
        self.err = done.stderr.decode()

    @property
    def out(self):
        return self.raw.decode()

    @property
    def json(self):
        return json.loads(self.raw)


def run(*words, stdin=b"", **env):
    return Answer(
        subprocess.run(
            [str(BINARY), *map(str, words)],
            input=stdin,
            capture_output=True,
            env=environment(**env),
            timeout=120,
        )
    )


def run_on_terminal(*words, columns=100, **env):
    """What the command writes where stdout is a terminal of that width."""
    leader, follower = pty.openpty()
    import fcntl
    import struct
    import termios

    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [str(BINARY), *map(str, words)],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.DEVNULL,
        env=environment(**env),
    )
    os.close(follower)
    text = b""
    while select.select([leader], [], [], 60)[0]:
        try:
            block = os.read(leader, 65536)
        except OSError:  # how Linux says that the other side is closed
            break
        if not block:
            break
        text += block
    process.wait(timeout=60)
    os.close(leader)
    return text.decode().replace("\r\n", "\n")


def spans_of(otlp):
    spans = []
    for resource in otlp["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if not span.get("status"):
                    span.pop("status", None)
                spans.append((resource["resource"], scope["scope"], span))
    return sorted(spans, key=lambda s: s[2]["spanId"])


class CliTest(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = Path(directory.name)

    def path(self, name):
        return str(self.directory / name)

    def ok(self, *words, **more):
        answer = run(*words, **more)
        self.assertEqual(answer.code, 0, answer.err)
        return answer

    def fails(self, code, sentence, *words, **more):
        """The exit code, and a sentence on stderr; nothing on stdout."""
        answer = run(*words, **more)
        self.assertEqual(answer.code, code, answer.err)
        self.assertIn(sentence, answer.err)
        self.assertEqual(answer.out, "")
        return answer

    def store(self):
        """A store with all three traces."""
        path = self.path("store")
        self.ok("import", path, FILES["otlp"], FILES["two"])
        return path
