"""The all-in-one service as a child process, for tests."""

import functools
import json
import os
import re
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path


@functools.cache
def free_ports(program, command="all-in-one"):
    """Flags that put every listener of a service on a free port: those whose type is ADDRESS."""
    text = subprocess.run([program, command, "--help"], capture_output=True, text=True,
                          check=True).stdout
    listeners = re.findall(r"^  --(\S+) ADDRESS", text, re.MULTILINE)
    assert "admin.http.host-port" in listeners, text
    return [f"--{listener}=0" for listener in listeners]


class Child:
    """A process, `process`, whose log stands in `log_path`."""

    def log(self):
        return self.log_path.read_text(errors="replace")

    def stop(self):
        """SIGTERM; the exit code must be 0."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=60)
        assert code == 0, f"exit code {code} after SIGTERM:\n{self.log()}"

    def kill(self):
        self.process.kill()  # nothing where it has ended
        self.process.wait()


class Service(Child):
    """A service, `tracestore all-in-one`, on free ports over `data`. Use as a context: leaving it
    kills."""

    def __init__(self, program, data, *flags, environment=None,
                 command="all-in-one"):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        ports_file = Path(self.scratch.name) / "ports.json"
        self.log_path = Path(self.scratch.name) / "log"
        arguments = [program, command, "--ports-file", str(ports_file),
                     *free_ports(program, command)]
        if data is not None:
            arguments += ["--data", str(data)]
        with open(self.log_path, "wb") as log:
            self.process = subprocess.Popen([*arguments, *flags], stdout=log, stderr=log,
                                            env={**os.environ, **(environment or {})})
        deadline = time.monotonic() + 60
        while not ports_file.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"the service did not start:\n{self.log()}")
            time.sleep(0.01)  # polls another process; nothing in it can wake us
        self.ports = json.loads(ports_file.read_text())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.scratch.cleanup()

    def url(self, listener, path=""):
        return f"http://127.0.0.1:{self.ports[listener]}{path}"

    def get(self, listener, path):
        """Status and body; statuses of errors too."""
        try:
            with urllib.request.urlopen(self.url(listener, path), timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def trace(self, trace_id):
        """The trace of Jaeger's API, or None."""
        status, body = self.get("query", f"/api/traces/{trace_id}")
        if status == 404:
            return None
        assert status == 200, body
        (trace,) = json.loads(body)["data"]
        return trace
