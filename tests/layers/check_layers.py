"""Holds the house's include table: which room may include which, and that includes are rooted.

Usage: check_layers.py [--root DIR]     exit 1 and one line a violation, "file:line: sentence"

The table is docs/architecture.md's. A unit is the longest prefix of a file's folder that stands in
ROOMS; a file may include its own unit, the public headers, and the units of its row. Tests,
benchmarks, fuzz targets and their support (TEST_FILE) may include any room and third party: a test
of the store opens it on the in-memory file system, whoever's room that is. Their includes are
rooted all the same, and no other file may include them.
"""

import argparse
import re
import sys
from pathlib import Path

PROTOCOLS = {
    "codec/json",
    "codec/wire",
    "codec/thrift",
    "codec/otlp",
    "codec/jaeger",
    "codec/zipkin",
}
CODECS = PROTOCOLS | {"codec", "codec/detect", "codec/column", "codec/sampling", "codec/tchannel"}

# unit -> the units it may include
ROOMS = {
    "base": set(),
    "fs": {"base"},
    "model": {"base"},
    "codec/column": {"base", "model"},
    "codec/json": {"base", "model"},  # reading and writing JSON, for the three protocols
    "codec/wire": {"base", "model"},  # protobuf's wire format and interning, for the same
    "codec/thrift": {"base"},  # Thrift's protocols and our IDL, for Jaeger and Zipkin
    "codec/otlp": {"base", "model", "codec/json", "codec/wire"},
    "codec/jaeger": {"base", "model", "codec/json", "codec/wire", "codec/thrift"},
    "codec/zipkin": {"base", "model", "codec/json", "codec/wire", "codec/thrift"},
    # Strategies and their forms.
    "codec/sampling": {"base", "model", "codec/json", "codec/wire", "codec/thrift"},
    "codec/tchannel": {"base"},  # its frames and calls, whatever they carry
    # Format detection, which calls all protocols.
    "codec": {"base", "model"} | PROTOCOLS,
    "codec/detect": {"base", "model"} | PROTOCOLS,
    "index": {"base", "codec/column"},
    "predicate": {"base", "model", "codec/column"},
    "assembly": {"base", "model"},
    "store": {"base", "fs", "model", "codec/column", "index", "predicate", "assembly"},
    "query": {"base", "model", "codec/column", "index", "predicate", "assembly", "store"},
    "sampling": {"base", "model", "codec/sampling", "predicate", "store"},
    "net": {"base"},
    "ingest": {"base", "model", "predicate", "sampling", "store", "net"} | CODECS,
    "server": {"base", "model", "predicate", "assembly", "sampling", "query", "store", "net"}
    | CODECS,
    "backends": {"base", "model", "predicate", "store", "net"} | CODECS,
    "client": {"base", "model", "net"} | CODECS,
    # The public API, on top of everything that is no service.
    "api": {"base", "fs", "model", "index", "predicate", "assembly", "store", "query"} | CODECS,
}

# Folders outside src/: what of src/ they may include. None: anything.
OUTSIDE = {"examples": set(), "bindings": set(), "tools": None, "bench": None, "tests": None}

# Rooms that turn bytes into values and back: no file, thread, clock or socket.
PURE = ("model", "codec", "index", "predicate", "assembly")
IMPURE_HEADERS = re.compile(
    r"^(fstream|filesystem|thread|mutex|shared_mutex|condition_variable|future|ctime|iostream|"
    r"unistd\.h|fcntl\.h|pthread\.h|dirent\.h|netdb\.h|sys/(stat|mman|socket|time|file)\.h)$"
)

# A third party is seen by the rooms named here and by no other.
THIRD_PARTIES = (
    (re.compile(r"^lmdb\.h$"), ("store",)),
    (re.compile(r"^roaring/"), ("index",)),
    (re.compile(r"^zstd|^zdict|^lz4|^zlib\.h$"), ("base", "codec", "store", "net", "ingest")),
    (re.compile(r"^xxhash\.h$"), ("base",)),
    (re.compile(r"^re2/"), ("predicate",)),
    (re.compile(r"^simdjson"), ("codec",)),
    (re.compile(r"^thrift(_gen)?/"), ("codec", "ingest")),
    (re.compile(r"^boost/"), ("net",)),
    (re.compile(r"^google/protobuf/"), ("net", "ingest", "server", "backends")),
    (re.compile(r"^grpc"), ("net", "ingest", "server", "backends")),
    (re.compile(r"^spdlog/"), ("server",)),
    (re.compile(r"^CLI/"), ()),
)

# C++20's headers as g++ 12 ships them: the only ones that a public header may include, beside
# other public headers.
STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv
    chrono cinttypes climits clocale cmath compare complex concepts condition_variable coroutine
    csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar cwctype deque
    exception execution filesystem forward_list fstream functional future initializer_list iomanip
    ios iosfwd iostream istream iterator latch limits list locale map memory memory_resource mutex
    new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
    set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string
    string_view syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map
    unordered_set utility valarray variant vector version""".split()
)

# Threads are started by base::StartThread, which keeps signals from them.
THREAD_START = re.compile(r"\bstd::(jthread|thread)\s*[({]|\bstd::async\b|\bpthread_create\b")

# Who chooses ids can make a table of std::hash quadratic: base/id_hash.h mixes in a number of the
# process.
CHOSEN_IDS = re.compile(r"\bunordered_(multi)?(map|set)<\s*(tracestore::)?(TraceId|SpanId)\b")

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:<([^>]+)>|"([^"]+)")')
ROOM_CALL = re.compile(r"tracestore_room\(\s*(\w+)([^)]*)\)")
TEST_FILE = re.compile(
    r"(^|/)testing/|_(test|bench|fuzz)\.cc$|(^|_|/)(test_util|test_support|test_client)\.(h|cc)$"
)


def unit_of(folder):
    """The unit of a folder relative to src/, e.g. codec/otlp/detail -> codec/otlp."""
    parts = folder.split("/")
    for length in range(len(parts), 0, -1):
        unit = "/".join(parts[:length])
        if unit in ROOMS:
            return unit
    return None


def includes_of(path):
    text = path.read_text(encoding="utf-8", errors="replace")
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(1) or match.group(2), match.group(2) is not None


def check_public(path, report):
    for number, target, _ in includes_of(path):
        if not (target.startswith("tracestore/") or target in STANDARD):
            report(path, number, f"a public header includes <{target}>: only std and tracestore/")


def check_third_party(unit, target):
    """The sentence against including the system header `target` in `unit`, or None."""
    top = unit.split("/")[0]
    if top in PURE and IMPURE_HEADERS.match(target):
        return f"{unit} turns bytes into values: no <{target}>"
    for pattern, rooms in THIRD_PARTIES:
        if pattern.search(target) and top not in rooms:
            where = ", ".join(rooms) if rooms else "tools"
            return f"{unit} includes <{target}>, which belongs to {where}"
    return None


def check_rooted(root, path, target):
    """The unit that a quoted include names, and the sentence against it (one of them None)."""
    if (root / "src" / target).is_file():
        unit = unit_of(target.rpartition("/")[0])
        if unit is None:
            return None, f'"{target}" stands in no room of the table'
        return unit, None
    if target.startswith("tracestore/") and (root / "include" / target).is_file():
        return None, None
    if target.endswith(".pb.h"):
        return None, None
    if (path.parent / target).is_file():
        return None, f'"{target}" is not rooted: write it from src/'
    return None, f'"{target}" is found neither under src/ nor include/'


def check_source(root, path, report):
    unit = unit_of(path.parent.relative_to(root / "src").as_posix())
    if unit is None:
        report(path, 1, "stands in no room of the table")
        return
    is_test = TEST_FILE.search(path.relative_to(root / "src").as_posix()) is not None
    if not is_test:
        lines = path.read_text(errors="replace").splitlines()
        for number, line in enumerate(lines, 1):
            code = line.partition("//")[0]
            if THREAD_START.search(code) and path != root / "src" / "base" / "thread.h":
                report(path, number, "starts a thread: base::StartThread keeps signals from it")
            if CHOSEN_IDS.search(code) and "Hash" not in code:
                report(path, number, "a table of ids by std::hash: base/id_hash.h spreads chosen ones")
    for number, target, quoted in includes_of(path):
        if not quoted:
            sentence = None if is_test else check_third_party(unit, target)
            if sentence:
                report(path, number, sentence)
            continue
        other, sentence = check_rooted(root, path, target)
        if sentence:
            report(path, number, sentence)
        elif is_test:
            continue
        elif TEST_FILE.search(target):
            report(path, number, f'"{target}" is for tests only')
        elif other and other != unit and other not in ROOMS[unit]:
            report(path, number, f'{unit} may not include {other} ("{target}")')


def check_outside(root, folder, allowed, path, report):
    for number, target, quoted in includes_of(path):
        if not quoted:
            continue
        in_src = (root / "src" / target).is_file()
        if allowed is not None and in_src:
            report(path, number, f'{folder} may include <tracestore/…> only, not "{target}"')


def check_cmake(root, path, report):
    """DEPENDS of a room repeats its row."""
    text = path.read_text(encoding="utf-8")
    for match in ROOM_CALL.finditer(text):
        name, arguments = match.group(1), match.group(2)
        unit = unit_of(name.replace("_", "/"))
        depends = re.search(r"\bDEPENDS\s+([^A-Z]*)", arguments)
        if unit is None or depends is None:
            continue
        number = text[: match.start()].count("\n") + 1
        for other_name in depends.group(1).split():
            other = unit_of(other_name.replace("_", "/"))
            if other and other != unit and other not in ROOMS[unit]:
                report(path, number, f"room {name} may not depend on {other_name}")


def check(root):
    violations = []

    def report(path, number, sentence):
        violations.append(f"{path.relative_to(root)}:{number}: {sentence}")

    def sources(folder):
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in (".h", ".cc", ".hpp", ".cpp") and path.is_file():
                yield path

    for path in sources("include"):
        check_public(path, report)
    for path in sources("src"):
        check_source(root, path, report)
    for folder, allowed in OUTSIDE.items():
        for path in sources(folder):
            check_outside(root, folder, allowed, path, report)
    for path in sorted((root / "src").rglob("CMakeLists.txt")):
        check_cmake(root, path, report)
    return violations


def main():
    parser = argparse.ArgumentParser(description="Holds the include table of the house.")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[2])
    root = parser.parse_args().root.resolve()
    violations = check(root)
    for violation in violations:
        print(violation)
    print(f"{len(violations)} violations of the include table in {root.name}")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
