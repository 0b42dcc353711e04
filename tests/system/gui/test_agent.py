#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The agent against guipeer, our model of the daemon: every message, real applications, restarts. TAP. The domain's X
server is Xvfb (the agent copies), or with --xorg Xorg with the dummy driver and our server module (nothing is copied)."""
import os, random, re, signal, struct, subprocess, sys, time
from Xlib import X, Xatom, Xutil, display as xdisplay
from Xlib.ext import randr
from Xlib.protocol import event as xevent
from PIL import Image, ImageChops

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import guipeer
from guipeer import Peer
from rig import LAYOUT, QUARANTINE_MB, Rig, context_switches, cpu_seconds, wait_for
import tap

WITH_XORG = "--xorg" in sys.argv
WIPE_SECONDS = 2



class Client:
    """An X client with one window of a colour, on the agent's display."""

    def __init__(self, name, w=200, h=100, x=0, y=0, override=False, colour=0x336699, depth=None, border=0):
        self.d = xdisplay.Display(name)
        s = self.d.screen()
        self.root = s.root
        self.gc_colour = colour
        self.win = s.root.create_window(x, y, w, h, border, s.root_depth, background_pixel=colour,
                                        override_redirect=override,
                                        event_mask=X.StructureNotifyMask | X.FocusChangeMask | X.KeyPressMask |
                                        X.KeyReleaseMask | X.ButtonPressMask | X.ButtonReleaseMask |
                                        X.PointerMotionMask | X.EnterWindowMask | X.LeaveWindowMask | X.PropertyChangeMask)
        self.id = self.win.id
        self.events = []

    def atom(self, name):
        return self.d.intern_atom(name)

    def map(self):
        self.win.map()
        self.d.sync()
        return self

    def fill(self, colour, x=0, y=0, w=4096, h=4096):
        gc = self.win.create_gc(foreground=colour)
        self.win.fill_rectangle(gc, x, y, w, h)
        gc.free()
        self.d.sync()

    def pump(self, seconds=0.3):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            while self.d.pending_events():
                self.events.append(self.d.next_event())
            time.sleep(0.01)
        return self.events

    def wait_event(self, match, seconds=3):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for e in self.events:
                if match(e):
                    return e
            self.pump(0.02)
        return None

    def state_message(self, action, state):
        ev = xevent.ClientMessage(window=self.win, client_type=self.atom("_NET_WM_STATE"),
                                  data=(32, [action, self.atom(state), 0, 1, 0]))
        self.root.send_event(ev, X.SubstructureRedirectMask | X.SubstructureNotifyMask)
        self.d.sync()

    def states(self):
        p = self.win.get_full_property(self.atom("_NET_WM_STATE"), Xatom.ATOM)
        return [self.d.get_atom_name(a) for a in p.value] if p else []

    def close(self):
        self.d.close()


def truth(rig, display, wid):
    """What the agent's X server has in the window."""
    out = "%s/truth.ppm" % rig.dir
    subprocess.run("xwd -silent -display %s -id %#x | convert xwd:- ppm:%s" % (display, wid, out), shell=True, check=True)
    return Image.open(out).convert("RGB")


def same(peer, rig, display, w):
    peer.idle(0.2)
    a, b = peer.image(w), truth(rig, display, w.id)
    return a.size == b.size and ImageChops.difference(a, b).getbbox() is None


def window_of(peer, client, timeout=5):
    return peer.wait(lambda: (client.id in peer.windows and peer.windows[client.id].mapped) and peer.windows[client.id], timeout)


def test_xterm(rig, d, p):
    rig.spawn(["xterm", "-T", "titel", "-e", "sh", "-c", "echo HALLO; exec cat"], DISPLAY=d)
    w = p.wait(lambda: p.by_title("titel"))
    tap.result(w is not None, "xterm is announced and mapped")
    tap.result(w.title == "titel", "its title", w.title)
    tap.result((w.cls, w.name) == ("XTerm", "xterm"), "its class", (w.cls, w.name))
    tap.result(w.hints and w.hints[0] & 0x150 == 0x150 and w.hints[5] > 1, "its size hints", w.hints)
    p.idle(0.5)
    tap.result(same(p, rig, d, w), "the buffer equals the window's pixels")
    p.enter(w, 10, 10)
    p.focus(w)
    before = p.pixels(w)
    for code in (43, 26, 46, 46, 32, 36):
        p.key(w, code)
    p.wait(lambda: p.pixels(w) != before)
    tap.result(same(p, rig, d, w) and p.pixels(w) != before, "typed text appears")
    for i in range(40):
        p.configure(w, 100 + i, 50, 300 + 10 * i, 200 + 8 * i)
        p.pump(0.01)
    last = (139, 50, 690, 512)
    p.wait(lambda: (w.bw, w.bh) == last[2:])
    tap.result(w.configures[-1] == last, "each configure is acknowledged", w.configures[-1])
    tap.result(w.configures == [(100 + i, 50, 300 + 10 * i, 200 + 8 * i) for i in range(40)], "in order, exactly")
    p.idle(0.5)
    tap.result(same(p, rig, d, w), "pixels after a resize storm")
    p.send(guipeer.CLOSE, w.id)
    p.wait(lambda: w.id not in p.windows)
    tap.result(w.id not in p.windows, "close ends xterm")


def test_id_reuse(rig, d, p):
    p.auto = False
    c = Client(d).map()
    w = p.wait(lambda: p.windows.get(c.id))
    p.send(guipeer.DUMP_ACK, c.id) if p.wait(lambda: w.dumps) else None
    first = c.id
    c.close()
    p.wait(lambda: first in p.destroyed)
    c = Client(d).map()
    p.idle(0.3)
    tap.result(c.id == first, "X gives the same id again (else this test shows nothing)", (c.id, first))
    tap.result(first not in p.windows, "no CREATE before the daemon released the id")
    p.auto = True
    p.release(first)
    tap.result(p.wait(lambda: first in p.windows and p.windows[first].mapped), "CREATE after the release")
    c.close()
    p.wait(lambda: first not in p.windows)


def test_dump_ack(rig, d, p):
    c = Client(d, colour=0x112233).map()
    w = window_of(p, c)
    p.idle(0.2)
    p.auto = False
    p.configure(w, 0, 0, 300, 300)
    p.wait(lambda: (w.bw, w.bh) == (300, 300))
    dumps, refs = w.dumps, w.refs
    p.configure(w, 0, 0, 350, 350)
    p.idle(0.3)
    tap.result(w.dumps == dumps, "no second dump while one is not acknowledged")
    tap.result(p.pixels(w)[:4] == bytes([0x33, 0x22, 0x11, 0]) or p.pixels(w)[:3] == bytes([0x33, 0x22, 0x11]),
           "its buffer is still granted")
    p.auto = True
    p.send(guipeer.DUMP_ACK, w.id)
    tap.result(p.wait(lambda: (w.bw, w.bh) == (350, 350)), "the next dump after the acknowledgement")
    c.close()
    p.idle(0.2)


def test_frames(rig, d, p):
    c = Client(d).map()
    w = window_of(p, c)
    p.idle(0.3)
    p.auto = False
    frames = w.frames
    c.fill(0xff0000, 0, 0, 50, 50)
    p.wait(lambda: w.frames > frames)
    images = w.images
    for i in range(20):
        c.fill(0x00ff00 + i, 10 * i, 0, 10, 10)
    p.idle(0.3)
    tap.result(w.images == images and w.frames == frames + 1, "no damage while a frame is open")
    p.auto = True
    p.send(guipeer.FRAME_DONE, w.id, struct.pack("<III", w.frames, 0, 0))
    p.send(guipeer.FRAME_DONE, w.id, struct.pack("<III", 999999, 0, 0))
    for serial in range(1, 12):
        p.send(guipeer.FRAME_DONE, w.id, struct.pack("<III", serial, 0, 0))
    p.idle(0.3)
    tap.result(w.images - images <= 2, "then merged into one message", w.images - images)
    tap.result(same(p, rig, d, w), "with the right pixels")
    c.close()
    p.idle(0.2)


def scribble(name, wid, seed):
    """Thousands of small rectangles, as fast as the server takes them; run as a process of its own."""
    d = xdisplay.Display(name)
    win = d.create_resource_object("window", wid)
    gc = win.create_gc()
    rng = random.Random(seed)
    for i in range(6000):
        gc.change(foreground=rng.randrange(1 << 24))
        win.fill_rectangle(gc, rng.randrange(200), rng.randrange(100), rng.randrange(1, 30), rng.randrange(1, 30))
        if i % 5 == 0:
            d.flush()
    d.sync()
    d.close()


def test_all_damage_is_told(rig, d, p):
    """Drawing goes on while frames are on the way: what only follows the damage must end up complete."""
    c = Client(d).map()
    w = window_of(p, c)
    p.idle(0.3)
    p.watch(w)
    worst = None
    for seed in range(4):
        child = subprocess.Popen([sys.executable, os.path.abspath(__file__), "--scribble", d, str(c.id), str(seed)],
                                 env=rig.env())
        while child.poll() is None:
            p.pump(0.05)
        p.idle(0.3)
        worst = worst or ImageChops.difference(p.shadow_image(w), truth(rig, d, w.id)).getbbox()
    tap.result(worst is None, "no drawing is missed (%d frames)" % w.frames, worst)
    c.close()
    p.idle(0.1)


def test_titles_and_flags(rig, d, p):
    c = Client(d)
    c.win.set_wm_name("one")
    c.win.set_wm_class("inst", "Cls")
    c.map()
    w = window_of(p, c)
    c.win.set_wm_name("two")
    c.d.sync()
    p.wait(lambda: w.title == "two")
    c.win.change_property(c.atom("_NET_WM_NAME"), c.atom("UTF8_STRING"), 8, "gr\u00fcn \u20ac".encode())
    c.d.sync()
    tap.result(p.wait(lambda: w.title == "gr\u00fcn \u20ac"), "a title as UTF-8", w.title)
    c.win.delete_property(c.atom("_NET_WM_NAME"))
    c.d.sync()
    tap.result(p.wait(lambda: w.title == "two"), "a changed title is sent")
    tap.result((w.cls, w.name) == ("Cls", "inst"), "class and instance")
    icon = [16, 16] + [0xff112233] * 256 + [48, 48] + [0x80aabbcc] * 2304
    c.win.change_property(c.atom("_NET_WM_ICON"), Xatom.CARDINAL, 32, icon)
    c.d.sync()
    tap.result(p.wait(lambda: w.icon) and w.icon[:2] == (48, 48) and w.icon[2][:4] == b"\xcc\xbb\xaa\x80", "the icon of 48 x 48",
           w.icon and w.icon[:2])
    c.state_message(1, "_NET_WM_STATE_FULLSCREEN")
    tap.result(p.wait(lambda: (1, 0) in w.flags), "a wish for fullscreen is forwarded")
    p.send(guipeer.FLAGS, w.id, struct.pack("<II", 1, 0))
    tap.result(wait_for(lambda: "_NET_WM_STATE_FULLSCREEN" in c.states()), "fullscreen from the daemon is in _NET_WM_STATE")
    p.send(guipeer.FLAGS, w.id, struct.pack("<II", 0, 1))
    tap.result(wait_for(lambda: "_NET_WM_STATE_FULLSCREEN" not in c.states()), "and leaves it")
    c.win.set_wm_hints(flags=Xutil.UrgencyHint, input=1)
    c.d.sync()
    tap.result(p.wait(lambda: (2, 0) in w.flags), "urgency is forwarded")
    ev = xevent.ClientMessage(window=c.win, client_type=c.atom("WM_CHANGE_STATE"), data=(32, [3, 0, 0, 0, 0]))
    c.root.send_event(ev, X.SubstructureRedirectMask | X.SubstructureNotifyMask)
    c.d.sync()
    tap.result(p.wait(lambda: (4, 0) in w.flags), "a wish to be minimised is forwarded")
    i = Client(d)
    i.win.set_wm_hints(flags=Xutil.StateHint, initial_state=3)
    i.map()
    wi = window_of(p, i)
    tap.result(p.wait(lambda: (4, 0) in wi.flags), "a window that begins iconic is minimised")
    i.close()
    p.wait(lambda: i.id not in p.windows)
    c.win.set_wm_transient_for(c.root)
    t = Client(d)
    t.win.set_wm_transient_for(c.win)
    t.map()
    wt = window_of(p, t)
    tap.result(wt.transient == c.id, "transient_for names the parent")
    t.state_message(1, "_NET_WM_STATE_MODAL")
    tap.result(p.wait(lambda: (8, 0) in wt.flags) and wait_for(lambda: "_NET_WM_STATE_MODAL" in t.states()), "a dialog becomes modal")
    t.state_message(0, "_NET_WM_STATE_MODAL")
    tap.result(p.wait(lambda: (0, 8) in wt.flags), "and is it no more", wt.flags)
    m = Client(d)
    m.win.change_property(m.atom("_NET_WM_STATE"), Xatom.ATOM, 32, [m.atom("_NET_WM_STATE_MODAL")])
    m.map()
    wm = window_of(p, m)
    tap.result(p.wait(lambda: (8, 0) in wm.flags), "a window that begins modal is told so")
    m.close()
    t.close()
    c.close()
    p.idle(0.2)


def memory_kib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", open("/proc/%d/status" % pid).read()).group(1))


def test_stalled_daemon(rig, d, p):
    """The daemon reads nothing while an application changes its title and its size without end."""
    c = Client(d).map()
    w = window_of(p, c)
    p.idle(0.3)
    before = memory_kib(rig.agent_pid)
    for i in range(30000):
        c.win.change_property(Xatom.WM_NAME, Xatom.STRING, 8, b"title %d" % i)
        if i % 20 == 0:
            c.win.configure(width=100 + i % 300)
            c.d.sync()
    c.d.sync()
    time.sleep(0.3)
    grown = memory_kib(rig.agent_pid) - before
    limit = 2048 + QUARANTINE_MB * 1024 * 2 if os.environ.get("GUI_AGENT") else 2048
    tap.result(grown < limit, "the agent's memory is bounded while the daemon does not read", "%d KiB" % grown)
    tap.result(p.wait(lambda: w.title == "title 29999", 20), "the last title arrives", w.title)
    p.idle(0.3)
    tap.result(same(p, rig, d, w), "and the pixels")
    c.close()
    p.idle(0.1)


def test_geometry(rig, d, p):
    c = Client(d, w=200, h=100, x=50, y=60)
    c.map()
    w = window_of(p, c)
    tap.result((w.x, w.y, w.w, w.h) == (50, 60, 200, 100), "CREATE has the geometry", (w.x, w.y, w.w, w.h))
    c.win.configure(x=70, y=80, width=220)
    c.d.sync()
    tap.result(p.wait(lambda: (w.x, w.y, w.w, w.h) == (70, 80, 220, 100)), "the client's wish is sent as CONFIGURE")
    p.configure(w, 0, 30, 210, 110)
    c.pump(0.3)
    g = c.win.get_geometry()
    tap.result((g.x, g.y, g.width, g.height) == (0, 30, 210, 110), "the daemon's geometry is applied")
    b = Client(d, border=5, x=10, y=10, override=True, colour=0xabcdef)
    b.map()
    wb = window_of(p, b)
    tap.result((wb.x, wb.y, wb.bw, wb.bh) == (15, 15, 200, 100), "a border is not part of the content", (wb.x, wb.y, wb.bw))
    tap.result(p.pixels(wb) == bytes([0xef, 0xcd, 0xab, 0]) * 20000 or p.image(wb).getcolors() == [(20000, (0xab, 0xcd, 0xef))],
           "and its pixels start inside")
    b.win.configure(x=-30, y=-20)
    b.d.sync()
    tap.result(p.wait(lambda: (wb.x, wb.y) == (-25, -15)), "an override-redirect window moves by itself", (wb.x, wb.y))
    b.fill(0x123456)
    p.idle(0.2)
    tap.result(p.image(wb).getcolors() == [(20000, (0x12, 0x34, 0x56))], "pixels outside the screen come too")
    tap.result(wb.override == 1 and w.override == 0, "override_redirect is told")
    b.close()
    c.close()
    p.idle(0.2)


def test_scale(rig, d, p):
    c = Client(d).map()
    w = window_of(p, c)
    c.root.change_property(Xatom.RESOURCE_MANAGER, Xatom.STRING, 8, b"XTerm*colorMode: true\n")
    c.d.sync()
    p.send(guipeer.SCALE, w.id, struct.pack("<I", 180))
    res = lambda: c.root.get_full_property(Xatom.RESOURCE_MANAGER, Xatom.STRING).value
    tap.result(wait_for(lambda: b"Xft.dpi:\t144\n" in res()) and b"XTerm" in res(), "scale 1.5 is 144 dots an inch in the resources",
           res())
    owner = c.d.get_selection_owner(c.atom("_XSETTINGS_S0"))
    p.send(guipeer.SCALE, w.id, struct.pack("<I", 120))
    tap.result(owner != X.NONE and wait_for(lambda: b"Xft.dpi:\t96\n" in res()), "and in XSETTINGS; back to 96", res())
    prop = owner.get_full_property(c.atom("_XSETTINGS_SETTINGS"), X.AnyPropertyType).value
    tap.result(bytes(prop)[-4:] == struct.pack("<I", 96 * 1024) and b"Xft/DPI" in bytes(prop), "as integer of 1/1024", prop)
    p.send(guipeer.SCALE, w.id, struct.pack("<I", 100000))
    c.close()
    p.idle(0.1)


def test_huge(rig, d, p):
    c = Client(d, w=20000, h=12).map()
    w = window_of(p, c)
    tap.result(w and (w.w, w.bw, w.bh) == (16384, 16384, 12), "a window wider than allowed is cut", w and (w.w, w.bw))
    c.fill(0x102030, w=20000)
    p.idle(0.2)
    tap.result(w and p.image(w).getpixel((16383, 11)) == (0x10, 0x20, 0x30), "with pixels up to the cut")
    c.close()
    p.idle(0.1)


def test_unmap(rig, d, p):
    c = Client(d).map()
    w = window_of(p, c)
    c.win.unmap()
    c.d.sync()
    tap.result(p.wait(lambda: not w.mapped), "UNMAP")
    dumps = w.dumps
    c.map()
    tap.result(p.wait(lambda: w.mapped and w.dumps > dumps), "mapped again with a new dump")
    c.close()
    tap.result(p.wait(lambda: c.id not in p.windows), "DESTROY at the client's end")
    p.idle(0.1)


def test_input(rig, d, p):
    a, b = Client(d, colour=0xff).map(), Client(d, colour=0xff00).map()
    wa, wb = window_of(p, a), window_of(p, b)
    p.focus(wb)
    tap.result(b.wait_event(lambda e: e.type == X.FocusIn), "FOCUS gives the keyboard")
    p.click(wa, 20, 30)
    e = a.wait_event(lambda e: e.type == X.ButtonPress)
    tap.result(e and (e.event_x, e.event_y, e.detail) == (20, 30, 1), "a click goes to the window dom0 says, though covered", e)
    p.motion(wa, 21, 31)
    tap.result(a.wait_event(lambda e: e.type == X.MotionNotify and (e.event_x, e.event_y) == (21, 31)), "motion")
    p.button(wa, 21, 31, 4, True)
    p.button(wa, 21, 31, 4, False)
    tap.result(a.wait_event(lambda e: e.type == X.ButtonPress and e.detail == 4), "the wheel")
    p.leave(wa)
    tap.result(a.wait_event(lambda e: e.type == X.LeaveNotify), "the pointer leaves")
    p.key(wb, 38, state=2)
    e = b.wait_event(lambda e: e.type == X.KeyPress)
    tap.result(e and e.detail == 38 and e.state & 2, "Caps Lock follows dom0's state", e)
    b.events.clear()
    p.key(wb, 38, press=True, state=0)
    e = b.wait_event(lambda e: e.type == X.KeyPress)
    tap.result(e and not e.state & 2, "and goes off again", e)
    b.events.clear()
    p.key(wb, 38, press=True, state=0)
    b.pump(0.2)
    tap.result([e.type for e in b.events if e.type in (X.KeyPress, X.KeyRelease)].count(X.KeyPress) == 1, "a repeat is one press")
    b.events.clear()
    b.pump(0.8)
    tap.result(not [e for e in b.events if e.type == X.KeyPress], "no repeat by the server itself")
    keys = bytearray(32)
    keys[50 // 8] |= 1 << 50 % 8  # Shift_L
    keys[39 // 8] |= 1 << 39 % 8  # s
    p.send(guipeer.KEYMAP, 0, bytes(keys))
    b.pump(0.3)
    got = [(e.type, e.detail) for e in b.events if e.type in (X.KeyPress, X.KeyRelease)]
    tap.result((X.KeyRelease, 38) in got and (X.KeyPress, 50) in got and (X.KeyPress, 39) not in got,
           "KEYMAP_NOTIFY releases, and presses modifiers only", got)
    b.events.clear()
    p.focus(wb, False)
    b.pump(0.3)
    tap.result([e for e in b.events if e.type == X.KeyRelease and e.detail == 50] and
           [e for e in b.events if e.type == X.FocusOut], "losing the focus releases all keys")
    # nonsense must do no harm
    p.send(guipeer.KEYPRESS, wb.id, struct.pack("<IiiII", 2, 0, 0, 0, 70000))
    p.send(guipeer.BUTTON, wb.id, struct.pack("<IiiII", 4, 0, 0, 0, 0))
    p.send(guipeer.FOCUS, 0x7777777, struct.pack("<III", 9, 0, 0))
    a.close()
    b.close()
    p.idle(0.2)


def xsel(rig, d, args, data=None):
    """xsel -i forks and takes the selection a little later. Not looked for with xsel -o: that one ends as soon as it has all, and
    the xsel that is still about to finish with it (INCR) ends, too."""
    if data is not None:
        x = xdisplay.Display(d)
        owner = lambda: x.get_selection_owner(x.intern_atom("CLIPBOARD"))
        before = owner()
        subprocess.run(["xsel", "--clipboard", "-i"], input=data, stdout=subprocess.DEVNULL, timeout=10,
                       env=rig.env(DISPLAY=d))
        wait_for(lambda: owner() not in (X.NONE, before), 5)
        x.close()
        return None
    return subprocess.run(["xsel", "--clipboard"] + args, capture_output=True, timeout=10, env=rig.env(DISPLAY=d))


def test_clipboard(rig, d, p):
    p.send(guipeer.CLIP_REQ, 0)
    tap.result(p.wait(lambda: p.clipboard is not None) is not None and p.clipboard == b"", "no clipboard: an empty answer")
    text = "gr\u00fc\u00df dich \u20ac\n".encode()
    p.send(guipeer.CLIP_DATA, 0, text)
    tap.result(wait_for(lambda: xsel(rig, d, ["-o"]).stdout == text), "text from the daemon can be pasted in the domain",
           xsel(rig, d, ["-o"]))
    xsel(rig, d, ["-i"], b"from the domain")
    p.clipboard = None
    p.send(guipeer.CLIP_REQ, 0)
    p.wait(lambda: p.clipboard is not None)
    tap.result(p.clipboard == b"from the domain", "text copied in the domain reaches the daemon", p.clipboard)
    big = b"0123456789abcdef" * 12000
    xsel(rig, d, ["-i"], big)
    p.clipboard = None
    p.send(guipeer.CLIP_REQ, 0)
    p.wait(lambda: p.clipboard is not None)
    tap.result(p.clipboard == big, "192 kB of it", len(p.clipboard or b""))
    xsel(rig, d, ["-i"], b"x" * 400000)
    p.clipboard = None
    p.send(guipeer.CLIP_REQ, 0)
    p.wait(lambda: p.clipboard is not None)
    tap.result(p.clipboard is not None and len(p.clipboard) == 256001, "too much is cut to one byte over the limit",
           len(p.clipboard or b""))
    p.send(guipeer.CLIP_DATA, 0, big)
    pasted = time.monotonic()
    tap.result(wait_for(lambda: xsel(rig, d, ["-o"]).stdout == big), "192 kB into the domain")
    gone = wait_for(lambda: not xsel(rig, d, ["-o"]).stdout, 3 * WIPE_SECONDS)
    tap.result(gone and time.monotonic() - pasted >= WIPE_SECONDS / 2, "it is wiped after the time-out", time.monotonic() - pasted)
    p.send(guipeer.CLIP_DATA, 0, b"other domain's")
    wait_for(lambda: xsel(rig, d, ["-o"]).stdout)
    xsel(rig, d, ["-i"], b"own")
    time.sleep(WIPE_SECONDS + 0.5)
    tap.result(xsel(rig, d, ["-o"]).stdout == b"own", "what the user copied meanwhile is not")


def test_tray(rig, d, p):
    c = Client(d, w=24, h=24, colour=0xaa00aa)
    sel = c.atom("_NET_SYSTEM_TRAY_S0")
    owner = c.d.get_selection_owner(sel)
    tap.result(owner != X.NONE, "somebody owns the tray")
    ev = xevent.ClientMessage(window=owner, client_type=c.atom("_NET_SYSTEM_TRAY_OPCODE"), data=(32, [0, 0, c.id, 0, 0]))
    owner.send_event(ev, 0)
    c.d.sync()
    w = p.wait(lambda: next((w for w in p.windows.values() if w.docked and w.mapped), None))
    tap.result(w is not None, "an icon is docked")
    p.wait(lambda: p.image(w).getpixel((5, 5)) == (0xaa, 0, 0xaa))
    tap.result(p.image(w).getpixel((5, 5)) == (0xaa, 0, 0xaa), "with its pixels")
    p.configure(w, 0, 0, 32, 32)
    tap.result(p.wait(lambda: (w.bw, w.bh) == (32, 32)), "and the daemon may size it")
    tap.result(wait_for(lambda: c.win.get_geometry().width == 32), "the icon inside grows as well")
    c.close()
    tap.result(p.wait(lambda: w.id not in p.windows), "it goes with its application")
    p.idle(0.1)


def sync_request(d, opcode, *words):
    """A request of the SYNC extension, made of 32-bit words."""
    from Xlib.protocol import rq
    major = d.query_extension("SYNC").major_opcode

    class Request(rq.Request):
        _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(opcode), rq.RequestLength(),
                             *[rq.Card32("w%d" % i) for i in range(len(words))])
    Request(display=d.display, opcode=major, **{"w%d" % i: w for i, w in enumerate(words)})


def test_sync_request(rig, d, p):
    c = Client(d)
    counter = c.d.display.allocate_resource_id()
    sync_request(c.d, 2, counter, 0, 0)
    c.win.change_property(c.atom("_NET_WM_SYNC_REQUEST_COUNTER"), Xatom.CARDINAL, 32, [counter])
    c.win.set_wm_protocols([c.atom("_NET_WM_SYNC_REQUEST")])
    c.map()
    w = window_of(p, c)
    p.idle(0.2)
    for value, size in ((1, (250, 150)), (2, (260, 160))):
        p.configure(w, 0, 0, *size)
        e = c.wait_event(lambda e: e.type == X.ClientMessage and e.data[1][2] == value)
        tap.result(e and e.data[1][0] == c.atom("_NET_WM_SYNC_REQUEST"), "the application is told before the resize", e)
        t0 = time.monotonic()
        if value == 1:
            sync_request(c.d, 3, counter, 0, value)
            c.d.sync()
        p.wait(lambda: (w.bw, w.bh) == size)
        taken = time.monotonic() - t0
        tap.result((w.bw, w.bh) == size and (taken < 0.08 if value == 1 else 0.03 < taken < 0.5),
               "the dump comes when it has redrawn" if value == 1 else "or after 100 ms", taken)
    c.close()
    p.idle(0.2)


def test_many(rig, d, p):
    clients = [Client(d, w=60 + i, h=40, x=i, y=i, colour=i * 1000) for i in range(100)]
    t0 = time.monotonic()
    for c in clients:
        c.map()
    good = p.wait(lambda: all(c.id in p.windows and p.windows[c.id].mapped for c in clients), 20)
    tap.result(good, "100 windows in %.2f s" % (time.monotonic() - t0))
    p.idle(0.3)
    tap.result(all(p.image(p.windows[c.id]).getpixel((3, 3)) == (i * 1000 >> 16, i * 1000 >> 8 & 255, i * 1000 & 255)
               for i, c in enumerate(clients)), "each with its own colour")
    for c in clients:
        c.close()
    tap.result(p.wait(lambda: not any(c.id in p.windows for c in clients), 20), "all gone again")
    p.idle(0.2)


def test_cursor(rig, d, p):
    c = Client(d).map()
    w = window_of(p, c)
    p.enter(w, 5, 5)
    # XFixes names the cursor: what libXcursor does for themes
    pix = c.win.create_pixmap(16, 16, 1)
    cur = pix.create_cursor(pix, (0, 0, 0), (65535, 65535, 65535), 1, 1)
    name = b"text"
    from Xlib.protocol import rq
    op = c.d.query_extension("XFIXES").major_opcode

    class SetCursorName(rq.Request):
        _request = rq.Struct(rq.Card8("opcode"), rq.Opcode(23), rq.RequestLength(), rq.Card32("cursor"),
                             rq.LengthOf("name", 2), rq.Pad(2), rq.String8("name"))
    c.d.xfixes_query_version()
    SetCursorName(display=c.d.display, opcode=op, cursor=cur.id, name="text")
    c.win.change_attributes(cursor=cur)
    c.d.sync()
    tap.result(p.wait(lambda: w.cursor == 0x100 + 152, 3), "the cursor's shape is told", w.cursor)
    c.close()
    p.idle(0.2)


def test_layout(rig, d, p):
    r = subprocess.run([LAYOUT], input="800 600 0 0\n400 300 800 100 100 75\n", text=True, capture_output=True,
                       env=rig.env(DISPLAY=d), timeout=10)
    tap.result(r.returncode == 0, "qubes-set-monitor-layout", r.stderr)
    dd = xdisplay.Display(d)
    g = dd.screen().root.get_geometry()
    tap.result((g.width, g.height) == (1200, 600), "the screen has the size around both monitors", (g.width, g.height))
    m = subprocess.run(["xrandr", "--listmonitors"], env=rig.env(DISPLAY=d), capture_output=True, text=True).stdout
    tap.result("800/" in m and "400/100x300/75+800+100" in m, "two RandR monitors", m)
    bad = subprocess.run([LAYOUT], input="nonsense\n", text=True, capture_output=True, env=rig.env(DISPLAY=d), timeout=10)
    tap.result(bad.returncode == 1 and "Invalid" in bad.stderr, "nonsense is refused", bad.stderr)
    dd.close()


def test_idle(rig, d, p, agent):
    rig.spawn(["xterm", "-T", "idle", "-e", "cat"], DISPLAY=d)
    w = p.wait(lambda: p.by_title("idle"))
    p.idle(1)
    n, cpu = context_switches(agent.pid), cpu_seconds(agent.pid)
    time.sleep(3)
    tap.result(context_switches(agent.pid) == n and cpu_seconds(agent.pid) == cpu, "0 wake-ups in 3 s when nothing changes",
           context_switches(agent.pid) - n)
    return w


def test_reconnect(rig, d, p):
    c = Client(d, colour=0x224466).map()
    w = window_of(p, c)
    p.key(w, 50, press=True)
    titles = sorted(w.title for w in p.mapped())
    p.close()
    p = Peer(rig.vchan, rig.shm, 1)
    p.wait(lambda: sorted(w.title for w in p.mapped()) == titles)
    tap.result(sorted(w.title for w in p.mapped()) == titles, "all windows again for a new daemon", titles)
    w = p.windows[c.id]
    tap.result(same(p, rig, d, w), "with their pixels")
    tap.result(not p.errors, "in the right order", p.errors)
    p.send(99, 0, b"")
    try:
        p.idle(1)
        gone = False
    except (EOFError, ConnectionError):
        gone = True
    tap.result(gone, "nonsense from the daemon ends the connection")
    p.close()
    p = Peer(rig.vchan, rig.shm, 1, version=1 << 16 | 8)
    tap.result(p.wait(lambda: c.id in p.windows and p.windows[c.id].mapped), "a daemon of Qubes' version 1.8")
    w = p.windows[c.id]
    p.idle(0.3)
    before = p.pixels(w)
    images = w.images
    end = time.monotonic() + 0.5
    while time.monotonic() < end:
        c.fill(int(time.monotonic() * 1e6) & 0xffffff)
    p.idle(0.3)
    tap.result(same(p, rig, d, w) and p.pixels(w) != before and w.frames == 0, "gets damage without frame requests")
    tap.result(3 <= w.images - images <= 40, "at most every 16 ms", w.images - images)
    tap.result(not p.errors, "no protocol error", p.errors)
    p.close()
    p = Peer(rig.vchan, rig.shm, 1, version=1 << 16 | 4)
    tap.result(p.wait(lambda: c.id in p.windows and p.windows[c.id].mapped), "a daemon of version 1.4")
    w = p.windows[c.id]
    p.configure(w, 0, 0, 321, 123)
    tap.result(p.wait(lambda: (w.bw, w.bh) == (321, 123)), "resizes without acknowledgements")
    c.close()
    p.close()
    return Peer(rig.vchan, rig.shm, 1)


def test_x_restart(rig, d, p, agent):
    p.idle(0.3)
    n = int(d[1:])
    rig.stop(rig.last_x, kill=True)
    tap.result(p.wait(lambda: not p.windows), "the X server's end destroys all windows")
    time.sleep(0.3)
    rig.xorg(number=n) if WITH_XORG else rig.xvfb(number=n)
    c = Client(d, colour=0x654321).map()
    w = window_of(p, c, 8)
    tap.result(w is not None, "windows of the next X server appear")
    tap.result(w and same(p, rig, d, w), "with their pixels")
    tap.result(agent.poll() is None, "the agent never ended")
    c.close()


def test_own_scale(rig, d):
    """Applications that cannot follow dom0's scale: the daemon is told, and the screen reaches as far as dom0's."""
    agent = rig.agent(d, 2, "--scale=1.5")
    p = Peer(rig.vchan, rig.shm, 2, xconf=(640, 400))
    c = Client(d).map()
    w = window_of(p, c)
    root = c.d.screen().root

    def screen():
        g = root.get_geometry()
        return g.width, g.height
    tap.result(w and w.scale == 180 and wait_for(lambda: screen() == (960, 600)), "an agent with --scale=1.5 says so of each window",
           (w and w.scale, screen()))
    p.send(guipeer.SCALE, w.id, struct.pack("<I", 240))
    tap.result(wait_for(lambda: screen() == (480, 300)), "and on a desktop of scale 2 has three quarters of its pixels", screen())
    resources = root.get_full_property(Xatom.RESOURCE_MANAGER, Xatom.STRING)
    tap.result(not resources or b"Xft.dpi:\t192" not in resources.value, "without telling applications of that scale")
    tap.result(not p.errors, "no protocol error", p.errors)
    c.close()
    p.close()
    rig.stop(agent)


def test_shm_freed(rig, p):
    p.close()
    wait_for(lambda: len(os.listdir(rig.shm)) <= 3)
    tap.result(len(os.listdir(rig.shm)) <= 3, "buffers are freed when the daemon goes", os.listdir(rig.shm))


def main():
    if WITH_XORG and os.geteuid():
        tap.skip("with Xorg", "only root may start Xorg here")
        return tap.plan()
    with Rig("agent") as rig:
        d = rig.xorg() if WITH_XORG else rig.xvfb()
        agent = rig.agent(d, 1, "--clipboard-wipe=%d" % WIPE_SECONDS)
        rig.agent_pid = agent.pid
        p = Peer(rig.vchan, rig.shm, 1)
        tap.result(p.agent_version == 0x10040, "the agent's version is first", hex(p.agent_version))
        for test in (test_xterm, test_all_damage_is_told, test_titles_and_flags, test_stalled_daemon, test_geometry, test_huge, test_scale, test_unmap, test_input, test_dump_ack, test_frames,
                     test_id_reuse, test_clipboard, test_tray, test_sync_request, test_many, test_cursor, test_layout):
            test(rig, d, p)
            tap.result(not p.errors, "%s: no protocol error" % test.__name__, p.errors)
            p.errors.clear()
            if agent.poll() is not None:
                tap.result(False, "the agent died", rig.log("agent1"))
                rig.show_logs()
                return tap.plan()
        test_idle(rig, d, p, agent)
        p = test_reconnect(rig, d, p)
        test_x_restart(rig, d, p, agent)
        test_shm_freed(rig, p)
        agent.send_signal(signal.SIGUSR1)
        stats = wait_for(lambda: re.search("bytes-copied=([0-9]+)", rig.log("agent1")))
        tap.result(stats, "SIGUSR1 prints counters")
        if WITH_XORG:
            tap.result(stats and int(stats.group(1)) < 4000000, "only windows with a border or too wide ones were copied", stats)
        agent.terminate()
        tap.result(agent.wait(5) == 0, "SIGTERM ends it cleanly")
        test_own_scale(rig, d)
        if tap.failed:
            rig.show_logs()
    return tap.plan()


if "--scribble" in sys.argv:
    scribble(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
else:
    sys.exit(main())
