"""delete and archive.

Usage: delete_archive_test.py BINARY [unittest's arguments]
"""

import subprocess
import time
import unittest

from support import BINARY, FILES, NIGHT, SECOND, SHOP, CliTest, environment, run


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


if __name__ == "__main__":
    unittest.main()
