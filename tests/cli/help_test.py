"""Help, completion, and what a terminal is shown.

Usage: help_test.py BINARY [unittest's arguments]
"""

import os
import pty
import re
import subprocess
import time
import unittest
from pathlib import Path

from support import BINARY, FILES, CliTest, environment, run_on_terminal


class OnATerminal(CliTest):
    def test_colours_only_there_and_only_where_wanted(self):
        words = ("get", FILES["otlp"])
        self.assertIn("\x1b[31m", run_on_terminal(*words))
        self.assertNotIn("\x1b", run_on_terminal(*words, NO_COLOR="1"))
        self.assertNotIn("\x1b", run_on_terminal(*words, "--color", "never"))
        self.assertIn("\x1b", self.ok(*words, "--color", "always").out)
        self.assertIn("\x1b", self.ok("find", FILES["otlp"], "--color", "always").out)

    def test_width(self):
        for columns in (60, 80, 140):
            text = run_on_terminal("get", FILES["otlp"], "--color", "never", columns=columns)
            self.assertEqual({len(line) for line in text.splitlines()[4:]}, {columns})
        for columns in (80, 110):
            for words in (("find",), ("find", "--spans"), ("critical-path",)):
                text = run_on_terminal(*words, FILES["otlp"], "--color", "never", columns=columns)
                self.assertLessEqual(max(map(len, text.splitlines())), columns, text)


class ProgressOnATerminal(CliTest):
    def stderr_of_an_import(self, on_terminal):
        """Of a pipe that is long in coming, and a file behind it."""
        pipe = self.path("pipe")
        os.mkfifo(pipe)
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [str(BINARY), "import", self.path("store"), pipe, FILES["otlp"]],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=follower if on_terminal else subprocess.PIPE, env=environment())
        os.close(follower)
        with open(pipe, "wb") as writer:
            # Progress is of what takes longer than a tenth of a second.
            time.sleep(0.2)
            writer.write(Path(FILES["two"]).read_bytes())
        self.assertEqual(process.wait(timeout=60), 0)
        try:
            # A terminal whose other side is closed ends with an error.
            return os.read(leader, 65536) if on_terminal else process.communicate()[1]
        except OSError:
            return b""
        finally:
            os.close(leader)

    def test_it_is_shown_there_and_taken_away(self):
        shown = self.stderr_of_an_import(True)
        self.assertIn(b"importing [", shown)
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown)

    def test_it_is_not_shown_elsewhere(self):
        self.assertEqual(self.stderr_of_an_import(False), b"")


class Help(CliTest):
    def commands(self):
        fish = self.ok("completion", "fish").out
        return [line.split(" -a ")[1].split()[0] for line in fish.splitlines()
                if "__fish_use_subcommand -a" in line]

    def test_every_command_explains_itself_with_examples(self):
        commands = self.commands()
        self.assertLess({"import", "find", "get", "tail", "services", "operations", "keys",
                         "values", "deps", "metrics", "critical-path", "stats", "export",
                         "version", "completion"}, set(commands))
        root = self.ok("--help").out
        for command in commands:
            self.assertIn("  " + command + " ", root)
            text = self.ok(command, "--help").out
            self.assertEqual(text, self.ok("help", command).out)
            # All descriptions begin in one column.
            begins = [re.match(r"  (?:-|\S+…)\S*(?: \S+)*  +", line)
                      for line in text.splitlines()]
            self.assertEqual({begin.end() for begin in begins if begin}, {32}, text)
            if command not in ("version", "help"):
                self.assertIn("xample", text, command)

    def test_exit_codes_version_and_completion(self):
        text = self.ok("help", "exit-codes").out
        for code in range(9):
            self.assertIn(f"\n  {code}  ", text)
        self.assertRegex(self.ok("version").out, r"^tracestore \d+\.\d+\.\d+ \(otlp, ")
        self.assertIn("jaeger", self.ok("version", "--json").json["features"])
        self.assertEqual(self.ok("--version").out, self.ok("version").out)
        script = self.ok("completion", "bash").out
        words = "COMP_WORDS=(tracestore fi); COMP_CWORD=1; _tracestore; echo ${COMPREPLY[@]}"
        done = subprocess.run(["bash", "-c", script + words], capture_output=True, check=True)
        self.assertEqual(done.stdout, b"find\n")
        words = ("COMP_WORDS=(tracestore find a --serv); COMP_CWORD=3; _tracestore; "
                 "echo ${COMPREPLY[@]}")
        done = subprocess.run(["bash", "-c", script + words], capture_output=True, check=True)
        self.assertEqual(done.stdout, b"--service\n")
        self.assertIn("#compdef tracestore", self.ok("completion", "zsh").out)
        self.fails(2, "did you mean 'fish'?", "completion", "fishy")


if __name__ == "__main__":
    unittest.main()
