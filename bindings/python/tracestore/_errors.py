"""One exception class per error code of the library."""

from __future__ import annotations


class Error(Exception):
    """What every call of tracestore raises: `str(error)` is one sentence."""


class InvalidArgumentError(Error, ValueError):
    """The caller's fault: the same call can't succeed later."""


class NotFoundError(Error, LookupError):
    """A trace, span, store or file that isn't there."""


class CorruptionError(Error):
    """Bytes of a store are damaged; the sentence names file and byte offset."""


class IoError(Error, OSError):
    """The operating system refused; the sentence has errno's name."""


class BusyError(Error):
    """Another writer, or a full queue: try again later."""


class UnsupportedError(Error):
    """A newer format version, or a codec that this build lacks."""


class CancelledError(Error):
    """The timeout has passed."""


#: By the number of the code (tracestore/status.h); 0 is none of them.
BY_CODE: tuple[type[Error], ...] = (
    Error,
    InvalidArgumentError,
    NotFoundError,
    CorruptionError,
    IoError,
    BusyError,
    UnsupportedError,
    CancelledError,
)
