"""What callers give, looked at before the library gets it: a wrong type is a sentence."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Optional

from ._core import Span
from ._errors import InvalidArgumentError
from ._time import as_int

ALL = (1 << 64) - 1


def needed_text(value: object, name: str) -> str:
    """The str, which has to be one of whole characters. Raises InvalidArgumentError."""
    if not isinstance(value, str):
        raise InvalidArgumentError(f"{name} is a str, not {type(value).__name__}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgumentError(f"{name} {value!r} has half a character of UTF-16") from None
    return value


def text(value: Optional[str], name: str) -> Optional[str]:
    """The same; None for None."""
    return None if value is None else needed_text(value, name)


def texts(values: object, name: str) -> list[str]:
    """Several, as a list. Raises InvalidArgumentError."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidArgumentError(f"{name} are a list of str")
    return [needed_text(value, f"one of {name}") for value in values]


def numbers(values: object, name: str) -> list[float]:
    """Several numbers, as a list. Raises InvalidArgumentError."""
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise InvalidArgumentError(f"{name} are a list of numbers")
    made = []
    for value in values:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or abs(value) > ALL:
            raise InvalidArgumentError(f"{name} are a list of numbers")
        made.append(float(value))
    return made


def trace_id(value: object) -> str:
    """A trace id as hexadecimal digits, whose number the library looks at."""
    if isinstance(value, str):
        return needed_text(value, "a trace id")
    if isinstance(value, bytes) and len(value) in (8, 16):
        return value.hex()
    raise InvalidArgumentError("a trace id is a str of hexadecimal digits, or 8 or 16 bytes")


def timeout_s(timeout: Optional[float]) -> Optional[float]:
    """Seconds; None for None. Raises InvalidArgumentError."""
    if timeout is None:
        return None
    number = isinstance(timeout, (int, float)) and not isinstance(timeout, bool)
    if not number or not 0 <= timeout:  # which NaN isn't either
        raise InvalidArgumentError("a timeout is a number of seconds, not negative")
    return float(min(timeout, ALL))


def whole(number: Optional[int], name: str) -> Optional[int]:
    """A whole number of 64 bits; None for None. Raises InvalidArgumentError."""
    if number is None:
        return None
    known = as_int(number)
    if known is None or not 0 <= known <= ALL:
        raise InvalidArgumentError(f"{name} is a whole number, not negative")
    return known


def seconds(delta: object, name: str) -> int:
    if not isinstance(delta, timedelta) or delta < timedelta(0):
        raise InvalidArgumentError(f"{name} is a timedelta, not negative")
    return delta.days * 86_400 + delta.seconds


def span_or_none(span: object, name: str) -> Optional[Span]:
    if span is None or isinstance(span, Span):
        return span
    raise InvalidArgumentError(f"{name} is a span of this trace, not {type(span).__name__}")
