"""compact, verify and repair.

Usage: upkeep_test.py BINARY [unittest's arguments]
"""

import unittest

from support import FILES, CliTest, run


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
        self.assertRegex(answer.out,
                         r"^.*: read 2 files, .*, 1 segment, 0 logs, \d+ spans: sound\n$")
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
        self.assertTrue(answer.out.startswith(f"damage: {segment}: at byte 16, page 0: "),
                        answer.out)
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


if __name__ == "__main__":
    unittest.main()
