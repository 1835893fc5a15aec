"""Servers that load an application, then fork workers: gunicorn and uWSGI, the real ones.

The application opens a store while it is loaded, as people do. Its workers are told so in a
sentence, and open the store again.
"""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from support import SHOP, span

import tracestore

APPLICATION = '''
import json, os
import tracestore

PATH = os.environ["TRACES"]
LOADED_IN = os.getpid()
before = tracestore.open(PATH, os.environ["TRACES_MODE"])
found = before.find()
trace = next(found.traces())
again = None

def parents_store():
    errors = []
    for call in (before.services, found.count, before.snapshot, before.close,
                 lambda: list(found.spans()), lambda: before.append({"trace_id": "7"})):
        try:
            call()
        except tracestore.InvalidArgumentError as error:
            errors.append(str(error))
    return {"errors": errors, "spans of the trace that was read": len(trace)}

def opened_again():
    global again
    if again is None:
        again = tracestore.open(PATH)
    return {"traces": sorted(again.find().ids())}

def append():
    with tracestore.open(PATH, "a") as mine:
        return {"accepted": mine.append({"trace_id": "9", "span_id": "9"}).accepted}

ROUTES = {"/parents": parents_store, "/again": opened_again, "/append": append}

def application(environ, start_response):
    said = ROUTES[environ["PATH_INFO"]]()
    body = json.dumps({**said, "pid": os.getpid(), "forked": os.getpid() != LOADED_IN}).encode()
    start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
    return [body]
'''

SERVERS = {
    "gunicorn": [
        "-m", "gunicorn", "--preload", "--workers", "2", "--no-control-socket",
        "--bind", "unix:{socket}", "application",
    ],
    "uWSGI": [
        "-c", "import pyuwsgi; pyuwsgi.run()", "--master", "--processes", "2", "--die-on-term", "--need-app",
        "--http-socket", "{socket}", "--stats", "{socket}.stats", "--wsgi", "application",
    ],
}  # fmt: skip


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=60)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Server:
    """A server of the application, on a socket in a folder of its own."""

    def __init__(self, name, store_path, mode):
        self.name = name
        self.folder = tempfile.TemporaryDirectory()  # its path is short, as a socket's has to be
        folder = Path(self.folder.name)
        (folder / "application.py").write_text(APPLICATION)
        self.socket = str(folder / "socket")
        self.log = folder / "log"
        environment = {**os.environ, "TRACES": str(store_path), "TRACES_MODE": mode}
        environment["PYTHONPATH"] = str(folder)  # uWSGI doesn't look into its working directory
        arguments = [argument.format(socket=self.socket) for argument in SERVERS[name]]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=folder,
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,  # so that its workers can be killed with it
            )

    def get(self, path):
        connection = UnixConnection(self.socket)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        finally:
            connection.close()
        assert answer.status == 200, self.log.read_text()
        return json.loads(body)

    def wait(self):
        """Until it listens; neither server tells anybody but a log."""
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None and time.monotonic() < deadline, self.log.read_text()
            try:
                UnixConnection(self.socket).connect()
                return
            except OSError:
                time.sleep(0.02)  # between looks

    def wait_for_all(self):
        """Until the master and both workers do their work: uWSGI's workers lose a signal that comes
        before, whatever they serve."""
        deadline = time.monotonic() + 60
        workers = set()
        while len(workers) < 2:
            workers.add(self.get("/again")["pid"])
            assert time.monotonic() < deadline, self.log.read_text()
        if os.path.exists(self.socket + ".stats"):  # which uWSGI's master answers
            with socket.socket(socket.AF_UNIX) as asking:
                asking.settimeout(60)
                asking.connect(self.socket + ".stats")
                while asking.recv(65536):
                    pass

    def stop(self):
        """Its exit status after SIGTERM. uWSGI's master takes some of those that come soon after
        its start for nothing, whatever it serves, and says so of the others: it gets another
        then."""
        for _ in range(10):
            self.process.send_signal(signal.SIGTERM)
            try:
                return self.process.wait(5)
            except subprocess.TimeoutExpired:
                if self.name != "uWSGI" or "SIGTERM received" in self.log.read_text():
                    break
        return self.process.wait(60)

    def __enter__(self):
        self.wait()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        self.folder.cleanup()


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("mode", ["r", "a"])
def test_workers(tmp_path, shop, name, mode):
    path = tmp_path / "store"
    with tracestore.open(path, "a") as store:
        store.append(shop)
    with Server(name, path, mode) as server:
        for _ in range(4):
            said = server.get("/parents")
            assert said["forked"] and said["spans of the trace that was read"] == 5
            assert len(said["errors"]) == 6
            assert all("before fork(): open it again" in error for error in said["errors"])
            assert SHOP in server.get("/again")["traces"]
        if mode == "r":  # else the server that forked the workers writes to it
            assert server.get("/append")["accepted"] == 1
            # Every worker sees it, whichever answers, and what a process beside them appends.
            with tracestore.open(path, "a") as store:
                store.append(span(8, trace=8))
            for _ in range(8):
                assert server.get("/again")["traces"] == [f"{8:032x}", f"{9:032x}", SHOP]
        server.wait_for_all()
        assert server.stop() == 0, server.log.read_text()
        log = server.log.read_text()
        for crash in ("Segmentation", "SIGSEGV", "SIGABRT", "SIGKILL", "AddressSanitizer"):
            assert crash not in log, log
    with tracestore.open(path) as store:
        assert store.verify().sound
        assert len(store.trace(SHOP)) == 5
