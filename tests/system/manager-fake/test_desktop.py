#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Panel and manager window under Xvfb with a window manager, driven by the keyboard; pictures are left in
build/check/desktop/. Needs its own D-Bus: runs itself again under dbus-run-session."""
import os, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from world import SHIM, World, case, finish

DISPLAY = ":47"
PICTURES = "build/check/desktop"

if "DM_DESKTOP_BUS" not in os.environ:
    os.environ["DM_DESKTOP_BUS"] = "1"
    os.execvp("dbus-run-session", ["dbus-run-session", "--", sys.executable, os.path.abspath(__file__)])

os.environ.update(DISPLAY=DISPLAY, GTK_THEME="Adwaita", LC_ALL="C.UTF-8", HOME="/tmp")
os.makedirs(PICTURES, exist_ok=True)
CHILDREN = []


def child(*args, **kw):
    p = subprocess.Popen(args, **kw)
    CHILDREN.append(p)
    return p


def wait(what, seconds=10):
    end = time.time() + seconds
    while time.time() < end:
        r = what()
        if r:
            return r
        time.sleep(0.05)
    raise AssertionError("waited in vain")


def xdo(*args):
    return subprocess.run(["xdotool"] + list(args), stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout.decode().split()


def keys(*args):
    for k in args:
        xdo("key", "--clearmodifiers", k)
        time.sleep(0.15)


def picture(name):
    subprocess.run(["import", "-window", "root", "%s/%s.png" % (PICTURES, name)], check=True)


def colours(name, box):
    """Set of colours in WxH+X+Y of a picture."""
    out = subprocess.run(["convert", "%s/%s.png" % (PICTURES, name), "-crop", box, "-depth", "8", "-unique-colors", "txt:-"],
                         stdout=subprocess.PIPE, check=True).stdout.decode()
    return {w for line in out.splitlines() for w in line.split() if w.startswith("#")}


USABLE = ("push button", "toggle button", "check box", "combo box", "text", "spin button", "menu item", "menu", "check menu item",
          "table", "tree table", "page tab")


def accessibles(program):
    """What a screen reader can tell of a program's widgets: [role, name]."""
    script = """
import gi, sys
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi
def walk(node, depth=0):
    if node is None or depth > 30:
        return
    labelled = any(r.get_relation_type() == Atspi.RelationType.LABELLED_BY for r in node.get_relation_set())
    print('%s\\t%s' % (node.get_role_name(), node.get_name() or ('(labelled)' if labelled else '')))
    for i in range(min(node.get_child_count(), 200)):
        walk(node.get_child_at_index(i), depth + 1)
desktop = Atspi.get_desktop(0)
for i in range(desktop.get_child_count()):
    application = desktop.get_child_at_index(i)
    if application and application.get_name() == sys.argv[1]:
        walk(application)
"""
    out = subprocess.run(["/usr/bin/python3", "-c", script, program], stdout=subprocess.PIPE, timeout=30, check=True).stdout.decode()
    return [line.split("\t", 1) for line in out.split("\n") if "\t" in line]


def unnamed(program):
    """(how many of its widgets can be used, those of them that have no name)"""
    usable = [widget for widget in accessibles(program) if widget[0] in USABLE]
    return len(usable), [widget for widget in usable if not widget[1]]


def bar_value(program):
    """How far a program's progress bar is, as a screen reader tells: 0 to 1."""
    script = """
import gi, sys
gi.require_version('Atspi', '2.0')
from gi.repository import Atspi
def walk(node):
    if node is None:
        return
    if node.get_role_name() == 'progress bar' and node.get_name() == 'Copied':
        print(node.get_value_iface().get_current_value())
    for i in range(min(node.get_child_count(), 50)):
        walk(node.get_child_at_index(i))
desktop = Atspi.get_desktop(0)
for i in range(desktop.get_child_count()):
    application = desktop.get_child_at_index(i)
    if application and application.get_name() == sys.argv[1]:
        walk(application)
"""
    out = subprocess.run(["/usr/bin/python3", "-c", script, program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30).stdout
    return float(out.split()[0]) if out.split() else 0


def open_menu(key):
    keys(key)
    time.sleep(0.4)


def window(title):
    return wait(lambda: xdo("search", "--onlyvisible", "--name", title))[-1]


def main():
    child("Xvfb", DISPLAY, "-screen", "0", "1024x768x24", stderr=subprocess.DEVNULL)
    wait(lambda: subprocess.run(["xset", "q"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
         if os.path.exists("/usr/bin/xset") else os.path.exists("/tmp/.X11-unix/X" + DISPLAY[1:]))
    child("xfwm4", "--compositor=off", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    with World() as w:
        open(w.state + "/templates/debian-12/appmenus", "w").write(
            "xterm.desktop:Name=XTerm\nfirefox.desktop:Name=Firefox\n")
        w.start(bus="session")
        w.ok("qvm-create", "-l", "blue", "work")
        w.ok("qvm-create", "-l", "green", "bank")
        w.ok("qvm-start", "work")
        steps(w)
        for p in reversed(CHILDREN):
            p.terminate()


def steps(w):
    err = w.dir + "/panel.err"
    env = dict(w.env)

    @case
    def painted():
        """the panel paints, says so, reserves its strip and shows the running domain in its colour"""
        child("build/domain-manager/bulkhead-panel", "--session-bus", stderr=open(err, "w"), env=env)
        wait(lambda: "bulkhead-panel: painted" in open(err).read())
        time.sleep(1)
        picture("panel")
        assert "#3465A4" in colours("panel", "400x30+0+0"), colours("panel", "400x30+0+0")
        prop = subprocess.run(["xprop", "-name", "Bulkhead panel", "_NET_WM_STRUT"], stdout=subprocess.PIPE).stdout.decode()
        height = int(prop.split("=")[1].split(",")[2])
        assert 28 <= height <= 40, prop

    @case
    def follows():
        """domains that start and stop appear and disappear"""
        w.ok("qvm-start", "bank")
        time.sleep(0.6)
        picture("panel-two")
        assert "#73D216" in colours("panel-two", "400x30+0+0")
        w.ok("qvm-kill", "bank")
        time.sleep(0.6)
        picture("panel-one")
        assert "#73D216" not in colours("panel-one", "400x30+0+0")

    @case
    def menu():
        """the application menu starts a program: Applications → bank → Firefox"""
        if os.path.exists(w.dir + "/qrexec.args"):
            os.unlink(w.dir + "/qrexec.args")
        xdo("mousemove", "40", "12", "click", "1")
        time.sleep(0.6)
        keys("Down", "Right")
        time.sleep(0.4)
        picture("menu")
        keys("Return")
        wait(lambda: os.path.exists(w.dir + "/qrexec.args") and "Firefox" not in open(w.dir + "/qrexec.args").read()
             and "firefox" in open(w.dir + "/qrexec.args").read())
        args = open(w.dir + "/qrexec.args").read().split("\n")
        assert args[:4] == ["-e", "-d", "bank", "DEFAULT:QUBESRPC qubes.StartApp+firefox dom0"], args
        assert w.state_of("bank") == "Running"

    @case
    def keyboard():
        """Alt+F1 opens the application menu without the mouse; Escape closes it"""
        picture("before-key")
        keys("alt+F1")
        time.sleep(0.5)
        picture("key")
        menu_box = "150x100+10+60"
        assert len(colours("key", menu_box)) > 2 and len(colours("before-key", menu_box)) <= 2
        keys("Escape", "Escape")
        time.sleep(0.3)
        picture("after-key")
        assert len(colours("after-key", menu_box)) <= 2
        keys("alt+F3")
        time.sleep(0.5)
        picture("key-domains")
        keys("Escape", "Escape")

    @case
    def domains_widget():
        """the widget of running domains: a domain is paused, unpaused, shown a terminal, shut down, all by keyboard"""
        open_menu("alt+F3")
        keys("Down", "Down", "Right", "p")  # dom0, then bank
        w.wait_state("bank", "Paused")
        time.sleep(0.4)
        open_menu("alt+F3")
        picture("domains-paused")
        keys("Down", "Down", "Right", "u")
        w.wait_state("bank", "Running")
        for key, command in (("t", "qubes-run-terminal"), ("f", "xdg-open")):
            os.unlink(w.dir + "/qrexec.args")
            time.sleep(0.4)
            open_menu("alt+F3")
            keys("Down", "Down", "Right", key)
            wait(lambda: os.path.exists(w.dir + "/qrexec.args") and command in open(w.dir + "/qrexec.args").read())
        open_menu("alt+F3")
        keys("Down", "Down", "Right", "d")
        w.wait_state("bank", "Halted")
        w.ok("qvm-start", "bank")

    @case
    def disposable():
        """a disposable's terminal is started from the menu"""
        w.ok("qvm-prefs", "bank", "template_for_dispvms", "True")
        os.unlink(w.dir + "/qrexec.args")
        time.sleep(0.6)
        open_menu("alt+F1")
        picture("menu-disposable")
        keys("Down", "Right", "t")
        wait(lambda: os.path.exists(w.dir + "/qrexec.args"))
        assert "-d\ndisp" in open(w.dir + "/qrexec.args").read(), open(w.dir + "/qrexec.args").read()
        w.ok("qvm-prefs", "-D", "bank", "template_for_dispvms")

    @case
    def own_label():
        """a label that an administrator made is shown in its colour"""
        w.ok("qvm-label", "create", "teal", "0x12a5a5")
        w.ok("qvm-prefs", "bank", "label", "teal")
        time.sleep(0.8)
        picture("panel-label")
        assert "#12A5A5" in colours("panel-label", "400x30+0+0"), colours("panel-label", "400x30+0+0")
        w.ok("qvm-prefs", "bank", "label", "green")

    @case
    def tray():
        """an icon docks in the tray, is named by its domain and title, and its place closes when it goes"""
        def shown(name):
            picture(name)
            return "#F57900" in colours(name, "600x30+424+0")

        def named(name):
            return name in [n for _, n in accessibles("bulkhead-panel")]
        icon = child(sys.executable, "tests/system/manager-fake/tray_icon.py", "work", "Mail", stdin=subprocess.PIPE, text=True,
                     env=dict(env, DISPLAY=DISPLAY))
        wait(lambda: shown("tray"))
        wait(lambda: named("work: Mail"), 30)
        print("Mail (2)", file=icon.stdin, flush=True)
        wait(lambda: named("work: Mail (2)"), 30)
        icon.stdin.close()
        assert icon.wait(5) == 0
        wait(lambda: not shown("tray-gone"))

    @case
    def notice():
        """a failed start and a crash are told"""
        w.ok("qvm-kill", "bank")
        w.mark("fail-create.bank")
        w.bad("qvm-start", "bank")
        w.unmark("fail-create.bank")
        w.guest_state("work", "crashed")
        time.sleep(0.8)
        picture("notices")
        assert len(colours("notices", "380x60+640+40")) > 4

    @case
    def manager_window():
        """the window lists; New creates, Settings changes memory, Start starts: all by keyboard"""
        child("build/domain-manager/bulkhead-manager", "--session-bus", env=env)
        win = window("Domain Manager")
        xdo("windowactivate", "--sync", win)
        time.sleep(1)
        picture("manager")
        keys("alt+n")
        window("Create a domain")
        time.sleep(0.4)
        xdo("type", "mail")
        time.sleep(0.3)
        picture("create")
        keys("Return")
        wait(lambda: "mail" in w.names())
        time.sleep(0.6)
        xdo("windowactivate", "--sync", win)
        keys("alt+e")
        window("Settings of ")
        time.sleep(0.5)
        picture("settings")
        keys("ctrl+Page_Down")
        time.sleep(0.3)
        keys("alt+m", "ctrl+a")
        xdo("type", "512")
        keys("Tab")
        picture("settings-advanced")
        keys("alt+o")
        wait(lambda: any(w.ok("qvm-prefs", n, "memory") == "512\n" for n in ("bank", "debian-12", "mail", "work")))

    @case
    def clone():
        """a long clone shows how far it is"""
        w.stop()
        w.start(bus="session", env={"LD_PRELOAD": SHIM, "COPY_MS": "500"})
        before = w.names()
        for name in before[1:]:
            w.fill(name, 12)
        xdo("windowactivate", "--sync", window("Domain Manager"))
        keys("alt+c")
        dialog = wait(lambda: xdo("search", "--onlyvisible", "--name", "^Clone "))
        keys("Return")
        wait(lambda: bar_value("bulkhead-manager") > 0, 20)
        picture("clone")
        wait(lambda: len(w.names()) > len(before), 30)
        wait(lambda: not xdo("search", "--onlyvisible", "--name", "^Clone "))
        assert dialog

    @case
    def accessible():
        """whatever can be used in panel and manager window has a name for a screen reader"""
        for program, least in (("bulkhead-panel", 3), ("bulkhead-manager", 8)):
            count, without = unnamed(program)
            assert count >= least and not without, (program, count, without)

    @case
    def manager_restarts():
        """the desktop survives a restart of the manager"""
        w.stop()
        time.sleep(0.5)
        picture("no-manager")
        w.start(bus="session")
        w.ok("qvm-start", "work")
        time.sleep(1)
        picture("manager-back")
        assert "#3465A4" in colours("manager-back", "400x30+0+0")


main()
finish()
