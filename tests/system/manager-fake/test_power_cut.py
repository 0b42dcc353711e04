#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The manager is killed at every call that changes a file, and every such call is made to fail as on a full disk:
afterwards there is the old state or the new state, and the manager works."""
import os, shutil, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from world import SHIM, World, case, finish


BACKUP = tempfile.mkdtemp(prefix="dm-backup-") + "/b"


def template_cycle(w):
    a = w.run("qvm-start", "debian-12")
    if w.process.poll() is not None or a[0]:
        return a
    with open(w.state + "/domains/debian-12/upper.img", "r+b") as f:
        f.write(b"new")
    return w.run("qvm-shutdown", "--wait", "debian-12")


OPERATIONS = {
    "create": lambda w: w.run("qvm-create", "-l", "blue", "new"),
    "create a standalone": lambda w: w.run("qvm-create", "-C", "StandaloneVM", "-t", "debian-12", "-l", "blue", "new"),
    "set a property": lambda w: w.run("qvm-prefs", "a", "memory", "777"),
    "set a system property": lambda w: w.run("qubes-prefs", "default_netvm", "net"),
    "clone": lambda w: w.run("qvm-clone", "a", "new"),
    "clone a template": lambda w: w.run("qvm-clone", "debian-12", "new"),
    "remove": lambda w: w.run("qvm-remove", "-f", "a"),
    "rename": lambda w: w.run("qvm-prefs", "net", "name", "new"),
    "rename a template": lambda w: w.run("qvm-prefs", "debian-12", "name", "new"),
    "resize": lambda w: w.run("qvm-volume", "resize", "a:private", "5GiB"),
    "make a label": lambda w: w.run("qvm-label", "create", "pink", "0xff69b4"),
    "change the firewall": lambda w: w.run("qvm-firewall", "a", "add", "drop"),
    "change a template": template_cycle,
    "restore a domain": lambda w: w.run("qvm-backup-restore", "-y", BACKUP, "saved"),
    "restore a template": lambda w: w.run("qvm-backup-restore", "-y", BACKUP, "saved-template"),
}


def base():
    """State directory that all runs start from."""
    w = World().start()
    w.ok("qvm-create", "-l", "red", "net", "--prop", "provides_network=True")
    w.ok("qvm-create", "-l", "red", "a", "--prop", "netvm=net", "-t", "debian-12")
    with open(w.state + "/domains/a/private.img", "r+b") as f:
        f.write(b"precious")
    w.ok("qvm-clone", "a", "saved")
    w.ok("qvm-clone", "debian-12", "saved-template")
    w.ok("qvm-prefs", "saved-template", "label", "green")
    w.ok("qvm-backup", "-y", BACKUP, "saved", "saved-template")
    w.ok("qvm-remove", "-f", "saved", "saved-template")
    w.stop()
    return w


def dump(w):
    """What a user sees of the whole state, but for numbers that are new at every creation."""
    rows = w.ok("qvm-ls", "--raw-data", "-O", "name,state,class,label,template,netvm,memory,tags,priv-max,root-max")
    system = w.ok("qubes-prefs", "--hide-default") + w.ok("qvm-label", "list")
    firewall = w.run("qvm-firewall", "--raw", "a")[1]
    files = {}
    for d, _, names in os.walk(w.state):
        for n in names:
            if n.endswith(".img"):
                files[os.path.relpath(os.path.join(d, n), w.state)] = open(os.path.join(d, n), "rb").read(8)
    return rows, system + firewall, sorted(files.items())


def strip_uppers(d):
    """A template's own working disk is made at its start already; only revisions count."""
    return d[0], d[1], [f for f in d[2] if not f[0].startswith("domains/debian-12/")]


def attempt(origin, operation, mode, n):
    """One run; (came to the end without being hit, dump after a restart)."""
    with World(base=origin.state) as w:
        crash = w.dir + "/crash"
        w.start(env={"LD_PRELOAD": SHIM, "CRASH_FILE": crash})
        open(crash + ".tmp", "w").write("%s %d" % (mode, n))
        os.rename(crash + ".tmp", crash)
        status, _, err = operation(w)
        alive = w.process.poll() is None
        if mode == "full":
            assert alive, "the manager ended: " + w.log()
            for name in w.ok("qvm-ls", "--raw-list", "--running").split()[1:]:
                w.ok("qvm-kill", name)
            w.wait_until(lambda: "Dying" not in w.ok("qvm-ls", "--raw-data", "-O", "state"))
            live = dump(w)
        w.stop()
        count = int(open(crash + ".count").read()) if os.path.exists(crash + ".count") else n
        hit = not alive or count >= n
        os.unlink(crash)
        shutil.rmtree(w.dir + "/run")  # the domains are gone, too, after a power cut
        w.start()
        result = dump(w)
        hidden = [n for n in os.listdir(w.state + "/domains") + os.listdir(w.state + "/templates") if n.startswith(".")]
        assert not hidden, "left over: %s" % hidden
        if mode == "full":
            assert strip_uppers(live)[:2] == strip_uppers(result)[:2], "memory and disk differ: %s %s" % (live, result)
        w.ok("qvm-create", "-l", "red", "afterwards")
        w.ok("qvm-start", "afterwards")
        return not hit, status, strip_uppers(result)


def sweep(origin, before, name, mode):
    operation = OPERATIONS[name]
    # a late count gives the state after an undisturbed run
    clean, status, after = attempt(origin, operation, mode, 100000)
    assert clean and status == 0 and (after != before), "the operation does nothing"
    n, both = 1, set()
    while n < 200:
        clean, status, result = attempt(origin, operation, mode, n)
        if clean:
            break
        assert result in (before, after), "%s %d: neither old nor new: %s\nold: %s\nnew: %s" % (mode, n, result, before, after)
        both.add(result == after)
        n += 1
    print("# %s: %d points" % (name, n - 1))
    assert n > 3


def main():
    names = list(OPERATIONS)
    if sys.argv[1:] and sys.argv[1] in OPERATIONS:
        names = sys.argv[1:]
    if "--quick" in sys.argv:
        names = ["create", "set a property", "rename"]
    origin = base()
    with World(base=origin.state) as w:
        w.start()
        before = strip_uppers(dump(w))
    for name in names:
        for mode, text in (("die", "power cut at every write of: "), ("full", "disk full at every write of: ")):
            def f():
                sweep(origin, before, name, mode)
            f.__doc__ = text + name
            case(f)
    origin.__exit__()
    shutil.rmtree(os.path.dirname(BACKUP))
    finish()


main()
