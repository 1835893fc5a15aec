"""Traces in a directory, or in files: append, find, look into, delete.

    import tracestore

    with tracestore.open("traces", "a") as store:
        store.append(request_bytes, format="otlp-proto")
        for summary in store.find(service="checkout", min_duration="10ms", limit=20):
            trace = store.trace(summary.trace_id)
            print(trace, trace.critical_path()[0].span)

Errors are tracestore.Error and its subclasses, one for each code of the library. Times are Unix
nanoseconds where a name ends in `_ns`. docs/python.md has all of it.
"""

from __future__ import annotations

from ._core import (
    AppendResult,
    ArchiveResult,
    CompactResult,
    DependencyLink,
    Event,
    Finding,
    NamedCount,
    OperationInfo,
    OperationMetrics,
    Reference,
    ServiceCount,
    Span,
    StoreStats,
    TraceSummary,
    VerifyReport,
)
from ._errors import (
    BusyError,
    CancelledError,
    CorruptionError,
    Error,
    InvalidArgumentError,
    IoError,
    NotFoundError,
    UnsupportedError,
)
from ._find import Traces
from ._open import open_store as open
from ._open import read
from ._store import Reader, Snapshot, Store
from ._table import Events, Links, Spans, Table
from ._trace import PathPart, Trace, TraceWarning

__all__ = [
    "AppendResult",
    "ArchiveResult",
    "BusyError",
    "CancelledError",
    "CompactResult",
    "CorruptionError",
    "DependencyLink",
    "Error",
    "Event",
    "Events",
    "Finding",
    "InvalidArgumentError",
    "IoError",
    "Links",
    "NamedCount",
    "NotFoundError",
    "OperationInfo",
    "OperationMetrics",
    "PathPart",
    "Reader",
    "Reference",
    "ServiceCount",
    "Snapshot",
    "Span",
    "Spans",
    "Store",
    "StoreStats",
    "Table",
    "Trace",
    "TraceSummary",
    "TraceWarning",
    "Traces",
    "UnsupportedError",
    "VerifyReport",
    "open",
    "read",
]
