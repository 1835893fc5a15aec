"""Every parameter of every entry point gets what it isn't made for: an answer, or a sentence."""

from __future__ import annotations

import inspect
from datetime import datetime, timedelta

import pytest
from support import DATA, SHOP, span

import tracestore
from tracestore import Error
from tracestore.opentelemetry import StoreSpanExporter
from tracestore.testing import TraceReceiver, assert_span

VALUES = [
    None, True, -1, 7, 1 << 70, 1.5, float("nan"), "", "zz", "a\0b", "\ud800", b"", b"\xff", [], {},
    [object()], [None], {1: 2}, {"a": object()}, object(), print, timedelta(days=-1),
    timedelta(days=999_999_999), datetime(1, 1, 1), "otlp-json", SHOP,
]  # fmt: skip


def use(result):
    """What is lazy is read."""
    if isinstance(result, tracestore.Table):
        next(iter(result), None) if hasattr(result, "__iter__") else None
        result.__arrow_c_stream__()
        repr(result)
    elif inspect.isgenerator(result):
        next(result, None)


def try_all(call, **right):
    """Calls with the right arguments, then with each of them wrong in each way."""
    use(call(**right))
    parameters = inspect.signature(call).parameters.values()
    names = [p.name for p in parameters if p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)]
    assert set(right) <= set(names)
    refused = 0
    for name in names:
        for value in VALUES:
            try:
                use(call(**{**right, name: value}))
            except Error as error:
                sentence = str(error)
                assert len(sentence) > 10 and "\n" not in sentence, (name, value, sentence)
                refused += 1
            except BaseException as error:
                raise AssertionError(f"{name}={value!r}: {error!r}") from error
    assert refused > 0 or not names


READER = {
    "find": {}, "trace": {"trace_id": SHOP}, "services": {}, "operations": {}, "keys": {},
    "values": {"key": "k"}, "dependencies": {}, "metrics": {}, "stats": {},
}  # fmt: skip
FOUND = ["spans", "events", "links", "table", "traces", "ids", "first", "count"]
TRACE = {"critical_path": {}, "spans_with_id": {"span_id": "1"}, "encode": {"format": "jaeger"},
         "draw": {}, "__contains__": {"span": "1"}}  # fmt: skip
STORE = {
    "append": {"data": b"{}", "format": "otlp-json"}, "delete": {"trace_ids": "1"},
    "archive": {"trace_ids": "1"}, "compact": {}, "snapshot": {}, "verify": {}, "sync": {}, "seal": {},
}  # fmt: skip


@pytest.mark.parametrize("name", READER)
def test_questions(store, name):
    try_all(getattr(store, name), **READER[name])


@pytest.mark.parametrize("name", FOUND)
def test_what_is_found(store, name):
    try_all(getattr(store.find(), name))


@pytest.mark.parametrize("name", TRACE)
def test_a_trace(store, name):
    try_all(getattr(store.trace(SHOP), name), **TRACE[name])


@pytest.mark.parametrize("name", STORE)
def test_a_store(store, name):
    try_all(getattr(store, name), **STORE[name])
    assert store.verify().sound


@pytest.mark.parametrize("name", ["find", "delete", "archive"])
def test_queries(store, name):
    for parameter in inspect.signature(store.find).parameters:
        for value in VALUES:
            try:
                use(getattr(store, name)(**{parameter: value}))
            except Error as error:
                assert "\n" not in str(error)
            except BaseException as error:
                raise AssertionError(f"{parameter}={value!r}: {error!r}") from error


FIELDS = """trace_id span_id parent_id name service kind status status_message start start_ns duration
    duration_ns attributes resource scope_name scope_version events links trace_state
    flags""".split()


@pytest.mark.parametrize("field", FIELDS)
def test_fields_of_a_span(store, field):
    for value in VALUES:
        items = [{name: value} for name in ("name", "time_ns", "trace_id")]
        for part in (value, *([item] for item in items), {"a": value}):
            try:
                assert store.append(span(1, **{field: part})).accepted <= 1
            except Error as error:
                assert "\n" not in str(error) and len(str(error)) > 10
            except BaseException as error:
                raise AssertionError(f"{field}={part!r}: {error!r}") from error
    assert len(store.trace(SHOP)) >= 5 and store.verify().sound


def test_getting_a_span_of_a_trace(store):
    trace = store.trace(SHOP)
    for value in VALUES:
        with pytest.raises(Error):
            trace[value]


def test_opening(monkeypatch, tmp_path, shop):
    monkeypatch.chdir(tmp_path)  # a path may be any text

    def open_it(**arguments):
        tracestore.open(**arguments).close()

    open_it.__signature__ = inspect.signature(tracestore.open)
    open_it(path="s", mode="a")
    try_all(open_it, path="s")
    try_all(open_it, path="s", mode="a")
    try_all(tracestore.read, files=DATA / "shop.otlp.json")


def test_exporter_and_receiver(store):
    with pytest.raises(Error, match="path"):
        StoreSpanExporter(5)
    with pytest.raises(Error, match="path"):
        TraceReceiver(5)
    with TraceReceiver() as receiver:
        receiver.take((DATA / "shop.otlp.json").read_bytes(), "otlp-json")
        for wrong in (dict(spans="x"), dict(timeout="x"), dict(service=5), dict(limit=-1)):
            with pytest.raises(Error):
                receiver.wait_for_trace(**wrong)
        trace = receiver.wait_for_trace()
        with pytest.raises(TypeError):
            assert_span(trace, colour="red")
