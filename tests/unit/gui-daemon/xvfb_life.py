# SPDX-License-Identifier: GPL-2.0-or-later
"""The life of windows: made, moved, sized, hidden, many of them, and gone."""
import signal, struct, subprocess, threading, time

import fake_agent as fa
from xvfb_desktop import BLUE, BORDER, HEADER, HEIGHT, WIDTH, Domain, assert_frame, domain_with_window, focus, geometry, output, wait_for


def test_life_of_a_dialog(desktop):
    """Transient, modal, class, size hints and urgency reach the window manager; unmapped, mapped again, destroyed."""
    d, a = domain_with_window(desktop, title=b"main")
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
    d, a = domain_with_window(desktop)
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
    d, a = domain_with_window(desktop)
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


def test_header_buttons_and_hidden_parts(desktop):
    d, a = domain_with_window(desktop, title=b"title")
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
    d, a = domain_with_window(desktop)
    a.flags(0x100, 1)
    assert struct.unpack("<II", a.expect(fa.FLAGS, 0x100)) == (1, 0)
    wait_for("maximised", lambda: "MAXIMIZED" in output("xprop", "-id", d.xid(0x100), "_NET_WM_STATE"))
    assert "FULLSCREEN" not in output("xprop", "-id", d.xid(0x100), "_NET_WM_STATE")
    d.close()
    d, a = domain_with_window(desktop, config="global: { allow_fullscreen = true; }\n")
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
    d, a = domain_with_window(desktop, color=0x00aa00)
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
