"""Flags, environment and file of the real program: what it prints, what it refuses, what it
serves."""

import os
import re
import resource
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from service import Service

PROGRAM = sys.argv.pop(1)
ROOT = Path(__file__).resolve().parents[2]


def run(*arguments, **environment):
    done = subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, timeout=60,
                          env={"PATH": os.environ["PATH"], **environment}, check=False)
    return done.returncode, done.stdout, done.stderr


def settings_of(printed):
    """By dotted name, of the YAML that --print-config prints."""
    found, names = {}, []
    for line in printed.splitlines():
        text = line.split("#")[0].rstrip()
        if text.strip():
            key, _, value = text.strip().partition(":")
            names = [*names[:(len(text) - len(text.lstrip())) // 2], key]
            found[".".join(names)] = value.strip()
    return found


class Settings(unittest.TestCase):
    def test_every_flag_of_jaeger_is_taken(self):
        text = (ROOT / "tools/jaeger_flags_test.cc").read_text()
        flags = []
        several = re.findall(r"#define (\w+)\(prefix, port\)(.*?[^\\])\n\n", text, re.DOTALL)
        for macro, body in several:
            for prefix, port in re.findall(macro + r'\("(.*?)", "(\d+)"\)', text):
                text += body.replace('prefix "', f'"{prefix}').replace('":" port', f'":{port}"')
        for name, value in re.findall(r'{\s*"([a-z.-]+)", ("(?:.*?)"|nullptr), k', text):
            flags.append(f"--{name}" if value == "nullptr" else f"--{name}={value[1:-1]}")
        self.assertGreater(len(flags), 70)
        self.assertIn("--processor.zipkin-compact.server-host-port=:5775", flags)
        # Old names of one setting stand in different groups.
        groups = {}
        for flag in flags:
            name = flag[2:].split("=")[0]
            if name in ("agent.tags", "jaeger.tags"):  # not of Jaeger's all-in-one
                continue
            old = name.startswith("discovery.") or name == "collector.host-port"
            groups.setdefault(name if old else name.split(".")[-1], []).append(flag)
        for group in groups.values():
            # TLS needs a certificate, but of a port that is off.
            tls = any(re.match("--collector.grpc.tls(.enabled)?(=|$)", flag) for flag in group)
            off = ["--collector.grpc-server.host-port=off"] if tls else []
            code, _, error = run("all-in-one", *group, *off, "--print-config")
            self.assertEqual(code, 0, f"{group}: {error}")

    def test_a_service_may_open_as_many_files_as_the_system_lets_it(self):
        usual, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (256, most))
        try:
            with tempfile.TemporaryDirectory() as scratch, Service(PROGRAM, scratch) as service:
                of_it = resource.prlimit(service.process.pid, resource.RLIMIT_NOFILE)
                service.stop()
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (usual, most))
        self.assertEqual(of_it, (most, most))

    def test_where_services_listen_unless_told_otherwise(self):
        """The ports that clients, agents and dashboards know."""
        udp = {"processor.jaeger-compact.server-host-port": 6831,
               "processor.jaeger-binary.server-host-port": 6832,
               "processor.zipkin-compact.server-host-port": 5775}
        sampling = {"http-server.host-port": 5778, "sampling.grpc.host-port": 5779}
        collector = {**udp, **sampling, "admin.http.host-port": 14269,
                     "collector.grpc-server.host-port": 14250,
                     "collector.http-server.host-port": 14268,
                     "collector.tchan-server.host-port": 14267,
                     "collector.otlp.grpc.host-port": 4317, "collector.otlp.http.host-port": 4318,
                     "collector.zipkin.host-port": 9411}
        query = {"query.host-port": 16686, "query.grpc-server.host-port": 16685,
                 "tempo.host-port": 3200}
        storage = {"remote-storage.host-port": 17271, "remote-storage.archive-host-port": 17272}
        for role, flags, ports in (
                ("all-in-one", [], {**collector, **query, **storage}),
                ("collector", [], collector),
                ("agent", ["--reporter.grpc.host-port=c:1"],
                 {**udp, **sampling, "admin.http.host-port": 14271}),
                ("query", ["--data=/nowhere"],
                 {**query, "query.zipkin.host-port": 9412, "admin.http.host-port": 16687}),
                ("remote-storage", [], {**storage, "admin.http.host-port": 17270})):
            with self.subTest(role):
                code, out, error = run(role, *flags, "--print-config")
                self.assertEqual((code, error), (0, ""))
                told = {name: int(value) for name, value in settings_of(out).items()
                        if name.endswith("host-port") and value.isdigit()}
                # What a role has no use for is printed, too.
                self.assertEqual(told, {**udp, **ports})

    def test_print_config_and_precedence(self):
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "a.yaml"
            file.write_text("sync: full\nkeep-age: 1h\nadmin.http.host-port: :1\n")
            code, out, error = run("collector", "--config", str(file), "--admin-port=2",
                                   "--print-config", TRACESTORE_SYNC="off", ADMIN_HTTP_PORT="3")
            self.assertEqual((code, error), (0, ""))
            self.assertIn('    host-port: 2  # --admin-port\n', out)
            self.assertIn('sync: off  # TRACESTORE_SYNC\n', out)
            self.assertIn(f'keep-age: 1h  # {file}:2\n', out)
            file.write_text(out)
            self.assertEqual(run("collector", "--print-config", TRACESTORE_CONFIG=str(file))[0], 0)

    def test_nothing_after_the_equals_sign_is_the_empty_text(self):
        code, out, error = run("collector", "--sampling.strategies-file=", "--data=/d",
                               "--auth.except=", "--print-config")
        self.assertEqual((code, error), (0, ""))
        self.assertIn('strategies-file: ""  # --sampling.strategies-file\n', out)
        self.assertIn('data: /d  # --data\n', out)
        self.assertIn('except: []  # --auth.except\n', out)
        self.assertEqual(
            run("agent", "--reporter.grpc.tls.enabled=", "--reporter.type=none"),
            (2, "", "tracestore: --reporter.grpc.tls.enabled= has no value: it takes true or "
                    "false\n"))

    def test_what_is_printed_starts(self):
        """Processors, policies and tags are looked at before they are printed."""
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "a.yaml"
            for text, sentence in (
                    ("processors: [{action: drop}]\n", f"{file}:1: processors[0]: drop needs a key"),
                    ("tail-sampling:\n  policies: [{type: rate}]\n",
                     f"{file}:2: policies[0]: rate needs a rate"),
                    ("collector:\n  tags: [zone]\n",
                     f"{file}:2: 'collector.tags': invalid Jaeger tag pair \"zone\", expected "
                     "key=value"),
                    ("sampling:\n  type: adaptive\n  buckets-for-calculation: 20\n",
                     f"{file}:3: 'sampling.buckets-for-calculation' is 20, above "
                     "'sampling.aggregation-buckets', 10"),
                    ("collector.http.tls:\n  enabled: true\n  cert: a\n",
                     f"{file}:3: 'collector.http.tls.cert' comes with its key: give "
                     "'collector.http.tls.key', too")):
                file.write_text(text)
                refused = (2, "", f"tracestore: {sentence}\n")
                with self.subTest(text):
                    self.assertEqual(run("collector", "--config", str(file), "--print-config"),
                                     refused)
                    self.assertEqual(run("collector", "--config", str(file)), refused)

    def test_refusals(self):
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / "a.yaml"
            file.write_text("data: x\n\nsnyc: full\n")
            self.assertEqual(
                run("collector", "--config", str(file)),
                (2, "", f"tracestore: {file}:3: unknown setting 'snyc': did you mean 'sync'?\n"))
        self.assertEqual(
            run("collector", "--sync", "never"),
            (2, "", "tracestore: --sync: 'sync' is full, interval or off, not 'never'\n"))
        self.assertEqual(
            run("collector", "--snyc", "full"),
            (2, "", "tracestore: collector: unknown flag '--snyc': did you mean '--sync'?\n"))
        code, _, error = run("all-in-one", SPAN_STORAGE_TYPE="cassandra")
        self.assertEqual(code, 8)
        self.assertEqual(error, "tracestore: SPAN_STORAGE_TYPE: storing spans in cassandra is not "
                                "built yet; memory and badger name the embedded store\n")

    def test_addresses_of_collectors_are_checked_before_the_start(self):
        target = "dns:///collector-headless.ns.svc:14250"
        self.assertEqual(run("agent", f"--reporter.grpc.host-port={target}", "--print-config")[0],
                         0)
        self.assertEqual(
            run("agent", "--reporter.grpc.host-port=a:1,http://b:2", "--print-config"),
            (2, "", "tracestore: --reporter.grpc.host-port: bad address \"http://b:2\": expected "
                    "host:port, not a URL\n"))

    def test_query_under_a_path_with_headers(self):
        with tempfile.TemporaryDirectory() as data:
            with Service(PROGRAM, data, "--query.base-path=/jaeger", "--metrics-http-route=/m",
                         "--query.additional-headers=X-One: 1") as service:
                self.assertEqual(service.get("query", "/jaeger/api/services")[0], 200)
                self.assertEqual(service.get("query", "/api/services")[0], 404)
                self.assertEqual(service.get("query", "/jaegerx/api/services")[0], 404)
                self.assertIn("tracestore_build_info", service.get("admin", "/m")[1])
                self.assertIn("Server available", service.get("admin", "/metrics")[1])
                service.stop()


if __name__ == "__main__":
    unittest.main()
