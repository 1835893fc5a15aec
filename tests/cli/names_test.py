"""services, operations, keys, values, deps, metrics, critical-path, stats, tail.

Usage: names_test.py BINARY [unittest's arguments]
"""

import json
import signal
import subprocess
import unittest

from support import BINARY, FILES, NIGHT, SECOND, SHOP, CliTest, environment


class Names(CliTest):
    def test_names_of_a_store_and_of_files(self):
        for source in ([self.store()], [FILES["otlp"], FILES["two"]]):
            with self.subTest(source=source):
                services = self.ok("services", *source, "--json").json["services"]
                self.assertEqual({s["service"]: s["spans"] for s in services},
                                 {"batch": 1, "cart": 2, "checkout": 1, "frontend": 3,
                                  "payment": 1})
                operations = self.ok("operations", *source, "-s", "cart", "--json").json
                self.assertEqual(operations["operations"],
                                 [{"operation": "GET", "kind": "client", "spans": 2}])
                keys = [k["key"] for k in self.ok("keys", *source, "--json").json["keys"]]
                self.assertLess({"http.method", "db.system", "job"}, set(keys))
                values = self.ok("values", *source, "http.status_code", "--json").json["values"]
                self.assertEqual({v["value"]: v["spans"] for v in values}, {"500": 2, "200": 1})
        self.assertIn("frontend", self.ok("services", FILES["otlp"]).out)
        self.fails(2, "values takes a SOURCE and a KEY", "values", FILES["otlp"])

    def test_a_key_may_be_called_as_a_command(self):
        self.assertEqual(self.ok("values", FILES["otlp"], "find", "--csv").out, "value,spans\n")

    def test_dependencies(self):
        links = self.ok("deps", FILES["otlp"], FILES["two"], "--json").json["dependencies"]
        self.assertEqual({(l["parent"], l["child"]): (l["calls"], l["errors"]) for l in links},
                         {("frontend", "checkout"): (1, 1), ("checkout", "payment"): (1, 0),
                          ("frontend", "cart"): (2, 0)})
        dot = self.ok("deps", FILES["otlp"], "--dot").out
        self.assertIn('"frontend" -> "checkout" [label="1 (1 failed)", color=red];', dot)
        ranged = self.ok("deps", FILES["otlp"], FILES["two"], "--start", "1700000030", "--json")
        self.assertEqual(len(ranged.json["dependencies"]), 1)

    def test_metrics(self):
        rows = self.ok("metrics", FILES["otlp"], FILES["two"], FILES["otlp"], "--json")
        by_name = {(m["service"], m["operation"], m["kind"]): m for m in rows.json["metrics"]}
        checkout = by_name[("checkout", "POST /checkout", "server")]
        # The same span twice counts once.
        self.assertEqual((checkout["calls"], checkout["errors"]), (1, 1))
        self.assertLess(abs(checkout["p95Ns"] / 90_000_000 - 1), 0.02)
        steps = self.ok("metrics", FILES["otlp"], "-s", "cart", "--step", "10s", "--csv").out
        self.assertEqual(len(steps.splitlines()), 2)
        self.assertTrue(steps.startswith("time,service,operation,kind,calls,errors,p50Ns,"))
        self.fails(2, "--step: 'x' is not a duration", "metrics", FILES["otlp"], "--step", "x")

    def test_critical_path(self):
        parts = self.ok("critical-path", FILES["otlp"], "--json").json["segments"]
        self.assertEqual(sum(p["durationNs"] for p in parts), 120_000_000)
        self.assertEqual(parts[0]["atNs"], 0)
        self.assertIn("payment", [p["service"] for p in parts])
        sums = self.ok("critical-path", FILES["otlp"], SHOP, "--by-operation", "--json").json
        self.assertEqual(sums["operations"][0]["operation"], "charge")
        self.assertEqual(sums["operations"][0]["criticalNs"], 60_000_000)

    def test_stats(self):
        store = self.store()
        stats = self.ok("stats", store, "--by-column", "--json").json
        self.assertEqual(stats["spans"], 8)
        self.assertEqual(stats["segments"], 1)
        self.assertEqual(stats["firstStart"], "2023-11-14T22:13:20Z")
        self.assertGreater(len(stats["columns"]), 5)
        self.assertIn("bytes a span", self.ok("stats", store).out)


class Tail(CliTest):
    def test_last_spans_by_start(self):
        lines = self.ok("tail", FILES["otlp"], FILES["two"], "-n", "3").out.splitlines()
        self.assertEqual([line.split()[2] for line in lines], [SECOND, SECOND, NIGHT])
        line = self.ok("tail", FILES["otlp"], "--error", "--jsonl").out.splitlines()[-1]
        self.assertEqual(json.loads(line)["operation"], "POST /checkout")

    def test_follow_sees_what_another_process_adds(self):
        store = self.path("store")
        self.ok("import", store, FILES["otlp"])
        process = subprocess.Popen(
            [str(BINARY), "tail", store, "-f", "-n", "1", "--interval", "20ms", "--timeout", "60s"],
            stdout=subprocess.PIPE, env=environment())
        try:
            self.assertIn(b"cart", process.stdout.readline())
            self.ok("import", store, FILES["two"])
            arrived = [process.stdout.readline() for _ in range(3)]
            self.assertIn(b"night run", arrived[-1])
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0)
        self.fails(2, "--follow needs a store", "tail", FILES["otlp"], "-f")


if __name__ == "__main__":
    unittest.main()
