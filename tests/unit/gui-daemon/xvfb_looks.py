# SPDX-License-Identifier: GPL-2.0-or-later
"""What windows look like: frames, pixels, menus, monitors, scales, under several window managers."""
import os, re, signal, struct, subprocess, time

from Xlib import X, display as xdisplay

import fake_agent as fa
from xvfb_desktop import (BLUE, BORDER, GREEN, HEADER, HEIGHT, RED, WIDTH, Domain, assert_content, assert_frame,
                          domain_with_window, focus, geometry, output, stop, wait_for)


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


def test_damage_is_merged(desktop):
    d, a = domain_with_window(desktop)
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
    d, a = domain_with_window(desktop)
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
        # Nor is one that grows to that.
        a.send(fa.DESTROY, 0x102)
        a.window(0x103, 100, 100, 50, 50, 0x444444, override=1)
        d.mapped(0x103)
        a.configure(0x103, 100, 100, WIDTH, HEIGHT)

        def framed():
            try:
                return "Override Redirect State: no" in output("xwininfo", "-id", d.xid(0x103))
            except AssertionError:  # the old window is gone, the new one not there
                return False
        wait_for("a frame", framed)
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
    d, a = domain_with_window(desktop, y=150, color=0xffeecc)
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


def set_dpi(dpi):
    subprocess.run(["xprop", "-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER", "Xft.dpi:\t%d\n" % dpi], check=True)


def test_scale_of_the_desktop(desktop):
    """Frames grow with the desktop's text, and the domain is told for each window."""
    set_dpi(144)
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
    d, _ = domain_with_window(desktop, w=400, h=300, color=0xffeecc, name="old", version=fa.VERSION_QUBES)
    assert not [m for m in d.agent.drain() if m[0] == fa.SCALE]
    d.close()


def test_window_of_another_scale(desktop):
    """On a desktop of scale 2 a window that is drawn for 1 is shown twice as large; everything the domain hears is in
    its own pixels."""
    set_dpi(192)
    d = Domain(desktop)
    a = d.agent
    w, h = 200, 150
    colours = [[(x * 37 & 255) << 16 | (y * 91 & 255) << 8 | (x ^ y) for x in range(w)] for y in range(h)]
    a.window(0x100, 60, 70, w, h, b"".join(struct.pack("<I", c) for row in colours for c in row), scale=120)
    a.window(0x101, 700, 150, 300, 200, 0xccffee, scale=240)
    d.mapped(0x100)
    d.mapped(0x101)

    def assert_doubled(shot):
        wrong = [(x, y) for y in range(2 * h) for x in range(2 * w) if shot(120 + x, 140 + y) != colours[y // 2][x // 2]]
        assert not wrong, (len(wrong), wrong[:5])
    shot = desktop.shot("scale-of-a-window")
    assert_frame(shot, 120, 140, 2 * w, 2 * h, BLUE, 2 * BORDER, 2 * HEADER)
    assert_doubled(shot)
    assert_frame(shot, 700, 150, 300, 200, BLUE, 2 * BORDER, 2 * HEADER)
    assert_content(shot, 700, 150, 300, 200, 0xccffee)
    assert not [m for m in a.drain() if m[0] == fa.CONFIGURE]
    # Damage of a part; an enlarged one is read from the domain once, too.
    before = d.counters()
    a.fill(0x100, 0x102030, (31, 41, 7, 5))
    for y in range(41, 46):
        colours[y][31:38] = [0x102030] * 7
    a.damage(0x100, 31, 41, 7, 5)
    wait_for("damage", lambda: desktop.shot()(120 + 62, 140 + 82) == 0x102030)
    assert_doubled(desktop.shot())
    assert d.counters()["frames"] == before["frames"] + 1
    # Pointer and the user's wishes.
    subprocess.run(["xdotool", "mousemove", str(120 + 101), str(140 + 51), "click", "1"], check=True)
    assert struct.unpack("<Iii", a.expect(fa.BUTTON, 0x100)[:12]) == (4, 50, 25)
    subprocess.run(["xdotool", "windowmove", d.xid(0x100), str(320 - 2 * BORDER), str(240 - 2 * HEADER)], check=True)
    assert struct.unpack("<iiII", a.expect(fa.CONFIGURE, 0x100, accept=lambda b: b[:4] != struct.pack("<i", 60))[:16]) == (160, 120, w, h)
    a.configure(0x100, 160, 120, w, h)
    a.drain()
    subprocess.run(["xdotool", "windowsize", d.xid(0x100), str(301 + 4 * BORDER), str(200 + 2 * (HEADER + BORDER))], check=True)
    assert struct.unpack("<iiII", a.expect(fa.CONFIGURE, 0x100, accept=lambda b: b[8:12] != struct.pack("<I", w))[:16]) == (160, 120, 151, 100)
    a.configure(0x100, 160, 120, 151, 100)
    a.drain()
    # A new dump for the desktop's own scale is not enlarged any more.
    a.send(fa.SCALE, 0x100, struct.pack("<I", 240))
    a.dump(0x100, 300, 200, 0x806040)
    a.drain()
    a.configure(0x100, 320, 240, 300, 200)
    wait_for("plain", lambda: geometry(d.xid(0x100))[2:] == (300 + 4 * BORDER, 200 + 2 * (HEADER + BORDER)))
    wait_for("pixels", lambda: desktop.shot()(330, 250) == 0x806040)
    assert_content(desktop.shot(), 320, 240, 300, 200, 0x806040)
    d.close()


def test_window_of_a_larger_scale(desktop):
    """The reverse: drawn for 2, or for 1.5, on a desktop of scale 1. Then the desktop grows."""
    settings = Settings(desktop)
    d = Domain(desktop)
    a = d.agent
    a.window(0x100, 200, 200, 400, 300, 0xffeecc, scale=240)
    a.window(0x101, 900, 150, 301, 199, 0xccffee, scale=180)
    a.window(0x102, 1000, 800, 200, 100, 0xaabbcc, override=1, scale=240)
    for window in (0x100, 0x101, 0x102):
        d.mapped(window)
    shot = desktop.shot("larger-scale-of-a-window")
    for x, y, w, h, colour, border, top in ((100, 100, 200, 150, 0xffeecc, BORDER, HEADER), (600, 100, 200, 132, 0xccffee, BORDER, HEADER),
                                            (500, 400, 100, 50, 0xaabbcc, 2, 2)):
        assert_frame(shot, x, y, w, h, BLUE, border, top)
        assert_content(shot, x, y, w, h, colour)
    assert not [m for m in a.drain() if m[0] == fa.CONFIGURE]
    settings.set_dpi(192)
    wait_for("growth", lambda: geometry(d.xid(0x102))[2:] == (204, 104))
    # Where the menu was asked for there is no room for it now: it was moved, and the domain knows.
    x, y, w, h = struct.unpack("<iiII", a.expect(fa.CONFIGURE, 0x102)[:16])
    assert (x, w, h) == (1000, 200, 100) and y + h <= HEIGHT - 2
    wait_for("menu", lambda: desktop.shot()(x + w - 1, y + h - 1) == 0xaabbcc)
    assert_content(desktop.shot(), x, y, w, h, 0xaabbcc)
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
    d, a = domain_with_window(desktop, color=0xffeecc, title=b"composited")
    wait_for("content", lambda: desktop.shot()(399, 299) == 0xffeecc)
    assert_frame(desktop.shot("compositor"), 100, 100, 300, 200, BLUE)
    for i in range(5):
        a.fill(0x100, 0x111111 * i)
        a.damage(0x100, 0, 0, 300, 200)
        a.send(fa.FRAME_REQUEST, 0x100, struct.pack("<I", i))
        assert struct.unpack("<I", a.expect(fa.FRAME_DONE)[:4])[0] == i
    wait_for("content", lambda: desktop.shot()(399, 299) == 0x444444)
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
