"""Every header compiles alone, and twice; the public ones also without exceptions and RTTI.

Usage: check_headers.py --compiler g++ --work DIR [--include DIR]... [--skip-room ROOM]...

Each header gets a file of its own that includes it twice and nothing else. One compiler call takes
several such files, each a translation unit, so that the cost is parsing alone. Public headers
define no macro of ours: what they define is what every user sees.
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
OURS = re.compile(r"^#define ((?:TS|TRACESTORE)_\w*)", re.MULTILINE)


def write_probe(work, include):
    """A translation unit that includes the header twice: alone, and guarded."""
    probe = work / (re.sub(r"\W", "_", include) + ".cc")
    text = f"#include {include}\n#include {include}  // guarded\n"
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
    inside = []
    for path in sorted((root / "src").rglob("*.h")):
        name = path.relative_to(root / "src").as_posix()
        if not any(name.startswith(room + "/") for room in arguments.skip_room):
            inside.append(f'"{name}"')
    if not public or not inside:
        print(f"no headers below {root}")
        return 1

    public_command = [arguments.compiler, *FLAGS, f"-I{root / 'include'}"]
    inside_command = public_command + [f"-I{root / 'src'}"]
    inside_command += [f"-isystem{folder}" for folder in arguments.include if folder]
    public_probes = [write_probe(work, include) for include in public]
    problems = compile_all(public_command + BARE, public_probes)
    problems += compile_all(inside_command, [write_probe(work, include) for include in inside])
    problems += leaked_macros(public_command, work, public)
    for problem in problems:
        print(problem)
    print(f"{len(public)} public and {len(inside)} internal headers, {len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
