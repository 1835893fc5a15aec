"""find: sources, conditions, order, forms.

Usage: find_test.py BINARY [unittest's arguments]
"""

import csv
import gzip
import io
import json
import unittest

from support import FILES, NIGHT, SECOND, SHOP, CliTest, run


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
        rows = self.ok("find", FILES["jaeger"], FILES["two"], "--spans", "--csv").out
        kinds = {row["kind"] for row in csv.DictReader(io.StringIO(rows))}
        self.assertNotIn("", kinds)
        table = self.ok("find", FILES["otlp"], "--spans", "--kind", "client").out
        self.assertEqual(len(table.splitlines()), 3)
        self.fails(2, "--spans does not go with", "find", FILES["otlp"], "--spans", "--ids")


if __name__ == "__main__":
    unittest.main()
