#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""qvm-backup and qvm-backup-restore on the fake hypervisor: what comes back, what is refused, cuts in the middle."""
import contextlib, hashlib, os, re, shutil, signal, struct, subprocess, sys, tempfile

sys.path.insert(0, os.path.dirname(__file__))
from world import PRELOAD, World, case, finish

BLOCK = 4096
SLOW = {"LD_PRELOAD": PRELOAD, "COPY_MS": "150"}  # also: no reflinks


@contextlib.contextmanager
def directory():
    path = tempfile.mkdtemp(prefix="dm-backup-")
    yield path
    shutil.rmtree(path)


def file_sum(path):
    """As volume_sum.c describes it."""
    sha, number = hashlib.sha256(), 0
    with open(path, "rb") as f:
        while block := f.read(BLOCK):
            if block.strip(b"\0"):
                sha.update(struct.pack("<Q", number) + block.ljust(BLOCK, b"\0"))
            number += 1
    sha.update(struct.pack("<Q", os.path.getsize(path)))
    return sha.hexdigest()


def seal(backup, names=()):
    """Write the manifest anew, as somebody would who wants to deceive; names: instead of what is there."""
    files = names or sorted(os.path.relpath(os.path.join(d, n), backup) for d, _, ns in os.walk(backup) for n in ns if n != "manifest")
    text = "Bulkhead backup 1\n" + "".join(
        "%s %d %s\n" % (file_sum(os.path.join(backup, f)), os.path.getsize(os.path.join(backup, f)), f) for f in files)
    with open(os.path.join(backup, "manifest"), "w") as f:
        f.write(text + "end " + hashlib.sha256(text.encode()).hexdigest() + "\n")


def edit(path, old, new):
    text = open(path).read()
    assert old in text, text
    open(path, "w").write(text.replace(old, new))


def shrink(w, *names):
    """Small volumes, so that Python sums them quickly."""
    for name in names:
        os.truncate(w.private(name), 1 << 20)


def full_world(w):
    w.ok("qvm-create", "-l", "red", "-t", "debian-12", "net", "--prop", "provides_network=True", "--prop", "netvm=")
    w.ok("qvm-create", "-l", "blue", "-t", "debian-12", "work", "--prop", "netvm=net", "--prop", "memory=500")
    w.ok("qvm-create", "-C", "StandaloneVM", "-t", "debian-12", "-l", "green", "alone", "--prop", "netvm=")
    w.ok("qvm-create", "-l", "gray", "-t", "debian-12", "base", "--prop", "template_for_dispvms=True")
    w.ok("qvm-prefs", "base", "default_dispvm", "base")
    w.ok("qvm-create", "-C", "DispVM", "-l", "gray", "-t", "base", "named")
    w.ok("qvm-tags", "work", "add", "mine")
    w.ok("qvm-features", "work", "internal", "1")
    w.ok("qvm-firewall", "work", "add", "--before=0", "drop", "dst4=192.0.2.0/24")
    w.ok("qvm-notes", "work", "-s", "line 1\nline 2")
    w.ok("qvm-volume", "config", "work:private", "revisions_to_keep", "0")
    w.ok("qvm-start", "debian-12")
    with open(w.state + "/domains/debian-12/upper.img", "r+b") as f:
        f.write(b"changed")
    w.ok("qvm-shutdown", "--wait", "debian-12")
    w.fill("work", 3)
    w.fill("debian-12", 2)


def shown(w, name):
    fields = "class,label,template,netvm,memory,tags,features,priv-max,root-max,default_dispvm,template_for_dispvms,provides_network"
    return (w.ok("qvm-ls", "--raw-data", "-O", fields, name), w.ok("qvm-firewall", "--raw", name), w.ok("qvm-notes", name))


@case
def round_trip():
    """everything comes back on another machine, sparse: settings, firewall, notes, volumes, a template with its changes"""
    with directory() as d, World().start() as w:
        full_world(w)
        os.truncate(w.private("work"), 16 << 20)
        out = w.ok("qvm-backup", "-y", d + "/b")
        assert "not encrypted" in out and "dom0" not in out, out
        assert w.ok("qvm-prefs", "work", "backup_timestamp").strip().isdigit()
        assert "all sums are right" in w.ok("qvm-backup-restore", "--verify-only", d + "/b")
        assert subprocess.check_output(["du", "-sm", d + "/b"]).split()[0] in (b"5", b"6", b"7"), "holes must stay holes"
        names = [n for n in w.names() if n != "dom0"]
        before = {n: shown(w, n) for n in names}
        with World().start() as other:
            other.ok("qubes-prefs", "-D", "default_template")
            other.ok("qvm-remove", "-f", "debian-12")
            out = other.ok("qvm-backup-restore", "-y", d + "/b")
            assert "work is restored\n" in out, out
            assert {n: shown(other, n) for n in names} == before
            assert other.ok("qvm-volume", "info", "work:private", "revisions_to_keep") == "0\n"
            assert not subprocess.run(["cmp", w.private("work"), other.private("work")]).returncode
            assert os.stat(other.private("work")).st_blocks * 512 < 8 << 20
            other.stop()
            other.start()
            assert {n: shown(other, n) for n in names} == before
            other.ok("qvm-start", "work", "alone", "named")
            assert open(other.config("work")["xvdf"].split(",")[0], "rb").read(7) == b"changed"
            other.ok("qvm-start", "debian-12")
            assert open(other.state + "/domains/debian-12/upper.img", "rb").read(7) == b"changed"


@case
def selection():
    """all with include_in_backups, but no disposables and not dom0; names; --exclude; a directory that exists gets one in it"""
    with directory() as d, World().start() as w:
        for n in ("a", "b", "c"):
            w.ok("qvm-create", "-l", "red", n)
        w.ok("qvm-prefs", "a", "template_for_dispvms", "True")
        disp = w.call(b"admin.vm.CreateDisposable+ dom0 name a\0")[2:].decode()
        assert w.ok("qvm-prefs", disp, "include_in_backups") == "False\n" and w.ok("qvm-prefs", "a", "include_in_backups") == "True\n"
        w.ok("qvm-prefs", "b", "include_in_backups", "False")

        def inside(*args):
            w.ok("qvm-backup", "-q", "-y", *args)
            found = sorted(n for n in os.listdir(args[0]) if n != "manifest")
            shutil.rmtree(args[0])
            return found
        assert inside(d + "/x") == ["a", "c", "debian-12"]
        assert inside(d + "/x", "--exclude", "debian-12") == ["a", "c"]
        assert inside(d + "/x", "b") == ["b"]
        w.ok("qvm-backup", "-y", d, "c")
        assert re.match(r"bulkhead-backup-\d{4}-\d\d-\d\dT\d{6}$", os.listdir(d)[0]), os.listdir(d)
        w.bad("qvm-backup", "-y", d + "/x", "nobody", says="does not exist")
        w.bad("qvm-backup", "-y", d + "/x", "a", "--exclude=a", says="no domain is to be backed up")
        w.bad("qvm-backup", "-y", d + "/x", "a", "nobody", "--exclude=c", says="does not exist")
        w.bad("qvm-backup", "-y", d + "/x", "a", "nobody", says="does not exist")
        w.bad("qvm-backup", "-y", d + "/x", "dom0")
        w.bad("qvm-backup", d + "/x", "a", input=b"n\n", says="proceed?")
        w.bad("qvm-backup", "-y", "/home/user/x", "a", says="choose a mounted disk")
        w.bad("qvm-backup", "-y", d + "/missing/x", "a", says="No such file")
        open(d + "/file", "w").close()
        w.bad("qvm-backup", "-y", d + "/file", "a", says="exists already")
        assert not os.path.exists(d + "/x") and not os.path.exists(d + "/x.unfinished")


@case
def running():
    """a running domain is backed up as it was before its start, where that is kept, else refused with advice"""
    with directory() as d, World().start(env=SLOW) as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-create", "-C", "StandaloneVM", "-t", "debian-12", "-l", "red", "s")
        w.ok("qvm-start", "a", "s")
        w.bad("qvm-backup", "-y", d + "/x", "a", says="shut it down first, or --exclude=a")
        w.bad("qvm-backup", "-y", d + "/x", "s", says="shut it down first, or --exclude=s")
        with open(os.path.dirname(w.private("a")) + "/private-1700000000.rev", "w") as f:
            f.write("earlier")
        assert "as it was before its start" in w.ok("qvm-backup", "-y", d + "/x", "a")
        assert open(d + "/x/a/private.img").read() == "earlier"
        w.ok("qvm-start", "--skip-if-running", "a")


@case
def progress():
    """a bar on a terminal; what is being copied cannot start, what is copied can"""
    with directory() as d, World().start(env=dict(SLOW, COPY_MS="150")) as w:
        for n in ("a", "b"):
            w.ok("qvm-create", "-l", "red", n)
            w.fill(n, 3)
        shown = w.on_terminal("qvm-backup", "-q", "-y", d + "/q", "a", "b")
        assert shown == "", "--quiet is quiet: " + repr(shown)
        shown = w.on_terminal("qvm-backup", "-y", d + "/b", "a", "b")
        assert re.search(r"\r\[#* +\] +[0-9]+% [0-6] of 6 MiB ", shown) and shown.endswith("\r\033[K"), repr(shown)
        events = w.open_events()
        p = subprocess.Popen(["qvm-backup", "-y", d + "/c", "a", "b"], env=w.env, stdout=subprocess.DEVNULL)
        w.receive_until(events, b"\0progress\0name\0" + d.encode() + b"/c\0")
        w.bad("qvm-start", "b", says="is being backed up")
        w.bad("qvm-remove", "-f", "b", says="is being backed up")
        w.wait_until(lambda: w.run("qvm-start", "a")[0] == 0, 20)
        assert p.wait(30) == 0
        w.ok("qvm-start", "b")


@case
def cut_short():
    """kill -9 in the middle: what is there is refused, by name; the manager starts again as if nothing was"""
    with directory() as d, World().start(env=SLOW) as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.fill("a", 3)
        p = subprocess.Popen(["qvm-backup", "-q", "-y", d + "/b", "a"], env=w.env, stderr=subprocess.DEVNULL)
        w.wait_until(lambda: os.path.exists(d + "/b.unfinished/a/private.img"), 20)
        w.stop(signal.SIGKILL)
        assert p.wait(20) == 1
        w.start()
        assert os.listdir(d) == ["b.unfinished"]
        w.bad("qvm-backup-restore", "-y", d + "/b.unfinished", says="cut short before it was finished")
        w.bad("qvm-backup", "-y", d + "/b", "a", says="b.unfinished is left of a backup that was cut short; remove it first")
        w.ok("qvm-start", "a")


@case
def disk_full():
    """the room is looked at before anything is copied, here and there"""
    with directory() as d, World() as w:
        w.start(env=dict(SLOW, COPY_MS="0", DISK_FREE=str(1 << 20)))
        w.ok("qvm-create", "-l", "red", "a")
        w.fill("a", 3)
        w.bad("qvm-backup", "-y", d + "/b", "a", says="3 MiB are needed, and %s/b.unfinished has 1 MiB free" % d)
        assert os.listdir(d) == []
        w.stop()
        w.start()
        w.ok("qvm-backup", "-y", d + "/b", "a")
        w.ok("qvm-remove", "-f", "a")
        w.stop()
        w.start(env=dict(SLOW, COPY_MS="0", DISK_FREE=str(1 << 20)))
        w.bad("qvm-backup-restore", "-y", d + "/b", says="3 MiB are needed")
        assert "a" not in w.names() and not [n for n in os.listdir(w.state + "/domains") if n.startswith(".")]


@case
def every_write():
    """the manager dies, or the disk is full, at every write of a backup: there is a whole one, or one that is refused"""
    for mode in ("die", "full"):
        n, whole = 1, False
        while not whole:
            with directory() as d, World() as w:
                crash = w.dir + "/crash"
                w.start(env={"LD_PRELOAD": PRELOAD, "CRASH_FILE": crash})
                w.ok("qvm-create", "-l", "red", "a")
                w.fill("a", 1)
                open(crash + ".tmp", "w").write("%s %d" % (mode, n))
                os.rename(crash + ".tmp", crash)
                status = w.run("qvm-backup", "-y", d + "/b", "a")[0]
                alive = w.process.poll() is None
                assert alive or mode == "die"
                w.stop()
                whole = not os.path.exists(crash + ".count") or int(open(crash + ".count").read()) < n
                whole = whole and alive and status == 0
                os.unlink(crash)
                w.start()
                if os.path.exists(d + "/b"):
                    w.ok("qvm-backup-restore", "--verify-only", d + "/b")
                else:
                    assert status == 1
                    assert os.listdir(d) == [] or mode == "die", os.listdir(d)
                if os.path.exists(d + "/b.unfinished") and not os.path.exists(d + "/b.unfinished/manifest"):
                    w.bad("qvm-backup-restore", "-y", d + "/b.unfinished", says="cut short")
                w.ok("qvm-start", "a")
            n += 1
        assert n > 8, n


@case
def damage():
    """one bit, a file less, another file in its place: refused, and nothing is restored"""
    with directory() as d, World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        shrink(w, "a")
        with open(w.private("a"), "r+b") as f:
            f.write(b"precious")
        w.ok("qvm-backup", "-y", d + "/b", "a")
        w.ok("qvm-remove", "-f", "a")

        def refused(change, says):
            shutil.copytree(d + "/b", d + "/c")
            change(d + "/c")
            for option in ("-y", "--verify-only"):
                w.bad("qvm-backup-restore", option, d + "/c", says=says)
            assert w.names() == ["dom0", "debian-12"]
            assert not [n for n in os.listdir(w.state + "/domains") if n.startswith(".")]
            shutil.rmtree(d + "/c")

        def flip(path):
            with open(path, "r+b") as f:
                byte = f.read(1)[0]
                f.seek(0)
                f.write(bytes([byte ^ 1]))
        image, settings, manifest = "/a/private.img", "/a/settings", "/manifest"

        def instead(name, make):
            def change(c):
                os.unlink(c + name)
                make(c + name)
            return change
        refused(lambda c: flip(c + image), "a/private.img is damaged: its SHA-256 sum")
        refused(lambda c: os.truncate(c + image, 4096), "is damaged")
        refused(lambda c: flip(c + settings), "a/settings is damaged")
        refused(lambda c: edit(c + manifest, "a/private.img", "b/private.img"), "manifest is damaged")
        refused(lambda c: os.truncate(c + manifest, 100), "manifest is damaged")
        refused(lambda c: os.unlink(c + image), "No such file")
        refused(instead(image, lambda p: os.symlink("/etc/passwd", p)), "a/private.img")
        refused(instead(image, os.mkfifo), "is no plain file")
        refused(instead(settings, lambda p: os.symlink("/etc/passwd", p)), "a/settings")
        refused(instead(manifest, os.mkfifo), "is no plain file")
        refused(lambda c: os.unlink(c + manifest), "has no manifest")
        w.ok("qvm-backup-restore", "-y", d + "/b")
        assert open(w.private("a"), "rb").read(8) == b"precious"


@case
def forged():
    """a backup whose sums are right is trusted no more than an administrator's typing"""
    with directory() as d, World().start() as w:
        w.ok("qvm-create", "-l", "red", "a", "--prop", "memory=500", "--prop", "netvm=")
        w.ok("qvm-features", "a", "f", "1")
        w.ok("qvm-tags", "a", "add", "t")
        w.ok("qvm-firewall", "a", "add", "drop")
        shrink(w, "a")
        w.ok("qvm-backup", "-y", d + "/b", "a")
        seal(d + "/b")
        w.ok("qvm-backup-restore", "--verify-only", d + "/b")  # the sums are what the documentation says
        w.ok("qvm-remove", "-f", "a")
        for name, old, new, says in (
                ("settings", "memory=500", "memory=lots", "property memory"),
                ("settings", "memory=500", "nonsense=1", 'no property "nonsense"'),
                ("settings", "memory=500", "uuid=1", "property uuid"),
                ("settings", "memory=500", "template=nobody", "no domain named"),
                ("settings", "memory=500", "template=../../x", "no domain named"),
                ("settings", "memory=500", "kernel=../../etc", "kernel"),
                ("settings", "memory=500", "label=pink", "no label"),
                ("settings", "class=AppVM", "class=AdminVM", "no class that can be restored"),
                ("settings", "class=AppVM", "class=TemplateVM", "not all its volumes"),
                ("settings", "class=AppVM", "class", "no class that can be restored"),
                ("settings", "f=1", "f/g=1", 'feature "f/g"'),
                ("settings", "t=1", "t.u=1", 'tag "t.u"'),
                ("firewall", "action=drop", "action=drop; reboot", "rule")):
            shutil.copytree(d + "/b", d + "/c")
            edit(d + "/c/a/" + name, old, new)
            seal(d + "/c")
            w.bad("qvm-backup-restore", "-y", d + "/c", says=says)
            assert w.names() == ["dom0", "debian-12"], (name, new)
            shutil.rmtree(d + "/c")
        os.symlink("a", d + "/b/x")
        for name in ("../b/a/settings", "a/../a/settings", "a/passwd", "a/settings/x", "x/settings", "dom0/settings", "a/settings a"):
            if os.path.exists(os.path.join(d + "/b", name)):
                seal(d + "/b", [name])
            else:
                seal(d + "/b", ["a/settings"])
                text = open(d + "/b/manifest").read().replace("a/settings", name).rpartition("end ")[0]
                open(d + "/b/manifest", "w").write(text + "end " + hashlib.sha256(text.encode()).hexdigest() + "\n")
            w.bad("qvm-backup-restore", "-y", d + "/b")
            assert w.names() == ["dom0", "debian-12"], name


@case
def conflicts():
    """a domain that exists is never overwritten; it can be skipped or renamed, with those that refer to it"""
    with directory() as d, World().start() as w:
        full_world(w)
        w.ok("qvm-backup", "-y", d + "/b")
        w.ok("qvm-prefs", "work", "memory", "600")
        w.ok("qvm-remove", "-f", "alone")
        w.bad("qvm-backup-restore", "-y", d + "/b", says="use --rename-conflicting or --skip-conflicting")
        assert "alone" not in w.names(), "all or nothing"
        out = w.ok("qvm-backup-restore", "-y", "--skip-conflicting", d + "/b")
        assert "exists already, left out" in out and "alone is restored\n" in out, out
        assert w.ok("qvm-prefs", "work", "memory") == "600\n"
        w.bad("qvm-backup-restore", "-y", "--skip-conflicting", d + "/b", says="nothing to restore")
        w.ok("qvm-backup-restore", "-y", "--rename-conflicting", d + "/b", "work", "net", "named", "base", "debian-12")
        assert w.ok("qvm-prefs", "work1", "netvm") == "net1\n" and w.ok("qvm-prefs", "work1", "memory") == "500\n"
        assert w.ok("qvm-prefs", "work1", "template") == "debian-121\n" and w.ok("qvm-prefs", "named1", "template") == "base1\n"
        assert w.ok("qvm-prefs", "base1", "default_dispvm") == "base1\n"
        w.ok("qvm-backup-restore", "-y", "--rename-conflicting", d + "/b", "work")
        assert w.ok("qvm-prefs", "work2", "netvm") == "net\n"
        w.bad("qvm-backup-restore", "-y", d + "/b", "nobody", says="not in this backup")
        w.bad("qvm-backup-restore", "-y", d + "/none", says="No such file")
        w.bad("qvm-backup-restore", "-y", d, says="has no manifest")
        w.ok("qvm-start", "work1", "named1")


@case
def missing():
    """a template, netvm or label that is not there: refused by name, or the default on request"""
    with directory() as d, World().start() as w:
        w.ok("qvm-label", "create", "teal", "0x12a5a5")
        full_world(w)
        w.ok("qvm-prefs", "work", "label", "teal")
        w.ok("qvm-backup", "-y", d + "/b", "work", "named")
        with World("debian-13").start() as other:
            other.bad("qvm-backup-restore", "-y", d + "/b", "work", says="--ignore-missing restores it with the default")
            assert other.names() == ["dom0", "debian-13"]
            out = other.ok("qvm-backup-restore", "-y", "--ignore-missing", d + "/b", "work")
            for p in ("template", "netvm", "label"):
                assert "work: property %s is left at its default" % p in out, out
            assert other.ok("qvm-prefs", "work", "template") == "debian-13\n" and other.ok("qvm-prefs", "work", "memory") == "500\n"
            other.bad("qvm-backup-restore", "-y", d + "/b", "named", says="no domain named")


finish()
