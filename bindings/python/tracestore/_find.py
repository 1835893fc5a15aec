"""What find() gives: traces that are looked for when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Optional

from . import _core
from ._errors import InvalidArgumentError
from ._trace import Trace

_PAGE = 128  # traces that are looked for at once


def checked_limit(limit: Optional[int]) -> Optional[int]:
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise InvalidArgumentError("limit is None or a whole number, not negative")
    return limit


class Traces:
    """Traces that match, in the query's order; nothing is read before it is asked for.

    Iterating gives a TraceSummary each, page by page. It can be iterated any number of times, and
    gives the same each time: it stands on one moment of the store, whose files it keeps open.
    """

    def __init__(
        self,
        snapshot: _core.SnapshotCore,
        query: _core.Query,
        limit: Optional[int],
        timeout: Optional[float],
    ) -> None:
        self._snapshot = snapshot
        self._query = query
        self._limit = limit
        self._timeout = timeout

    def _sizes(self) -> Iterator[int]:
        """How many traces each page has; the last one where there is a limit may have less."""
        if self._limit is None:
            while True:
                yield _PAGE
        for begin in range(0, self._limit, _PAGE):
            yield min(_PAGE, self._limit - begin)

    def __iter__(self) -> Iterator[_core.TraceSummary]:
        cursor = ""
        for size in self._sizes():
            summaries, cursor = self._snapshot.summaries(self._query, size, cursor, self._timeout)
            yield from summaries
            if not cursor:
                return

    def ids(self) -> Iterator[str]:
        """The traces' ids, 32 hexadecimal digits each."""
        cursor = ""
        for size in self._sizes():
            ids, cursor = self._snapshot.find(self._query, size, cursor, self._timeout)
            yield from ids
            if not cursor:
                return

    def traces(self, *, max_skew: Optional[str] = None) -> Iterator[Trace]:
        """The traces themselves, one at a time. `max_skew` as in `trace()`."""
        from ._time import duration_ns

        skew_ns = duration_ns(max_skew, "max_skew") or 0
        for trace_id in self.ids():
            yield Trace(self._snapshot.trace(trace_id, None, skew_ns, self._timeout))

    def spans(self, *, matching: bool = False) -> Iterator[_core.Span]:
        """The spans of these traces, equal ones once; trace after trace of a page, in no order
        within it. With `matching` only those that satisfy one of the query's conditions on a span.
        """
        cursor = ""
        for size in self._sizes():
            spans, cursor = self._snapshot.spans(
                self._query, size, cursor, matching, self._timeout
            )
            yield from spans
            if not cursor:
                return

    def first(self) -> Optional[_core.TraceSummary]:
        """The first one; None where there is none."""
        return next(iter(self), None)

    def count(self) -> int:
        """How many there are, the limit counted; visits everything that may match."""
        total = self._snapshot.count(self._query, self._timeout)
        return total if self._limit is None else min(total, self._limit)

    def __repr__(self) -> str:
        limit = "" if self._limit is None else f", at most {self._limit}"
        return f"<Traces that match{limit}>"
