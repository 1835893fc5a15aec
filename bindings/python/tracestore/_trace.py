"""Trace: the spans of one trace as a tree and a graph."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, Optional, Union

from . import _core, _draw
from ._check import needed_text, span_or_none, whole
from ._errors import InvalidArgumentError

if TYPE_CHECKING:
    import networkx


class PathPart(NamedTuple):
    """A stretch of time and the span that the trace waited for; Unix nanoseconds."""

    span: _core.Span
    begin_ns: int
    end_ns: int

    @property
    def duration_ns(self) -> int:
        """Nanoseconds."""
        return self.end_ns - self.begin_ns


class TraceWarning(NamedTuple):
    """What is odd about a span: several of one id, a cycle that was cut, a clock that disagrees."""

    span_id: str
    text: str


class Trace:
    """All spans of one trace (or of a subtree), assembled; read only. Equal spans count once.

    Iterating gives the spans, each before its children; `trace["00f067aa0ba902b7"]` the one of an
    id. Rules of roots, parents and times: docs/format/semantics.md, "Trace".
    """

    def __init__(self, core: _core.TraceCore) -> None:
        self._core = core

    @property
    def summary(self) -> _core.TraceSummary:
        """Root, times and counts."""
        return self._core.summary

    @property
    def trace_id(self) -> str:
        """32 lower-case hexadecimal digits."""
        return self._core.summary.trace_id

    @property
    def spans(self) -> list[_core.Span]:
        """All spans, each before its children."""
        return self._core.spans

    @property
    def root(self) -> _core.Span:
        """The trace's root; its own parent may be missing."""
        return self._core.root

    @property
    def roots(self) -> list[_core.Span]:
        """Spans whose parent isn't in the trace, or that name none."""
        return self._core.roots

    @property
    def missing_parents(self) -> list[str]:
        """Ids of spans that others name as their parent and that aren't in the trace."""
        return self._core.missing_parents

    @property
    def warnings(self) -> list[TraceWarning]:
        """What is odd, by span."""
        return [TraceWarning(*warning) for warning in self._core.warnings]

    @property
    def start_ns(self) -> Optional[int]:
        """Unix nanoseconds of the earliest start; None where no span has one."""
        return self._core.summary.start_ns

    @property
    def duration_ns(self) -> Optional[int]:
        """Nanoseconds from the earliest start to the latest end."""
        return self._core.summary.duration_ns

    def critical_path(self, top: Optional[_core.Span] = None) -> list[PathPart]:
        """What the trace (or the span `top`) waited for, by time: parts that don't overlap and
        together are the whole of it. Empty where `top` has no start.

        Raises InvalidArgumentError where `top` is a span of another trace.
        """
        return [PathPart(*part) for part in self._core.critical_path(span_or_none(top, "top"))]

    def spans_with_id(self, span_id: str) -> list[_core.Span]:
        """Spans of this id, by start: several where different spans share it."""
        return self._core.spans_with_id(needed_text(span_id, "a span's id"))

    def encode(self, format: str) -> bytes:
        """The spans, each as often as it was stored, as a file of that format: "otlp-json",
        "otlp-proto", "otlp-jsonl", "jaeger", "zipkin", …

        Raises InvalidArgumentError for a name that is none, UnsupportedError for a format that
        this build doesn't write.
        """
        return self._core.encode(needed_text(format, "format"))

    def __len__(self) -> int:
        return len(self._core)

    def __iter__(self) -> Iterator[_core.Span]:
        return iter(self._core.spans)

    def __getitem__(self, span_id: str) -> _core.Span:
        """The span of that id, of several the one that started first. Raises NotFoundError."""
        return self._core.span(needed_text(span_id, "a span's id"))

    def __contains__(self, span: Union[str, _core.Span]) -> bool:
        if isinstance(span, str):
            return bool(self.spans_with_id(span))
        return span in self._core.spans

    def to_networkx(self) -> networkx.DiGraph:
        """The graph: a node for each span, by its place in `spans`, with `span`, `span_id`,
        `service`, `name`, `start_ns`, `duration_ns`, `self_ns` and `status`; an edge from each
        parent in the trace to each child, with `type`. Needs networkx."""
        import networkx

        spans = self.spans
        places = {span: place for place, span in enumerate(spans)}
        graph = networkx.DiGraph(trace_id=self.trace_id)
        for place, span in enumerate(spans):
            graph.add_node(
                place,
                span=span,
                span_id=span.span_id,
                service=span.service,
                name=span.name,
                start_ns=span.start_ns,
                duration_ns=span.duration_ns,
                self_ns=span.self_ns,
                status=span.status,
            )
        for place, span in enumerate(spans):
            for why, _, parent in span.parents:
                if parent is not None:
                    graph.add_edge(places[parent], place, type=why)
        return graph

    def draw(
        self,
        *,
        width: int = 100,
        limit: int = 1000,
        attributes: bool = False,
        ascii: bool = False,
        top: Optional[_core.Span] = None,
    ) -> str:
        """The trace as text, as `tracestore get` prints it: a line for each span, each below its
        parent, beside a timeline in which what the trace waited for is solid.

        `width` in columns, at least 40; at most `limit` spans, 0 for all; with `attributes` also
        those of each span, its events and links; with `ascii` without lines and blocks of Unicode;
        with `top` only that span and what is below it. Raises InvalidArgumentError where `top` is a
        span of another trace.
        """
        columns, rows = whole(width, "width"), whole(limit, "limit")
        if columns is None or rows is None:
            raise InvalidArgumentError("width and limit are whole numbers; a limit of 0 draws all")
        top = span_or_none(top, "top")
        text, left_out = self._core.draw(columns, rows, bool(attributes), bool(ascii), top)
        return text + (f"… and {left_out} more spans\n" if left_out else "")

    def __str__(self) -> str:
        """As draw(), and what is odd."""
        odd = [f"warning: span {w.span_id}: {_draw.one_line(w.text)}" for w in self.warnings[:20]]
        return self.draw() + "\n".join(odd)

    def _repr_html_(self) -> str:
        """A waterfall, for notebooks."""
        return _draw.trace_html(self)

    def __repr__(self) -> str:
        summary = self._core.summary
        return (
            f"<Trace {summary.trace_id} {summary.root_service}: {summary.root_operation},"
            f" {len(self)} spans>"
        )
