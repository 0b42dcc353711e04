# SPDX-License-Identifier: GPL-2.0-or-later
"""Icons of domains in the desktop's tray."""
import os, struct, subprocess, time

import fake_agent as fa
from xvfb_desktop import BLUE, Domain, assert_content, assert_frame, stop, wait_for


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
