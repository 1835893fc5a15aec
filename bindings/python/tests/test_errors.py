"""Bad input at each entry point: an exception with a sentence, never a crash."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from support import DATA, SHOP, span

import tracestore
from tracestore import (
    BusyError,
    CancelledError,
    InvalidArgumentError,
    IoError,
    NotFoundError,
    UnsupportedError,
)


CALLS = {
    "find": lambda s: s.find(),
    "trace": lambda s: s.trace(SHOP),
    "services": lambda s: s.services(),
    "operations": lambda s: s.operations(),
    "keys": lambda s: s.keys(),
    "values": lambda s: s.values("k"),
    "dependencies": lambda s: s.dependencies(),
    "metrics": lambda s: s.metrics(),
    "stats": lambda s: s.stats(),
    "snapshot": lambda s: s.snapshot(),
    "append": lambda s: s.append(span(1)),
    "delete": lambda s: s.delete(SHOP),
    "delete_all": lambda s: s.delete_all(),
    "archive": lambda s: s.archive(SHOP),
    "compact": lambda s: s.compact(),
    "verify": lambda s: s.verify(),
    "sync": lambda s: s.sync(),
    "seal": lambda s: s.seal(),
    "enter": lambda s: s.__enter__(),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_closed_store_says_so(store, call):
    store.close()
    store.close()
    with pytest.raises(InvalidArgumentError, match="the store is closed"):
        CALLS[call](store)


WRONG = {
    "service": dict(service=1),
    "operation": dict(operation=b"x"),
    "tags": dict(tags=[("a", "b")]),
    "tag key": dict(tags={1: "b"}),
    "tag value": dict(tags={"a": b"b"}),
    "duration number": dict(min_duration=10),
    "duration text": dict(min_duration="10 parsecs"),
    "duration negative": dict(max_duration=timedelta(seconds=-1)),
    "duration twice": dict(min_duration="1s", min_duration_ns=1),
    "duration_ns": dict(min_duration_ns=1.5),
    "where": dict(where="service = "),
    "where type": dict(where=1),
    "start naive": dict(start=datetime(2024, 1, 1)),
    "start text": dict(start="yesterday"),
    "start day": dict(start="2024-02-31T00:00:00Z"),
    "start negative": dict(start=-1),
    "end bool": dict(end=True),
    "end huge": dict(end=1 << 64),
    "limit": dict(limit=-1),
    "limit type": dict(limit="3"),
    "order": dict(order="oldest"),
    "order type": dict(order=1),
    "timeout": dict(timeout="1"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_find_refuses(store, wrong):
    with pytest.raises(InvalidArgumentError) as caught:
        store.find(**WRONG[wrong])
    assert len(str(caught.value)) > 10


WRONG_DATA = {
    "None": None,
    "number": 5,
    "text": "text",
    "no bytes": b"",
    "no format": b"hello",
    "half json": b'{"resourceSpans":[{',
    "list of numbers": [1],
    "unknown field": {"trace_id": "1", "span_id": "1", "colour": "red"},
    "attributes": span(1, attributes=[1]),
    "attribute key": span(1, attributes={1: 1}),
    "attribute type": span(1, attributes={"a": object()}),
    "big integer": span(1, attributes={"a": 1 << 63}),
    "kind": span(1, kind="boss"),
    "name": span(1, name=5),
    "events": span(1, events=[5]),
    "links": span(1, links="x"),
    "flags": span(1, flags=-1),
    "start": span(1, start_ns="now"),
    "duration without start": {"trace_id": "1", "span_id": "1", "duration": "1s"},
}


@pytest.mark.parametrize("wrong", WRONG_DATA)
def test_append_refuses(store, wrong):
    with pytest.raises(InvalidArgumentError) as caught:
        store.append(WRONG_DATA[wrong])
    assert len(str(caught.value)) > 10
    assert store.find().count() == 1


def test_append_refuses_values_too_deep(store):
    value = []
    for _ in range(60):
        value = [value]
    with pytest.raises(InvalidArgumentError, match="deeper"):
        store.append(span(1, attributes={"a": value}))


def test_append_refuses_formats(store):
    with pytest.raises(InvalidArgumentError, match="otlp-json"):
        store.append(b"{}", "xml")
    with pytest.raises(InvalidArgumentError):
        store.append(b"{}", 5)
    with pytest.raises(InvalidArgumentError):
        store.append(span(1), "otlp-json")


def test_every_truncation_of_a_message(store):
    whole = (DATA / "shop.otlp.json").read_bytes()
    proto = store.trace(SHOP).encode("otlp-proto")
    for cut in range(0, len(whole), 7):
        with pytest.raises(InvalidArgumentError):
            store.append(whole[:cut].rstrip(), "otlp-json")
    for cut in range(1, len(proto), 3):
        try:
            assert store.append(proto[:cut], "otlp-proto").accepted <= 5
        except InvalidArgumentError:
            pass


def test_ids_are_checked(store):
    for wrong in ("xyz", "", "1" * 33, 5, None, b"abc"):
        with pytest.raises(InvalidArgumentError):
            store.trace(wrong)
        with pytest.raises(InvalidArgumentError):
            store.delete([wrong])
    with pytest.raises(InvalidArgumentError):
        store.trace(SHOP)["xyz"]
    with pytest.raises(InvalidArgumentError):
        store.trace(SHOP)[5]
    assert store.trace(bytes.fromhex(SHOP)).trace_id == SHOP
    with pytest.raises(InvalidArgumentError, match="which traces"):
        store.delete()
    with pytest.raises(InvalidArgumentError, match="not both"):
        store.delete(SHOP, service="x")


def test_encode_refuses(store):
    with pytest.raises(InvalidArgumentError):
        store.trace(SHOP).encode("xml")


def test_open_refuses(tmp_path, store):
    with pytest.raises(NotFoundError, match="there is no store"):
        tracestore.open(tmp_path / "nowhere")
    with pytest.raises(BusyError):
        tracestore.open(store.path, "a")
    for wrong in (5, None, b"bytes", "a\0b"):
        with pytest.raises(InvalidArgumentError):
            tracestore.open(wrong)
    with pytest.raises(InvalidArgumentError, match="mode"):
        tracestore.open(tmp_path / "x", "rw")
    with pytest.raises(InvalidArgumentError, match="sync"):
        tracestore.open(tmp_path / "x", "a", sync="often")
    with pytest.raises(InvalidArgumentError):
        tracestore.open(tmp_path / "x", "a", retention_age=timedelta(seconds=1))
    with pytest.raises(InvalidArgumentError):
        tracestore.open(tmp_path / "x", "a", retention_bytes=-1)
    (tmp_path / "file").write_text("x")
    with pytest.raises((IoError, NotFoundError)):
        tracestore.open(tmp_path / "file")


def test_a_reader_does_not_write(store):
    with tracestore.open(store.path) as reader:
        for call in ("append", "compact", "seal"):
            with pytest.raises(InvalidArgumentError):
                CALLS[call](reader)


def test_read_refuses(tmp_path):
    bad = tmp_path / "bad.json"
    bad.write_bytes(b"{]")
    with pytest.raises(NotFoundError, match="there is no file"):
        tracestore.read(tmp_path / "missing")
    with pytest.raises(IoError):
        tracestore.read(tmp_path)
    with pytest.raises(InvalidArgumentError, match="bad.json"):
        tracestore.read([DATA / "two.jsonl", bad])
    for wrong in ([], 5, b"x", [5]):
        with pytest.raises(InvalidArgumentError):
            tracestore.read(wrong)


def test_classes_fit_pythons_own():
    assert issubclass(NotFoundError, LookupError) and issubclass(IoError, OSError)
    assert issubclass(InvalidArgumentError, ValueError)
    for kind in (BusyError, CancelledError, UnsupportedError, NotFoundError, IoError):
        assert issubclass(kind, tracestore.Error)


def test_timeouts(store):
    with pytest.raises(CancelledError, match="deadline"):
        list(store.find(timeout=0.0))
    with pytest.raises(CancelledError):
        store.services(timeout=0)
    with pytest.raises(InvalidArgumentError):
        store.services(timeout=-1)
    assert store.services(timeout=1e300)
