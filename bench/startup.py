"""How long `descry run` takes to start, run the smallest guest and end, and its peak memory."""

import os
import pathlib
import re
import statistics
import subprocess
import time

from engines import GOOD_END, run_child, text
from guests import Failure

MIB_GUEST = 16  # what a guest has without -m
GOAL_MS = 10
GOAL_MIB = 15


def timed_run(command, timeout):
    ended, _, err = run_child(command, timeout)
    if ended.status != GOOD_END:
        raise Failure(f"hello: status {ended.status}: {text(err)}")
    return ended


def field_mib(pid, name):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{name}:\s*(\d+) kB", status, re.MULTILINE)[1]) / 1024


def guest_mib(pid):
    """What of the guest's memory is resident: the one mapping of its size."""
    maps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
    sizes = re.findall(r"^Size:\s*(\d+) kB(?:\n.*?)*?\nRss:\s*(\d+) kB", maps, re.MULTILINE)
    found = [int(rss) for size, rss in sizes if int(size) == MIB_GUEST * 1024]
    if len(found) != 1:
        raise Failure(f"{len(found)} mappings have the size of guest memory, not one")
    return found[0] / 1024


def is_asleep(pid):
    return ") S " in pathlib.Path(f"/proc/{pid}/stat").read_text()


def wait_until_asleep(process, timeout):
    """Three times asleep in a row: it waits for somebody to read what it writes."""
    end, times = time.monotonic() + timeout, 0
    while times < 3:
        if time.monotonic() > end or process.poll() is not None:
            raise Failure("hello: has not come to write its greeting")
        time.sleep(0.02)
        times = times + 1 if is_asleep(process.pid) else 0


def peak_mib(command, timeout):
    """Peak of resident memory without the guest's, at the moment when the run writes its output.

    The peak that the kernel reports after the end would not do: it begins with that of the process
    which was forked. So standard output is a pipe that is full, and the run waits there.
    """
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    try:
        while True:
            os.write(writing, b"\0" * 4096)
    except BlockingIOError:
        os.set_blocking(writing, True)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=writing)
    os.close(writing)
    try:
        wait_until_asleep(process, timeout)
        peak = field_mib(process.pid, "VmHWM") - guest_mib(process.pid)
    finally:
        os.close(reading)
        process.kill()
        process.wait()
    return peak


def measure(arguments):
    command = [arguments.descry, "run", str(arguments.hello)]
    runs = [timed_run(command, arguments.timeout) for _ in range(arguments.starts)]
    return {
        "runs": len(runs),
        "wall_ms": statistics.median(run.wall for run in runs) * 1e3,
        "cpu_ms": statistics.median(run.cpu for run in runs) * 1e3,
        "peak_mib": peak_mib(command, arguments.timeout),
        "goal_ms": GOAL_MS,
        "goal_mib": GOAL_MIB,
    }
