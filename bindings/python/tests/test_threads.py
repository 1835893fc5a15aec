"""Threads, signals and processes: a store that is shared, interrupted, forked."""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from support import SHOP, span

import tracestore
from tracestore import InvalidArgumentError


def span_count(path):
    with tracestore.open(path) as again:
        return sum(summary.span_count for summary in again.find())


def test_threads_share_a_store(store):
    store.append([span(i, trace=i) for i in range(1, 200)])
    failed = []

    def work(number):
        try:
            for i in range(20):
                store.append(span(1000 + i, trace=1000 * number + i))
                assert store.find(service="tests").count() >= 199
                assert len(store.trace(SHOP)) == 5
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert store.find(service="tests").count() == 199 + 80


def test_other_threads_run_during_work(tmp_path):
    """While a call works on one thread, another runs Python."""
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(
            [span(i, trace=i, attributes={"text": f"v{i}" * 9}) for i in range(1, 20_000)]
        )
        inside = seen = False
        ended = threading.Event()

        def work():
            nonlocal inside
            for _ in range(500):
                inside = True
                opened.find(where='span.text =~ "v1.*9$"').count()
                inside = False
                if seen:
                    break
            ended.set()

        before = sys.getswitchinterval()
        # Nobody is made to give the interpreter's lock away: who holds it through a call is not
        # seen inside of it.
        sys.setswitchinterval(3600)
        try:
            thread = threading.Thread(target=work)
            thread.start()
            while not ended.wait(0.001):  # gives the lock away by itself
                seen = seen or inside
        finally:
            sys.setswitchinterval(before)
        thread.join()
        assert seen


def test_multiprocessing(store, tmp_path):
    """Workers made by fork and by spawn open the store again, while the parent's stays open."""
    for method in ("fork", "spawn", "forkserver"):
        with multiprocessing.get_context(method).Pool(2) as pool:
            assert pool.map(span_count, [store.path] * 4) == [5] * 4
    assert store.find().count() == 1


def test_closing_beside_readers(store):
    """Whoever comes too late gets the error, nobody crashes."""
    odd = []

    def work():
        try:
            while True:
                store.find(service="checkout").count()
        except InvalidArgumentError as error:
            if "closed" not in str(error):
                odd.append(error)
        except BaseException as error:
            odd.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    store.close()
    for thread in threads:
        thread.join()
    assert odd == []


def test_fork(store):
    found = store.find()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            for call in (store.services, store.close, found.count):
                try:
                    call()
                except InvalidArgumentError as error:
                    assert "fork()" in str(error)
                else:
                    raise AssertionError(call)
            with tracestore.open(store.path) as again:
                assert again.find().count() == 1
            code = 0
        finally:
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert store.find().count() == 1


CTRL_C = """
import os, signal, sys, threading
import tracestore
store = tracestore.open(sys.argv[1])
seen = threading.Event()
def interrupt():
    seen.wait()
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt, daemon=True).start()
try:
    seen.set()
    while True:
        store.values("text", timeout=60)
except KeyboardInterrupt:
    print("interrupted")
assert store.find(limit=1).first() is not None
"""


def test_ctrl_c_interrupts(tmp_path):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append([span(i, trace=i, attributes={"text": f"v{i}"}) for i in range(1, 3000)])
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C, str(tmp_path / "s")],
        capture_output=True, text=True, timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "interrupted\n"), done.stderr


def test_ctrl_c_stops_one_long_call(tmp_path):
    """A handler that raises is seen within the call: the query itself ends, not only the loop."""
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(
            [span(i, trace=i, attributes={"text": f"v{i}" * 9}) for i in range(1, 20_000)]
        )
    raised = []

    def on_alarm(number, frame):
        raised.append(frame.f_lineno)
        raise TimeoutError("alarm")

    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        with tracestore.open(tmp_path / "s") as reader:
            signal.setitimer(signal.ITIMER_REAL, 0.02)
            with pytest.raises(TimeoutError):
                while True:
                    list(reader.find(where='span.text =~ "v1.*9$"', order="longest"))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert raised


def blocked_signals(thread):
    status = Path(f"/proc/self/task/{thread}/status").read_text()
    bits = int(re.search(r"^SigBlk:\s*([0-9a-f]+)$", status, re.MULTILINE)[1], 16)
    return {number for number in range(1, 65) if bits >> (number - 1) & 1}


def test_threads_of_a_store_take_no_signals(tmp_path):
    """They are for the program's own threads, which they are to wake."""
    before = set(os.listdir("/proc/self/task"))
    mine = blocked_signals(threading.get_native_id())
    with tracestore.open(tmp_path / "s", "a"):
        started = set(os.listdir("/proc/self/task")) - before
        assert len(started) == 3
        for thread in started:
            blocked = blocked_signals(thread)
            for name in "SIGTERM SIGINT SIGQUIT SIGHUP SIGCHLD SIGALRM SIGPIPE SIGUSR1 SIGUSR2".split():
                assert getattr(signal, name) in blocked, name
        assert blocked_signals(threading.get_native_id()) == mine
