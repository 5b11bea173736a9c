#!/usr/bin/env python3
"""A real gdb in batch mode against `descry gdb`. Each test is a session: gdb's commands, each with
what it has to print.

    with_gdb.py DESCRY GUESTS TEST_GUESTS [TEST...]

Status 77: there is no gdb.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import unittest

import rsp

STATUS_SKIPPED = 77
DESCRY, GUESTS, TEST_GUESTS = sys.argv[1:4]
MARK = "descry-test-mark"

# The file is for its symbols alone: as the program, its architecture would win over the target's.
OPTIONS = ["-batch", "-nx", "-nh", "-iex", "set debuginfod enabled off",
           "-ex", "set pagination off", "-ex", "set confirm off", "-ex", "set width 0"]


def guest(name):
    own = os.path.join(TEST_GUESTS, name + ".elf")
    return own if os.path.exists(own) else os.path.join(GUESTS, name + ".elf")


class Gdb(unittest.TestCase):
    image = "far"

    def setUp(self):
        self.server = rsp.Server(DESCRY, guest(self.image))
        self.addCleanup(self.server.stop)

    def start(self, commands):
        arguments = [shutil.which("gdb"), *OPTIONS, "-s", guest(self.image)]
        for command in [f"target remote {self.server.address}", *commands]:
            arguments += ["-ex", f"echo {MARK}\\n", "-ex", command]
        return subprocess.Popen(arguments, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def finish(self, process):
        """What each command has printed, beginning with the one behind `target remote`."""
        output, _ = process.communicate(timeout=120)
        return output, output.split(MARK + "\n")[2:]

    def session(self, *steps):
        """Pairs of a command and a regular expression for its output; None: whatever."""
        output, parts = self.finish(self.start([command for command, _ in steps]))
        self.assertEqual(len(parts), len(steps), output)
        for (command, expected), part in zip(steps, parts):
            if expected is not None:
                self.assertRegex(part, re.compile(expected, re.DOTALL), f"{command}\n{output}")


class Attach(Gdb):
    def test_registers_by_name(self):
        self.session(
            ("p/x $fs_limit", r"= 0xffff\n"),
            ("p $fs_desc", r"= \[ type=DATA_RW_A S DPL=0 P \]"),
            ("p $fs_state", r"= \[ \]"),
            ("p $mode", r"= REAL16"),
            ("p/x $eip", r"= 0x7c00\n"),
            ("p/x $ip", r"= 0x7c00\n"),
            ("p $cr0", r"= \[ ET \]"),
            ("info threads", r'\* 1 +Thread 1 "guest"'),
            ("info registers", r"eax .*ldtr_state +0x0"),
            ("info registers st0", r"<unavailable>"),
        )

    def test_no_warning(self):
        output, _ = self.finish(self.start(["info registers eip"]))
        about_files = re.compile(r"warning: No executable has been specified.*?command\.\n", re.S)
        self.assertNotIn("warning", about_files.sub("", output))

    def test_memory(self):
        self.session(
            ("set var *(unsigned int *)0x500 = 0x12345678", None),
            ("x/4xb 0x500", r"0x78\s+0x56\s+0x34\s+0x12"),
            ("x/xw 0x50000000", r"Cannot access memory at address 0x50000000"),
            ("x/2i $cs_base+$ip", r"=> 0x7c00.*ljmp"),
        )

    def test_again(self):
        self.session(
            ("break at_07c0", None),
            ("continue", r"Breakpoint 1, at_07c0"),
            ("set $eax = 0x1234", None),
            ("detach", r"detached"),
            (f"target remote {self.server.address}", None),
            ("p/x $eax", r"= 0x1234\n"),
            ("p/x $pc", r"= 0x7c05\n"),
            ("info breakpoints", r"1 +breakpoint +keep y +0x00007c05"),
        )

    def test_from_a_second_gdb(self):
        self.session(("stepi", None))
        self.session(("p/x $ip", r"= 0x5\n"), ("p/x $cs_base", r"= 0x7c00\n"))

    def test_monitor(self):
        self.session(
            ("monitor sreg fs", r"fs +cache +0000"),
            ("monitor load fs 0x10", None),
            ("maintenance flush register-cache", None),
            ("p/x $fs_base", r"= 0x100\n"),
            ("monitor nonsense", r"no command 'nonsense'"),
            ("monitor help", r"sreg"),
        )

    def test_kill(self):
        self.session(("kill", r"killed"))
        self.assertEqual(self.server.wait(), 0)


class Run(Gdb):
    """far: CS has a base, and goes from real mode to 16 and 32 bits of protected mode."""

    def test_breakpoints_and_disassembly(self):
        self.session(
            ("break at_07c0", r"Breakpoint 1 at 0x7c05"),
            ("break protected16", r"Breakpoint 2"),
            ("hbreak sum32", r"assisted breakpoint 3"),
            ("continue", r"Breakpoint 1, at_07c0"),
            ("p/x $cs_base", r"= 0x7c00\n"),
            ("p/x $ip", r"= 0x5\n"),
            ("x/3i $pc",
             r"=> 0x7c05 <at_07c0>:\s+cli.*0x7c06 <at_07c0\+1>:\s+cld.*mov +\$0x7c0,%ax"),
            ("stepi", None),
            ("p/x $ip", r"= 0x6\n"),
            ("stepi 2", None),
            ("p/x $ax", r"= 0x7c0\n"),
            ("continue", r"Breakpoint 2, protected16"),
            ("p $mode", r"= PROT16"),
            ("x/3i $pc", r"mov +\$0x18,%ax.*mov +%ax,%ds.*mov +\$0x20,%ax"),
            ("continue", r"Breakpoint 3, sum32"),
            ("p $mode", r"= PROT32"),
            ("set architecture i386", r"is set to \"i386\""),
            ("x/3i $pc", r"mov +\$0xffff,%ecx.*xor +%eax,%eax.*add +%ecx,%eax"),
            ("p $cs_desc", r"= \[ type=CODE_RX_A S DPL=0 P DB \]"),
            ("set architecture auto", r"currently \"i8086\""),
            ("delete", None),
            ("tbreak summed", None),
            ("continue", r"Temporary breakpoint 4, summed"),
            ("p/x $eax", r"= 0x7fff8000\n"),
            ("continue", r"guest exit, status 1 .*exited with code 01"),
        )

    def test_breakpoint_that_stays_where_it_was_removed(self):
        self.session(
            ("break summed", None),
            ("delete 1", None),
            ("continue", r"exited with code 01"),
        )

    def test_where_the_program_counter_cannot_be(self):
        self.session(
            ("break at_07c0", None),
            ("continue", None),
            ("set $eip = 0x100",
             r"eip is linear, and 00000100 is not in cs \(base 00007c00, limit 0000ffff\)"),
            ("p/x $pc", r"= 0x7c05\n"),
            ("set $eip = 0x7c06", None),
            ("p/x $ip", r"= 0x6\n"),
            ("p/x $pc", r"= 0x7c06\n"),
        )

    def test_a_selector_is_poked_and_loaded(self):
        self.session(
            ("break protected16", None),
            ("continue", None),
            ("p/x $ds_base", r"= 0x7c00\n"),
            ("set $ds = 0x20", None),
            ("p/x $ds_base", r"= 0x7c00\n"),
            ("p $ds_state", r"= \[ STALE \]"),
            ("monitor load es 0x18", None),
            ("maintenance flush register-cache", None),
            ("p/x $es_base", r"= 0x7c00\n"),
            ("p $es_state", r"= \[ \]"),
        )


class Segments(Gdb):
    image = "unreal-fs"

    def test_a_limit_that_is_written_counts(self):
        self.session(
            ("break t3_unreal", None),
            ("continue", r"Breakpoint 1, t3_unreal"),
            ("p/x $fs_limit", r"= 0xffffffff\n"),
            ("p $fs_desc", r"= \[ type=DATA_RW_A S DPL=0 P DB G \]"),
            ("p $fs_state", r"= \[ UNREAL UNREAL-BASE \]"),
            ("set $fs_limit = 0xffff", None),
            ("p $fs_state", r"UNREAL-BASE FORCED"),
            ("continue", r"unhandled #GP \(vector 13\).*signal SIGSEGV.*t4_store"),
            ("x/i $pc", r"=> .*<t4_store>:\s+mov +%eax,%fs:\(%eax\)"),
            ("set $fs_limit = 0xffffffff", None),
            ("delete", None),
            ("continue", r"exited with code 01"),
        )

    def test_a_software_watchpoint(self):
        self.session(
            ("watch $fs_limit", r"Watchpoint 1: \$fs_limit"),
            ("continue", r"Old value = 65535.*New value = 4294967295"),
            ("p/x $fs", r"= 0x10\n"),
        )


class Host(Gdb):
    """A world switch, in which the host is a second thread. unreal-fs has an FS of 4 GiB with PE=0;
    the host of selector-real/small loads one of 64 KiB."""

    image = "unreal-fs"

    def in_flight(self, *steps, stop="tbreak"):
        self.session(
            (f"{stop} t3_unreal", None),
            ("continue", r"t3_unreal \(\)"),
            ("monitor world use selector-real/small", None),
            ("monitor world begin", r"X1.1 +host interrupt at 0000:7c1b"),
            *steps)

    def test_walk(self):
        self.in_flight(
            ("info threads", r'\* 1 +Thread 1 "guest" .*t3_unreal \(\).*'
                             r' 2 +Thread 2 "host" \(X1 event in the guest\) '),
            ("thread 2", r"Switching to thread 2"),
            ("p/x $fs_limit", r"= 0xffffffff\n"),
            ("stepi", r"^X2 delivery: FLAGS=.* CS=0000 IP=00007c1b .*0x000f0000 in"),
            ("stepi", r"^X3 EAX to EDI into the record\n"),
            ("stepi 11", r"X3 PUSH fs: 0010\n.*X4 MOV CR0, 00000011.*X4 MOV fs, 0010 "),
            ("p/x $fs_limit", r"= 0xffff\n"),
            ("p $fs_desc", r"= \[ type=DATA_RW_A S DPL=0 P DB \]"),
            ("p $cr0", r"= \[ PE ET \]"),
            ("info threads", r' 1 +Thread 1 "guest" .*t3_unreal \(\).*'
                             r'\* 2 +Thread 2 "host" \(X4 host caches loaded\) '),
            ("thread 1", r"Switching to thread 1"),
            ("p/x $fs_limit", r"= 0xffffffff\n"),
            ("p $fs_state", r"= \[ UNREAL UNREAL-BASE \]"),
            ("p $cr0", r"= \[ ET \]"),
            ("x/i $pc", r"=> 0x7c1b <t3_unreal>:\s+mov "),
            ("thread 2", r"Switching to thread 2"),
            ("stepi 100", r"X6 POP fs, 0010 .*X7 IRET.*the guest has the CPU again\n"
                          r'.*Thread 1 "guest" stopped'),
            ("info threads", r'^  Id [^\n]*\n\* 1 +Thread 1 "guest" [^\n]*\n$'),
            ("p/x $fs_limit", r"= 0xffff\n"),
            ("continue", r"unhandled #GP.*t4_store.*signal SIGSEGV"),
        )

    def test_a_run_that_stops_in_it(self):
        self.session(
            ("break t3_unreal", None),
            ("monitor world use selector-real/small", None),
            ("monitor world hold", r"stops at X1"),
            ("continue", r"Breakpoint 1, t3_unreal"),
            ("continue", r"host interrupt before 0000:7c2c t4_store: .*; in flight under "
                         r'selector-real/small\n.*Thread 2 "host" received signal SIGTRAP'),
            ("stepi 13", r"X2 delivery.*X4 MOV fs, 0010 "),
            ("p/x $fs_limit", r"= 0xffff\n"),
            ("thread 1", r"t4_store \(\)"),
            ("p/x $fs_limit", r"= 0xffffffff\n"),
            ("continue", r'unhandled #GP.*t4_store.*Thread 1 "guest" received signal SIGSEGV'),
        )

    def test_continue(self):
        self.in_flight(
            ("break t4_store", None),
            ("continue", r"Breakpoint 2, t4_store"),
            ("info threads", r'^  Id .*\n\* 1 +Thread 1 "guest" [^\n]*\n$'),
            ("p/x $fs_limit", r"= 0xffff\n"),
        )

    def test_continue_the_host_alone(self):
        self.in_flight(
            ("info threads", None),
            ("thread 2", None),
            ("set scheduler-locking on", None),
            ("continue", r"the guest has the CPU again"),
            ("thread 1", r"t3_unreal \(\)"),
            ("p/x $fs_limit", r"= 0xffff\n"),
        )

    def test_the_guest_waits(self):
        self.in_flight(
            ("info threads", None),
            ("set scheduler-locking on", None),
            ("stepi", r'the host has the CPU, and the guest waits.*Thread 1 "guest" stopped'),
            ("set $eax = 1", r"the host has the CPU, and the guest is what it was"),
            ("set scheduler-locking off", None),
            ("stepi", r"43\s"),
            ("p/x $fs_limit", r"= 0xffff\n"),
        )

    def test_a_breakpoint_where_the_guest_waits(self):
        self.in_flight(
            ("info threads", None),
            ("thread 2", None),
            ("stepi", r'or `set scheduler-locking step`\n.*Thread 1 "guest" stopped'),
            ("set scheduler-locking step", None),
            ("thread 2", None),
            ("stepi", r"^X2 delivery"),
            ("stepi 100", r"X7 IRET.*the guest has the CPU again\n.*No unwaited-for children"),
            ("info threads", r'^  Id [^\n]*\n  1 +Thread 1 "guest" [^\n]*\n\n'
                             r"The current thread <Thread ID 2> has terminated"),
            ("thread 1", r"t3_unreal \(\)"),
            ("stepi", r"43\s"),
            ("p/x $fs_limit", r"= 0xffff\n"),
            stop="break")

    def test_from_a_second_gdb(self):
        self.in_flight(("stepi", None), ("monitor world begin", None))
        self.session(
            ("info threads", r'1 +Thread 1 "guest".*\* 2 +Thread 2 "host"'),
            ("p/x $eip", r"= 0x7c21\n"),
        )


class Endless(Gdb):
    image = "endless"

    def test_ctrl_c(self):
        process = self.start(["continue", "p $mode", "stepi", "p/x $pc"])
        rsp.wait_until_busy(self.server.process)
        process.send_signal(signal.SIGINT)
        output, parts = self.finish(process)
        self.assertIn("received signal SIGINT", parts[0], output)
        self.assertIn("= REAL16", parts[1], output)
        self.assertIn("= 0x7c00", parts[3], output)


    def test_monitor_continue_that_is_given_up(self):
        process = self.start(["set remotetimeout 1", "monitor continue", "monitor echo 1",
                              "monitor echo 2", "stepi", "p/x $pc"])
        rsp.wait_until_busy(self.server.process)
        process.send_signal(signal.SIGINT)
        output, parts = self.finish(process)
        self.assertIn("Quit", parts[1], output)
        self.assertEqual(parts[2:4], ["1\n", "2\n"], output)
        self.assertTrue(parts[5].startswith("$1 = 0x7c00\n"), output)

    def test_a_second_gdb(self):
        with rsp.Client(self.server.address) as first:
            self.assertEqual(first.ask(b"qC"), b"QC1")
            output, _ = self.finish(self.start([]))
            self.assertIn("descry serves another debugger already", output)


if __name__ == "__main__":
    if shutil.which("gdb") is None:
        print("skipped: there is no gdb (Debian: apt install gdb)")
        sys.exit(STATUS_SKIPPED)
    unittest.main(argv=[sys.argv[0], *sys.argv[4:]])
