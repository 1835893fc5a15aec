"""get: the tree, ids, details, formats.

Usage: get_test.py BINARY [unittest's arguments]
"""

import json
import unittest

from support import FILES, NIGHT, SECOND, SHOP, CliTest, run_on_terminal, spans_of


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
        self.fails(2, "--format: format 'xml' is none of", "get", FILES["otlp"], "-f", "xml")

    def test_what_a_format_prints_is_a_file_of_it(self):
        text = {"otlp-json", "otlp-jsonl", "jaeger", "zipkin", "zipkin-v1"}
        binary = {"otlp-proto", "jaeger-thrift", "jaeger-proto", "zipkin-proto",
                  "zipkin-v1-thrift"}
        for format in sorted(text | binary):
            with self.subTest(format=format):
                # Of one service: Jaeger's binary forms have the spans of no more.
                printed = self.ok("get", FILES["two"], SECOND, "-f", format).raw
                self.assertEqual(printed.endswith(b"\n"), format in text)
                self.assertEqual(self.ok("find", "-", "--ids", stdin=printed).out, SECOND + "\n")
        screen = run_on_terminal("get", FILES["two"], SECOND, "-f", "zipkin-proto")
        self.assertEqual(screen, "")

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


if __name__ == "__main__":
    unittest.main()
