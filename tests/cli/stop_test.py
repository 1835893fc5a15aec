"""Ctrl-C and --timeout while files are read: exit code 7, a sentence, and what was kept.

Usage: stop_test.py BINARY [unittest's arguments]
"""

import gzip
import os
import signal
import subprocess
import threading
import time
import unittest
from pathlib import Path

from support import BINARY, FILES, NIGHT, SECOND, SHOP, CliTest, environment, run

SECONDS = 60  # for what never takes so long


def open_pipe(path):
    """The writer's end, once the command has opened the other: there Ctrl-C is caught already."""
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:  # nobody reads yet
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)  # of another process nothing tells


class Stop(CliTest):
    def pipe(self):
        path = self.path("pipe")
        os.mkfifo(path)
        return path

    def start(self, *words):
        return subprocess.Popen([str(BINARY), *words], stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                env=environment())

    def interrupt(self, pipe, process):
        writer = open_pipe(pipe)
        try:
            os.write(writer, b'{"resourceSpans":[')
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=SECONDS)
        finally:
            os.close(writer)
            process.kill()
        self.assertEqual(process.returncode, 7, err)
        return out.decode(), err.decode()

    def test_a_pipe_is_a_source(self):
        pipe = self.pipe()
        content = Path(FILES["otlp"]).read_bytes()
        writer = threading.Thread(target=lambda: Path(pipe).write_bytes(content))
        writer.start()
        try:
            self.assertEqual(self.ok("find", pipe, "--ids").out.split(), [SHOP])
        finally:
            writer.join()

    def test_ctrl_c_ends_the_wait_for_a_pipe(self):
        pipe = self.pipe()
        out, err = self.interrupt(pipe, self.start("find", pipe))
        self.assertEqual((out, err), ("", f"tracestore: {pipe}: interrupted\n"))

    def test_ctrl_c_keeps_what_is_imported(self):
        pipe, store = self.pipe(), self.path("store")
        out, err = self.interrupt(pipe, self.start("import", store, FILES["two"], pipe,
                                                   FILES["otlp"]))
        self.assertRegex(out, r"^imported \d+ spans of 1 file into ")
        self.assertEqual(err, f"tracestore: {pipe}: interrupted\n")
        self.assertEqual(self.ok("find", store, "--ids").out.split(), [NIGHT, SECOND])

    def test_a_timeout_ends_the_wait_for_a_writer(self):
        pipe = self.pipe()
        sentence = f"tracestore: {pipe}: the time of --timeout has passed\n"
        self.assertEqual(self.fails(7, "", "find", pipe, "--timeout", "50ms").err, sentence)
        answer = run("import", self.path("store"), pipe, "--timeout", "50ms")
        self.assertEqual((answer.code, answer.err), (7, sentence))
        self.assertIn("imported 0 spans of 0 files", answer.out)

    def test_a_timeout_ends_unpacking(self):
        path = Path(self.path("spaces.gz"))
        path.write_bytes(gzip.compress(b" " * (1 << 20)) * 1024)  # a GB, seconds of work
        self.fails(7, "spaces.gz: the time of --timeout has passed", "find", path,
                   "--timeout", "100ms")

    def test_a_timeout_ends_decoding(self):
        line = Path(FILES["otlp"]).read_text().replace("\n", " ") + "\n"
        path = Path(self.path("many.jsonl"))
        path.write_text(line * (100_000_000 // len(line)))  # seconds of work
        for words in (("services", path), ("import", self.path("store"), path)):
            answer = run(*words, "--timeout", "400ms")
            self.assertEqual(answer.code, 7)
            self.assertIn("many.jsonl: the time of --timeout has passed", answer.err)


if __name__ == "__main__":
    unittest.main()
