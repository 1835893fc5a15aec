"""Real traces, where somebody has them: Nezha's, as OTLP. Their format: bench/nezha.cc."""

from __future__ import annotations

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator

from support import SHARED

DAY = SHARED / "nezha" / "rca_data" / "2022-08-23" / "trace"


def _span(fields: list[str], names: dict[str, str]) -> str:
    trace, span, parent, _, name, start, end, _ = fields
    if name not in names:
        names[name] = json.dumps(name)
    above = "" if parent == "root" else f'"parentSpanId":"{parent}",'
    return (
        f'{{"traceId":"{trace}","spanId":"{span}",{above}"name":{names[name]},'
        f'"startTimeUnixNano":"{start}","endTimeUnixNano":"{end}"}}'
    )


def _resource(pod: str, spans: list[str]) -> str:
    service = pod.rsplit("-", 2)[0]
    attributes = [
        {"key": key, "value": {"stringValue": value}}
        for key, value in (("service.name", service), ("k8s.pod.name", pod))
    ]
    resource = json.dumps({"attributes": attributes})
    return f'{{"resource":{resource},"scopeSpans":[{{"spans":[{",".join(spans)}]}}]}}'


def requests(traces: int) -> Iterator[bytes]:
    """A message in OTLP's JSON for each minute of the day, until they have so many traces."""
    seen: set[str] = set()
    names: dict[str, str] = {}
    for file in sorted(DAY.glob("*.csv.gz")):
        pods = defaultdict(list)
        with gzip.open(file, "rt") as lines:
            next(lines)  # the header
            for line in lines:
                fields = line.rstrip("\n").split(",")
                seen.add(fields[0])
                pods[fields[3]].append(_span(fields, names))
        resources = ",".join(_resource(*pod) for pod in pods.items())
        yield f'{{"resourceSpans":[{resources}]}}'.encode()
        if len(seen) >= traces:
            return
