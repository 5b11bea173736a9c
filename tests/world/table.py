#!/usr/bin/env python3
"""table.py DESCRY DEMOS VARIANTS: what comes of each strategy, for the demos and their variants.

Oracle: the rules for loads of segment registers and for VM entries, worked out by hand. A line of an
expectation: strategies (a pattern), outcome, step of loss, the cache of the segment that the guest is
about, at X8, and where that access goes (or the vector it faults with). The first line that fits counts.
"same" alone: nothing is lost, the cache and the access are the guest's own.
"""
import fnmatch
import json
import subprocess
import sys

# What is the same for every guest in protected mode: hosts for real mode refuse, whoever keeps the whole
# cache gives it back, the host that forgot VMLOAD leaves its own FS.
PROTECTED = """
selector-real/*        refused
selector-v86           refused
shadow-gdt-stale       same
vmx*                   same
svm                    same
interpret              same
smm                    same
loadall                refused
"""
# The host's GDT has 64 KiB at 300000h under 0010 and an LDT under 0028.
HOST_FS = """
svm-no-vmload/small    silent X4 0010/300000/ffff/4093     300000
svm-no-vmload/big      silent X4 0010/300000/ffffffff/c093 300000
"""
FOREIGN = "selector-host-gdt/*    host-fault\n"
REFUSED = "refuse                 refused\n"

GUESTS = {
    # S2b: slot 5 is not present any more. Whoever loads it faults, in the host.
    "world-not-present": FOREIGN + HOST_FS + REFUSED + PROTECTED + """
selector-guest-gdt/*   host-fault
shadow-gdt/*           host-fault
scratch/seen           latent X7 0028/1000/1000/40f3 1000
scratch/missed         silent X4 0028/0/ffff/f3 0
scratch-resync         host-fault
os-switch/*            host-fault
task-gate              host-fault
""",
    # S2c: slot 5 is a TSS now.
    "world-system": FOREIGN + HOST_FS + REFUSED + PROTECTED + """
selector-guest-gdt/*   host-fault
shadow-gdt/*           host-fault
scratch/seen           latent X7 0028/1000/1000/40f3 1000
scratch/missed         silent X4 0028/0/ffff/f3 0
scratch-resync         host-fault
os-switch/*            host-fault
task-gate              host-fault
""",
    # S2d: the entry of CS has another limit. Every IRET that reads the table takes it; FS of the
    # other hosts is not what the guest is about. The host's GDT faults on FS before that.
    "world-code-entry": FOREIGN + REFUSED + PROTECTED + """
svm-no-vmload/*        latent X4 0008/0/ffffffff/c09b -
selector-guest-gdt/*   latent X7 0008/0/fffff/409b 7c44
shadow-gdt/*           latent X7 0008/0/fffff/409b 7c44
scratch/seen           latent X7 0008/0/ffffffff/c09b 1000
scratch/missed         latent X4 0008/0/ffffffff/c09b 1000
scratch-resync         latent X7 0008/0/fffff/409b 7c44
os-switch/*            latent X7 0008/0/fffff/409b 7c44
task-gate              latent X2 0008/0/fffff/409b 7c44
""",
    # S2e: not the entry, GDTR has moved to a table that says something else.
    "world-moved-gdt": FOREIGN + HOST_FS + REFUSED + PROTECTED + """
selector-guest-gdt/*   silent X4 0028/2000/1000/4093 2000
shadow-gdt/*           silent X4 0028/2000/1000/4093 2000
scratch/seen           latent X7 0028/1000/1000/40f3 1000
scratch/missed         silent X4 0028/0/ffff/f3 0
scratch-resync         silent X7 0028/2000/1000/4093 2000
os-switch/fsgsbase     same
os-switch/legacy       silent X4 0028/2000/1000/4093 2000
task-gate              silent X2 0028/2000/1000/4093 2000
""",
    # S2f: the same by LLDT. The LDTR of the time of the load does not matter any more.
    "world-moved-ldt": FOREIGN + HOST_FS + REFUSED + PROTECTED + """
selector-guest-gdt/*   silent X4 000c/2000/1000/4093 2000
shadow-gdt/*           silent X4 000c/2000/1000/4093 2000
scratch/seen           latent X7 000c/1000/1000/40f3 1000
scratch/missed         silent X4 000c/0/ffff/f3 0
scratch-resync         silent X7 000c/2000/1000/4093 2000
os-switch/fsgsbase     same
os-switch/legacy       silent X4 000c/2000/1000/4093 2000
task-gate              silent X2 000c/2000/1000/4093 2000
""",
    # S2g: the entry of SS has another base. From the same ring SS is kept until X4, and MOV SS
    # reads the table.
    "world-stack-entry": FOREIGN + REFUSED + PROTECTED + """
svm-no-vmload/*        latent X4 0018/0/ffffffff/c093 -
selector-guest-gdt/*   silent X6 0018/100/ffffffff/c093 70fc
shadow-gdt/*           silent X6 0018/100/ffffffff/c093 70fc
scratch/seen           latent X7 0018/0/ffffffff/c093 -
scratch/missed         latent X4 0018/0/ffffffff/c093 -
scratch-resync         silent X7 0018/100/ffffffff/c093 70fc
os-switch/*            silent X6 0018/100/ffffffff/c093 70fc
task-gate              silent X2 0018/100/ffffffff/c093 70fc
""",
    # S7: an expand-down stack whose entry has lost its B bit: SP is 16 bits wide from then on.
    "world-stack-big": FOREIGN + REFUSED + PROTECTED + """
svm-no-vmload/*        latent X4 0018/0/ff/4097 -
selector-guest-gdt/*   latent X4 0018/0/ff/97 6ffc
shadow-gdt/*           latent X4 0018/0/ff/97 6ffc
scratch/seen           latent X7 0018/0/ff/4097 -
scratch/missed         latent X4 0018/0/ff/4097 -
scratch-resync         latent X7 0018/0/ff/97 6ffc
os-switch/*            latent X4 0018/0/ff/97 6ffc
task-gate              latent X2 0018/0/ff/97 6ffc
""",
    # A program in ring 3 whose table is as it was: loads in ring 0 and the IRET find it. Its FS has
    # DPL 3 already, so nobody squeezes it. LDTR is as reset has left it, and a task switch loads a
    # null one.
    "world-ring3": FOREIGN + """
svm-no-vmload/small    silent X4 0010/300000/ffff/4093 301000
svm-no-vmload/big      silent X4 0010/300000/ffffffff/c093 301000
""" + PROTECTED + """
selector-guest-gdt/*   same
shadow-gdt/*           same
scratch/seen           same
scratch/missed         latent X4 0023/0/ffff/f3 1000
scratch-resync         same
refuse                 same
os-switch/*            same
task-gate              latent X2 0023/0/ffffffff/c0f3 -
""",
    # S6: an IRET to ring 3 has emptied DS (PI6), which keeps base, limit and type. A load of the null
    # selector makes another null of it, and a VMCB has P=0 for any of them.
    "world-emptied": FOREIGN + REFUSED + """
svm                    latent X7 0000/0/ffffffff/c113 -
svm-no-vmload/*        latent X4 0000/0/ffffffff/c113 -
""" + PROTECTED + """
selector-guest-gdt/*   latent X4 0000/0/ffffffff/c100 -
shadow-gdt/*           latent X4 0000/0/ffffffff/c100 -
scratch/seen           latent X7 0000/0/ffffffff/c100 -
scratch/missed         latent X4 0000/0/ffffffff/c100 1000
scratch-resync         latent X7 0000/0/ffffffff/c100 -
os-switch/*            latent X4 0000/0/ffffffff/c100 -
task-gate              latent X2 0000/0/ffffffff/c100 -
""",
    # Virtual-8086 mode: selectors tell everything, whoever gives them back.
    "world-v86": """
svm-no-vmload/small    silent X4 0010/300000/ffff/4093 300100
svm-no-vmload/big      silent X4 0010/300000/ffffffff/c093 300100
""" + PROTECTED + """
selector-*             same
shadow-*               same
scratch*               same
refuse                 same
os-switch/*            refused
task-gate              latent X2 2000/20000/ffff/f3 -
""",
    # S9: LOADALL of a 286 has given DS a base that 0000 does not tell. No host that runs code on
    # the guest's CPU has come about before the 386.
    "world-loadall-286": REFUSED + """
svm-no-vmload/*        latent X4 0000/100000/ffff/93 -
vmx-v86/*              refused
vmx*                   same
svm                    same
interpret              same
selector-*             refused
shadow-*               refused
scratch*               refused
os-switch/*            refused
task-gate              refused
smm                    refused
loadall                same
""",
    # S5: CS as reset leaves it, F000 at FFFF0000h, which no selector tells. Delivery loads CS, so the base is
    # gone at X2; the copy of `scratch` is not asked with PE=0; in virtual-8086 mode it has to be F0000h
    # before the first instruction.
    "reset-cs": REFUSED + """
selector-v86           silent mode-change f000/f0000/ffff/f3 ff013
selector-*             silent X2 f000/f0000/ffff/93 ff013
shadow-gdt/*           silent X2 f000/f0000/ffff/93 ff013
shadow-gdt-stale       same
scratch*               silent X7 f000/f0000/ffff/93 ff013
os-switch/*            refused
task-gate              refused
smm                    same
loadall                refused
vmx-v86/*              silent mode-change f000/f0000/ffff/f3 ff013
vmx*                   same
svm                    same
svm-no-vmload/*        latent X4 f000/ffff0000/ffff/93 -
interpret              same
""",
    # S1, with the fault of the seed: docs/strategies.md.
    "unreal-fs": """
selector-real/small    fault  X4 0010/100/ffff/4093        #13
selector-real/big      silent X4 0010/100/ffffffff/c093    20100
selector-v86           fault  mode-change 0010/100/ffff/f3 #13
selector-host-gdt/small fault X4 0010/300000/ffff/4093     #13
selector-host-gdt/big  silent X4 0010/300000/ffffffff/c093 320000
selector-guest-gdt/*   same
shadow-gdt/table       same
shadow-gdt/real        fault  X4 0010/100/ffff/93          #13
shadow-gdt-stale       same
scratch/seen           latent X7 0010/0/ffffffff/c0f3      20000
scratch/missed         fault  X4 0010/0/ffff/f3            #13
scratch-resync         same
vmx-v86/bare           fault  mode-change 0000/0/ffff/f3   #13
vmx-v86/*              latent mode-change 0000/0/ffff/f3   1fff8
vmx*                   same
svm                    same
svm-no-vmload/small    fault  X4 0010/300000/ffff/4093     #13
svm-no-vmload/big      silent X4 0010/300000/ffffffff/c093 320000
interpret              same
refuse                 refused
os-switch/*            refused
task-gate              refused
smm                    same
loadall                refused
""",
    # S2.
    "gdt-rewrite": FOREIGN + HOST_FS + REFUSED + PROTECTED + """
selector-guest-gdt/*   silent X4 0028/2000/1000/4093 2000
shadow-gdt/*           silent X4 0028/2000/1000/4093 2000
scratch/seen           latent X7 0028/1000/1000/40f3 1000
scratch/missed         silent X4 0028/0/ffff/f3 0
scratch-resync         silent X7 0028/2000/1000/4093 2000
os-switch/fsgsbase     latent X4 0028/2000/1000/4093 -
os-switch/legacy       silent X4 0028/2000/1000/4093 2000
task-gate              silent X2 0028/2000/1000/4093 2000
""",
}
OPTIONS = {"world-loadall-286": ["-c", "286"]}

# One row with something more: a guest, options, and what comes of it.
CASES = [
    ("unreal-fs", ["-c", "386", "-w", "loadall"], "same"),
    ("gdt-rewrite", ["-c", "386", "-w", "loadall"], "same"),
    # The host's GDT, with an entry of a user's at 0028.
    ("gdt-rewrite", ["-w", "selector-host-gdt", "-e", "world host gdt 0028 004093300000ffff"],
     "silent X4 0028/300000/ffff/4093 300000"),
    # The host rewrites the guest's entry 2 at X5: base 100000h.
    ("unreal-fs", ["-w", "selector-guest-gdt", "-e", "world host write 7d0a 0000109300"],
     "fault X4 0010/100000/ffff/93 #13"),
    ("unreal-fs", ["-w", "vmx", "-e", "world host write 7d0a 0000109300"], "same"),
    # Between PE=1 and a far jump CS has its real-mode cache, which is no code: without unrestricted
    # guest no VM entry takes it, and KVM made code of it.
    ("unreal-fs", ["-w", "vmx", "--at", "t2_fs_loaded"], "same"),
    ("unreal-fs", ["-w", "vmx-emulate", "--at", "t2_fs_loaded"], "same"),
    # Mistakes by name, and what each makes of a strategy that is right without it.
    ("world-moved-ldt", ["-w", "selector-guest-gdt", "-e", "world flaw restore-before-ldt"],
     "host-fault"),
    ("gdt-rewrite", ["-w", "selector-guest-gdt", "-e", "world flaw foreign-gdt"], "host-fault"),
    ("gdt-rewrite", ["-w", "svm", "-e", "world flaw forget-vmload"],
     "silent X4 0010/300000/ffff/4093 300000"),
    ("gdt-rewrite", ["-w", "scratch", "-e", "world flaw eager-resync"],
     "silent X7 0028/2000/1000/4093 2000"),
    # Without its mark an unusable DS passes the checks of a VM entry, and can be used.
    ("world-emptied", ["-w", "vmx", "-e", "world flaw drop-unusable"],
     "latent X7 0000/0/ffffffff/c093 -"),
    ("world-emptied", ["-w", "svm", "-e", "world flaw drop-unusable"],
     "latent X7 0000/0/ffffffff/c093 -"),
    # The null load keeps the base of the host's FS on an old AMD part, unless a flat one came before.
    ("world-null-fs", ["-k", "null.load=amd-old", "-w", "selector-guest-gdt"], "same"),
    ("world-null-fs", ["-k", "null.load=amd-old", "-w", "selector-guest-gdt",
                       "-e", "world flaw keep-null-base"],
     "latent X4 0000/300000/ffff/0 -"),
]


def image_of(folder, name):
    """As it stands on the command line: a ROM starts at reset."""
    if name == "reset-cs":
        return ["--rom", f"{folder}/incidents/{name}.rom"]
    return [f"{folder}/{name}.elf"]


def compare(descry, image, options):
    """The last object that is printed: commands print theirs before it."""
    command = [descry, "compare", *image, "--json", *options]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    while text.strip():
        result, end = json.JSONDecoder().raw_decode(text.lstrip())
        text = text.lstrip()[end:]
    return result


def expectation(lines, name):
    """The words behind the first pattern that fits."""
    for line in lines:
        pattern, *words = line.split()
        if fnmatch.fnmatch(name, pattern):
            return words
    return None


def access_text(access):
    if not access:
        return "-"
    return f"{access['linear']:x}" if access["vector"] is None else f"#{access['vector']}"


def cache_text(segment):
    return (f"{segment['selector']:04x}/{segment['base']:x}/{segment['limit']:x}/"
            f"{segment['attr']:x}")


def facts(result, row):
    """A row in the words of an expectation."""
    outcome = row["outcome"]
    if outcome in ("refused", "host-fault"):
        return [outcome]
    cache = cache_text(row[result["about"]])
    access = access_text(row["access"])
    own = (cache_text(result["guest"]), access_text(result["truth"]))
    if outcome == "same" and not row["lost"] and (cache, access) == own:
        return ["same"]
    return [outcome, row["lost_at"] or "-", cache, access]


def check(descry, folder, name):
    """How many rows of one guest differ."""
    result = compare(descry, image_of(folder, name), OPTIONS.get(name, []))
    lines = [line for line in GUESTS[name].splitlines() if line]
    wrong = 0
    for row in result["rows"]:
        strategy = row["strategy"] + (f"/{row['variant']}" if row["variant"] else "")
        expected, found = expectation(lines, strategy), facts(result, row)
        if expected != found:
            print(f"{name}: {strategy}: expected {expected}, found {found}: {row['detail']}")
            wrong += 1
    print(f"{name}: {len(result['rows'])} rows, {wrong} wrong")
    return wrong


def check_case(descry, folder, name, options, expected):
    result = compare(descry, image_of(folder, name), options)
    found = facts(result, result["rows"][0])
    if found == expected.split():
        return 0
    print(f"{name} {' '.join(options)}: expected {expected}, found {found}")
    return 1


def main():
    descry, demos, variants = sys.argv[1:]
    folder = {name: variants if name.startswith("world-") else demos
              for name in [*GUESTS, *(case[0] for case in CASES)]}
    wrong = sum(check(descry, folder[name], name) for name in GUESTS)
    wrong += sum(check_case(descry, folder[case[0]], *case) for case in CASES)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
