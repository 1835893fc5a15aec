"""Random spans as dicts: what is appended is what comes back, through every way out."""

from __future__ import annotations

import math
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import span

import tracestore
from tracestore import _core

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
SCALARS = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT | st.binary(max_size=8)
    | st.floats(allow_nan=False)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NAMES = TEXT.filter(lambda key: key not in ("", "service.name"))
ATTRIBUTES = st.dictionaries(NAMES, VALUES, max_size=4)
TIMES = st.integers(1, 2**63 - 1)
SPAN = st.fixed_dictionaries(
    {
        "name": TEXT,
        "service": TEXT,
        "kind": st.sampled_from("unspecified internal server client producer consumer".split()),
        "status": st.sampled_from(["unset", "ok", "error"]),
        "status_message": TEXT,
        "start_ns": TIMES,
        "duration_ns": st.integers(0, 2**62),
        "attributes": ATTRIBUTES,
        "resource": ATTRIBUTES,
        "scope_name": TEXT,
        "scope_version": TEXT,
        "trace_state": TEXT,
        "flags": st.sampled_from([0, 1, 0x100, 0x301]),
        "events": st.lists(
            st.fixed_dictionaries({"time_ns": TIMES, "name": TEXT, "attributes": ATTRIBUTES}),
            max_size=2,
        ),
        "links": st.lists(
            st.fixed_dictionaries(
                {
                    "trace_id": st.integers(1, 2**128 - 1).map("{:032x}".format),
                    "span_id": st.integers(1, 2**64 - 1).map("{:016x}".format),
                    "attributes": ATTRIBUTES,
                }
            ),
            max_size=2,
        ),
        "parent": st.integers(0, 5),
    }
)
FORMATS = ["otlp-proto", "otlp-json", "jaeger", "jaeger-thrift", "zipkin", "zipkin-proto", None]
PLAIN = "name service kind status status_message start_ns duration_ns scope_name scope_version"


def same(a, b):
    """Equal in value and type, also within."""
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, float):
        return a == b and math.copysign(1, a) == math.copysign(1, b)
    return a == b


def check(got, made):
    for name in [*PLAIN.split(), "trace_state", "flags"]:
        assert getattr(got, name) == made[name], name
    assert same(got.attributes, made["attributes"])
    resource = dict(made["resource"])
    if made["service"]:
        resource["service.name"] = made["service"]
    assert same(got.resource, resource)
    events = [(e.time_ns, e.name) for e in got.events]
    assert events == [(e["time_ns"], e["name"]) for e in made["events"]]
    assert all(same(e.attributes, m["attributes"]) for e, m in zip(got.events, made["events"]))
    links = [(r.trace_id, r.span_id) for r in got.references]
    assert links == [(link["trace_id"], link["span_id"]) for link in made["links"]]


def check_tables(opened, made):
    spans = opened.find().spans(columns=_core.span_columns("spans"))
    table = spans.to_arrow()
    table.validate(full=True)
    rows = {row["span_id"]: row for row in table.to_pylist()}
    assert len(rows) == len(made)
    for number, fields in made.items():
        row = rows[f"{number:016x}"]
        assert row["name"] == fields["name"] and row["duration_ns"] == fields["duration_ns"]
        assert row["start"].value == fields["start_ns"]
        assert [key for key, _ in row["attributes"]] == list(fields["attributes"])
        assert row["event_count"] == len(fields["events"])


@settings(max_examples=60, deadline=None)
@given(st.lists(SPAN, min_size=1, max_size=6), st.booleans())
def test_dicts_come_back(spans, seal):
    made = {}
    for number, fields in enumerate(spans, 1):
        made[number] = span(number, **{k: v for k, v in fields.items() if k != "parent"}, duration=None)
        if fields["parent"]:
            made[number]["parent_id"] = f"{fields['parent']:016x}"
    with tempfile.TemporaryDirectory() as folder:
        with tracestore.open(folder + "/a", "w", sync="off") as opened:
            result = opened.append(made.values())
            assert (result.accepted, result.rejected) == (len(made), 0), result.first_error
            if seal:
                opened.seal()
            trace = opened.trace("1")
            assert len(trace) == len(made)
            for number, fields in made.items():
                check(trace[f"{number:x}"], fields)
            check_tables(opened, made)
            assert str(trace) and trace._repr_html_()
            encoded = {format: trace.encode(format) for format in ("otlp-proto", "otlp-json")}
        for format, message in encoded.items():
            with tracestore.open(f"{folder}/{format}", "w", sync="off") as copy:
                copy.append(message, format)
                for number, fields in made.items():
                    check(copy.trace("1")[f"{number:x}"], fields)


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=200), format=st.sampled_from(FORMATS))
def test_any_bytes_give_a_result_or_a_sentence(scratch, data, format):
    try:
        assert scratch.append(data, format).accepted >= 0
    except tracestore.InvalidArgumentError as error:
        assert str(error)


@pytest.fixture(scope="module")
def scratch():
    with tempfile.TemporaryDirectory() as folder:
        with tracestore.open(folder, "a", sync="off") as opened:
            yield opened
