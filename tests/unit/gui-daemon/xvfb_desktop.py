# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests under an X server have in common: a desktop, domains on it whose agents the test plays, and looks at
the screen."""
import os, re, shutil, signal, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../harness"))
import fake_agent as fa
import xorg_dummy

BUILD = os.path.abspath(sys.argv[1])
GUID = BUILD + "/gui-daemon-socket/qubes-guid"
SHOTS = BUILD + "/gui-daemon/shots"
WIDTH, HEIGHT = 1280, 800
BORDER, HEADER = 4, 26
RED, GREEN, BLUE, YELLOW = 0xcc0000, 0x73d216, 0x3465a4, 0xedd400
LABELS = {RED: 1, YELLOW: 3, GREEN: 4, BLUE: 6}


def wait_for(what, condition, timeout=20):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.03)
    raise AssertionError("waited in vain for " + what)


def output(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout


def stop(process):
    """xfwm4 forgets a SIGTERM that comes while it starts."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


class Desktop:
    """Xvfb, xfwm4 and a directory for sockets and buffers."""

    def __init__(self, xorg=False, wm=("xfwm4", "--compositor=off")):
        self.dir = tempfile.mkdtemp(prefix="guid-")
        self.domains = []
        self.env = dict(os.environ, VCHAN_SOCKET_DIR=self.dir, GUI_SHM_DIR=self.dir, QUBES_CLIPBOARD_DIR=self.dir,
                        QUBES_POLICY_SOCKET=self.dir + "/policy.sock", HOME=self.dir)
        for name in ("DBUS_SESSION_BUS_ADDRESS", "XDG_RUNTIME_DIR", "XAUTHORITY", "VCHAN_DOMAIN"):
            self.env.pop(name, None)
        for number in range(60, 80):
            if os.path.exists("/tmp/.X11-unix/X%d" % number):
                continue
            self.xvfb = subprocess.Popen(self.server(number, xorg), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            try:
                wait_for("Xvfb", lambda: os.path.exists("/tmp/.X11-unix/X%d" % number) or self.xvfb.poll() is not None)
            except AssertionError:
                continue
            if self.xvfb.poll() is None:
                break
        self.env["DISPLAY"] = os.environ["DISPLAY"] = ":%d" % number
        os.environ.pop("XAUTHORITY", None)
        self.wm = None
        # The window manager has a bus of its own (settings); the daemons have none unless a test gives them one.
        self.bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address"], env=self.env,
                                    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.address = self.bus.stdout.readline().strip()
        try:
            # The socket is there a moment before the server listens on it.
            wait_for("X server", lambda: output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"))
            self.start_wm(wm)
        except AssertionError:
            self.close()
            raise

    def server(self, number, xorg):
        if not xorg:
            return ["Xvfb", ":%d" % number, "-nolisten", "tcp", "-noreset", "-screen", "0", "%dx%dx24" % (WIDTH, HEIGHT)]
        conf = self.dir + "/xorg.conf"  # several monitors are wanted
        with open(conf, "w") as f:
            f.write(xorg_dummy.configuration(WIDTH, HEIGHT))
        return xorg_dummy.command(number, conf, self.dir + "/xorg.txt")

    def start_wm(self, command):
        output("xprop", "-root", "-remove", "_NET_SUPPORTING_WM_CHECK")  # what a former one left
        self.wm = subprocess.Popen(list(command), env=dict(self.env, DBUS_SESSION_BUS_ADDRESS=self.address), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_for("window manager", lambda: "window id" in output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK"))

    def close(self):
        for domain in list(self.domains):
            domain.close()
        for process in (self.wm, self.bus, self.xvfb):
            if process:
                stop(process)
        shutil.rmtree(self.dir, ignore_errors=True)

    def shot(self, name=None):
        """The screen as a function (x, y) → 0xRRGGBB."""
        data = subprocess.run(["import", "-window", "root", "-depth", "8", "rgb:-"], stdout=subprocess.PIPE,
                              check=True).stdout
        if name:
            os.makedirs(SHOTS, exist_ok=True)
            subprocess.run(["convert", "-size", "%dx%d" % (WIDTH, HEIGHT), "-depth", "8", "rgb:-",
                            "%s/%s.png" % (SHOTS, name)], input=data, check=True)
        return lambda x, y: int.from_bytes(data[(y * WIDTH + x) * 3:(y * WIDTH + x) * 3 + 3], "big")


class Domain:
    """One domain: the agent that the test plays, and its daemon."""

    def __init__(self, desktop, name="work", domid=5, color=BLUE, options=(), config=None, version=fa.VERSION_OURS,
                 env=None):
        self.desktop, self.name, self.domid = desktop, name, domid
        self.agent = fa.Agent(desktop.dir, domid, version)
        self.log = "%s/%s.log" % (desktop.dir, name)
        command = [GUID, "-f", "-d", str(domid), "-N", name, "-c", "0x%06x" % color, "-l", str(LABELS[color])]
        if config is not None:
            path = "%s/%s.conf" % (desktop.dir, name)
            with open(path, "w") as f:
                f.write(config)
            command += ["-C", path]
        with open(self.log, "w") as f:
            self.process = subprocess.Popen(command + list(options), env=dict(desktop.env, **(env or {})), stderr=f)
        self.agent.accept()
        desktop.domains.append(self)

    def text(self):
        with open(self.log) as f:
            return f.read()

    def mapped(self, window):
        wait_for("window 0x%x" % window, lambda: "window 0x%x mapped" % window in self.text())

    def counters(self):
        before = self.text().count("counters:")
        self.process.send_signal(signal.SIGUSR1)
        wait_for("counters", lambda: self.text().count("counters:") > before)
        line = [l for l in self.text().splitlines() if "counters:" in l][-1]
        return {k: int(v) for k, v in re.findall(r"([a-z-]+) (\d+)", line.split("counters:")[1])}

    def xid(self, window):
        """X window of the frame."""
        for line in output("xwininfo", "-root", "-tree").splitlines():
            match = re.match(r"\s+(0x[0-9a-f]+) ", line)
            if not match:
                continue
            text = output("xprop", "-id", match.group(1), "_QUBES_VMNAME", "_QUBES_VMWINDOWID")
            if '"%s"' % self.name in text and "0x%x\n" % window in text:
                return match.group(1)
        raise AssertionError("no X window")

    def close(self):
        self.agent.close()
        if self.process.poll() is None:
            stop(self.process)
        self.desktop.domains.remove(self)


def domain_with_window(desktop, x=100, y=100, w=300, h=200, color=0xffffff, title=b"", **options):
    """A domain with one window, 0x100, that is on the screen; its agent."""
    d = Domain(desktop, **options)
    d.agent.window(0x100, x, y, w, h, color, title)
    d.mapped(0x100)
    return d, d.agent


def geometry(xid):
    text = output("xwininfo", "-id", xid)
    return tuple(int(re.search(label + r":\s+(-?\d+)", text).group(1))
                 for label in ("Absolute upper-left X", "Absolute upper-left Y", "Width", "Height"))


def assert_frame(shot, x, y, w, h, color, border=BORDER, top=HEADER):
    """The content at x, y, w, h is surrounded by the label's colour on all sides."""
    for i in range(1, border + 1):
        for px in range(x, x + w, 7):
            assert shot(px, y + h - 1 + i) == color, "bottom border at %d,%d" % (px, y + h - 1 + i)
        for py in range(y, y + h, 7):
            assert shot(x - i, py) == color, "left border"
            assert shot(x + w - 1 + i, py) == color, "right border"
    for px in range(x, x + w, 7):
        assert shot(px, y - top) == color, "top border"


def assert_content(shot, x, y, w, h, color):
    for px in list(range(x, x + w, 9)) + [x + w - 1]:
        for py in list(range(y, y + h, 9)) + [y + h - 1]:
            assert shot(px, py) == color, "content at %d,%d is %06x" % (px, py, shot(px, py))


def focus(d, window):
    subprocess.run(["xdotool", "windowactivate", "--sync", d.xid(window)], check=True)


def dialog():
    return output("xdotool", "search", "--name", "dom0: GUI protocol violation").split()
