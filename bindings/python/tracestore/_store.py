"""Snapshot and Store."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from types import TracebackType
from typing import Any, Literal, Optional, Union

from . import _core
from ._check import ALL, needed_text, numbers, seconds, text, texts, timeout_s, whole
from ._check import trace_id as checked_id
from ._dicts import to_otlp_json
from ._errors import InvalidArgumentError
from ._find import Traces, checked_limit
from ._time import Duration, Moment, as_int, chosen_ns, moment_ns
from ._trace import Trace

Order = Literal["newest", "longest"]
#: What a tag is compared with: by its canonical text, so that 200 finds "200" too.
TagValue = Union[str, bool, int, float]


def _range(start: Optional[Moment], end: Optional[Moment]) -> tuple[int, int]:
    begin_ns = moment_ns(start, "start")
    end_ns = moment_ns(end, "end")
    return begin_ns or 0, ALL if end_ns is None else end_ns


def _tags(tags: Mapping[str, TagValue]) -> dict[str, TagValue]:
    return {
        needed_text(key, "the key of a tag"):
            needed_text(tag, "a tag") if isinstance(tag, str) else tag
        for key, tag in tags.items()
    }


def make_query(
    service: Optional[str],
    operation: Optional[str],
    min_duration: Optional[Duration],
    max_duration: Optional[Duration],
    tags: Optional[Mapping[str, TagValue]],
    where: Optional[str],
    start: Optional[Moment],
    end: Optional[Moment],
    errors: bool,
    order: str,
    min_duration_ns: Optional[int] = None,
    max_duration_ns: Optional[int] = None,
) -> _core.Query:
    if tags is not None and not isinstance(tags, Mapping):
        raise InvalidArgumentError(f"tags are a dict, not {type(tags).__name__}")
    return _core.Query(
        service=text(service, "service"),
        operation=text(operation, "operation"),
        tags=_tags(tags or {}),
        min_duration_ns=chosen_ns(min_duration, min_duration_ns, "min_duration"),
        max_duration_ns=chosen_ns(max_duration, max_duration_ns, "max_duration"),
        errors=bool(errors),
        where=text(where, "where"),
        start_ns=moment_ns(start, "start"),
        end_ns=moment_ns(end, "end"),
        order=needed_text(order, "order"),
    )


class Reader(ABC):
    """The questions that a store, a moment of it, and files answer alike.

    `timeout` is in seconds everywhere: past it a call raises CancelledError. Ctrl-C stops a call
    on the main thread. Other threads run meanwhile. Errors of all calls: InvalidArgumentError (a
    closed store, a wrong argument), CorruptionError, IoError.
    """

    @abstractmethod
    def _moment(self) -> _core.SnapshotCore: ...

    def find(
        self,
        *,
        service: Optional[str] = None,
        operation: Optional[str] = None,
        min_duration: Optional[Duration] = None,
        max_duration: Optional[Duration] = None,
        tags: Optional[Mapping[str, TagValue]] = None,
        where: Optional[str] = None,
        start: Optional[Moment] = None,
        end: Optional[Moment] = None,
        limit: Optional[int] = None,
        order: Order = "newest",
        errors: bool = False,
        min_duration_ns: Optional[int] = None,
        max_duration_ns: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> Traces:
        """Traces with one span that has all of `service`, `operation`, the durations, `tags` and
        (with `errors`) status error, started from `start` on and before `end`, and for which
        `where` holds (docs/filter-language.md). Newest first, or longest. Nothing is read yet.

            for summary in store.find(service="checkout", min_duration="10ms", limit=20): …
        """
        query = make_query(
            service,
            operation,
            min_duration,
            max_duration,
            tags,
            where,
            start,
            end,
            errors,
            order,
            min_duration_ns,
            max_duration_ns,
        )
        return Traces(self._moment(), query, checked_limit(limit), timeout_s(timeout))

    def trace(
        self,
        trace_id: Union[str, bytes],
        *,
        span: Optional[str] = None,
        max_skew: Optional[Duration] = None,
        max_skew_ns: Optional[int] = None,
        timeout: Optional[float] = None,
    ) -> Trace:
        """The trace of that id. With `span` only that span and all below it: of the others ids
        alone are read. With `max_skew` spans of clocks that disagree are moved into their parents,
        at most so far. Raises NotFoundError."""
        skew_ns = chosen_ns(max_skew, max_skew_ns, "max_skew") or 0
        core = self._moment().trace(
            checked_id(trace_id), text(span, "span"), skew_ns, timeout_s(timeout)
        )
        return Trace(core)

    def services(self, *, timeout: Optional[float] = None) -> list[_core.NamedCount]:
        """Services by name, with their numbers of spans."""
        return self._moment().services(timeout_s(timeout))

    def operations(
        self, service: str = "", *, timeout: Optional[float] = None
    ) -> list[_core.OperationInfo]:
        """The operations of a service, or of all."""
        return self._moment().operations(text(service, "service") or "", timeout_s(timeout))

    def keys(self, *, timeout: Optional[float] = None) -> list[_core.NamedCount]:
        """Attribute keys of spans, resources, scopes, events and links, by name."""
        return self._moment().keys(timeout_s(timeout))

    def values(
        self, key: str, *, limit: Optional[int] = None, timeout: Optional[float] = None
    ) -> list[_core.NamedCount]:
        """Values of a key as text, the most frequent first."""
        most = checked_limit(limit) or 0
        return self._moment().values(needed_text(key, "key"), most, timeout_s(timeout))

    def dependencies(
        self,
        start: Optional[Moment] = None,
        end: Optional[Moment] = None,
        *,
        timeout: Optional[float] = None,
    ) -> list[_core.DependencyLink]:
        """Which service calls which, by spans that started in the range."""
        return self._moment().dependencies(*_range(start, end), timeout_s(timeout))

    def metrics(
        self,
        start: Optional[Moment] = None,
        end: Optional[Moment] = None,
        *,
        step: Optional[Duration] = None,
        step_ns: Optional[int] = None,
        services: Sequence[str] = (),
        quantiles: Sequence[float] = (0.5, 0.95, 0.99),
        timeout: Optional[float] = None,
    ) -> list[_core.OperationMetrics]:
        """Calls, errors and latency of each operation, in steps where one is given."""
        return self._moment().metrics(
            *_range(start, end),
            chosen_ns(step, step_ns, "step") or 0,
            texts(services, "services"),
            numbers(quantiles, "quantiles"),
            timeout_s(timeout),
        )

    def stats(
        self, *, by_column: bool = False, timeout: Optional[float] = None
    ) -> _core.StoreStats:
        """How much is there."""
        return self._moment().stats(bool(by_column), timeout_s(timeout))


class Snapshot(Reader):
    """One moment of a store, or the spans of files: its answers don't change while it lives. It
    keeps files open and memory."""

    def __init__(
        self, core: _core.SnapshotCore, report: Optional[_core.AppendResult] = None
    ) -> None:
        self._core = core
        #: Of read(): what was left out of the files. None of a store's moment.
        self.report = report

    def _moment(self) -> _core.SnapshotCore:
        return self._core

    def __repr__(self) -> str:
        return "<Snapshot>"


class Store(Reader):
    """A store that is open. Threads may share it. Close it, or use it as a context manager:

        with tracestore.open("traces", "a") as store:
            store.append(request_bytes, format="otlp-proto")

    After fork() the child must open the store again; a call on the parent's raises
    InvalidArgumentError.
    """

    def __init__(self, core: _core.StoreCore, path: str, mode: str) -> None:
        self._core = core
        self._path = path
        self._mode = mode

    @property
    def path(self) -> str:
        """The directory, as it was given."""
        return self._path

    @property
    def mode(self) -> str:
        """"r", "a" or "w", as it was opened."""
        return self._mode

    @property
    def closed(self) -> bool:
        """Whether close() was called."""
        return self._core.closed

    def _moment(self) -> _core.SnapshotCore:
        return self._core.snapshot()

    def snapshot(self) -> Snapshot:
        """This moment of the store: several questions with answers that fit together."""
        return Snapshot(self._core.snapshot())

    def append(
        self,
        data: Union[bytes, bytearray, memoryview, Mapping[str, Any], Iterable[Mapping[str, Any]]],
        format: Optional[str] = None,
    ) -> _core.AppendResult:
        """Appends the good spans of a message in `format` ("otlp-proto", "jaeger", …), of a whole
        file in any format, plain or compressed (`format` None), or of dicts (`docs/python.md`).
        When it returns they are kept, and found by the next query of any process.

        Raises InvalidArgumentError (the message can't be read, or the store was opened to read),
        BusyError (the disk is slower than the spans come), IoError.
        """
        if isinstance(data, (bytes, bytearray, memoryview)):
            return self._core.append(bytes(data), text(format, "format"))
        if format is not None:
            raise InvalidArgumentError("a format goes with bytes; dicts have none")
        if isinstance(data, Mapping):
            data = [data]
        elif isinstance(data, str) or not isinstance(data, Iterable):
            raise InvalidArgumentError(
                f"append takes bytes, a dict or dicts, not {type(data).__name__}"
            )
        return self._core.append(to_otlp_json(data), "otlp-json")

    def _ids(self, trace_ids: object, query: Mapping[str, Any]) -> list[str]:
        if trace_ids is None:
            if not query:
                raise InvalidArgumentError("which traces? give their ids or a query")
            return list(self.find(**query).ids())
        if query:
            raise InvalidArgumentError("give ids or a query, not both")
        if isinstance(trace_ids, (str, bytes)):
            trace_ids = [trace_ids]
        if not isinstance(trace_ids, Iterable):
            raise InvalidArgumentError("trace ids are a str or a list of them")
        return [checked_id(trace_id) for trace_id in trace_ids]

    def delete(
        self, trace_ids: Union[str, bytes, Iterable[Union[str, bytes]], None] = None, **query: Any
    ) -> int:
        """Deletes whole traces, by ids or by what find() takes, for good; gives how many there
        were. Spans that are appended later are kept. Works beside a process that appends."""
        return self._core.delete(self._ids(trace_ids, query))

    def delete_all(self) -> None:
        """Deletes every span that stands now."""
        self._core.delete_all()

    def archive(
        self, trace_ids: Union[str, bytes, Iterable[Union[str, bytes]], None] = None, **query: Any
    ) -> _core.ArchiveResult:
        """Copies whole traces, by ids or by what find() takes, to the archive: a store of its own
        in `archive_path`. Raises BusyError where another process writes to the archive."""
        return self._core.archive(self._ids(trace_ids, query))

    @property
    def archive_path(self) -> str:
        """The directory of the archive, which open() opens as any store."""
        return _core.archive_directory(self._path)

    def compact(
        self,
        *,
        full: bool = False,
        retention_age: Optional[timedelta] = None,
        retention_bytes: Optional[int] = None,
    ) -> _core.CompactResult:
        """Applies retention, merges segments, leaves out what was deleted; with `full` all that
        fits. Raises InvalidArgumentError where the store was opened to read."""
        age_s = None if retention_age is None else seconds(retention_age, "retention_age")
        return self._core.compact(bool(full), age_s, whole(retention_bytes, "retention_bytes"))

    def verify(self) -> _core.VerifyReport:
        """Reads every byte of the store and says what is wrong; damage is a finding, no error."""
        if self._core.closed:
            raise InvalidArgumentError("the store is closed")
        return _core.verify(self._path)

    def sync(self) -> None:
        """Everything acknowledged is on the medium when it returns."""
        self._core.sync()

    def seal(self) -> None:
        """What is in memory becomes a segment now."""
        self._core.seal()

    def close(self) -> None:
        """Seals, syncs and lets the directory go. A second time it does nothing."""
        self._core.close()

    def __enter__(self) -> Store:
        if self._core.closed:
            raise InvalidArgumentError("the store is closed")
        return self

    def __exit__(
        self,
        kind: Optional[type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self._core.close()

    def __repr__(self) -> str:
        return f"<Store {self._path!r} {'closed' if self.closed else repr(self._mode)}>"
