"""The notebooks under examples/: every cell runs, and what they find is there to be found."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb
import nezha
import pytest
from support import DATA, span

import tracestore

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def run(name, monkeypatch, **environment):
    """Runs the cells in one namespace, in the notebook's folder; gives the namespace."""
    for key, value in environment.items():
        monkeypatch.setenv(key, str(value))
    monkeypatch.chdir(EXAMPLES)
    notebook = json.loads((EXAMPLES / f"{name}.ipynb").read_text())
    assert notebook["nbformat"] == 4
    names = {"__name__": "__main__"}
    for number, cell in enumerate(notebook["cells"]):
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{name}[{number}]", "exec"), names)
    return names


@pytest.fixture
def slow_minute(tmp_path):
    """Two minutes of a shop; in the second one payment takes ten times as long, and fails."""
    path = tmp_path / "shop"
    second = 1_000_000_000
    spans = []
    for i in range(400):
        faulty = i >= 200
        begin = (1_714_564_800 + (60 if faulty else 0)) * second + i % 200 * 100_000_000
        took = (50 if faulty else 5) * 1_000_000
        common = {"trace": i + 1, "duration": None, "kind": "server"}
        spans.append(span(1, service="shop", name="buy", start_ns=begin,
                          duration_ns=took + 2_000_000, **common))
        spans.append(span(2, 1, service="payment", name="pay", start_ns=begin + 1_000_000,
                          duration_ns=took, status="error" if faulty else "ok", **common))
    with tracestore.open(path, "w") as store:
        store.append(spans)
    return path


@pytest.mark.parametrize("file", ["shop.jaeger.json", "shop.zipkin.json", "shop.otlp.json"])
def test_slow_span(monkeypatch, file, capsys):
    names = run("slow_span", monkeypatch, TRACE_FILE=DATA / file)
    assert names["slow"].service == "payment"
    assert "payment: charge" in capsys.readouterr().out


def test_slow_span_of_its_own_file(monkeypatch):
    monkeypatch.delenv("TRACE_FILE", raising=False)
    assert run("slow_span", monkeypatch)["slow"].service == "payment"


def test_operations(monkeypatch, slow_minute):
    names = run("operations", monkeypatch, TRACE_STORE=slow_minute)
    assert names["seen"] == 400 and names["shares"]["share"].sum() == pytest.approx(1)
    assert names["by_operation"]["spans"].to_list() == [400, 400]
    assert names["shares"]["operation"][0] == "pay"
    assert set(names["metrics"]["calls"]) == {400}


@pytest.mark.skipif(not nezha.DAY.is_dir(), reason=f"there are no real traces at {nezha.DAY}")
def test_operations_over_ten_thousand_real_traces(monkeypatch, tmp_path):
    with tracestore.open(tmp_path / "store", "w", sync="off") as store:
        appended = [store.append(request, "otlp-json") for request in nezha.requests(10_500)]
    assert sum(result.accepted for result in appended) > 400_000
    names = run("operations", monkeypatch, TRACE_STORE=tmp_path / "store")
    assert names["seen"] == 10_000
    assert 0.5 < names["shares"]["share"].sum() <= 1.000001 and len(names["shares"]) == 10
    assert names["by_operation"]["spans"].min() > 0 and len(names["metrics"]) > 20
    # What the traces waited for is how long their roots took.
    with tracestore.open(tmp_path / "store") as store:
        spans = store.find(limit=10_000).spans(columns=["parent_id", "duration_ns"])
        (roots, took), = duckdb.sql(
            "SELECT count(*), sum(duration_ns) FROM spans WHERE parent_id IS NULL"
        ).fetchall()
    assert roots == 10_000 and took == names["total"]


def test_faulty_minute(monkeypatch, slow_minute, capsys):
    names = run("faulty_minute", monkeypatch, TRACE_STORE=slow_minute,
                NORMAL="2024-05-01T12:00:00Z", FAULTY="2024-05-01T12:01:00Z")
    assert names["worst"].index[0] == ("payment", "pay")
    assert names["worst"]["more errors"].iloc[0] == 200
    assert names["worst"]["slower"].iloc[0] == pytest.approx(10, rel=0.05)
    assert "✗ payment pay" in capsys.readouterr().out
