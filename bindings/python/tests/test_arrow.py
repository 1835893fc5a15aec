"""Tables: what pyarrow, pandas and polars see of found spans and traces."""

from __future__ import annotations

import gc
import os
from datetime import datetime, timezone

import duckdb
import pandas
import polars
import pyarrow
import pytest
from support import SHOP, numbered, span

import tracestore
from tracestore import InvalidArgumentError

BASIC = "trace_id span_id parent_id service name kind status status_message start duration_ns".split()


def test_spans_as_a_table(store):
    table = store.find().spans().to_arrow()
    table.validate(full=True)
    assert table.column_names == [*BASIC, "attributes"]
    assert table.schema.field("start").type == pyarrow.timestamp("ns", "UTC")
    rows = {row["span_id"]: row for row in table.to_pylist()}
    assert len(rows) == 5
    for s in store.trace(SHOP):
        row = rows[s.span_id]
        for name in BASIC:
            if name != "start":
                assert row[name] == getattr(s, name), name
        assert row["start"].value == s.start_ns
        assert dict(row["attributes"]) == {k: str(v) for k, v in s.attributes.items()}


def test_only_the_columns_asked_for(store):
    spans = store.find().spans(columns=["name", "duration_ns"], attributes={"http.status_code": int})
    assert spans.columns == ["name", "duration_ns", "http.status_code"]
    table = spans.to_arrow()
    assert table.column_names == spans.columns
    assert sorted(table["http.status_code"].to_pylist(), key=str) == [500, 500, None, None, None]
    assert store.find().spans(columns=[]).to_arrow().column_names == []


def test_every_column(store):
    from tracestore import _core

    table = store.find().spans(columns=_core.span_columns("spans")).to_arrow()
    table.validate(full=True)
    assert sum(table["event_count"].to_pylist()) == 1
    services = {dict(row)["service.name"] for row in table["resource"].to_pylist()}
    assert services == {"frontend", "checkout", "payment", "cart"}


def test_typed_attributes(store):
    values = [1, "2", 2.5, "x", True, "false", b"\xff\x00", None, [1, {"a": b"b"}], float("nan")]
    store.delete(SHOP)
    store.append([span(i + 1, trace=i + 1, attributes={"v": v}) for i, v in enumerate(values)])
    store.append(span(99, trace=99))

    def column(kind):
        table = store.find().spans(columns=["trace_id"], attributes={"v": kind}).to_arrow()
        table.validate(full=True)
        got = {int(r["trace_id"], 16): r["v"] for r in table.to_pylist()}
        assert got.pop(99) is None
        return [got[i + 1] for i in range(len(values))]

    assert column(int) == [1, 2] + [None] * 8
    assert column(float)[:3] == [1.0, 2.0, 2.5] and column(float)[3:9] == [None] * 6
    assert column(bool) == [None] * 4 + [True, False] + [None] * 4
    assert column(bytes) == [None] * 6 + [b"\xff\x00"] + [None] * 3
    assert column(str) == [
        "1", "2", "2.5", "x", "true", "false", "/wA=", None, '[1,{"a":"Yg=="}]', "NaN",
    ]


def test_ids_as_binary(store):
    table = store.find().spans(columns=["trace_id", "span_id", "parent_id"], ids="binary").to_arrow()
    assert table.schema.field("trace_id").type == pyarrow.binary(16)
    assert table.schema.field("parent_id").type == pyarrow.binary(8)
    assert set(table["trace_id"].to_pylist()) == {bytes.fromhex(SHOP)}
    assert table["parent_id"].null_count == 1


def test_summaries_as_a_table(store):
    table = store.find().to_arrow()
    table.validate(full=True)
    row = table.to_pylist()[0]
    summary = store.find().first()
    assert row["trace_id"] == summary.trace_id
    assert row["duration_ns"] == summary.duration_ns
    assert row["services"] == ["cart", "checkout", "frontend", "payment"]
    assert (row["span_count"], row["error_count"], row["orphan_count"]) == (5, 2, 0)
    small = store.find().table(columns=["trace_id"], ids="binary").to_arrow()
    assert small.to_pylist() == [{"trace_id": bytes.fromhex(SHOP)}]


def test_absent_and_far_times(store):
    store.delete(SHOP)
    store.append([
        span(1, trace=1, start_ns=None, duration=None),
        span(2, trace=2, start_ns=(1 << 64) - 10, duration=None, duration_ns=5),
        span(3, trace=3, start_ns=(1 << 63) - 1, duration=None, duration_ns=0),
        span(4, trace=4, start_ns=0, duration=None, duration_ns=(1 << 63) + 1),
    ])
    spans = store.find().spans(columns=["trace_id", "start", "duration_ns"])
    rows = {int(r["trace_id"], 16): r for r in spans.to_arrow().to_pylist()}
    assert rows[1]["start"] is None and rows[1]["duration_ns"] is None
    assert rows[2]["start"] is None and rows[2]["duration_ns"] == 5
    assert rows[3]["start"].value == (1 << 63) - 1
    assert rows[4]["duration_ns"] is None
    assert spans.times_beyond == 2


def test_text_that_is_no_utf8(tmp_path):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(span(1, attributes={"k": "aXXXz"}))
        message = opened.trace("1").encode("otlp-proto")
        opened.delete_all()
        bad = message.replace(b"aXXXz", b"a\xff\xc3\x28z")
        assert opened.append(bad, "otlp-proto").accepted == 1
        table = opened.find().spans(columns=[], attributes=["k"]).to_arrow()
        table.validate(full=True)
        assert table["k"].to_pylist() == ["a\ufffd\ufffd(z"]
        assert opened.trace("1").root.attributes == {"k": "a\ufffd\ufffd(z"}
        assert opened.trace("1").encode("otlp-proto") == bad


def test_batches_and_limits(tmp_path):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(numbered(range(1, 70_001), trace=lambda i: i % 7000 + 1), "otlp-json")
        opened.seal()
        opened.append([span(i, trace=i) for i in range(100_000, 100_100)])
        found = opened.find()
        reader = pyarrow.RecordBatchReader.from_stream(found.spans(columns=["span_id", "name"]))
        sizes, ids = [], set()
        for batch in reader:
            batch.validate(full=True)
            sizes.append(batch.num_rows)
            ids.update(batch.column("span_id").to_pylist())
        assert sum(sizes) == 70_100 == len(ids) and 8_192 <= max(sizes) <= 65_536
        assert len(sizes) < 20
        assert opened.find(limit=300).to_arrow().num_rows == 300
        assert opened.find(limit=3).spans().to_arrow().num_rows == 3
        assert opened.find(limit=0).spans().to_arrow().num_rows == 0
        assert opened.find(service="nobody").spans().to_arrow().num_rows == 0
        matching = opened.find(operation="op5").spans(matching=True, columns=["name"])
        assert matching.to_arrow()["name"].to_pylist() == ["op5"]
        whole = opened.find(operation="op5").spans(columns=["name"]).to_arrow()
        assert whole.num_rows == 10


def test_a_trace_of_many_spans_comes_in_several_batches(tmp_path):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(numbered(range(1, 70_001)), "otlp-json")
        opened.append([span(i, trace=2) for i in range(1, 11)])
        for _ in range(2):
            spans = opened.find().spans(columns=["span_id"])
            batches = list(pyarrow.RecordBatchReader.from_stream(spans))
            assert sorted(b.num_rows for b in batches)[-1] == 65_536
            assert sum(b.num_rows for b in batches) == 70_010
            opened.seal()


def test_shared_texts_as_dictionaries(tmp_path):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append([
            span(i, trace=i % 500 + 1, service=f"s{i % 3}", kind="server" if i % 2 else "client",
                 events=[{"time_ns": 1, "name": f"e{i % 5}"}])
            for i in range(1, 20_001)
        ])  # fmt: skip
        opened.seal()
        columns = ["span_id", "service", "name", "kind", "status", "status_message"]
        spans = opened.find().spans(columns=columns, dictionaries=True)
        table = spans.to_arrow()
        table.validate(full=True)
        encoded = pyarrow.dictionary(pyarrow.int32(), pyarrow.string())
        assert [f.type == encoded for f in table.schema] == [False, True, True, True, True, False]
        plain = opened.find().spans(columns=columns).to_arrow()
        assert table.sort_by("span_id").to_pylist() == plain.sort_by("span_id").to_pylist()
        assert table["kind"].num_chunks > 1 and len(table["kind"].chunk(0).dictionary) == 2
        frame = spans.to_pandas()
        assert frame.service.dtype == "category" and set(frame.service) == {"s0", "s1", "s2"}
        assert frame.groupby("service", observed=True).size().sum() == 20_000
        assert spans.to_polars()["service"].unique().sort().to_list() == ["s0", "s1", "s2"]
        counts = duckdb.sql("SELECT kind, count(*) FROM spans GROUP BY 1 ORDER BY 1").fetchall()
        assert counts == [("client", 10_000), ("server", 10_000)]
        events = opened.find().events(columns=["name"], dictionaries=True).to_arrow()
        assert events["name"].type == encoded and events.num_rows == 20_000
        traces = opened.find().table(columns=["root_service"], dictionaries=True).to_arrow()
        assert traces["root_service"].type == encoded and traces.num_rows == 500


PARTS = [
    span(1, trace=1, events=[
        {"time_ns": 5, "name": "first", "attributes": {"n": 1, "why": "x"}},
        {"time_ns": (1 << 63) + 5, "name": "late", "attributes": {"n": "2"}},
    ]),
    span(2, 1, trace=1, attributes={"n": 9}, links=[
        {"trace_id": SHOP, "span_id": "b", "attributes": {"n": 7, "why": "retry"}},
        {"trace_id": "2", "span_id": "3"},
    ]),
    span(3, trace=2, service="other"),
]


@pytest.mark.parametrize("sealed", [False, True])
def test_events_as_a_table(tmp_path, sealed):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(PARTS)
        if sealed:
            opened.seal()
        events = opened.find().events()
        table = events.to_arrow()
        table.validate(full=True)
        assert table.column_names == ["trace_id", "span_id", "time", "name", "attributes"]
        assert table.schema.field("time").type == pyarrow.timestamp("ns", "UTC")
        rows = {row["name"]: row for row in table.to_pylist()}
        assert rows["first"]["time"].value == 5 and rows["late"]["time"] is None
        assert events.times_beyond == 1
        assert dict(rows["first"]["attributes"]) == {"n": "1", "why": "x"}
        assert {(r["trace_id"], r["span_id"]) for r in rows.values()} == {(f"{1:032x}", f"{1:016x}")}
        typed = opened.find().events(columns=["name"], attributes={"n": int}, ids="binary")
        assert sorted(typed.to_arrow().to_pylist(), key=str) == [
            {"name": "first", "n": 1}, {"name": "late", "n": 2},
        ]
        assert opened.find(service="other").events().to_arrow().num_rows == 0
        spans = opened.find().spans(columns=["trace_id", "span_id", "service"])
        joined = duckdb.sql("SELECT service, name FROM events JOIN spans USING (trace_id, span_id)")
        assert sorted(joined.fetchall()) == [("tests", "first"), ("tests", "late")]
        assert spans.columns


@pytest.mark.parametrize("sealed", [False, True])
def test_links_as_a_table(tmp_path, sealed):
    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append(PARTS)
        if sealed:
            opened.seal()
        links = opened.find(operation="op2").links(matching=True)
        table = links.to_arrow()
        table.validate(full=True)
        rows = sorted(table.to_pylist(), key=lambda row: row["linked_trace_id"])
        assert [row.pop("attributes") for row in rows] == [[], [("n", "7"), ("why", "retry")]]
        common = {
            "trace_id": f"{1:032x}", "span_id": f"{2:016x}", "type": "link",
            "trace_state": "", "flags": 0,
        }
        assert rows == [
            {**common, "linked_trace_id": f"{2:032x}", "linked_span_id": f"{3:016x}"},
            {**common, "linked_trace_id": SHOP, "linked_span_id": f"{0xB:016x}"},
        ]
        typed = opened.find().links(columns=["linked_span_id"], attributes={"n": int}, ids="binary")
        assert sorted(typed.to_arrow().to_pylist(), key=str) == [
            {"linked_span_id": bytes([0] * 7 + [3]), "n": None},
            {"linked_span_id": bytes([0] * 7 + [0xB]), "n": 7},
        ]
        assert opened.find(operation="op1").links(matching=True).to_arrow().num_rows == 0
        with pytest.raises(InvalidArgumentError, match="linked_span_id"):
            opened.find().links(columns=["parent_id"])
        with pytest.raises(InvalidArgumentError, match="time"):
            opened.find().events(columns=["start"])


def test_tables_outlive_the_store(tmp_path):
    opened = tracestore.open(tmp_path / "s", "a")
    opened.append([span(i, trace=i) for i in range(1, 1000)])
    spans = opened.find().spans()
    table = spans.to_arrow()
    capsule = spans.__arrow_c_stream__()  # nobody takes it
    reader = pyarrow.RecordBatchReader.from_stream(spans)
    opened.close()
    del opened, spans, capsule
    gc.collect()
    assert sorted(table["name"].to_pylist()) == sorted(f"op{i}" for i in range(1, 1000))
    assert reader.read_all().num_rows == 999


def test_tables_keep_no_file_of_the_store(tmp_path):
    def files():
        links = (os.path.join("/proc/self/fd", fd) for fd in os.listdir("/proc/self/fd"))
        return sum(str(tmp_path) in os.readlink(link) for link in links if os.path.islink(link))

    with tracestore.open(tmp_path / "s", "a") as opened:
        opened.append([span(i, trace=i) for i in range(1, 1000)])
    opened = tracestore.open(tmp_path / "s")
    spans = opened.find().spans()
    batches = list(pyarrow.RecordBatchReader.from_stream(spans))
    frame = spans.to_polars()
    reader = pyarrow.RecordBatchReader.from_stream(spans)
    opened.close()
    del opened, spans
    gc.collect()
    assert files() > 0  # a stream that isn't read yet keeps its moment
    assert reader.read_all().num_rows == 999
    del reader
    gc.collect()
    assert files() == 0
    assert sum(batch.num_rows for batch in batches) == 999 == frame.height


def test_pandas_and_polars(store):
    spans = store.find().spans(columns=["service", "start", "duration_ns"])
    frame = spans.to_pandas()
    assert isinstance(frame, pandas.DataFrame)
    assert frame.groupby("service").duration_ns.max()["frontend"] == 120_000_000
    assert frame.start.min() == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    frame = spans.to_polars()
    assert frame.filter(polars.col("service") == "cart").height == 1
    assert store.find().spans().to_polars().height == 5
    assert store.find().to_polars().height == 1


def test_duckdb_by_name(store):
    spans = store.find().spans(columns=["service", "duration_ns"])
    assert spans.columns
    rows = duckdb.sql("SELECT service, count(*) FROM spans GROUP BY 1 ORDER BY 1").fetchall()
    assert rows == [("cart", 1), ("checkout", 1), ("frontend", 2), ("payment", 1)]


def test_errors_come_through_the_stream(store):
    spans = store.find(timeout=0.0).spans()
    with pytest.raises(OSError, match="deadline"):
        spans.to_arrow()


WRONG = {
    "column": dict(columns=["colour"]),
    "columns": dict(columns="name"),
    "columns type": dict(columns=[5]),
    "attributes": dict(attributes="key"),
    "attribute type": dict(attributes={"key": list}),
    "attribute key": dict(attributes=[5]),
    "ids": dict(ids="octal"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_refuses(store, wrong):
    with pytest.raises(InvalidArgumentError) as caught:
        store.find().spans(**WRONG[wrong])
    assert len(str(caught.value)) > 10


def test_summaries_refuse(store):
    for wrong in (["colour"], "trace_id"):
        with pytest.raises(InvalidArgumentError):
            store.find().table(columns=wrong)


def test_files_as_a_table():
    from support import DATA

    table = tracestore.read(DATA / "shop.zipkin.json").find().spans().to_arrow()
    assert table.num_rows == 5
