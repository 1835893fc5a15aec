"""open() and read()."""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta
from typing import Literal, Optional, Union

from . import _core
from ._check import needed_text, seconds, whole
from ._errors import InvalidArgumentError, IoError, NotFoundError
from ._store import Snapshot, Store


def _path(path: object, what: str) -> str:
    if not isinstance(path, (str, os.PathLike)):
        raise InvalidArgumentError(f"{what} is a str or a path, not {type(path).__name__}")
    text = os.fspath(path)
    if not isinstance(text, str):
        raise InvalidArgumentError(f"{what} is a str or a path of text")
    needed_text(text, what)
    if "\0" in text:
        raise InvalidArgumentError(f"{what} has a zero byte")
    return text


def open_store(
    path: Union[str, os.PathLike[str]],
    mode: Literal["r", "a", "w"] = "r",
    *,
    sync: Literal["full", "interval", "off"] = "interval",
    retention_age: Optional[timedelta] = None,
    retention_bytes: int = 0,
    background: bool = True,
) -> Store:
    """Opens the store in the directory `path`.

    mode: "r" reads a store that another process may be writing to; "a" appends, and creates the
    directory where it is missing; "w" the same for a new store: where one stands already it raises
    InvalidArgumentError and leaves it as it is. One process at a time appends.
    sync: when an append is on the medium: "full" before it returns, "interval" a second later at
    most, "off" when the system likes. A killed process loses nothing either way.
    retention_age, retention_bytes: segments go when their last span is so old, the oldest while all
    have more bytes. background: seal and compact in threads of the store's own.

    Raises NotFoundError ("r", nothing there), BusyError (another process appends), UnsupportedError
    (a newer format), IoError, CorruptionError.
    """
    where = _path(path, "path")
    if mode not in ("r", "a", "w"):
        raise InvalidArgumentError(f"mode is 'r', 'a' or 'w', not {mode!r}")
    if mode == "w":
        _refuse_store(where)
    core = _core.open_store(
        where,
        write=mode != "r",
        sync=needed_text(sync, "sync"),
        retention_age_s=0 if retention_age is None else seconds(retention_age, "retention_age"),
        retention_bytes=whole(retention_bytes, "retention_bytes") or 0,
        background=bool(background),
    )
    return Store(core, where, mode)


def _refuse_store(path: str) -> None:
    try:
        there = open_store(path, "r")
    except NotFoundError:
        return
    there.close()
    raise InvalidArgumentError(
        f"a store stands at {path} already: mode 'w' makes a new one, 'a' appends to this one"
    )


def read(
    files: Union[str, os.PathLike[str], Iterable[Union[str, os.PathLike[str]]]],
) -> Snapshot:
    """The spans of trace files, with the same questions as a store and without one: OTLP, Jaeger or
    Zipkin, plain, gzip or zstd, told by content. `snapshot.report` says what was left out.

    Raises NotFoundError, IoError, InvalidArgumentError (a file of no known format, or damaged).
    """
    if isinstance(files, (str, os.PathLike)):
        files = [files]
    elif isinstance(files, bytes) or not isinstance(files, Iterable):
        raise InvalidArgumentError("files are a path or a list of paths")
    names = [_path(name, "a file") for name in files]
    if not names:
        raise InvalidArgumentError("no file to read")
    contents = [_contents(name) for name in names]
    try:
        return Snapshot(*_core.read_files(contents))
    except InvalidArgumentError as error:
        raise _named(names, contents, error) from None


def _contents(name: str) -> bytes:
    try:
        with open(name, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise NotFoundError(f"there is no file {name}") from None
    except OSError as error:
        raise IoError(f"{name}: {error.strerror}") from None


def _named(
    names: list[str], contents: list[bytes], error: InvalidArgumentError
) -> InvalidArgumentError:
    """The error with the name of the file it speaks of, which the decoder doesn't know."""
    for name, content in zip(names, contents):
        try:
            _core.read_files([content])
        except InvalidArgumentError as of_this:
            return InvalidArgumentError(f"{name}: {of_this}")
    return error
