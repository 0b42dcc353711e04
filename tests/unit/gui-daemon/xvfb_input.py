# SPDX-License-Identifier: GPL-2.0-or-later
"""What the user does: keys, pointer, copy and paste."""
import ctypes, os, signal, socket, struct, subprocess, threading, time

from Xlib import X, display as xdisplay
from Xlib.ext import xtest

import fake_agent as fa
from xvfb_desktop import BLUE, GREEN, Domain, domain_with_window, focus, stop, wait_for


def test_keys_and_pointer(desktop):
    d, a = domain_with_window(desktop)
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


def test_keys_held_while_the_focus_comes(desktop):
    """Control is pressed elsewhere, the window gets the focus, v is typed: it is Control-v, however late the daemon sees it."""
    control, v = 37, 55
    d, a = domain_with_window(desktop)
    a.window(0x101, 600, 100, 100, 100, 0xffffff)
    d.mapped(0x101)
    for window in (0x100, 0x101):
        focus(d, window)
    a.drain(1)
    os.kill(d.process.pid, signal.SIGSTOP)
    subprocess.run(["xdotool", "keydown", "Control_L", "windowfocus", "--sync", str(d.xid(0x100)), "key", "v", "keyup", "Control_L"],
                   check=True)
    os.kill(d.process.pid, signal.SIGCONT)
    down, typed = set(), []
    while not typed or down:
        kind, _, body = a.receive()
        if kind == fa.KEYMAP:
            down = {code for code in range(256) if body[code // 8] >> code % 8 & 1}
        elif kind == fa.KEYPRESS:
            press, _, _, _, code = struct.unpack("<5I", body)
            (down.add if press == 2 else down.discard)(code)
            if press == 2 and code == v:
                typed.append(control in down)
    assert typed == [True], typed
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
    d, a = domain_with_window(desktop)
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
    d, a = domain_with_window(desktop, config="events_max_delay = 400\n")
    focus(d, 0x100)
    a.drain(1)
    begun, codes = time.monotonic(), []
    subprocess.run(["xdotool", "key", "--delay", "0"] + list("abcdefgh"), check=True)
    while len(codes) < 16:
        codes.append(struct.unpack("<5I", a.expect(fa.KEYPRESS, 0x100))[4])
    assert codes[::2] == codes[1::2] == [38, 56, 54, 40, 26, 41, 42, 43], codes
    # None passes another, so the last waits for the longest of 16 random times of up to 400 ms: all below a quarter of it, that
    # comes once in four thousand million runs.
    assert time.monotonic() - begun > 0.1
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
    d, _ = domain_with_window(desktop, x=50)
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
    d, _ = domain_with_window(desktop, x=50, config="clipboard_timeout = 1\n")
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
