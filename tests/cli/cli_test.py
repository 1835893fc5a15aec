"""Runs the real command on small files: answers, exit codes, sentences.

Usage: cli_test.py BINARY [unittest's arguments]
"""

import csv
import gzip
import io
import json
import signal
import subprocess
import time
import unittest

from support import (BINARY, FILES, NIGHT, SECOND, SHOP, CliTest, environment, run,
                     run_on_terminal)


class Find(CliTest):
    def test_a_file_of_any_format_needs_no_import(self):
        for name in ("otlp", "jaeger", "zipkin"):
            with self.subTest(format=name):
                answer = self.ok("find", FILES[name], "--service", "frontend", "--error")
                self.assertIn(SHOP, answer.out)
                # Zipkin's names are lower case.
                self.assertIn("get /cart", answer.out.lower())
                self.assertIn("120ms", answer.out)

    def test_several_files_and_stdin_are_one_source(self):
        answer = self.ok("find", FILES["otlp"], FILES["two"], "--ids")
        self.assertEqual(answer.out.split(), [NIGHT, SECOND, SHOP])
        with open(FILES["jaeger"], "rb") as file:
            answer = self.ok("find", "-", "--ids", stdin=gzip.compress(file.read()))
        self.assertEqual(answer.out.split(), [SHOP])

    def test_conditions(self):
        store = self.store()
        cases = {
            ("--service", "cart"): [SECOND, SHOP],
            ("--operation", "charge"): [SHOP],
            ("--service", "cart", "--operation", "charge"): [],
            ("--kind", "internal"): [NIGHT],
            ("--status", "error"): [SHOP],
            ("--tag", "http.status_code=500"): [SHOP],
            ("--tag", "http.status_code"): [SECOND, SHOP],
            ("-t", "http.status_code=500", "-t", "http.method=POST"): [SHOP],
            ("-t", "http.status_code=200", "-t", "http.method=POST"): [],
            ("--min-duration", "350ms"): [NIGHT, SECOND],
            ("--min-duration", "100ms", "--max-duration", "110ms"): [SHOP],
            ("--trace-max-duration", "450ms"): [SECOND, SHOP],
            ("--trace-min-duration", "450ms"): [NIGHT],
            ("-w", "any(service = cart) and not status = error"): [SECOND],
            ("-w", "service = cart", "--error"): [SHOP],
            ("--start", "2023-11-14T22:14:00Z"): [NIGHT, SECOND],
            ("--end", "1700000030"): [SHOP],
            ("--start", "1700000030000", "--end", "1700000100.5"): [SECOND],
            ("--since", "1h"): [],
            ("--since", "1h ago"): [],
            ("--until", "-1h"): [NIGHT, SECOND, SHOP],
            ("--until", "2023-11-15"): [NIGHT, SECOND, SHOP],
        }
        for flags, expected in cases.items():
            with self.subTest(flags=flags):
                answer = run("find", store, "--ids", *flags)
                self.assertEqual(answer.out.split(), expected, answer.err)
                self.assertEqual(answer.code, 0 if expected else 1, answer.err)

    def test_order_limit_and_cursor(self):
        store = self.store()
        longest = self.ok("find", store, "--ids", "--order", "longest").out.split()
        self.assertEqual(longest, [NIGHT, SECOND, SHOP])
        first = self.ok("find", store, "--json", "--limit", "2", "--count").json
        self.assertEqual([t["traceId"] for t in first["traces"]], [NIGHT, SECOND])
        self.assertEqual(first["total"], 3)
        rest = self.ok("find", store, "--json", "--limit", "2", "--cursor", first["nextCursor"])
        self.assertEqual([t["traceId"] for t in rest.json["traces"]], [SHOP])
        self.assertNotIn("nextCursor", rest.json)
        self.fails(2, "cursor", "find", store, "--error", "--cursor", first["nextCursor"])

    def test_forms(self):
        files = (FILES["otlp"], FILES["two"])
        document = self.ok("find", *files, "--json").json
        shop = document["traces"][2]
        self.assertEqual(shop["start"], "2023-11-14T22:13:20Z")
        self.assertEqual(shop["durationNs"], 120_000_000)
        self.assertEqual((shop["spans"], shop["errors"], shop["orphans"]), (5, 2, 0))
        self.assertEqual(shop["services"][1], {"name": "checkout", "spans": 1, "errors": 1})
        lines = self.ok("find", *files, "--jsonl").out.splitlines()
        self.assertEqual([json.loads(line) for line in lines], document["traces"])
        rows = list(csv.DictReader(io.StringIO(self.ok("find", *files, "--csv").out)))
        self.assertEqual(rows[2]["rootOperation"], "GET /cart")
        self.assertEqual(rows[2]["services"], "cart;checkout;frontend;payment")
        self.assertEqual(document["traces"][0]["orphans"], 1)

    def test_spans(self):
        spans = self.ok("find", FILES["otlp"], "--spans", "--error", "--json").json["spans"]
        self.assertEqual([s["service"] for s in spans], ["frontend", "checkout"])
        checkout = spans[1]
        self.assertEqual(checkout["attributes"], {"http.method": "POST", "http.status_code": 500})
        self.assertEqual(checkout["statusMessage"], "card declined")
        self.assertEqual(checkout["events"],
                         [{"time": "2023-11-14T22:13:20.085Z", "name": "card declined"}])
        table = self.ok("find", FILES["otlp"], "--spans", "--kind", "client").out
        self.assertEqual(len(table.splitlines()), 3)
        self.fails(2, "--spans does not go with", "find", FILES["otlp"], "--spans", "--ids")


class Get(CliTest):
    def test_tree(self):
        for name in ("otlp", "jaeger", "zipkin"):
            with self.subTest(format=name):
                text = self.ok("get", FILES[name], SHOP).out
                if name == "zipkin":  # its names are lower case
                    for verb in ("get", "post"):
                        text = text.replace(f" {verb}", f" {verb.upper()}")
                lines = text.splitlines()
                self.assertIn(f"trace {SHOP}  frontend GET /cart", lines[0])
                self.assertIn("120ms, 5 spans, 4 services, 2 errors", lines[1])
                self.assertIn("✗ frontend GET /cart", lines[4])
                for line, begin in zip(lines[5:], ("├─ frontend POST /checkout",
                                                   "│  └─ ✗ checkout POST /checkout",
                                                   "│     └─ payment charge", "└─ cart GET")):
                    self.assertEqual(line[:len(begin)], begin)
                # The client's time is the checkout's but for 5 ms at each end.
                self.assertIn("█", lines[5])
                self.assertIn("░", lines[5])
                self.assertNotIn("\x1b", text)
                self.assertEqual({len(line) for line in lines[4:]}, {100})

    def test_one_trace_needs_no_id(self):
        self.assertIn(SHOP, self.ok("get", FILES["jaeger"]).out)
        self.fails(2, "name a trace id", "get", FILES["two"])

    def test_ids_of_both_widths(self):
        for id in (NIGHT, NIGHT.upper(), "0" * 16 + NIGHT, "deadbeef"):
            text = self.ok("get", FILES["two"], id).out
            self.assertIn("(span 00000000000000dd is not here)", text)
        # The lower half finds the trace as long as no other one ends so.
        self.assertIn(SHOP, self.ok("get", FILES["otlp"], SHOP[16:]).out)

    def test_nothing_there(self):
        self.fails(1, "there is no trace 00000000000000ff", "get", FILES["otlp"], "ff")
        self.fails(2, "'xyz' is neither a file nor a trace id", "get", FILES["otlp"], "xyz")

    def test_details_ascii_and_subtree(self):
        text = self.ok("get", FILES["otlp"], "--attributes", "--ascii").out
        self.assertIn("http.status_code = 500", text)
        self.assertIn("event +75ms card declined", text)
        self.assertIn("status error: card declined", text)
        self.assertTrue(text.isascii())
        text = self.ok("get", FILES["otlp"], "--span", "00f067aa0ba902b3").out
        self.assertEqual(len(text.splitlines()), 6)
        self.assertIn("payment charge", text)
        self.assertNotIn("cart GET ", text)
        answer = self.ok("get", FILES["otlp"], "--limit", "2")
        self.assertEqual(len(answer.out.splitlines()), 6)
        self.assertIn("3 spans not drawn", answer.err)

    def test_json(self):
        trace = self.ok("get", FILES["otlp"], "--json").json
        self.assertEqual(trace["traceId"], SHOP)
        self.assertEqual([s["depth"] for s in trace["tree"]], [0, 1, 2, 3, 1])
        self.assertEqual(trace["tree"][0]["selfNs"], 12_000_000)
        self.assertEqual(sum(s["criticalNs"] for s in trace["tree"]), 120_000_000)

    def test_formats(self):
        otlp = self.ok("get", FILES["otlp"], "--format", "otlp-json").json
        with open(FILES["otlp"]) as file:
            self.assertEqual(spans_of(otlp), spans_of(json.load(file)))
        jaeger = self.ok("get", FILES["jaeger"], "-f", "jaeger").json
        self.assertEqual(len(jaeger["data"][0]["spans"]), 5)
        zipkin = self.ok("get", FILES["zipkin"], "-f", "zipkin").json
        with open(FILES["zipkin"]) as file:
            self.assertEqual(sorted(zipkin, key=lambda s: s["id"]),
                             sorted(json.load(file), key=lambda s: s["id"]))
        self.fails(2, "otlp-jsonl", "get", FILES["otlp"], "-f", "xml")

    def test_control_characters_do_not_reach_the_terminal(self):
        with open(FILES["zipkin"]) as file:
            spans = json.load(file)
        spans[0]["name"] = "\x1b[2Jevil\n\u202e"
        path = self.path("evil.json")
        with open(path, "w") as file:
            json.dump(spans, file)
        for words in (("get", path), ("find", path), ("tail", path), ("operations", path),
                      ("critical-path", path)):
            text = self.ok(*words).out
            self.assertIn("evil", text)
            self.assertNotIn("\x1b", text)
            self.assertNotIn("\u202e", text)


def spans_of(otlp):
    spans = []
    for resource in otlp["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                if not span.get("status"):
                    span.pop("status", None)
                spans.append((resource["resource"], scope["scope"], span))
    return sorted(spans, key=lambda s: s[2]["spanId"])


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


class ImportAndExport(CliTest):
    def test_round_trip_of_every_format(self):
        store = self.path("store")
        self.ok("import", store, FILES["otlp"])
        for format in ("otlp-json", "otlp-jsonl", "otlp-proto"):
            with self.subTest(format=format):
                path = self.path("out." + format)
                self.ok("export", store, "-f", format, "-o", path)
                otlp = self.ok("get", path, SHOP, "-f", "otlp-json").json
                with open(FILES["otlp"]) as file:
                    self.assertEqual(spans_of(otlp), spans_of(json.load(file)))
        for format in ("jaeger", "zipkin"):
            with self.subTest(format=format):
                path = self.path(format)
                self.ok("import", path, FILES[format])
                out = self.ok("export", path, "-f", format)
                self.assertEqual(self.ok("find", "-", "--ids", stdin=out.raw).out, SHOP + "\n")
                self.assertEqual(
                    self.ok("get", "-", "-f", format, stdin=out.raw).json,
                    self.ok("get", FILES[format], "-f", format).json)

    def test_what_is_selected_is_exported(self):
        store = self.store()
        for format in ("otlp-json", "jaeger", "zipkin", "otlp-jsonl", "otlp-proto"):
            out = self.ok("export", store, "-f", format, "--service", "cart")
            ids = self.ok("find", "-", "--ids", stdin=out.raw).out.split()
            self.assertEqual(ids, [SECOND, SHOP], format)
        out = self.ok("export", store, "--limit", "1")
        self.assertEqual(self.ok("find", "-", "--ids", stdin=out.raw).out.split(), [NIGHT])
        nothing = run("export", store, "--service", "nobody")
        self.assertEqual((nothing.code, nothing.json["resourceSpans"]), (1, []))

    def test_export_of_many_traces_is_one_document(self):
        path = self.path("many.json")
        with open(path, "w") as file:
            json.dump([{"traceId": f"{i:016x}", "id": f"{j:016x}", "name": "n",
                        "timestamp": 1_700_000_000_000_000 + i, "duration": 5,
                        "localEndpoint": {"serviceName": "s"}}
                       for i in range(1, 601) for j in range(1, 11)], file)
        for format in ("otlp-json", "jaeger", "zipkin", "otlp-proto", "otlp-jsonl"):
            out = self.ok("export", path, "-f", format)
            count = self.ok("find", "-", "--count", "--json", "--limit", "1", stdin=out.raw).json
            self.assertEqual(count["total"], 600, format)
            spans = self.ok("services", "-", "--json", stdin=out.raw).json["services"]
            self.assertEqual(spans, [{"service": "s", "spans": 6000}], format)

    def test_a_files_name_says_how_it_is_compressed(self):
        plain = self.ok("export", FILES["otlp"]).raw
        packed = self.path("out.json.gz")
        self.ok("export", FILES["otlp"], "-o", packed)
        with gzip.open(packed) as file:
            self.assertEqual(file.read(), plain)
        packed = self.path("out.json.zst")
        self.ok("export", FILES["otlp"], "-o", packed)
        with open(packed, "rb") as file:
            self.assertEqual(file.read(4), b"\x28\xb5\x2f\xfd")
        self.assertEqual(self.ok("export", packed).raw, plain)

    def test_export_without_conditions_gives_firehose_traces_too(self):
        path = self.path("firehose.json")
        def trace(number, *flags):
            spans = [{"traceID": f"{number:032x}", "spanID": f"{i + 1:016x}", "flags": flag,
                      "operationName": "o", "startTime": 1_700_000_000_000_000 + number,
                      "duration": 1, "processID": "p1"} for i, flag in enumerate(flags)]
            return {"traceID": f"{number:032x}", "spans": spans,
                    "processes": {"p1": {"serviceName": "s"}}}
        with open(path, "w") as file:
            json.dump({"data": [trace(1, 9), trace(2, 1, 9), trace(3, 8, 8), trace(4, 1)]}, file)
        store = self.path("store")
        self.ok("import", store, path)
        for source in (path, store):
            self.assertEqual(len(self.ok("find", source, "--ids").out.split()), 2)
            traces = self.ok("export", source, "-f", "jaeger").json["data"]
            self.assertEqual([int(t["traceID"], 16) for t in traces], [4, 2, 1, 3])
            self.assertEqual([len(t["spans"]) for t in traces], [1, 2, 1, 2])
            traces = self.ok("export", source, "-f", "jaeger", "--limit", "3").json["data"]
            self.assertEqual([int(t["traceID"], 16) for t in traces], [4, 2, 1])
            traces = self.ok("export", source, "-f", "jaeger", "--service", "s").json["data"]
            self.assertEqual([int(t["traceID"], 16) for t in traces], [4, 2])

    def test_directories_and_stdin(self):
        inputs = self.directory / "in"
        (inputs / "deep").mkdir(parents=True)
        with open(FILES["otlp"], "rb") as file:
            (inputs / "deep" / "a.json.gz").write_bytes(gzip.compress(file.read()))
        (inputs / "notes.md").write_text("# not a trace\n")
        store = self.path("store")
        answer = self.ok("import", store, inputs)
        self.assertIn("imported 5 spans of 1 file", answer.out)
        self.assertIn("skipped " + str(inputs / "notes.md"), answer.err)
        self.assertEqual(run("import", store, inputs, "--strict").code, 3)
        with open(FILES["two"], "rb") as file:
            self.ok("import", store, "-", stdin=file.read())
        self.assertEqual(len(self.ok("find", store, "--ids").out.split()), 3)

    def test_bad_spans_are_counted_and_the_good_ones_kept(self):
        path = self.path("bad.json")
        text = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [
            {"traceId": SHOP, "spanId": "00f067aa0ba902c1", "name": "good"},
            {"traceId": SHOP, "spanId": "xyz", "name": "bad"}]}]}]})
        with open(path, "w") as file:
            file.write(text)
        report = run("import", self.path("store"), path, "--json")
        self.assertEqual((report.code, report.json["accepted"], report.json["rejected"]),
                         (0, 1, 1))
        self.assertEqual(sum(report.json["reasons"].values()), 1)
        self.assertIn("1 span left out", report.err)
        strict = run("import", self.path("other"), path, "--strict", "--json")
        self.assertEqual((strict.code, strict.json["accepted"], strict.json["rejected"]),
                         (3, 0, 2))
        reading = run("find", path, "--ids")
        self.assertEqual((reading.code, reading.out), (0, SHOP + "\n"))
        self.assertIn("warning: 1 span left out", reading.err)
        self.fails(3, "1 span left out", "find", path, "--strict")

    def test_a_bad_file_does_not_keep_the_others_out(self):
        bad = self.path("bad.json")
        with open(bad, "w") as file:
            file.write("{ not a trace")
        store = self.path("store")
        answer = run("import", store, bad, FILES["otlp"])
        self.assertEqual(answer.code, 3)
        self.assertIn("imported 5 spans of 1 file", answer.out)
        self.assertIn("bad.json: ", answer.err)


class DeleteAndArchive(CliTest):
    def ids(self, store, *words):
        answer = run("find", store, "--ids", *words)
        self.assertIn(answer.code, (0, 1), answer.err)
        return answer.out.split()

    def test_by_id(self):
        store = self.store()
        answer = self.ok("delete", store, SHOP, "77")
        self.assertEqual(answer.out, "deleted 1 trace\n")
        self.assertEqual(answer.err, "there is no trace 0000000000000077\n")
        self.assertEqual(self.ids(store), [NIGHT, SECOND])
        self.fails(1, "there is no trace " + SHOP, "get", store, SHOP)
        self.fails(1, "there is no trace " + SHOP, "delete", store, SHOP)
        self.assertGreater(self.ok("stats", store, "--json").json["deletedSpans"], 0)
        self.ok("import", store, FILES["otlp"])
        self.assertEqual(self.ids(store), [NIGHT, SECOND, SHOP])

    def test_by_conditions(self):
        store = self.store()
        service = self.ok("services", store, "--json").json["services"][0]["service"]
        matches = self.ids(store, "--service", service)
        dry = self.ok("delete", store, "--service", service, "--dry-run", "--json")
        self.assertEqual(dry.json, {"traces": len(matches), "deleted": False, "missing": []})
        self.fails(2, "--yes does it", "delete", store, "--service", service)
        self.assertEqual(len(self.ids(store)), 3)
        done = self.ok("delete", store, "--service", service, "--yes", "--json")
        self.assertEqual(done.json, {"traces": len(matches), "deleted": True, "missing": []})
        self.assertEqual(self.ids(store, "--service", service), [])
        self.fails(1, "nothing found", "delete", store, "--service", service, "--yes")

    def test_all(self):
        store = self.store()
        self.fails(2, "--yes does it", "delete", store, "--all")
        self.assertEqual(self.ok("delete", store, "--all", "-y").out,
                         "deleted all spans, of 3 traces\n")
        self.assertEqual(self.ids(store), [])
        self.assertEqual(self.ok("stats", store, "--json").json["spans"], 0)

    def test_beside_a_writer(self):
        store = self.store()
        writer = subprocess.Popen([str(BINARY), "import", store, "-"], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=environment())
        try:
            deadline = time.monotonic() + 60
            lock = self.directory / "store" / "lock"
            while lock.read_text().split("\n")[0] != str(writer.pid):
                self.assertLess(time.monotonic(), deadline)
                self.assertIsNone(writer.poll())
            self.ok("archive", store, SHOP)
            self.ok("delete", store, SHOP)
            self.assertEqual(self.ids(store), [NIGHT, SECOND])
        finally:
            writer.stdin.close()
            writer.wait(timeout=60)
        self.assertEqual(self.ids(store), [NIGHT, SECOND])
        self.assertEqual(self.ids(store + "/archive"), [SHOP])

    def test_archive(self):
        store = self.store()
        archive = store + "/archive"
        self.assertEqual(self.ok("archive", store, SHOP, "--dry-run").out,
                         "would archive 1 trace\n")
        self.fails(4, "archive", "find", archive)
        first = self.ok("archive", store, SHOP, SECOND, "--json").json
        self.assertEqual((first["traces"], first["spansThereAlready"]), (2, 0))
        self.assertEqual(first["archive"], archive)
        again = self.ok("archive", store, SHOP, "--json").json
        self.assertEqual((again["traces"], again["spans"]), (1, 0))
        self.ok("delete", store, "--all", "-y")
        self.assertEqual(self.ids(archive), [SECOND, SHOP])
        self.assertEqual(self.ok("get", archive, SHOP, "-f", "otlp-json").json,
                         self.ok("get", FILES["otlp"], SHOP, "-f", "otlp-json").json)
        self.fails(1, "nothing found", "archive", store, "--service", "frontend")

    def test_wrong_use(self):
        store = self.store()
        self.fails(2, "delete takes a store's directory", "delete")
        self.fails(2, "which traces?", "delete", store)
        self.fails(2, "or --all", "delete", store)
        self.fails(2, "which traces?", "archive", store)
        self.fails(2, "either trace ids or conditions", "delete", store, SHOP, "--all")
        self.fails(2, "either trace ids or conditions", "archive", store, SHOP, "--error")
        self.fails(2, "is no store", "delete", FILES["otlp"], SHOP)
        self.fails(2, "neither a file nor a trace id", "delete", store, "xyz")
        self.fails(2, "--servcie", "delete", store, "--servcie", "a")
        self.fails(4, "there is no store at", "delete", self.path("none"), SHOP)
        self.assertEqual(len(self.ids(store)), 3)


class Compact(CliTest):
    def test_segments_are_merged_and_deleted_spans_go(self):
        store = self.store()
        for name in ("jaeger", "zipkin"):
            self.ok("import", store, FILES[name])
        before = self.ok("stats", store, "--json").json
        ids = self.ok("find", store, "--ids").out.split()
        self.ok("delete", store, ids[0])
        left = self.ok("stats", store, "--json").json
        self.assertEqual(left["segments"], 3)
        self.assertGreater(left["deletedSpans"], 0)
        report = self.ok("compact", store, "--full", "--json").json
        self.assertEqual((report["merges"], report["segmentsMerged"]), (1, 3))
        self.assertEqual(report["spansDropped"], left["deletedSpans"])
        after = self.ok("stats", store, "--json").json
        self.assertEqual((after["segments"], after["deletedSpans"]), (1, 0))
        self.assertEqual(after["spans"], before["spans"] - report["spansDropped"])
        self.assertEqual(self.ok("find", store, "--ids").out.split(), ids[1:])
        self.assertEqual(self.ok("compact", store, "--full").out, "nothing to do\n")
        self.ok("verify", store)

    def test_retention(self):
        store = self.store()
        self.assertEqual(self.ok("compact", store, "--keep-age", "30d").out, "nothing to do\n")
        # It has come just now, however old its spans are; and the newest stays for bytes.
        self.assertEqual(self.ok("compact", store, "--keep-bytes", "1KiB").out, "nothing to do\n")
        self.ok("import", store, FILES["zipkin"])
        answer = self.ok("compact", store, "--keep-bytes", "1KiB")
        self.assertRegex(answer.out, r"^dropped \d+ spans? in 1 segment by retention\n$")

    def test_wrong_use(self):
        self.fails(2, "compact takes a store's directory", "compact")
        self.fails(2, "--keep-age takes a duration", "compact", self.store(), "--keep-age", "old")
        self.fails(4, "there is no store at", "compact", self.path("none"))


class Verify(CliTest):
    def test_a_sound_store(self):
        store = self.store()
        answer = self.ok("verify", store)
        self.assertRegex(answer.out, r"^.*: read 2 files, .*, 1 segment, 0 logs, \d+ spans: sound\n$")
        report = self.ok("verify", store, "--json").json
        self.assertEqual((report["sound"], report["findings"]), (True, []))
        self.assertEqual(report["spans"], self.ok("stats", store, "--json").json["spans"])
        segment = next((self.directory / "store" / "segments").glob("*"))
        self.assertTrue(self.ok("verify", segment, "--json").json["sound"])

    def test_damage_is_named(self):
        store = self.store()
        segment = next((self.directory / "store" / "segments").glob("*"))
        bytes = bytearray(segment.read_bytes())
        bytes[40] ^= 1
        segment.write_bytes(bytes)
        answer = run("verify", store)
        self.assertEqual(answer.code, 6, answer.err)
        self.assertTrue(answer.out.startswith(f"damage: {segment}: at byte 16, page 0: "), answer.out)
        answer = run("verify", store, "--json")
        self.assertEqual(answer.code, 6)
        finding = answer.json["findings"][0]
        self.assertEqual((finding["kind"], finding["file"], finding["offset"], finding["section"]),
                         ("damage", str(segment), 16, "page 0"))

    def test_repair(self):
        store = self.store()
        self.assertIn("sound, nothing to repair", self.ok("repair", store, "--write").out)
        segment = next((self.directory / "store" / "segments").glob("*"))
        bytes = bytearray(segment.read_bytes())
        bytes[40] ^= 1
        segment.write_bytes(bytes)
        answer = run("repair", store)
        self.assertEqual(answer.code, 6, answer.err)
        self.assertIn(f"lost: {segment}: at byte 16 (", answer.out)
        self.assertIn("nothing was changed: --write does it", answer.out)
        report = self.ok("repair", store, "--write", "--json").json
        self.assertEqual((report["wasSound"], report["written"]), (False, True))
        self.assertEqual(report["losses"][0]["offset"], 16)
        self.assertTrue((self.directory / "store" / "damaged" / segment.name).exists())
        self.assertEqual(self.ok("verify", store, "--json").json["damage"], 0)
        self.ok("import", store, FILES["otlp"])
        self.fails(2, "repair takes a store's directory", "repair")
        self.fails(4, "there is nothing at", "repair", self.path("none"))

    def test_a_newer_format(self):
        self.store()
        segment = next((self.directory / "store" / "segments").glob("*"))
        bytes = bytearray(segment.read_bytes())
        bytes[8] = 9
        segment.write_bytes(bytes)
        answer = run("verify", segment)
        self.assertEqual(answer.code, 8, answer.out)
        self.assertIn("has format version 9; this build reads version 1", answer.out)

    def test_wrong_use(self):
        self.fails(2, "verify takes a store's directory", "verify")
        self.fails(2, "neither a segment nor a log", "verify", FILES["otlp"])
        self.fails(4, "there is nothing at", "verify", self.path("none"))


class WrongUse(CliTest):
    def test_the_nearest_right_word(self):
        self.fails(2, "unknown command 'fnid': did you mean 'find'?", "fnid", FILES["otlp"])
        self.fails(2, "find: unknown flag '--servcie': did you mean '--service'?", "find",
                   FILES["otlp"], "--servcie", "a")
        self.fails(2, "find: unknown flag '--eror': did you mean '--error'?", "find",
                   FILES["otlp"], "--eror=1")
        self.fails(2, f"to look into it: tracestore find {FILES['otlp']}", FILES["otlp"])
        self.fails(2, "unknown command 'zzzzzzz'; tracestore help lists them", "zzzzzzz")
        self.fails(2, "did you mean 'exit-codes'?", "help", "exit-code")
        self.assertEqual(run().code, 2)

    def test_values_that_cannot_be_read(self):
        file = FILES["otlp"]
        self.fails(2, "--min-duration: ", "find", file, "--min-duration", "long")
        self.fails(2, "--start: 'yesterday' is no time", "find", file, "--start", "yesterday")
        self.fails(2, "is not before --end", "find", file, "--start", "2000", "--end", "1000")
        self.fails(2, "--where: column ", "find", file, "--where", "service = = a")
        self.fails(2, "kind", "find", file, "--kind", "sever")
        self.fails(2, "--tag: '=a' has no key", "find", file, "--tag", "=a")
        self.fails(2, "--limit", "find", file, "--limit", "many")
        self.fails(2, "--color", "find", file, "--color", "blue")
        self.fails(2, "--timeout: ", "find", file, "--timeout", "1 parsec")
        self.fails(2, "--json", "find", file, "--json", "--csv")
        self.fails(2, "name a SOURCE", "find")
        self.fails(2, "the store's directory comes first", "import", file, self.path("store"))
        self.fails(2, "import takes", "import", self.path("store"))

    def test_files_that_are_not_there_or_not_right(self):
        self.fails(4, "no.json: No such file or directory", "find", "no.json")
        self.fails(4, "there is no store at", "find", self.directory)
        bad = self.path("bad.json")
        with open(bad, "w") as file:
            file.write("hello")
        self.fails(3, "bad.json: ", "find", bad)
        self.fails(3, "bad.json: ", "find", FILES["otlp"], bad)
        self.fails(3, "stdin: ", "find", "-", stdin=b"")
        self.fails(2, "has to be the only SOURCE", "find", FILES["otlp"], self.directory)

    def test_a_store_that_somebody_writes_to_is_busy_for_writers_only(self):
        store = self.path("store")
        self.ok("import", store, FILES["otlp"])
        writer = subprocess.Popen([str(BINARY), "import", store, "-"], stdin=subprocess.PIPE,
                                  stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                  env=environment())
        try:
            # It holds the lock until its stdin ends; the lock's file says who that is.
            deadline = time.monotonic() + 60
            lock = self.directory / "store" / "lock"
            while lock.read_text().split("\n")[0] != str(writer.pid):
                self.assertLess(time.monotonic(), deadline)
                self.assertIsNone(writer.poll())
            self.fails(5, str(writer.pid), "import", store, FILES["two"])
            self.ok("find", store)
        finally:
            writer.stdin.close()
            writer.wait(timeout=60)

    def test_a_damaged_segment_is_corruption(self):
        store = self.store()
        segment = next((self.directory / "store" / "segments").glob("*"))
        self.assertEqual(self.ok("find", segment, "--ids").out.split(), [NIGHT, SECOND, SHOP])
        bytes = bytearray(segment.read_bytes())
        bytes[-30] ^= 0xFF
        copy = self.directory / "copy.seg"
        copy.write_bytes(bytes)
        answer = self.fails(6, "copy.seg", "find", copy)
        self.assertNotIn("terminate", answer.err)
        self.assertTrue(store)

    def test_a_timeout_is_told(self):
        self.fails(7, "", "get", FILES["otlp"], "--timeout", "1ns")
        self.fails(7, "", "export", FILES["otlp"], "--timeout", "1ns")

    def test_a_full_disk_is_told(self):
        done = subprocess.run(f"{BINARY} find {FILES['otlp']} > /dev/full", shell=True,
                              capture_output=True)
        self.assertEqual(done.returncode, 4)
        self.assertIn(b"No space left", done.stderr)


class OnATerminal(CliTest):
    def test_colours_only_there_and_only_where_wanted(self):
        words = ("get", FILES["otlp"])
        self.assertIn("\x1b[31m", run_on_terminal(*words))
        self.assertNotIn("\x1b", run_on_terminal(*words, NO_COLOR="1"))
        self.assertNotIn("\x1b", run_on_terminal(*words, "--color", "never"))
        self.assertIn("\x1b", self.ok(*words, "--color", "always").out)
        self.assertIn("\x1b", self.ok("find", FILES["otlp"], "--color", "always").out)

    def test_width(self):
        for columns in (60, 80, 140):
            text = run_on_terminal("get", FILES["otlp"], "--color", "never", columns=columns)
            self.assertEqual({len(line) for line in text.splitlines()[4:]}, {columns})
        for columns in (80, 110):
            for words in (("find",), ("find", "--spans"), ("critical-path",)):
                text = run_on_terminal(*words, FILES["otlp"], "--color", "never", columns=columns)
                self.assertLessEqual(max(map(len, text.splitlines())), columns, text)


class Help(CliTest):
    def commands(self):
        fish = self.ok("completion", "fish").out
        return [line.split(" -a ")[1].split()[0] for line in fish.splitlines()
                if "__fish_use_subcommand -a" in line]

    def test_every_command_explains_itself_with_examples(self):
        commands = self.commands()
        self.assertLess({"import", "find", "get", "tail", "services", "operations", "keys",
                         "values", "deps", "metrics", "critical-path", "stats", "export",
                         "version", "completion"}, set(commands))
        root = self.ok("--help").out
        for command in commands:
            self.assertIn("  " + command + " ", root)
            text = self.ok(command, "--help").out
            self.assertEqual(text, self.ok("help", command).out)
            if command not in ("version", "help"):
                self.assertIn("xample", text, command)

    def test_exit_codes_version_and_completion(self):
        text = self.ok("help", "exit-codes").out
        for code in range(9):
            self.assertIn(f"\n  {code}  ", text)
        self.assertRegex(self.ok("version").out, r"^tracestore \d+\.\d+\.\d+ \(otlp, ")
        self.assertIn("jaeger", self.ok("version", "--json").json["features"])
        self.assertEqual(self.ok("--version").out, self.ok("version").out)
        script = self.ok("completion", "bash").out
        words = "COMP_WORDS=(tracestore fi); COMP_CWORD=1; _tracestore; echo ${COMPREPLY[@]}"
        done = subprocess.run(["bash", "-c", script + words], capture_output=True, check=True)
        self.assertEqual(done.stdout, b"find\n")
        words = ("COMP_WORDS=(tracestore find a --serv); COMP_CWORD=3; _tracestore; "
                 "echo ${COMPREPLY[@]}")
        done = subprocess.run(["bash", "-c", script + words], capture_output=True, check=True)
        self.assertEqual(done.stdout, b"--service\n")
        self.assertIn("#compdef tracestore", self.ok("completion", "zsh").out)
        self.fails(2, "did you mean 'fish'?", "completion", "fishy")


if __name__ == "__main__":
    unittest.main()
