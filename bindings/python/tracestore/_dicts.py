"""Spans as plain dicts, as OTLP's JSON: so they go through the decoder that everything goes
through.

A dict has `trace_id` and `span_id` (hexadecimal digits), and as it likes `parent_id`, `name`,
`service`, `kind` ("server", …), `status` ("ok", "error"), `status_message`, `start` (a moment) or
`start_ns`, `duration` or `duration_ns`, `attributes`, `resource`, `scope_name`, `scope_version`,
`events` (dicts with `time` or `time_ns`, `name`, `attributes`), `links` (dicts with `trace_id`,
`span_id`, `attributes`), `trace_state`, `flags`.
"""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from ._errors import InvalidArgumentError
from ._time import chosen_ns, moment_ns

_KINDS = ("unspecified", "internal", "server", "client", "producer", "consumer")
_STATUSES = ("unset", "ok", "error")
_KNOWN = frozenset(
    "trace_id span_id parent_id name service kind status status_message start start_ns duration"
    " duration_ns attributes resource scope_name scope_version events links trace_state flags".split()
)
_MAX_DEPTH = 48  # of arrays and maps in a value, as the library's
_INT64 = 1 << 63


def _refuse(sentence: str) -> InvalidArgumentError:
    return InvalidArgumentError(sentence)


def _value(value: Any, depth: int = 0) -> dict[str, Any]:
    if depth > _MAX_DEPTH:
        raise _refuse(f"a value nests deeper than {_MAX_DEPTH} lists and dicts")
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"boolValue": value}
    if isinstance(value, int):
        if not -_INT64 <= value < _INT64:
            raise _refuse(f"{value} doesn't fit into 64 bits")
        return {"intValue": str(value)}
    if isinstance(value, float):
        if math.isfinite(value):
            return {"doubleValue": value}
        text = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        return {"doubleValue": text}
    if isinstance(value, str):
        return {"stringValue": value}
    if isinstance(value, (bytes, bytearray)):
        return {"bytesValue": base64.b64encode(value).decode()}
    if isinstance(value, (list, tuple)):
        return {"arrayValue": {"values": [_value(item, depth + 1) for item in value]}}
    if isinstance(value, Mapping):
        return {"kvlistValue": {"values": otlp_attributes(value, depth + 1)}}
    raise _refuse(
        "an attribute is None, str, bool, int, float, bytes, a list or a dict, not "
        + type(value).__name__
    )


def otlp_attributes(attributes: Any, depth: int = 0) -> list[dict[str, Any]]:
    """A dict as OTLP's list of keys and typed values. Raises InvalidArgumentError."""
    if not isinstance(attributes, Mapping):
        raise _refuse(f"attributes are a dict, not {type(attributes).__name__}")
    out = []
    for key, value in attributes.items():
        if not isinstance(key, str):
            raise _refuse(f"the key of an attribute is a str, not {type(key).__name__}")
        out.append({"key": key, "value": _value(value, depth)})
    return out


def _choice(span: Mapping[str, Any], field: str, names: tuple[str, ...]) -> int:
    name = span.get(field, names[0])
    if name not in names:
        raise _refuse(f"{field} {name!r} is none of {', '.join(names)}")
    return names.index(name)


def _text(span: Mapping[str, Any], field: str) -> str:
    text = span.get(field, "")
    if text is None:
        return ""
    if not isinstance(text, str):
        raise _refuse(f"{field} is a str, not {type(text).__name__}")
    return text


def _id(owner: Mapping[str, Any], field: str, digits: int) -> str:
    return _text(owner, field).rjust(digits, "0") if owner.get(field) else ""


def _moment(owner: Mapping[str, Any], field: str) -> Any:
    ns = owner.get(field + "_ns")
    if ns is None:
        return moment_ns(owner.get(field), field)
    if not isinstance(ns, int) or isinstance(ns, bool):
        raise _refuse(f"{field}_ns is a whole number of Unix nanoseconds")
    return moment_ns(ns, field + "_ns")


def _each(span: Mapping[str, Any], field: str) -> list[Mapping[str, Any]]:
    items = span.get(field) or []
    if not isinstance(items, (list, tuple)) or not all(isinstance(i, Mapping) for i in items):
        raise _refuse(f"{field} are a list of dicts")
    return list(items)


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "timeUnixNano": str(_moment(event, "time") or 0),
        "name": _text(event, "name"),
        "attributes": otlp_attributes(event.get("attributes") or {}),
    }


def _link(link: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "traceId": _id(link, "trace_id", 32),
        "spanId": _id(link, "span_id", 16),
        "attributes": otlp_attributes(link.get("attributes") or {}),
    }


def _span(span: Mapping[str, Any]) -> dict[str, Any]:
    unknown = set(span) - _KNOWN
    if unknown:
        raise _refuse(f"a span has no field {sorted(map(str, unknown))[0]!r}")
    out: dict[str, Any] = {
        "traceId": _id(span, "trace_id", 32),
        "spanId": _id(span, "span_id", 16),
        "parentSpanId": _id(span, "parent_id", 16),
        "name": _text(span, "name"),
        "kind": _choice(span, "kind", _KINDS),
        "traceState": _text(span, "trace_state"),
        "attributes": otlp_attributes(span.get("attributes") or {}),
        "events": [_event(event) for event in _each(span, "events")],
        "links": [_link(link) for link in _each(span, "links")],
        "status": {
            "code": _choice(span, "status", _STATUSES),
            "message": _text(span, "status_message"),
        },
    }
    flags = span.get("flags")
    if flags is not None:
        if isinstance(flags, bool) or not isinstance(flags, int) or not 0 <= flags < 1 << 32:
            raise _refuse("flags are a whole number of 32 bits")
        out["flags"] = flags
    start = _moment(span, "start")
    duration = chosen_ns(span.get("duration"), span.get("duration_ns"), "duration")
    if start is not None:
        out["startTimeUnixNano"] = str(start)
        if duration is not None:
            out["endTimeUnixNano"] = str((start + duration) % (1 << 64))
    elif duration is not None:
        raise _refuse("a span with a duration needs a start")
    return out


def _resource(span: Mapping[str, Any]) -> dict[str, Any]:
    resource = span.get("resource") or {}
    if not isinstance(resource, Mapping):
        raise _refuse(f"resource is a dict, not {type(resource).__name__}")
    attributes = dict(resource)
    service = _text(span, "service")
    if service:
        attributes["service.name"] = service
    return {"attributes": otlp_attributes(attributes)}


def to_otlp_json(spans: Iterable[Mapping[str, Any]]) -> bytes:
    """One ExportTraceServiceRequest. Spans in a row with equal resource and scope share them.

    Raises InvalidArgumentError with the number of the span that can't be written.
    """
    resources: list[dict[str, Any]] = []
    last = ""
    for number, span in enumerate(spans):
        if not isinstance(span, Mapping):
            raise _refuse(f"span {number} is a {type(span).__name__}, not a dict")
        try:
            resource = _resource(span)
            scope = {"name": _text(span, "scope_name"), "version": _text(span, "scope_version")}
            made = _span(span)
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"span {number}: {error}") from None
        owner = json.dumps([resource, scope])
        if owner != last:
            last = owner
            resources.append(
                {"resource": resource, "scopeSpans": [{"scope": scope, "spans": []}]}
            )
        resources[-1]["scopeSpans"][0]["spans"].append(made)
    return json.dumps({"resourceSpans": resources}, separators=(",", ":")).encode()
