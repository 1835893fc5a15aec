"""Fixtures. The tests are of the installed package: nothing of the source tree but its data."""

from __future__ import annotations

import pytest
from support import DATA

import tracestore


@pytest.fixture
def shop() -> bytes:
    return (DATA / "shop.otlp.json").read_bytes()


@pytest.fixture
def store(tmp_path, shop):
    with tracestore.open(tmp_path / "store", "a") as opened:
        opened.append(shop, format="otlp-json")
        yield opened
