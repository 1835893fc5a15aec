"""import and export: formats, compression, directories, bad spans.

Usage: import_export_test.py BINARY [unittest's arguments]
"""

import gzip
import json
import unittest

from support import FILES, NIGHT, SECOND, SHOP, CliTest, run, spans_of


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
        help = self.ok("export", "--help").out
        formats = ("otlp-json", "otlp-jsonl", "otlp-proto", "jaeger", "zipkin", "zipkin-proto",
                   "zipkin-v1")
        for format in formats:
            self.assertRegex(help, rf"\b{format}\b")
            out = self.ok("export", path, "-f", format)
            count = self.ok("find", "-", "--count", "--json", "--limit", "1", stdin=out.raw).json
            self.assertEqual(count["total"], 600, format)
            spans = self.ok("services", "-", "--json", stdin=out.raw).json["services"]
            self.assertEqual(spans, [{"service": "s", "spans": 6000}], format)
        for format in ("jaeger-thrift", "jaeger-proto", "zipkin-v1-thrift"):
            self.fails(2, f"{format} can't be written in parts; tracestore get --format {format}",
                       "export", path, "-f", format)

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


if __name__ == "__main__":
    unittest.main()
