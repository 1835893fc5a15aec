"""Drives Jaeger's ports with real clients, and compares what each of them sent span by span with
what the query API answers.

Usage: jaeger_test.py PROGRAM CLIENTS
CLIENTS: where scripts/bootstrap --clients installed them. Exit 77 (skipped) where some of them are
missing, but not in CI.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from service import Service

HERE = Path(__file__).resolve().parent / "clients"


def missing(clients):
    programs = [
        clients / "jaeger_python/bin/python",
        clients / "jaeger_otel_python/bin/python",
        clients / "jaeger_go/jaeger_go",
        clients / "jaeger_java/classes",
    ]
    return [str(program) for program in programs if not program.exists()]


def run(*command):
    """What the client printed: the spans that it sent."""
    environment = {**os.environ, "PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": "python"}
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                          timeout=120, env=environment)
    assert done.returncode == 0, (command, done.stderr)
    return json.loads(done.stdout.strip().splitlines()[-1])


def all_sent(service, clients):
    """By client and transport: the spans."""
    host = "127.0.0.1"
    udp = service.ports["jaeger_compact"]
    http = service.url("jaeger_http", "/api/traces")
    thrift = service.url("jaeger_http", "/api/traces?format=jaeger.thrift")
    otel = (clients / "jaeger_otel_python/bin/python", HERE / "otel_jaeger_client.py")
    java = ("java", "-cp", f"{clients}/jaeger_java/classes:{clients}/jaeger_java/lib/*",
            "JaegerClient")
    go = clients / "jaeger_go/jaeger_go"
    return {
        "jaeger-client python udp": run(clients / "jaeger_python/bin/python",
                                        HERE / "jaeger_python_client.py", host, udp),
        "opentelemetry python udp": run(*otel, "thrift-udp", f"{host}:{udp}"),
        "opentelemetry python http": run(*otel, "thrift-http", thrift),
        "opentelemetry python grpc": run(*otel, "grpc", f"{host}:{service.ports['jaeger_grpc']}"),
        "jaeger-client go udp": run(go, "udp", f"{host}:{udp}"),
        "jaeger-client go http": run(go, "http", http),
        "jaeger-client java udp": run(*java, "udp", f"{host}:{udp}"),
        "jaeger-client java http": run(*java, "http", http),
    }


def values_of(tags):
    return {tag["key"]: tag["value"] for tag in tags}


def same(sent, read):
    """Values as this test compares them: 1 and 1.0 are one, true is none of them."""
    if isinstance(sent, bool) or isinstance(read, bool):
        return sent is read
    return sent == read


def close(sent, read):
    """Microseconds; a client cuts or rounds the fraction it has of them."""
    return abs(sent - read) <= 1


def compare(what, sent, trace):
    """The sentence of the first difference, or None."""
    found = [span for span in trace["spans"] if span["spanID"] == sent["spanID"].zfill(16)]
    if len(found) != 1:
        return f"{what}: span {sent['operationName']} is there {len(found)} times"
    span = found[0]
    where = f"{what}: span {sent['operationName']}"
    if span["operationName"] != sent["operationName"]:
        return f"{where} is named {span['operationName']}"
    if span.get("flags", 0) != sent.get("flags", 1):
        return f"{where} has flags {span.get('flags')}"
    for field in ("startTime", "duration"):
        if not close(sent[field], span[field]):
            return f"{where}: {field} {sent[field]} is read as {span[field]}"
    references = [{"refType": one["refType"], "spanID": one["spanID"]}
                  for one in span["references"]]
    expected = [{**one, "spanID": one["spanID"].zfill(16)} for one in sent["references"]]
    if references != expected:
        return f"{where}: references {expected} are read as {references}"
    tags = values_of(span["tags"])
    process = trace["processes"][span["processID"]]
    # A client's own tags are the process's; of the root they stand with the span as well.
    tags.update((key, value) for key, value in values_of(process["tags"]).items()
                if key not in tags)
    for key, value in sent["tags"].items():
        if key not in tags or not same(value, tags[key]):
            return f"{where}: tag {key} {value!r} is read as {tags.get(key)!r}"
    if process["serviceName"] != sent["service"]:
        return f"{where} is of {process['serviceName']}"
    logs = [(log["timestamp"], values_of(log["fields"])) for log in span["logs"]]
    if len(logs) != len(sent["logs"]):
        return f"{where} has {len(logs)} logs, not {len(sent['logs'])}"
    for expected_log, (timestamp, fields) in zip(sent["logs"], logs):
        if not close(expected_log["timestamp"], timestamp) or fields.keys() != expected_log[
                "fields"].keys() or not all(
                    same(value, fields[key]) for key, value in expected_log["fields"].items()):
            return f"{where}: log {expected_log} is read as {timestamp} {fields}"
    return None


def check(what, spans, service):
    """Packets have no answer: a span counts as lost when it hasn't come after some seconds."""
    assert spans, what
    deadline = time.monotonic() + 20
    for sent in spans:
        trace_id = sent["traceID"].zfill(16)
        while True:
            trace = service.trace(trace_id)
            difference = f"{what}: no trace {trace_id}"
            if trace is not None:
                difference = compare(what, sent, trace)
            if difference is None:
                break
            assert time.monotonic() < deadline, difference
            time.sleep(0.05)  # polls another process; nothing in it can wake us
    counts = {}
    for sent in spans:
        counts[sent["traceID"]] = counts.get(sent["traceID"], 0) + 1
    for trace_id, count in counts.items():
        spans_read = service.trace(trace_id.zfill(16))["spans"]
        assert len(spans_read) == count, f"{what}: {len(spans_read)} spans of {count}"


def main():
    program, clients = sys.argv[1], Path(sys.argv[2])
    absent = missing(clients)
    if absent:
        print(f"SKIPPED: no {', '.join(absent)}; run scripts/bootstrap --clients")
        sys.exit(1 if os.environ.get("CI") == "true" else 77)
    with tempfile.TemporaryDirectory(prefix="tracestore-test-") as data:
        with Service(program, Path(data) / "store") as service:
            sent = all_sent(service, clients)
            for what, spans in sent.items():
                check(what, spans, service)
            service.stop()
    spans = sum(len(one) for one in sent.values())
    print(f"{spans} spans of {len(sent)} clients and transports came back as they were sent")


if __name__ == "__main__":
    main()
