"""The benchmark guests: what they are, what they print, and how they are built.

A guest is one assembler file, built with its loop count into two images that hold the same bytes:
an ELF file, and a ROM whose reset code copies the guest to 0000:7C00 and jumps there, for machines
that start from nothing else.
"""

import pathlib
import subprocess
import zlib
from typing import NamedTuple

OWN = pathlib.Path(__file__).resolve().parent
LINKED_AT = 0x7C00
ROM_SIZE = 0x10000
ROM_GUEST = 0xE000  # where the reset code looks for the guest
ROM_GUEST_MAX = 7168  # and how much it copies


class Failure(Exception):
    """A guest or an engine did not do what it should; the text says which and how."""


def crc_output(n):
    """CRC-32 of 4096 bytes from a linear congruential generator, n times over."""
    pattern, value = bytearray(), 0x12345678
    for _ in range(1024):
        value = (value * 1103515245 + 12345) & 0xFFFFFFFF
        pattern += value.to_bytes(4, "little")
    crc = 0
    for _ in range(n):
        crc = zlib.crc32(pattern, crc)
    return (crc ^ 0xFFFFFFFF).to_bytes(4, "big") + b"E"


def sieve_output(_n):
    """There are 6542 primes below 65536."""
    return (6542).to_bytes(2, "little") + b"E"


def fib_output(n):
    """The Fibonacci number, with the first two 0 and 1."""
    number, following = 0, 1
    for _ in range(n):
        number, following = following, number + following
    return number.to_bytes(4, "big") + b"E"


def only_e(_n):
    return b"E"


class Guest(NamedTuple):
    name: str
    n: int  # loop count for some hundred million instructions; --scale changes all
    output: callable
    goal: float  # times as fast as Bochs; None: no goal
    what: str
    source: str = ""  # in this folder; empty: NAME.S in the folder of the shared guests
    symbols: tuple = ()


NULL = Guest("null", 1, only_e, None, "start and end, nothing else")

# beside and apart are one loop: the store goes to the page of the loop, or to another.
GUESTS = [
    Guest("unreal", 200, only_e, 5, "16-bit stores through a 4 GiB FS"),
    Guest("crc", 1200, crc_output, 5, "bitwise CRC-32, flat 32 bit"),
    Guest("sieve", 200, sieve_output, 5, "byte sieve, flat 32 bit"),
    Guest("str", 4000, only_e, 5, "REP STOSD and MOVSD, 64 KiB each"),
    Guest("segload", 5000000, only_e, 3, "segment loads and far calls"),
    Guest("intr", 4000000, only_e, 3, "INT to the same ring and IRET"),
    Guest("intr3", 3000000, only_e, 3, "INT from ring 3 to 0 and IRET"),
    Guest("fib", 33, fib_output, 5, "recursion with paging, flat 32 bit"),
    Guest("beside", 50, only_e, None, "stores into its own page", "beside.S", ("TARGET=0x7f00",)),
    Guest("apart", 50, only_e, None, "the same into another page", "beside.S", ("TARGET=0x20000",)),
]


# The speed of the first is to be at least this part of the speed of the second.
PAIR = ("beside", "apart", 0.5)


class Image(NamedTuple):
    elf: pathlib.Path
    rom: pathlib.Path


def command(*words):
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True)
    if done.returncode:
        raise Failure(f"{' '.join(done.args)}: {done.stderr.strip()}")


def assemble(source, symbols, include, out):
    symbols = [word for symbol in symbols for word in ("--defsym", symbol)]
    command("as", "--32", *symbols, "-I", include, "-o", out, source)


def make_rom(elf, sources, folder):
    """The reset code, with the guest's bytes where it looks for them."""
    stub, flat = folder / "biosstub.o", folder / "flat.bin"
    assemble(sources / "biosstub.S", (), sources, stub)
    command("objcopy", "-O", "binary", stub, folder / "biosstub.bin")
    command("objcopy", "-O", "binary", elf, flat)
    code, rom = flat.read_bytes(), bytearray((folder / "biosstub.bin").read_bytes())
    if len(rom) != ROM_SIZE or len(code) > ROM_GUEST_MAX:
        raise Failure(f"{elf.name}: {len(code)} bytes do not fit into a ROM of {len(rom)}")
    rom[ROM_GUEST : ROM_GUEST + len(code)] = code
    return bytes(rom)


def build(guest, n, sources, folder):
    """Assembles and links one guest with its loop count."""
    image = Image(folder / f"{guest.name}.elf", folder / f"{guest.name}.rom")
    obj = folder / f"{guest.name}.o"
    source = OWN / guest.source if guest.source else sources / f"{guest.name}.S"
    assemble(source, (f"N={n}", *guest.symbols), sources, obj)
    command("ld", "-m", "elf_i386", "-Ttext", f"{LINKED_AT:#x}", "-o", image.elf, obj)
    image.rom.write_bytes(make_rom(image.elf, sources, folder))
    return image
