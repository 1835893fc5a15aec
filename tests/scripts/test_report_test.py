"""The counts of scripts/test: nothing that failed or was skipped goes unsaid."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

REPORT = Path(__file__).resolve().parents[2] / "scripts" / "test_report.py"

PASSED = """<testcase name="base_test" status="run"><system-out>
[  PASSED  ] 12 tests.
</system-out></testcase>"""
FAILED = """<testcase name="fs_test" status="fail"><failure message=""/><system-out>
[  PASSED  ] 3 tests.
</system-out></testcase>"""
FAILED_BUILD = """<testcase name="builds" status="fail"><failure message=""/><system-out>
[1/3] Building CXX object error/error.cc.o
[2/3] Building CXX object main.cc.o
c++: fatal error: Killed signal terminated program cc1plus
compilation terminated.
ninja: build stopped: subcommand failed.
</system-out></testcase>"""
SILENT = """<testcase name="silent" status="fail"><failure message=""/><system-out>
one line
another line
</system-out></testcase>"""
SKIPPED_INSIDE = """<testcase name="posix_test" status="run"><system-out>
[ RUN      ] Posix.RefusesWithoutPermission
/src/posix_test.cc:7: Skipped
root may read everything

[  SKIPPED ] Posix.RefusesWithoutPermission (0 ms)
[  PASSED  ] 4 tests.
[  SKIPPED ] 1 test, listed below:
[  SKIPPED ] Posix.RefusesWithoutPermission
</system-out></testcase>"""
NOT_RUN = """<testcase name="go_client" status="notrun"><skipped message="SKIP_RETURN_CODE=77"/>
<system-out>the Go toolchain is missing</system-out></testcase>"""


def report(*cases, ci="false"):
    """Exit status and output lines of a report on one file with these cases."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "dev.xml"
        path.write_text("<testsuite>" + "".join(cases) + "</testsuite>", encoding="utf-8")
        done = subprocess.run(
            [sys.executable, str(REPORT), str(path)],
            capture_output=True, text=True, check=False, env={**os.environ, "CI": ci},
        )
    return done.returncode, done.stdout.strip().splitlines()


class TestReport(unittest.TestCase):
    def test_closes_with_the_counts(self):
        status, lines = report(PASSED)
        self.assertEqual(status, 0)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 0 skipped")
        self.assertIn("GoogleTest cases passed: 12, skipped: 0", lines)

    def test_names_a_failure(self):
        status, lines = report(PASSED, FAILED)
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 0 skipped")
        self.assertIn("FAILED  dev: fs_test", lines)

    def test_repeats_the_reason_of_a_failure(self):
        _, lines = report(PASSED, FAILED_BUILD)
        at = lines.index("FAILED  dev: builds")
        self.assertEqual(
            lines[at + 1 : -1],
            ["    c++: fatal error: Killed signal terminated program cc1plus",
             "    compilation terminated."],
        )

    def test_repeats_the_end_of_an_output_that_gives_no_reason(self):
        _, lines = report(SILENT)
        self.assertEqual(lines[-3:-1], ["    one line", "    another line"])

    def test_repeats_few_lines(self):
        many = "".join(f"\nerror: {number}" for number in range(1000))
        _, lines = report(SILENT.replace("one line", many))
        self.assertLess(len(lines), 30)
        self.assertIn("    error: 0", lines)
        self.assertIn("    error: 999", lines)

    def test_fails_where_no_test_ran(self):
        status, lines = report()
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "0 passed, 0 failed, 0 skipped")

    def test_says_which_cases_a_passing_program_skipped(self):
        status, lines = report(SKIPPED_INSIDE, ci="true")
        self.assertEqual(status, 0)
        self.assertIn(
            "SKIPPED dev: posix_test: Posix.RefusesWithoutPermission (root may read everything)",
            lines,
        )

    def test_a_missing_toolchain_is_a_skip(self):
        status, lines = report(PASSED, NOT_RUN)
        self.assertEqual(status, 0)
        self.assertIn("SKIPPED dev: go_client (the Go toolchain is missing)", lines)
        self.assertEqual(lines[-1], "1 passed, 0 failed, 1 skipped")

    def test_a_missing_toolchain_is_a_failure_in_continuous_integration(self):
        status, lines = report(PASSED, NOT_RUN, ci="true")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "1 passed, 1 failed, 1 skipped")


if __name__ == "__main__":
    unittest.main()
