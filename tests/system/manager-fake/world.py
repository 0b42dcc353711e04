#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A domain manager on the fake hypervisor in a temporary directory, and TAP output."""
import os, shutil, signal, socket, subprocess, sys, tempfile, time, traceback

TOP = os.getcwd()
BUILD = os.path.join(TOP, "build/domain-manager")
MANAGER = os.path.join(TOP, os.environ.get("DM_MANAGER", "build/domain-manager/bulkhead-domain-manager"))
SANITIZED = "DM_MANAGER" in os.environ
SHIM = os.path.join(BUILD, "test/crash_shim.so")
SHIM_STATUS = 99  # of a manager that it killed
# AddressSanitizer wants to be loaded before any other library
PRELOAD = (subprocess.check_output(["gcc", "-print-file-name=libasan.so"], text=True).strip() + ":" if SANITIZED else "") + SHIM
COUNT = 0
FAILED = 0


class World:
    """One state directory; the manager may be started and stopped over it several times."""

    def __init__(self, template="debian-12", base=None, mode="none"):
        self.dir = tempfile.mkdtemp(prefix="dm-test-")
        self.state = os.path.join(self.dir, "state")
        if base:
            subprocess.run(["cp", "-a", "--sparse=always", base, self.state], check=True)
        else:
            self.add_template(template)
            kernel = os.path.join(self.state, "kernels/6.1")
            os.makedirs(kernel)
            for f in ("vmlinuz", "initramfs"):
                open(os.path.join(kernel, f), "w").write(f)
        self.fake = os.path.join(self.dir, "run/fake")
        self.conf = os.path.join(self.dir, "conf")
        self.process = None
        self.set_conf(mode)
        self.env = dict(os.environ, QUBESD_SOCKET=os.path.join(self.dir, "sock/qubesd.sock"),
                        ASAN_OPTIONS="detect_leaks=1", QREXEC_CLIENT=os.path.join(self.dir, "qrexec-client"), PATH=BUILD + ":" + os.environ["PATH"])
        self.script("qrexec-client", "printf '%s\\n' \"$@\" > " + self.dir + "/qrexec.args; cat >/dev/null; echo out; exit ${QC:-0}")

    def __enter__(self):
        return self

    def __exit__(self, *a):
        self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)

    def add_template(self, name):
        d = os.path.join(self.state, "templates", name)
        os.makedirs(d)
        with open(os.path.join(d, "root.img"), "wb") as f:
            f.truncate(1 << 20)

    def set_conf(self, mode, extra=""):
        open(self.conf, "w").write("[services]\nmode=%s\n%s" % (mode, extra))

    def script(self, name, text):
        path = os.path.join(self.dir, name)
        open(path, "w").write("#!/bin/sh\n" + text + "\n")
        os.chmod(path, 0o755)
        return path

    def start(self, env=None, bus="none"):
        log = open(os.path.join(self.dir, "log"), "ab")
        path = self.env["QUBESD_SOCKET"]
        if os.path.exists(path):
            os.unlink(path)
        self.process = subprocess.Popen(
            [MANAGER, "--backend", "fake", "--bus", bus, "--state-dir", self.state,
             "--run-dir", os.path.join(self.dir, "run"), "--socket-dir", os.path.join(self.dir, "sock"), "--config",
             self.conf], stdout=log, stderr=log, env=dict(self.env, **(env or {})))
        for _ in range(2000):
            if self.process.poll() is not None:
                raise AssertionError("the manager ended: " + self.log())
            try:
                s = socket.socket(socket.AF_UNIX)
                s.connect(path)
                s.close()
                return self
            except OSError:
                time.sleep(0.003)
        raise AssertionError("the manager does not answer")

    def log(self):
        return open(os.path.join(self.dir, "log")).read()

    def stop(self, sig=signal.SIGTERM):
        if self.process:
            if self.process.poll() is None:
                self.process.send_signal(sig)
            st = self.process.wait(10)
            assert not SANITIZED or (st in (0, -9, SHIM_STATUS) and "ERROR: " not in self.log()), self.log()
        self.process = None

    def run(self, *args, input=None, env=None, timeout=60):
        p = subprocess.run(args, input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                           env=dict(self.env, **(env or {})), timeout=timeout)
        return p.returncode, p.stdout.decode(), p.stderr.decode()

    def on_terminal(self, *command, input=b"", pause=0.0):
        """What a command shows on a terminal; it must succeed."""
        ours, terminal = os.openpty()
        p = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=terminal, env=self.env)
        os.close(terminal)
        time.sleep(pause)
        p.communicate(input)
        assert p.returncode == 0
        shown = b""
        try:
            while True:
                shown += os.read(ours, 4096)
        except OSError:  # the terminal's other end is closed
            os.close(ours)
            return shown.decode()

    def private(self, name):
        return os.path.join(self.state, "domains", name, "private.img")

    def fill(self, name, mebibytes):
        """Content with holes, so that it is copied in as many parts."""
        with open(self.private(name), "r+b") as f:
            for i in range(mebibytes):
                f.seek(i * (4 << 20))
                f.write(name.encode() + bytes([i + 1]) * (1 << 20))

    def ok(self, *args, **kw):
        st, out, err = self.run(*args, **kw)
        assert st == 0, "%s: exit %d: %s%s" % (" ".join(args), st, out, err)
        return out

    def bad(self, *args, code=1, says="", **kw):
        st, out, err = self.run(*args, **kw)
        assert st == code, "%s: exit %d, expected %d: %s%s" % (" ".join(args), st, code, out, err)
        assert says in err, "%s: message is %r, expected %r" % (" ".join(args), err, says)
        return err

    def names(self):
        return self.ok("qvm-ls", "--raw-list").split()

    def state_of(self, name):
        return self.ok("qvm-ls", "--raw-data", "-O", "state", name).strip()

    @staticmethod
    def wait_until(condition, seconds=30):
        end = time.time() + seconds
        while not condition():
            assert time.time() < end, "it did not come to that"
            time.sleep(0.01)

    def wait_state(self, name, state, seconds=30):
        self.wait_until(lambda: self.state_of(name) == state, seconds)

    def config(self, name):
        """What the fake hypervisor was given at the last start."""
        return dict(l.rstrip("\n").split("=", 1) for l in open(os.path.join(self.fake, name + ".config")))

    def domid(self, name):
        return self.ok("qvm-prefs", name, "xid").strip()

    def mark(self, what):
        open(os.path.join(self.fake, what), "w").close()

    def unmark(self, what):
        os.unlink(os.path.join(self.fake, what))

    def guest_state(self, name, state):
        """The guest goes into this state by itself."""
        path = os.path.join(self.fake, self.domid(name))
        uuid, _, n = open(path).read().split()
        open(path + ".tmp", "w").write("%s %s %s\n" % (uuid, state, n))
        os.rename(path + ".tmp", path)

    def call(self, data, half_close=True, path=None, timeout=10):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(timeout)
        s.connect(path or self.env["QUBESD_SOCKET"])
        s.sendall(data)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        out = b""
        while True:
            b = s.recv(65536)
            if not b:
                return out
            out += b

    def open_stream(self, request, half_close=False):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(10)
        s.connect(self.env["QUBESD_SOCKET"])
        s.sendall(request)
        if half_close:
            s.shutdown(socket.SHUT_WR)
        return s

    def open_events(self, method=b"admin.Events"):
        s = self.open_stream(method + b" dom0 name dom0\0", half_close=True)
        if method == b"admin.Events":
            self.receive_until(s, b"connection-established")
        return s

    @staticmethod
    def receive_until(s, what):
        got = b""
        while what not in got:
            part = s.recv(65536)
            assert part, got
            got += part
        return got


def case(f):
    """Run one test, print its TAP line."""
    global COUNT, FAILED
    COUNT += 1
    t0 = time.monotonic()
    try:
        f()
        print("ok %d - %s (%.2f s)" % (COUNT, f.__doc__ or f.__name__, time.monotonic() - t0), flush=True)
    except Exception:
        FAILED += 1
        print("not ok %d - %s" % (COUNT, f.__doc__ or f.__name__), flush=True)
        traceback.print_exc(file=sys.stdout)
    return f


def finish():
    print("1..%d" % COUNT)
    sys.exit(1 if FAILED else 0)
