#!/usr/bin/env python3
"""compare-rows.py DESCRY GUESTS: do the two demos come out as the rules of the CPU say?

Oracle: the rules for loads of segment registers, worked out by hand. In unreal-fs FS is
0010 with base 0 and 4 GiB, in real mode; in gdt-rewrite it is 0028 at 1000h, and slot 5
of the GDT says 2000h by now. Neither row nor value here is written by the program.
"""

import json
import subprocess
import sys

UNREAL = (0x10, 0, 0xFFFFFFFF, 0xC093)
REWRITTEN = (0x28, 0x1000, 0x1000, 0x4093)
HOST_SMALL = (0x10, 0x300000, 0xFFFF, 0x4093)
HOST_BIG = (0x10, 0x300000, 0xFFFFFFFF, 0xC093)

# strategy, variant; outcome, lost_at, fields of FS lost, FS at X8, linear address or vector
ROWS = {
    "unreal-fs": [
        ("selector-real", "small", "fault", "X4", "base limit attr",
         (0x10, 0x100, 0xFFFF, 0x4093), "vector", 13),
        ("selector-real", "big", "silent", "X4", "base",
         (0x10, 0x100, 0xFFFFFFFF, 0xC093), "linear", 0x20100),
        ("selector-host-gdt", "small", "fault", "X4", "base limit attr", HOST_SMALL,
         "vector", 13),
        ("selector-host-gdt", "big", "silent", "X4", "base", HOST_BIG, "linear", 0x320000),
        ("shadow-gdt", "table", "same", None, "", UNREAL, "linear", 0x20000),
        ("shadow-gdt", "real", "fault", "X4", "base limit attr", (0x10, 0x100, 0xFFFF, 0x93),
         "vector", 13),
        ("shadow-gdt-stale", None, "same", None, "", UNREAL, "linear", 0x20000),
        # The scratch descriptor has DPL 3: the guest really runs in an outer ring.
        ("scratch", "seen", "latent", "X7", "attr", (0x10, 0, 0xFFFFFFFF, 0xC0F3),
         "linear", 0x20000),
        # The copy is from before the load of FS: 64 KiB at 0.
        ("scratch", "missed", "fault", "X4", "limit attr", (0x10, 0, 0xFFFF, 0xF3),
         "vector", 13),
        # Real mode as virtual-8086 mode: lost with the guest's own write of PE=0, before the
        # interrupt. The stores of the rounds before it show that.
        ("selector-v86", None, "fault", "mode-change", "base limit attr",
         (0x10, 0x100, 0xFFFF, 0xF3), "vector", 13),
        ("vmx-v86", "bare", "fault", "mode-change", "selector limit attr",
         (0, 0, 0xFFFF, 0xF3), "vector", 13),
        ("vmx-v86", "emulator", "latent", "mode-change", "selector limit attr",
         (0, 0, 0xFFFF, 0xF3), "linear", 0x1FFF8),
        ("vmx-v86", "copy", "latent", "mode-change", "selector limit attr",
         (0, 0, 0xFFFF, 0xF3), "linear", 0x1FFF8),
        ("scratch-resync", None, "same", None, "", UNREAL, "linear", 0x20000),
        # With PE=0 there are no tasks, and no 64-bit kernel; a P6 has no LOADALL.
        ("os-switch", "fsgsbase", "refused", None, "", UNREAL, None, None),
        ("os-switch", "legacy", "refused", None, "", UNREAL, None, None),
        ("task-gate", None, "refused", None, "", UNREAL, None, None),
        ("smm", None, "same", None, "", UNREAL, "linear", 0x20000),
        ("loadall", None, "refused", None, "", UNREAL, None, None),
        ("vmx-emulate", None, "same", None, "", UNREAL, "linear", 0x20000),
        ("selector-guest-gdt", "small", "same", None, "", UNREAL, "linear", 0x20000),
        ("selector-guest-gdt", "big", "same", None, "", UNREAL, "linear", 0x20000),
        ("vmx", None, "same", None, "", UNREAL, "linear", 0x20000),
        ("svm", None, "same", None, "", UNREAL, "linear", 0x20000),
        ("svm-no-vmload", "small", "fault", "X4", "base limit attr", HOST_SMALL, "vector", 13),
        ("svm-no-vmload", "big", "silent", "X4", "base", HOST_BIG, "linear", 0x320000),
        ("interpret", None, "same", None, "", UNREAL, "linear", 0x20000),
        ("refuse", None, "refused", None, "", UNREAL, None, None),
    ],
    "gdt-rewrite": [
        ("selector-real", "small", "refused", None, "", REWRITTEN, None, None),
        ("selector-real", "big", "refused", None, "", REWRITTEN, None, None),
        # The host's GDT ends with 0030; its 0028 is an LDT.
        ("selector-host-gdt", "small", "host-fault", None, "", REWRITTEN, None, None),
        ("selector-host-gdt", "big", "host-fault", None, "", REWRITTEN, None, None),
        ("shadow-gdt", "table", "silent", "X4", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        ("shadow-gdt", "real", "silent", "X4", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        ("shadow-gdt-stale", None, "same", None, "", REWRITTEN, "linear", 0x1000),
        ("scratch", "seen", "latent", "X7", "attr", (0x28, 0x1000, 0x1000, 0x40F3),
         "linear", 0x1000),
        ("scratch", "missed", "silent", "X4", "base limit attr", (0x28, 0, 0xFFFF, 0xF3),
         "linear", 0),
        ("selector-v86", None, "refused", None, "", REWRITTEN, None, None),
        ("vmx-v86", "bare", "same", None, "", REWRITTEN, "linear", 0x1000),
        ("vmx-v86", "emulator", "same", None, "", REWRITTEN, "linear", 0x1000),
        ("vmx-v86", "copy", "same", None, "", REWRITTEN, "linear", 0x1000),
        ("scratch-resync", None, "silent", "X7", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        # The base is written back, and the descriptors have the same limit. What differs is GS,
        # which is null now: nothing uses it, so FS is shown where the guest has loaded it again.
        ("os-switch", "fsgsbase", "latent", "X4", "", (0x28, 0x2000, 0x1000, 0x4093), None, None),
        ("os-switch", "legacy", "silent", "X4", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        # The TSS has 0028 of it.
        ("task-gate", None, "silent", "X2", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        ("smm", None, "same", None, "", REWRITTEN, "linear", 0x1000),
        ("loadall", None, "refused", None, "", REWRITTEN, None, None),
        ("vmx-emulate", None, "same", None, "", REWRITTEN, "linear", 0x1000),
        ("selector-guest-gdt", "small", "silent", "X4", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        ("selector-guest-gdt", "big", "silent", "X4", "base",
         (0x28, 0x2000, 0x1000, 0x4093), "linear", 0x2000),
        ("vmx", None, "same", None, "", REWRITTEN, "linear", 0x1000),
        ("svm", None, "same", None, "", REWRITTEN, "linear", 0x1000),
        ("svm-no-vmload", "small", "silent", "X4", "selector base limit", HOST_SMALL,
         "linear", 0x300000),
        ("svm-no-vmload", "big", "silent", "X4", "selector base limit attr", HOST_BIG,
         "linear", 0x300000),
        ("interpret", None, "same", None, "", REWRITTEN, "linear", 0x1000),
        ("refuse", None, "refused", None, "", REWRITTEN, None, None),
    ],
}

# What came out equal although it was overwritten, and why.
REGAINED = {
    ("unreal-fs", "selector-real", "big"): {"fs.limit": "by-chance", "fs.attr": "by-chance"},
    ("unreal-fs", "selector-guest-gdt", "small"): {
        "fs.base": "by-table", "fs.limit": "by-table", "fs.attr": "by-table"},
    ("gdt-rewrite", "selector-guest-gdt", "big"): {
        "fs.limit": "by-table", "fs.attr": "by-table"},
    ("unreal-fs", "vmx", None): {},
    ("unreal-fs", "smm", None): {},
    ("gdt-rewrite", "smm", None): {},
    ("gdt-rewrite", "os-switch", "legacy"): {"fs.limit": "by-table", "fs.attr": "by-table"},
    ("gdt-rewrite", "task-gate", None): {"fs.limit": "by-table", "fs.attr": "by-table"},
    ("unreal-fs", "interpret", None): {},
}


def facts(row):
    """A row of the program in the shape of ROWS."""
    fs = row["fs"]
    access = row["access"]
    lost = [name[3:] for name in row["lost"] if name.startswith("fs.")]
    kind = value = None
    if access:
        kind = "linear" if access["vector"] is None else "vector"
        value = access[kind]
    return (row["strategy"], row["variant"], row["outcome"], row["lost_at"], " ".join(lost),
            (fs["selector"], fs["base"], fs["limit"], fs["attr"]), kind, value)


def regained(row):
    return {name: why for name, why in row["equal"].items() if name.startswith("fs.")}


def check(descry, guests, name):
    """How many rows of one guest differ."""
    command = [descry, "compare", f"{guests}/{name}.elf", "--json"]
    result = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
    rows = result["rows"]
    expectations = {expected[:2]: expected for expected in ROWS[name]}
    bad = len(rows) != len(expectations)
    for row in rows:
        expected = expectations.get((row["strategy"], row["variant"]))
        why = REGAINED.get((name, row["strategy"], row["variant"]))
        if facts(row) != expected:
            print(f"{name}: expected {expected}\n{' ' * len(name)}  not      {facts(row)}")
            bad += 1
        if why is not None and regained(row) != why:
            print(f"{name} {row['strategy']}: expected {why}, not {regained(row)}")
            bad += 1
    print(f"{name}: {len(rows)} rows, {bad} wrong")
    return bad


def main():
    descry, guests = sys.argv[1:]
    return 1 if sum(check(descry, guests, name) for name in ROWS) else 0


if __name__ == "__main__":
    sys.exit(main())
