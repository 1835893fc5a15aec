"""Adds up ctest's JUnit files: names what failed, says aloud what was skipped, closes with counts.

Usage: test_report.py FILE.xml...       exit 1 where a test failed, or none ran

The last line has the form "N passed, N failed, N skipped" and counts ctest's tests. Below each failed
test stand the lines of its output that look like the reason. Cases that a GoogleTest program skipped
inside a passing test are listed with their reasons. With CI=true a skip whose reason names a missing
toolchain is a failure.
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
# What compilers, GoogleTest, unittest, the sanitizers and a killed program print.
REASON = re.compile(
    r"\berror\b|\bFAILED\b|: Failure$|^(FAIL|ERROR): |\w+Error: |Sanitizer|\b(?i:killed|aborted)\b"
    r"|terminated|Segmentation|(?i:timed out|timeout)"
)
BUILD_STEP = re.compile(r"\[\d+/\d+\] ")
REASON_LINES = 20


class Counts:
    def __init__(self):
        self.passed = 0
        self.cases = 0
        self.failed = []  # "run: test"
        self.reasons = {}  # of failed tests: lines of their output
        self.skipped = []  # "run: test (reason)": tests that did not run at all
        self.skipped_cases = []  # the same for cases inside a test that ran


def reasons_in(output):
    """The lines that look like the reason of a failure, or the last ones."""
    lines = [line.rstrip()[:300] for line in output.splitlines()]
    lines = [line for line in lines if line and not BUILD_STEP.match(line)]
    telling = list(dict.fromkeys(line for line in lines if REASON.search(line)))
    if len(telling) > REASON_LINES:  # the first of them and the last
        telling = telling[: REASON_LINES // 2] + ["…"] + telling[-(REASON_LINES // 2) :]
    return telling or lines[-REASON_LINES:]


def add_file(path, counts):
    run = path.stem
    for case in ElementTree.parse(path).getroot().iter("testcase"):
        name = f"{run}: {case.get('name')}"
        output = case.findtext("system-out") or ""
        counts.cases += sum(int(n) for n in PASSED_CASES.findall(output))
        skipped = case.find("skipped")
        if case.get("status") == "fail" or case.find("failure") is not None:
            counts.failed.append(name)
            counts.reasons[name] = reasons_in(output)
        elif case.get("status") in ("notrun", "disabled") or skipped is not None:
            reason = (skipped.get("message") if skipped is not None else None) or case.get("status")
            said = output.strip().splitlines()
            counts.skipped.append(f"{name} ({said[-1] if said else reason})")
        else:
            counts.passed += 1
        skip_reasons = SKIP_REASON.findall(output)
        for index, inner in enumerate(dict.fromkeys(SKIPPED_CASE.findall(output))):
            reason = skip_reasons[index].strip() if index < len(skip_reasons) else "no reason given"
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
        for line in counts.reasons.get(failure, []):
            print(f"    {line}")
    print(f"{counts.passed} passed, {len(counts.failed)} failed, {len(counts.skipped)} skipped")
    return 1 if counts.failed or counts.passed == 0 else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
