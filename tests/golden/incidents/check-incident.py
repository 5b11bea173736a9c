#!/usr/bin/env python3
"""check-incident.py DESCRY GUESTS SCRIPT PAGE: does an incident still show what its page says?

A script is a session in parts: an empty line ends a part, comments say from what its outcome is
argued, and the first line names the image and the options: "#! incidents/call32.elf -c 486". The
transcript beside it (SCRIPT with .expected for .script) holds the commands behind their prompts and
what they print. The page shows parts of it, each in a fenced block below "<!-- SCRIPT PART -->",
and says how to start the session.

DESCRY_GOLDEN=rewrite ctest -R golden writes transcript and blocks anew.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys

PROMPT = "(descry) "
PART = "--- part %d\n"
REWRITE = os.environ.get("DESCRY_GOLDEN") == "rewrite"


def parts_of(script):
    """The commands of each part."""
    parts = [[line for line in part.splitlines() if not line.startswith("#")]
             for part in script.split("\n\n")]
    return [part for part in parts if part]


def placed(folder, options):
    """The options with the images where they are."""
    return [f"{folder}/{word}" if word.endswith((".elf", ".rom")) else word for word in options]


def session(descry, guests, options, parts):
    """What the commands print, the parts under headings, and the exit status last."""
    arguments = placed(str(guests), options)
    for number, part in enumerate(parts, 1):
        arguments += ["-e", "echo " + PART[:-1] % number]
        for command in part:
            arguments += ["-e", f"echo {PROMPT}{command}", "-e", command]
    done = subprocess.run([descry, *arguments], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60,
                          env={**os.environ, "NO_COLOR": "1"})
    return f"{done.stdout}[exit status {done.returncode}]\n"


def shown(page, name, transcript):
    """The page with its blocks as the transcript has them."""
    texts = re.split(r"--- part \d+\n", re.sub(r"\[exit status \d+\]\n$", "", transcript))
    block = re.compile(rf"(<!-- {re.escape(name)} (\d+) -->\n```\n).*?(```\n)", re.S)
    if not block.search(page):
        sys.exit(f"the page shows no part of {name}")
    for _, number, _ in block.findall(page):
        if int(number) >= len(texts):
            sys.exit(f"the page shows part {number} of {name}, which has {len(texts) - 1}")
    return block.sub(lambda found: found[1] + texts[int(found[2])] + found[3], page)


def hold(path, was, now):
    """Fails on a difference, or writes what is there now."""
    if REWRITE:
        path.write_text(now)
    elif was != now:
        diff = difflib.unified_diff(was.splitlines(True), now.splitlines(True), path.name, "now")
        sys.exit("".join(diff) + f"{path}: DESCRY_GOLDEN=rewrite ctest -R golden writes it anew")


def main():
    descry, guests = sys.argv[1], pathlib.Path(sys.argv[2])
    script, page = pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
    expected = script.with_suffix(".expected")
    text, was = script.read_text(), page.read_text()
    options = text.splitlines()[0].removeprefix("#!").split()

    start = " ".join(["descry", *placed("build/release/guests", options)])
    if start not in was:
        sys.exit(f"{page}: does not say how to start the session: {start}")
    if f"({page.name})" not in (page.parent / "README.md").read_text():
        sys.exit(f"{page}: the index beside it has no link to it")
    transcript = session(descry, guests, options, parts_of(text))
    hold(expected, expected.read_text() if expected.exists() else "", transcript)
    hold(page, was, shown(was, script.stem, transcript))


main()
