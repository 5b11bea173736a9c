#!/usr/bin/env python3
"""Writes images that are damaged, or odd, into a folder: bad_images.py GOOD_ELF FOLDER.

Each is made from a good ELF guest by one change, so that only that change can be to blame.
"""

import pathlib
import struct
import sys

# Offsets in a 32-bit ELF header, and in its program header.
E_MACHINE, E_ENTRY, E_PHOFF, E_PHNUM = 18, 24, 28, 44
P_OFFSET, P_PADDR, P_FILESZ, P_MEMSZ = 4, 12, 16, 20

EM_ARM = 40
MIB = 1 << 20


def patched(elf, offset, value, form="<I"):
    """A copy of elf with one field changed."""
    copy = bytearray(elf)
    struct.pack_into(form, copy, offset, value)
    return bytes(copy)


def first_segment(elf):
    """The bytes that the first program header loads."""
    header = struct.unpack_from("<I", elf, E_PHOFF)[0]
    offset, size = (struct.unpack_from("<I", elf, header + field)[0] for field in (P_OFFSET, P_FILESZ))
    return elf[offset : offset + size]


def boot_sector(elf):
    """The guest as the first sector of a disk."""
    return first_segment(elf).ljust(510, b"\0") + b"\x55\xaa"


def images(elf):
    header = struct.unpack_from("<I", elf, E_PHOFF)[0]
    segment = struct.unpack_from("<I", elf, header + P_OFFSET)[0]
    return {
        "empty.img": b"",
        "text.img": b"this is not a guest\n",
        "no-signature.img": bytes(512),
        "magic-only.elf": elf[:4],
        "cut-header.elf": elf[:40],
        "cut-segment.elf": elf[: segment + 8],
        "arm.elf": patched(elf, E_MACHINE, EM_ARM, "<H"),
        "phoff-far-off.elf": patched(elf, E_PHOFF, 0x7FFFFFF0),
        "many-headers.elf": patched(elf, E_PHNUM, 0xFFFE, "<H"),
        "no-segment.elf": patched(elf, E_PHNUM, 0, "<H"),
        "entry-at-2m.elf": patched(elf, E_ENTRY, 2 * MIB),
        "beyond-ram.elf": patched(elf, header + P_PADDR, 64 * MIB),
        "end-beyond-ram.elf": patched(elf, header + P_MEMSZ, 0xFFFFFFFF),
        "file-size-wraps.elf": patched(elf, header + P_FILESZ, 0xFFFFFFFF),
        "boot.img": boot_sector(elf),
        "floppy.img": boot_sector(elf).ljust(1440 * 1024, b"\0"),
        "17-mib.bin": bytes(17 * MIB),
    }


def main():
    if len(sys.argv) != 3:
        print("usage: bad_images.py GOOD_ELF FOLDER", file=sys.stderr)
        return 2
    elf = pathlib.Path(sys.argv[1]).read_bytes()
    folder = pathlib.Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in images(elf).items():
        (folder / name).write_bytes(content)
    return 0


if __name__ == "__main__":
    sys.exit(main())
