"""Stores: opening, appending, finding, names, deleting, the archive, compaction, verify."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta, timezone
from pathlib import Path

import numpy
import pandas
import pyarrow
import pytest
from support import DATA, FORMATS, SHOP, span

import tracestore
from tracestore import InvalidArgumentError, NotFoundError


def test_the_package_is_the_installed_one():
    assert Path(__file__).resolve().parents[1] not in Path(tracestore.__file__).resolve().parents


def test_what_is_appended_is_found_at_once(store):
    summary = store.find(service="checkout").first()
    assert summary.trace_id == SHOP
    assert summary.root_service == "frontend"
    assert summary.root_operation == "GET /cart"
    assert summary.start_ns == 1_700_000_000_000_000_000
    assert summary.start == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert summary.duration_ns == 120_000_000
    assert (summary.span_count, summary.error_count, summary.orphan_count) == (5, 2, 0)
    assert [s.name for s in summary.services] == ["cart", "checkout", "frontend", "payment"]


def test_reopening_finds_the_same(tmp_path, shop):
    with tracestore.open(tmp_path / "s", "w") as made:
        made.append(shop)
        before = list(made.find())
    assert made.closed
    with tracestore.open(str(tmp_path / "s")) as again:
        assert list(again.find()) == before
        assert again.mode == "r"


def test_a_reader_sees_what_a_writer_appends(store):
    with tracestore.open(store.path) as reader:
        store.append(span(9, trace=9))
        assert reader.trace("9").root.name == "op9"


@pytest.mark.parametrize("name", ["shop.otlp.json", "shop.jaeger.json", "shop.zipkin.json"])
@pytest.mark.parametrize("compressed", [False, True])
def test_files_of_any_format_are_told_by_content(tmp_path, name, compressed):
    content = (DATA / name).read_bytes()
    with tracestore.open(tmp_path / "s", "a") as opened:
        result = opened.append(gzip.compress(content) if compressed else content)
        assert (result.accepted, result.rejected, result.reasons) == (5, 0, {})
        assert len(opened.trace(SHOP)) == 5


def test_bad_spans_are_counted(store):
    spans = [span(1), span(2), dict(span(3), trace_id="0")]
    result = store.append(spans)
    assert (result.accepted, result.rejected) == (2, 1)
    assert sum(result.reasons.values()) == 1
    assert result.first_error


def test_find_takes_every_condition(store):
    store.append(span(1, trace=5, attributes={"n": 200, "ok": True, "x": 1.5}, duration="20ms"))

    def ids(**query):
        return [int(i, 16) for i in store.find(**query).ids()]

    assert ids(tags={"n": 200, "ok": True, "x": 1.5}) == [5]
    assert ids(tags={"n": "200"}) == [5]
    assert ids(tags={"n": 201}) == []
    assert ids(operation="op1") == [5]
    assert ids(where='service = "tests" and span.n >= 200') == [5]
    assert ids(min_duration="100ms", errors=True) == [int(SHOP, 16)]
    assert ids(min_duration=timedelta(milliseconds=20), max_duration="20ms") == [5]
    assert ids(min_duration_ns=20_000_000, max_duration_ns=20_000_000) == [5]
    assert ids(end="1970-01-01T00:00:02Z") == [5]
    assert ids(start=datetime(2000, 1, 1, tzinfo=timezone.utc)) == [int(SHOP, 16)]
    assert ids(start=1_000_000_000, end=1_000_000_001) == [5]
    assert ids(start=timedelta(days=1)) == []
    end = pandas.Timestamp(1_000_000_001_000, tz="UTC")
    assert ids(start=numpy.int64(1_000_000_000), end=end) == [5]
    assert ids(min_duration_ns=numpy.int64(20_000_000), limit=numpy.int64(1)) == [int(SHOP, 16)]
    assert ids() == [int(SHOP, 16), 5]
    assert ids(order="longest") == [int(SHOP, 16), 5]


def test_find_pages_by_itself_and_stands_on_one_moment(tmp_path):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append([span(i, trace=i) for i in range(1, 401)])
        found = opened.find()
        assert found.count() == 400
        opened.append([span(i, trace=i) for i in range(401, 411)])
        assert [int(i, 16) for i in found.ids()] == list(range(400, 0, -1))
        assert [s.span_count for s in found] == [1] * 400
        assert found.count() == 400
        assert opened.find(limit=130).count() == 130
        assert len(list(opened.find(limit=130))) == 130
        assert list(opened.find(limit=0)) == []
        assert sorted(s.name for s in found.spans()) == sorted(f"op{i}" for i in range(1, 401))
        assert next(opened.find(limit=1).traces()).root.name == "op410"


def test_spans_that_match(store):
    found = store.find(service="checkout", errors=True)
    assert [s.name for s in found.spans(matching=True)] == ["POST /checkout"]
    assert len(list(found.spans())) == 5


def test_names(store):
    assert [(s.name, s.count) for s in store.services()] == [
        ("cart", 1), ("checkout", 1), ("frontend", 2), ("payment", 1),
    ]
    assert [o.name for o in store.operations("frontend")] == ["GET /cart", "POST /checkout"]
    assert len(store.operations()) == 5
    assert "http.method" in [k.name for k in store.keys()]
    assert [(v.name, v.count) for v in store.values("http.method", limit=1)] == [("POST", 2)]


def test_dependencies_and_metrics(store):
    links = {(d.parent, d.child): (d.calls, d.errors) for d in store.dependencies()}
    assert links[("checkout", "payment")] == (1, 0)
    assert links[("frontend", "checkout")] == (1, 1)
    assert store.dependencies(end=1) == []
    metrics = store.metrics(services=["payment"], quantiles=[0.5])
    assert [(m.operation, m.calls, m.errors) for m in metrics] == [("charge", 1, 0)]
    assert metrics[0].latency_ns[0] == pytest.approx(60_000_000, rel=0.016)
    for step in (dict(step="10s"), dict(step=timedelta(seconds=10)), dict(step_ns=10**10)):
        assert store.metrics(**step)[0].step_begin_ns == 1_700_000_000_000_000_000


def test_stats(store):
    assert store.stats().spans == 5
    assert store.stats().head_spans == 5
    store.seal()
    assert store.stats().segments == 1
    assert store.stats(by_column=True).bytes_by_column


def test_delete_archive_compact_verify(store):
    store.append([span(1, trace=1), span(1, trace=2), span(2, trace=3, service="other")])
    copied = store.archive(service="other")
    assert (copied.traces, copied.spans) == (1, 1)
    assert store.delete("3") == 1
    assert store.delete(["3", "2"]) == 1
    assert store.delete(service="tests") == 1
    with tracestore.open(store.archive_path) as archive:
        assert archive.trace("3").root.service == "other"
    with pytest.raises(NotFoundError):
        store.trace("3")
    result = store.compact(full=True)
    assert result.segments_damaged == 0
    report = store.verify()
    assert report.sound and report.spans >= 5 and report.findings == []
    store.sync()
    store.delete_all()
    assert store.find().first() is None


def test_verify_names_damage(tmp_path, shop):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(shop)
    segment = next((tmp_path / "s" / "segments").iterdir())
    content = bytearray(segment.read_bytes())
    content[100] ^= 0xFF
    segment.write_bytes(content)
    with tracestore.open(tmp_path / "s") as opened:
        report = opened.verify()
    assert not report.sound
    assert report.findings[0].kind == "damage"
    assert str(segment) in report.findings[0].file


def test_snapshot_keeps_its_moment(store):
    moment = store.snapshot()
    store.append(span(1))
    assert moment.find().count() == 1
    assert store.find().count() == 2
    store.close()
    assert moment.find().count() == 1


def test_read_files():
    files = tracestore.read([DATA / "shop.jaeger.json", DATA / "two.jsonl"])
    assert files.report.accepted == sum(s.span_count for s in files.find())
    assert files.find().count() == 3
    assert tracestore.read(str(DATA / "shop.zipkin.json")).trace(SHOP).root.service == "frontend"


PACKINGS = {"plain": bytes, "gzip": gzip.compress,
            "zstd": lambda b: pyarrow.compress(b, "zstd", asbytes=True)}


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("packing", PACKINGS)
def test_read_takes_any_format(tmp_path, store, format, packing):
    file = tmp_path / "traces"
    file.write_bytes(PACKINGS[packing](store.trace(SHOP).encode(format)))
    files = tracestore.read(file)
    assert files.report.accepted == 5 and len(files.trace(SHOP)) == 5


def test_mode_w_never_empties_a_store(store):
    with pytest.raises(InvalidArgumentError, match="stands at"):
        tracestore.open(store.path, "w")
    assert store.find().count() == 1
