"""Beside the command and the server: only where TRACESTORE_PROGRAM names the program."""

from __future__ import annotations

import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest
from support import SHOP, span

import tracestore
from tracestore import BusyError

INTEROP = Path(__file__).resolve().parents[3] / "tests" / "interop"
PROGRAM = os.environ.get("TRACESTORE_PROGRAM", "")
pytestmark = pytest.mark.skipif(not PROGRAM, reason="TRACESTORE_PROGRAM names no tracestore")


def test_print_draws_what_the_command_draws(store):
    store.append([span(i, i - 1, trace=7) for i in range(1, 60)])
    store.append([span(2, 99, trace=8), span(3, 2, trace=8, name="漢字\x1b[31m", status="error")])
    for trace in store.find().traces():
        for flags, choice in (
            ([], {}), (["--ascii"], {"ascii": True}), (["--limit", "2"], {"limit": 2}),
            (["--span", trace.spans[1].span_id], {"top": trace.spans[1]}),
        ):  # fmt: skip
            command = [PROGRAM, "get", *flags, store.path, trace.trace_id]
            done = subprocess.run(command, capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            left_out = "… and" if "limit" in choice else "\0"
            assert trace.draw(**choice).split(left_out)[0] == done.stdout


def send(service, body):
    request = urllib.request.Request(
        service.url("otlp_http", "/v1/traces"), body, {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200


def test_a_store_that_a_server_writes_to(tmp_path, shop):
    sys.path.insert(0, str(INTEROP))
    from service import Service

    with Service(PROGRAM, tmp_path / "data") as service:
        send(service, shop)
        with tracestore.open(tmp_path / "data") as store:
            # What is acknowledged is found by the next question, and stays in an older moment.
            moment = store.snapshot()
            assert len(store.trace(SHOP)) == 5
            for number in range(1, 4):
                send(service, shop.replace(SHOP.encode(), f"{number:032x}".encode()))
                assert store.find().count() == 1 + number
            assert moment.find().count() == 1
            table = store.find().spans(columns=["trace_id"]).to_arrow()
            assert len(set(table["trace_id"].to_pylist())) == 4
            with pytest.raises(BusyError, match=str(service.process.pid)):
                tracestore.open(tmp_path / "data", "a")
            assert store.delete(f"{3:032x}") == 1
            assert service.trace(f"{3:032x}") is None and service.trace(SHOP) is not None
            assert store.verify().sound
        service.stop()
    with tracestore.open(tmp_path / "data") as store:
        assert store.find().count() == 3
