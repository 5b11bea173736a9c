"""The engines that run a guest to its end, and how much CPU time each takes for it.

Time is what the kernel charges to the process, user and system together: on a machine that others
use at the same time it says more than the clock on the wall. Another engine is a class and a line
in ENGINES.
"""

import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import tempfile
import threading
import time
import tty
from typing import NamedTuple

from guests import Failure

RAM_MIB = 32
GOOD_END = 1  # verdict 0, as the debug exit port reports it


class Run(NamedTuple):
    """One run of a guest to its end. retired is None where an engine does not count."""

    output: bytes
    cpu: float
    retired: int


class Ended(NamedTuple):
    status: int
    cpu: float
    wall: float


def wait_for(process, begin, timeout):
    """Waits for a child and takes its CPU time; one that is late is killed."""
    killer = threading.Timer(timeout, process.kill)
    killer.start()
    try:
        _, status, usage = os.wait4(process.pid, 0)
    except KeyboardInterrupt:
        process.kill()
        raise
    finally:
        killer.cancel()
    wall = time.perf_counter() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode == -signal.SIGKILL and wall >= timeout:
        raise Failure(f"no end after {timeout:g} s")
    return Ended(process.returncode, usage.ru_utime + usage.ru_stime, wall)


def run_child(command, timeout):
    """Its end, standard output and standard error."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        begin = time.perf_counter()
        process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=out, stderr=err
        )
        ended = wait_for(process, begin, timeout)
        out.seek(0)
        err.seek(0)
        return ended, out.read(), err.read()


def run_child_on_terminal(command, folder, timeout):
    """Its end, and what it wrote to the terminal it was given."""

    def drain():
        try:
            while chunk := os.read(master, 0x10000):
                chunks.append(chunk)
        except OSError:  # the other side is closed
            pass

    chunks = []
    master, slave = pty.openpty()
    tty.setraw(slave)
    begin = time.perf_counter()
    process = subprocess.Popen(
        [str(word) for word in command],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=folder,
        env=dict(os.environ, TERM="xterm"),
        start_new_session=True,
    )
    os.close(slave)
    reader = threading.Thread(target=drain)
    reader.start()
    try:
        ended = wait_for(process, begin, timeout)
    finally:
        reader.join()
        os.close(master)
    return ended, b"".join(chunks)


def package_version(package):
    """Of an installed Debian package; None when it is not there."""
    try:
        done = subprocess.run(
            ["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package],
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        return None
    status, _, version = done.stdout.partition(" ")
    return version if status == "installed" else None


def text(output):
    return output.decode(errors="replace").strip()


class Engine:
    name = ""
    packages = ()  # of Debian; the first one's version is the engine's

    def __init__(self, arguments, folder):
        self.folder, self.timeout = pathlib.Path(folder), arguments.timeout
        self.binary = arguments.descry

    def missing(self):
        return [package for package in self.packages if package_version(package) is None]

    def version(self):
        return package_version(self.packages[0])


class Descry(Engine):
    """With --json the facts are on standard output, and the guest's console on standard error."""

    name = "descry"

    def version(self):
        done = subprocess.run([self.binary, "--version"], capture_output=True, text=True)
        return done.stdout.strip().removeprefix("descry ")

    def run(self, image):
        command = [self.binary, "run", image.elf, "--json"]
        ended, facts, console = run_child(command, self.timeout)
        if ended.status != GOOD_END:
            raise Failure(f"status {ended.status}: {text(console)}")
        return Run(console, ended.cpu, json.loads(facts)["retired"])


BOCHSRC = """\
megs: {ram}
romimage: file={rom}, address=0xffff0000
display_library: term
port_e9_hack: enabled=1
log: bochs.log
panic: action=fatal
error: action=ignore
info: action=ignore
clock: sync=none
cpu: count=1, ips=50000000, reset_on_triple_fault=0
"""


class Bochs(Engine):
    """Debian's build has the debugger inside: it is told to continue, and later to quit. The word
    Shutdown at port 8900h ends a run as a panic, whose line in the log begins with the count."""

    name = "bochs"
    packages = ("bochs", "bochs-term", "bochsbios")

    # What the guest prints stands between the first instruction and the message of the end.
    CONSOLE = re.compile(rb"\n\(0\) \[0x[^\n]*\n(.*?)={60,}\r?\nBochs is exiting", re.DOTALL)
    END = re.compile(r"^(\d+)p\[.*Shutdown port: shutdown requested", re.MULTILINE)

    def run(self, image):
        (self.folder / "bochsrc").write_text(BOCHSRC.format(ram=RAM_MIB, rom=image.rom))
        (self.folder / "commands").write_text("c\nq\n")
        log = self.folder / "bochs.log"
        log.unlink(missing_ok=True)
        command = ["bochs", "-q", "-f", "bochsrc", "-rc", "commands"]
        ended, screen = run_child_on_terminal(command, self.folder, self.timeout)
        lines = log.read_text(errors="replace") if log.exists() else ""
        end, console = self.END.search(lines), self.CONSOLE.search(screen)
        if not end or not console:
            raise Failure(f"status {ended.status}, no orderly end: {text(screen)[-200:]!r}")
        return Run(console[1], ended.cpu, int(end[1]))


class Qemu(Engine):
    """Its translator. It does not check limits, and does not count unless that makes it slower."""

    name = "qemu"
    packages = ("qemu-system-x86",)

    def run(self, image):
        console = self.folder / "qemu.out"
        command = ["qemu-system-i386", "-accel", "tcg", "-display", "none", "-nodefaults"]
        command += ["-m", RAM_MIB, "-bios", image.rom]
        command += ["-chardev", f"file,id=console,path={console}"]
        command += ["-device", "isa-debugcon,iobase=0xe9,chardev=console"]
        command += ["-device", "isa-debug-exit,iobase=0xf4,iosize=1"]
        ended, _, err = run_child(command, self.timeout)
        if ended.status != GOOD_END:
            raise Failure(f"status {ended.status}: {text(err)}")
        return Run(console.read_bytes(), ended.cpu, None)


ENGINES = [Descry, Bochs, Qemu]
