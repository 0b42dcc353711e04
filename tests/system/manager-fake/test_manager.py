#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""End to end: the manager on the fake hypervisor, driven by the real tools."""
import concurrent.futures, glob, json, os, re, signal, socket, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(__file__))
from world import BUILD, MANAGER, PRELOAD, World, case, finish


@case
def life_of_a_domain():
    """create, list, start, pause, shut down, remove"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "blue", "work")
        assert w.state_of("work") == "Halted"
        w.ok("qvm-start", "work")
        c = w.config("work")
        assert c["memory"] == "400" and c["cmdline"].startswith("root=bulkhead console=hvc0 quiet"), c
        assert [c[k].split(",")[1] for k in ("xvda", "xvdb", "xvdc", "xvde")] == ["r", "w", "w", "w"] and "xvdf" not in c
        w.ok("qvm-check", "--running", "work")
        w.bad("qvm-start", "work", says="already running")
        w.ok("qvm-start", "--skip-if-running", "work")
        w.ok("qvm-pause", "work")
        assert w.state_of("work") == "Paused"
        w.ok("qvm-unpause", "work")
        w.bad("qvm-unpause", "work", says="not paused")
        w.bad("qvm-remove", "-f", "work", says="shut it down first")
        w.ok("qvm-shutdown", "--wait", "work")
        assert w.state_of("work") == "Halted"
        assert not os.path.exists(w.state + "/domains/work/upper.img"), "the upper disk must go at stop"
        w.bad("qvm-shutdown", "work", says="not running")
        w.ok("qvm-remove", "-f", "work")
        assert w.names() == ["dom0", "debian-12"] and not os.path.exists(w.state + "/domains/work")


@case
def output_formats():
    """qvm-ls prints Qubes' columns; raw formats; filters; sort; tree"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "sys-net", "--prop", "provides_network=True")
        w.ok("qvm-create", "-l", "blue", "work", "--prop", "netvm=sys-net")
        lines = w.ok("qvm-ls").splitlines()
        assert lines[0].split() == ["NAME", "STATE", "CLASS", "LABEL", "TEMPLATE", "NETVM"], lines
        assert lines[-1].split() == ["work", "Halted", "AppVM", "blue", "debian-12", "sys-net"]
        assert w.ok("qvm-ls", "--raw-data", "-O", "name,label", "work") == "work|blue\n"
        assert w.ok("qvm-ls", "--raw-list", "--class", "TemplateVM") == "debian-12\n"
        assert w.ok("qvm-ls", "--raw-list", "--netvm-is", "sys-net") == "work\n"
        assert w.ok("qvm-ls", "--raw-list", "--running") == "dom0\n"
        assert w.ok("qvm-ls", "--raw-list", "--sort", "name", "--reverse").split()[0] == "work"
        assert "└─work" in w.ok("qvm-ls", "--tree")
        w.ok("qvm-tags", "work", "add", "mine")
        w.ok("qvm-features", "work", "internal", "1")
        assert w.ok("qvm-ls", "--raw-list", "--tags", "mine") == "work\n"
        assert w.ok("qvm-ls", "--raw-list", "--internal", "y") == "work\n"
        assert "work" not in w.ok("qvm-ls", "--raw-list", "--internal", "n")
        for f in ("network", "kernel", "full", "disk", "prefs", "perms"):
            assert len(w.ok("qvm-ls", "-o", f).splitlines()) == 5
        w.bad("qvm-ls", "-o", "nonsense", code=2)
        w.bad("qvm-ls", "nobody", says="no domain named")
        assert re.search(r"^memory +D +400$", w.ok("qvm-prefs", "work"), re.M)
        assert re.search(r"^label +- +blue$", w.ok("qvm-prefs", "work"), re.M)


@case
def usage_errors():
    """wrong usage exits 2 and says how; --help exits 0"""
    with World().start() as w:
        for tool in ("qvm-create", "qvm-start", "qvm-prefs", "qvm-run", "qvm-volume", "qvm-remove", "qvm-clone", "qvm-tags"):
            w.bad(tool, code=2, says="usage: " + tool)
            assert "usage" in w.ok(tool, "--help")
            w.bad(tool, "--no-such-option", code=2)
        w.bad("qvm-create", "work", code=2, says="label")
    with World() as w:
        w.bad("qvm-ls", says="is it running? systemctl status")


@case
def names_and_values():
    """names, labels, tags, numbers outside the rules are refused, with a reason"""
    with World().start() as w:
        for name in ("1abc", "a b", "none", "default", "Domain-0", "lost+found", "x-dm", "a" * 32, "dom0", "a/b", "ä"):
            w.bad("qvm-create", "-l", "red", "--", name)
        w.ok("qvm-create", "-l", "red", "a" * 31)
        w.ok("qvm-create", "-l", "red", "A.b_c-d")
        w.bad("qvm-create", "-l", "pink", "x", says="red orange yellow")
        w.bad("qvm-create", "-l", "red", "-t", "nobody", "x", says="no domain named")
        w.bad("qvm-create", "-l", "red", "A.b_c-d", says="exists already")
        w.bad("qvm-create", "-C", "FooVM", "-l", "red", "x")
        assert "x" not in w.names()
        v = "A.b_c-d"
        for p, value in (("vcpus", "0"), ("vcpus", "two"), ("memory", "1.5"), ("memory", "99999999"), ("autostart", "maybe"),
                         ("netvm", v), ("netvm", "nobody"), ("template", v), ("virt_mode", "hvm"), ("kernel", "../x"),
                         ("ip", "1.2.3"), ("mac", "xx"), ("default_user", "Root!"), ("uuid", "1"), ("qid", "7"),
                         ("kernelopts", "a\nb"), ("nonsense", "1")):
            w.bad("qvm-prefs", v, p, value)
        w.bad("qvm-tags", v, "add", "1x")
        w.bad("qvm-tags", v, "add", "created-by-me", says="system only")
        w.bad("qvm-features", v, "bad/key", "1")
        w.bad("qvm-create", "-l", "red", "--prop", "vcpus=0", "y")
        assert "y" not in w.names(), "a failed creation must be undone"


@case
def properties():
    """set, get, reset, defaults, inheritance; survive a restart"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-prefs", "a", "memory", "0512")
        assert w.ok("qvm-prefs", "a", "memory") == "512\n"
        w.ok("qvm-prefs", "-s", "a", "kernelopts", "debug  x=1")
        w.ok("qubes-prefs", "default_qrexec_timeout", "17")
        assert w.ok("qvm-prefs", "a", "qrexec_timeout") == "17\n"
        w.ok("qvm-features", "debian-12", "os", "Linux")
        w.ok("qvm-service", "a", "cups", "on")
        w.ok("qvm-notes", "a", "-s", "line 1\nline 2")
        w.stop(signal.SIGKILL)
        w.start()
        assert w.ok("qvm-prefs", "a", "memory") == "512\n" and w.ok("qvm-prefs", "a", "kernelopts") == "debug  x=1\n"
        assert w.ok("qubes-prefs", "default_qrexec_timeout") == "17\n"
        assert w.ok("qvm-service", "a").split() == ["cups", "on"]
        assert w.ok("qvm-notes", "a") == "line 1\nline 2\n"
        w.ok("qvm-prefs", "-D", "a", "memory")
        assert w.ok("qvm-prefs", "a", "memory") == "400\n"
        w.ok("qvm-start", "a")
        keys = open(w.fake + "/%s.keys" % w.domid("a")).read()
        for line in ("/name = a", "/type = AppVM", "/qubes-service/cups = 1", "/qubes-vm-persistence = rw-only",
                     "/qubes-base-template = debian-12", "/default-user = user", "/qubes-gui-domain-xid = 0"):
            assert line in keys, (line, keys)


@case
def dom0():
    """dom0 is there, and cannot be removed, stopped or cloned"""
    with World().start() as w:
        w.bad("qvm-remove", "-f", "dom0")
        w.bad("qvm-kill", "dom0")
        w.bad("qvm-shutdown", "dom0")
        w.bad("qvm-pause", "dom0")
        w.bad("qvm-clone", "dom0", "x")
        w.bad("qvm-run", "dom0", "true")
        w.ok("qvm-features", "dom0", "foo", "bar")
        w.ok("qvm-prefs", "dom0", "keyboard_layout", "de++")
        w.stop()
        w.start()
        assert w.ok("qvm-features", "dom0", "foo") == "bar\n"
        assert w.ok("qvm-prefs", "dom0", "keyboard_layout") == "de++\n"


@case
def in_use():
    """removal is refused while something refers to the domain"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "-t", "debian-12", "a")
        w.bad("qvm-remove", "-f", "debian-12", says="a (template)")
        w.ok("qubes-prefs", "-D", "default_template")
        w.bad("qvm-remove", "-f", "debian-12", says="in use by a (template)")
        w.ok("qvm-remove", "-f", "a")
        w.ok("qvm-remove", "-f", "debian-12")
        assert not os.path.exists(w.state + "/templates/debian-12")


@case
def rename():
    """rename keeps files, settings and everybody's references"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "net", "--prop", "provides_network=True")
        w.ok("qvm-create", "-l", "red", "a", "--prop", "netvm=net")
        w.ok("qvm-create", "-l", "red", "-t", "debian-12", "b")
        w.ok("qvm-prefs", "net", "name", "gate")
        w.ok("qvm-prefs", "debian-12", "name", "deb")
        assert w.ok("qvm-prefs", "a", "netvm") == "gate\n" and w.ok("qvm-prefs", "b", "template") == "deb\n"
        w.stop()
        w.start()
        assert w.ok("qvm-prefs", "a", "netvm") == "gate\n" and w.ok("qvm-prefs", "b", "template") == "deb\n"
        w.ok("qvm-start", "b")
        w.bad("qvm-prefs", "b", "name", "c", says="halted")
        w.bad("qvm-prefs", "a", "name", "b", says="exists")


@case
def two_tools_at_once():
    """forty changes of one domain at the same time: none is lost"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: w.ok("qvm-features", "a", "f%d" % i, str(i)), range(40)))
        w.stop(signal.SIGKILL)
        w.start()
        assert len(w.ok("qvm-features", "a").splitlines()) == 40
        results = []
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            results = list(pool.map(lambda i: w.run("qvm-create", "-l", "red", "same")[0], range(4)))
        assert sorted(results) == [0, 1, 1, 1], results


@case
def parallel_starts():
    """ten domains start at the same time, and the manager answers meanwhile"""
    with World().start(env={"BULKHEAD_FAKE_MS": "1000"}) as w:
        names = ["vm%d" % i for i in range(10)]
        for n in names:
            w.ok("qvm-create", "-l", "red", n)
        t0 = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            f = pool.submit(w.ok, "qvm-start", *names)
            w.wait_until(lambda: w.state_of("vm3") == "Transient")
            t1 = time.monotonic()
            w.state_of("vm3")
            assert time.monotonic() - t1 < 0.8, "the main loop was blocked"
            f.result()
        assert time.monotonic() - t0 < 9, "not parallel: %.1f s" % (time.monotonic() - t0)
        assert all(w.state_of(n) == "Running" for n in names)
        assert len({w.domid(n) for n in names}) == 10
        w.ok("qvm-shutdown", "--wait", "--all")
        assert w.ok("qvm-ls", "--raw-list", "--running") == "dom0\n"


@case
def several_waiters():
    """two starts of one domain are one start; a kill in the middle of it ends it"""
    with World().start(env={"BULKHEAD_FAKE_MS": "300"}) as w:
        w.ok("qvm-create", "-l", "red", "a")
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            a, b = pool.submit(w.run, "qvm-start", "a"), pool.submit(w.run, "qvm-start", "a")
            assert a.result()[0] == 0 and b.result()[0] == 0
        assert len(glob.glob(w.fake + "/[0-9]*.keys")) == 1
        w.ok("qvm-kill", "a")
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            f = pool.submit(w.run, "qvm-start", "a")
            w.wait_state("a", "Transient")
            w.ok("qvm-kill", "a")
            assert f.result()[0] == 1
        assert w.state_of("a") == "Halted" and not glob.glob(w.fake + "/[0-9]*.keys")


@case
def netvm_first():
    """a domain's netvm is started before it, and not stopped below it"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "net", "--prop", "provides_network=True")
        w.ok("qvm-create", "-l", "red", "fw", "--prop", "provides_network=True", "--prop", "netvm=net")
        w.ok("qvm-create", "-l", "red", "a", "--prop", "netvm=fw")
        w.bad("qvm-prefs", "net", "netvm", "fw", says="loop")
        w.ok("qvm-start", "a")
        assert int(w.domid("net")) < int(w.domid("fw")) < int(w.domid("a"))
        w.bad("qvm-shutdown", "net", says="uses net as its netvm")
        w.ok("qvm-shutdown", "--force", "--wait", "net")
        w.ok("qvm-shutdown", "--wait", "--all")
        w.mark("fail-create.net")
        w.bad("qvm-start", "a", says="netvm of a")
        assert w.state_of("a") == "Halted"


@case
def failing_start():
    """template, kernel, private volume or memory missing: clear errors, nothing left, works again after"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        image = w.state + "/templates/debian-12/root.img"
        os.rename(image, image + ".away")
        w.bad("qvm-start", "a", says="reinstall its template")
        os.rename(image + ".away", image)
        os.rename(w.state + "/kernels/6.1", w.state + "/kernels/away")
        os.unlink(w.state + "/kernels/away/vmlinuz")
        w.bad("qvm-start", "a", says="kernel")
        open(w.state + "/kernels/away/vmlinuz", "w").close()
        w.mark("fail-create.a")
        w.bad("qvm-start", "a", says="not enough memory")
        assert sorted(os.listdir(w.state + "/domains/a")) == ["private.img", "settings"]
        w.unmark("fail-create.a")
        os.rename(w.state + "/domains/a/private.img", w.state + "/p")
        w.bad("qvm-start", "a", says="qvm-volume clear")
        os.rename(w.state + "/p", w.state + "/domains/a/private.img")
        w.ok("qvm-features", "a", "prohibit-start", "broken disk")
        w.bad("qvm-start", "a", says="broken disk")
        w.ok("qvm-features", "-D", "a", "prohibit-start")
        w.ok("qvm-start", "a")


@case
def deaf_guest():
    """a domain that never answers a shutdown: error after its timeout; --wait --timeout kills"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a", "--prop", "shutdown_timeout=1")
        w.mark("ignore-shutdown.a")
        w.ok("qvm-start", "a")
        answer = w.call(b"admin.vm.Shutdown+wait dom0 name a\0")
        assert answer.startswith(b"2\0QubesVMShutdownTimeoutError\0\0") and b"qvm-kill a" in answer, answer
        assert w.state_of("a") == "Running"
        err = w.ok("qvm-shutdown", "--wait", "--timeout", "0.3", "a")
        assert w.state_of("a") == "Halted"


@case
def down_between_two_requests():
    """a domain that goes down just after the manager's patience has ended, before the tool asks again, has shut down"""
    with World() as w:
        os.mkdir(w.dir + "/sock")
        answers = [b"2\0%s\0\0x\0" % e for e in (b"QubesVMShutdownTimeoutError", b"QubesVMNotRunningError", b"QubesVMNotRunningError")]
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(w.env["QUBESD_SOCKET"])
        listener.listen()

        def serve():
            for answer in answers:
                connection = listener.accept()[0]
                while connection.recv(4096):
                    pass
                connection.sendall(answer)
                connection.close()
        threading.Thread(target=serve, daemon=True).start()
        w.ok("qvm-shutdown", "--wait", "--timeout", "9", "a")
        w.bad("qvm-shutdown", "--wait", "--timeout", "9", "a", says="x")


@case
def crash():
    """a crash is noticed and shown; the next start clears it"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-start", "a")
        w.guest_state("a", "crashed")
        w.wait_state("a", "Crashed")
        assert not os.path.exists(w.state + "/domains/a/upper.img")
        w.ok("qvm-start", "a")
        assert w.state_of("a") == "Running"
        w.guest_state("a", "poweroff")
        w.wait_state("a", "Halted")


@case
def manager_killed():
    """kill -9 of the manager: domains go on, are found again, those that ended meanwhile are cleaned up"""
    with World().start() as w:
        for n in ("a", "b", "c"):
            w.ok("qvm-create", "-l", "red", n)
        w.ok("qvm-prefs", "c", "template_for_dispvms", "True")
        w.ok("qvm-start", "a", "b", "c")
        w.ok("qvm-pause", "b")
        ids = [w.domid(n) for n in ("a", "b", "c")]
        disp = w.call(b"admin.vm.CreateDisposable+ dom0 name c\0")[2:].decode()
        a_id = w.domid("a")
        w.stop(signal.SIGKILL)
        path = os.path.join(w.fake, ids[2])
        open(path, "w").write(open(path).read().replace("running", "poweroff"))
        w.start()
        assert w.state_of("a") == "Running" and w.state_of("b") == "Paused" and w.domid("a") == a_id
        w.wait_state("c", "Halted")
        assert disp not in w.names() and not os.path.exists(w.state + "/domains/" + disp), "left-over disposable"
        w.ok("qvm-unpause", "b")
        w.ok("qvm-shutdown", "--wait", "a", "b")
        w.ok("qvm-start", "a")
        assert int(w.domid("a")) > int(ids[2])


@case
def killed_while_building():
    """a domain that was half built when the manager died is not taken for a running one"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-start", "a")
        uuid = w.ok("qvm-prefs", "a", "uuid").strip()
        w.guest_state("a", "paused")
        w.stop(signal.SIGKILL)
        open(w.dir + "/run/building-" + uuid, "w").close()
        w.start()
        w.wait_state("a", "Halted")
        assert not glob.glob(w.fake + "/[0-9]*.keys")
        w.ok("qvm-start", "a")


@case
def template_packages():
    """qvm-template gives packages to rpm, registers what they bring, and removes it"""
    with World() as w:
        w.script("rpm", """echo "$@" >> %s/rpm.args
case "$*" in
*bad*) exit 1 ;;
*" "*new.rpm) mkdir -p %s/templates/new && echo image > %s/templates/new/root.img ;;
esac""" % (w.dir, w.state, w.state))
        w.env["PATH"] = w.dir + ":" + w.env["PATH"]
        w.start()
        w.bad("qvm-template", "install", "bad.rpm", says="nothing was installed")
        w.ok("qvm-template", "install", "new.rpm")
        assert "_pkgverify_level all" in open(w.dir + "/rpm.args").read()
        assert "new" in w.ok("qvm-template", "list") and w.ok("qvm-prefs", "new", "klass") == "TemplateVM\n"
        w.ok("qvm-template", "remove", "new")
        assert "-e bulkhead-template-new" in open(w.dir + "/rpm.args").read() and "new" not in w.names()


@case
def unreported_end():
    """an end that the hypervisor's events did not tell of is noticed within seconds"""
    with World().start() as w:
        w.ok("qubes-prefs", "stats_interval", "1")
        w.stop()
        w.start()
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-start", "a")
        w.mark("no-events.all")
        w.guest_state("a", "crashed")
        w.wait_state("a", "Crashed")
        w.ok("qvm-start", "a")
        os.unlink(os.path.join(w.fake, w.domid("a")))
        w.wait_state("a", "Halted")


@case
def one_manager_only():
    """a second manager over the same directory is refused"""
    with World().start() as w:
        st, out, err = w.run(MANAGER, "--backend", "fake",
                             "--bus", "none", "--state-dir", w.state, "--run-dir", w.dir + "/r2", "--socket-dir", w.dir + "/s2")
        assert st == 1 and "another domain manager" in err


@case
def template_update():
    """a template's change is seen at the next start; a running domain keeps its image; revert"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-start", "a")
        assert "xvdf" not in w.config("a")
        w.ok("qvm-start", "debian-12")
        upper = w.config("debian-12")["xvde"].split(",")[0]
        assert "xvdf" not in w.config("debian-12")
        with open(upper, "r+b") as f:
            f.write(b"package one")
        w.ok("qvm-shutdown", "--wait", "debian-12")
        assert open(w.state + "/templates/debian-12/upper-1.img", "rb").read(11) == b"package one"
        assert "is_outdated        True" in w.ok("qvm-volume", "info", "a:root")
        assert w.ok("qvm-ls", "--raw-data", "-O", "name,outdated", "a") == "a|True\n"
        w.ok("qvm-shutdown", "--wait", "a")
        w.ok("qvm-start", "a")
        assert w.ok("qvm-ls", "--raw-data", "-O", "name,outdated", "a") == "a|False\n"
        assert w.config("a")["xvdf"].endswith("upper-1.img,r")
        # the second change starts from the first
        w.ok("qvm-start", "debian-12")
        with open(upper, "r+b") as f:
            assert f.read(11) == b"package one"
            f.write(b" and two")
        w.ok("qvm-shutdown", "--wait", "debian-12")
        assert "is_outdated        True" in w.ok("qvm-volume", "info", "a:root")
        w.ok("qvm-shutdown", "--wait", "a")
        assert w.ok("qvm-volume", "info", "debian-12:root").rstrip().endswith("0\n  1")
        w.ok("qvm-volume", "revert", "debian-12:root", "1")
        w.ok("qvm-start", "a")
        f = w.config("a")["xvdf"].split(",")[0]
        assert f.endswith("upper-3.img") and open(f, "rb").read(19)[11:] == b"\0" * 8
        # killed: nothing is committed, nothing lost
        w.ok("qvm-start", "debian-12")
        w.ok("qvm-kill", "debian-12")
        assert sorted(glob.glob(w.state + "/templates/debian-12/upper-*"))[-1].endswith("upper-3.img")
        w.ok("qvm-shutdown", "--wait", "a")
        w.ok("qvm-volume", "revert", "debian-12:root", "0")
        w.ok("qvm-start", "a")
        assert "xvdf" not in w.config("a")


@case
def new_template_image():
    """a reinstalled template starts from its new image, not with changes made over the old one"""
    with World().start() as w:
        upper = w.state + "/domains/debian-12/upper.img"
        w.ok("qvm-start", "debian-12")
        w.ok("qvm-shutdown", "--wait", "debian-12")
        w.ok("qvm-clone", "debian-12", "deb2")
        w.stop(signal.SIGKILL)
        w.start()
        assert os.path.exists(upper) and os.path.exists(w.state + "/templates/debian-12/upper-1.img")
        assert os.path.exists(w.state + "/templates/deb2/upper-1.img")
        open(w.dir + "/image", "wb").write(b"new" * 1000)
        w.ok("qvm-volume", "import", "debian-12:root", w.dir + "/image")
        assert not os.path.exists(upper) and not glob.glob(w.state + "/templates/debian-12/upper-*")
        w.ok("qvm-start", "debian-12")
        w.ok("qvm-shutdown", "--wait", "debian-12")
        image = w.state + "/templates/debian-12/root.img"
        open(image + ".rpm", "wb").write(b"newer" * 1000)
        os.rename(image + ".rpm", image)
        w.process.send_signal(signal.SIGHUP)
        end = time.time() + 3
        while os.path.exists(upper) and time.time() < end:
            time.sleep(0.02)
        assert not os.path.exists(upper) and "has a new image" in w.log()


@case
def sparse():
    """volumes are sparse, also after clone and commit"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        path = w.state + "/domains/a/private.img"
        assert os.path.getsize(path) == 2 << 30 and os.stat(path).st_blocks < 64
        with open(path, "r+b") as f:
            f.seek(1 << 30)
            f.write(b"x" * 4096)
        w.ok("qvm-clone", "a", "b")
        copy = w.state + "/domains/b/private.img"
        assert os.path.getsize(copy) == 2 << 30 and os.stat(copy).st_blocks < 64
        with open(copy, "rb") as f:
            f.seek(1 << 30)
            assert f.read(4096) == b"x" * 4096


@case
def volumes():
    """list, info, resize, import, clear; refused while in use"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        assert w.ok("qvm-volume", "info", "a:private", "size") == "2147483648\n"
        w.ok("qvm-volume", "resize", "a:private", "3GiB")
        assert os.path.getsize(w.state + "/domains/a/private.img") == 3 << 30
        w.bad("qvm-volume", "resize", "a:private", "1GiB", says="destroy data")
        w.bad("qvm-volume", "resize", "a:private", "lots", says="not a size")
        w.bad("qvm-volume", "info", "a:nonsense", says="no volume")
        w.bad("qvm-volume", "info", "a", says="NAME:VOLUME")
        open(w.dir + "/image", "wb").write(b"filesystem" * 1000)
        w.ok("qvm-volume", "import", "a:private", w.dir + "/image")
        assert open(w.state + "/domains/a/private.img", "rb").read(10) == b"filesystem"
        assert os.path.getsize(w.state + "/domains/a/private.img") == 3 << 30, "an import must not shrink the volume"
        w.ok("qvm-start", "a")
        for c in (("resize", "a:private", "4GiB"), ("clear", "a:private"), ("import", "a:private", w.dir + "/image")):
            w.bad("qvm-volume", *c, says="in use")
        w.ok("qvm-shutdown", "--wait", "a")
        w.ok("qvm-volume", "clear", "a:private")
        assert open(w.state + "/domains/a/private.img", "rb").read(10) == bytes(10)
        w.ok("qvm-volume", "resize", "a:root", "20G")
        w.ok("qvm-start", "a")
        assert os.path.getsize(w.state + "/domains/a/upper.img") == 20 << 30
        assert "REVERT_POSSIBLE" in w.ok("qvm-volume", "list")
        w.ok("qvm-pool")
        assert "driver=file" in w.ok("qvm-pool", "info", "file")


@case
def clones_and_standalones():
    """clones of each class are independent; standalones keep their root"""
    with World().start() as w:
        w.ok("qvm-clone", "debian-12", "deb2")
        w.ok("qvm-create", "-l", "red", "-t", "deb2", "a")
        w.ok("qvm-start", "a")
        assert "/deb2/" in w.config("a")["xvda"]
        w.ok("qvm-create", "-C", "StandaloneVM", "-t", "deb2", "-l", "green", "sa")
        w.ok("qvm-start", "sa")
        c = w.config("sa")
        assert c["xvda"].split(",")[0].endswith("domains/sa/root.img") and "xvdf" not in c
        with open(c["xvde"].split(",")[0], "r+b") as f:
            f.write(b"mine")
        w.ok("qvm-shutdown", "--wait", "sa", "a")
        w.ok("qvm-start", "sa")
        assert open(c["xvde"].split(",")[0], "rb").read(4) == b"mine"
        w.bad("qvm-clone", "sa", "sb", says="shut it down")
        w.ok("qvm-kill", "sa")
        w.ok("qvm-clone", "sa", "sb")
        w.ok("qvm-remove", "-f", "a", "deb2", "sa")
        w.ok("qvm-start", "sb")
        assert w.ok("qvm-prefs", "sb", "label") == "green\n"
        w.bad("qvm-clone", "sb", "sb")
        w.bad("qvm-clone", "--class", "AppVM", "sb", "sc", says="sb is no AppVM")
        w.ok("qvm-kill", "sb")
        w.ok("qvm-clone", "--class", "StandaloneVM", "sb", "sc")


@case
def disposables():
    """opened, run, gone without a trace on disk"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "dvm")
        w.bad("qvm-run", "--dispvm=dvm", "-p", "true", says="template_for_dispvms True")
        w.bad("qvm-run", "--dispvm", "-p", "true", says="default_dispvm")
        w.ok("qvm-prefs", "dvm", "template_for_dispvms", "True")
        w.ok("qubes-prefs", "default_dispvm", "dvm")
        with open(w.state + "/domains/dvm/private.img", "r+b") as f:
            f.write(b"home")
        before = sorted(os.walk(w.state))
        assert w.ok("qvm-run", "--dispvm", "-p", "firefox") == "out\n"
        name = open(w.dir + "/qrexec.args").read().split("\n")
        disp = [a for a in name if a.startswith("disp")][0]
        assert re.fullmatch(r"disp\d{1,4}", disp) and w.names() == ["dom0", "debian-12", "dvm"]
        assert sorted(os.walk(w.state)) == before, "something was left on disk"
        answer = w.call(b"admin.vm.CreateDisposable+ dom0 name dom0\0uuid")
        assert answer.startswith(b"0\0uuid:"), answer
        uuid = answer[2:]
        assert w.call(b"admin.vm.Start+ dom0 name " + uuid + b"\0") == b"0\0"
        disp = [n for n in w.names() if n.startswith("disp")][0]
        assert w.ok("qvm-prefs", disp, "auto_cleanup") == "True\n"
        assert open(w.state + "/domains/%s/private.img" % disp, "rb").read(4) == b"home"
        assert w.ok("qvm-tags", disp).split() == ["created-by-dom0", "disp-created-by-dom0"]
        w.guest_state(disp, "crashed")
        end = time.time() + 5
        while disp in w.names() and time.time() < end:
            time.sleep(0.01)
        assert sorted(os.walk(w.state)) == before
        w.ok("qvm-create", "--disp", "-t", "dvm", "-l", "blue", "named")
        w.ok("qvm-start", "named")
        w.ok("qvm-shutdown", "--wait", "named")
        assert "named" in w.names() and not os.path.exists(w.state + "/domains/named/private.img")
        w.bad("qvm-remove", "-f", "dvm", says="named")
        w.mark("fail-create.x")


@case
def qvm_run():
    """what reaches qrexec-client: users, shell, VMExec, services; exit codes"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")

        def args(*a, **kw):
            w.ok("qvm-run", *a, **kw)
            return open(w.dir + "/qrexec.args").read().split("\n")[:-1]
        w.bad("qvm-run", "-n", "a", "true", says="not running")
        assert args("-p", "a", "echo hi") == ["-d", "a", "DEFAULT:echo hi"]
        assert w.state_of("a") == "Running"
        assert args("-u", "root", "-p", "a", "id") == ["-d", "a", "root:id"]
        assert args("a", "xterm") == ["-e", "-d", "a", "DEFAULT:xterm"]
        assert args("-p", "a", "--", "ls", "-l", "/ä")[-1] == "DEFAULT:QUBESRPC qubes.VMExec+ls+--l+-2F-C3-A4 dom0"
        assert args("a", "--no-shell") == ["-e", "-d", "a", "DEFAULT:--no-shell"]
        assert args("--no-shell", "a", "xterm")[-1] == "DEFAULT:QUBESRPC qubes.VMExecGUI+xterm dom0"
        assert args("--service", "-p", "a", "qubes.Foo+x")[-1] == "DEFAULT:QUBESRPC qubes.Foo+x dom0"
        assert args("--localcmd", "cat", "a", "ls") == ["-l", "cat", "-d", "a", "DEFAULT:ls"]
        w.bad("qvm-run", "-p", "a", "false", env={"QC": "7"}, code=7)
        assert "-t" in args("--filter-escape-chars", "-p", "a", "x")
        w.ok("qvm-pause", "a")
        args("-p", "a", "x")
        assert w.state_of("a") == "Running"


@case
def services():
    """qrexec-daemon and GUI daemon are started with their arguments; a dead agent fails the start"""
    with World() as w:
        q = w.script("qrexec-daemon", "printf '%s ' \"$@\" >> " + w.dir + "/q.args; [ ! -e " + w.dir + "/noagent ] || exit 3; sleep 0.1")
        g = w.script("guid", "printf '%s ' \"$@\" $DISPLAY >> " + w.dir + "/g.args; exec sleep 30")
        w.set_conf("spawn", "qrexec-daemon=%s\ngui-daemon=%s\ndisplay=:77\n" % (q, g))
        w.start()
        w.ok("qvm-create", "-l", "orange", "a")
        w.ok("qvm-start", "a")
        words = open(w.dir + "/q.args").read().split()
        assert words[0] == "-q" and words[1].startswith("--uuid=") and words[2:] == ["--", "1", "a", "user"], words
        assert open(w.dir + "/g.args").read().split() == ["-f", "-d", "1", "-N", "a", "-c", "0xf57900", "-l", "2", ":77"]
        assert "COLOR=0xf57900" in open(w.dir + "/run/domains/a").read()
        w.ok("qvm-shutdown", "--wait", "a")
        assert not os.path.exists(w.dir + "/run/domains/a")
        open(w.dir + "/noagent", "w").close()
        w.bad("qvm-start", "a", says="journalctl")
        w.wait_state("a", "Halted")
        w.ok("qvm-features", "a", "qrexec", "")
        w.ok("qvm-start", "a")


@case
def progress():
    """on a terminal, what takes longer than a second shows that it goes on: a start its seconds, an import a bar"""
    with World().start(env={"BULKHEAD_FAKE_MS": "1300"}) as w:
        w.ok("qvm-create", "-l", "red", "a")
        shown = w.on_terminal("qvm-start", "a")
        assert shown == "\rstarting a… 1 s \r\033[K", repr(shown)
        assert w.on_terminal("qvm-shutdown", "--wait", "a") == "", "nothing is shown for what is quick"
        shown = w.on_terminal("qvm-volume", "import", "--size=2097152", "a:private", "-", input=bytes(1 << 20), pause=1.2)
        assert re.match(r"\r\[#+ +\] +[0-9]+% [01] of 2 MiB ", shown) and shown.endswith("\r\033[K"), repr(shown)


@case
def progress_of_copies():
    """a clone that takes longer than a second: a bar with per cent and bytes on a terminal, events, nothing without a terminal"""
    with World().start(env={"LD_PRELOAD": PRELOAD, "COPY_MS": "300"}) as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.fill("a", 8)
        events = w.open_events()
        shown = w.on_terminal("qvm-clone", "a", "b")
        assert re.search(r"\r\[#+ +\] +[0-9]+% [1-8] of 8 MiB ", shown) and shown.endswith("\r\033[K"), repr(shown)
        got = w.receive_until(events, b"domain-add")
        assert re.search(rb"1\0a\0progress\0name\0b\0done\x00[0-9]+\0expected\x00[0-9]+\0\0", got), got
        assert w.run("qvm-clone", "a", "c") == (0, "", "")
        assert open(w.private("c"), "rb").read() == open(w.private("a"), "rb").read()


@case
def labels():
    """labels beside Qubes' eight: made, used, kept over a restart, refused outside the rules, removed when nobody has them"""
    with World().start() as w:
        events = w.open_events()
        w.ok("qvm-label", "create", "pink", "0xff69b4")
        w.ok("qvm-label", "create", "mint", "0x98FF98")
        w.receive_until(events, b"dom0\0labels-changed\0")
        w.ok("qvm-create", "-l", "pink", "a")
        w.stop()
        w.start()
        listed = w.ok("qvm-label", "list")
        assert listed.count("\n") == 11 and "black" in listed and listed.endswith("mint%s0x98ff98\n" % (29 * " ")), listed
        assert w.call(b"admin.label.Index+mint dom0 name dom0\0") == b"0\x0010"
        assert w.call(b"admin.label.Get+pink dom0 name dom0\0") == b"0\x000xff69b4"
        assert w.call(b"bulkhead.label.Table dom0 name dom0\0") == b"0\0pink 9 0xff69b4,mint 10 0x98ff98"
        assert w.ok("qvm-prefs", "a", "icon") == "appvm-pink\n"
        for name, colour, why in (("pink", "0x000000", "already"), ("red", "0x000000", "already"), ("1", "0x000000", "name"),
                                  ("a,b", "0x000000", "name"), ("x" * 32, "0x000000", "name"), ("new", "0x00000", "colour"),
                                  ("new", "#000000", "colour"), ("new", "0x00000g", "colour")):
            w.bad("qvm-label", "create", name, colour, says=why)
        w.bad("qvm-label", "remove", "red", says="always there")
        w.bad("qvm-label", "remove", "pink", says="qvm-prefs a label")
        w.bad("qvm-label", "remove", "none", says="no label")
        w.bad("qvm-prefs", "a", "label", "none", says="qvm-label list")
        w.ok("qvm-prefs", "a", "label", "mint")
        w.ok("qvm-label", "remove", "pink")
        w.ok("qvm-label", "create", "lime", "0x00ff00")
        assert w.call(b"admin.label.Index+lime dom0 name dom0\0") == b"0\x0011", "an index means the same label for ever"


@case
def firewall():
    """firewall rules: Qubes' syntax, one canonical form, told to the netvm at start and change, without what has expired"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "net", "--prop", "provides_network=True")
        w.ok("qvm-create", "-l", "red", "a", "--prop", "netvm=net")

        def told():
            return open(os.path.join(w.fake, w.domid("net") + ".replaced")).read().replace("/qubes-firewall/" + ip, "")

        def rules(name="a"):
            return w.ok("qvm-firewall", "--raw", name).splitlines()
        ip = w.ok("qvm-prefs", "a", "ip").strip()
        assert rules() == ["action=accept"]
        w.ok("qvm-start", "a")
        assert told() == "/policy = drop\n/0000 = action=accept\n = \n", told()
        w.ok("qvm-firewall", "a", "add", "--before=0", "drop", "192.0.2.7", "tcp", "22")
        events = w.open_events()
        w.ok("qvm-firewall", "--before=0", "a", "add", "action=accept", "dsthost=example.org", "expire=+1000", "comment=for a while")
        w.receive_until(events, b"a\0firewall-changed\0")
        w.ok("qvm-firewall", "a", "add", "accept", "proto=udp", "specialtarget=dns", "dstports=53")
        w.ok("qvm-firewall", "a", "add", "accept", "2001:db8::1/64")
        got = rules()
        assert re.match(r"action=accept dsthost=example.org expire=\d{10} comment=for a while$", got[0]), got
        assert got[1:] == ["action=drop dst4=192.0.2.7/32 proto=tcp dstports=22-22", "action=accept",
                           "action=accept proto=udp specialtarget=dns dstports=53-53", "action=accept dst6=2001:db8::1/64"], got
        after = "/0001 = action=drop dst4=192.0.2.7/32 proto=tcp dstports=22-22\n/0002 = action=accept\n" \
                "/0003 = action=accept proto=udp specialtarget=dns dstports=53-53\n = \n"
        w.wait_until(lambda: told() == "/policy = drop\n/0000 = action=accept dsthost=example.org\n" + after)
        w.ok("qvm-firewall", "a", "del", "--rule-no=0")
        w.ok("qvm-firewall", "--before=0", "a", "add", "action=accept", "dsthost=example.org", "expire=+1", "comment=for a while")
        w.ok("qvm-firewall", "a", "add", "drop", "192.0.2.9")
        w.wait_until(lambda: told() == "/policy = drop\n" + after.replace(" = \n", "/0005 = action=drop dst4=192.0.2.9/32\n = \n"))
        w.ok("qvm-firewall", "a", "del", "--rule-no=5")
        listed = w.ok("qvm-firewall", "a", "list").splitlines()
        assert listed[0].split()[:4] == ["NO", "ACTION", "HOST", "PROTOCOL"] and "for a while" in listed[1] and len(listed) == 6, listed
        w.ok("qvm-firewall", "a", "del", "--rule-no=0")
        w.ok("qvm-firewall", "a", "del", "action=accept", "dst6=2001:db8::1/64")
        w.bad("qvm-firewall", "a", "del", "--rule-no=3", says="no rule 3")
        w.bad("qvm-firewall", "a", "del", "drop", says="no such rule")
        w.bad("qvm-firewall", "a", "del", code=2)
        w.bad("qvm-firewall", "a", "nonsense", code=2)
        for wrong, why in (("action=maybe", "accept or drop"), ("dst4=192.0.2.1", "action=accept or action=drop is missing"),
                           ("action=drop dst4=192.0.2.256", "IPv4"), ("action=drop dst4=192.0.2.1/33", "IPv4"), ("action=drop dst6=1::2::3", "IPv6"),
                           ("action=drop dst4=192.0.2.1 dsthost=x", "more than one"), ("action=drop action=drop", "twice"),
                           ("action=drop dstports=1", "needs proto"), ("action=drop proto=icmp dstports=1", "needs proto"),
                           ("action=drop proto=tcp dstports=9-1", "a port"), ("action=drop proto=tcp dstports=65536", "a port"),
                           ("action=drop icmptype=1", "needs proto=icmp"), ("action=drop dsthost=a;b", "name of a host"),
                           ("action=drop comment=<b>", "letters"), ("action=drop x=y", "not understood"), ("action=drop\tproto=tcp", "accept or drop")):
            answer = w.call(b"admin.vm.firewall.Set dom0 name a\0action=accept\n" + wrong.encode() + b"\n")
            assert answer.startswith(b"2\0QubesPropertyValueError\0\0") and why.encode() in answer, (wrong, answer)
        assert rules() == got[1:4], "a refused list changes nothing"
        w.stop()
        w.start()
        assert rules() == got[1:4]
        w.ok("qvm-kill", "a")
        w.ok("qvm-clone", "a", "b")
        assert rules("b") == got[1:4], "a clone has its rules"
        w.ok("qvm-firewall", "a", "reset")
        assert rules() == ["action=accept"]
        w.ok("qvm-firewall", "--reload", "a")
        assert b"no firewall" in w.call(b"admin.vm.firewall.Set dom0 name dom0\0action=drop")


@case
def admin_protocol():
    """qubesd.sock: framing, errors, keywords, hostile requests"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        assert w.call(b"admin.vm.List dom0 name a\0").startswith(b"0\0a class=AppVM state=Halted uuid=")
        assert w.call(b"admin.vm.List+ dom0 keyword adminvm\0").count(b"\n") == 3
        assert w.call(b"admin.vm.property.Get+memory a name a\0") == b"0\0default=True type=int 400"
        assert w.call(b"admin.vm.property.Get+template a name a\0") == b"0\0default=True type=vm debian-12"
        assert w.call(b"admin.property.GetDefault+default_netvm dom0 name dom0\0") == b"0\0type=vm "
        assert w.call(b"admin.label.Get+blue dom0 name dom0\0") == b"0\x000x3465a4"
        assert w.call(b"admin.vm.feature.Get+x dom0 name a\0").startswith(b"2\0QubesFeatureNotFoundError\0\0")
        assert w.call(b"admin.vm.List dom0 name nobody\0").startswith(b"2\0QubesVMNotFoundError\0\0")
        for bad in (b"", b"\0", b"x", b"x\0", b"a b c d e f\0", b"admin.vm.List\0", b" dom0 name a\0", b"\xff\xfe\0\0\0",
                    b"admin.vm.Nonsense dom0 name a\0", b"admin.vm.property.Get dom0 name a\0",
                    b"admin.vm.Remove+x dom0 name a\0", b"admin.vm.notes.Set dom0 name a\0a\0b",
                    b"admin.vm.List dom0 keyword dispvm\0", b"admin.vm.Create.AppVM dom0 name a\0name=x label=red",
                    b"admin.vm.Create.AppVM dom0 name dom0\0nonsense", b"admin.vm.Create.AppVM dom0 name dom0\0"):
            answer = w.call(bad)
            assert answer[:2] == b"2\0" and answer.count(b"\0") >= 4, (bad, answer)
        try:
            assert w.call(b"admin.vm.notes.Set dom0 name a\0" + b"x" * (2 << 20)) == b""
        except (BrokenPipeError, ConnectionResetError):
            pass
        info = w.call(b"internal.GetSystemInfo dom0 name dom0\0", path=w.dir + "/sock/qubesd.internal.sock")
        data = json.loads(info[2:])["domains"]
        assert data["a"]["type"] == "AppVM" and data["a"]["guivm"] == "dom0" and data["a"]["power_state"] == "Halted"
        assert data["a"]["default_dispvm"] is None and data["a"]["icon"] == "appvm-red" and data["dom0"]["type"] == "AdminVM"
        assert w.call(b"admin.vm.Create.AppVM+debian-12 a name dom0\0name=x label=red") == b"0\0"
        assert w.ok("qvm-tags", "x") == "created-by-a\n"


@case
def events():
    """admin.Events tells of everything that happens"""
    with World().start() as w:
        s = w.open_stream(b"admin.Events dom0 name dom0\0", half_close=True)
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-prefs", "a", "memory", "500")
        w.ok("qvm-start", "a")
        w.ok("qvm-pause", "a")
        w.ok("qvm-kill", "a")
        w.ok("qvm-remove", "-f", "a")
        got = b""
        while b"domain-delete" not in got:
            got += s.recv(65536)
        for e in (b"1\0\0connection-established\0\0", b"1\0\0domain-add\0vm\0a\0\0",
                  b"1\0a\0property-set:memory\0name\0memory\0newvalue\x00500\0\0", b"1\0a\0domain-pre-start\0\0",
                  b"1\0a\0domain-start\0\0", b"1\0a\0domain-paused\0\0", b"1\0a\0domain-shutdown\0"):
            assert e in got, (e, got)
        s.close()
        w.ok("qvm-create", "-l", "red", "b")


@case
def statistics():
    """admin.vm.Stats tells of each running domain; admin.Events does not"""
    with World().start() as w:
        w.ok("qubes-prefs", "stats_interval", "1")
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-start", "a")
        w.stop()
        w.start()
        stats, events_only = w.open_events(b"admin.vm.Stats"), w.open_events()
        got = w.receive_until(stats, b"1\0a\0vm-stats\0")
        got = w.receive_until(stats, b"online_vcpus\x002\0\0")
        assert b"memory_kb\x00409600\0cpu_time\0" in got and b"cpu_usage\0" in got, got
        w.ok("qvm-pause", "a")
        assert b"vm-stats" not in w.receive_until(events_only, b"domain-paused")
        stats.close()
        events_only.close()


@case
def console():
    """admin.vm.Console is the domain's terminal, both ways, and ends with either end"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        assert b"has no console" in w.call(b"admin.vm.Console dom0 name a\0")
        w.ok("qvm-start", "a")
        assert b"No such file" in w.call(b"admin.vm.Console dom0 name a\0")
        guest, terminal = os.openpty()
        os.symlink(os.ttyname(terminal), os.path.join(w.fake, w.domid("a") + ".console"))
        s = w.open_stream(b"admin.vm.Console+ dom0 name a\0")
        assert w.receive_until(s, b"0\0") == b"0\0"
        os.write(guest, b"login: ")
        assert w.receive_until(s, b"login: ") == b"login: "
        s.sendall(b"root\n")
        assert os.read(guest, 100) == b"root\n"
        assert w.names(), "others are served meanwhile"
        s.close()
        s = w.open_stream(b"admin.vm.Console dom0 name a\0")
        assert w.receive_until(s, b"0\0") == b"0\0"
        os.close(terminal)
        os.close(guest)
        assert s.recv(100) == b"", "the domain's end is the asker's"


@case
def copying_volumes():
    """admin.vm.volume.CloneFrom and CloneTo: one token, one copy; refused while in use"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-create", "-l", "red", "b")
        w.ok("qvm-volume", "import", "a:private", w.script("image", "content"))
        token = w.call(b"admin.vm.volume.CloneFrom+private dom0 name a\0")
        assert token[:2] == b"0\0" and len(token) > 30
        to_b = b"admin.vm.volume.CloneTo+private dom0 name b\0" + token[2:]
        assert w.call(to_b) == b"0\0"
        assert open(w.state + "/domains/b/private.img", "rb").read(9) == b"#!/bin/sh"
        assert b"unknown or was used" in w.call(to_b)
        assert b"cannot be copied" in w.call(b"admin.vm.volume.CloneFrom+root dom0 name a\0")
        token = w.call(b"admin.vm.volume.CloneFrom+private dom0 name a\0")[2:]
        w.ok("qvm-start", "a")
        assert b"in use" in w.call(b"admin.vm.volume.CloneTo+private dom0 name b\0" + token)
        assert b"data_size=" in w.call(b"admin.pool.UsageDetails+file dom0 name dom0\0")
        assert b"a/private\n" in w.call(b"admin.pool.volume.List+file dom0 name dom0\0")
        assert w.call(b"admin.pool.volume.Info+file dom0 name dom0\0a/private") == w.call(b"admin.vm.volume.Info+private dom0 name a\0")
        assert b"QubesVolumeNotFoundError" in w.call(b"admin.pool.volume.Info+file dom0 name dom0\0private")


@case
def block_devices():
    """a free device of dom0 is attached, detached, assigned to each start; options and names outside the rules are refused"""
    with World().start() as w:
        open(w.fake + "/blocks", "w").write("sdb 1048576000 w\nsdd 1 w\nsr0 700000000 r\n")
        w.ok("qvm-create", "-l", "red", "a")
        assert "dom0:sdb" in w.ok("qvm-block", "list") and "1000 MiB" in w.ok("qvm-device", "block", "list")
        w.bad("qvm-block", "attach", "a", "dom0:sdb", says="not running")
        w.ok("qvm-start", "a")
        blocks = os.path.join(w.fake, w.domid("a") + ".blocks")
        w.ok("qvm-block", "attach", "--ro", "a", "dom0:sdb")
        w.ok("qvm-block", "attach", "-o", "frontend-dev=xvdz", "a", "dom0:sr0")
        assert open(blocks).read() == "sdb 1048576000 r xvdi\nsr0 700000000 r xvdz\n"
        w.bad("qvm-block", "attach", "-o", "frontend-dev=xvdz", "a", "dom0:sdd", says="in use")
        w.bad("qvm-block", "attach", "-o", "frontend-dev=xvda", "a", "dom0:sdb", says="not understood")
        for wrong in ("work:sdb", "dom0:../sda", "sdb", "dom0:"):
            w.bad("qvm-block", "attach", "a", wrong, says="no block device of dom0")
        w.bad("qvm-block", "attach", "a", "dom0:sdc", says="no free block device")
        assert "a (attached)" in w.ok("qvm-block", "list", "a")
        w.ok("qvm-create", "-l", "red", "b")
        w.ok("qvm-start", "b")
        w.bad("qvm-block", "attach", "b", "dom0:sdb", says="no free block device")
        w.stop(signal.SIGKILL)
        w.start()
        w.wait_until(lambda: "a (attached)" in w.ok("qvm-block", "list", "a"))
        w.ok("qvm-block", "detach", "a", "dom0:sdb")
        assert open(blocks).read() == "sr0 700000000 r xvdz\n", "attachments are known after a restart of the manager"
        w.bad("qvm-block", "detach", "a", "dom0:sdb", says="has no device")
        w.ok("qvm-block", "assign", "--required", "a", "dom0:sdb")
        w.ok("qvm-block", "assign", "a", "dom0:sdx")
        w.ok("qvm-shutdown", "--wait", "a")
        w.ok("qvm-start", "a")
        assert open(os.path.join(w.fake, w.domid("a") + ".blocks")).read() == "sdb 1048576000 w xvdi\n"
        assert "a (assigned)" in w.ok("qvm-block", "list")
        w.ok("qvm-kill", "a")
        os.unlink(w.fake + "/blocks")
        w.bad("qvm-start", "a", says="device that a requires is missing")
        w.ok("qvm-block", "unassign", "a", "dom0:sdb")
        w.bad("qvm-block", "unassign", "a", "dom0:sdb", says="not assigned")
        w.ok("qvm-start", "a")
        assert w.call(b"admin.deviceclass.List dom0 name dom0\0") == b"0\0block\n"


@case
def applications():
    """the list of applications is filtered, inherited from the template, and shown"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a")
        raw = (b"/usr/share/applications/xterm.desktop:Name=XTerm\nxterm.desktop:Exec=rm -rf /\na b.desktop:Name=bad\nevil.desktop:Name=a\x1bb\n"
               b"hid.desktop:Name=Hidden\nhid.desktop:NoDisplay=true\nff.desktop:Name=Firefox\nnonsense\n=\n:\n")
        w.ok("qvm-appmenus", "--receive", "debian-12", input=raw)
        assert w.ok("qvm-appmenus", "--list", "a").split() == ["ff", "Firefox", "xterm", "XTerm"]
        assert b"rm -rf" not in open(w.state + "/domains/debian-12/appmenus", "rb").read()
        w.script("qrexec-client", "echo 'new.desktop:Name=New'")
        w.ok("qvm-appmenus", "--update", "debian-12")
        assert w.ok("qvm-appmenus", "a").split() == ["new", "New"]
        open(w.state + "/templates/debian-12/appmenus", "w").write("old.desktop:Name=Shipped\n")
        w.ok("qvm-kill", "debian-12")
        w.ok("qvm-clone", "debian-12", "deb2")
        assert w.ok("qvm-appmenus", "deb2").split() == ["new", "New"], "a clone has the list, too"
        os.unlink(w.state + "/domains/debian-12/appmenus")
        w.ok("qvm-clone", "debian-12", "deb3")
        w.ok("qvm-create", "-C", "StandaloneVM", "-t", "debian-12", "-l", "red", "s")
        for name in ("deb3", "s"):
            assert w.ok("qvm-appmenus", name).split() == ["old", "Shipped"], name


@case
def completion():
    """bash completes domains, labels, options, properties"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "work")
        script = os.path.join(os.getcwd(), "domain-manager/systemd/qvm-completion")

        def complete(*words):
            text = ". %s; COMP_WORDS=(%s); COMP_CWORD=%d; _qvm %s; echo ${COMPREPLY[@]}" % (
                script, " ".join("'%s'" % x for x in words), len(words) - 1, words[0])
            return w.ok("bash", "-c", text).split()
        assert complete("qvm-start", "wo") == ["work"]
        assert complete("qvm-create", "-l", "b") == ["blue", "black"]
        assert complete("qvm-label", "remove", "re") == ["red"]
        assert "--wait" in complete("qvm-shutdown", "--w")
        assert complete("qvm-prefs", "work", "mem") == ["memory"]
        assert complete("qvm-create", "--template", "") == ["debian-12"]
        assert complete("qvm-shutdown", "") == []
        os.makedirs(w.dir + "/backup/work")
        assert complete("qvm-backup-restore", w.dir + "/back") == [w.dir + "/backup"]
        assert complete("qvm-backup-restore", w.dir + "/backup", "") == ["work"]
        assert complete("qvm-backup", w.dir + "/backup", "w") == ["work"]


@case
def every_command():
    """each command explains itself, has a manual page and completion, and knows its exit code for wrong use"""
    with World().start() as w:
        man, completions = (open(os.path.join(os.getcwd(), "domain-manager", f)).read() if f.endswith("completion") else
                            os.listdir(os.path.join(os.getcwd(), "domain-manager", f)) for f in ("man", "systemd/qvm-completion"))
        known = completions[completions.index("complete -F"):].replace("\\\n", " ").split()
        for name in sorted(n for n in os.listdir(BUILD) if os.path.islink(os.path.join(BUILD, n)) and n.startswith("q")):
            text = w.ok(name, "--help")
            assert text.lower().startswith("usage: " + name), (name, text)
            assert name in known, name + " has no completion"
            page = name + ".1"
            assert page in man, page
            manual = open("domain-manager/man/" + page).read()
            if ".so man1/" in manual: # the page of another command describes it
                manual = open("domain-manager/man/" + re.search(r"man1/(.*)", manual).group(1).replace("\\", "")).read()
            for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", text):
                assert option.replace("-", "\\-") in manual or option in ("--help", "--version",
                    "--verbose", "--quiet", "--all", "--exclude"), "%s: %s is not in its manual page" % (name, option)
            w.bad(name, "--nonsense", code=2)


@case
def autostart_and_bad_files():
    """autostart; an unreadable domain is left out with a message and the rest works; half-done work is swept"""
    with World().start() as w:
        w.ok("qvm-create", "-l", "red", "a", "--prop", "autostart=True")
        w.ok("qvm-create", "-l", "red", "b")
        w.stop()
        open(w.state + "/domains/b/settings", "w").write("[domain\nnonsense")
        for junk in ("domains/.new-x", "domains/.del-y", "templates/.new-z", "domains/lost+found"):
            os.makedirs(w.state + "/" + junk)
            open(w.state + "/" + junk + "/private.img", "w").close()
        for cut_short in ("private.img.new", "private.img.import"):
            open(w.state + "/domains/a/" + cut_short, "w").close()
        w.start()
        assert not [f for f in os.listdir(w.state + "/domains/a") if f.startswith("private.img.")]
        w.wait_state("a", "Running")
        assert "b" not in w.names() and "domain b is left out" in w.log()
        assert sorted(os.listdir(w.state + "/domains")) == ["a", "b", "debian-12", "lost+found"]
        w.bad("qvm-create", "-l", "red", "b")
        assert open(w.state + "/domains/b/settings").read() == "[domain\nnonsense", "nothing may be overwritten"


finish()
