"""Figures of the Python package, against the obvious way: pandas of Jaeger's JSON of the same traces.

Usage: python_figures.py STORE     (a store of bench/run, in an environment with pandas and pyarrow)

CPU seconds are user and system of one process each; memory is what the process had at most, less what
it had before the work. The tables of both ways have the same ten columns.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

COLUMNS = (
    "trace_id span_id parent_id service name kind status status_message start duration_ns".split()
)
COMPARED_TRACES = 4_000
PATHS = 10_000
CALLS = 2_000


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measured(work) -> dict:
    before, memory = cpu(), peak_mib()
    rows = work()
    return {"rows": rows, "cpu": cpu() - before, "mib": peak_mib() - memory}


def arrow(path: str) -> dict:
    import pyarrow

    import tracestore

    with tracestore.open(path) as store:
        pyarrow.table({"warm": [1]})
        return measured(
            lambda: store.find().spans(columns=COLUMNS, ids="binary").to_arrow().num_rows
        )


def paths(path: str) -> dict:
    import tracestore

    def work() -> int:
        traces = store.find(limit=PATHS).traces()
        return sum(len(trace.critical_path()) for trace in traces)

    with tracestore.open(path) as store:
        return measured(work)


def find(path: str) -> dict:
    import tracestore

    def work() -> int:
        for _ in range(CALLS):
            store.find(service="no such service", min_duration="10ms", limit=20).first()
        return CALLS

    with tracestore.open(path) as store:
        store.find(service="no such service").first()
        return measured(work)


def ours(path: str) -> dict:
    import pandas  # noqa: F401  (loaded before it is measured)
    import pyarrow  # noqa: F401

    import tracestore

    with tracestore.open(path) as store:
        found = store.find(limit=COMPARED_TRACES)
        return measured(lambda: len(found.spans(columns=COLUMNS).to_pandas()))


def jaeger_frame(file: Path):
    """What people write: a row a span of {"data": [{"spans": […], "processes": {…}}]}."""
    import pandas

    rows = []
    for trace in json.loads(file.read_bytes())["data"]:
        for span in trace["spans"]:
            tags = {tag["key"]: tag["value"] for tag in span["tags"]}
            parents = [r["spanID"] for r in span["references"] if r["refType"] == "CHILD_OF"]
            rows.append(
                {
                    "trace_id": span["traceID"],
                    "span_id": span["spanID"],
                    "parent_id": parents[0] if parents else None,
                    "service": trace["processes"][span["processID"]]["serviceName"],
                    "name": span["operationName"],
                    "kind": tags.get("span.kind", "unspecified"),
                    "status": str(tags.get("otel.status_code", "unset")).lower(),
                    "status_message": tags.get("otel.status_description", ""),
                    "start": span["startTime"],
                    "duration_ns": span["duration"] * 1000,
                }
            )
    frame = pandas.DataFrame(rows)
    frame["start"] = pandas.to_datetime(frame["start"], unit="us", utc=True)
    return frame


def theirs(folder: str) -> dict:
    import pandas  # noqa: F401

    files = sorted(Path(folder).glob("*.json"))

    def work() -> int:
        import pandas

        return len(pandas.concat([jaeger_frame(file) for file in files], ignore_index=True))

    return measured(work)


def write_jaeger(path: str, folder: str) -> None:
    import tracestore

    with tracestore.open(path) as store:
        for number, trace in enumerate(store.find(limit=COMPARED_TRACES).traces()):
            (Path(folder) / f"{number:06}.json").write_bytes(trace.encode("jaeger"))


def child(step: str, argument: str) -> dict:
    done = subprocess.run(
        [sys.executable, __file__, "--step", step, argument], capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--step":
        step = {"arrow": arrow, "paths": paths, "find": find, "ours": ours, "theirs": theirs}
        print(json.dumps(step[sys.argv[2]](sys.argv[3])))
        return
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    table = child("arrow", path)
    print(f"ten columns as Arrow: {table['rows']} spans, {table['cpu']:.2f} CPU s,"
          f" {table['cpu'] / table['rows'] * 1e6:.2f} s a million, {table['mib']:.0f} MiB")
    path_cpu = child("paths", path)
    print(f"critical paths of {PATHS} traces: {path_cpu['rows']} parts, {path_cpu['cpu']:.2f} CPU s")
    calls = child("find", path)
    print(f"find() of nothing, all of it: {calls['cpu'] / CALLS * 1e6:.0f} us a call")
    with tempfile.TemporaryDirectory() as folder:
        write_jaeger(path, folder)
        one, other = child("ours", path), child("theirs", folder)
    # Jaeger's JSON has equal spans as often as they were stored, tables once.
    assert one["rows"] <= other["rows"], (one, other)
    print(f"pandas of {one['rows']} spans: {one['cpu']:.2f} CPU s, {one['mib']:.0f} MiB;"
          f" by way of Jaeger's JSON {other['cpu']:.2f} CPU s, {other['mib']:.0f} MiB:"
          f" {other['cpu'] / one['cpu']:.1f} x the CPU,"
          f" {other['mib'] / max(one['mib'], 1):.1f} x the memory")


if __name__ == "__main__":
    main()
