"""Drives port 9411 with real Zipkin clients, and the OTLP ports with OpenTelemetry's for Node, and
compares what each of them sent span by span with what is read back.

Usage: zipkin_test.py PROGRAM CLIENTS
CLIENTS: where scripts/bootstrap --clients installed them. Exit 77 (skipped) where some of them are
missing, but not in CI.
"""

import json
import math
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

from service import Service

HERE = Path(__file__).resolve().parent / "clients"
WIRE = Path(__file__).resolve().parents[1] / "data" / "wire"


class Clients:
    def __init__(self, root):
        self.root = Path(root)

    def missing(self):
        programs = [
            self.root / "zipkin_python/bin/python",
            self.root / "zipkin_python_old/bin/python",
            self.root / "node/node_modules",
            self.root / "zipkin_go/zipkin_go",
        ]
        return [str(program) for program in programs if not program.exists()]

    def run(self, *command, cwd=None):
        """What the client printed: the spans that it sent."""
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, text=True, timeout=120, cwd=cwd
        )
        assert done.returncode == 0, (command, done.stderr)
        return json.loads(done.stdout)

    def python(self, venv, script, *arguments):
        return self.run(self.root / venv / "bin/python", HERE / script, *arguments)

    def node(self, script, *arguments):
        # From where the modules are: Node looks for them beside the script.
        return self.run("node", self.root / "node" / script, *arguments)


def exported(program, data, format):
    done = subprocess.run(
        [program, "export", str(data), "--format", format, "--output", "-"],
        capture_output=True, text=True, timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def normal(span):
    """A span in Zipkin's normal form (docs/format/zipkin-json.md)."""
    out = {key: value for key, value in span.items() if value not in (None, "", [], {}, False, 0)}
    out["traceId"] = out["traceId"].zfill(16)
    if len(out["traceId"]) == 32 and out["traceId"].startswith("0" * 16):
        out["traceId"] = out["traceId"][16:]
    for key in ("id", "parentId"):
        if key in out:
            out[key] = out[key].zfill(16)
    if "name" in out:
        out["name"] = out["name"].lower()
    for key in ("localEndpoint", "remoteEndpoint"):
        if key in out:
            endpoint = {name: value for name, value in out[key].items() if value}
            if "serviceName" in endpoint:
                endpoint["serviceName"] = endpoint["serviceName"].lower()
            out[key] = endpoint
    if "annotations" in out:
        out["annotations"] = sorted(
            out["annotations"], key=lambda one: (one["timestamp"], one["value"])
        )
    return out


def key_of(span):
    return (span["traceId"], span["id"], span.get("kind"))


def compare_zipkin(what, sent, stored):
    assert sent, what
    for span in sent:
        expected = normal(span)
        found = stored.get(key_of(expected))
        assert found is not None, f"{what}: span {key_of(expected)} is missing"
        assert found == expected, f"{what}:\n sent {expected}\n read {found}"


def check_zipkin_clients(clients, service, program, data):
    url = service.url("zipkin")
    sent = {}
    for encoding in ("v1-json", "v2-json", "v2-proto"):
        sent[f"py_zipkin {encoding}"] = clients.python(
            "zipkin_python", "py_zipkin_client.py", encoding, url
        )
        sent[f"opentelemetry python {encoding}"] = clients.python(
            "zipkin_python", "otel_zipkin_client.py", encoding, url
        )
    sent["py_zipkin 0.20 v1-thrift"] = clients.python(
        "zipkin_python_old", "py_zipkin_client.py", "v1-thrift", url
    )
    for encoding in ("v1-json", "v2-json"):
        sent[f"npm zipkin {encoding}"] = clients.node("zipkin.js", encoding, url)
    sent["zipkin-go gRPC"] = clients.run(
        clients.root / "zipkin_go/zipkin_go", f"127.0.0.1:{service.ports['zipkin']}"
    )
    stored = {key_of(span): span for span in json.loads(exported(program, data, "zipkin"))}
    for what, spans in sent.items():
        compare_zipkin(what, as_version(what, spans), stored)
    return sum(len(spans) for spans in sent.values()), len(sent)


def check_http2_under_tls(clients, program):
    """Go's own client of HTTP and gRPC's offer the same, h2 alone, and come to the same port."""
    with tempfile.TemporaryDirectory(prefix="tracestore-zipkin-tls-") as folder:
        key, cert, data = (Path(folder) / name for name in ("key.pem", "cert.pem", "data"))
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=test", "-addext",
             "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", cert],
            check=True, capture_output=True, timeout=60)
        with Service(program, data, "--collector.zipkin.tls.enabled",
                     f"--collector.zipkin.tls.cert={cert}",
                     f"--collector.zipkin.tls.key={key}") as service:
            sent = clients.run(clients.root / "zipkin_go/zipkin_go",
                               f"127.0.0.1:{service.ports['zipkin']}", cert)
            _, metrics = service.get("admin", "/metrics")
            service.stop()
        for transport in ("http", "grpc"):
            assert f'zipkin_collector_messages_total{{transport="{transport}"}} ' in metrics, metrics
        stored = {key_of(span): span for span in json.loads(exported(program, data, "zipkin"))}
        compare_zipkin("zipkin-go under TLS", sent, stored)
        return len(sent)


def as_version(what, spans):
    """What of version 2 a client that writes version 1 sends of it."""
    if "v1" not in what:
        return spans
    # OpenTelemetry's writes no core annotations: the kind is lost.
    if what.startswith("opentelemetry"):
        return [{key: value for key, value in span.items() if key != "kind"} for span in spans]
    return spans


def value_of(any_value):
    (kind, value), = any_value.items()
    if kind == "intValue":
        return int(value)
    if kind == "arrayValue":
        return [value_of(item) for item in value.get("values", [])]
    return value


def values_of(attributes):
    return {one["key"]: value_of(one["value"]) for one in attributes or []}


def otlp_spans(program, data):
    spans = {}
    for resource_spans in json.loads(exported(program, data, "otlp-json"))["resourceSpans"]:
        resource = values_of(resource_spans["resource"].get("attributes"))
        for scope_spans in resource_spans["scopeSpans"]:
            for span in scope_spans["spans"]:
                spans[span["traceId"], span["spanId"]] = (resource, scope_spans["scope"], span)
    return spans


def compare_otlp(what, sent, stored):
    assert sent, what
    for span in sent:
        resource, scope, read = stored[span["traceId"], span["spanId"]]
        status = read.get("status", {})
        shown = {
            "traceId": read["traceId"],
            "spanId": read["spanId"],
            "parentSpanId": read.get("parentSpanId", ""),
            "name": read["name"],
            "kind": read["kind"],
            "start": read["startTimeUnixNano"],
            "end": read["endTimeUnixNano"],
            "attributes": values_of(read.get("attributes")),
            "events": [
                {"time": event["timeUnixNano"], "name": event["name"],
                 "attributes": values_of(event.get("attributes"))}
                for event in read.get("events", [])
            ],
            "links": [
                {"traceId": link["traceId"], "spanId": link["spanId"],
                 "attributes": values_of(link.get("attributes"))}
                for link in read.get("links", [])
            ],
            "status": {"code": status.get("code", 0), **(
                {"message": status["message"]} if "message" in status else {})},
            "resource": resource,
            "scope": {"name": scope["name"], "version": scope["version"]},
        }
        assert shown == span, f"{what}:\n sent {span}\n read {shown}"


def node_micros(nanoseconds):
    """As the exporter rounds: seconds and nanoseconds summed as doubles, then JavaScript's
    round()."""
    seconds, rest = divmod(int(nanoseconds), 1_000_000_000)
    micros = seconds * 1e6 + rest / 1e3
    whole = math.floor(micros)
    return whole + (micros - whole >= 0.5)


def as_zipkin(span):
    """A span of OpenTelemetry's SDK for Node as its exporter for Zipkin writes it."""
    kinds = {2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
    tags = {key: text(value) for key, value in {**span["resource"], **span["attributes"]}.items()}
    code = span["status"]["code"]
    if code != 0:
        tags["otel.status_code"] = ["UNSET", "OK", "ERROR"][code]
    if code == 2 and span["status"].get("message"):
        tags["error"] = span["status"]["message"]
    return {
        "traceId": span["traceId"],
        "parentId": span["parentSpanId"],
        "id": span["spanId"],
        "name": span["name"],
        "kind": kinds.get(span["kind"]),
        "timestamp": node_micros(span["start"]),
        "duration": node_micros(int(span["end"]) - int(span["start"])),
        "localEndpoint": {"serviceName": span["resource"]["service.name"]},
        "annotations": [
            {"timestamp": node_micros(event["time"]), "value": event["name"]}
            for event in span["events"]
        ],
        "tags": tags,
    }


def text(value):
    """As JavaScript's String()."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ",".join(text(item) for item in value)
    return str(value)


def check_node_otel(clients, service, program, data):
    sent = {
        "otlp-grpc": f"http://127.0.0.1:{service.ports['otlp_grpc']}",
        "otlp-http-json": service.url("otlp_http", "/v1/traces"),
        "otlp-http-proto": service.url("otlp_http", "/v1/traces"),
        "zipkin": service.url("zipkin", "/api/v2/spans"),
    }
    sent = {mode: clients.node("otel.js", mode, url) for mode, url in sent.items()}
    stored = otlp_spans(program, data)
    for mode in ("otlp-grpc", "otlp-http-json", "otlp-http-proto"):
        compare_otlp(f"opentelemetry node {mode}", sent[mode], stored)
    stored = {key_of(span): span for span in json.loads(exported(program, data, "zipkin"))}
    compare_zipkin(
        "opentelemetry node zipkin", [as_zipkin(span) for span in sent["zipkin"]], stored
    )
    return sum(len(spans) for spans in sent.values()), len(sent)


def post(url, body, content_type):
    request = urllib.request.Request(url, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


# The captures of tests/data/wire and what Zipkin 3.6.1 answered to each.
REPLAY = [
    ("otel-python-1.45.1-zipkin_v2_json.bin", "v2", "application/json", 202, ""),
    ("otel-python-1.45.1-zipkin_v1_json.bin", "v1", "application/json", 202, ""),
    ("otel-python-1.45.1-zipkin_v2_proto.bin", "v2", "application/x-protobuf", 202, ""),
    ("otel-node-2.12.1-zipkin_v2_json.bin", "v2", "application/json", 202, ""),
    ("py_zipkin-0.20.2-zipkin_v1_thrift.bin", "v1", "application/x-thrift", 202, ""),
    ("py_zipkin-1.2.8-zipkin_v1_json.bin", "v1", "application/json", 202, ""),
    ("py_zipkin-1.2.8-zipkin_v2_json.bin", "v2", "application/json", 202, ""),
    ("py_zipkin-1.2.8-zipkin_v2_proto.bin", "v2", "application/x-protobuf", 202, ""),
    ("zipkin-js-0.22.0-zipkin_v1_json.bin", "v1", "application/json", 202, ""),
    ("zipkin-js-0.22.0-zipkin_v2_json.bin", "v2", "application/json", 202, ""),
    ("zipkin-js-0.22.0-zipkin_v1_thrift.bin", "v1", "application/x-thrift", 400,
     "traceId == 0 reading List<Span> from TBinary"),
]


def check_replay(service, program, data):
    """The captures are answered, and the spans given back, as Zipkin did; no difference is left."""
    for file, version, content_type, status, body in REPLAY:
        url = service.url("zipkin", f"/api/{version}/spans")
        answer = post(url, (WIRE / file).read_bytes(), content_type)
        assert answer == (status, body), (file, answer)
    stored = {key_of(span): span for span in json.loads(exported(program, data, "zipkin"))}
    traces = json.loads((WIRE / "expected-zipkin" / "traces.json").read_text())
    expected = [span for trace in traces for span in trace]
    assert len(expected) > 25
    for span in expected:
        assert stored[key_of(span)] == span, (span, stored.get(key_of(span)))
    check_reads(service, traces)
    return len(expected)


def get(service, path):
    status, body = service.get("zipkin", path)
    assert status == 200, (path, status, body)
    return json.loads(body)


def check_reads(service, traces):
    """The query API gives what Zipkin gave for the same captures, by id, by name and by search."""
    services = json.loads((WIRE / "expected-zipkin" / "services.json").read_text())
    assert get(service, "/api/v2/services") == services
    ordered = lambda trace: sorted(trace, key=lambda span: json.dumps(span, sort_keys=True))
    for trace in traces:
        read = get(service, f"/api/v2/trace/{trace[0]['traceId']}")
        assert ordered(read) == ordered(trace), (read, trace)
    # The captures are of one day of 2026: a window that has them all.
    times = [span["timestamp"] for trace in traces for span in trace if "timestamp" in span]
    window = f"endTs={max(times) // 1000 + 1}&lookback={(max(times) - min(times)) // 1000 + 2}"
    found = get(service, f"/zipkin/api/v2/traces?limit=1000&{window}")
    assert {t[0]["traceId"] for t in found} == {t[0]["traceId"] for t in traces}
    for name in services:
        found = get(service, f"/api/v2/traces?limit=1000&serviceName={name}&{window}")
        expected = {
            trace[0]["traceId"] for trace in traces
            if any(span.get("localEndpoint", {}).get("serviceName") == name for span in trace)
        }
        assert {t[0]["traceId"] for t in found} == expected, name
        names = {
            span["name"] for trace in traces for span in trace
            if span.get("localEndpoint", {}).get("serviceName") == name and "name" in span
        }
        assert get(service, f"/api/v2/spans?serviceName={name}") == sorted(names)
    assert service.get("zipkin", "/api/v2/traces?limit=0") == (400, "limit <= 0")


def main():
    program, clients = sys.argv[1], Clients(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="tracestore-zipkin-") as data:
        with Service(program, data) as service:
            replayed = check_replay(service, program, data)
            print(f"{replayed} spans of {len(REPLAY)} captures are as Zipkin gave them")
            missing = clients.missing()
            if missing:
                print(f"zipkin_test: clients not run, missing: {', '.join(missing)} "
                      "(scripts/bootstrap --clients)")
                sys.exit(1 if os.environ.get("CI") == "true" else 77)
            spans, senders = check_zipkin_clients(clients, service, program, data)
            more, exporters = check_node_otel(clients, service, program, data)
            _, metrics = service.get("admin", "/metrics")
            assert 'zipkin_collector_messages_total{transport="http"}' in metrics, metrics
            service.stop()
    under_tls = check_http2_under_tls(clients, program)
    print(f"{spans + more} spans of {senders + exporters} clients came back whole, "
          f"and {under_tls} under TLS")


if __name__ == "__main__":
    main()
