"""What kind of machine the figures are from, and Debian's packages for it."""

import datetime
import os
import re
import shutil
import subprocess


def cpu_model():
    try:
        with open("/proc/cpuinfo") as file:
            found = re.search(r"^model name\s*:\s*(.*)$", file.read(), re.MULTILINE)
    except OSError:
        found = None
    return found[1] if found else os.uname().machine


def describe():
    return {
        "date": datetime.date.today().isoformat(),
        "cpu": cpu_model(),
        "cpus": os.cpu_count(),
    }


def text(facts):
    return f"{facts['date']}, {facts['cpu']}, {facts['cpus']} CPUs"


def install(packages):
    """With apt, as root or through sudo. Returns what went wrong, or nothing."""
    if not shutil.which("apt-get"):
        return "no apt-get here; install the equivalents by hand"
    prefix = [] if os.geteuid() == 0 else ["sudo"]
    if prefix and not shutil.which("sudo"):
        return f"neither root nor sudo; as root, run: apt-get install {' '.join(packages)}"
    apt = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-qq", "-y"]
    for words in (["update"], ["--no-install-recommends", "install", *packages]):
        done = subprocess.run([*apt, *words], stdout=subprocess.DEVNULL)
        if done.returncode:
            return f"apt-get {words[0]} has failed with status {done.returncode}"
    return ""
