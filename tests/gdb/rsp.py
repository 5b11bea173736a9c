"""A client of the GDB remote serial protocol over a raw socket, and a server to talk to."""

import re
import signal
import socket
import subprocess
import time

ADDRESS = re.compile(rb"listening on (\S+)")


def frame(body):
    """A packet around a body that needs no escapes."""
    return b"$%s#%02x" % (body, sum(body) & 0xFF)


def unescape(body):
    """Binary data of a reply: '}' and the byte behind it, exclusive-or 20h, stand for one byte."""
    return re.sub(rb"}(.)", lambda match: bytes([match[1][0] ^ 0x20]), body, flags=re.DOTALL)


def cpu_ticks(process):
    """CPU time, user and system, in hundredths of a second."""
    with open(f"/proc/{process.pid}/stat", encoding="ascii") as stat:
        return sum(map(int, stat.read().rsplit(")", 1)[1].split()[11:13]))


def wait_until_busy(process):
    """Nobody tells when `continue` has reached the guest; the CPU time of an endless one does."""
    end = cpu_ticks(process) + 3
    while cpu_ticks(process) < end:
        time.sleep(0.01)


class Lost(Exception):
    """The other side has closed the connection."""


class Client:
    """One connection. Acknowledges until no_ack() has been called."""

    def __init__(self, address, timeout=20):
        if address.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.socket.settimeout(timeout)
            self.socket.connect(address)
        else:
            host, port = address.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)), timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.acks = True
        self.buffer = b""
        self.output = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send_raw(self, data):
        self.socket.sendall(data)

    def send(self, body):
        self.socket.sendall(frame(body))

    def _more(self):
        try:
            data = self.socket.recv(1 << 20)
        except (ConnectionResetError, BrokenPipeError) as error:
            raise Lost from error
        if not data:
            raise Lost
        self.buffer += data

    def receive_byte(self):
        """A single byte: '+' or '-'."""
        while not self.buffer:
            self._more()
        byte, self.buffer = self.buffer[:1], self.buffer[1:]
        return byte

    def receive(self):
        """The next packet's body, as it came; its checksum has been verified."""
        while True:
            begin = self.buffer.find(b"$")
            end = self.buffer.find(b"#", begin) if begin >= 0 else -1
            if end >= 0 and len(self.buffer) >= end + 3:
                break
            self._more()
        body, digits = self.buffer[begin + 1:end], self.buffer[end + 1:end + 3]
        self.buffer = self.buffer[end + 3:]
        assert int(digits, 16) == sum(body) & 0xFF, f"bad checksum of {body!r}"
        if self.acks:
            self.send_raw(b"+")
        return body

    def receive_nothing(self, seconds):
        """What has come all the same, after so long."""
        time.sleep(seconds)
        self.socket.setblocking(False)
        try:
            self._more()
        except BlockingIOError:
            pass
        finally:
            self.socket.settimeout(20)
        return self.buffer

    def answer(self):
        """The next reply; text for the terminal that comes before it goes to .output."""
        while True:
            body = self.receive()
            if body[:1] != b"O" or body == b"OK":
                return body
            self.output += bytes.fromhex(body[1:].decode())

    def ask(self, body):
        self.send(body)
        return self.answer()

    def no_ack(self):
        assert self.ask(b"QStartNoAckMode") == b"OK"
        self.acks = False

    def monitor(self, command):
        """The output of `monitor COMMAND`, and the reply behind it."""
        self.output = b""
        reply = self.ask(b"qRcmd," + command.encode().hex().encode())
        return self.output.decode(), reply

    def target_xml(self):
        text, offset = b"", 0
        while True:
            reply = self.ask(b"qXfer:features:read:target.xml:%x,%x" % (offset, 0x800))
            data = unescape(reply[1:])
            text += data
            offset += len(data)
            if reply[:1] == b"l":
                return text.decode()
            assert reply[:1] == b"m", reply

    def registers(self):
        """Names, in the order of the packet g, with their widths in hexadecimal digits."""
        found = re.findall(r'<reg name="(\w+)" bitsize="(\d+)"', self.target_xml())
        return [(name, int(bits) // 4) for name, bits in found]


class Server:
    """`descry gdb` on a free port, or on the address that is given."""

    def __init__(self, descry, image, listen="127.0.0.1:0", arguments=(),
                 stdout=subprocess.PIPE):
        self.process = subprocess.Popen(
            [descry, "gdb", image, "-l", listen, *arguments],
            stdin=subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE)
        self.lines = b""
        while True:
            line = self.process.stderr.readline()
            self.lines += line
            found = ADDRESS.search(line)
            if found:
                self.address = found[1].decode()
                return
            if not line:
                self.process.wait()
                raise RuntimeError(f"descry does not listen: {self.lines.decode()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """Ends it as Ctrl-C does; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.wait()

    def wait(self):
        """Waits until it has ended by itself; the exit status."""
        try:
            _, rest = self.process.communicate(timeout=20)
            self.lines += rest
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        except ValueError:  # its output has been read to the end before
            pass
        return self.process.returncode
