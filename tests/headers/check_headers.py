"""Every header compiles alone and is guarded; the public ones also without exceptions and RTTI.

Usage: check_headers.py --compiler g++ --work DIR [--include DIR]... [--skip-room ROOM]...

A header that its own .cc includes first was compiled alone by the build. Each other one gets a file
that includes it and nothing else; one compiler call takes several such files, each a translation
unit. Public headers define no macro of ours: what they define is what every user sees.
"""

import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror"]
# The flags that an embedder with exceptions and RTTI off has.
BARE = ["-fno-exceptions", "-fno-rtti"]
BATCH = 8  # files a compiler call: enough to save most process starts, few enough to share out
FIRST_INCLUDE = re.compile(r"^#include\s+(\S+)", re.MULTILINE)
OURS = re.compile(r"^#define ((?:TS|TRACESTORE)_\w*)", re.MULTILINE)


def first_in_its_source(header, name):
    """Whether the .cc beside the header starts with it, so that the build compiled it alone."""
    source = header.with_suffix(".cc")
    if not source.is_file():
        return False
    first = FIRST_INCLUDE.search(source.read_text(encoding="utf-8"))
    return first is not None and first.group(1) in (f'"{name}"', f"<{name}>")


def write_probe(work, include):
    """A translation unit that includes the header alone."""
    probe = work / (re.sub(r"\W", "_", include) + ".cc")
    text = f"#include {include}\n"
    if not probe.is_file() or probe.read_text() != text:
        probe.write_text(text)
    return str(probe)


def compile_batch(command, probes):
    done = subprocess.run(command + probes, capture_output=True, text=True, check=False)
    return "" if done.returncode == 0 else done.stderr


def compile_all(command, probes):
    """Compiler messages of the batches that failed."""
    batches = [probes[i : i + BATCH] for i in range(0, len(probes), BATCH)]
    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
        return [e for e in pool.map(lambda b: compile_batch(command, b), batches) if e]


def leaked_macros(command, work, public):
    """Macros of ours that a user sees after including every public header."""
    everything = work / "every_public_header.cc"
    everything.write_text("".join(f"#include {include}\n" for include in public))
    command = [flag for flag in command if flag != "-fsyntax-only"]
    done = subprocess.run(
        command + ["-E", "-dM", str(everything)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        return [done.stderr]
    return [f"public headers define {name}" for name in OURS.findall(done.stdout)]


def main():
    parser = argparse.ArgumentParser(description="Every header stands alone.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--include", action="append", default=[])
    parser.add_argument("--skip-room", action="append", default=[])
    arguments = parser.parse_args()
    root, work = arguments.root.resolve(), arguments.work
    work.mkdir(parents=True, exist_ok=True)

    public = [
        f"<{path.relative_to(root / 'include').as_posix()}>"
        for path in sorted((root / "include").rglob("*.h"))
    ]
    headers, inside = 0, []
    problems = []
    for path in sorted((root / "src").rglob("*.h")) + sorted((root / "include").rglob("*.h")):
        if "\n#pragma once\n" not in "\n" + path.read_text(encoding="utf-8"):
            problems.append(f"{path.relative_to(root)} has no #pragma once")
    for path in sorted((root / "src").rglob("*.h")):
        name = path.relative_to(root / "src").as_posix()
        headers += 1
        if any(name.startswith(room + "/") for room in arguments.skip_room):
            continue
        if not first_in_its_source(path, name):
            inside.append(f'"{name}"')
    if not public or not headers:
        print(f"no headers below {root}")
        return 1

    public_command = [arguments.compiler, *FLAGS, f"-I{root / 'include'}"]
    inside_command = public_command + [f"-I{root / 'src'}"]
    inside_command += [f"-isystem{folder}" for folder in arguments.include if folder]
    public_probes = [write_probe(work, include) for include in public]
    problems += compile_all(public_command + BARE, public_probes)
    problems += compile_all(inside_command, [write_probe(work, include) for include in inside])
    problems += leaked_macros(public_command, work, public)
    for problem in problems:
        print(problem)
    print(
        f"{len(public)} public and {headers} internal headers, {len(inside)} of these not first in"
        f" a .cc of theirs, {len(problems)} problems"
    )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
