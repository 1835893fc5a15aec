"""tracestore as a storage plugin that Jaeger 1.x starts by itself, under a host on HashiCorp's go-plugin.

Usage: storage_plugin_test.py PROGRAM CLIENTS     exit 77 (skipped) where something isn't installed, but
not in CI
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

try:
    import protos
except ImportError as error:
    print(f"storage_plugin_test: not run: {error} (scripts/bootstrap makes .venv with it)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)

PROGRAM = Path(sys.argv[1])
PLUGIN = PROGRAM.with_name("tracestore-storage-plugin")
HOST = Path(sys.argv[2]) / "storage_plugin_go" / "storage_plugin_go"
V1 = "jaeger.storage.v1."
NOW_NS = time.time_ns() - 60_000_000_000


def trace_id(number):
    return number.to_bytes(16, "big")


class Host:
    """A host with its plugin. Use as a context: leaving it ends both."""

    def __init__(self, scratch, config, name="host"):
        self.log_path = scratch / f"{name}.log"
        self.sockets = scratch / name
        self.sockets.mkdir()
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen(
                [HOST, PLUGIN, config], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
                text=True, env={**os.environ, "TMPDIR": str(self.sockets),
                                "SPAN_STORAGE_TYPE": "grpc-plugin"})
        line = self.process.stdout.readline()
        assert line, f"the plugin did not start:\n{self.log()}"
        self.pid = json.loads(line)["pid"]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)

    def log(self):
        return self.log_path.read_text(errors="replace")

    def is_alive(self):
        """Whether the plugin is, and is no zombie."""
        try:
            state = Path(f"/proc/{self.pid}/stat").read_text()
        except FileNotFoundError:
            return False
        return state.rsplit(")", 1)[1].split()[0] != "Z"

    def ask(self, **request):
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def call(self, method, *requests, expect="OK"):
        """The messages of the answer, or, of a failure, its sentence."""
        service, _, name = method.partition("/")
        answer = self.ask(op="call", method=f"/{V1}{method}", messages=[
            base64.b64encode(one.SerializeToString()).decode() for one in requests])
        assert answer["code"] == expect, answer
        if expect != "OK":
            return answer["message"]
        kind = PROTOS.pool.FindServiceByName(V1 + service).FindMethodByName(name).output_type
        return [PROTOS[kind.full_name].FromString(base64.b64decode(one or ""))
                for one in answer["messages"] or []]


class Plugin(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(scratch.cleanup)
        self.scratch = Path(scratch.name)
        self.data = self.scratch / "store"
        self.config = self.scratch / "plugin.yaml"
        self.config.write_text(f"data: {self.data}\nsync: full\n")

    def host(self, name="host"):
        return Host(self.scratch, self.config, name)

    def message(self, name, **fields):
        return PROTOS[V1 + name](**fields)

    def span(self, trace, number, service):
        model = "jaeger.api_v2."
        span = PROTOS[model + "Span"](
            trace_id=trace_id(trace), span_id=number.to_bytes(8, "big"), operation_name="op",
            process=PROTOS[model + "Process"](service_name=service))
        span.start_time.FromNanoseconds(NOW_NS)
        span.duration.FromNanoseconds(1000)
        return self.message("WriteSpanRequest", span=span)

    def services(self, host):
        (answer,) = host.call("SpanReaderPlugin/GetServices", self.message("GetServicesRequest"))
        return list(answer.services)

    def test_serves_its_host(self):
        with self.host() as host:
            self.assertEqual(host.ask(op="ping")["message"], "")
            (can,) = host.call("PluginCapabilities/Capabilities",
                               self.message("CapabilitiesRequest"))
            self.assertTrue(can.archiveSpanReader and can.archiveSpanWriter
                            and can.streamingSpanWriter)
            # Nothing was written: there is nothing on the disk either.
            self.assertEqual(self.services(host), [])
            self.assertFalse(self.data.exists())

            host.call("SpanWriterPlugin/WriteSpan", self.span(1, 1, "one"))
            self.assertFalse((self.data / "archive").exists())
            host.call("StreamingSpanWriterPlugin/WriteSpanStream",
                      *(self.span(2, number, "many") for number in range(1, 1001)))
            self.assertEqual(self.services(host), ["many", "one"])
            get = self.message("GetTraceRequest", trace_id=trace_id(2))
            chunks = host.call("SpanReaderPlugin/GetTrace", get)
            self.assertEqual(sum(len(chunk.spans) for chunk in chunks), 1000)
            (found,) = host.call("SpanReaderPlugin/FindTraces", self.message(
                "FindTracesRequest", query=self.message("TraceQueryParameters",
                                                        service_name="one")))
            self.assertEqual(found.spans[0].trace_id, trace_id(1))

            self.assertEqual(host.call("ArchiveSpanReaderPlugin/GetArchiveTrace", get,
                                       expect="NotFound"), "trace not found")
            host.call("ArchiveSpanWriterPlugin/WriteArchiveSpan", self.span(2, 1, "many"))
            (archived,) = host.call("ArchiveSpanReaderPlugin/GetArchiveTrace", get)
            self.assertEqual(len(archived.spans), 1)
            host.call("SpanWriterPlugin/Close", self.message("CloseWriterRequest"))

            self.assertEqual(host.ask(op="kill")["message"], "exited")
            self.assertFalse(host.is_alive())
            self.assertNotIn("failed to exit gracefully", host.log())
        self.assertEqual(list(host.sockets.iterdir()), [])
        names = subprocess.run([PROGRAM, "services", self.data], capture_output=True, text=True,
                               check=True, timeout=60).stdout
        self.assertIn("many", names)
        # What the first one has written the next one reads, and goes on.
        with self.host("again") as host:
            self.assertEqual(self.services(host), ["many", "one"])
            host.call("SpanWriterPlugin/WriteSpan", self.span(3, 1, "two"))
            self.assertEqual(self.services(host), ["many", "one", "two"])

    def test_two_of_them_share_a_store(self):
        """A collector's and a query service's: the first that writes is the one that may."""
        with self.host("collector") as collector, self.host("query") as query:
            collector.call("SpanWriterPlugin/WriteSpan", self.span(1, 1, "one"))
            self.assertEqual(self.services(query), ["one"])
            for method in ("SpanWriterPlugin/WriteSpan",
                           "StreamingSpanWriterPlugin/WriteSpanStream"):
                sentence = query.call(method, self.span(2, 1, "two"), expect="ResourceExhausted")
                self.assertIn(str(collector.pid), sentence)
            # The archive has a lock of its own.
            query.call("ArchiveSpanWriterPlugin/WriteArchiveSpan", self.span(1, 1, "one"))
            (archived,) = collector.call("ArchiveSpanReaderPlugin/GetArchiveTrace", self.message(
                "GetTraceRequest", trace_id=trace_id(1)))
            self.assertEqual(len(archived.spans), 1)
            sentence = collector.call("ArchiveSpanWriterPlugin/WriteArchiveSpan",
                                      self.span(1, 2, "one"), expect="ResourceExhausted")
            self.assertIn(str(query.pid), sentence)
            collector.call("SpanWriterPlugin/WriteSpan", self.span(3, 1, "three"))
            self.assertEqual(self.services(query), ["one", "three"])
            # And the lock goes with the one that has it.
            collector.ask(op="kill")
            query.call("SpanWriterPlugin/WriteSpan", self.span(2, 1, "two"))
            self.assertEqual(self.services(query), ["one", "three", "two"])

    def test_ends_when_its_host_is_gone(self):
        with self.host() as host:
            host.call("SpanWriterPlugin/WriteSpan", self.span(1, 1, "one"))
            host.process.stdin.write('{"op":"vanish"}\n')
            host.process.stdin.flush()
            host.process.wait(timeout=60)
            deadline = time.monotonic() + 60
            while host.is_alive():
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.05)  # polls another process; nothing in it can wake us
        self.assertEqual(list(host.sockets.iterdir()), [])

    def test_leaves_the_keyboard_to_its_host(self):
        with self.host() as host:
            os.kill(host.pid, signal.SIGINT)
            host.call("SpanWriterPlugin/WriteSpan", self.span(1, 1, "one"))
            self.assertEqual(self.services(host), ["one"])

    def test_says_what_is_wrong(self):
        for text, sentence in (("sync: full\n", "'data' is not set"),
                               ("data: x\nsink: full\n", "unknown setting 'sink'")):
            self.config.write_text(text)
            done = subprocess.run([HOST, PLUGIN, self.config], capture_output=True, text=True,
                                  timeout=60)
            self.assertNotEqual(done.returncode, 0)
            self.assertIn(sentence, done.stderr)
            self.assertIn("[ERROR]", done.stderr)
        done = subprocess.run([HOST, PLUGIN, ""], capture_output=True, text=True, timeout=60)
        self.assertIn("'data' is not set", done.stderr)

    def alone(self, **variables):
        """The plugin as a child of this process, which is its host."""
        environment = {name: value for name, value in os.environ.items()
                       if name not in ("TMPDIR", "PLUGIN_UNIX_SOCKET_DIR")}
        return subprocess.Popen([PLUGIN, "--config", self.config], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, env={
                                    **environment, "STORAGE_PLUGIN": "jaeger", **variables})

    def test_makes_its_socket_where_the_host_says(self):
        lacking = str(self.scratch / "lacking")
        with self.alone(TMPDIR=lacking, PLUGIN_UNIX_SOCKET_DIR=str(self.scratch)) as plugin:
            self.assertIn(f"|unix|{self.scratch}/tracestore-plugin-", plugin.stdout.readline())
            plugin.terminate()
            self.assertEqual(plugin.wait(timeout=60), 0)
        for variable in ("TMPDIR", "PLUGIN_UNIX_SOCKET_DIR"):
            with self.alone(**{variable: lacking}) as plugin:
                out, log = plugin.communicate(timeout=60)
            self.assertEqual(out, "")
            self.assertIn(f"cannot make a directory for the socket in {lacking}: ", log)
        self.assertIn("No such file or directory", log)

    def test_queries_have_bounds(self):
        get = self.message("GetTraceRequest", trace_id=trace_id(1))
        with self.host("writer") as host:
            host.call("StreamingSpanWriterPlugin/WriteSpanStream",
                      *(self.span(1, number, "many") for number in range(1, 2001)))
        for limit in ("max-bytes-per-query", "max-bytes"):
            self.config.write_text(f"data: {self.data}\nquery:\n  {limit}: 20000\n")
            with self.host(limit) as host:
                sentence = host.call("SpanReaderPlugin/GetTrace", get, expect="ResourceExhausted")
                self.assertIn(f"query.{limit} is 20000 bytes", sentence)
                self.assertEqual(self.services(host), ["many"])

    def test_the_limits_of_listeners_are_its_own(self):
        self.config.write_text(f"data: {self.data}\nlisteners:\n  max-connections: 1\n")
        with self.host() as host:
            self.assertEqual(host.ask(op="ping")["message"], "")
            (path,) = host.sockets.glob("tracestore-plugin-*/socket")
            with socket.socket(socket.AF_UNIX) as second:
                second.settimeout(60)
                second.connect(str(path))
                self.assertEqual(second.recv(1), b"")  # closed, without HTTP/2's first frame
            self.assertEqual(self.services(host), [])

    def test_is_not_run_by_hand(self):
        environment = {name: value for name, value in os.environ.items()
                       if name != "STORAGE_PLUGIN"}
        done = subprocess.run([PLUGIN], capture_output=True, text=True, timeout=60,
                              env=environment)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("it is not run by hand", done.stderr)

    def test_refuses_a_host_that_asks_for_tls(self):
        done = subprocess.run([PLUGIN, f"--config={self.config}"], capture_output=True, text=True,
                              timeout=60, env={**os.environ, "STORAGE_PLUGIN": "jaeger",
                                               "PLUGIN_CLIENT_CERT": "-----BEGIN CERTIFICATE-----"})
        self.assertNotEqual(done.returncode, 0)
        self.assertEqual(done.stdout, "")  # no handshake
        self.assertIn("the host asks for TLS between it and its plugins, which this plugin has not",
                      done.stderr)


if __name__ == "__main__":
    why = protos.missing()
    if why is None and not HOST.exists():
        why = f"no {HOST}: scripts/bootstrap --clients makes it"
    if why is not None:
        print(f"storage_plugin_test: not run: {why}")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    PROTOS = protos.Protos("storage/v1/storage.proto")
    unittest.main(argv=sys.argv[:1])
