#!/usr/bin/env python3
"""check-json.py DESCRY GUESTS: with --json, is all of standard output JSON, a value a line?

One line for every command, whether it fails or the guest prints something meanwhile.
"""
import json
import pathlib
import subprocess
import sys

descry = sys.argv[1]
guests = pathlib.Path(sys.argv[2])

# What, arguments, and what the values must hold: a function of their list.
ROWS = [
    ("a guest prints while it runs", ["run", "hello.elf"],
     lambda v: len(v) == 1 and v[0]["reason"] == "guest exit"),
    ("and while a command runs", ["hello.elf", "-e", "continue", "-e", "where"],
     lambda v: [x["reason"] for x in v] == ["guest exit"] * 2),
    ("commands that change something say what", ["unreal-fs.elf", "-e", "break t4_store", "-e",
     "delete", "-e", "set ax 5", "-e", "world use vmx"],
     lambda v: v[1] == {"deleted": [1]} and v[2] == {"place": "ax", "old": 0, "now": 5}
     and v[3] == {"strategy": "vmx", "variant": None, "before": "interpret"}),
    ("a command that fails", ["hello.elf", "-e", "nonsense"],
     lambda v: len(v) == 1 and "nonsense" in v[0]["error"] and v[0]["status"] == "not found"),
    ("an assertion that does not hold", ["hello.elf", "-e", "assert 1 == 2"],
     lambda v: v[0]["status"] == "does not hold"),
    ("a comparison that cannot be", ["compare", "hello.elf"],
     lambda v: "port EDh" in v[0]["error"]),
    ("no value is negative", ["hello.elf", "-e", "print -1", "-e", "set [0x600] 0xffffffff", "-e",
     "set [0x604] 0xffffffff", "-e", "x/xg 0x600"],
     lambda v: v[0]["value"] == "0xffffffffffffffff" and v[3]["units"] == ["0xffffffffffffffff"]),
    ("a format is told", ["hello.elf", "-e", "print/c 0xc1"],
     lambda v: v[0] == {"value": 193, "text": "'\\xc1'", "format": "c"}),
    ("strings are strings", ["hello.elf", "-e", "set [0x600] 0xe9006968", "-e", "x/2s 0x600"],
     lambda v: v[1]["format"] == "s" and v[1]["strings"] == ["hi", "\u00e9"]),
    ("the first byte that is not there, and why", ["hello.elf", "-e", "x/2xw 0xfffffe"],
     lambda v: "there is no memory at 0x1000000" in v[0]["error"]),
    ("and after some that are", ["hello.elf", "-e", "x/2xw 0xfffffa"],
     lambda v: v[0]["denied"]["linear"] == 0x1000000 and "no memory" in v[0]["denied"]["why"]),
]


def values(arguments):
    arguments = [str(guests / a) if a.endswith(".elf") else a for a in arguments]
    done = subprocess.run([descry, *arguments, "--json"], stdin=subprocess.DEVNULL,
                          capture_output=True, timeout=60)
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


failed = 0
for what, arguments, holds in ROWS:
    found = values(arguments)
    if not holds(found):
        print(f"{what}: descry {' '.join(arguments)} --json: {found}")
        failed += 1
sys.exit(failed != 0)
