"""The pytest plugin: the fixture `trace_receiver`. See tracestore.testing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .testing import TraceReceiver


@pytest.fixture
def trace_receiver() -> Iterator[TraceReceiver]:
    """OTLP over HTTP on a free port of the loopback, into a store that goes with the test."""
    from .testing import TraceReceiver

    with TraceReceiver() as receiver:
        yield receiver
