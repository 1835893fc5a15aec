"""The service as an operator sees it: systemd's protocol, SIGHUP, sampling, metrics, health."""

import contextlib
import http.server
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

from service import Service, free_ports

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "faults"))
import messages  # noqa: E402  its folder was just named

PROGRAM = sys.argv.pop(1)
ROOT = Path(__file__).resolve().parents[2]


def strategies(probability):
    return json.dumps({"default_strategy": {"type": "probabilistic", "param": probability}})


def post_spans(service, trace_id, *spans):
    """OTLP/HTTP; each span is a pair of its name and its status code."""
    body = {"resourceSpans": [{"scopeSpans": [{"spans": [
        {"traceId": trace_id, "spanId": f"00f067aa0ba902b{i}", "name": name,
         "startTimeUnixNano": "1", "endTimeUnixNano": "2", "status": {"code": code},
         "attributes": [{"key": "card", "value": {"stringValue": "no 4711"}}]}
        for i, (name, code) in enumerate(spans)]}]}]}
    request = urllib.request.Request(service.url("otlp_http", "/v1/traces"),
                                     json.dumps(body).encode(),
                                     {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert answer.status == 200, answer.status


def make_certificate(cert, key):
    """Signed by itself, for 127.0.0.1; PEM files."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key, "-out", cert],
                   check=True, capture_output=True, timeout=60)


def sampling_rate(service):
    status, body = service.get("sampling_http", "/sampling?service=any")
    assert status == 200, body
    return json.loads(body)["probabilisticSampling"]["samplingRate"]


class Operation(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory(prefix="tracestore-test-")
        self.addCleanup(self.scratch.cleanup)
        self.path = Path(self.scratch.name)

    def test_systemd_is_told(self):
        address = str(self.path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            systemd.settimeout(60)

            def next_state():
                while (state := systemd.recv(1024).decode()) == "WATCHDOG=1":
                    pass
                return state

            with Service(PROGRAM, self.path / "data",
                         environment={"NOTIFY_SOCKET": address,
                                      "WATCHDOG_USEC": "100000"}) as service:
                self.assertEqual(next_state(), "READY=1")
                self.assertEqual(systemd.recv(1024).decode(), "WATCHDOG=1")
                service.process.send_signal(signal.SIGHUP)
                self.assertRegex(next_state(), r"^RELOADING=1\nMONOTONIC_USEC=[0-9]+$")
                self.assertEqual(next_state(), "READY=1")
                service.stop()
            self.assertEqual(next_state(), "STOPPING=1")

    def test_sighup_reads_strategies_again(self):
        address = str(self.path / "notify")
        file = self.path / "strategies.json"
        file.write_text(strategies(0.25))
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(address)
            systemd.settimeout(60)

            def reload(service):
                service.process.send_signal(signal.SIGHUP)
                self.assertIn("RELOADING=1", systemd.recv(1024).decode())
                self.assertEqual(systemd.recv(1024), b"READY=1")

            with Service(PROGRAM, self.path / "data", f"--sampling.strategies-file={file}",
                         environment={"NOTIFY_SOCKET": address}) as service:
                self.assertEqual(systemd.recv(1024), b"READY=1")
                self.assertEqual(sampling_rate(service), 0.25)
                file.write_text(strategies(0.5))
                reload(service)
                self.assertEqual(sampling_rate(service), 0.5)
                file.write_text("{")
                reload(service)
                self.assertEqual(sampling_rate(service), 0.5)
                self.assertIn("error reload: ", service.log())
                metrics = service.get("admin", "/metrics")[1]
                self.assertIn("tracestore_sampling_reload_failures_total 1\n", metrics)
                self.assertIn('jaeger_agent_http_server_requests_total{type="sampling"} 3\n',
                              metrics)
                service.stop()

    def test_a_missing_strategies_file_ends_the_start(self):
        done = subprocess.run([PROGRAM, "all-in-one", *free_ports(PROGRAM),
                               "--sampling.strategies-file=/nowhere.json"],
                              capture_output=True, text=True, timeout=60, check=False)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("tracestore: failed to read strategies file /nowhere.json", done.stderr)

    def test_a_port_in_use_ends_the_start(self):
        with Service(PROGRAM, self.path / "data") as service:
            taken = service.ports["admin"]
            done = subprocess.run([PROGRAM, "collector", f"--admin-port={taken}"],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 4)
            self.assertIn(f"tracestore: cannot listen on 127.0.0.1:{taken}: address already in use",
                          done.stderr)
            # Another writer of the directory.
            done = subprocess.run([PROGRAM, "all-in-one", f"--data={self.path / 'data'}",
                                   *free_ports(PROGRAM)],
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, 5)
            self.assertIn(f"by PID {service.process.pid}", done.stderr)
            service.stop()

    def test_a_request_in_flight_is_finished_at_the_end(self):
        body = json.dumps({"resourceSpans": []}).encode()
        with Service(PROGRAM, self.path / "data") as service:
            with socket.create_connection(("127.0.0.1", service.ports["otlp_http"])) as client:
                client.settimeout(60)
                client.sendall(b"POST /v1/traces HTTP/1.1\r\nHost: a\r\n"
                               b"Content-Type: application/json\r\n"
                               b"Content-Length: %d\r\n\r\n" % len(body) + body[:5])
                # The connection count of /metrics tells that the header was read.
                line = 'tracestore_http_connections{server="otlp_http"} 1\n'
                deadline = time.monotonic() + 60
                while line not in service.get("admin", "/metrics")[1]:
                    self.assertLess(time.monotonic(), deadline)
                service.process.send_signal(signal.SIGTERM)
                while service.get("admin", "/")[0] != 503:
                    self.assertLess(time.monotonic(), deadline)
                client.sendall(body[5:])
                self.assertTrue(client.recv(4096).startswith(b"HTTP/1.1 200 OK\r\n"))
            self.assertEqual(service.process.wait(timeout=60), 0)

    def test_adaptive_sampling_serves_its_initial_probability(self):
        with Service(PROGRAM, self.path / "data", "--sampling.initial-sampling-probability=0.125",
                     environment={"SAMPLING_CONFIG_TYPE": "adaptive"}) as service:
            status, body = service.get("sampling_http", "/sampling?service=any")
            self.assertEqual(status, 200)
            self.assertIn('"defaultSamplingProbability":0.125', body.replace(" ", ""))
            self.assertIn("tracestore_adaptive_leader", service.get("admin", "/metrics")[1])
            service.stop()

    def test_processors_of_the_file_and_tags(self):
        file = self.path / "a.yaml"
        file.write_text("processors:\n- {action: redact, key: card, pattern: '[0-9]+'}\n"
                        "- {action: drop-spans, where: 'name = \"noise\"', name: noise}\n"
                        "collector.tags: zone=${ZONE:a}\n")
        with Service(PROGRAM, self.path / "data", f"--config={file}",
                     environment={"ZONE": "b"}) as service:
            post_spans(service, "0af7651916cd43dd8448eb211c80319c", ("pay", 0), ("noise", 0))
            trace = service.trace("0af7651916cd43dd8448eb211c80319c")
            (span,) = trace["spans"]
            self.assertIn({"key": "card", "type": "string", "value": "no ***"}, span["tags"])
            self.assertIn({"key": "zone", "type": "string", "value": "b"},
                          trace["processes"][span["processID"]]["tags"])
            self.assertIn('tracestore_pipeline_spans_total{stage="process",rule="noise",'
                          'action="dropped"} 1\n', service.get("admin", "/metrics")[1])
            service.stop()

    def test_jaegers_ports_take_what_clients_sent(self):
        wire = ROOT / "tests/data/wire"
        with Service(PROGRAM, self.path / "data") as service:
            body = (wire / "jaeger-client-java-1.8.1-http_thrift_binary.bin").read_bytes()
            request = urllib.request.Request(service.url("jaeger_http", "/api/traces"), body,
                                             {"Content-Type": "application/x-thrift"})
            with urllib.request.urlopen(request, timeout=60) as answer:
                self.assertEqual((answer.status, answer.read()), (202, b""))
            status, text = service.get("jaeger_http", "/api/sampling?service=a")
            self.assertEqual(status, 200, text)
            packet = (wire / "jaeger-client-go-2.30.0-jaeger_thrift_compact.bin").read_bytes()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(packet, ("127.0.0.1", service.ports["jaeger_compact"]))
                client.sendto(b"x", ("127.0.0.1", service.ports["jaeger_compact"]))
            labels = '{model="jaeger",protocol="compact"}'
            awaited = ("jaeger_agent_thrift_udp_server_packets_processed_total" + labels + " 2\n",
                       "jaeger_agent_thrift_udp_t_processor_handler_errors_total" + labels + " 1\n",
                       'transport="udp",format="jaeger-thrift",outcome="taken"} 1',
                       'jaeger_collector_http_request_duration_count{path="/api/traces",'
                       'status="202"} 1\n')
            deadline = time.monotonic() + 60
            while True:
                metrics = service.get("admin", "/metrics")[1]
                if all(line in metrics for line in awaited):
                    break
                self.assertLess(time.monotonic(), deadline, metrics)
                time.sleep(0.05)  # polls another process; nothing in it can wake us
            self.assertEqual(len(json.loads(service.get("query", "/api/services")[1])["data"]), 2)
            service.stop()

    def test_an_agent_sends_on_and_asks_for_sampling(self):
        file = self.path / "strategies.json"
        file.write_text(strategies(0.25))
        baggage = self.path / "baggage.json"
        baggage.write_text('[{"baggageKey": "user", "maxValueLength": 10}]')
        packet = (ROOT / "tests/data/wire/jaeger-client-go-2.30.0-jaeger_thrift_compact.bin"
                  ).read_bytes()
        with Service(PROGRAM, self.path / "data",
                     f"--sampling.strategies-file={file}") as collector, Service(
                         PROGRAM, None, "--agent.tags=zone=${ZONE:a}",
                         f"--reporter.grpc.host-port=127.0.0.1:{collector.ports['jaeger_grpc']}",
                         f"--baggage.restrictions-file={baggage}", command="agent") as agent:
            self.assertEqual(set(agent.ports), {"admin", "sampling_http", "sampling_grpc",
                                                "jaeger_compact", "jaeger_binary",
                                                "zipkin_compact"})
            self.assertEqual(sampling_rate(agent), 0.25)
            self.assertEqual(json.loads(agent.get("sampling_http",
                                                  "/baggageRestrictions?service=a")[1]),
                             [{"baggageKey": "user", "maxValueLength": 10}])
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
                client.sendto(packet, ("127.0.0.1", agent.ports["jaeger_compact"]))
            deadline = time.monotonic() + 60
            while True:
                names = json.loads(collector.get("query", "/api/services")[1])["data"]
                if names:
                    break
                self.assertLess(time.monotonic(), deadline, agent.log())
                time.sleep(0.05)  # polls another process; nothing in it can wake us
            found = json.loads(collector.get("query", f"/api/traces?service={names[0]}&start=0"
                                             "&end=9999999999999999")[1])["data"]
            tags = next(iter(found[0]["processes"].values()))["tags"]
            self.assertIn({"key": "zone", "type": "string", "value": "a"}, tags)
            metrics = agent.get("admin", "/metrics")[1]
            self.assertIn('jaeger_agent_reporter_batches_submitted_total{format="jaeger",'
                          'protocol="grpc"} 1\n',
                          metrics)
            documented = set(re.findall(r"^\| `([A-Za-z_]+)` \|",
                                        (ROOT / "docs/operations.md").read_text(), re.MULTILINE))
            self.assertEqual(set(re.findall(r"^# TYPE (\S+) ", metrics, re.MULTILINE))
                             - documented, set())
            agent.stop()
            collector.stop()

    def test_a_collector_sends_on_by_otlp(self):
        with Service(PROGRAM, self.path / "data") as store, Service(
                PROGRAM, None, "--reporter.type=otlp-grpc",
                f"--reporter.otlp.host-port=127.0.0.1:{store.ports['otlp_grpc']}",
                command="collector") as collector:
            trace = "0af7651916cd43dd8448eb211c80319c"
            post_spans(collector, trace, ("pay", 0))
            # It was acknowledged, so that the other one has it.
            self.assertIsNotNone(store.trace(trace))
            collector.stop()
            store.stop()

    def test_an_agent_without_collectors_ends(self):
        nobody = "at least one collector hostPort address is required"
        tchannel = "--reporter.tchannel.host-port=127.0.0.1:1"
        for flags, code, sentence in (
                ([], 2, f"reporter.grpc.host-port: {nobody}"),
                (["--reporter.type=tchannel"], 2, f"reporter.tchannel.host-port: {nobody}"),
                ([tchannel, "--multi-tenancy.enabled"], 2,
                 "--multi-tenancy.enabled: TChannel has no place for credentials and tenants: send by "
                 "grpc, or leave it out")):
            done = subprocess.run([PROGRAM, "agent", *flags], capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual((done.returncode, done.stderr), (code, f"tracestore: {sentence}\n"))

    def test_the_metrics_that_jaegers_dashboards_read_are_there(self):
        with Service(PROGRAM, self.path / "data") as service:
            post_spans(service, "0af7651916cd43dd8448eb211c80319c", ("pay", 0))
            service.get("query", "/api/traces?service=OTLPResourceNoServiceName")
            text = service.get("admin", "/metrics")[1]
            for name in ("jaeger_build_info", "jaeger_collector_spans_received_total",
                         "jaeger_collector_spans_dropped_total",
                         "jaeger_collector_spans_saved_by_svc_total",
                         "jaeger_collector_traces_received_total",
                         "jaeger_collector_traces_saved_by_svc_total",
                         "jaeger_collector_queue_length", "jaeger_collector_queue_capacity",
                         "jaeger_collector_batch_size", "jaeger_collector_spans_bytes",
                         "jaeger_collector_spans_serviceNames",
                         "jaeger_collector_in_queue_latency_bucket",
                         "jaeger_collector_save_latency_bucket", "jaeger_query_requests_total",
                         "jaeger_query_latency_bucket", "jaeger_storage_requests_total",
                         "jaeger_storage_latency_bucket"):
                self.assertRegex(text, rf"(?m)^{name}{{")
            service.stop()

    def test_a_listener_with_tls_and_client_certificates(self):
        cert, key = str(self.path / "cert.pem"), str(self.path / "key.pem")
        make_certificate(cert, key)
        with Service(PROGRAM, self.path / "data", "--admin.http.tls.enabled",
                     f"--admin.http.tls.cert={cert}", f"--admin.http.tls.key={key}",
                     f"--admin.http.tls.client-ca={cert}") as service:
            url = service.url("admin", "/").replace("http:", "https:")
            trusting = ssl.create_default_context(cafile=cert)
            with self.assertRaises(OSError):  # it shows no certificate
                urllib.request.urlopen(url, timeout=60, context=trusting).close()
            trusting.load_cert_chain(cert, key)
            with urllib.request.urlopen(url, timeout=60, context=trusting) as answer:
                self.assertIn(b"Server available", answer.read())
            with self.assertRaises(OSError):  # no TLS
                urllib.request.urlopen(service.url("admin", "/"), timeout=60).close()
            self.assertIn("https://127.0.0.1:", service.log())
            service.stop()

    def test_what_is_asked_by_https_may_want_a_certificate(self):
        """A file of strategies by URL, and the collector of a service's own spans."""
        cert, key = self.path / "cert.pem", self.path / "key.pem"
        make_certificate(cert, key)

        class Strategies(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                body = b'{"default_strategy": {"type": "probabilistic", "param": 0.25}}'
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        context.load_verify_locations(cert)
        context.verify_mode = ssl.CERT_REQUIRED
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Strategies)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)

        def shown(setting):
            return [f"--{setting}.ca={cert}", f"--{setting}.cert={cert}", f"--{setting}.key={key}"]

        tls = "--collector.otlp.http.tls"
        with Service(PROGRAM, self.path / "behind", f"{tls}.enabled", f"{tls}.cert={cert}",
                     f"{tls}.key={key}", f"{tls}.client-ca={cert}") as behind:
            to = f"--self-tracing.otlp-endpoint=https://127.0.0.1:{behind.ports['otlp_http']}"
            with Service(PROGRAM, self.path / "data", "--sampling.strategies-file="
                         f"https://127.0.0.1:{server.server_address[1]}/",
                         *shown("sampling.strategies-tls"), "--self-tracing.enabled", to,
                         *shown("self-tracing.tls")) as service:
                self.assertEqual(sampling_rate(service), 0.25)
                service.stop()
            # They are sent at the stop at the latest.
            self.assertIn("tracestore-all-in-one", behind.get("query", "/api/services")[1])
            behind.stop()

    def test_scribe_and_tchannel_have_tls_and_client_certificates(self):
        cert, key = str(self.path / "cert.pem"), str(self.path / "key.pem")
        make_certificate(cert, key)
        flags = [f"--collector.{port}.tls.{flag}" for port in ("scribe", "tchan-server")
                 for flag in ("enabled", f"cert={cert}", f"key={key}", f"client-ca={cert}")]
        opening = messages.tchannel_init() + messages.submit_batches(0x1235)
        with Service(PROGRAM, self.path / "data", *flags) as service:
            for listener, said, begins in (
                    ("scribe", messages.scribe_log([0x1237]), messages.SCRIBE_OK),
                    ("jaeger_tchannel", opening, None)):
                context = ssl.create_default_context(cafile=cert)
                address = ("127.0.0.1", service.ports[listener])
                with self.subTest(listener):
                    with socket.create_connection(address, 60) as plain:
                        plain.sendall(said)
                        with contextlib.suppress(ConnectionError):
                            self.assertNotIn(b"\x80\x01", plain.recv(100))
                    with self.assertRaises(OSError):  # it shows no certificate
                        with context.wrap_socket(socket.create_connection(address, 60),
                                                 server_hostname="127.0.0.1") as client:
                            client.sendall(said)
                            if not client.recv(1):
                                raise ConnectionError("closed")
                    context.load_cert_chain(cert, key)
                    with context.wrap_socket(socket.create_connection(address, 60),
                                             server_hostname="127.0.0.1") as client:
                        client.sendall(said)
                        reader = client.makefile("rb")
                        if begins:
                            self.assertEqual(reader.read(len(begins)), begins)
                        else:
                            kinds = []
                            for _ in range(2):
                                head = reader.read(16)
                                kinds.append(head[2])
                                reader.read(int.from_bytes(head[:2], "big") - 16)
                            self.assertEqual(kinds, [messages.INIT_RES, messages.CALL_RES])
            for number in (0x1235, 0x1237):
                self.assertIsNotNone(service.trace(messages.trace_id(number)))
            service.stop()

    def test_a_body_beyond_the_limit_is_refused(self):
        with Service(PROGRAM, self.path / "data",
                     "--listeners.max-message-bytes=1KiB") as service:
            request = urllib.request.Request(service.url("otlp_http", "/v1/traces"), b" " * 1025,
                                             {"Content-Type": "application/json"})
            with self.assertRaises(urllib.error.HTTPError) as refused:
                urllib.request.urlopen(request, timeout=60).close()
            self.assertEqual(refused.exception.code, 413)
            refused.exception.close()
            service.stop()

    def test_what_a_listener_refuses_is_counted(self):
        with Service(PROGRAM, self.path / "data", "--collector.scribe.host-port=:0",
                     "--listeners.max-message-bytes=1KiB") as service:
            for listener, path, headers, body, status in (
                    ("otlp_http", "/v1/traces", {}, b" " * 1025, 413),
                    ("otlp_http", "/v1/traces", {"Content-Type": "text/plain"}, b"x", 415),
                    ("jaeger_http", "/api/traces", {"Content-Encoding": "gzip"}, b"none", 400),
                    ("zipkin", "/api/v2/spans", {"Content-Encoding": "br"}, b"[]", 415)):
                request = urllib.request.Request(service.url(listener, path), body, headers)
                with self.assertRaises(urllib.error.HTTPError) as refused:
                    urllib.request.urlopen(request, timeout=60).close()
                self.assertEqual(refused.exception.code, status)
                refused.exception.close()
            with socket.create_connection(("127.0.0.1", service.ports["scribe"]), 60) as client:
                client.sendall(b"\x7f\0\0\0")
                self.assertEqual(client.recv(1), b"")
            text = service.get("admin", "/metrics")[1]
            refused = set(re.findall(r"(?m)^tracestore_listener_refused_total(.*)$", text))
            self.assertEqual(refused, {'{server="otlp_http",cause="too-long"} 1',
                                       '{server="otlp_http",cause="unsupported"} 1',
                                       '{server="jaeger_http",cause="broken"} 1',
                                       '{server="zipkin",cause="unsupported"} 1',
                                       '{server="scribe",cause="too-long"} 1'})
            for transport in ("http", "scribe"):
                for name in ("messages", "messages_dropped"):
                    self.assertIn(
                        f'zipkin_collector_{name}_total{{transport="{transport}"}} 1\n', text)
            service.stop()

    def test_tail_sampling_keeps_what_its_policies_say(self):
        file = self.path / "a.yaml"
        file.write_text("tail-sampling:\n  decision-wait: 10ms\n  policies: [{type: error}]\n")
        failed, well = "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319d"
        with Service(PROGRAM, self.path / "data", f"--config={file}") as service:
            post_spans(service, well, ("pay", 0))
            post_spans(service, failed, ("pay", 2))
            decided = 'tracestore_pipeline_traces_total{stage="tail",rule="%s",action="%s"} 1\n'
            deadline = time.monotonic() + 60
            while True:
                metrics = service.get("admin", "/metrics")[1]
                if (decided % ("error-1", "kept") in metrics
                        and decided % ("no-policy", "dropped") in metrics
                        and service.trace(failed)):
                    break
                self.assertLess(time.monotonic(), deadline, metrics)
                time.sleep(0.05)  # polls another process; nothing in it can wake us
            self.assertIsNone(service.trace(well))
            service.stop()

    def test_without_policies_what_waits_is_kept(self):
        file = self.path / "a.yaml"
        file.write_text("tail-sampling: {decision-wait: 1h, policies: [{type: error}]}\n")
        trace = "0af7651916cd43dd8448eb211c80319c"
        with Service(PROGRAM, self.path / "data", f"--config={file}") as service:
            post_spans(service, trace, ("pay", 0))
            self.assertIsNone(service.trace(trace))
            service.stop()
        with Service(PROGRAM, self.path / "data") as service:
            self.assertIsNotNone(service.trace(trace))
            self.assertIn("tail sampling is off: 1 spans that waited are kept", service.log())
            service.stop()

    def test_every_metric_is_described_and_documented(self):
        documented = set(re.findall(r"^\| `([A-Za-z_]+)` \|", (ROOT / "docs/operations.md").read_text(),
                                    re.MULTILINE))
        with Service(PROGRAM, self.path / "data") as service:
            service.get("query", "/api/services")
            service.get("sampling_http", "/sampling?service=a")
            service.get("sampling_http", "/sampling")
            post_spans(service, "0af7651916cd43dd8448eb211c80319c", ("pay", 0))
            text = service.get("admin", "/metrics")[1]
            families = set(re.findall(r"^# TYPE (\S+) ", text, re.MULTILINE))
            helped = set(re.findall(r"^# HELP (\S+) ", text, re.MULTILINE))
            self.assertEqual(families - helped, set())
            self.assertEqual(families - documented, set())
            service.stop()


if __name__ == "__main__":
    os.environ.pop("NOTIFY_SOCKET", None)
    unittest.main()
