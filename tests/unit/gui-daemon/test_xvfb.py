#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qubes-guid under Xvfb and a window manager, driven by agents that the test plays itself. TAP on stdout.
Usage: test_xvfb.py BUILD-DIRECTORY [TEST…]"""
import ctypes, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, traceback

from Xlib import X, display as xdisplay
from Xlib.ext import xtest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fake_agent as fa

BUILD = os.path.abspath(sys.argv[1])
GUID = BUILD + "/gui-daemon-socket/qubes-guid"
SHOTS = BUILD + "/gui-daemon/shots"
WIDTH, HEIGHT = 1280, 800
BORDER, HEADER = 4, 26
RED, GREEN, BLUE, YELLOW = 0xcc0000, 0x73d216, 0x3465a4, 0xedd400
LABELS = {RED: 1, YELLOW: 3, GREEN: 4, BLUE: 6}


# Xorg's dummy driver, where several monitors are wanted.
XORG_CONF = """
Section "ServerFlags"
    Option "AutoAddDevices" "false"
EndSection
Section "Device"
    Identifier "device"
    Driver "dummy"
    VideoRam 64000
EndSection
Section "Screen"
    Identifier "screen"
    Device "device"
    DefaultDepth 24
    SubSection "Display"
        Depth 24
        Virtual 1280 800
    EndSubSection
EndSection
"""


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
        with open(self.dir + "/xorg.conf", "w") as f:
            f.write(XORG_CONF)
        return ["/usr/lib/xorg/Xorg", ":%d" % number, "-config", self.dir + "/xorg.conf", "-noreset", "-novtswitch",
                "-sharevts", "-nolisten", "tcp", "-logfile", self.dir + "/xorg.txt", "vt7"]

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


# ---- the tests ----

def test_framed_window(desktop):
    d = Domain(desktop)
    a = d.agent
    assert (a.minor, a.width, a.height, a.depth, a.mem) == (64, WIDTH, HEIGHT, 24, WIDTH * HEIGHT * 4 // 1024 + 1)
    a.window(0x100, 100, 100, 400, 300, 0xffeecc, b"Editor \xe2\x80\xa6 <b>\x1b[0m\xff")
    d.mapped(0x100)
    a.expect(fa.DUMP_ACK, 0x100)
    shot = desktop.shot("framed-window")
    assert_frame(shot, 100, 100, 400, 300, BLUE)
    assert_content(shot, 100, 100, 400, 300, 0xffeecc)
    text = output("xprop", "-id", d.xid(0x100))
    assert 'WM_CLASS(STRING) = "work:test", "work:Test"' in text
    assert 'WM_NAME(STRING) = "Editor ... <b>_[0m_"' in text, text
    assert "_QUBES_LABEL_COLOR(CARDINAL) = %d" % BLUE in text
    d.close()


def test_never_without_its_frame(desktop):
    """The X server keeps the frame in place while the daemon does nothing."""
    d = Domain(desktop)
    d.agent.window(0x100, 100, 100, 400, 300, 0xffeecc)
    d.agent.window(0x101, 700, 100, 400, 300, 0xccffee, override=1)
    d.mapped(0x100)
    d.mapped(0x101)
    xids = d.xid(0x100), d.xid(0x101)
    d.process.send_signal(signal.SIGSTOP)
    try:
        for w, h in ((250, 200), (450, 350)):
            for xid, border, top in zip(xids, (BORDER, 2), (HEADER, 2)):
                subprocess.run(["xdotool", "windowsize", "--sync", xid, str(w + 2 * border), str(h + top + border)], check=True)
            shot = desktop.shot("stopped-%d" % w)
            assert_frame(shot, 100, 100, w, h, BLUE)
            assert_frame(shot, 700, 100, w, h, BLUE, 2, 2)
        # The whole frame has the colour when the window comes back, before anybody has painted.
        xid = xids[0]
        subprocess.run(["xdotool", "windowunmap", "--sync", xid, "windowmap", "--sync", xid], check=True)
        wait_for("frame", lambda: desktop.shot()(102, 90) == BLUE)
        assert_frame(desktop.shot(), 100, 100, 450, 350, BLUE)
    finally:
        d.process.send_signal(signal.SIGCONT)
    d.close()


def test_pixels_are_exact_and_copied_once(desktop):
    d = Domain(desktop)
    a = d.agent
    w, h = 317, 203
    pixels = bytes(b for y in range(h) for x in range(w) for b in (x & 255, y & 255, (x * y) & 255, 0))
    a.window(0x100, 100, 100, w, h, pixels)
    d.mapped(0x100)
    shot = desktop.shot()
    for y in range(h):
        for x in range(w):
            assert shot(100 + x, 100 + y) == (((x * y) & 255) << 16 | (y & 255) << 8 | x & 255), (x, y)
    before = d.counters()
    assert before["bytes-copied"] <= before["damaged-bytes"] + w * h * 4
    a.fill(0x100, 0x123456, (10, 20, 30, 40))
    a.damage(0x100, 10, 20, 30, 40)
    a.send(fa.FRAME_REQUEST, 0x100, struct.pack("<I", 7))
    assert struct.unpack("<3I", a.expect(fa.FRAME_DONE))[0] == 7
    after = d.counters()
    assert after["bytes-copied"] - before["bytes-copied"] == 30 * 40 * 4, (before, after)
    assert after["events"] - before["events"] == 1
    shot = desktop.shot()
    assert_content(shot, 110, 120, 30, 40, 0x123456)
    d.close()


def run_tray(desktop):
    return subprocess.Popen(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "tray.py")], env=desktop.env)


def test_tray_icon(desktop):
    d = Domain(desktop)
    a = d.agent
    a.create(0x300, 0, 0, 22, 22)
    a.send(fa.DOCK, 0x300)
    a.dump(0x300, 22, 22, 0xc0c0c0)
    a.fill(0x300, 0xffffff, (8, 8, 6, 6))
    a.map(0x300)
    time.sleep(0.3)
    # A tray that starts later takes it in.
    tray = run_tray(desktop)
    try:
        d.mapped(0x300)
        wait_for("size", lambda: struct.unpack("<iiII", a.expect(fa.CONFIGURE, 0x300)[:16])[2:] == (22, 22))
        shot = desktop.shot("tray")
        assert_frame(shot, 11, 11, 22, 22, BLUE, 1, 1)
        assert shot(12, 12) == BLUE and shot(11 + 10, 11 + 10) == 0xffffff, hex(shot(12, 12))
        # The tray starts again: so does the icon.
        stop(tray)
        wait_for("no tray", lambda: desktop.shot()(21, 21) != 0xffffff)
        tray = run_tray(desktop)
        wait_for("icon", lambda: desktop.shot()(21, 21) == 0xffffff)
        a.drain()
        subprocess.run(["xdotool", "mousemove", "20", "20", "click", "1"], check=True)
        assert struct.unpack("<Iii", a.expect(fa.BUTTON, 0x300)[:12]) == (4, 9, 9)
        a.send(fa.UNMAP, 0x300)
        a.send(fa.DESTROY, 0x300)
        a.expect(fa.DESTROY, 0x300)
        d.close()
        d = Domain(desktop, options=["--trayicon-mode", "tint"])
        a = d.agent
        a.create(0x300, 0, 0, 22, 22)
        a.send(fa.DOCK, 0x300)
        a.dump(0x300, 22, 22, 0x808080)
        a.map(0x300)
        d.mapped(0x300)
        assert_content(desktop.shot("tray-tint"), 11, 11, 22, 22, BLUE)
    finally:
        stop(tray)
    d.close()


def test_status_notifier_item(desktop):
    """Without a tray, but with a StatusNotifier host, icons go there: tinted, and clicks come back."""
    env = {"DBUS_SESSION_BUS_ADDRESS": desktop.address}
    record = desktop.dir + "/items"

    def run_host():
        open(record, "w").close()
        host = subprocess.Popen(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "sni_host.py"), record],
                                env=dict(desktop.env, **env), stdin=subprocess.PIPE, text=True, bufsize=1)
        wait_for("host", lambda: "ready" in text())
        return host

    def text():
        with open(record) as f:
            return f.read()

    host = run_host()
    try:
        d = Domain(desktop, options=["--trayicon-mode", "tint"], env=env)
        a = d.agent
        a.create(0x300, 0, 0, 22, 22)
        a.title(0x300, b"player")
        a.send(fa.DOCK, 0x300)
        a.dump(0x300, 22, 22, 0x808080)
        a.map(0x300)
        d.mapped(0x300)
        item = "+ qubes-guid-work-0x300 22 22 ff%06x work" % BLUE
        wait_for("item", lambda: item in text())
        a.fill(0x300, 0xffffff)
        a.damage(0x300, 0, 0, 22, 22)
        wait_for("new icon", lambda: "22 22 ffffffff work" in text())
        # A click moves the guest's window to the pointer, so that the menu opens there, and goes to its middle.
        host.stdin.write("ContextMenu 600 500\n")
        assert struct.unpack("<iiII", a.expect(fa.CONFIGURE, 0x300)[:16]) == (589, 489, 22, 22)
        a.configure(0x300, 589, 489, 22, 22)
        assert struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x300)) == (4, 11, 11, 0, 3)
        assert struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x300)) == (5, 11, 11, 0, 3)
        host.stdin.write("Activate 700 400\n")
        assert struct.unpack("<ii", a.expect(fa.CONFIGURE, 0x300)[:8]) == (689, 389)
        a.configure(0x300, 689, 389, 22, 22)
        assert struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x300))[4] == 1
        a.expect(fa.BUTTON, 0x300)
        host.stdin.write("Scroll 120 vertical\n")
        assert struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x300))[4] == 5
        # The host starts again: so does the icon. A tray that comes instead takes it, too.
        stop(host)
        host = run_host()
        wait_for("item again", lambda: "+ qubes-guid-work-0x300" in text())
        a.send(fa.UNMAP, 0x300)
        wait_for("item gone", lambda: "- " in text())
        a.map(0x300)
        wait_for("item back", lambda: text().count("+ qubes-guid") > 1)
        stop(host)
        tray = run_tray(desktop)
        wait_for("icon", lambda: desktop.shot()(21, 21) == 0xffffff)
        stop(tray)
        d.close()
    finally:
        stop(host)


def test_damage_is_merged(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    before = d.counters()
    for i in range(3000):
        a.damage(0x100, i % 50, i % 40, 200, 100)
    a.send(fa.FRAME_REQUEST, 0x100, struct.pack("<I", 3))
    a.expect(fa.FRAME_DONE)
    after = d.counters()
    delta = {k: after[k] - before[k] for k in after}
    assert delta["damaged-bytes"] == 3000 * 200 * 100 * 4
    assert delta["frames"] < 300 and delta["events"] == delta["frames"], delta
    assert delta["bytes-copied"] <= delta["frames"] * 250 * 140 * 4, delta
    d.close()


def shared_kb(pid):
    """Memory that is shared with the X server."""
    with open("/proc/%d/smaps" % pid) as f:
        return sum(int(size) for size in re.findall(r"memfd:qubes-guid.*\nSize:\s+(\d+)", f.read()))


def test_memory_of_large_windows_is_given_back(desktop):
    d = Domain(desktop)
    for _ in range(2):
        d.agent.window(0x100, 10, 40, 1200, 700, 0x334455)
        d.mapped(0x100)
        wait_for("content", lambda: desktop.shot()(600, 400) == 0x334455)
        assert shared_kb(d.process.pid) >= 1200 * 700 * 4 // 1024
        d.agent.send(fa.UNMAP, 0x100)
        d.agent.send(fa.DESTROY, 0x100)
        d.agent.expect(fa.DESTROY, 0x100)
        wait_for("memory", lambda: shared_kb(d.process.pid) == 0)
    d.close()


def test_three_domains_in_their_colours(desktop):
    domains = []
    for i, (name, color) in enumerate((("work", BLUE), ("bank", GREEN), ("untrusted", RED))):
        d = Domain(desktop, name, 10 + i, color)
        d.agent.window(0x200, 60 + 400 * i, 150, 320, 240, 0xf0f0f0, b"window of " + name.encode())
        domains.append(d)
    for d in domains:
        d.mapped(0x200)
    shot = desktop.shot("three-domains")
    for i, color in enumerate((BLUE, GREEN, RED)):
        assert_frame(shot, 60 + 400 * i, 150, 320, 240, color)
        assert_content(shot, 60 + 400 * i, 150, 320, 240, 0xf0f0f0)
    for d in domains:
        d.close()


def test_popup_has_border_and_stays_on_screen(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    a.window(0x101, 1200, 750, 200, 150, 0x8888ff, override=1, transient=0x100)
    d.mapped(0x101)
    x, y, w, h, override = struct.unpack("<iiIII", a.expect(fa.CONFIGURE, 0x101))
    assert (x, y, w, h, override) == (WIDTH - 202, HEIGHT - 152, 200, 150, 1)
    shot = desktop.shot("popup")
    assert_frame(shot, x, y, w, h, BLUE, 2, 2)
    assert_content(shot, x, y, w, h, 0x8888ff)
    a.configure(0x101, x, y, w, h)
    a.configure(0x101, 300, 300, 250, 100)
    a.dump(0x101, 250, 100, 0x00aa00)
    a.damage(0x101, 0, 0, 250, 100)
    wait_for("moved popup", lambda: desktop.shot()(300, 300) == 0x00aa00)
    assert_frame(desktop.shot(), 300, 300, 250, 100, BLUE, 2, 2)
    d.close()


def test_popup_never_covers_the_panel(desktop):
    panel = subprocess.Popen(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "panel.py")], env=desktop.env)
    try:
        wait_for("panel", lambda: re.search(r"= 0, 40,", output("xprop", "-root", "_NET_WORKAREA")))
        d = Domain(desktop)
        a = d.agent
        a.window(0x101, 50, 0, 200, 150, 0x8888ff, override=1)
        d.mapped(0x101)
        x, y, _, _, _ = struct.unpack("<iiIII", a.expect(fa.CONFIGURE, 0x101))
        assert (x, y) == (50, 42)
        # One as large as the screen is no popup but a framed window.
        a.window(0x102, 0, 0, WIDTH, HEIGHT, 0x444444, override=1)
        d.mapped(0x102)
        assert "_NET_WM_STATE" in output("xprop", "-id", d.xid(0x102)) or geometry(d.xid(0x102))[1] >= 40
        assert desktop.shot("panel")(5, 5) == 0x102030
        d.close()
    finally:
        stop(panel)


def test_two_monitors(desktop):
    output("xrandr", "--addmode", "DUMMY1", "640x480")
    output("xrandr", "--output", "DUMMY0", "--mode", "640x480", "--pos", "0x0", "--output", "DUMMY1", "--mode", "640x480",
           "--pos", "640x0")
    assert "Monitors: 2" in output("xrandr", "--listmonitors")
    d = Domain(desktop)
    a = d.agent
    # A menu belongs to the monitor that most of it is on, and does not reach into the other.
    for window, x, expected in ((0x101, 500, 438), (0x102, 600, 642)):
        a.window(window, x, 300, 200, 100, 0x8888ff, override=1)
        d.mapped(window)
        at = struct.unpack("<ii", a.expect(fa.CONFIGURE, window)[:8])
        assert at == (expected, 300), at
        assert_frame(desktop.shot(), expected, 300, 200, 100, BLUE, 2, 2)
    # Maximising means one monitor.
    a.window(0x103, 700, 100, 200, 100, 0xffffff)
    d.mapped(0x103)
    a.flags(0x103, 1)
    accept = lambda body: struct.unpack("<iiII", body[:16]) == (640 + BORDER, HEADER, 640 - 2 * BORDER, 480 - HEADER - BORDER)
    assert a.expect(fa.CONFIGURE, 0x103, accept=accept)
    d.close()


test_two_monitors.xorg = True


class Settings:
    """What a desktop's settings daemon does, for one setting: the resolution of text."""

    def __init__(self, desktop):
        self.d = xdisplay.Display(desktop.env["DISPLAY"])
        root = self.d.screen().root
        self.window = root.create_window(0, 0, 1, 1, 0, X.CopyFromParent)
        self.property = self.d.intern_atom("_XSETTINGS_SETTINGS")
        self.serial = 0
        selection = self.d.intern_atom("_XSETTINGS_S0")
        self.set_dpi(96)
        self.window.set_selection_owner(selection, X.CurrentTime)
        self.d.sync()

    def set_dpi(self, dpi):
        self.serial += 1
        name = b"Xft/DPI"
        data = struct.pack("<B3xII", 0, self.serial, 1) + struct.pack("<BxH", 0, len(name)) + name + b"\0" + struct.pack(
            "<Ii", self.serial, dpi * 1024)
        self.window.change_property(self.property, self.property, 8, data)
        self.d.sync()


def test_scale_changes(desktop):
    """The user chooses another scale: all windows are told, new ones have larger frames."""
    settings = Settings(desktop)
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 150, 300, 200, 0xffeecc)
    d.mapped(0x100)
    assert not [m for m in a.drain() if m[0] == fa.SCALE]
    settings.set_dpi(192)
    assert struct.unpack("<I", a.expect(fa.SCALE, 0x100)) == (240,)
    a.window(0x101, 600, 150, 300, 200, 0xccffee)
    d.mapped(0x101)
    assert struct.unpack("<I", a.expect(fa.SCALE, 0x101)) == (240,)
    shot = desktop.shot()
    assert_frame(shot, 100, 150, 300, 200, BLUE)
    assert_frame(shot, 600, 150, 300, 200, BLUE, 2 * BORDER, 2 * HEADER)
    d.close()


def test_scale_of_the_desktop(desktop):
    """Frames grow with the desktop's text, and the domain is told for each window."""
    subprocess.run(["xprop", "-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER", "Xft.dpi:\t144\n"], check=True)
    d = Domain(desktop)
    a = d.agent
    for window, x, override in ((0x100, 100, 0), (0x101, 700, 1)):
        a.window(window, x, 100, 400, 300, 0xffeecc, b"large", override=override)
        d.mapped(window)
        assert struct.unpack("<I", a.expect(fa.SCALE, window)) == (180,)
    shot = desktop.shot("scaled")
    assert_frame(shot, 100, 100, 400, 300, BLUE, BORDER * 3 // 2, HEADER * 3 // 2)
    assert_frame(shot, 700, 100, 400, 300, BLUE, 3, 3)
    # The button that closes has grown, too.
    subprocess.run(["xdotool", "mousemove", str(500 - 27), "80", "click", "1"], check=True)
    a.expect(fa.CLOSE, 0x100)
    a.send(fa.SCALE, 0x100, struct.pack("<I", 180))
    d.close()
    d = Domain(desktop, "old", version=fa.VERSION_QUBES)
    d.agent.window(0x100, 100, 100, 400, 300, 0xffeecc)
    d.mapped(0x100)
    assert not [m for m in d.agent.drain() if m[0] == fa.SCALE]
    d.close()


def test_without_window_manager(desktop):
    stop(desktop.wm)
    desktop.wm = None
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffeecc, b"no window manager")
    a.window(0x101, 500, 100, 300, 200, 0xccffee, b"", override=1)
    d.mapped(0x100)
    d.mapped(0x101)
    shot = desktop.shot("no-wm")
    assert_frame(shot, 100, 100, 300, 200, BLUE)
    assert_content(shot, 100, 100, 300, 200, 0xffeecc)
    assert_frame(shot, 500, 100, 300, 200, BLUE, 2, 2)
    a.configure(0x100, 200, 300, 250, 150)
    a.dump(0x100, 250, 150, 0x123456)
    a.damage(0x100, 0, 0, 250, 150)
    wait_for("moved", lambda: desktop.shot()(449, 449) == 0x123456)
    assert_frame(desktop.shot(), 200, 300, 250, 150, BLUE)
    d.close()


def test_other_window_managers(desktop):
    """Stacking or tiling: the frame is ours, and the agent learns where its window is."""
    for name, command in (("openbox", ["openbox"]), ("icewm", ["icewm"]), ("i3", ["i3", "-c", "/dev/null"])):
        stop(desktop.wm)
        desktop.start_wm(command)
        d = Domain(desktop, name)
        a = d.agent
        a.window(0x100, 100, 150, 300, 200, 0xffeecc, b"under " + name.encode())
        d.mapped(0x100)
        a.drain()
        xid = d.xid(0x100)
        subprocess.run(["xdotool", "windowsize", xid, "508", "430"], check=True)
        a.drain()

        def framed():
            x, y, w, h = geometry(xid)
            w, h = w - 2 * BORDER, h - HEADER - BORDER
            a.dump(0x100, w, h, 0xffeecc)
            a.damage(0x100, 0, 0, w, h)
            a.drain(0.1)
            try:
                shot = desktop.shot("wm-" + name)
                assert_frame(shot, x + BORDER, y + HEADER, w, h, BLUE)
                assert_content(shot, x + BORDER, y + HEADER, w, h, 0xffeecc)
            except (AssertionError, IndexError):
                return False
            return True

        wait_for("frame under " + name, framed)
        a.window(0x101, 500, 300, 100, 80, 0x8888ff, override=1, transient=0x100)
        d.mapped(0x101)
        assert_frame(desktop.shot(), 500, 300, 100, 80, BLUE, 2, 2)
        focus(d, 0x100)
        a.drain(0.1)
        subprocess.run(["xdotool", "key", "a"], check=True)
        a.expect(fa.KEYPRESS, 0x100)
        d.close()


def test_with_a_compositor(desktop):
    stop(desktop.wm)
    desktop.start_wm(["xfwm4", "--compositor=on"])
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffeecc, b"composited")
    d.mapped(0x100)
    wait_for("content", lambda: desktop.shot()(399, 299) == 0xffeecc)
    assert_frame(desktop.shot("compositor"), 100, 100, 300, 200, BLUE)
    for i in range(5):
        a.fill(0x100, 0x111111 * i)
        a.damage(0x100, 0, 0, 300, 200)
        a.send(fa.FRAME_REQUEST, 0x100, struct.pack("<I", i))
        assert struct.unpack("<I", a.expect(fa.FRAME_DONE)[:4])[0] == i
    wait_for("content", lambda: desktop.shot()(399, 299) == 0x444444)
    d.close()


def test_life_of_a_dialog(desktop):
    """Transient, modal, class, size hints and urgency reach the window manager; unmapped, mapped again, destroyed."""
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff, b"main")
    d.mapped(0x100)
    a.create(0x101, 500, 300, 200, 150)
    a.wmclass(0x101, b"Dialog", b"ask")
    a.hints(0x101, 16 | 32, minimum=(120, 90), maximum=(400, 300))
    a.dump(0x101, 200, 150, 0x00ff00)
    a.map(0x101, transient=0x100)
    a.flags(0x101, 8)
    d.mapped(0x101)
    main, ask = d.xid(0x100), d.xid(0x101)
    wait_for("modal", lambda: "_NET_WM_STATE_MODAL" in output("xprop", "-id", ask, "_NET_WM_STATE"))
    text = output("xprop", "-id", ask)
    assert "WM_TRANSIENT_FOR(WINDOW): window id # " + main in text, text
    assert 'WM_CLASS(STRING) = "work:ask", "work:Dialog"' in text
    assert "minimum size: %d by %d" % (120 + 2 * BORDER, 90 + HEADER + BORDER) in text
    assert "maximum size: %d by %d" % (400 + 2 * BORDER, 300 + HEADER + BORDER) in text
    focus(d, 0x101)
    a.flags(0x100, 2)
    wait_for("urgent", lambda: "urgency hint" in output("xprop", "-id", main, "WM_HINTS"))
    # As long as it is modal the window manager keeps the focus from its parent.
    a.flags(0x101, 0, 8)
    wait_for("not modal", lambda: "_NET_WM_STATE_MODAL" not in output("xprop", "-id", ask, "_NET_WM_STATE"))
    focus(d, 0x100)
    wait_for("calm", lambda: "urgency hint" not in output("xprop", "-id", main, "WM_HINTS"))
    a.send(fa.UNMAP, 0x101)
    wait_for("hidden", lambda: "IsViewable" not in output("xwininfo", "-id", ask))
    a.map(0x101)
    wait_for("shown", lambda: "IsViewable" in output("xwininfo", "-id", ask))
    a.send(fa.UNMAP, 0x101)
    a.send(fa.DESTROY, 0x101)
    a.expect(fa.DESTROY, 0x101)
    assert "IsViewable" in output("xwininfo", "-id", main)
    d.close()


def test_resize_by_the_user(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    a.drain()
    xid = d.xid(0x100)
    subprocess.run(["xdotool", "windowsize", "--sync", xid, "508", "430"], check=True)
    x, y, w, h, _ = struct.unpack("<iiIII", a.expect(fa.CONFIGURE, 0x100))
    assert (x, y, w, h) == (100, 100, 500, 400), (x, y, w, h)
    # Until we answer nothing further comes.
    subprocess.run(["xdotool", "windowsize", "--sync", xid, "408", "330"], check=True)
    subprocess.run(["xdotool", "windowmove", "--sync", xid, "60", "70"], check=True)
    time.sleep(0.3)
    try:
        a.expect(fa.CONFIGURE, 0x100, timeout=0.2)
        raise AssertionError("a second CONFIGURE before the first was acknowledged")
    except TimeoutError:
        pass
    a.configure(0x100, x, y, w, h)
    x, y, w, h, _ = struct.unpack("<iiIII", a.expect(fa.CONFIGURE, 0x100))
    assert (x, y, w, h) == (64, 96, 400, 300), (x, y, w, h)
    a.configure(0x100, x, y, w, h)
    a.dump(0x100, w, h, 0x00ff00)
    a.damage(0x100, 0, 0, w, h)
    wait_for("new content", lambda: desktop.shot()(x + w - 1, y + h - 1) == 0x00ff00)
    assert_frame(desktop.shot("resized"), x, y, w, h, BLUE)
    d.close()


def test_resize_storm(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    xid = d.xid(0x100)
    stop = threading.Event()
    state = {"count": 0, "geometry": None}

    def follow():
        while not stop.is_set():
            try:
                kind, window, body = a.receive(0.2)
            except TimeoutError:
                continue
            if kind == fa.CONFIGURE:
                x, y, w, h, _ = struct.unpack("<iiIII", body)
                a.configure(window, x, y, w, h)
                a.dump(window, w, h, 0x0000ff)
                a.damage(window, 0, 0, w, h)
                state["geometry"] = (x, y, w, h)
                state["count"] += 1

    thread = threading.Thread(target=follow)
    thread.start()
    command = ["xdotool"]
    for i in range(150):
        command += ["windowsize", xid, str(200 + i * 37 % 500), str(150 + i * 53 % 400)]
    subprocess.run(command + ["windowsize", xid, "608", "530"], check=True)
    try:
        wait_for("last size", lambda: state["geometry"] and state["geometry"][2:] == (600, 500))
        wait_for("content", lambda: desktop.shot()(state["geometry"][0] + 599, state["geometry"][1] + 499) == 0x0000ff)
    finally:
        stop.set()
        thread.join()
    assert d.process.poll() is None
    d.close()


def test_keys_and_pointer(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    focus(d, 0x100) # the window manager may keep it from a new window
    a.expect(fa.FOCUS, 0x100)
    assert len(a.expect(fa.KEYMAP, 0x100)) == 32
    subprocess.run(["xdotool", "mousemove", "150", "160", "click", "1", "click", "4", "key", "a"], check=True)
    kind, x, y, _, button = struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x100))
    assert (kind, x, y, button) == (4, 50, 60, 1)
    assert struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x100))[::4] == (5, 1)
    assert struct.unpack("<IiiII", a.expect(fa.BUTTON, 0x100))[4] == 4
    kind, x, y, state, code = struct.unpack("<IiiII", a.expect(fa.KEYPRESS, 0x100))
    assert (kind, x, y, code) == (2, 50, 60, 38), (kind, x, y, code)
    assert struct.unpack("<IiiII", a.expect(fa.KEYPRESS, 0x100))[0] == 3
    assert a.expect(fa.MOTION, 0x100)
    # A held key is one press: the guest's own server repeats.
    a.drain()
    subprocess.run(["xdotool", "keydown", "b", "sleep", "1", "keyup", "b"], check=True)
    keys = [m for m in a.drain(0.5) if m[0] == fa.KEYPRESS]
    assert len(keys) == 2, keys
    d.close()


class CursorImage(ctypes.Structure):
    _fields_ = [(n, ctypes.c_short) for n in ("x", "y", "width", "height", "xhot", "yhot")] + [
        ("serial", ctypes.c_ulong), ("pixels", ctypes.POINTER(ctypes.c_ulong)), ("atom", ctypes.c_ulong),
        ("name", ctypes.c_char_p)]


def pointer_image(desktop):
    """What the pointer looks like now."""
    x, fixes = ctypes.CDLL("libX11.so.6"), ctypes.CDLL("libXfixes.so.3")
    x.XOpenDisplay.restype = ctypes.c_void_p
    fixes.XFixesGetCursorImage.restype = ctypes.POINTER(CursorImage)
    display = ctypes.c_void_p(x.XOpenDisplay(desktop.env["DISPLAY"].encode()))
    image = fixes.XFixesGetCursorImage(display).contents
    value = (image.width, image.height, image.pixels[:image.width * image.height])
    x.XCloseDisplay(display)
    return value


def test_cursors(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    subprocess.run(["xdotool", "mousemove", "250", "200"], check=True)
    a.expect(fa.MOTION, 0x100)
    arrow = pointer_image(desktop)
    watch, text = 0x100 + 150, 0x100 + 152  # glyphs of X's cursor font
    seen = []
    for cursor in (watch, text):
        before = pointer_image(desktop)
        a.send(fa.CURSOR, 0x100, struct.pack("<I", cursor))
        wait_for("cursor", lambda: pointer_image(desktop) != before)
        seen.append(pointer_image(desktop))
    assert seen[0] != seen[1]
    a.send(fa.CURSOR, 0x100, struct.pack("<I", 0))
    wait_for("arrow", lambda: pointer_image(desktop) == arrow)
    d.close()


def test_input_is_delayed_in_order(desktop):
    d = Domain(desktop, config="events_max_delay = 400\n")
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    focus(d, 0x100)
    a.drain(1)
    subprocess.run(["xdotool", "key", "--delay", "0"] + list("abcdefgh"), check=True)
    codes, times = [], []
    while len(codes) < 16:
        codes.append(struct.unpack("<5I", a.expect(fa.KEYPRESS, 0x100))[4])
        times.append(time.monotonic())
    assert codes[::2] == codes[1::2] == [38, 56, 54, 40, 26, 41, 42, 43], codes
    assert 0.02 < times[-1] - times[0] < 2 or len(set(round(t, 1) for t in times)) > 1
    d.close()


def test_header_buttons_and_hidden_parts(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff, b"title")
    d.mapped(0x100)
    a.drain()
    # A click on the frame is no input for the guest.
    subprocess.run(["xdotool", "mousemove", "390", "87", "click", "1"], check=True)
    a.expect(fa.CLOSE, 0x100)
    assert not [m for m in a.drain() if m[0] == fa.BUTTON]
    # The border resizes.
    subprocess.run("xdotool mousemove 402 200 sleep 0.2 mousedown 1 sleep 0.3 mousemove 420 200 sleep 0.1 mousemove 452 200 "
                   "sleep 0.1 mouseup 1".split(), check=True)
    wait_for("wider", lambda: geometry(d.xid(0x100))[2:] == (350 + 2 * BORDER, 200 + HEADER + BORDER))
    subprocess.run(["xdotool", "windowsize", "--sync", d.xid(0x100), str(300 + 2 * BORDER), str(200 + HEADER + BORDER)], check=True)
    a.drain()
    # maximise by the button, and back
    subprocess.run(["xdotool", "mousemove", "368", "87", "click", "1"], check=True)
    x, y, w, h, _ = struct.unpack("<iiIII", a.expect(fa.CONFIGURE, 0x100))
    assert (x, y, w, h) == (BORDER, HEADER, WIDTH - 2 * BORDER, HEIGHT - HEADER - BORDER), (x, y, w, h)
    a.configure(0x100, x, y, w, h)
    a.dump(0x100, w, h, 0x336699)
    a.damage(0x100, 0, 0, w, h)
    wait_for("maximised", lambda: desktop.shot()(w, h) == 0x336699)
    assert_frame(desktop.shot("maximised"), x, y, w, h, BLUE)
    d.close()


def test_fullscreen_is_refused_or_framed(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    a.flags(0x100, 1)
    assert struct.unpack("<II", a.expect(fa.FLAGS, 0x100)) == (1, 0)
    wait_for("maximised", lambda: "MAXIMIZED" in output("xprop", "-id", d.xid(0x100), "_NET_WM_STATE"))
    assert "FULLSCREEN" not in output("xprop", "-id", d.xid(0x100), "_NET_WM_STATE")
    d.close()
    d = Domain(desktop, config="global: { allow_fullscreen = true; }\n")
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    a.drain()
    a.flags(0x100, 1)
    full = (BORDER, BORDER, WIDTH - 2 * BORDER, HEIGHT - 2 * BORDER)
    geo = a.expect(fa.CONFIGURE, 0x100, accept=lambda b: struct.unpack("<iiII", b[:16]) == full)
    a.configure(0x100, *full)
    a.dump(0x100, full[2], full[3], 0x777777)
    a.damage(0x100, 0, 0, full[2], full[3])
    wait_for("fullscreen", lambda: desktop.shot()(WIDTH // 2, 10) == 0x777777)
    assert_frame(desktop.shot("fullscreen"), *full, BLUE, BORDER, BORDER)
    subprocess.run(["xdotool", "key", "ctrl+shift+F11"], check=True)
    assert struct.unpack("<II", a.expect(fa.FLAGS, 0x100)) == (0, 1)
    assert geo
    d.close()


def test_minimise(desktop):
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0x00aa00)
    d.mapped(0x100)
    xid = d.xid(0x100)
    a.drain()
    subprocess.run(["xdotool", "windowminimize", "--sync", xid], check=True)
    assert struct.unpack("<II", a.expect(fa.FLAGS, 0x100)) == (4, 0)
    # While nobody can see it frames are slow, and nothing is copied.
    before = d.counters()["bytes-copied"]
    a.fill(0x100, 0x0000aa)
    a.damage(0x100, 0, 0, 300, 200)
    t0 = time.monotonic()
    a.send(fa.FRAME_REQUEST, 0x100, struct.pack("<I", 1))
    a.expect(fa.FRAME_DONE)
    assert time.monotonic() - t0 > 0.5 and d.counters()["bytes-copied"] == before
    subprocess.run(["xdotool", "windowactivate", "--sync", xid], check=True)
    assert struct.unpack("<II", a.expect(fa.FLAGS, 0x100)) == (0, 4)
    wait_for("content", lambda: desktop.shot()(200, 200) == 0x0000aa)
    # The domain minimises, too.
    a.flags(0x100, 4)
    assert struct.unpack("<II", a.expect(fa.FLAGS, 0x100)) == (4, 0)
    d.close()


class Policy:
    """Answers policy questions: `allow` says how."""

    def __init__(self, desktop):
        self.path = desktop.dir + "/policy.sock"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(self.path)
        self.socket.listen(5)
        self.questions = []
        self.allow = True
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            text = b""
            while b"\n\n" not in text:
                text += connection.recv(4096)
            question = dict(line.split("=", 1) for line in text.decode().strip().splitlines())
            self.questions.append(question)
            target = question["intended_target"]
            answer = "result=deny\n" if not self.allow else \
                "result=allow\nuser=DEFAULT\ntarget=%s\nautostart=True\nrequested_target=%s\n" % (target, target)
            connection.sendall(answer.encode())
            connection.close()

    def close(self):
        self.socket.close()
        os.unlink(self.path)


def focus(d, window):
    subprocess.run(["xdotool", "windowactivate", "--sync", d.xid(window)], check=True)


def test_clipboard(desktop):
    policy = Policy(desktop)
    one, two = Domain(desktop, "work", 5, BLUE), Domain(desktop, "bank", 6, GREEN)
    one.agent.window(0x100, 50, 100, 300, 200, 0xffffff)
    one.mapped(0x100)
    two.agent.window(0x100, 650, 100, 300, 200, 0xffffff)
    two.mapped(0x100)
    path = desktop.dir + "/qubes-clipboard.bin"

    def copy(text):
        focus(one, 0x100)
        one.agent.drain()
        subprocess.run(["xdotool", "key", "ctrl+shift+c"], check=True)
        one.agent.expect(fa.CLIPBOARD_REQ, 0x100)
        one.agent.send(fa.CLIPBOARD_DATA, 0x100, text)
        time.sleep(0.2)
        # The letter itself never reaches the guest.
        assert not [m for m in one.agent.drain() if m[0] == fa.KEYPRESS and struct.unpack("<5I", m[2])[4] == 54]

    def paste():
        focus(two, 0x100)
        two.agent.drain()
        subprocess.run(["xdotool", "key", "ctrl+shift+v"], check=True)

    copy(b"secret text")
    assert open(path).read() == "secret text" and open(path + ".source").read() == "work"
    paste()
    assert two.agent.expect(fa.CLIPBOARD_DATA) == b"secret text"
    assert policy.questions[-1] == {"source": "work", "intended_target": "bank",
                                    "service_and_arg": "qubes.ClipboardPaste+"}
    wait_for("wiped", lambda: open(path).read() == "" and open(path + ".source").read() == "")
    # refused
    policy.allow = False
    copy(b"second")
    paste()
    wait_for("refusal", lambda: "not allowed" in two.text())
    assert not [m for m in two.agent.drain() if m[0] == fa.CLIPBOARD_DATA]
    assert open(path).read() == "second"
    # too long: nothing is kept; unasked: dropped
    copy(b"x" * 64001)
    assert open(path).read() == ""
    one.agent.send(fa.CLIPBOARD_DATA, 0x100, b"unasked")
    wait_for("log", lambda: "nobody asked" in one.text())
    assert open(path).read() == ""
    # into the same domain
    policy.allow = True
    copy(b"third")
    count = len(policy.questions)
    subprocess.run(["xdotool", "key", "ctrl+shift+v"], check=True)
    wait_for("own", lambda: "use its own clipboard" in one.text())
    assert len(policy.questions) == count
    policy.close()
    one.close()
    two.close()


def test_secure_keys_in_another_layout(desktop):
    """The combination is found by the first layout as well, and its keys stay in dom0."""
    subprocess.run(["setxkbmap", "us,ru"], check=True)
    x11 = ctypes.CDLL("libX11.so.6")
    x11.XOpenDisplay.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(x11.XOpenDisplay(desktop.env["DISPLAY"].encode()))
    x11.XkbLockGroup(handle, 0x100, 1)  # the core keyboard's second layout
    x11.XSync(handle, 0)
    d = Domain(desktop)
    d.agent.window(0x100, 50, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    focus(d, 0x100)
    d.agent.drain()
    keyboard = xdisplay.Display(desktop.env["DISPLAY"])
    codes = (37, 50, 54)  # Ctrl, Shift and the key of "c"
    for kind, keys in ((X.KeyPress, codes), (X.KeyRelease, codes[::-1])):
        for code in keys:
            xtest.fake_input(keyboard, kind, code)
    keyboard.sync()
    d.agent.expect(fa.CLIPBOARD_REQ, 0x100)
    pressed = [struct.unpack("<5I", m[2])[4] for m in d.agent.drain() if m[0] == fa.KEYPRESS]
    assert 37 in pressed and 54 not in pressed, pressed
    x11.XCloseDisplay(handle)
    d.close()


def test_clipboard_is_cleared_after_a_time(desktop):
    d = Domain(desktop, config="clipboard_timeout = 1\n")
    d.agent.window(0x100, 50, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    focus(d, 0x100)
    subprocess.run(["xdotool", "key", "ctrl+shift+c"], check=True)
    d.agent.expect(fa.CLIPBOARD_REQ, 0x100)
    d.agent.send(fa.CLIPBOARD_DATA, 0x100, b"short-lived")
    path = desktop.dir + "/qubes-clipboard.bin"
    wait_for("copy", lambda: os.path.exists(path) and open(path).read() == "short-lived")
    wait_for("wipe", lambda: open(path).read() == "", 5)
    # The daemon that copied does not live long enough: whoever pastes later finds nothing.
    subprocess.run(["xdotool", "key", "ctrl+shift+c"], check=True)
    d.agent.expect(fa.CLIPBOARD_REQ, 0x100)
    d.agent.send(fa.CLIPBOARD_DATA, 0x100, b"left over")
    wait_for("copy", lambda: open(path).read() == "left over")
    d.process.kill()
    d.close()
    other = Domain(desktop, "bank", 6, GREEN, config="clipboard_timeout = 1\n")
    other.agent.window(0x100, 50, 100, 300, 200, 0xffffff)
    other.mapped(0x100)
    focus(other, 0x100)
    time.sleep(1.5)  # longer than the time-out
    subprocess.run(["xdotool", "key", "ctrl+shift+v"], check=True)
    wait_for("nothing", lambda: "The clipboard is empty" in other.text() and open(path).read() == "")
    other.close()


def test_notifications(desktop):
    """A session bus is used if there is one, also behind the system call filter."""
    record = desktop.dir + "/notified"
    env = {"DBUS_SESSION_BUS_ADDRESS": desktop.address}
    service = subprocess.Popen(["/usr/bin/python3", os.path.join(os.path.dirname(__file__), "notified.py"), record],
                               env=dict(desktop.env, **env))
    try:
        wait_for("service", lambda: os.path.exists(record))
        d = Domain(desktop, env=env)
        d.agent.window(0x100, 50, 100, 300, 200, 0xffffff)
        d.mapped(0x100)
        focus(d, 0x100)
        subprocess.run(["xdotool", "key", "ctrl+shift+c"], check=True)
        d.agent.expect(fa.CLIPBOARD_REQ, 0x100)
        d.agent.send(fa.CLIPBOARD_DATA, 0x100, b"<12345>")
        wait_for("notification", lambda: "work|Copied 7 bytes from work." in open(record).read())
        policy = Policy(desktop)
        other = Domain(desktop, "bank", 6, GREEN, env=env)
        other.agent.window(0x100, 650, 100, 300, 200, 0xffffff)
        other.mapped(0x100)
        focus(other, 0x100)
        subprocess.run(["xdotool", "key", "ctrl+shift+v"], check=True)
        assert other.agent.expect(fa.CLIPBOARD_DATA) == b"<12345>"
        wait_for("source and target", lambda: "bank|Pasted 7 bytes from work to bank." in open(record).read())
        policy.close()
        other.close()
        d.close()
    finally:
        stop(service)


def dialog():
    return output("xdotool", "search", "--name", "dom0: GUI protocol violation").split()


def test_violation_dialog(desktop):
    kill = desktop.dir + "/kill"
    with open(kill, "w") as f:
        f.write("#!/bin/sh\necho $1 > %s/killed\n" % desktop.dir)
    os.chmod(kill, 0o755)
    good = Domain(desktop, "bank", 6, GREEN)
    good.agent.window(0x100, 900, 550, 300, 200, 0x00aa00)
    good.mapped(0x100)
    bad = Domain(desktop, "untrusted", 7, RED, env={"QUBES_GUID_KILL": kill})
    bad.agent.window(0x100, 50, 400, 300, 200, 0xffffff)
    bad.mapped(0x100)
    bad.agent.send(fa.CURSOR, 0x100, struct.pack("<I", 0xfff))
    bad.agent.title(0x100, b"after")
    wait_for("dialog", dialog)
    time.sleep(0.3)
    desktop.shot("violation")
    assert "cursor 0xfff" in bad.text()
    # Nothing is read while it is open; others go on.
    assert "after" not in output("xprop", "-id", bad.xid(0x100), "WM_NAME")
    good.agent.fill(0x100, 0x0000aa)
    good.agent.damage(0x100, 0, 0, 300, 200)
    wait_for("others", lambda: desktop.shot()(1100, 700) == 0x0000aa)
    subprocess.run(["xdotool", "windowactivate", "--sync", dialog()[-1], "key", "alt+F4"])
    wait_for("closed", lambda: not dialog())
    wait_for("title", lambda: "after" in output("xprop", "-id", bad.xid(0x100), "WM_NAME"))
    # Once ignored, the next is only logged; with the option the domain is killed without a question.
    bad.agent.send(fa.CURSOR, 0x100, struct.pack("<I", 0xffe))
    wait_for("log", lambda: "cursor 0xffe" in bad.text())
    assert not dialog()
    bad.close()
    bad = Domain(desktop, "untrusted", 7, RED, config="terminate_on_violation = true\n", env={"QUBES_GUID_KILL": kill})
    bad.agent.send(fa.DESTROY, 0x999)
    assert bad.process.wait(10) == 1
    wait_for("killed", lambda: os.path.exists(desktop.dir + "/killed"))
    wait_for("name", lambda: open(desktop.dir + "/killed").read() == "untrusted\n")
    bad.close()
    good.close()


def violations():
    """(what, a function of the agent that does it, what the daemon must find wrong)"""
    pack = struct.pack
    page = pack("<I", 0)  # a reference that names no buffer
    known = lambda f: lambda a: (a.create(0x100, 0, 0, 64, 64), f(a))
    dump = lambda w, h, bpp=24, kind=0, refs=page: known(lambda a: a.send(fa.DUMP, 0x100, pack("<4I", kind, w, h, bpp) + refs))
    yield "window that exists", known(lambda a: a.create(0x100, 0, 0, 64, 64)), "CREATE of window 0x100, which exists"
    yield "too many windows", lambda a: [a.create(i, 0, 0, 64, 64) for i in (1, 2, 3)], "more than 2 windows"
    yield "empty window", lambda a: a.create(0x100, 0, 0, 0, 64), "CREATE of a window of 0 x 64"
    yield "huge window", lambda a: a.create(0x100, 0, 0, 16385, 64), "CREATE of a window of 16385 x 64"
    for name, send in (("MAP", lambda a: a.map(9)), ("UNMAP", lambda a: a.send(fa.UNMAP, 9)),
                       ("DESTROY", lambda a: a.send(fa.DESTROY, 9)), ("CONFIGURE", lambda a: a.configure(9, 0, 0, 5, 5)),
                       ("SHMIMAGE", lambda a: a.damage(9, 0, 0, 5, 5)), ("WMNAME", lambda a: a.title(9, b"x")),
                       ("DOCK", lambda a: a.send(fa.DOCK, 9)), ("WINDOW_DUMP", lambda a: a.dump(9, 5, 5))):
        yield name + " of no window", send, "MSG_%s of window 0x9, which does not exist" % name
    yield "empty CONFIGURE", known(lambda a: a.configure(0x100, 0, 0, 5, 0)), "CONFIGURE to 5 x 0"
    yield "huge CONFIGURE", known(lambda a: a.configure(0x100, 0, 0, 5, 6145)), "CONFIGURE to 5 x 6145"
    yield "empty damage", known(lambda a: a.damage(0x100, 0, 0, 0, 5)), "damage of 0 x 5"
    yield "flags set and unset", known(lambda a: a.flags(0x100, 2, 2)), "both set and unset"
    yield "minimised fullscreen", known(lambda a: a.flags(0x100, 5)), "both minimised and fullscreen"
    yield "dump of another kind", dump(8, 8, kind=7), "window dump of type 7"
    yield "dump of another depth", dump(8, 8, bpp=32), "32 bits a pixel"
    yield "huge dump", dump(16385, 8), "window dump of 16385 x 8"
    yield "dump of too few pages", dump(640, 480), "window dump of 640 x 480 pixels with 1 pages"
    yield "dump beyond the limit", dump(1024, 512, refs=page * 512), "window buffers of more than 1 MiB"
    yield "dump of no buffer", dump(8, 8, refs=pack("<I", 0xfffffff0)), "cannot be mapped"
    yield "cursor", known(lambda a: a.send(fa.CURSOR, 0x100, pack("<I", 0x19a))), "cursor 0x19a"
    yield "scale", known(lambda a: a.send(fa.SCALE, 0x100, pack("<I", 601))), "window scale 601/120"
    yield "icon", known(lambda a: a.send(fa.ICON, 0x100, pack("<3I", 2, 2, 0))), "icon of 2 x 2 pixels with 4 bytes"
    yield "unknown message", lambda a: a.send(200, 1), "message unknown (200)"
    yield "message of the daemon", lambda a: a.send(fa.KEYPRESS, 1, bytes(20)), "message MSG_KEYPRESS"
    yield "wrong length", known(lambda a: a.send(fa.MAP, 0x100, bytes(4))), "message MSG_MAP (132) with 4 bytes"
    yield "endless message", lambda a: a.raw(pack("<3I", fa.WMNAME, 0x100, 1 << 20)), "with 1048576 bytes"


def test_every_violation_asks(desktop):
    """Each rule of the protocol, broken once: the user is asked, and the domain's messages wait."""
    for what, send, wrong in violations():
        d = Domain(desktop, config="max_windows = 2\nmax_buffer_memory = 1\n")
        send(d.agent)
        try:
            wait_for("log of " + what, lambda: wrong in d.text())
            wait_for("dialog after " + what, dialog)
        except AssertionError as error:
            raise AssertionError("%s: the daemon says\n%s" % (error, d.text()))
        d.close()
        wait_for("no dialog", lambda: not dialog())


def test_wrong_version(desktop):
    agent = fa.Agent(desktop.dir, 5, version=2 << 16)
    process = subprocess.Popen([GUID, "-f", "-d", "5", "-N", "work", "-l", "1"], env=desktop.env, stderr=subprocess.DEVNULL)
    agent.listener.settimeout(20)
    agent.sock, _ = agent.listener.accept()
    agent.raw(struct.pack("<I", agent.version))
    wait_for("dialog", dialog)
    subprocess.run(["xdotool", "windowactivate", "--sync", dialog()[-1], "key", "alt+F4"])
    assert process.wait(10) == 1
    agent.close()


def test_agent_ends_with_the_dialog_open(desktop):
    d = Domain(desktop)
    d.agent.send(fa.DESTROY, 0x999)
    wait_for("dialog", dialog)
    d.agent.close()
    wait_for("end", lambda: "the agent is gone" in d.text())
    assert dialog()
    subprocess.run(["xdotool", "windowactivate", "--sync", dialog()[-1], "key", "alt+F4"])
    d.agent = fa.Agent(desktop.dir, 5)
    d.agent.accept()
    d.agent.window(0x100, 100, 100, 300, 200, 0x445566)
    d.mapped(0x100)
    d.close()


def test_agent_ends_and_comes_back(desktop):
    d = Domain(desktop, config="reconnect = false\n")
    d.agent.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    d.agent.close()
    assert d.process.wait(10) == 0
    desktop.domains.remove(d)
    d = Domain(desktop)
    for color in (0x111111, 0x222222, 0x333333):
        d.agent.window(0x100, 100, 100, 300, 200, color)
        wait_for("window", lambda: desktop.shot()(200, 200) == color)
        d.agent.close()
        wait_for("gone", lambda: desktop.shot()(200, 200) != color)
        d.agent = fa.Agent(desktop.dir, 5)
        d.agent.accept()
    d.close()


def test_background_and_exit_status(desktop):
    agent = fa.Agent(desktop.dir, 5)
    with open(desktop.dir + "/end.conf", "w") as f:
        f.write("reconnect = false\n")
    process = subprocess.Popen([GUID, "-d", "5", "-N", "work", "-l", "1", "-C", desktop.dir + "/end.conf"], env=desktop.env,
                               stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    assert process.poll() is None
    agent.accept()
    assert process.wait(10) == 0
    agent.window(0x100, 100, 100, 300, 200, 0x445566)
    wait_for("window", lambda: desktop.shot()(200, 200) == 0x445566)
    agent.close()
    wait_for("end", lambda: desktop.shot()(200, 200) != 0x445566)
    with open(desktop.dir + "/short.conf", "w") as f:
        f.write("startup_timeout = 1\n")
    result = subprocess.run([GUID, "-d", "6", "-N", "work", "-C", desktop.dir + "/short.conf"], env=desktop.env,
                            stderr=subprocess.PIPE, text=True)
    assert result.returncode == 3, result
    assert subprocess.run([GUID, "-N", "work"], env=desktop.env, stderr=subprocess.DEVNULL).returncode == 2


def test_invisible_until_asked(desktop):
    d = Domain(desktop, options=["-I"])
    d.agent.window(0x100, 100, 100, 300, 200, 0x445566)
    time.sleep(0.5)
    assert desktop.shot()(200, 200) != 0x445566
    d.process.send_signal(signal.SIGUSR1)
    wait_for("window", lambda: desktop.shot()(200, 200) == 0x445566)
    d.close()


def test_hundred_windows(desktop):
    d = Domain(desktop)
    a = d.agent
    for i in range(100):
        a.window(0x100 + i, 20 + i % 10 * 120, 40 + i // 10 * 70, 80, 30, 0x010101 * (i + 50))
    for i in range(100):
        d.mapped(0x100 + i)
    desktop.shot("hundred")
    counters = d.counters()
    assert counters["windows"] == 100 and counters["pages"] == 300, counters
    a.drain()
    for i in range(100):
        a.send(fa.UNMAP, 0x100 + i)
        a.send(fa.DESTROY, 0x100 + i)
    for i in range(100):
        a.expect(fa.DESTROY, 0x100 + i)
    counters = d.counters()
    assert counters["windows"] == 0 and counters["pages"] == 0, counters
    d.close()


def test_ids_are_used_again(desktop):
    """A new window with an old id gets keys and shows its own pixels."""
    d = Domain(desktop)
    a = d.agent
    for i in range(25):
        color = 0x0a0a0a * (i + 1) & 0xffffff
        a.window(0x100, 100 + i, 100, 300, 200, color, b"number %d" % i)
        wait_for("content", lambda: desktop.shot()(250, 250) == color)
        if i % 2:
            focus(d, 0x100)
        a.drain(0.05)
        subprocess.run(["xdotool", "key", "a"], check=True)
        assert struct.unpack("<5I", a.expect(fa.KEYPRESS, 0x100, 5))[4] == 38
        assert struct.unpack("<5I", a.expect(fa.KEYPRESS, 0x100, 5))[0] == 3
        a.send(fa.UNMAP, 0x100)
        a.send(fa.DESTROY, 0x100)
        a.expect(fa.DESTROY, 0x100)
    d.close()


def test_icons_are_tinted(desktop):
    d = Domain(desktop)
    a = d.agent
    # before the first map, and after it
    a.create(0x100, 100, 100, 300, 200)
    a.send(fa.ICON, 0x100, struct.pack("<II4I", 2, 2, 0xff000000, 0xffffffff, 0x80808080, 0xff808080))
    a.dump(0x100, 300, 200, 0xffffff)
    a.map(0x100)
    d.mapped(0x100)
    icon = lambda: output("xprop", "-id", d.xid(0x100), "-notype", "-f", "_NET_WM_ICON", "32c", "_NET_WM_ICON")
    values = [2, 2, 0xff000000, 0xffffffff, 0x80000000 | BLUE, 0xff000000 | BLUE]
    assert icon().strip() == "_NET_WM_ICON = " + ", ".join(map(str, values)), icon()
    a.send(fa.ICON, 0x100, struct.pack("<II1I", 1, 1, 0x00808080))
    wait_for("icon", lambda: icon().strip() == "_NET_WM_ICON = 1, 1, %d" % BLUE)
    d.close()


def test_screensaver_stays_on_top(desktop):
    for name, options in (("Saver", ["--screensaver-name", "Saver"]), ("i3lock", [])):
        screensaver(desktop, name, options)


def screensaver(desktop, name, options):
    saver = subprocess.Popen(["/usr/bin/python3", "-c", """
from Xlib import X, display
d = display.Display()
w = d.screen().root.create_window(0, 0, %d, %d, 0, X.CopyFromParent, background_pixel=0x112233, override_redirect=1)
w.set_wm_class("saver", "%s")
w.map()
d.sync()
import sys; sys.stdin.read()
""" % (WIDTH, HEIGHT, name)], env=desktop.env, stdin=subprocess.PIPE)
    wait_for("screensaver", lambda: desktop.shot()(300, 300) == 0x112233)
    d = Domain(desktop, options=options)
    d.agent.window(0x100, 200, 200, 300, 200, 0xffffff, override=1)
    time.sleep(1)
    assert desktop.shot()(300, 300) == 0x112233
    saver.stdin.close()
    saver.wait()
    wait_for("menu", lambda: desktop.shot()(300, 300) == 0xffffff)
    d.close()


def test_window_destroyed_from_outside(desktop):
    """No other program can make the daemon stumble by destroying its windows."""
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 100, 100, 300, 200, 0xffffff)
    a.window(0x101, 500, 100, 300, 200, 0x00ff00)
    d.mapped(0x100)
    d.mapped(0x101)
    subprocess.run(["/usr/bin/python3", "-c",
                    "from Xlib import display; d = display.Display(); "
                    "d.create_resource_object('window', %s).destroy(); d.sync()" % d.xid(0x100)], env=desktop.env, check=True)
    wait_for("gone", lambda: desktop.shot()(200, 200) != 0xffffff)
    a.fill(0x101, 0x0000ff)
    for window in (0x100, 0x101):
        a.damage(window, 0, 0, 300, 200)
        a.title(window, b"still there")
        a.configure(window, 600, 300, 300, 200)
    wait_for("other", lambda: desktop.shot()(899, 499) == 0x0000ff)
    a.send(fa.DESTROY, 0x100)
    a.expect(fa.DESTROY, 0x100)
    d.close()


def switches(pid):
    with open("/proc/%d/status" % pid) as f:
        return sum(int(n) for n in re.findall(r"ctxt_switches:\s+(\d+)", f.read()))


def test_idle_costs_nothing(desktop):
    d = Domain(desktop)
    d.agent.window(0x100, 100, 100, 300, 200, 0xffffff)
    d.mapped(0x100)
    subprocess.run(["xdotool", "mousemove", "5", "795"], check=True)
    time.sleep(1.5)
    before = switches(d.process.pid)
    time.sleep(3)
    after = switches(d.process.pid)
    print("# context switches in 3 idle seconds: %d" % (after - before))
    assert after - before == 0
    d.close()


def test_old_protocol(desktop):
    d = Domain(desktop, version=1 << 16 | 4)
    assert d.agent.minor == 4
    d.agent.window(0x100, 100, 100, 300, 200, 0x445566)
    d.mapped(0x100)
    d.agent.send(fa.DESTROY, 0x100)
    time.sleep(0.2)
    kinds = [m[0] for m in d.agent.drain()]
    assert fa.DUMP_ACK not in kinds and fa.DESTROY not in kinds, kinds
    d.close()


def test_flood_leaves_the_desktop_usable(desktop):
    bad, good = Domain(desktop, "untrusted", 7, RED), Domain(desktop, "bank", 6, GREEN)
    bad.agent.window(0x100, 50, 400, 300, 200, 0xffffff)
    bad.mapped(0x100)
    good.agent.window(0x100, 700, 100, 300, 200, 0x00aa00)
    good.mapped(0x100)
    stop = threading.Event()

    def flood():
        n = 0
        while not stop.is_set():
            try:
                bad.agent.title(0x100, b"flood %d" % n)
                bad.agent.flags(0x100, 2)
                bad.agent.flags(0x100, 0, 2)
            except OSError:
                return
            n += 1

    thread = threading.Thread(target=flood, daemon=True)
    thread.start()
    time.sleep(1)
    t0 = time.monotonic()
    for i in range(20):
        good.agent.fill(0x100, i)
        good.agent.damage(0x100, 0, 0, 300, 200)
        good.agent.send(fa.FRAME_REQUEST, 0x100, struct.pack("<I", i))
        good.agent.expect(fa.FRAME_DONE)
    took = time.monotonic() - t0
    stop.set()
    print("# 20 frames beside a flood: %.2f s" % took)
    assert took < 5
    with open("/proc/%d/status" % bad.process.pid) as f:
        assert int(re.search(r"RssAnon:\s+(\d+)", f.read()).group(1)) < 60000
    bad.close()
    good.close()
    thread.join(10)


def test_memory_and_filter(desktop):
    d = Domain(desktop)
    with open("/proc/%d/status" % d.process.pid) as f:
        status = f.read()
    assert re.search(r"NoNewPrivs:\s+1\nSeccomp:\s+2\n", status), status
    d.agent.window(0x100, 10, 40, 1000, 700, 0xffffff)
    d.mapped(0x100)
    time.sleep(0.5)
    with open("/proc/%d/smaps_rollup" % d.process.pid) as f:
        text = f.read()
    dirty, anonymous = (int(re.search(k + r":\s+(\d+)", text).group(1)) for k in ("Private_Dirty", "Anonymous"))
    print("# private memory: %d kB dirty, %d kB anonymous" % (dirty, anonymous))
    assert anonymous <= 8 * 1024
    d.close()


def run_test(function):
    """Run one test on a display of its own. Lines that tell why it failed; empty: it passed."""
    failure = []
    desktop = Desktop(getattr(function, "xorg", False))
    try:
        function(desktop)
    except Exception:
        failure = traceback.format_exc().splitlines()
        for domain in desktop.domains:
            failure += ["  " + line for line in domain.text().splitlines()[-15:]]
    finally:
        try:
            desktop.close()
        except Exception as error:
            print("# close: %r" % error)
    return failure


def main():
    wanted = sys.argv[2:]
    tests = [(n[5:], f) for n, f in globals().items() if n.startswith("test_") and (not wanted or n[5:] in wanted)]
    print("1..%d" % len(tests))
    bad = 0
    for number, (name, function) in enumerate(tests, 1):
        failure = run_test(function)
        bad += bool(failure)
        print("\n".join(["%sok %d - %s" % ("not " if failure else "", number, name)] + ["# " + line for line in failure]),
              flush=True)
    sys.exit(bad != 0)


main()
