#!/usr/bin/env python3
"""check-readme.py DESCRY GUESTS PAGE: does a page show what descry prints?

A fenced block below a comment is a transcript:

    <!-- descry compare unreal-fs.elf -->   the first two paragraphs of what this prints
    <!-- descry unreal-fs.elf -->           with lines "(descry) COMMAND": a session

DESCRY_GOLDEN=rewrite writes the blocks anew.
"""
import difflib
import os
import pathlib
import re
import subprocess
import sys

BLOCK = re.compile(r"(<!-- descry (.*?) -->\n```\n)(.*?)(```\n)", re.S)
PROMPT = "(descry) "


def printed(descry, guests, words, commands):
    arguments = [str(guests / word) if word.endswith(".elf") else word for word in words]
    for command in commands:
        arguments += ["-e", f"echo {PROMPT}{command}", "-e", command]
    done = subprocess.run([descry, *arguments], capture_output=True, text=True, timeout=60,
                          env={**os.environ, "NO_COLOR": "1"})
    if done.returncode or done.stderr:
        sys.exit(f"descry {' '.join(words)}: status {done.returncode}: {done.stderr}")
    return done.stdout


def transcript(descry, guests, words, block):
    commands = [
        line[len(PROMPT):] for line in block.splitlines() if line.startswith(PROMPT)
    ]
    text = printed(descry, guests, words, commands)
    return text if commands else "\n\n".join(text.split("\n\n")[:2]) + "\n"


def main():
    descry, guests, page = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3])
    text = page.read_text()
    if not BLOCK.search(text):
        sys.exit(f"{page}: no transcript in it")
    now = BLOCK.sub(
        lambda block: block[1]
        + transcript(descry, guests, block[2].split(), block[3])
        + block[4],
        text,
    )
    if os.environ.get("DESCRY_GOLDEN") == "rewrite":
        page.write_text(now)
    elif now != text:
        diff = difflib.unified_diff(text.splitlines(True), now.splitlines(True), "page", "now")
        sys.exit("".join(diff) + f"{page}: DESCRY_GOLDEN=rewrite ctest -R golden writes it anew")


main()
