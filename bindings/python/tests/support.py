"""What tests share: the data, and spans as dicts."""

from __future__ import annotations

from pathlib import Path

DATA = Path(__file__).resolve().parents[3] / "tests" / "data"
SHOP = "4bf92f3577b34da6a3ce929d0e0e4736"


def span(number: int, parent: int = 0, trace: int = 1, **fields):
    """A span as a dict: [number, number + 1) seconds, unless fields say otherwise."""
    made = {
        "trace_id": f"{trace:032x}",
        "span_id": f"{number:016x}",
        "name": f"op{number}",
        "service": "tests",
        "start_ns": number * 1_000_000_000,
        "duration": "1s",
    }
    if parent:
        made["parent_id"] = f"{parent:016x}"
    made.update(fields)
    return made
