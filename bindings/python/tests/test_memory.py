"""Nothing is left behind: Python's blocks stand after many rounds where they stood before."""

from __future__ import annotations

import gc
import sys

import pytest
from support import SHOP

import tracestore

ROUNDS = 100
# What interpreter and imports may still take by then. One leaked object a round would be ROUNDS.
SLACK = ROUNDS // 2


def everything(store):
    trace = store.trace(SHOP)
    for one in trace:
        assert one.resource and one.subtree and one.warnings == []
        assert len(one.attributes) + len(one.events) + len(one.references) >= 1
        assert len(one.parents) + len(one.children) >= 1
    assert str(trace) and trace._repr_html_() and trace.critical_path() and trace.encode("jaeger")
    found = store.find(service="checkout")
    assert list(found) and list(found.ids()) and list(found.spans())
    assert found.spans().__arrow_c_stream__() and found.to_arrow() and found.spans().to_arrow()
    assert store.services() and store.keys() and store.metrics() and store.dependencies()
    for wrong in (
        lambda: store.append(b"x"),
        lambda: store.trace("zz"),
        lambda: store.trace("5"),
        lambda: store.find(where="("),
        lambda: found.spans(columns=["x"]),
        lambda: trace["5"],
    ):
        with pytest.raises(tracestore.Error):
            wrong()


def test_blocks_stay(store):
    for _ in range(20):
        everything(store)
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(ROUNDS):
        everything(store)
    gc.collect()
    assert sys.getallocatedblocks() - before < SLACK
