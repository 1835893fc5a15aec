"""What find() gives: traces that are looked for when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional, TypeVar

from . import _core, _draw
from ._check import texts
from ._errors import InvalidArgumentError
from ._table import Attributes, Events, Ids, Links, Spans, Table, binary_ids, page_sizes
from ._time import Duration, as_int, chosen_ns
from ._trace import Trace

_Kind = TypeVar("_Kind", Spans, Events, Links)


def checked_limit(limit: Optional[int]) -> Optional[int]:
    if limit is None:
        return None
    whole = as_int(limit)
    if whole is None or not 0 <= whole < 1 << 64:
        raise InvalidArgumentError("limit is None or a whole number, not negative")
    return whole


class Traces(Table):
    """Traces that match, in the query's order; nothing is read before it is asked for.

    Iterating gives a TraceSummary each, page by page. It can be iterated any number of times, and
    gives the same each time: it stands on one moment of the store, whose files it keeps open. As a
    table it has a row for each trace; see table(), spans(), events() and links().
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
        self._dictionaries = False
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

    def traces(
        self, *, max_skew: Optional[Duration] = None, max_skew_ns: Optional[int] = None
    ) -> Iterator[Trace]:
        """The traces themselves, one at a time. `max_skew` as in `trace()`."""
        skew_ns = chosen_ns(max_skew, max_skew_ns, "max_skew") or 0
        for trace_id in self.ids():
            yield Trace(self._snapshot.trace(trace_id, None, skew_ns, self._timeout))

    def spans(
        self,
        *,
        matching: bool = False,
        columns: Optional[Sequence[str]] = None,
        attributes: Optional[Attributes] = None,
        ids: Ids = "hex",
        dictionaries: bool = False,
    ) -> Spans:
        """The spans of these traces; with `matching` only those that satisfy one of the query's
        conditions on a span. The rest says what they have as a table: `columns` by name
        (docs/python.md), `attributes` as columns of text or of a type ({"http.status_code": int}),
        `ids` as hexadecimal text or as fixed-size binary, and with `dictionaries` texts that many
        spans share (service, name, kind, status, scope) as Arrow dictionaries: "category" in
        pandas, and less memory.
        """
        return self._parts(Spans, matching, columns, attributes, ids, dictionaries)

    def events(
        self,
        *,
        matching: bool = False,
        columns: Optional[Sequence[str]] = None,
        attributes: Optional[Attributes] = None,
        ids: Ids = "hex",
        dictionaries: bool = False,
    ) -> Events:
        """The events of these traces' spans, as a table; the rest as of spans(): `attributes` are
        those of the events."""
        return self._parts(Events, matching, columns, attributes, ids, dictionaries)

    def links(
        self,
        *,
        matching: bool = False,
        columns: Optional[Sequence[str]] = None,
        attributes: Optional[Attributes] = None,
        ids: Ids = "hex",
        dictionaries: bool = False,
    ) -> Links:
        """The links of these traces' spans, and their references but the parent, as a table; the
        rest as of spans(): `attributes` are those of the links."""
        return self._parts(Links, matching, columns, attributes, ids, dictionaries)

    def _parts(
        self,
        kind: type[_Kind],
        matching: bool,
        columns: Optional[Sequence[str]],
        attributes: Optional[Attributes],
        ids: Ids,
        dictionaries: bool,
    ) -> _Kind:
        return kind(
            self._snapshot,
            self._query,
            self._limit,
            self._timeout,
            matching,
            columns,
            attributes,
            ids,
            dictionaries,
        )

    def table(
        self,
        *,
        columns: Optional[Sequence[str]] = None,
        ids: Ids = "hex",
        dictionaries: bool = False,
    ) -> Traces:
        """The same traces, as a table with these columns; `ids` and `dictionaries` as of
        spans()."""
        made = Traces(self._snapshot, self._query, self._limit, self._timeout)
        if columns is not None:
            chosen = texts(columns, "columns")
            if not set(chosen) <= set(made._columns):
                raise InvalidArgumentError(f"columns are of {', '.join(made._columns)}")
            made._columns = chosen
        made._binary_ids = binary_ids(ids)
        made._dictionaries = bool(dictionaries)
        return made

    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object:
        return _core.summary_stream(
            self._snapshot,
            self._query,
            self._limit,
            self._columns,
            self._binary_ids,
            self._dictionaries,
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
