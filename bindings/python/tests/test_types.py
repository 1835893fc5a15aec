"""The stubs: what they name is there, what is there they name, and mypy believes the package."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import tracestore
from tracestore import _core

PACKAGE = Path(tracestore.__file__).parent


def names_of_stub():
    names = {}
    for node in ast.parse((PACKAGE / "_core.pyi").read_text()).body:
        if isinstance(node, ast.ClassDef):
            names[node.name] = {
                member.name for member in node.body if isinstance(member, ast.FunctionDef)
            }
        elif isinstance(node, ast.FunctionDef):
            names[node.name] = set()
    return names


def test_stub_names_what_is_there():
    stub = names_of_stub()
    there = {name for name in vars(_core) if not name.startswith("_")}
    assert set(stub) == there
    for name, members in stub.items():
        thing = getattr(_core, name)
        if not isinstance(thing, type):
            continue
        public = {member for member in vars(thing) if not member.startswith("_")}
        assert {member for member in members if not member.startswith("_")} == public, name


def test_everything_public_is_documented():
    for name in tracestore.__all__:
        assert getattr(tracestore, name).__doc__, name
    inherited = set(dir(Exception)) | set(dir(OSError)) | set(dir(tuple))
    for kind in (getattr(tracestore, name) for name in tracestore.__all__):
        for name in set(dir(kind)) - inherited if isinstance(kind, type) else ():
            if not name.startswith("_"):
                assert getattr(kind, name).__doc__, f"{kind.__name__}.{name}"


USE = """
import tracestore
from datetime import timedelta

def slow(path: str) -> list[str]:
    with tracestore.open(path) as store:
        found = store.find(service="a", min_duration=timedelta(seconds=1), tags={"n": 1})
        reveal = [part.span.name for part in store.trace(next(found.ids())).critical_path()]
        return [summary.trace_id for summary in found] + reveal
"""


def test_mypy_strict(tmp_path):
    (tmp_path / "use.py").write_text(USE)
    (tmp_path / "wrong.py").write_text(USE.replace("min_duration=", "min_durations="))

    def mypy(*what):
        return subprocess.run(
            [sys.executable, "-m", "mypy", "--strict", "--ignore-missing-imports", "--cache-dir", str(tmp_path / "c"), *what],
            capture_output=True, text=True, cwd=tmp_path,
        )

    for what in (["-p", "tracestore"], ["use.py"]):
        done = mypy(*what)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "min_durations" in mypy("wrong.py").stdout
