"""Tables: what finds spans and traces as Arrow, pandas or polars."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Optional, Union

from . import _core
from ._check import needed_text, texts
from ._errors import InvalidArgumentError

if TYPE_CHECKING:
    import pandas
    import polars
    import pyarrow

#: Attribute keys, each as a column of text; or with the type that its values have.
Attributes = Union[Sequence[str], Mapping[str, type]]
Ids = Literal["hex", "binary"]

_TYPES = {str: "text", int: "int", float: "float", bool: "bool", bytes: "bytes"}
_DEFAULT = (
    "trace_id span_id parent_id service name kind status status_message start duration_ns".split()
)


class Table(ABC):
    """A table that is made, batch by batch, when somebody reads it.

    Whatever speaks Arrow's C stream interface takes it as it is: `pyarrow.table(x)`,
    `polars.DataFrame(x)`, DuckDB's `FROM x`. Only the columns asked for are read. The batches own
    their memory: they outlive the store.
    """

    _counts: _core.TableCounts

    @abstractmethod
    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object:
        """A capsule of an ArrowArrayStream. `requested_schema` is not looked at."""

    @property
    def times_beyond(self) -> int:
        """How many times above 2^63 - 1, which Arrow's 64 bits with a sign don't hold, became null
        in the tables read so far."""
        return self._counts.beyond

    def to_arrow(self) -> pyarrow.Table:
        """All of it as a pyarrow.Table. Needs pyarrow 14 or newer."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_stream(self).read_all()

    def to_pandas(self) -> pandas.DataFrame:
        """All of it as a pandas.DataFrame, by way of pyarrow, whose columns go as pandas' are
        made."""
        return self.to_arrow().to_pandas(self_destruct=True)

    def to_polars(self) -> polars.DataFrame:
        """All of it as a polars.DataFrame."""
        import polars

        return polars.DataFrame(self)


def _names(columns: Optional[Sequence[str]], default: Sequence[str]) -> list[str]:
    if columns is None:
        return list(default)
    return texts(columns, "columns")


def _typed(attributes: Optional[Attributes]) -> list[tuple[str, str]]:
    if attributes is None:
        return []
    if isinstance(attributes, (str, bytes)) or not isinstance(attributes, Iterable):
        raise InvalidArgumentError("attributes are a list of keys, or a dict of keys and types")
    pairs = []
    for key in attributes:
        kind = attributes[key] if isinstance(attributes, Mapping) else str
        if not isinstance(key, str) or not isinstance(kind, type) or kind not in _TYPES:
            raise InvalidArgumentError(
                "attributes are keys with str, int, float, bool or bytes as their types"
            )
        pairs.append((needed_text(key, "an attribute's key"), _TYPES[kind]))
    return pairs


def binary_ids(ids: str) -> bool:
    if ids not in ("hex", "binary"):
        raise InvalidArgumentError(f"ids are 'hex' or 'binary', not {ids!r}")
    return ids == "binary"


class _Rows(Table):
    """What Spans, Events and Links have in common."""

    _rows: ClassVar[str]
    _default: ClassVar[list[str]]

    def __init__(
        self,
        snapshot: _core.SnapshotCore,
        query: _core.Query,
        limit: Optional[int],
        timeout: Optional[float],
        matching: bool,
        columns: Optional[Sequence[str]],
        attributes: Optional[Attributes],
        ids: Ids,
        dictionaries: bool,
    ) -> None:
        self._snapshot = snapshot
        self._query = query
        self._limit = limit
        self._timeout = timeout
        self._matching = bool(matching)
        self._attributes = _typed(attributes)
        # Without a choice of attributes, all of them as a map.
        default = self._default if self._attributes else [*self._default, "attributes"]
        self._columns = _names(columns, default)
        self._binary_ids = binary_ids(ids)
        self._dictionaries = bool(dictionaries)
        self._counts = _core.TableCounts()
        _core.check_columns(self._rows, self._columns, self._attributes)

    def __arrow_c_stream__(self, requested_schema: Optional[object] = None) -> object:
        return _core.span_stream(
            self._snapshot,
            self._rows,
            self._query,
            self._limit,
            self._matching,
            self._columns,
            self._attributes,
            self._binary_ids,
            self._dictionaries,
            self._counts,
            self._timeout,
        )

    @property
    def columns(self) -> list[str]:
        """The names of the table's columns."""
        return self._columns + [key for key, _ in self._attributes]

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {', '.join(self.columns)}>"


class Spans(_Rows):
    """Spans that were found: to iterate, or as a table with a row each. Nothing is read before it
    is asked for; equal spans come once; those of a page of traces have no order."""

    _rows = "spans"
    _default = _DEFAULT

    def __iter__(self) -> Iterator[_core.Span]:
        cursor = ""
        for size in page_sizes(self._limit):
            spans, cursor = self._snapshot.spans(
                self._query, size, cursor, self._matching, self._timeout
            )
            yield from spans
            if not cursor:
                return


class Events(_Rows):
    """The events of spans that were found, as a table with a row each, and the ids of the span that
    has it. Nothing is read before it is asked for."""

    _rows = "events"
    _default = ["trace_id", "span_id", "time", "name"]


class Links(_Rows):
    """The links and further references of spans that were found (all but the parent), as a table
    with a row each, and the ids of the span that has it. Nothing is read before it is asked for."""

    _rows = "links"
    _default = [
        "trace_id", "span_id", "type", "linked_trace_id", "linked_span_id", "trace_state", "flags",
    ]  # fmt: skip


def page_sizes(limit: Optional[int]) -> Iterator[int]:
    """How many traces to look for at once, page by page."""
    size = 128
    if limit is None:
        while True:
            yield size
    for begin in range(0, limit, size):
        yield min(size, limit - begin)

