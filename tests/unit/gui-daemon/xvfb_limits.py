# SPDX-License-Identifier: GPL-2.0-or-later
"""Agents that break rules, flood, end or are old; other programs that destroy windows; what the daemon may cost."""
import os, re, struct, subprocess, threading, time

import fake_agent as fa
from xvfb_desktop import GREEN, GUID, RED, Domain, dialog, domain_with_window, output, wait_for


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
    d, _ = domain_with_window(desktop, config="reconnect = false\n")
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
    d, _ = domain_with_window(desktop)
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
