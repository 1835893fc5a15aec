"""What find() gives: traces that are looked for when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from . import _core, _draw
from ._errors import InvalidArgumentError
from ._table import Attributes, Ids, Spans, Table, binary_ids, page_sizes
from ._time import Duration, duration_ns
from ._trace import Trace

def checked_limit(limit: Optional[int]) -> Optional[int]:
    if limit is None:
        return None
    if isinstance(limit, bool) or not isinstance(limit, int) or limit < 0:
        raise InvalidArgumentError("limit is None or a whole number, not negative")
    return limit


class Traces(Table):
    """Traces that match, in the query's order; nothing is read before it is asked for.

    Iterating gives a TraceSummary each, page by page. It can be iterated any number of times, and
    gives the same each time: it stands on one moment of the store, whose files it keeps open. As a
    table it has a row for each trace; see table() and spans().
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
        self._columns = _core.summary_columns()
        self._binary_ids = False
        self._counts = _core.TableCounts()

    def __iter__(self) -> Iterator[_core.TraceSummary]:
        cursor = ""
        for size in page_sizes(self._limit):
            summaries, cursor = self._snapshot.summaries(self._query, size, cursor, self._timeout)
            yield from summaries
            if not cursor:
                return

    def ids(self) -> Iterator[str]:
        """The traces' ids, 32 hexadecimal digits each."""
        cursor = ""
        for size in page_sizes(self._limit):
            ids, cursor = self._snapshot.find(self._query, size, cursor, self._timeout)
            yield from ids
            if not cursor:
                return

    def traces(self, *, max_skew: Optional[Duration] = None) -> Iterator[Trace]:
        """The traces themselves, one at a time. `max_skew` as in `trace()`."""
        skew_ns = duration_ns(max_skew, "max_skew") or 0
        for trace_id in self.ids():
            yield Trace(self._snapshot.trace(trace_id, None, skew_ns, self._timeout))

    def spans(
        self,
        *,
        matching: bool = False,
        columns: Optional[Sequence[str]] = None,
        attributes: Optional[Attributes] = None,
        ids: Ids = "hex",
    ) -> Spans:
        """The spans of these traces; with `matching` only those that satisfy one of the query's
        conditions on a span. The rest says what they have as a table: `columns` by name (docs/python.md),
        `attributes` as columns of text or of a type ({"http.status_code": int}), `ids` as hexadecimal
        text or as fixed-size binary.
        """
        return Spans(
            self._snapshot,
            self._query,
            self._limit,
            self._timeout,
            matching,
            columns,
            attributes,
            ids,
        )

    def table(self, *, columns: Optional[Sequence[str]] = None, ids: Ids = "hex") -> Traces:
        """The same traces, as a table with these columns."""
        made = Traces(self._snapshot, self._query, self._limit, self._timeout)
        if columns is not None:
            if isinstance(columns, str) or not set(columns) <= set(made._columns):
                raise InvalidArgumentError(f"columns are of {', '.join(made._columns)}")
            made._columns = list(columns)
        made._binary_ids = binary_ids(ids)
        return made

    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object:
        return _core.summary_stream(
            self._snapshot,
            self._query,
            self._limit,
            self._columns,
            self._binary_ids,
            self._counts,
            self._timeout,
        )

    def first(self) -> Optional[_core.TraceSummary]:
        """The first one; None where there is none."""
        return next(iter(self), None)

    def count(self) -> int:
        """How many there are, the limit counted; visits everything that may match."""
        total = self._snapshot.count(self._query, self._timeout)
        return total if self._limit is None else min(total, self._limit)

    def _repr_html_(self) -> str:
        """The first 20, for notebooks."""
        return _draw.summaries_html(self)

    def __repr__(self) -> str:
        limit = "" if self._limit is None else f", at most {self._limit}"
        return f"<Traces that match{limit}>"
