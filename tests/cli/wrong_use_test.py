"""Wrong use, files that are not right, full disks: sentences and exit codes.

Usage: wrong_use_test.py BINARY [unittest's arguments]
"""

import subprocess
import time
import unittest

from support import BINARY, FILES, NIGHT, SECOND, SHOP, CliTest, environment, run


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
        self.fails(2, "no help on 'zzzzzzz'; tracestore help lists the commands", "help", "zzzzzzz")
        self.fails(2, "--order: 'newst' is none of newest, longest: did you mean 'newest'?", "find",
                   FILES["otlp"], "--order", "newst")
        self.fails(2, "--sync: 'x' is none of full, interval, off", "import", self.path("store"),
                   FILES["otlp"], "--sync", "x")
        self.assertEqual(run().code, 2)

    def test_values_that_cannot_be_read(self):
        file = FILES["otlp"]
        self.fails(2, "--min-duration: ", "find", file, "--min-duration", "long")
        self.fails(2, "--start: 'yesterday' is no time", "find", file, "--start", "yesterday")
        self.fails(2, "is not before --end", "find", file, "--start", "2000", "--end", "1000")
        self.fails(2, "--where: column ", "find", file, "--where", "service = = a")
        self.fails(2, "kind", "find", file, "--kind", "sever")
        self.fails(2, "--tag: '=a' has no key", "find", file, "--tag", "=a")
        self.fails(2, "--min-duration: '-5ms' is below 0", "find", file, "--min-duration", "-5ms")
        for value in ("many", "-1", "99999999999999999999"):
            self.fails(2, f"--limit takes a number such as 20, not '{value}'", "find", file,
                       "--limit", value)
        self.fails(2, "--tag needs a value: KEY=VALUE", "find", file, "--tag")
        self.fails(2, "--keep-bytes: '1x' is no size such as 50GiB", "compact", file,
                   "--keep-bytes", "1x")
        self.fails(2, "--color", "find", file, "--color", "blue")
        self.fails(2, "--timeout: ", "find", file, "--timeout", "1 parsec")
        self.fails(2, "--json", "find", file, "--json", "--csv")
        self.fails(2, "name a SOURCE", "find")
        self.fails(2, "the store's directory comes first", "import", file, self.path("store"))
        self.fails(2, "import takes", "import", self.path("store"))

    def test_files_that_are_not_there_or_not_right(self):
        self.fails(4, "no.json: No such file or directory", "find", "no.json")
        self.fails(4, "there is no store at", "find", self.directory)
        self.fails(4, "create directory /proc/none: ", "import", "/proc/none", FILES["otlp"])
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


if __name__ == "__main__":
    unittest.main()
