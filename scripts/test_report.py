"""Adds up ctest's JUnit files: names what failed, says aloud what was skipped, closes with counts.

Usage: test_report.py FILE.xml...       exit 1 where a test failed, or none ran

The last line has the form "N passed, N failed, N skipped" and counts ctest's tests. Cases that a
GoogleTest program skipped inside a passing test are listed with their reasons. With CI=true a skip
whose reason names a missing toolchain is a failure.
"""

import os
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

SKIPPED_CASE = re.compile(r"^\[  SKIPPED \] (\S+\.\S+)(?: \(\d+ ms\))?$", re.MULTILINE)
SKIP_REASON = re.compile(r": Skipped\n(.*)")
PASSED_CASES = re.compile(r"^\[  PASSED  \] (\d+) tests?\.", re.MULTILINE)
NO_TOOLCHAIN = re.compile(r"toolchain", re.IGNORECASE)


class Counts:
    def __init__(self):
        self.passed = 0
        self.cases = 0
        self.failed = []  # "run: test"
        self.skipped = []  # "run: test (reason)": tests that did not run at all
        self.skipped_cases = []  # the same for cases inside a test that ran


def add_file(path, counts):
    run = path.stem
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{run}: {case.get('name')}"
        output = case.findtext("system-out") or ""
        counts.cases += sum(int(n) for n in PASSED_CASES.findall(output))
        skipped = case.find("skipped")
        if case.get("status") == "fail" or case.find("failure") is not None:
            counts.failed.append(name)
        elif case.get("status") in ("notrun", "disabled") or skipped is not None:
            reason = (skipped.get("message") if skipped is not None else None) or case.get("status")
            said = output.strip().splitlines()
            counts.skipped.append(f"{name} ({said[-1] if said else reason})")
        else:
            counts.passed += 1
        reasons = SKIP_REASON.findall(output)
        for index, inner in enumerate(dict.fromkeys(SKIPPED_CASE.findall(output))):
            reason = reasons[index].strip() if index < len(reasons) else "no reason given"
            counts.skipped_cases.append(f"{name}: {inner} ({reason})")


def main(paths):
    counts = Counts()
    for path in paths:
        if Path(path).is_file():
            add_file(Path(path), counts)

    if os.environ.get("CI") == "true":
        for skip in counts.skipped + counts.skipped_cases:
            if NO_TOOLCHAIN.search(skip):
                counts.failed.append(f"{skip}: not to be skipped with CI=true")

    print()
    print(f"GoogleTest cases passed: {counts.cases}, skipped: {len(counts.skipped_cases)}")
    for skip in counts.skipped + counts.skipped_cases:
        print(f"SKIPPED {skip}")
    for failure in counts.failed:
        print(f"FAILED  {failure}")
    print(f"{counts.passed} passed, {len(counts.failed)} failed, {len(counts.skipped)} skipped")
    return 1 if counts.failed or counts.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
