#!/usr/bin/env python3
"""What the driver makes of runs: medians, rates, refusals, and its tables."""

import pathlib
import subprocess
import sys
import tempfile
import unittest
from types import SimpleNamespace

sys.dont_write_bytecode = True

import engines  # noqa: E402
import guests  # noqa: E402
import measure  # noqa: E402
import report  # noqa: E402
from engines import Run  # noqa: E402

GUEST = guests.Guest("g", 1, guests.only_e, 3, "a guest")
MACHINE = {"date": "2000-01-01", "cpu": "a CPU", "cpus": 1}


def engine(name, *runs):
    """An engine that has been run already."""
    left = list(runs)
    return SimpleNamespace(name=name, run=lambda _image: left.pop(0))


def series(name, cpu, retired):
    one = measure.Series(None, GUEST, 1)
    one.add(Run(b"E", cpu, retired))
    return name, one


class Rounds(unittest.TestCase):
    def test_engines_take_turns(self):
        order = []

        def noting(name):
            return SimpleNamespace(
                name=name, run=lambda _image: order.append(name) or Run(b"E", 1.0, 5)
            )

        measure.run_guest(GUEST, 1, None, [noting("a"), noting("b")], 2)
        self.assertEqual(order, ["a", "b", "a", "b"])

    def test_the_median_counts(self):
        runs = [Run(b"E", cpu, 5) for cpu in (9.0, 1.0, 2.0)]
        done = measure.run_guest(GUEST, 1, None, [engine("a", *runs)], 3)
        self.assertEqual(done["a"].median(), 2.0)

    def test_refusals(self):
        cases = [
            ("other output", [Run(b"F", 1.0, 5)], "a: printed b'F', not b'E'"),
            ("another count", [Run(b"E", 1.0, 5), Run(b"E", 1.0, 6)], "a: 6 instructions, and 5"),
        ]
        for what, runs, text in cases:
            with self.subTest(what), self.assertRaisesRegex(guests.Failure, text):
                measure.run_guest(GUEST, 1, None, [engine("a", *runs)], len(runs))


class Rows(unittest.TestCase):
    START = dict([series("descry", 0.5, 100), series("bochs", 1.0, 300), series("qemu", 2, None)])

    def row(self, *done):
        return measure.row_of(GUEST, 1, dict(done), self.START)

    def test_start_is_taken_off(self):
        row = self.row(
            series("descry", 1.5, 2000100), series("bochs", 5.0, 2000300), series("qemu", 3, None)
        )
        self.assertEqual(row["instructions"], 2000000)
        self.assertEqual(row["mips"], {"descry": 2.0, "bochs": 0.5, "qemu": 2.0})
        self.assertEqual(row["ratio"], {"bochs": 4.0, "qemu": 1.0})
        self.assertEqual(report.goal_text(row), "3, met")

    def test_a_run_shorter_than_the_start_has_no_rate(self):
        row = self.row(series("descry", 0.25, 200), series("bochs", 5.0, 400))
        self.assertIsNone(row["mips"]["descry"])
        self.assertIsNone(row["ratio"]["bochs"])
        self.assertEqual(report.goal_text(row), "")

    def test_engines_must_agree_on_the_count(self):
        with self.assertRaisesRegex(guests.Failure, "do not agree"):
            self.row(series("descry", 1.0, 200), series("bochs", 5.0, 401))

    def test_pair(self):
        rows = [{"guest": "x", "mips": {"a": 1.0}}, {"guest": "y", "mips": {"a": 4.0}}]
        self.assertEqual(measure.pair_ratio(rows, ("x", "y", 0.5))["part"], {"a": 0.25})
        self.assertIsNone(measure.pair_ratio(rows[:1], ("x", "y", 0.5)))


class Reports(unittest.TestCase):
    def test_what_is_left_out_is_told(self):
        facts = {
            "machine": MACHINE,
            "rounds": 1,
            "engines": {"descry": "1"},
            "rows": [],
            "pair": None,
            "left_out": {"bochs": "not installed"},
        }
        self.assertIn("Left out: bochs (not installed).", report.bench(facts))

    def test_columns(self):
        text = report.table(["a", "bb"], [["xxx", "1"]], left=("a",))
        self.assertEqual(text, "| a   | bb |\n|-----|---:|\n| xxx |  1 |")

    def test_a_section_is_replaced(self):
        with tempfile.NamedTemporaryFile("w+") as file:
            page = pathlib.Path(file.name)
            page.write_text("a\n<!-- t -->\nold\n<!-- end of t -->\nb\n")
            report.replace_section(page, "t", "new")
            self.assertEqual(page.read_text(), "a\n<!-- t -->\n\nnew\n\n<!-- end of t -->\nb\n")
            with self.assertRaisesRegex(ValueError, "no marks"):
                report.replace_section(page, "u", "new")


class Children(unittest.TestCase):
    def test_one_that_is_late_is_killed(self):
        with self.assertRaisesRegex(guests.Failure, "no end after 0.2 s"):
            engines.run_child(["sleep", "20"], 0.2)

    def test_cpu_time_is_not_the_clock(self):
        ended, out, _ = engines.run_child(["sh", "-c", "sleep 0.3; echo x; exit 3"], 20)
        self.assertEqual((ended.status, out), (3, b"x\n"))
        self.assertGreaterEqual(ended.wall, 0.3)
        self.assertLess(ended.cpu, 0.2)

    def test_terminal(self):
        with tempfile.TemporaryDirectory() as folder:
            ended, screen = engines.run_child_on_terminal(
                ["sh", "-c", "test -t 1 && printf 'a\\nb'"], folder, 20
            )
        self.assertEqual((ended.status, screen), (0, b"a\nb"))


class Driver(unittest.TestCase):
    """What it says when it cannot measure."""

    def test_refusals(self):
        run = str(guests.OWN / "run")
        true = ["--descry", "/bin/true"]
        cases = [
            (["--descry", "/none"], 2, "no program at /none"),
            ([*true, "--sources", "/none"], 77, "no guests at /none"),
            ([*true, "--startup", "--hello", "/none"], 2, "no guest at /none"),
            ([*true, "--sources", "/", "--only", "x"], 2, "no such guest: x"),
            ([*true, "--sources", "/", "--against", "x"], 2, "no such engine: x"),
            ([*true, "--rounds", "0"], 2, "must be positive"),
        ]
        for arguments, status, text in cases:
            with self.subTest(text):
                done = subprocess.run(
                    [sys.executable, run, *arguments], capture_output=True, text=True
                )
                self.assertEqual(done.returncode, status)
                self.assertIn(text, done.stderr)


if __name__ == "__main__":
    unittest.main()
