# SPDX-License-Identifier: GPL-2.0-or-later
"""A QEMU that runs the ISO, and the two ways of using it: as an administrator does, by a root shell on the serial line, and
as a user does, by screen, keyboard and mouse (QEMU's machine protocol)."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../harness"))
from cpu_model import CPU

POINTER_RANGE = 0x7fff    # of the tablet's axes
# After an event the machine gets this much processor time to take it (an emulated PS/2 keyboard holds five keys, and hosts are
# loaded), or, when it is idle, this much of the clock's.
EVENT_CPU_S = 0.05
EVENT_PAUSE_S = 0.4
CONSOLE_PIECE = 8         # bytes written to the console at once: it has no flow control

SHIFTED = dict(zip('!@#$%^&*()_+{}:"~|<>?', '1234567890-=[];\'`\\,./'))
QCODES = {" ": "spc", "-": "minus", "=": "equal", "[": "bracket_left", "]": "bracket_right", ";": "semicolon", "'": "apostrophe",
          "`": "grave_accent", "\\": "backslash", ",": "comma", ".": "dot", "/": "slash", "\n": "ret"}


def connect(path, limit=20):
    """A stream socket to `path`, once somebody listens there."""
    end = time.monotonic() + limit
    while True:
        sock = socket.socket(socket.AF_UNIX)
        try:
            sock.connect(path)
            return sock
        except OSError:
            sock.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


class Console:
    """The serial line: everything that came is kept in `text`."""

    def __init__(self, path, log):
        self.sock = connect(path)
        self.sock.settimeout(1)
        self.text, self.log = "", open(log, "w", errors="replace")

    def pump(self):
        """Take what came within a second. False when the machine is gone."""
        try:
            data = self.sock.recv(65536).decode("utf-8", "replace")
        except socket.timeout:
            return True
        self.text += data
        self.log.write(data)
        self.log.flush()
        return bool(data)

    def wait(self, pattern, limit, start=None):
        """The match of a regular expression in what comes from `start` (default: now) on, or None."""
        start, end = len(self.text) if start is None else start, time.monotonic() + limit
        while True:
            found = re.search(pattern, self.text[start:])
            if found or time.monotonic() > end or not self.pump():
                return found

    def run(self, command, limit=120):
        """Output and exit status of a shell command; status -1 when it did not end in time."""
        line = ("{ %s; } </dev/null 2>&1; echo \"<\"$?\">\"\n" % command).encode()
        start = len(self.text)
        for at in range(0, len(line), CONSOLE_PIECE):
            self.sock.sendall(line[at:at + CONSOLE_PIECE])
            time.sleep(0.05)
        found = self.wait(r"<(\d+)>", limit, start)
        output = self.text[start:start + found.start()] if found else self.text[start:]
        return output[output.find("\n") + 1:], int(found.group(1)) if found else -1


class Qmp:
    """Screen, keyboard and mouse."""

    def __init__(self, path, cpu_seconds=lambda: 0.0):
        """cpu_seconds() tells how much processor time the machine has had."""
        self.cpu_seconds = cpu_seconds
        self.sock = connect(path)
        self.file = self.sock.makefile("r")
        self.file.readline()
        self.command("qmp_capabilities")

    def command(self, name, **arguments):
        self.sock.sendall(json.dumps({"execute": name, "arguments": arguments}).encode() + b"\n")
        for line in self.file:
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError("%s: %s" % (name, answer["error"]["desc"]))
        raise EOFError("the machine is gone")

    def screenshot(self, path):
        self.command("screendump", filename=path, format="png")

    def _input(self, *events):
        before, end = self.cpu_seconds(), time.monotonic() + EVENT_PAUSE_S
        self.command("input-send-event", events=list(events))
        while time.monotonic() < end and self.cpu_seconds() - before < EVENT_CPU_S:
            time.sleep(0.02)

    def press(self, *qcodes):
        """Keys pressed together, e.g. press("ctrl", "shift", "c")."""
        def event(qcode, down):
            return {"type": "key", "data": {"down": down, "key": {"type": "qcode", "data": qcode}}}
        for keys, down in ((qcodes, True), (reversed(qcodes), False)):
            for qcode in keys:
                self._input(event(qcode, down))

    def type(self, text):
        for char in text:
            base = SHIFTED.get(char, char.lower())
            keys = ["shift"] if char in SHIFTED or char.isupper() else []
            self.press(*keys, QCODES.get(base, base))

    def move(self, position, size):
        """The pointer to a pixel of a screen of this size."""
        self._input(*[{"type": "abs", "data": {"axis": axis, "value": (2 * at + 1) * POINTER_RANGE // (2 * most)}}
                      for axis, at, most in zip("xy", position, size)])

    def click(self, position, size, button="left"):
        self.move(position, size)
        for down in (True, False):
            self._input({"type": "btn", "data": {"down": down, "button": button}})


class Machine:
    """The ISO booted on a hypervisor ("bulkhead", "xen") or by another entry of its menu (installer/grub.cfg);
    `words` go to dom0's kernel, `disks` are images that it may write to. To be used in a `with` statement."""

    def __init__(self, iso, log, hypervisor="bulkhead", words="", memory_mib=6144, disks=()):
        self.directory = tempfile.mkdtemp(prefix="bulkhead-test.")
        serial, qmp = (os.path.join(self.directory, name) for name in ("serial", "qmp"))
        entry = "live" if hypervisor == "bulkhead" else hypervisor
        more = [word for n, disk in enumerate(disks) for word in (
            "-drive", "file=%s,if=none,id=x%d,format=raw" % (disk, n), "-device", "nvme,drive=x%d,serial=x%d" % (n, n))]
        self.process = subprocess.Popen(
            ["qemu-system-x86_64", "-accel", "tcg", "-machine", "q35", "-cpu", CPU, "-device", "amd-iommu,intremap=on",
             "-smp", "1", "-m", str(memory_mib), "-display", "none", "-vga", "std", "-no-reboot", "-monitor", "none", "-nic", "none",
             "-chardev", "socket,id=s,path=%s,server=on,wait=off" % serial, "-serial", "chardev:s",
             "-qmp", "unix:%s,server=on,wait=off" % qmp, "-device", "qemu-xhci", "-device", "usb-tablet",
             "-drive", "file=%s,if=none,id=d0,format=raw,readonly=on" % iso, "-device", "nvme,drive=d0,serial=b,bootindex=1",
             "-smbios", "type=11,value=bulkhead:%s::%s" % (entry, words)] + more, stdin=subprocess.DEVNULL)
        self.start, self.processor_time = time.monotonic(), 0.0
        self.console, self.qmp = Console(serial, log), Qmp(qmp, self.cpu_seconds)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def cpu_seconds(self):
        """QEMU's processor time, which a loaded host does not lengthen; the last that was seen when it has ended."""
        try:
            fields = open("/proc/%d/stat" % self.process.pid).read().rsplit(")", 1)[1].split()
            self.processor_time = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        except OSError:
            pass
        return self.processor_time

    def seconds(self):
        """Since the start, by the clock and of processor time."""
        return time.monotonic() - self.start, self.cpu_seconds()

    def has_ended(self, limit):
        """Did QEMU end by itself (the guest powered off) within the limit?"""
        end = time.monotonic() + limit
        while self.process.poll() is None and time.monotonic() < end:
            self.console.pump()
        return self.process.poll() == 0
