#!/usr/bin/env python3
"""compare-points.py DESCRY GUESTS: comparisons at several boundaries, by several processes.

Oracle: the same comparison at one boundary, by one process.
"""

import json
import subprocess
import sys


def run(descry, image, *options, status=0):
    done = subprocess.run([descry, "compare", str(image), *options], capture_output=True,
                          text=True, timeout=120)
    if done.returncode != status:
        sys.exit(f"compare {image} {options}: status {done.returncode}, not {status}: "
                 f"{done.stderr}")
    return done


def facts(descry, image, *options):
    return json.loads(run(descry, image, *options, "--json").stdout)


def check(what, now, expected):
    if now != expected:
        sys.exit(f"{what}:\n{json.dumps(now)[:2000]}\nand not\n{json.dumps(expected)[:2000]}")


def check_points(descry, image, options, counts):
    """The points are those counts, and each is what it is alone."""
    several = facts(descry, image, *options, "-j", "1")
    check(f"boundaries of {options}", [p["boundary"]["retired"] for p in several["points"]],
          counts)
    for point, count in zip(several["points"], counts):
        check(f"{options}, after {count}", point,
              facts(descry, image, "--at", str(count), "-j", "1"))
    for jobs in "2", "3", "40":
        check(f"{options} -j {jobs}", facts(descry, image, *options, "-j", jobs), several)


def check_table(descry, image, options):
    """The letters and counts of the table are the outcomes in the JSON."""
    points = facts(descry, image, *options)["points"]
    table = run(descry, image, *options).stdout.split("\n\n")[1].splitlines()
    names = table[0].split()[1:7]
    for index, line in enumerate(table[1:-1]):
        words = line.split()
        rows = [point["rows"][index] for point in points]
        outcomes = [row["outcome"] for row in rows]
        variant = "/" + rows[0]["variant"] if rows[0]["variant"] else ""
        letters = ["." if o == "same" else o[0].upper() for o in outcomes]
        check(line, words[0] + words[-1], rows[0]["strategy"] + variant + "".join(letters))
        check(line, [0 if word == "-" else int(word) for word in words[1:-1]],
              [outcomes.count(name) for name in names])


def main():
    descry, guests = sys.argv[1], sys.argv[2]
    unreal, rewrite = f"{guests}/unreal-fs.elf", f"{guests}/gdt-rewrite.elf"

    check_points(descry, rewrite, ["--every", "100"], [100, 200, 300, 400, 500])
    check_table(descry, rewrite, ["--at", "protected", "--every", "100"])
    check_points(descry, unreal, ["--at", "store_loop 3", "--at", "0", "--at", "t3_unreal",
                                  "--every", "11:1"], [22, 0, 10, 11])

    # A boundary by its name is the same as by its count, and so is one that is injected.
    alone = facts(descry, unreal, "--at", "22", "-j", "1")
    for options in (["--at", "store_loop 3"], ["--at", "store_loop  3", "-j", "2"],
                    ["--inject", "host at store_loop 3"], ["--inject", "host at 22", "-j", "3"],
                    ["-e", "break t3_unreal", "-e", "continue", "--at", "store_loop 3"]):
        out = run(descry, unreal, *options, "--json").stdout.splitlines()[-1]
        check(f"{options}", json.loads(out), alone)

    # Expectations: each that does not hold is a line, and the status says so.
    run(descry, unreal, "--expect", "same:vmx,silent:selector-real/big", "--expect", "same:svm")
    run(descry, unreal, "-w", "vmx", "--expect", "same:vmx", "--every", "20000")
    done = run(descry, unreal, "--expect", "same:vmx,same:selector-real", "--expect",
               "latent:interpret,fault:selector-real/small", status=4)
    check("lines", done.stderr.splitlines(), [
        "descry: expected same:selector-real, and selector-real/small is fault at 0000:7c2c "
        "t4_store, after 25 instructions (and 1 more)",
        "descry: expected latent:interpret, and interpret is same at 0000:7c2c t4_store, after "
        "25 instructions"])


main()
