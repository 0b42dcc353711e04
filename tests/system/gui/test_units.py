#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The domain's units under a real systemd: the template's root (build/templates/*/root.img) with the present agent on top,
started in namespaces instead of a domain; the channel is a socket. X server, agent, session with PAM. TAP."""
import glob, os, re, shutil, subprocess, sys, tempfile, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from guipeer import Peer
from rig import TOP, wait_for
import tap

BOOT = r"""
set -e
mount --make-rprivate /
mount -t tmpfs tmpfs "$D" && mkdir "$D/ro" "$D/up" "$D/work" "$D/root"
mount -o loop,ro "$IMAGE" "$D/ro"
mount -t overlay overlay -o "lowerdir=$D/ro,upperdir=$D/up,workdir=$D/work" "$D/root"
R=$D/root
cp -a "$STAGE/." "$R/"
mount -t proc proc "$R/proc"; mount -t sysfs sysfs "$R/sys"; mount -t cgroup2 none "$R/sys/fs/cgroup"
for t in run tmp dev; do mount -t tmpfs -o mode=755 tmpfs "$R/$t"; done
chmod 1777 "$R/tmp"
for n in null zero full random urandom tty tty0 tty1 tty7; do if [ -e /dev/$n ]; then cp -a /dev/$n "$R/dev/"; fi; done
mkdir -p "$R/dev/pts" "$R/dev/shm" "$R/run/vchan" "$R/run/shm1"
mount -t devpts devpts "$R/dev/pts" -o newinstance,ptmxmode=666; ln -s pts/ptmx "$R/dev/ptmx"
export container=test
exec chroot "$R" /usr/lib/systemd/systemd --show-status=no
"""
SESSION = {"Name=user", "Seat=seat0", "Type=x11", "Class=user", "Service=qubes-gui-session", "Active=yes", "State=active", "Remote=no"}
ENVIRONMENT = "Environment=VCHAN_SOCKET_DIR=/run/vchan VCHAN_DOMAIN=1 GUI_SHM_DIR=/run/shm1\n"

QUBESDB_READ = r"""#!/bin/sh
case "$1" in
/keyboard-layout) echo de+nodeadkeys+compose:ralt ;;
*) exit 2 ;;
esac
"""


def stage(path):
    """What `make install-vm-gui-agent` installs, with the variants for sockets, told where these are."""
    subprocess.run(["make", "-s", "-C", TOP, "install-vm-gui-agent", "DESTDIR=" + path], check=True, stdout=sys.stderr)
    shutil.copy(TOP + "/build/gui-agent-socket/qubes-gui", path + "/usr/bin/qubes-gui")
    shutil.copy(TOP + "/build/gui-agent-socket/xorg/extensions/libqubesgrant.so", path + "/usr/lib/xorg/modules/extensions/")
    with open(path + "/usr/bin/qubesdb-read", "w") as f:  # what dom0 would answer
        f.write(QUBESDB_READ)
    os.chmod(path + "/usr/bin/qubesdb-read", 0o755)
    for unit, text in (("qubes-gui-agent", "[Unit]\nConditionVirtualization=\n[Service]\nStandardError=journal\n"),
                       ("qubes-xorg", "[Service]\n")):
        os.makedirs("%s/etc/systemd/system/%s.service.d" % (path, unit))
        with open("%s/etc/systemd/system/%s.service.d/test.conf" % (path, unit), "w") as f:
            f.write(text + ENVIRONMENT)


class Container:
    def __init__(self, image, stage_dir):
        self.dir = tempfile.mkdtemp(prefix="gui-units-")
        env = dict(os.environ, D=self.dir, IMAGE=image, STAGE=stage_dir)
        env.pop("NOTIFY_SOCKET", None)
        self.unshare = subprocess.Popen(["unshare", "-fpmuniC", "--kill-child=KILL", "bash", "-c", BOOT], env=env,
                                        stdin=subprocess.DEVNULL, stdout=sys.stderr)
        self.init = wait_for(self.child, 5)
        self.root = "/proc/%s/root" % self.init

    def child(self):
        try:
            return open("/proc/%d/task/%d/children" % (self.unshare.pid, self.unshare.pid)).read().split()[0]
        except (OSError, IndexError):
            return None

    def run(self, *argv):
        return subprocess.run(["nsenter", "-t", self.init, "-a", "-r"] + list(argv), capture_output=True, text=True, timeout=30)

    def as_user(self, *argv):
        return self.run("runuser", "-u", "user", "--", "env", "XDG_RUNTIME_DIR=/run/user/1000", *argv).stdout

    def session(self):
        """Id of the user's graphical session, as logind has it; empty when there is none."""
        return self.run("loginctl", "show-user", "-p", "Display", "--value", "user").stdout.strip()

    def active(self, unit):
        return self.run("systemctl", "is-active", unit).stdout.strip() == "active"

    def close(self):
        self.unshare.kill()
        self.unshare.wait()
        time.sleep(0.3)
        os.rmdir(self.dir)


def test(c):
    units = ("qubes-xorg", "qubes-gui-agent", "qubes-gui-session")
    for u in units:
        if not tap.result(wait_for(lambda: c.active(u), 30, 0.3), "%s.service runs" % u):
            print("# " + c.run("systemctl", "status", "--no-pager", u).stdout.replace("\n", "\n# "))
    tap.result(wait_for(lambda: os.path.exists(c.root + "/run/qubes/qubes-session-running")), "the session is told of")
    session = c.session()
    show = c.run("loginctl", "show-session", session).stdout
    tap.result(SESSION <= set(show.splitlines()), "logind knows the session: the user's, of X, active at the seat", show)
    leader = c.run("systemctl", "show", "-p", "MainPID", "--value", "qubes-gui-session").stdout.strip()
    cgroup = c.run("cat", "/proc/%s/cgroup" % leader).stdout
    tap.result("/user-1000.slice/session-%s.scope" % session in cgroup, "its processes are in its scope", cgroup)
    environment = c.run("cat", "/proc/%s/environ" % leader).stdout.split("\0")
    tap.result("XDG_RUNTIME_DIR=/run/user/1000" in environment and "XDG_SESSION_ID=" + session in environment, "and know it", environment)
    names = c.as_user("busctl", "--user", "--no-legend", "list")
    tap.result("org.freedesktop.systemd1" in names, "the session's bus answers, the user's systemd is on it", names)
    shown = c.as_user("systemctl", "--user", "show-environment")
    tap.result("DISPLAY=:0\n" in shown, "which knows the display", shown)
    c.run("loginctl", "terminate-session", session)
    tap.result(wait_for(lambda: c.session() not in ("", session), 10, 0.3), "logind ends the session; it starts anew")
    keymap = wait_for(lambda: re.search(r"layout: *de\n(.*\n)*variant: *nodeadkeys\n(.*\n)*options: *compose:ralt",
                                        c.run("setxkbmap", "-display", ":0", "-query").stdout), 10)
    tap.result(keymap, "the keyboard has dom0's layout", c.run("setxkbmap", "-display", ":0", "-query").stdout)
    command = c.run("systemctl", "show", "-p", "MainPID", "--value", "qubes-gui-agent").stdout.strip()
    tap.result("--clipboard-wipe=60" in c.run("cat", "/proc/%s/cmdline" % command).stdout, "pasted text is wiped after a minute")
    p = Peer(c.root + "/run/vchan", c.root + "/run/shm1", 1)
    start = ("systemd-run", "-q", "--uid=user", "-E", "DISPLAY=:0", "-E", "HOME=/home/user", "xterm")
    c.run(*start)
    w = p.wait(lambda: next(iter(p.mapped()), None), 10)
    tap.result(w, "an xterm of the user is announced")
    p.idle(0.5)
    tap.result(w and len(set(p.pixels(w))) > 1, "with pixels")
    c.run("systemctl", "kill", "-s", "KILL", "qubes-xorg")
    tap.result(p.wait(lambda: not p.windows, 10), "the X server is killed: its windows go")
    tap.result(wait_for(lambda: all(c.active(u) for u in units), 20, 0.3), "all units come back")
    sessions = lambda: c.run("loginctl", "list-sessions", "--no-legend").stdout
    tap.result(wait_for(lambda: len(sessions().splitlines()) == 1, 10, 0.3), "logind has one session, the new one", sessions())
    c.run(*start)
    tap.result(p.wait(lambda: p.mapped(), 10) and not p.errors, "and windows, too", p.errors)
    failed = c.run("systemctl", "--failed", "--no-legend", "--plain").stdout
    tap.result(not [l for l in failed.splitlines() if "qubes-gui" in l or "qubes-xorg" in l], "no unit of ours has failed", failed)


def main():
    images = sorted(glob.glob(TOP + "/build/templates/*/root.img"))
    if os.geteuid() or not images:
        tap.skip("units under systemd", "only root may do this" if os.geteuid() else "no template image is built")
        return tap.plan()
    tmp = tempfile.mkdtemp(prefix="gui-stage-")
    os.chmod(tmp, 0o755)  # becomes the mode of /
    c = None
    try:
        stage(tmp)
        c = Container(images[0], tmp)
        time.sleep(1)
        if c.unshare.poll() is None:
            test(c)
        else:
            tap.skip("units under systemd", "this machine allows no such namespaces and mounts")
    finally:
        if c:
            c.close()
        shutil.rmtree(tmp)
    return tap.plan()


sys.exit(main())
