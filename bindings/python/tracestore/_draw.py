"""A trace as a picture, for people. (As text the library draws it.)"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Optional

from . import _core

if TYPE_CHECKING:
    from ._find import Traces
    from ._trace import Trace

_MOST_ROWS = 1000  # spans that are drawn of one trace
_MOST_DEPTH = 16  # levels that are indented; below, the depth is written

_COLOURS = ("#4c78a8", "#f58518", "#54a24b", "#b279a2", "#9d755d", "#439894", "#d6a400", "#7a7a7a")
_ERROR = "#c4302b"


def duration_text(ns: Optional[int]) -> str:
    """'12.3ms'; '' for None."""
    if ns is None:
        return ""
    for unit, size in (("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000)):
        if abs(ns) >= size:
            return f"{ns / size:.4g}{unit}" if abs(ns) < 1000 * size else f"{ns / size:.0f}{unit}"
    return f"{ns}ns"


def _extent(trace: Trace) -> tuple[int, int]:
    """Begin and length of the timeline, in nanoseconds; spans may have been moved."""
    timed = [span for span in trace.spans if span.start_ns is not None]
    if not timed:
        return 0, 1
    begin = min(span.begin_ns for span in timed)
    return begin, max(max(span.end_ns for span in timed) - begin, 1)


def _title(trace: Trace) -> str:
    summary = trace.summary
    spans = "1 span" if len(trace) == 1 else f"{len(trace)} spans"
    errors = f", {summary.error_count} with errors" if summary.error_count else ""
    took = duration_text(summary.duration_ns)
    return (
        f"{summary.trace_id}  {summary.root_service}: {summary.root_operation}"
        f"  {took + ', ' if took else ''}{spans}{errors}"
    )


def one_line(text: str) -> str:
    """Without what could steer a terminal."""
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def trace_html(trace: Trace) -> str:
    """The same as a table with bars, without scripts and without anything from elsewhere."""
    begin, length = _extent(trace)
    services = sorted({span.service for span in trace.spans})
    colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(services)}
    cell = "padding:1px 8px;border:0;text-align:left;white-space:nowrap"
    rows = []
    for span in trace.spans[:_MOST_ROWS]:
        indent = min(span.depth, _MOST_DEPTH) * 12
        colour = _ERROR if span.status == "error" else colours[span.service]
        bar = ""
        if span.start_ns is not None:
            left = (span.begin_ns - begin) / length * 100
            wide = max((span.end_ns - span.begin_ns) / length * 100, 0.2)
            bar = (
                f'<div style="margin-left:{min(left, 99.8):.2f}%;width:{wide:.2f}%;height:10px;'
                f'background:{colour}"></div>'
            )
        what = f"{escape(span.service)}: <b>{escape(span.name)}</b>"
        rows.append(
            f'<tr title="{escape(span.span_id)}"><td style="{cell};padding-left:{8 + indent}px">'
            f'{what}</td><td style="{cell};text-align:right">'
            f'{escape(duration_text(span.duration_ns))}</td>'
            f'<td style="width:50%;padding:1px 8px;border:0"><div style="overflow:hidden">{bar}'
            "</div></td></tr>"
        )
    more = len(trace) - _MOST_ROWS
    rest = f"<p>… and {more} more spans</p>" if more > 0 else ""
    warnings = "".join(
        f"<li>span {escape(w.span_id)}: {escape(w.text)}</li>" for w in trace.warnings[:20]
    )
    return (
        f'<div style="font-family:sans-serif;font-size:12px"><p>{escape(_title(trace))}</p>'
        f'<table style="width:100%;border-collapse:collapse">{"".join(rows)}</table>{rest}'
        + (f"<ul>{warnings}</ul>" if warnings else "")
        + "</div>"
    )


def summaries_html(traces: Traces) -> str:
    """The first traces of an answer as a table."""
    shown = 20
    rows = []
    more = False
    for number, summary in enumerate(traces):
        if number == shown:
            more = True
            break
        cells = (
            summary.trace_id,
            "" if summary.start is None else summary.start.isoformat(sep=" "),
            duration_text(summary.duration_ns),
            summary.root_service,
            summary.root_operation,
            str(summary.span_count),
            str(summary.error_count),
        )
        rows.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    names = ("trace", "start (UTC)", "duration", "service", "operation", "spans", "errors")
    head = "".join(f"<th>{name}</th>" for name in names)
    rest = "<p>… and more</p>" if more else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{rest}"
