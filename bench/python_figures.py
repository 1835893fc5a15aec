"""Figures of the Python package, against the obvious way: pandas of Jaeger's JSON of the same
traces.

Usage: python_figures.py STORE     (a store of bench/run, in an environment with pandas and pyarrow)

CPU seconds are user and system of one process each. Memory is the process' RssAnon, looked at every
millisecond from outside, less what it had before the work: at its highest, and at the end, when
what was asked for is all that is left. All tables have the same ten columns.
"""

from __future__ import annotations

import gc
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
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


def anonymous_mib(process: str) -> float:
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    return 0.0  # it has ended


def measured(work) -> dict:
    """What `work` gives has a length: that of the table, or of what stands for it."""
    gc.collect()
    print("begin", flush=True)
    sys.stdin.readline()  # the other process has looked
    before, memory = cpu(), anonymous_mib("self")
    made = work()
    used = cpu() - before
    gc.collect()
    rows = made if isinstance(made, int) else len(made)
    return {"rows": rows, "cpu": used, "held": anonymous_mib("self") - memory}


def arrow(path: str) -> dict:
    import pyarrow

    import tracestore

    with tracestore.open(path) as store:
        pyarrow.table({"warm": [1]})
        return measured(lambda: store.find().spans(columns=COLUMNS, ids="binary").to_arrow())


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


def compared(path: str, make, **choice) -> dict:
    import pandas  # noqa: F401  (loaded before it is measured)
    import pyarrow

    import tracestore

    pyarrow.table({"warm": [1]}).to_pandas()
    with tracestore.open(path) as store:
        return measured(lambda: make(store.find(limit=COMPARED_TRACES).spans(columns=COLUMNS, **choice)))


def ours_arrow(path: str) -> dict:
    return compared(path, lambda spans: spans.to_arrow())


def ours_smallest(path: str) -> dict:
    import pyarrow

    import tracestore

    pyarrow.table({"warm": [1]})
    with tracestore.open(path) as store:
        found = store.find(limit=COMPARED_TRACES)
        spans = found.spans(columns=COLUMNS, ids="binary", dictionaries=True)
        return measured(lambda: spans.to_arrow())


def ours_pandas(path: str) -> dict:
    return compared(path, lambda spans: spans.to_pandas())


def ours_categories(path: str) -> dict:
    return compared(path, lambda spans: spans.to_pandas(), dictionaries=True)


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
    """Of one file of all traces, or of a file for each: whatever the folder holds."""
    import pandas

    files = sorted(Path(folder).glob("*.json"))
    pandas.DataFrame([{"warm": "x"}])
    if len(files) == 1:
        return measured(lambda: jaeger_frame(files[0]))
    return measured(
        lambda: pandas.concat([jaeger_frame(file) for file in files], ignore_index=True)
    )


def write_jaeger(path: str, one: Path, each: Path) -> None:
    """The traces as one file, as Jaeger's API gives them, and as a file for each."""
    import tracestore

    one.mkdir()
    each.mkdir()
    with tracestore.open(path) as store, (one / "traces.json").open("wb") as out:
        out.write(b'{"data":[')
        for number, trace in enumerate(store.find(limit=COMPARED_TRACES).traces()):
            encoded = trace.encode("jaeger")
            (each / f"{number:06}.json").write_bytes(encoded)
            data = json.dumps(json.loads(encoded)["data"], separators=(",", ":"))[1:-1]
            out.write((b"," if number else b"") + data.encode())
        out.write(b"]}")


def child(step: str, argument: str) -> dict:
    """Runs a step in a process of its own and looks at its memory meanwhile."""
    command = [sys.executable, __file__, "--step", step, argument]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    if process.stdout.readline() != "begin\n":
        sys.exit(f"{step} has failed")
    before = highest = anonymous_mib(str(process.pid))
    ended = threading.Event()

    def look() -> None:
        nonlocal highest
        while not ended.is_set():
            try:
                highest = max(highest, anonymous_mib(str(process.pid)))
            except OSError:
                return
            time.sleep(0.001)

    thread = threading.Thread(target=look)
    thread.start()
    answer = process.communicate("go\n")[0]
    ended.set()
    thread.join()
    if process.returncode != 0:
        sys.exit(f"{step} has failed")
    return {**json.loads(answer), "mib": highest - before}


STEPS = {
    "arrow": arrow, "paths": paths, "find": find,
    "ours_arrow": ours_arrow, "ours_smallest": ours_smallest, "ours_pandas": ours_pandas,
    "ours_categories": ours_categories, "theirs": theirs,
}  # fmt: skip
OURS = {
    "ours_arrow": "Arrow", "ours_smallest": "Arrow with binary ids and dictionaries",
    "ours_pandas": "pandas", "ours_categories": "pandas with categories",
}  # fmt: skip


def against(what: str, one: dict, other: dict) -> None:
    # Jaeger's JSON has equal spans as often as they were stored, tables once.
    assert one["rows"] <= other["rows"], (one, other)
    print(f"  {what}: {other['cpu']:.2f} CPU s, {other['mib']:.0f} MiB at most, {other['held']:.0f} at the"
          f" end: {other['cpu'] / one['cpu']:.0f} x the CPU, {other['mib'] / one['mib']:.1f} x the memory")


def main() -> None:
    if len(sys.argv) == 4 and sys.argv[1] == "--step":
        print(json.dumps(STEPS[sys.argv[2]](sys.argv[3])))
        return
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    path = sys.argv[1]
    table = child("arrow", path)
    print(f"ten columns as Arrow: {table['rows']} spans, {table['cpu']:.2f} CPU s,"
          f" {table['cpu'] / table['rows'] * 1e6:.2f} s a million, {table['mib']:.0f} MiB at most,"
          f" {table['held']:.0f} at the end")
    path_cpu = child("paths", path)
    print(f"critical paths of {PATHS} traces: {path_cpu['rows']} parts, {path_cpu['cpu']:.2f} CPU s")
    calls = child("find", path)
    print(f"find() of nothing, all of it: {calls['cpu'] / CALLS * 1e6:.0f} us a call")
    with tempfile.TemporaryDirectory() as work:
        one, each = Path(work) / "one", Path(work) / "each"
        write_jaeger(path, one, each)
        file, files = child("theirs", str(one)), child("theirs", str(each))
        for name, title in OURS.items():
            got = child(name, path)
            print(f"{title} of {COMPARED_TRACES} traces: {got['rows']} spans,"
                  f" {got['cpu']:.2f} CPU s, {got['mib']:.0f} MiB at most, {got['held']:.0f} at the end")
            against("pandas of Jaeger's JSON in one file", got, file)
            against("pandas of a file of Jaeger's JSON for each trace", got, files)


if __name__ == "__main__":
    main()
