#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Agent and daemon together, over sockets: domains on displays of their own, dom0 another one with xfwm4. What a user
sees in dom0 is compared with what the domain's X server has, pixel by pixel. Screenshots: build/check/gui-*.png. TAP. With
--modules the X servers, Xorg with the dummy driver, have our modules: nothing is copied on the way. Else it is Xorg as
it comes from Debian (where only root may start one and we are not: Xvfb), and both ends copy."""
import os, re, signal, socket, subprocess, sys, threading, time
from Xlib.error import XError
from Xlib import X, Xatom, display as xdisplay
from PIL import Image, ImageChops

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from compare_window import compare, find_pattern, pattern
from rig import DAEMON, LAYOUT, TOP, Rig, context_switches, cpu_seconds, wait_for
import tap

MODULES = "--modules" in sys.argv
ROOT = not os.geteuid()

COLOURS = {1: 0x3465a4, 2: 0x73d216, 3: 0xcc0000}
RGB = {n: (c >> 16, c >> 8 & 255, c & 255) for n, c in COLOURS.items()}
NAMES = {1: "work", 2: "bank", 3: "disp"}
LABELS = {1: 6, 2: 4, 3: 1}
X11PERF_DOMAIN = 3
MENU_STEPS = 20
LEAST_MENUS = 7   # of mousepad: six in the bar and submenus
POPUP_BORDER = 2
PANEL = os.path.join(TOP, "build/domain-manager/bulkhead-panel")
PANEL_HEIGHT = 28 # at least
TRAY_ICON = os.path.join(os.path.dirname(os.path.abspath(__file__)), "tray_icon.py")
LEAST_ICON = 60   # of its pixels are white
PATTERN = os.path.join(TOP, "build/gui-agent/test-pattern")


class Policy(threading.Thread):
    """Stands for the policy daemon: one answer for all."""

    def __init__(self, path):
        super().__init__(daemon=True)
        self.verdict, self.asked = "allow", []
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.bind(path)
        self.sock.listen(8)

    def run(self):
        while True:
            c, _ = self.sock.accept()
            text = b""
            while not text.endswith(b"\n\n"):
                text += c.recv(4096) or b"\n\n"
            q = dict(l.split("=", 1) for l in text.decode().split("\n") if "=" in l)
            self.asked.append((q["source"], q["intended_target"], q["service_and_arg"]))
            if self.verdict == "allow":
                c.sendall(("result=allow\nuser=DEFAULT\ntarget=%s\nautostart=True\nrequested_target=%s\n"
                           % (q["intended_target"], q["intended_target"])).encode())
            else:
                c.sendall(b"result=deny\n")
            c.close()


def grab(window):
    """The window's pixels (of the root: the screen), by a plain GetImage, so without guesses of tools."""
    g = window.get_geometry()
    data = window.get_image(0, 0, g.width, g.height, X.ZPixmap, 0xffffffff).data
    return Image.frombuffer("RGB", (g.width, g.height), data, "raw", "BGRX", 0, 1)


class Dom0:
    def __init__(self, rig, size="1280x800"):
        self.rig = rig
        self.name = rig.xorg_dom0(size, module=MODULES) if ROOT else rig.xvfb(size)
        self.server = rig.last_x
        rig.spawn(["dbus-run-session", "xfwm4", "--compositor=" + ("on" if MODULES else "off")], name="xfwm4", DISPLAY=self.name)
        self.d = xdisplay.Display(self.name)
        self.root = self.d.screen().root
        check = self.d.intern_atom("_NET_SUPPORTING_WM_CHECK")
        wait_for(lambda: self.root.get_full_property(check, X.AnyPropertyType), 10)
        self.policy = Policy(rig.dir + "/policy.sock")
        self.policy.start()

    def daemon(self, n, *args):
        return self.rig.spawn([DAEMON, "-f", "-d", str(n), "-t", "0", "-N", NAMES[n], "-c", "%#08x" % COLOURS[n], "-l",
                               str(LABELS[n])] + list(args), name="guid%d" % n, DISPLAY=self.name, VCHAN_DOMAIN="0",
                              QUBES_POLICY_SOCKET=self.rig.dir + "/policy.sock", QUBES_CLIPBOARD_DIR=self.rig.dir)

    def screenshot(self, path=None):
        image = grab(self.root)
        if path:
            image.save(path)
        return image

    def windows(self):
        """(domain's name, remote id) -> the toplevel window in dom0, mapped ones."""
        out, todo = {}, [self.root]
        vm, rid = self.d.intern_atom("_QUBES_VMNAME"), self.d.intern_atom("_QUBES_VMWINDOWID")
        while todo:
            w = todo.pop()
            try:
                p = w.get_full_property(rid, X.AnyPropertyType)
                if p and w.get_attributes().map_state == X.IsViewable:
                    name = w.get_full_property(vm, X.AnyPropertyType).value
                    out[(name.decode() if isinstance(name, bytes) else name, p.value[0])] = w
                todo += w.query_tree().children
            except Exception:  # the window went away meanwhile
                pass
        return out

    def server_maps(self, n):
        """How many buffers of a domain the X server has mapped itself."""
        return open("/proc/%d/maps" % self.server.pid).read().count("/shm.%d." % n)

    def xdo(self, *args):
        return self.rig.run(["xdotool"] + [str(a) for a in args], self.name)


class Domain:
    def __init__(self, rig, dom0, n):
        self.rig, self.n, self.dom0 = rig, n, dom0
        self.name = rig.xorg(n, module=MODULES) if ROOT else rig.xvfb("2560x1600")
        self.d = xdisplay.Display(self.name)
        self.agent = rig.agent(self.name, n)
        self.daemon = dom0.daemon(n)

    def start(self, *argv, name=None):
        return self.rig.spawn(list(argv), name=name or "%s-%d" % (argv[0], self.n), DISPLAY=self.name)

    def tops(self):
        """Mapped top-level windows of the domain: [(id, title, x, y, w, h, override)]."""
        out = []
        for w in self.d.screen().root.query_tree().children:
            try:
                a, g = w.get_attributes(), w.get_geometry()
                if a.map_state == X.IsViewable and a.win_class == X.InputOutput:
                    out.append((w.id, w.get_wm_name() or "", g.x + g.border_width, g.y + g.border_width, g.width, g.height,
                                a.override_redirect))
            except Exception:
                pass
        return out

    def top(self, text="", override=0):
        return next((t for t in self.tops() if text in str(t[1]) and t[6] == override), None)

    def pixels(self, wid):
        return grab(self.d.create_resource_object("window", wid))


def shown_right(dom0, dom, t):
    """Does dom0 show exactly the pixels of the window? (None, or what differs.)"""
    wid, _, x, y, w, h, _ = t
    try:
        screen, want = dom0.screenshot(), dom.pixels(wid)
    except XError as e:  # resized or unmapped meanwhile
        return str(e)
    have = screen.crop((x, y, x + w, y + h))
    if have.size != want.size:
        return "size %s %s" % (have.size, want.size)
    return ImageChops.difference(have, want).getbbox()


def check_pixels(dom0, dom, text, what, override=0, timeout=6):
    """Both sides may still be drawing: the last try counts."""
    last = "no window"
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        t = dom.top(text, override)
        last = shown_right(dom0, dom, t) if t else "no window"
        if last is None:
            break
        time.sleep(0.2)
    return tap.result(last is None, what, "%s %s" % (t, last))


def raise_window(dom0, dom, text):
    t = dom.top(text)
    w = dom0.windows().get((NAMES[dom.n], t[0])) if t else None
    if w:
        dom0.xdo("windowactivate", "--sync", w.id)
        active = dom0.d.intern_atom("_NET_ACTIVE_WINDOW")
        wait_for(lambda: dom0.root.get_full_property(active, X.AnyPropertyType).value[0] == w.id, 3, 0.02)
    return w


def test_three_domains(rig, dom0, doms):
    for n, dom in doms.items():
        dom.start("xterm", "-T", "xterm-" + NAMES[n], "-geometry", "40x10+%d+%d" % (80 + 300 * (n - 1), 80 + 200 * (n - 1)),
                  "-e", "sh", "-c", "echo domain %s; exec cat" % NAMES[n])
    for n, dom in doms.items():
        tap.result(wait_for(lambda: dom.top("xterm-") and (NAMES[n], dom.top("xterm-")[0]) in dom0.windows(), 15),
               "%s: xterm is in dom0" % NAMES[n])
        check_pixels(dom0, dom, "xterm-", "%s: dom0 shows the window's pixels" % NAMES[n])
    shot = dom0.screenshot(os.path.join(TOP, "build/check/gui-three-domains%s.png" % ("-xorg" if MODULES else "")))
    for n, dom in doms.items():
        _, _, x, y, w, h, _ = dom.top("xterm-")
        around = [(x - 2, y + h // 2), (x + w + 1, y + h // 2), (x + w // 2, y + h + 1)]
        tap.result(all(shot.getpixel(p) == RGB[n] for p in around), "%s: framed in the label's colour" % NAMES[n],
               [shot.getpixel(p) for p in around])


def test_patterns(rig, dom0, doms):
    """Two domains' windows side by side, each pixel of content, border and header compared."""
    programs = [doms[n].start(PATTERN, "300", "200", str(n), name="pattern-%d" % n) for n in (1, 2)]
    for i, n in enumerate((1, 2)):
        t = wait_for(lambda: doms[n].top("pattern"))
        w = wait_for(lambda: t and dom0.windows().get((NAMES[n], t[0])))
        dom0.xdo("windowmove", w.id, 500 + 330 * i, 100)
    for n in (1, 2):
        wait_for(lambda: find_pattern(dom0.screenshot(), pattern(300, 200, n)))
        compare(dom0.screenshot(), RGB[n], NAMES[n], n, 300, 200, tap.result)
    for p in programs:
        rig.stop(p)


def test_typing(rig, dom0, dom):
    raise_window(dom0, dom, "xterm-")
    before = dom.pixels(dom.top("xterm-")[0])
    dom0.xdo("type", "Hello, World")
    wait_for(lambda: ImageChops.difference(before, dom.pixels(dom.top("xterm-")[0])).getbbox())
    tap.result(ImageChops.difference(before, dom.pixels(dom.top("xterm-")[0])).getbbox(), "keys typed in dom0 arrive")
    check_pixels(dom0, dom, "xterm-", "and their pixels come back")
    other = [d for d in (2, 3)]
    return other


def test_editor(rig, dom0, dom):
    dom.start("dbus-run-session", "mousepad", name="mousepad-%d" % dom.n)
    tap.result(wait_for(lambda: dom.top("Mousepad"), 15), "mousepad (GTK 3) starts")
    wait_for(lambda: dom.top("Mousepad") and ("bank", dom.top("Mousepad")[0]) in dom0.windows(), 10)
    raise_window(dom0, dom, "Mousepad")
    dom0.xdo("type", "one\ntwo three\n")
    tap.result(wait_for(lambda: "*" in str((dom.top("Mousepad") or (0, ""))[1])), "it gets keys: the title says modified",
           dom.tops())
    check_pixels(dom0, dom, "Mousepad", "its pixels", timeout=10)
    t = dom.top("Mousepad")
    dom0.xdo("mousemove", t[2] + 20, t[3] + 12, "click", 1)
    tap.result(wait_for(lambda: dom.top("", 1)), "a click opens a menu, an override-redirect window")
    m = dom.top("", 1)
    tap.result(m and wait_for(lambda: ("bank", m[0]) in dom0.windows()), "which is in dom0", dom.tops())
    dom0.xdo("mousemove_relative", 10, 60)
    check_pixels(dom0, dom, "", "the menu's pixels", override=1)
    dom0.screenshot(os.path.join(TOP, "build/check/gui-menu.png"))
    dom0.xdo("key", "Escape")
    tap.result(wait_for(lambda: not dom.top("", 1)), "Escape closes it")
    test_menus(dom0, dom)


def menus_shown_right(dom0, dom, menus):
    """Are these menus on dom0's screen, each in a border of the label's colour, the later ones above?"""
    try:
        screen = dom0.screenshot()
        want = screen.copy()
        for wid, _, x, y, w, h, _ in menus:
            want.paste(RGB[dom.n], (x - POPUP_BORDER, y - POPUP_BORDER, x + w + POPUP_BORDER, y + h + POPUP_BORDER))
            want.paste(dom.pixels(wid), (x, y))
    except XError:  # closed meanwhile
        return False
    return not ImageChops.difference(screen, want).getbbox()


def test_menus(dom0, dom):
    """Through all menus of the menu bar by keys, submenus too: whatever is open is shown in dom0, right to the pixel."""
    raise_window(dom0, dom, "Mousepad")
    dom0.xdo("key", "F10")
    wait_for(lambda: dom.top("", 1))
    seen, wrong, deepest = set(), [], 0
    for key in ("Down", "Right") * MENU_STEPS:
        dom0.xdo("key", key)
        dom.d.sync()
        good = wait_for(lambda: menus_shown_right(dom0, dom, [t for t in dom.tops() if t[6]]), 3, 0.02)
        menus = [t for t in dom.tops() if t[6]]
        seen |= {t[0] for t in menus}
        deepest = max(deepest, len(menus))
        if not good:
            wrong.append((key, menus))
    tap.result(len(seen) >= LEAST_MENUS and deepest > 1, "%d menus opened by keys, a submenu among them" % len(seen), deepest)
    tap.result(not wrong, "each with its pixels and its border in dom0", wrong)
    for _ in range(deepest + 1):
        dom0.xdo("key", "Escape")
    tap.result(wait_for(lambda: not dom.top("", 1)), "and all closed")


def test_resize_storm(rig, dom0, dom):
    w = raise_window(dom0, dom, "xterm-")
    t0 = time.monotonic()
    for i in range(200):
        dom0.xdo("windowsize", w.id, 300 + (i * 37) % 500, 200 + (i * 53) % 400) if i % 10 == 0 else None
        w.configure(width=300 + (i * 37) % 500, height=200 + (i * 53) % 400)
        dom0.d.flush()
        time.sleep(0.005)
    w.configure(width=520, height=430)
    dom0.d.sync()
    check_pixels(dom0, dom, "xterm-", "pixels after 200 resizes (%.1f s)" % (time.monotonic() - t0), timeout=10)
    files = [f for f in os.listdir(rig.shm) if f.startswith("shm.%d." % dom.n)]
    tap.result(len(files) <= 8, "buffers of old sizes are given back", files)


def test_x11perf(rig, dom0, dom):
    p = dom.start("x11perf", "-sync", "-time", "1", "-repeat", "1", "-scroll500", "-rect100", "-ftext", "-shmput500",
                  name="x11perf-%d" % dom.n)
    tap.result(wait_for(lambda: dom.top("X11 performance") or any(t[4] >= 600 for t in dom.tops()), 5), "x11perf draws")
    try:
        rc = p.wait(60)
    except subprocess.TimeoutExpired:
        rc = "time limit"
    tap.result(rc == 0 and dom.daemon.poll() is None and dom.agent.poll() is None, "x11perf is through", rc)


def test_100_windows(rig, dom0, dom):
    d = xdisplay.Display(dom.name)
    s = d.screen()
    wins = []
    t0 = time.monotonic()
    for i in range(100):
        win = s.root.create_window(20 + i * 8, 40 + i * 5, 150, 100, 0, s.root_depth, background_pixel=0x010101 * (i + 50))
        win.set_wm_name("many-%d" % i)
        win.map()
        wins.append(win)
    d.sync()
    ids = {w.id for w in wins}
    good = wait_for(lambda: ids <= {k[1] for k in dom0.windows() if k[0] == NAMES[dom.n]}, 30, 0.2)
    tap.result(good, "100 windows of a domain in dom0 (%.1f s)" % (time.monotonic() - t0))
    raise_window(dom0, dom, "many-99")
    check_pixels(dom0, dom, "many-99", "the last one's pixels")
    d.close()
    tap.result(wait_for(lambda: not ids & {k[1] for k in dom0.windows()}, 30, 0.2), "and all gone again")


def xsel(rig, dom, *args, data=None):
    if data is not None:
        subprocess.run(["xsel", "--clipboard", "-i"], input=data, stdout=subprocess.DEVNULL, timeout=10,
                       env=rig.env(DISPLAY=dom.name))
        wait_for(lambda: xsel(rig, dom) == data, 3)
        return None
    return subprocess.run(["xsel", "--clipboard", "-o"], capture_output=True, timeout=10, env=rig.env(DISPLAY=dom.name)).stdout


def buffer(rig, suffix=""):
    """dom0's one clipboard buffer, or with ".source" whose it is."""
    try:
        return open(rig.dir + "/qubes-clipboard.bin" + suffix, "rb").read()
    except OSError:
        return b""


def copy_paste(rig, dom0, source, target, data):
    """Copy by the secure keys, wait until dom0 has the data, paste by them; which calls the policy was asked about."""
    raise_window(dom0, source, "xterm-")
    dom0.xdo("key", "ctrl+shift+c")
    wait_for(lambda: buffer(rig) == data and buffer(rig, ".source").decode() == NAMES[source.n])
    asked = len(dom0.policy.asked)
    raise_window(dom0, target, "xterm-")
    dom0.xdo("key", "ctrl+shift+v")
    wait_for(lambda: len(dom0.policy.asked) > asked)
    return dom0.policy.asked[asked:]


def test_clipboard(rig, dom0, doms):
    for source, target, data, what in ((1, 2, "gr\u00fc\u00df \u20ac from work".encode(), "clipboard work to bank"),
                                       (2, 1, b"answer of bank", "and back")):
        xsel(rig, doms[source], data=data)
        asked = copy_paste(rig, dom0, doms[source], doms[target], data)
        tap.result(wait_for(lambda: xsel(rig, doms[target]) == data), what, (xsel(rig, doms[target]), asked))
        tap.result(wait_for(lambda: not buffer(rig)), "the buffer is empty then", buffer(rig))
    dom0.policy.verdict = "deny"
    xsel(rig, doms[3], data=b"poison")
    xsel(rig, doms[1], data=b"untouched")
    asked = copy_paste(rig, dom0, doms[3], doms[1], b"poison")
    refused = wait_for(lambda: "not allowed" in rig.log("guid1"))
    tap.result(refused and [a[:2] for a in asked] == [("disp", "work")] and xsel(rig, doms[1]) == b"untouched",
           "refused by policy: nothing is pasted", (xsel(rig, doms[1]), asked))
    dom0.policy.verdict = "allow"


def test_restarts(rig, dom0, dom):
    rig.stop(dom.daemon)
    tap.result(wait_for(lambda: not [k for k in dom0.windows() if k[0] == NAMES[dom.n]]), "the daemon's end takes its windows away")
    dom.daemon = dom0.daemon(dom.n)
    tap.result(wait_for(lambda: dom.top("xterm-") and (NAMES[dom.n], dom.top("xterm-")[0]) in dom0.windows(), 10),
           "a new daemon shows them again")
    raise_window(dom0, dom, "xterm-")
    check_pixels(dom0, dom, "xterm-", "with their pixels")
    tap.result(bool(dom0.server_maps(dom.n)) == MODULES, "dom0's X server has mapped buffers itself only with its module")
    rig.stop(dom.daemon, kill=True)
    tap.result(wait_for(lambda: not dom0.server_maps(dom.n)), "a killed daemon leaves nothing mapped there")
    dom.daemon = dom0.daemon(dom.n)
    tap.result(wait_for(lambda: (NAMES[dom.n], dom.top("xterm-")[0]) in dom0.windows(), 10), "also after a kill")
    rig.stop(dom.agent, kill=True)
    wait_for(lambda: dom.daemon.poll() is not None or not [k for k in dom0.windows() if k[0] == NAMES[dom.n]])
    dom.agent = rig.agent(dom.name, dom.n)
    if dom.daemon.poll() is not None:
        dom.daemon = dom0.daemon(dom.n)
    tap.result(wait_for(lambda: (NAMES[dom.n], dom.top("xterm-")[0]) in dom0.windows(), 10), "and after the agent was killed")
    raise_window(dom0, dom, "xterm-")
    check_pixels(dom0, dom, "xterm-", "with their pixels")
    others = [n for n in COLOURS if n != dom.n]
    tap.result(all([k for k in dom0.windows() if k[0] == NAMES[n]] for n in others), "the other domains' windows stayed")


def test_two_monitors(rig, dom0, dom):
    for name, geo, out in (("left", "640/170x800/210+0+0", "screen"), ("right", "640/170x800/210+640+0", "none")):
        rig.run(["xrandr", "--setmonitor", name, geo, out], dom0.name)
    r = subprocess.run([LAYOUT], input="640 800 0 0\n640 800 640 0\n", text=True, capture_output=True,
                       env=rig.env(DISPLAY=dom.name), timeout=10)
    listed = rig.run(["xrandr", "--listmonitors"], dom.name).stdout
    tap.result(r.returncode == 0 and "Monitors: 2" in listed, "the domain has dom0's two monitors", listed)
    w = raise_window(dom0, dom, "xterm-")
    dom0.xdo("windowsize", w.id, 400, 300)
    dom0.xdo("windowmove", w.id, 760, 300)
    tap.result(wait_for(lambda: dom.top("xterm-")[2] >= 640), "a window moved to the second one is there in the domain, too",
           dom.tops())
    check_pixels(dom0, dom, "xterm-", "its pixels")
    t = dom.top("xterm-")
    dom0.xdo("mousemove", t[2] + 100, t[3] + 50)

    def pointer():
        q = dom.d.screen().root.query_pointer()
        return q.root_x, q.root_y
    tap.result(wait_for(lambda: pointer() == (t[2] + 100, t[3] + 50)), "the pointer is at the same place", pointer())


def find_icon(dom0, n):
    """The middle of a domain's icon in dom0's panel, white on the label's colour; None if there is none."""
    strip = dom0.screenshot().crop((0, 0, dom0.d.screen().width_in_pixels, PANEL_HEIGHT))
    label = Image.eval(ImageChops.difference(strip, Image.new("RGB", strip.size, RGB[n])).convert("L"), lambda v: 255 * (v == 0))
    box = label.getbbox()
    if not box or list(strip.crop(box).getdata()).count((255, 255, 255)) < LEAST_ICON:
        return None
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


def test_tray(rig, dom0, dom):
    """An icon of a domain's program in the panel that dom0 has; what the user does to it arrives there."""
    panel = rig.spawn(["dbus-run-session", PANEL, "--session-bus"], name="panel", DISPLAY=dom0.name, GTK_THEME="Adwaita")
    tap.result(wait_for(lambda: "painted" in rig.log("panel"), 15), "dom0's panel is there")
    program = dom.start(TRAY_ICON, name="tray-icon")
    at = wait_for(lambda: find_icon(dom0, dom.n))
    dom0.screenshot(os.path.join(TOP, "build/check/gui-tray.png"))
    title = dom0.d.intern_atom("_NET_WM_NAME")

    def titled(text):
        windows = [w for (vm, _), w in dom0.windows().items() if vm == NAMES[dom.n]]
        return text in [p.value for p in (w.get_full_property(title, X.AnyPropertyType) for w in windows) if p]
    tap.result(wait_for(lambda: titled(b"Mail")), "its title, by which the panel names it, is the program's")
    if tap.result(at, "an icon of the domain is in it, on the label's colour"):
        for button, what in ((1, "activate"), (3, "popup-menu"), (4, "scroll")):
            dom0.xdo("mousemove", *at, "click", button)
            tap.result(wait_for(lambda: what in rig.log("tray-icon")), "%s reaches the program" % what, rig.log("tray-icon"))
    rig.stop(program)
    tap.result(wait_for(lambda: not find_icon(dom0, dom.n)), "the icon goes with its program")
    rig.stop(panel)


def test_copies(rig, doms):
    """The counters of both ends: with the server modules no end has copied one pixel, without them both have."""
    for n, dom in doms.items():
        copied = []
        for p, log in ((dom.agent, "agent%d" % n), (dom.daemon, "guid%d" % n)):
            start = len(rig.log(log))
            p.send_signal(signal.SIGUSR1)
            found = wait_for(lambda: re.search(r"bytes-copied[= ](\d+)", rig.log(log)[start:]), 5)
            copied.append(int(found.group(1)) if found else -1)
        if n == X11PERF_DOMAIN:
            del copied[0]  # its windows have X borders, which are in the pixmap, too: these the agent copies
        tap.result(all(c == 0 if MODULES else c > 0 for c in copied), "%s: %s" % (
            NAMES[n], "no pixel was copied, neither in the domain nor in dom0" if MODULES else "both ends copied pixels"), copied)


def test_scale(rig, dom0, dom):
    """A desktop of high resolution, and a domain whose programs draw as ever: enlarged, right to the pixel."""
    rig.run(["xprop", "-root", "-f", "RESOURCE_MANAGER", "8s", "-set", "RESOURCE_MANAGER", "Xft.dpi:\t192\n"], dom0.name)
    rig.stop(dom.daemon)
    rig.stop(dom.agent)
    dom.agent, dom.daemon = rig.agent(dom.name, dom.n, "--scale=1"), dom0.daemon(dom.n)
    program = dom.start(PATTERN, "200", "120", str(dom.n), name="pattern")
    w = wait_for(lambda: dom.top("pattern") and dom0.windows().get((NAMES[dom.n], dom.top("pattern")[0])))
    dom0.xdo("windowactivate", "--sync", w.id, "windowmove", "--sync", w.id, 301, 203)

    def shown_twice_as_large():
        try:
            wid, _, x, y, width, height, _ = dom.top("pattern")
            want = dom.pixels(wid).resize((2 * width, 2 * height), Image.NEAREST)
            have = dom0.screenshot()
        except XError:  # moved meanwhile
            return None
        at = find(have, want, 2 * x, 2 * y)
        return at and (at, x, y)
    found = wait_for(shown_twice_as_large)
    dom0.screenshot(os.path.join(TOP, "build/check/gui-scale%s.png" % ("-modules" if MODULES else "")))
    if tap.result(found, "on a desktop of scale 2 a window drawn for 1 is shown twice as large", dom.tops()):
        (left, top), x, y = found
        dom0.xdo("mousemove", left + 2 * 40, top + 2 * 30)
        root = dom.d.screen().root
        tap.result(wait_for(lambda: (root.query_pointer().root_x, root.query_pointer().root_y) == (x + 40, y + 30)),
                   "the pointer is on the same pixel of it", root.query_pointer())
    rig.stop(program)


def find(screen, part, x, y):
    """Where that part is on the screen: at x, y, or one pixel on, where the guest's pixels do not reach."""
    for at in ((x, y), (x + 1, y), (x, y + 1), (x + 1, y + 1)):
        if not ImageChops.difference(screen.crop(at + (at[0] + part.width, at[1] + part.height)), part).getbbox():
            return at
    return None


def test_idle(rig, dom0, doms):
    """xterm's cursor does not blink; mousepad's would."""
    for t in list(doms[2].tops()):
        if "Mousepad" in str(t[1]):
            subprocess.run(["xdotool", "windowkill", str(t[0])], env=rig.env(DISPLAY=doms[2].name), timeout=10)
    pids = [d.agent.pid for d in doms.values()]
    wait_for(lambda: not doms[2].top("Mousepad"))
    seen = []

    def quiet():
        """What was under way has ended: half a second without a wake-up."""
        seen.append([context_switches(p) for p in pids])
        return len(seen) > 1 and seen[-1] == seen[-2]
    wait_for(quiet, 10, 0.5)
    before = [(context_switches(p), cpu_seconds(p)) for p in pids]
    time.sleep(3)
    after = [(context_switches(p), cpu_seconds(p)) for p in pids]
    tap.result(before == after, "three idle agents: no wake-up in 3 s", (before, after))


def main():
    if MODULES and not ROOT:
        tap.skip("with Xorg", "only root may start Xorg here")
        return tap.plan()
    if not os.path.exists(DAEMON):
        tap.result(False, "the daemon is built (%s)" % DAEMON)
        return tap.plan()
    os.makedirs(os.path.join(TOP, "build/check"), exist_ok=True)
    with Rig("e2e") as rig:
        dom0 = Dom0(rig)
        doms = {n: Domain(rig, dom0, n) for n in COLOURS}
        test_three_domains(rig, dom0, doms)
        test_patterns(rig, dom0, doms)
        test_typing(rig, dom0, doms[1])
        test_editor(rig, dom0, doms[2])
        test_clipboard(rig, dom0, doms)
        test_resize_storm(rig, dom0, doms[1])
        test_100_windows(rig, dom0, doms[3])
        test_x11perf(rig, dom0, doms[X11PERF_DOMAIN])
        test_restarts(rig, dom0, doms[1])
        test_two_monitors(rig, dom0, doms[3])
        test_copies(rig, doms)
        test_tray(rig, dom0, doms[2])
        test_scale(rig, dom0, doms[3])
        test_idle(rig, dom0, doms)
        for n, dom in doms.items():
            tap.result(dom.agent.poll() is None and dom.daemon.poll() is None, "%s: both ends still run" % NAMES[n])
        if tap.failed:
            rig.show_logs()
    return tap.plan()


sys.exit(main())
