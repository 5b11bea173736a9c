#!/usr/bin/env python3
"""The remote serial protocol over raw sockets: what a good client says, what a bad one says, and
how clients vanish. Whatever one does, the next finds the session intact.

    protocol.py DESCRY GUESTS TEST_GUESTS [TEST...]
"""

import os
import random
import resource
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import rsp

DESCRY, GUESTS, TEST_GUESTS = sys.argv[1:4]
ENDLESS = os.path.join(TEST_GUESTS, "endless.elf")
HELLO = os.path.join(GUESTS, "hello.elf")

START = b"0000000000000000800000000000000000700000"  # eax ecx edx ebx esp of a boot sector


def vanish(client):
    """Goes away without a word: the other side gets a reset, and what was on its way is lost."""
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class Session(unittest.TestCase):
    image = ENDLESS

    def setUp(self):
        self.server = rsp.Server(DESCRY, self.image)
        self.addCleanup(self.server.stop)

    def connect(self, acks=False):
        client = rsp.Client(self.server.address)
        self.addCleanup(client.close)
        if not acks:
            client.no_ack()
        return client

    def assert_intact(self, client):
        self.assertEqual(client.ask(b"qC"), b"QC1")
        self.assertTrue(client.ask(b"g").startswith(START))

    def run_until_it_runs(self, client):
        client.send(b"vCont;c")
        rsp.wait_until_busy(self.server.process)


class GoodClient(Session):
    def test_acknowledgements(self):
        client = self.connect(acks=True)
        client.send(b"qC")
        self.assertEqual(client.receive_byte(), b"+")
        self.assertEqual(client.receive(), b"QC1")
        client.send_raw(b"-")
        self.assertEqual(client.receive(), b"QC1")

    def test_no_acknowledgements(self):
        client = self.connect()
        client.send(b"qC")
        self.assertEqual(client.receive(), b"QC1")
        self.assertEqual(client.buffer, b"")

    def test_packet_size_is_kept(self):
        client = self.connect()
        supported = client.ask(b"qSupported")
        self.assertIn(b"PacketSize=10000;", supported)
        self.assertEqual(len(client.ask(b"m0,8000")), 0x10000)
        client.send(b"X1000,f000:" + b"a" * 0xF000)
        self.assertEqual(client.answer(), b"OK")
        self.assertEqual(client.ask(b"m1000,4"), b"61616161")

    def test_all_bytes_through_x(self):
        client = self.connect()
        data = bytes(range(256))
        escaped = b"".join(b"}" + bytes([byte ^ 0x20]) if byte in b"$#}" else bytes([byte])
                           for byte in data)
        client.send(b"X1000,100:" + escaped)
        self.assertEqual(client.answer(), b"OK")
        self.assertEqual(client.ask(b"m1000,100"), data.hex().encode())

    def test_description_agrees_with_g(self):
        client = self.connect()
        registers = client.registers()
        everything = client.ask(b"g")
        self.assertEqual(sum(digits for _, digits in registers), len(everything))
        at = 0
        for number, (name, digits) in enumerate(registers):
            self.assertEqual(client.ask(b"p%x" % number), everything[at:at + digits], name)
            at += digits

    def test_a_client_that_is_silent_costs_nothing(self):
        client = self.connect()
        client.ask(b"vCont;s:1")
        begin = rsp.cpu_ticks(self.server.process)
        time.sleep(0.5)
        self.assertLessEqual(rsp.cpu_ticks(self.server.process) - begin, 2)

    def test_interrupt(self):
        client = self.connect()
        for _ in range(3):
            self.run_until_it_runs(client)
            client.send_raw(b"\x03")
            self.assertEqual(client.answer()[:3], b"T02")

    def test_interrupt_behind_continue(self):
        client = self.connect()
        client.send_raw(rsp.frame(b"c") + b"\x03")
        self.assertEqual(client.answer()[:3], b"T02")
        self.assert_intact(client)

    def test_interrupt_while_the_guest_stands(self):
        client = self.connect()
        client.send_raw(b"\x03\x03")
        self.assert_intact(client)
        self.assertEqual(client.ask(b"s")[:3], b"T05")

    def test_a_packet_stops_the_guest(self):
        client = self.connect()
        self.run_until_it_runs(client)
        client.send(b"qC")
        self.assertEqual(client.answer()[:3], b"T02")
        self.assertEqual(client.answer(), b"QC1")

    def test_interrupt_of_a_command(self):
        client = self.connect()
        client.send(b"qRcmd," + b"continue".hex().encode())
        rsp.wait_until_busy(self.server.process)
        client.send_raw(b"\x03")
        self.assertEqual(client.answer(), b"OK")
        self.assertIn(b"interrupted", client.output)

    def test_a_command_that_is_given_up(self):
        client = self.connect()
        for _ in range(3):
            client.send(b"qRcmd," + b"continue".hex().encode())
            rsp.wait_until_busy(self.server.process)
            client.send(b"qC")
            self.assertEqual(client.receive(), b"QC1")
            self.assertEqual(client.receive_nothing(0.2), b"")
        self.assertEqual(client.monitor("echo 1"), ("1\n", b"OK"))

    def test_console_of_a_guest_that_goes_on(self):
        client = self.connect()
        # mov al, 'A'; out 0xe9, al; jmp $
        self.assertEqual(client.ask(b"M7c00,6:b041e6e9ebfe"), b"OK")
        client.send(b"c")
        self.assertEqual(client.receive(), b"O41")
        client.send_raw(b"\x03")
        self.assertEqual(client.answer()[:3], b"T02")

    def test_detach_and_attach(self):
        with self.connect() as client:
            client.ask(b"P0=78563412")
            client.ask(b"Z0,7c00,1")
            self.assertEqual(client.ask(b"D"), b"OK")
            self.assertRaises(rsp.Lost, client.receive)
        client = self.connect()
        self.assertEqual(client.ask(b"p0"), b"78563412")
        self.run_until_it_runs(client)  # the breakpoint has gone with its client
        client.send_raw(b"\x03")
        self.assertEqual(client.answer()[:3], b"T02")

    def test_kill(self):
        for packet in (b"k", b"vKill;1"):
            server = rsp.Server(DESCRY, ENDLESS)
            client = rsp.Client(server.address)
            client.send(packet)
            self.assertEqual(server.wait(), 0)
            client.close()

    def test_ctrl_c_ends_the_server(self):
        self.assertEqual(self.server.stop(), 0)
        running = rsp.Server(DESCRY, ENDLESS)
        with rsp.Client(running.address) as client:
            client.send(b"c")
            rsp.wait_until_busy(running.process)
            self.assertEqual(running.stop(), 0)


class Console(Session):
    image = HELLO

    def test_output_and_end(self):
        client = self.connect()
        self.assertEqual(client.ask(b"c"), b"W01")
        self.assertTrue(client.output.startswith(b"hello from 0000:7C00\nguest exit, status 1"))

    def test_a_step_does_not_lose_output(self):
        client = self.connect()
        for _ in range(100000):
            if client.ask(b"s")[:1] == b"W":
                break
        self.assertTrue(client.output.startswith(b"hello from 0000:7C00\n"))

    def test_monitor(self):
        client = self.connect()
        output, reply = client.monitor("sreg fs")
        self.assertEqual(reply, b"OK")
        self.assertRegex(output, r"fs +cache")
        output, reply = client.monitor("load fs 0x10")
        self.assertEqual(reply, b"OK")
        numbers = [name for name, _ in client.registers()]
        self.assertEqual(client.ask(b"p%x" % numbers.index("fs_base")), b"00010000")
        output, reply = client.monitor("ustep all")
        self.assertIn("I1", output)
        self.assertEqual(reply, b"OK")
        output, reply = client.monitor("nonsense")
        self.assertEqual(reply, b"E01")
        self.assertIn("nonsense", output)


class BadClient(Session):
    def test_garbage(self):
        noise = random.Random(1)
        for _ in range(50):
            with self.connect(acks=True) as client:
                client.send_raw(bytes(noise.randrange(256) for _ in range(500))
                                .replace(b"$", b"").replace(b"\x03", b""))
        self.assert_intact(self.connect())

    def test_half_a_packet(self):
        for part in (b"$", b"$m7c", b"$qC#", b"$qC#b", b"$X500,4:}"):
            with self.connect(acks=True) as client:
                client.send_raw(part)
            with self.connect() as client:
                self.assert_intact(client)

    def test_packets_by_the_byte(self):
        client = self.connect()
        for byte in rsp.frame(b"m7c00,2"):
            client.send_raw(bytes([byte]))
        self.assertEqual(client.answer(), b"ebfe")

    def test_wrong_checksum(self):
        client = self.connect(acks=True)
        client.send_raw(b"$qC#00")
        self.assertEqual(client.receive_byte(), b"-")
        client.send_raw(b"$qC#xy")
        self.assertEqual(client.receive_byte(), b"-")
        client.send_raw(b"$qC#b4")
        self.assertEqual(client.receive_byte(), b"+")
        self.assertEqual(client.receive(), b"QC1")

    def test_wrong_checksum_without_acknowledgements(self):
        client = self.connect()
        client.send_raw(b"$qC#00")
        self.assertEqual(client.answer(), b"E16")
        self.assert_intact(client)

    def test_huge_lengths(self):
        client = self.connect()
        for packet in (b"m0,8001", b"m0,ffffffff", b"m0,ffffffffffffffff"):
            self.assertEqual(client.ask(packet), b"E1b", packet)
        for packet in (b"m0," + b"f" * 1000, b"M0,ffffffff:00", b"X0,ffffffff:0",
                       b"qXfer:features:read:target.xml:ffffffffffffffff,ffffffffffffffff"):
            self.assertEqual(client.ask(packet), b"E16", packet)
        self.assert_intact(client)

    def test_a_packet_longer_than_announced(self):
        client = self.connect()
        client.send(b"X0,100000:" + b"a" * 0x100000)
        self.assertEqual(client.answer(), b"E1b")
        self.assert_intact(client)

    def test_registers_that_do_not_exist(self):
        client = self.connect()
        for packet in (b"pfff", b"pffffffffffffffff", b"P5e=00000000", b"Pffff=00"):
            self.assertEqual(client.ask(packet), b"E02", packet)
        for packet in (b"p", b"pxyz", b"P0", b"P0=", b"P0=00", b"P0=000000000", b"G00"):
            self.assertEqual(client.ask(packet), b"E16", packet)
        self.assert_intact(client)

    def test_unknown_packets(self):
        client = self.connect()
        for packet in (b"vMustReplyEmpty", b"qTStatus", b"qNonsense:1,2", b"jThreadsInfo", b"b",
                       b"vFile:open:61,0,0", b"!", b"R00", b"\xff\xfe"):
            self.assertEqual(client.ask(packet), b"", packet)

    def test_vanishes_while_the_guest_runs(self):
        for goes in (vanish, rsp.Client.close):
            client = self.connect()
            self.run_until_it_runs(client)
            goes(client)
            client = self.connect()
            self.assertEqual(client.ask(b"?")[:3], b"T02")
            self.assert_intact(client)
            client.close()

    def test_vanishes_before_its_answer(self):
        for _ in range(20):
            client = self.connect()
            client.send_raw(rsp.frame(b"m0,8000") * 100)
            vanish(client)
        self.assert_intact(self.connect())

    def test_takes_no_answers(self):
        client = self.connect()
        client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.socket.settimeout(0.5)
        try:
            while True:
                client.send_raw(rsp.frame(b"m0,8000") * 100)
        except TimeoutError:
            pass
        self.assertEqual(self.server.stop(), 0)


class Flood(unittest.TestCase):
    """A guest that writes without end, and clients that do not read."""

    def setUp(self):
        self.server = rsp.Server(DESCRY, ENDLESS, stdout=subprocess.DEVNULL)
        self.addCleanup(self.server.stop)
        self.client = rsp.Client(self.server.address)
        self.addCleanup(self.client.close)
        self.client.no_ack()
        # again: mov al, 'A'; out 0xe9, al; jmp again
        self.assertEqual(self.client.ask(b"M7c00,6:b041e6e9ebfa"), b"OK")
        self.client.send(b"c")

    def test_ctrl_c(self):
        time.sleep(1)
        self.client.send_raw(b"\x03")
        self.assertEqual(self.client.answer()[:3], b"T02")
        self.assertLess(len(self.client.output), 1 << 23)

    def test_a_client_that_never_reads_is_lost(self):
        line = self.server.process.stderr.readline()
        self.assertIn(b"attached", line)
        self.assertIn(b"the connection is lost", self.server.process.stderr.readline())
        with rsp.Client(self.server.address) as client:
            client.no_ack()
            self.assertEqual(client.ask(b"?")[:3], b"T02")


class Addresses(unittest.TestCase):
    def assert_refused(self, process, status, text):
        _, err = process.communicate(timeout=20)
        self.assertEqual(process.returncode, status, err)
        self.assertEqual(err.count(b"\n"), 1, err)
        self.assertIn(text, err)

    def start(self, address):
        return subprocess.Popen([DESCRY, "gdb", ENDLESS, "-l", address],
                                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE)

    def test_a_port_in_use(self):
        with rsp.Server(DESCRY, ENDLESS) as server:
            self.assert_refused(self.start(server.address), 6, b"in use")
            with rsp.Client(server.address) as client:
                self.assertEqual(client.ask(b"qC"), b"QC1")

    def test_a_port_alone_is_on_loopback(self):
        with rsp.Server(DESCRY, ENDLESS, ":0") as server:
            self.assertRegex(server.address, r"^127\.0\.0\.1:\d+$")

    def test_a_port_can_be_had_again(self):
        address = None
        for _ in range(3):
            with rsp.Server(DESCRY, ENDLESS, address or ":0") as server:
                address = server.address
                with rsp.Client(server.address) as client:
                    self.assertEqual(client.ask(b"qC"), b"QC1")

    def test_no_address(self):
        for address in ("nowhere", ":", ":port", ":65536", ":99999", ":123456", "127.0.0.1", "unix:",
                        "unix:" + "x" * 200):
            self.assert_refused(self.start(address), 2, b"gdb: '")

    def test_a_socket_in_the_file_system(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "descry.socket")
            with rsp.Server(DESCRY, ENDLESS, "unix:" + path) as server:
                self.assertEqual(server.address, path)
                with rsp.Client(path) as client:
                    self.assertEqual(client.ask(b"qC"), b"QC1")
                    self.assert_refused(self.start("unix:" + path), 6, b"in use")
                    self.assertEqual(client.ask(b"qC"), b"QC1")
            self.assertFalse(os.path.exists(path))

    def test_a_socket_that_was_left_behind(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "descry.socket")
            with socket.socket(socket.AF_UNIX) as left:
                left.bind(path)
            with rsp.Server(DESCRY, ENDLESS, "unix:" + path):
                with rsp.Client(path) as client:
                    self.assertEqual(client.ask(b"qC"), b"QC1")

    def test_a_file_is_no_socket(self):
        with tempfile.NamedTemporaryFile() as file:
            self.assert_refused(self.start("unix:" + file.name), 6, b"exists and is no socket")
            self.assertTrue(os.path.exists(file.name))


class OneAtATime(Session):
    def assert_refused(self):
        with rsp.Client(self.server.address) as second:
            second.send(b"qSupported")
            self.assertIn(b"another debugger", second.receive())
            self.assertRaises(rsp.Lost, second.receive)

    def test_a_second_client(self):
        first = self.connect()
        self.assert_intact(first)
        self.assert_refused()
        self.assert_intact(first)
        first.close()
        self.assert_intact(self.connect())

    def test_a_second_client_while_the_guest_runs(self):
        first = self.connect()
        self.run_until_it_runs(first)
        self.assert_refused()
        first.send_raw(b"\x03")
        self.assertEqual(first.answer()[:3], b"T02")
        self.server.stop()
        self.assertIn(b"second debugger was refused", self.server.lines)

    def test_a_question_in_pieces(self):
        self.connect()
        for _ in range(5):
            with rsp.Client(self.server.address) as second:
                for part in (b"+", b"$qSupported:xml", b"Registers=i386#", b"7", b"7"):
                    second.send_raw(part)
                    time.sleep(0.005)
                self.assertIn(b"another debugger", second.receive())
                second.acks = False
                self.assertRaises(rsp.Lost, second.receive)

    def test_no_descriptors_for_a_client(self):
        pid = self.server.process.pid
        limit = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = 1 + max(map(int, os.listdir(f"/proc/{pid}/fd")))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, limit[1]))
        with rsp.Client(self.server.address) as client:
            client.send(b"qC")
            self.assertEqual(client.receive_nothing(0.3), b"")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limit)
            self.assertEqual(client.receive(), b"QC1")

    def test_a_second_client_that_says_nothing(self):
        first = self.connect()
        with rsp.Client(self.server.address) as second:
            self.assertIn(b"another debugger", second.receive())
        self.assert_intact(first)


class BesideTheShell(unittest.TestCase):
    """The shell reads a pipe; one command is one line to it and ends with a marker of its own."""

    def setUp(self):
        self.shell = subprocess.Popen(
            [DESCRY, ENDLESS, "--gdb", "127.0.0.1:0"], bufsize=0, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(self.end)
        address = rsp.ADDRESS.search(self.shell.stderr.readline())[1].decode()
        self.client = rsp.Client(address)
        self.addCleanup(self.client.close)
        self.client.no_ack()
        self.assertIn(b"attached", self.shell.stderr.readline())

    def end(self):
        if self.shell.poll() is None:
            self.shell.kill()
        self.shell.communicate()

    def command(self, line):
        self.shell.stdin.write(line.encode() + b"\necho done\n")

    def output(self):
        text = b""
        while not text.endswith(b"done\n"):
            part = os.read(self.shell.stdout.fileno(), 4096)
            self.assertTrue(part, text)
            text += part
        return text.decode()

    def test_they_share_the_guest(self):
        self.client.ask(b"P0=78563412")
        self.command("regs")
        self.assertIn("12345678", self.output())
        self.command("set eax 0xcafe")
        self.output()
        self.assertEqual(self.client.ask(b"p0"), b"feca0000")

    def test_breakpoints_are_their_own(self):
        self.assertEqual(self.client.ask(b"Z0,7c00,1"), b"OK")
        self.command("break 0x7c02")
        self.assertIn("breakpoint 1 ", self.output())
        self.command("break")
        self.assertNotIn("7c00", self.output())
        self.assertEqual(self.client.ask(b"c")[:3], b"T05")
        self.assertEqual(self.client.ask(b"z0,7c00,1"), b"OK")
        self.command("break")
        self.assertIn("7c02", self.output())

    def test_whose_breakpoint_it_was(self):
        self.assertEqual(self.client.ask(b"Z0,7c00,1"), b"OK")
        self.command("continue")
        self.assertIn("a debugger's breakpoint at 0000:7c00", self.output())
        self.command("break 0x7c00")
        self.output()
        self.command("continue")
        self.assertIn("breakpoint 1 at 0000:7c00", self.output())

    def test_the_shell_stops_the_guest(self):
        self.client.send(b"c")
        rsp.wait_until_busy(self.shell)
        self.command("where")
        self.assertIn(b"runs for a debugger", self.shell.stderr.readline())
        self.shell.send_signal(signal.SIGINT)
        self.assertEqual(self.client.answer()[:3], b"T02")
        self.assertIn("7c00", self.output())

    def test_kill_leaves_the_shell(self):
        self.client.send(b"k")
        self.assertRaises(rsp.Lost, self.client.receive)
        self.command("where")
        self.assertIn("7c00", self.output())
        self.shell.stdin.write(b"quit\n")
        self.assertEqual(self.shell.wait(20), 0)

    def test_quit_ends_the_connection(self):
        self.shell.stdin.write(b"quit\n")
        self.assertRaises(rsp.Lost, self.client.receive)
        self.assertEqual(self.shell.wait(20), 0)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
