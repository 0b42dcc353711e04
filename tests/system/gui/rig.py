# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs that the GUI tests start, on displays of their own (:80 to :99)."""
import os, shutil, subprocess, sys, tempfile, time

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.join(TOP, "tests/harness"))
import xorg_dummy
AGENT = os.environ.get("GUI_AGENT") or os.path.join(TOP, "build/gui-agent-socket/qubes-gui")
LAYOUT = os.path.join(TOP, "build/gui-agent/qubes-set-monitor-layout")
QUARANTINE_MB = 1  # of freed memory that a sanitizer keeps
DAEMON = os.path.join(TOP, "build/gui-daemon-socket/qubes-guid")


class Rig:
    """A place for one run: temp folder, processes, displays. Use as a context manager: everything started here ends."""

    def __init__(self, name):
        self.dir = tempfile.mkdtemp(prefix="gui-%s-" % name)
        self.vchan, self.shm = self.dir + "/vchan", self.dir + "/shm"
        os.mkdir(self.vchan)
        os.mkdir(self.shm)
        self.children = []

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        for p in reversed(self.children):
            self.stop(p)
        if exc[0]:
            self.show_logs()
        shutil.rmtree(self.dir, ignore_errors=True)

    def show_logs(self):
        for f in sorted(os.listdir(self.dir)):
            if f.endswith(".log") and not f.startswith("x"):
                for line in open(self.dir + "/" + f, errors="replace").read().splitlines()[-15:]:
                    print("# %s: %s" % (f, line))

    def spawn(self, argv, name=None, **env):
        log = open("%s/%s.log" % (self.dir, name or os.path.basename(argv[0])), "ab")
        p = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.env(**env))
        log.close()
        self.children.append(p)
        return p

    def env(self, **env):
        e = dict(os.environ, VCHAN_SOCKET_DIR=self.vchan, GUI_SHM_DIR=self.shm, NO_AT_BRIDGE="1", HOME=self.dir,
                 XDG_RUNTIME_DIR=self.dir, GTK_CSD="0", GDK_BACKEND="x11", LC_ALL="C.UTF-8")
        e.update(env)
        return e

    def stop(self, p, kill=False):
        if p.poll() is None:
            p.kill() if kill else p.terminate()
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        if p in self.children:
            self.children.remove(p)

    def xvfb(self, size="1280x800", number=None):
        """Start Xvfb on a free display of ours (or the given one); its name."""
        return self.server(number, lambda n: ["Xvfb", ":%d" % n, "-screen", "0", size + "x24", "-nolisten", "tcp", "-noreset"])

    def xorg(self, domain=1, number=None, module=True):
        """Start what a domain has: Xorg, dummy driver, our configuration, and our server module unless the test is how
        it goes without."""
        conf = "%s/xorg-%d.conf" % (self.dir, domain)
        shutil.copyfile(os.path.join(TOP, "gui-agent/vm/xorg-qubes.conf"), conf)
        return self.xorg_server(conf, "gui-agent-socket" if module else None, number, VCHAN_DOMAIN=str(domain))

    def xorg_dom0(self, size="1280x800", number=None, module=True):
        """Start what dom0 has: Xorg, if wanted with our module, here on the dummy driver."""
        conf = self.dir + "/xorg-dom0.conf"
        with open(conf, "w") as f:
            f.write(xorg_dummy.configuration(*(int(n) for n in size.split("x")), "qubespixels" if module else None))
        return self.xorg_server(conf, "gui-daemon-socket" if module else None, number)

    def xorg_server(self, conf, component, number, **env):
        modules = component and os.path.join(TOP, "build", component, "xorg")
        return self.server(number, lambda n: xorg_dummy.command(n, conf, "%s/xorg-%d.txt" % (self.dir, n), modules), **env)

    def server(self, number, argv, **env):
        for n in [number] if number else range(80, 100):
            if not number and display_used(n):
                continue
            p = self.spawn(argv(n), name="x%d" % n, **env)
            end = time.monotonic() + 10
            while p.poll() is None and time.monotonic() < end:
                if os.path.exists("/tmp/.X11-unix/X%d" % n):
                    time.sleep(0.1)
                    if p.poll() is None:
                        self.last_x = p
                        return ":%d" % n
                time.sleep(0.02)
            self.stop(p)
        raise RuntimeError("no free display")

    def agent(self, display, domain=1, *args):
        return self.spawn([AGENT, "-D", display] + list(args), name="agent%d" % domain, VCHAN_DOMAIN=str(domain),
                          ASAN_OPTIONS="quarantine_size_mb=%d" % QUARANTINE_MB)

    def log(self, name):
        try:
            return open("%s/%s.log" % (self.dir, name), errors="replace").read()
        except OSError:
            return ""

    def run(self, argv, display, **kw):
        return subprocess.run(argv, env=self.env(DISPLAY=display), stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=30, text=True, **kw)


def display_used(n):
    """True if a server runs there; what a killed one left behind is removed."""
    try:
        pid = int(open("/tmp/.X%d-lock" % n).read())
        os.kill(pid, 0)
        return True
    except (OSError, ValueError):
        pass
    for f in ("/tmp/.X%d-lock" % n, "/tmp/.X11-unix/X%d" % n):
        if os.path.exists(f):
            os.unlink(f)
    return False


def wait_for(condition, timeout=10, step=0.05):
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        v = condition()
        if v:
            return v
        time.sleep(step)
    return condition()


def cpu_seconds(pid):
    f = open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()
    return (int(f[11]) + int(f[12])) / os.sysconf("SC_CLK_TCK")


def context_switches(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    return 0
