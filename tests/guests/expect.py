#!/usr/bin/env python3
"""Runs a command and checks how it ends: expect.py --status N [--out RE] [--err RE] -- COMMAND...

The whole of standard output must match --out, a line of standard error --err; without --err
standard error must be empty, with it one line. Whatever the command is given, it must not die of a
signal, an assertion or a sanitizer.
"""

import argparse
import re
import signal
import subprocess
import sys

OUR_FAULT = re.compile(r"Assertion|AddressSanitizer|LeakSanitizer|runtime error")


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--status", type=int, required=True)
    parser.add_argument("--out", default="")
    parser.add_argument("--err", default=None)
    parser.add_argument("--interrupt-after", type=float, help="send Ctrl-C after so many seconds")
    parser.add_argument("command", nargs="+")
    return parser.parse_args()


def run(arguments):
    """Status, standard output, standard error."""
    process = subprocess.Popen(
        arguments.command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    if arguments.interrupt_after is not None:
        try:
            process.wait(arguments.interrupt_after)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
    out, err = process.communicate()
    return process.returncode, out.decode("latin-1"), err.decode("latin-1")


def complaints(arguments, status, out, err):
    if status != arguments.status:
        yield f"status is {status}, not {arguments.status}"
    if not re.fullmatch(arguments.out, out, re.DOTALL):
        yield f"standard output does not match {arguments.out!r}"
    if arguments.err is None:
        if err:
            yield "standard error is not empty"
    else:
        lines = err.splitlines()
        if len(lines) != 1 or not re.search(arguments.err, lines[0]):
            yield f"standard error is not one line that matches {arguments.err!r}"
    if OUR_FAULT.search(err):
        yield "an assertion or a sanitizer has spoken"


def main():
    arguments = parse_arguments()
    status, out, err = run(arguments)
    found = list(complaints(arguments, status, out, err))
    for complaint in found:
        print(complaint)
    if found:
        print(f"command: {' '.join(arguments.command)}")
        print(f"status {status}\n--- standard output\n{out}\n--- standard error\n{err}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
