"""An exporter of OpenTelemetry's SDK straight into a store: no server, no socket.

    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(StoreSpanExporter("traces")))

Needs the package opentelemetry-sdk.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from typing import Any, Union

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from ._dicts import otlp_attributes
from ._errors import Error
from ._open import open_store
from ._store import Store

_LOG = logging.getLogger(__name__)

# Bits of OTLP's span flags. W3C's eight below them are left out, as OpenTelemetry's own exporter
# does: its bit for random ids would read as Jaeger's for debugging.
_HAS_IS_REMOTE = 0x100
_IS_REMOTE = 0x200


def _flags(remote: bool) -> int:
    return _HAS_IS_REMOTE | (_IS_REMOTE if remote else 0)


def _state(state: Any) -> str:
    return "" if state is None else state.to_header()


def _event(event: Any) -> dict[str, Any]:
    return {
        "timeUnixNano": str(event.timestamp),
        "name": event.name,
        "attributes": otlp_attributes(event.attributes or {}),
        "droppedAttributesCount": event.dropped_attributes,
    }


def _link(link: Any) -> dict[str, Any]:
    return {
        "traceId": f"{link.context.trace_id:032x}",
        "spanId": f"{link.context.span_id:016x}",
        "traceState": _state(link.context.trace_state),
        "attributes": otlp_attributes(link.attributes or {}),
        "droppedAttributesCount": link.dropped_attributes,
        "flags": _flags(link.context.is_remote),
    }


def _span(span: ReadableSpan) -> dict[str, Any]:
    context: Any = span.get_span_context()
    parent = span.parent
    out: dict[str, Any] = {
        "traceId": f"{context.trace_id:032x}",
        "spanId": f"{context.span_id:016x}",
        "traceState": _state(context.trace_state),
        "name": span.name,
        # The SDK counts kinds from INTERNAL = 0, OTLP from UNSPECIFIED = 0.
        "kind": span.kind.value + 1,
        "attributes": otlp_attributes(span.attributes or {}),
        "droppedAttributesCount": span.dropped_attributes,
        "events": [_event(event) for event in span.events],
        "droppedEventsCount": span.dropped_events,
        "links": [_link(link) for link in span.links],
        "droppedLinksCount": span.dropped_links,
        "status": {
            "code": span.status.status_code.value,
            "message": span.status.description or "",
        },
        "flags": _flags(parent is not None and parent.is_remote),
    }
    if parent is not None:
        out["parentSpanId"] = f"{parent.span_id:016x}"
    if span.start_time is not None:
        out["startTimeUnixNano"] = str(span.start_time)
    if span.end_time is not None:
        out["endTimeUnixNano"] = str(span.end_time)
    return out


def _scope(scope: Any) -> dict[str, Any]:
    if scope is None:
        return {}
    return {
        "name": scope.name,
        "version": scope.version or "",
        "attributes": otlp_attributes(scope.attributes or {}),
    }


def encode_spans(spans: Sequence[ReadableSpan]) -> bytes:
    """The SDK's spans as one request in OTLP's JSON, those of one resource and scope together."""
    resources: dict[int, dict[str, Any]] = {}
    scopes: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for span in spans:
        resource, scope = span.resource, span.instrumentation_scope
        owner = resources.get(id(resource))
        if owner is None:
            owner = resources[id(resource)] = {
                "resource": {"attributes": otlp_attributes(resource.attributes)},
                "schemaUrl": resource.schema_url or "",
                "scopeSpans": [],
            }
        place = (id(resource), id(scope))
        if place not in scopes:
            scopes[place] = []
            owner["scopeSpans"].append(
                {
                    "scope": _scope(scope),
                    "schemaUrl": getattr(scope, "schema_url", None) or "",
                    "spans": scopes[place],
                }
            )
        scopes[place].append(_span(span))
    return json.dumps({"resourceSpans": list(resources.values())}).encode()


class StoreSpanExporter(SpanExporter):
    """Appends the SDK's spans to a store: one that is open already and stays so, or the path of
    one, which is opened to append and closed by shutdown(). Exported spans are kept when export()
    has returned SUCCESS. Any thread may export. Use after fork() fails: make a new one.
    """

    def __init__(self, store: Union[Store, str, os.PathLike[str]]) -> None:
        self._owned = not isinstance(store, Store)
        self._store = store if isinstance(store, Store) else open_store(store, "a")

    @property
    def store(self) -> Store:
        """The store that it appends to."""
        return self._store

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """FAILURE where the store refused them, with a line in the log of `logging`."""
        try:
            result = self._store.append(encode_spans(spans), "otlp-json")
        except Error as error:
            _LOG.error("spans are lost: %s", error)
            return SpanExportResult.FAILURE
        if result.rejected:
            _LOG.error("%d spans are lost: %s", result.rejected, result.first_error)
        return SpanExportResult.SUCCESS

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Everything exported is on the medium when it returns True."""
        try:
            self._store.sync()
        except Error as error:
            _LOG.error("the store can't be synced: %s", error)
            return False
        return True

    def shutdown(self) -> None:
        """Closes the store where it was given by its path."""
        if self._owned:
            self._store.close()
