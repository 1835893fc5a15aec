"""Fixtures. The tests are of the installed package: nothing of the source tree but its data."""

from __future__ import annotations

import ctypes
import gc
import os
import sys

import pytest
from hypothesis import settings
from support import DATA

import tracestore

# The same examples in each run of continuous integration; by hand, new ones each time.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")


@pytest.fixture
def shop() -> bytes:
    return (DATA / "shop.otlp.json").read_bytes()


@pytest.fixture
def store(tmp_path, shop):
    with tracestore.open(tmp_path / "store", "a") as opened:
        opened.append(shop, format="otlp-json")
        yield opened


def pytest_sessionfinish(session, exitstatus):
    """Under ASan (run_installed.py --sanitize): memory that nothing points to any more is a
    failure."""
    if os.environ.get("TRACESTORE_CHECK_LEAKS") != "1":
        return
    gc.collect()
    if ctypes.CDLL(None).__lsan_do_recoverable_leak_check() != 0:
        sys.stderr.write("memory leaked: see above\n")
        session.exitstatus = 1
