"""A trace as a tree and a graph, and its spans."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone

import pytest
from support import FORMATS, SHOP, numbered, span

import tracestore
from tracestore import InvalidArgumentError, NotFoundError

ROOT = "00f067aa0ba902b1"


@pytest.fixture
def trace(store):
    return store.trace(SHOP)


def test_tree(trace):
    root = trace.root
    assert (root.name, root.service, root.kind, root.status) == (
        "GET /cart", "frontend", "server", "error",
    )
    assert root.status_message == "upstream failed"
    assert root.parent is None and root.depth == 0 and root.parent_id is None
    assert [child.name for child in root.children] == ["POST /checkout", "GET"]
    child = root.children[0]
    assert child.parent == root and child.parent_id == ROOT
    assert child.parents == [("child_of", ROOT, root)]
    assert [s.name for s in child.subtree] == ["POST /checkout", "POST /checkout", "charge"]
    assert [s.depth for s in trace] == [0, 1, 2, 3, 1]
    assert len(trace) == 5 and trace.roots == [root] and trace.warnings == []
    assert trace[ROOT] == root and ROOT in trace and "b" not in trace and root in trace
    assert len({s for s in trace} | {root}) == 5
    assert root != None and trace.summary != None and root != 5 and None not in [root]  # noqa: E711


def test_times(trace):
    root = trace.root
    assert root.start_ns == 1_700_000_000_000_000_000 == trace.start_ns
    assert root.start == datetime(2023, 11, 14, 22, 13, 20, tzinfo=timezone.utc)
    assert root.duration_ns == 120_000_000 == trace.duration_ns
    assert root.self_ns == 120_000_000 - 100_000_000 - 8_000_000
    path = trace.critical_path()
    assert sum(part.duration_ns for part in path) == root.duration_ns
    assert path[0].span == root and path[0].begin_ns == root.start_ns
    below = trace.critical_path(trace["00f067aa0ba902b3"])
    assert {part.span.name for part in below} == {"POST /checkout", "charge"}


def test_attributes_and_events(store):
    values = {
        "text": "ü", "yes": True, "n": -(2**63), "x": 0.5, "raw": b"\x00\xff", "none": None,
        "list": [1, "a", [2.5, {"k": b"v"}], None], "map": {"a": {"b": [True]}, "c": 1},
    }
    store.append(
        span(
            1, attributes=values, resource={"host": "h"}, scope_name="lib", scope_version="2",
            events=[{"time_ns": 5, "name": "log", "attributes": {"line": 1}}],
            links=[{"trace_id": SHOP, "span_id": ROOT, "attributes": {"why": "retry"}}],
            trace_state="a=b", flags=1, kind="client", status="ok",
        )
    )
    got = store.trace("1").root
    assert got.attributes == values
    assert got.attribute_items() == list(values.items())
    assert got.resource == {"host": "h", "service.name": "tests"}
    assert (got.scope_name, got.scope_version, got.scope_attributes) == ("lib", "2", {})
    event = got.events[0]
    assert (event.time_ns, event.name, event.attributes) == (5, "log", {"line": 1})
    reference = got.references[0]
    assert (reference.type, reference.trace_id, reference.span_id) == ("link", SHOP, ROOT)
    assert reference.attributes == {"why": "retry"}
    assert (reference.trace_state, reference.flags) == ("", 0)
    assert (got.trace_state, got.flags, got.kind, got.status) == ("a=b", 1, "client", "ok")


def test_missing_parents_copies_and_warnings(store):
    store.append([span(1), span(2, 1), span(2, 1), span(2, 1, name="other"), span(3, 99)])
    trace = store.trace("1")
    assert trace.missing_parents == [f"{99:016x}"]
    assert [s.name for s in trace.roots] == ["op1", "op3"]
    orphan = trace["3"]
    assert orphan.parent is None and orphan.parents == [("child_of", f"{99:016x}", None)]
    same = trace.spans_with_id("2")
    assert {(s.name, s.copies) for s in same} == {("op2", 2), ("other", 1)}
    assert trace.warnings and trace.warnings[0].span_id == f"{2:016x}"
    assert same[0].warnings


def test_subtree_is_read_alone(store):
    sub = store.trace(SHOP, span="00f067aa0ba902b3")
    assert [s.name for s in sub] == ["POST /checkout", "charge"]


def test_clock_skew(store):
    spans = [
        span(1, start_ns=1_000, duration_ns=100, duration=None, resource={"host.name": "a"}),
        span(2, 1, start_ns=500, duration_ns=50, duration=None, resource={"host.name": "b"}),
    ]
    store.append(spans)
    assert store.trace("1")["2"].begin_ns == 500
    for skew in (dict(max_skew="1s"), dict(max_skew=timedelta(seconds=1)), dict(max_skew_ns=10**9)):
        for trace in (store.trace("1", **skew), next(store.find(service="tests").traces(**skew))):
            moved = trace["2"]
            assert (moved.begin_ns, moved.end_ns, moved.start_ns) == (1025, 1075, 500)


def test_span_without_start_or_duration(store):
    store.append([span(1, start_ns=None, duration=None)])
    root = store.trace("1").root
    assert root.start is None and root.start_ns is None and root.duration_ns is None
    assert store.trace("1").start_ns is None and store.trace("1").critical_path() == []


@pytest.mark.parametrize("format", FORMATS)
def test_encoders_give_what_decoders_take(store, tmp_path, format):
    encoded = store.trace(SHOP).encode(format)
    with tracestore.open(tmp_path / "copy", "a") as copy:
        assert copy.append(encoded, format).accepted == 5
        names = [[s.name.lower() for s in x.trace(SHOP)] for x in (copy, store)]
        assert names[0] == names[1]  # Zipkin's are lower case
        again = copy.trace(SHOP).encode(format)
        with tracestore.open(tmp_path / "again", "a") as third:
            assert third.append(again, format).accepted == 5
    if format == "jaeger":
        assert json.loads(encoded)["data"][0]["traceID"] == SHOP


def test_deep_chain(store):
    store.append(numbered(range(1, 20_001), parent=lambda i: i - 1), "otlp-json")
    trace = store.trace("1")
    assert trace.spans[-1].depth == 19_999
    assert len(trace.root.subtree) == 20_000


def test_spans_outlive_their_store(store):
    root = store.trace(SHOP).root
    event = store.trace(SHOP)["00f067aa0ba902b3"].events[0]
    store.close()
    del store
    assert root.children[0].name == "POST /checkout"
    assert event.name


def test_spans_alone_say_so(store):
    alone = next(iter(store.find().spans()))
    with pytest.raises(InvalidArgumentError, match="without its trace"):
        alone.children
    assert alone.trace_id == SHOP


def test_what_is_not_there(store, trace):
    with pytest.raises(NotFoundError, match="there is no trace"):
        store.trace("abc")
    with pytest.raises(NotFoundError, match="there is no span"):
        trace["abc"]
    with pytest.raises(NotFoundError):
        store.trace(SHOP, span="1")
    other = store.append(span(1)) and store.trace("1").root
    with pytest.raises(InvalidArgumentError, match="another trace"):
        trace.critical_path(other)


def test_reprs(store, trace):
    assert SHOP in repr(trace) and "frontend" in repr(trace.summary)
    assert "GET /cart" in repr(trace.root)
    assert "Store" in repr(store) and "Traces" in repr(store.find(limit=3))
