"""The layer check catches each kind of violation, and passes what is allowed."""

import tempfile
import unittest
from pathlib import Path

from check_layers import ROOMS, check

CLEAN = {
    "include/tracestore/ids.h": "#include <cstdint>\n#include <tracestore/status.h>\n",
    "include/tracestore/status.h": "#include <string>\n",
    "src/base/bytes.h": "#include <cstdint>\n",
    "src/fs/file_system.h": '#include <tracestore/status.h>\n#include "base/bytes.h"\n',
    "src/store/wal.h": '#include "fs/file_system.h"\n#include <lmdb.h>\n',
    "src/codec/otlp/decode.h": '#include "base/bytes.h"\n',
    "src/net/http.h": '#include "base/bytes.h"\n#include <boost/beast.hpp>\n',
    "src/store/CMakeLists.txt": "tracestore_room(store\n  SOURCES wal.cc\n  DEPENDS base fs)\n",
}


class LayerCheck(unittest.TestCase):
    def violations_of(self, extra):
        with tempfile.TemporaryDirectory() as folder:
            root = Path(folder).resolve()
            for name, text in {**CLEAN, **extra}.items():
                path = root / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
            return check(root)

    def assert_caught(self, name, text, sentence):
        violations = self.violations_of({name: text})
        self.assertEqual(len(violations), 1, violations)
        self.assertTrue(violations[0].startswith(name + ":1: "), violations[0])
        self.assertIn(sentence, violations[0])

    def test_passes_a_clean_tree(self):
        self.assertEqual(self.violations_of({}), [])

    def test_catches_an_include_against_the_direction(self):
        self.assert_caught("src/base/up.h", '#include "store/wal.h"\n', "base may not include")

    def test_catches_protocols_in_the_store(self):
        self.assert_caught(
            "src/store/otlp.cc", '#include "codec/otlp/decode.h"\n', "may not include codec/otlp"
        )

    def test_lets_a_test_include_any_room(self):
        self.assertEqual(
            self.violations_of({"src/codec/otlp/decode_test.cc": '#include "store/wal.h"\n'}), []
        )

    def test_lets_the_support_of_tests_include_anything(self):
        text = '#include "store/wal.h"\n#include <fstream>\n#include <google/protobuf/message.h>\n'
        for name in ("src/codec/otlp/testing/reference.cc", "src/codec/otlp/otlp_test_util.h"):
            self.assertEqual(self.violations_of({name: text}), [])

    def test_catches_the_support_of_tests_in_the_library(self):
        with_support = {
            "src/model/testing/random.h": "#include <fstream>\n",
            "src/model/batch.cc": '#include "model/testing/random.h"\n',
        }
        violations = self.violations_of(with_support)
        self.assertEqual(len(violations), 1, violations)
        self.assertIn("tests only", violations[0])

    def test_catches_an_include_that_is_not_rooted(self):
        self.assert_caught("src/base/hash.h", '#include "bytes.h"\n', "not rooted")

    def test_catches_an_include_of_nothing(self):
        self.assert_caught("src/base/hash.h", '#include "base/gone.h"\n', "found neither")

    def test_catches_a_third_party_in_a_public_header(self):
        self.assert_caught("include/tracestore/store.h", "#include <lmdb.h>\n", "only std")

    def test_catches_a_third_party_in_the_wrong_room(self):
        self.assert_caught("src/query/search.h", "#include <lmdb.h>\n", "belongs to store")

    def test_catches_a_file_opened_by_a_codec(self):
        self.assert_caught("src/codec/otlp/file.cc", "#include <fstream>\n", "no <fstream>")

    def test_catches_a_thread_that_takes_signals(self):
        text = "std::jthread Thread() { return std::jthread([] {}); }\n"
        self.assert_caught("src/net/server.cc", text, "base::StartThread")
        self.assertEqual(self.violations_of({"src/base/thread.h": text}), [])
        self.assertEqual(self.violations_of({"src/net/server_test.cc": text}), [])
        self.assertEqual(self.violations_of({"src/net/server.h": "std::jthread thread_;\n"}), [])

    def test_catches_a_table_that_chosen_ids_make_slow(self):
        for table in ("std::unordered_set<TraceId> a;\n", "std::unordered_map<SpanId, int> a;\n"):
            self.assert_caught("src/net/ids.h", table, "base/id_hash.h")
            self.assertEqual(self.violations_of({"src/net/ids_test.cc": table}), [])
        mixed = "std::unordered_set<TraceId, base::TraceIdHash> a;\n"
        self.assertEqual(self.violations_of({"src/net/ids.h": mixed}), [])

    def test_catches_an_example_that_looks_inside(self):
        self.assert_caught("examples/embed.cc", '#include "base/bytes.h"\n', "<tracestore/…>")

    def test_catches_a_folder_that_is_no_room(self):
        self.assert_caught("src/misc/util.h", "#include <string>\n", "no room")

    def test_catches_a_dependency_in_cmake(self):
        self.assert_caught(
            "src/fs/CMakeLists.txt",
            "tracestore_room(fs\n  SOURCES posix.cc\n  DEPENDS base store LINKS x)\n",
            "may not depend on store",
        )

    def test_the_table_has_no_cycle(self):
        above = {}

        def visit(unit, trail):
            self.assertNotIn(unit, trail, " -> ".join(trail + (unit,)))
            if unit not in above:
                above[unit] = True
                for other in ROOMS[unit]:
                    visit(other, trail + (unit,))

        for unit in ROOMS:
            visit(unit, ())

    def test_the_table_names_only_rooms(self):
        for unit, others in ROOMS.items():
            self.assertLessEqual(others, set(ROOMS), unit)


if __name__ == "__main__":
    unittest.main()
