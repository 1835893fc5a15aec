"""Moments and durations: what callers write, as nanoseconds, and back."""

from __future__ import annotations

import operator
import re
from datetime import datetime, timedelta, timezone
from typing import Optional, SupportsIndex, Union

from . import _core
from ._errors import InvalidArgumentError

#: A moment: an aware datetime, ISO 8601 text with an offset ("2024-05-01T12:00:00Z"), Unix
#: nanoseconds, or a timedelta: so long ago.
Moment = Union[datetime, timedelta, str, int]
#: A duration: text with a unit ("10ms", "1h30m"), or a timedelta.
Duration = Union[timedelta, str]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_LAST = 253_402_300_800_000_000_000  # year 10000, in Unix nanoseconds
_MAX = (1 << 64) - 1
_ISO = re.compile(
    r"(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|z|[+-]\d{2}:?\d{2})"
)


def to_datetime(unix_ns: int) -> Optional[datetime]:
    """The moment as a datetime of UTC, cut to microseconds; None beyond year 9999."""
    if unix_ns >= _LAST:
        return None
    return _EPOCH + timedelta(microseconds=unix_ns // 1000)


def _whole_ns(delta: timedelta) -> int:
    return (delta.days * 86_400 + delta.seconds) * 1_000_000_000 + delta.microseconds * 1000


def _of_text(text: str, name: str) -> int:
    match = _ISO.fullmatch(text)
    if match is None:
        raise InvalidArgumentError(
            f"{name} {text!r} is no moment: write '2024-05-01T12:00:00Z', with an offset"
        )
    day, clock, fraction, offset = match.groups()
    if offset in "Zz":
        offset = "+00:00"
    elif ":" not in offset:
        offset = offset[:3] + ":" + offset[3:]
    try:
        moment = datetime.fromisoformat(f"{day}T{clock}{offset}")
    except ValueError as error:
        raise InvalidArgumentError(f"{name} {text!r} is no moment: {error}") from None
    return _whole_ns(moment - _EPOCH) + int((fraction or "").ljust(9, "0"))


def as_int(number: object) -> Optional[int]:
    """A whole number of any kind (NumPy's too) as int; None for a bool and all that is none."""
    if isinstance(number, bool) or not isinstance(number, SupportsIndex):
        return None
    try:
        return operator.index(number)
    except TypeError:
        return None


def moment_ns(moment: Optional[Moment], name: str) -> Optional[int]:
    """Unix nanoseconds; None for None. Raises InvalidArgumentError."""
    if moment is None:
        return None
    whole = as_int(moment)
    if whole is not None:
        ns = whole
    elif isinstance(moment, datetime):
        if moment.utcoffset() is None:
            raise InvalidArgumentError(f"{name} needs a time zone: datetime(…, tzinfo=timezone.utc)")
        ns = _whole_ns(moment - _EPOCH)
    elif isinstance(moment, timedelta):
        ns = max(0, _whole_ns(datetime.now(timezone.utc) - _EPOCH) - _whole_ns(moment))
    elif isinstance(moment, str):
        ns = _of_text(moment, name)
    else:
        raise InvalidArgumentError(
            f"{name} is a datetime, timedelta, text or Unix nanoseconds, "
            f"not {type(moment).__name__}"
        )
    if not 0 <= ns <= _MAX:
        raise InvalidArgumentError(f"{name} lies outside of what 64 bits of nanoseconds hold")
    return ns


def duration_ns(duration: Optional[Duration], name: str) -> Optional[int]:
    """Nanoseconds; None for None. Raises InvalidArgumentError."""
    if duration is None:
        return None
    if isinstance(duration, str):
        # What is no ASCII is no duration either, and may be no UTF-8.
        return _core.parse_duration(duration.encode("ascii", "replace").decode())
    if isinstance(duration, timedelta):
        ns = _whole_ns(duration)
        if 0 <= ns <= _MAX:
            return ns
        raise InvalidArgumentError(f"{name} is negative or too long")
    raise InvalidArgumentError(
        f"{name} is text with a unit ('10ms') or a timedelta, not {type(duration).__name__}"
        f" (a number goes with the unit in the name: {name}_ns)"
    )


def chosen_ns(
    duration: Optional[Duration], number: Optional[int], name: str
) -> Optional[int]:
    """Of a duration and its twin in nanoseconds the one that is there."""
    if number is None:
        return duration_ns(duration, name)
    if duration is not None:
        raise InvalidArgumentError(f"{name} and {name}_ns say the same: give one")
    whole = as_int(number)
    if whole is None or not 0 <= whole <= _MAX:
        raise InvalidArgumentError(f"{name}_ns is a whole number of nanoseconds, not negative")
    return whole
