"""Help, completion, and what a terminal is shown.

Usage: help_test.py BINARY [unittest's arguments]
"""

import subprocess
import unittest

from support import FILES, CliTest, run_on_terminal


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
