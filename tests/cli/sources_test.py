"""Every command that reads, on every kind of source: they answer alike.

Usage: sources_test.py BINARY [unittest's arguments]
"""

import gzip
import json
import unittest

from support import FILES, SHOP, CliTest

# By command the arguments behind the source, and whether its --json answer is the same of all.
COMMANDS = {
    "find": ["--json"],
    "get": [SHOP, "--json"],
    "tail": ["--jsonl"],
    "services": ["--json"],
    "operations": ["--json"],
    "keys": ["--json"],
    "values": ["http.status_code", "--json"],
    "deps": ["--json"],
    "metrics": ["--json"],
    "critical-path": [SHOP, "--json"],
}


class Sources(CliTest):
    def sources(self):
        """Name, words and stdin of each: a store, its one segment, files, and stdin."""
        store = self.store()
        segment = next((self.directory / "store" / "segments").glob("*"))
        everything = self.ok("export", store).raw
        return [("store", [store], b""), ("segment", [segment], b""),
                ("files", [FILES["otlp"], FILES["two"]], b""), ("stdin", ["-"], everything),
                ("stdin, gzip", ["-"], gzip.compress(everything))]

    def test_each_command_answers_alike_of_each_source(self):
        sources = self.sources()
        for command, words in COMMANDS.items():
            first = None
            for name, source, stdin in sources:
                with self.subTest(command=command, source=name):
                    out = self.ok(command, *source, *words, stdin=stdin).out
                    answer = [json.loads(line) for line in out.splitlines()]
                    self.assertNotIn(answer, ([], [{}]))
                    first = first or answer
                    self.assertEqual(answer, first)

    def test_stats_and_export_of_each_source(self):
        for name, source, stdin in self.sources():
            with self.subTest(source=name):
                stats = self.ok("stats", *source, "--json", stdin=stdin).json
                self.assertEqual((stats["spans"], stats["firstStart"]),
                                 (8, "2023-11-14T22:13:20Z"))
                exported = self.ok("export", *source, "-f", "otlp-proto", stdin=stdin).raw
                self.assertEqual(self.ok("stats", "-", "--json", stdin=exported).json["spans"], 8)

    def test_the_commands_are_all_that_read(self):
        fish = self.ok("completion", "fish").out
        reading = {line.split("__fish_seen_subcommand_from ")[1].split("'")[0]
                   for line in fish.splitlines() if " -l strict " in line}
        self.assertEqual(reading - {"import"}, set(COMMANDS) | {"stats", "export"})


if __name__ == "__main__":
    unittest.main()
