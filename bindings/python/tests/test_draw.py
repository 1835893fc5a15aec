"""A trace for people, and as a graph of networkx."""

from __future__ import annotations

from html.parser import HTMLParser

import networkx
import pytest
from support import SHOP, span

from tracestore import InvalidArgumentError


class Checker(HTMLParser):
    """Every tag is closed in its order; what is written between them."""

    def __init__(self, html):
        super().__init__()
        self.open, self.text, self.tags = [], [], []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


def test_text(store):
    trace = store.trace(SHOP)
    lines = str(trace).splitlines()
    assert lines[0] == f"trace {SHOP}  frontend GET /cart"
    assert lines[1].endswith("120ms, 5 spans, 4 services, 2 errors")
    assert lines[3].split() == ["0", "60ms", "120ms"]
    rows = lines[4:]
    assert rows[0].startswith("✗ frontend GET /cart") and rows[0].endswith("█│")
    assert rows[3].startswith("│     └─ payment charge")
    assert len(rows) == 5 and {len(row) for row in rows} == {100}
    assert str(trace) == trace.draw()


def test_drawing_as_asked(store):
    trace = store.trace(SHOP)
    narrow = trace.draw(width=50, ascii=True)
    assert narrow.replace("…", "").isascii()
    assert max(map(len, narrow.splitlines()[3:])) <= 50
    assert "… and 3 more spans" in trace.draw(limit=2)
    below = trace.draw(top=trace["00f067aa0ba902b3"]).splitlines()[4:]
    assert below[0].startswith("✗ checkout POST /checkout ") and "payment charge " in below[1]
    assert len(below) == 2
    assert "http.method = POST" in trace.draw(attributes=True)
    store.append(span(1))
    other = store.trace("1").root
    for wrong in (
        dict(width=-1), dict(width="5"), dict(limit=True), dict(limit=1.5), dict(top="x"),
        dict(top=other), dict(width=1 << 70),
    ):
        with pytest.raises(InvalidArgumentError):
            trace.draw(**wrong)


def test_html_is_well_formed_and_escaped(store):
    store.append(span(1, name="<script>alert('x')</script>", service='a"&b'))
    page = Checker(store.trace("1")._repr_html_())
    assert "script" not in page.tags
    assert "<script>alert('x')</script>" in page.text
    listed = Checker(store.find()._repr_html_())
    assert listed.tags.count("tr") == 3 and "script" not in listed.tags
    assert "frontend" in listed.text


def test_odd_traces_are_drawn(store):
    store.append([span(i, i - 1, trace=7) for i in range(1, 1500)])
    store.append([span(1, trace=8, start_ns=None, duration=None, name="line\nbreak")])
    store.append([span(2, 1, trace=9), span(2, 1, trace=9, name="other")])
    for trace in store.find().traces():
        text = str(trace)
        Checker(trace._repr_html_())
        assert len(text.splitlines()) <= 1030
    assert "and 499 more spans" in str(store.trace("7"))
    assert "(30) tests op31 " in str(store.trace("7"))
    assert len(str(store.trace("8")).splitlines()) == 5 and "line break" in str(store.trace("8"))
    assert "warning: span 0000000000000002" in str(store.trace("9"))


def test_networkx(store):
    store.append([span(2, 1), span(1), span(3, 1, links=[{"trace_id": f"{1:032x}", "span_id": "2"}])])
    graph = store.trace("1").to_networkx()
    assert networkx.is_directed_acyclic_graph(graph)
    names = [(graph.nodes[a]["name"], graph.nodes[b]["name"], t) for a, b, t in graph.edges(data="type")]
    assert sorted(names) == [("op1", "op2", "child_of"), ("op1", "op3", "child_of")]
    assert graph.graph["trace_id"] == f"{1:032x}"
    assert len(store.trace(SHOP).to_networkx()) == 5
