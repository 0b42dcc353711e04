#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The libxl backend with a libxl whose hypervisor calls are stand-ins: what libxl is asked for, the loop devices
(real ones: needs root), xenstore writes, parallel builds, ends of domains."""
import glob, json, os, socket, struct, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(__file__))
import world
from world import World, case, finish

SHIM = os.path.join(os.getcwd(), "build/domain-manager/test/fake_libxl.so")


def loops():
    return {f for f in glob.glob("/sys/block/loop*/loop/backing_file") if "/dm-test-" in open(f).read()}


MARK = b"/tool/bulkhead\0"


class Xenstored:
    """As much of it as the manager asks itself: an answer to each request, and word of ended domains."""
    HEADER = struct.Struct("IIII")
    READ, WATCH, WRITE, WATCH_EVENT, ERROR = 2, 4, 11, 15, 16

    def __init__(self, path):
        self.path, self.answers, self.watching, self.open, self.marked = path, True, [], [], False
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(1)  # as the real one
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection = self.listener.accept()[0]
            except OSError:
                return
            self.open.append(connection)
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        while True:
            try:
                header = connection.recv(self.HEADER.size)
            except OSError:
                return
            if len(header) < self.HEADER.size:
                return
            kind, _, _, size = self.HEADER.unpack(header)
            payload = connection.recv(size)
            if kind == self.WATCH:
                assert payload == b"@releaseDomain\0end\0", payload
                self.watching.append(connection)
            if kind == self.WRITE:
                assert payload == MARK + b"known", payload
                self.marked = True
            if kind == self.READ:
                assert payload == MARK, payload
            if self.answers:
                self.send(connection, self.ERROR if kind == self.READ and not self.marked else kind, b"OK\0")

    def send(self, connection, kind, payload):
        connection.sendall(self.HEADER.pack(kind, 0, 0, len(payload)) + payload)

    def release(self):
        for connection in self.watching:
            self.send(connection, self.WATCH_EVENT, b"@releaseDomain\0end\0")

    def end(self):
        if os.path.exists(self.path):
            os.unlink(self.path)
        for each in [self.listener] + self.open:
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            each.close()


class XlWorld(World):
    def __exit__(self, *a):
        self.stop()
        self.store.end()
        super().__exit__(*a)

    store = None

    def run_store(self):
        self.store = Xenstored(self.dir + "/xenstored")

    def end_domain(self, number, reason):
        with open(self.xl + "/shutdown.%d" % number, "w") as f:
            f.write(str(reason))
        self.store.release()

    def begin(self):
        if not self.store:
            self.run_store()
        self.xl = self.dir + "/xl"
        os.makedirs(self.xl, exist_ok=True)
        real = subprocess.Popen
        subprocess.Popen = lambda args, **kw: real([a if a != "fake" else "libxl" for a in args], **kw)
        try:
            return self.start(env={"LD_PRELOAD": SHIM, "FAKE_XL": self.xl, "XENSTORED_PATH": self.dir + "/xenstored"})
        finally:
            subprocess.Popen = real

    def calls(self):
        return open(self.xl + "/log").read().splitlines()


if os.geteuid() != 0 or not os.path.exists("/dev/loop-control"):
    print("ok 1 - libxl backend # SKIP needs root and loop devices\n1..1")
    sys.exit(0)


@case
def one_domain():
    """configuration, loop devices, physical-device before unpause, guest keys and their permissions, clean end"""
    with XlWorld() as w:
        w.begin()
        w.ok("qvm-create", "-l", "red", "a", "--prop", "kernelopts=x=1", "--prop", "memory=300")
        w.ok("qvm-features", "a", "vm-config.a", "1.2")
        w.ok("qvm-start", "a")
        c = json.load(open(w.xl + "/config.1"))
        ci, bi = c["c_info"], c["b_info"]
        assert ci["type"] == "pvh" and ci["name"] == "a" , ci
        assert ci["uuid"] == w.ok("qvm-prefs", "a", "uuid").strip()
        assert bi["max_memkb"] == bi["target_memkb"] == 300 << 10 and bi["max_vcpus"] == 1 and bi["avail_vcpus"] == [0], bi
        assert bi["kernel"].endswith("6.1/vmlinuz") and bi["ramdisk"].endswith("initramfs") and bi["cmdline"].endswith(" x=1")
        assert bi["tsc_mode"] == "native" and "nics" not in c
        disks = {d["vdev"]: d for d in c["disks"]}
        assert sorted(disks) == ["xvda", "xvdb", "xvdc", "xvde"]
        for vdev, d in disks.items():
            assert d["script"] in ("/bin/true", "/usr/lib/bulkhead/hotplug-none") and d["backend"] == "phy" and d["format"] == "raw" and d["pdev_path"].startswith("/dev/loop"), d
            assert bool(d.get("readwrite")) == (vdev != "xvda"), d
            sys_dir = "/sys/block/" + d["pdev_path"][5:]
            assert open(sys_dir + "/ro").read().strip() == ("1" if vdev == "xvda" else "0")
            assert open(sys_dir + "/loop/autoclear").read().strip() == "1"
        log = w.calls()
        number = os.stat(disks["xvde"]["pdev_path"]).st_rdev
        line = "write /local/domain/0/backend/vbd/1/51776/physical-device=%x:%x" % (os.major(number), os.minor(number))
        assert log.index(line) < log.index("unpause 1"), log
        assert "write /local/domain/0/backend/vbd/1/51712/hotplug-status=connected" in log
        assert "perms /local/domain/1/qubesdb 0:0 1:1" in log and "write /local/domain/1/qubesdb/name=a" in log
        assert "write /local/domain/1/qubesdb/vm-config/a=1.2" in log
        assert "perms /local/domain/1/qubesdb/qubes-block-devices 1:0 0:-1" in log
        assert log.count("mkdir /local/domain/1/qubesdb") == 2 and "transaction done" in log, "conflict is tried again"
        assert log.index("transaction done") < log.index("unpause 1")
        w.ok("qvm-pause", "a")
        w.ok("qvm-unpause", "a")
        w.ok("qvm-shutdown", "a")
        assert "write /local/domain/1/control/shutdown=poweroff" in w.calls()
        w.end_domain(1, 0)
        w.wait_state("a", "Halted")
        assert "destroy 1" in w.calls()
        end = time.time() + 3
        while loops() and time.time() < end:
            time.sleep(0.05)
        assert not loops(), "loop devices are left"
        w.ok("qvm-start", "a")
        w.end_domain(2, 3)
        w.wait_state("a", "Crashed")


@case
def failing_build():
    """a failing build gives its loop devices back and says how much memory is free"""
    with XlWorld() as w:
        w.begin()
        w.ok("qvm-create", "-l", "red", "a")
        open(w.xl + "/fail", "w").close()
        w.bad("qvm-start", "a", says="it wants 400 MiB, 64 MiB are free")
        time.sleep(0.2)
        assert not loops()
        os.unlink(w.xl + "/fail")
        w.ok("qvm-start", "a")
        w.ok("qvm-kill", "a")


@case
def late_device():
    """a device that libxl does not get in time: the domain is built once more"""
    with XlWorld() as w:
        w.begin()
        w.ok("qvm-create", "-l", "red", "a")
        open(w.xl + "/late", "w").close()
        w.ok("qvm-start", "a")
        assert "built once more" in w.log()
        w.ok("qvm-kill", "a")


@case
def parallel():
    """ten domains that are started at once build three at a time, loop devices included"""
    with XlWorld() as w:
        w.begin()
        names = ["vm%d" % i for i in range(10)]
        for n in names:
            w.ok("qvm-create", "-l", "red", n)
        t0 = time.monotonic()
        w.ok("qvm-start", *names)
        assert time.monotonic() - t0 < 2.5, time.monotonic() - t0
        used = [d["pdev_path"] for i in range(1, 11) for d in json.load(open(w.xl + "/config.%d" % i))["disks"]]
        assert len(set(used)) == 40, "a loop device was given twice"
        for i in range(1, 11):
            w.end_domain(i, 0)
        for n in names:
            w.wait_state(n, "Halted")


@case
def network():
    """a domain with a netvm gets an interface from it, and the netvm the domain's firewall rules before it runs"""
    with XlWorld() as w:
        w.begin()
        w.ok("qvm-create", "-l", "red", "net", "--prop", "provides_network=True")
        w.ok("qvm-create", "-l", "red", "a", "--prop", "netvm=net")
        w.ok("qvm-start", "a")
        nic = json.load(open(w.xl + "/config.2"))["nics"][0]
        assert nic["backend_domid"] == 1 and nic["mac"] == w.ok("qvm-prefs", "a", "mac").strip() and nic["ip"].startswith("10.137.")
        rules = "/local/domain/1/qubesdb/qubes-firewall/" + w.ok("qvm-prefs", "a", "ip").strip().replace(".", "@2e")
        log = w.calls()
        at = [log.index(line) for line in ("rm " + rules, "write %s/policy=drop" % rules, "write %s/0000=action=accept" % rules,
                                           "write %s=" % rules, "unpause 2")]
        assert at == sorted(at), log
        w.ok("qvm-kill", "a", "net")


@case
def block_device():
    """a free device of dom0 is found, attached with its number for blkback, seen as attached, detached; volumes and used ones are not offered"""
    with XlWorld() as w:
        w.begin()
        image = w.dir + "/stick"
        with open(image, "wb") as f:
            f.truncate(1 << 20)
        device = subprocess.run(["losetup", "--find", "--show", image], stdout=subprocess.PIPE, check=True).stdout.decode().strip()
        try:
            name = os.path.basename(device)
            w.ok("qvm-create", "-l", "red", "a")
            w.ok("qvm-start", "a")
            listed = w.ok("qvm-block", "list")
            assert "dom0:%s " % name in listed and "/stick" in listed, listed
            assert "private.img" not in listed, "a volume of a running domain is in use"
            w.ok("qvm-block", "attach", "--ro", "a", "dom0:" + name)
            number = os.stat(device).st_rdev
            assert "disk add 1 %s xvdi r" % device in w.calls()
            assert "write /local/domain/0/backend/vbd/1/51840/physical-device=%x:%x" % (os.major(number), os.minor(number)) in w.calls()
            open(w.xl + "/disk.1", "w").write(device)
            assert "a (attached)" in w.ok("qvm-block", "list", "a") and w.ok("qvm-block", "list", "a").count(name) == 1
            w.ok("qvm-block", "detach", "a", "dom0:" + name)
            assert "disk remove 1 xvdi" in w.calls()
        finally:
            subprocess.run(["losetup", "-d", device], check=True)


WHAT_TO_DO = "Running domains go on, but none can be started or shut down. Save your work in them and restart the computer"


@case
def store_lost():
    """xenstored ends: running domains go on, every command says within seconds what is wrong, ends of domains are still noticed"""
    with XlWorld() as w:
        w.begin()
        w.ok("qubes-prefs", "stats_interval", "1")
        w.stop()
        w.begin()
        w.ok("qvm-create", "-l", "red", "a")
        w.ok("qvm-create", "-l", "red", "b")
        w.ok("qvm-start", "a")
        events = w.open_events()
        w.store.end()
        assert b"xenstored has ended" in w.receive_until(events, b"service-failed\0reason\0xenstored has ended")
        events.close()
        begun = time.monotonic()
        for command in ("qvm-start b", "qvm-shutdown a", "qvm-shutdown --wait a", "qvm-kill a", "qvm-pause a"):
            w.bad(*command.split(), says="xenstored is not running. " + WHAT_TO_DO)
            assert w.state_of("a") == "Running" and w.state_of("b") == "Halted", command
        assert time.monotonic() - begun < 2, "an answer took long"
        assert "destroy 1" not in w.calls()
        with open(w.xl + "/shutdown.1", "w") as f:
            f.write("0")
        w.wait_state("a", "Dying")
        w.run_store()
        w.bad("qvm-start", "b", says="xenstored was started anew, and knows nothing of what was. " + WHAT_TO_DO)
        assert "destroy 1" not in w.calls()
        w.stop()
        w.begin()
        w.bad("qvm-start", "b", says="xenstored was started anew")


@case
def store_deaf():
    """a xenstored that does not answer: the manager does, and says so after five seconds"""
    with XlWorld() as w:
        w.begin()
        w.ok("qvm-create", "-l", "red", "a")
        w.store.answers = False
        starting = subprocess.Popen(["qvm-start", "a"], env=w.env, stderr=subprocess.PIPE)
        time.sleep(0.3)
        begun = time.monotonic()
        w.ok("qvm-ls")
        assert time.monotonic() - begun < 3, "the manager was held up"
        assert "xenstored does not answer. " + WHAT_TO_DO in starting.communicate(timeout=8)[1].decode()
        assert w.state_of("a") == "Halted"


finish()
