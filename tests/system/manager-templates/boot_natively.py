#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""boot_natively.py ROOT.IMG…: boot each template's userland on the build machine's own kernel, in namespaces, seconds each: do
its units start, is there a session with a bus, how many processes does that take? Needs root. TAP on stdout."""
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../harness"))
from tap import finish, result

LIMIT_S = 60          # until the session is there
PROCESSES = 90        # started until then, some of them for devices of this machine; each costs an emulated domain 40 ms
INSIDE = r"""
set -e
root=$1 terminal=$(tty)
mount --make-rprivate /
mount -t proc proc $root/proc
mount -t sysfs sysfs $root/sys
mount -t cgroup2 cgroup2 $root/sys/fs/cgroup || mount -t cgroup2 cgroup2 $root/sys/fs/cgroup
mount -t tmpfs tmpfs $root/run
mount -t tmpfs tmpfs $root/dev
for node in null zero full random urandom tty tty0 tty1; do [ ! -e /dev/$node ] || cp -a /dev/$node $root/dev/; done
mkdir -p $root/dev/shm $root/dev/pts
ln -s /proc/self/fd $root/dev/fd
touch $root/dev/console
mount --bind "$terminal" $root/dev/console
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot $root /usr/lib/systemd/systemd --log-target=console --show-status=1
"""


class Userland:
    def __init__(self, image):
        self.directory = tempfile.mkdtemp(prefix="bulkhead-userland.")
        self.path = lambda name: os.path.join(self.directory, name)
        for name in ("image", "changes", "root"):
            os.mkdir(self.path(name))
        self.mount("-o", "ro,loop", image, self.path("image"))
        self.mount("-t", "tmpfs", "changes", self.path("changes"))
        os.mkdir(self.path("changes/upper"))
        os.mkdir(self.path("changes/work"))
        self.mount("-t", "overlay", "-o", "lowerdir=%s,upperdir=%s,workdir=%s" % tuple(
            self.path(p) for p in ("image", "changes/upper", "changes/work")), "root", self.path("root"))
        with open(self.path("inside"), "w") as script:
            script.write(INSIDE)
        self.log = open(self.path("log"), "wb")
        command = "unshare --pid --mount --uts --ipc --net --cgroup --fork --kill-child bash %s %s" % (self.path("inside"), self.path("root"))
        self.process = subprocess.Popen(["script", "-qefc", command, "/dev/null"], stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log, start_new_session=True)

    @staticmethod
    def mount(*arguments):
        subprocess.run(["mount", *arguments], check=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        init = self.init()
        if init:
            os.kill(init, signal.SIGKILL)
        self.process.terminate()
        self.process.wait()
        for name in ("root", "changes", "image"):
            subprocess.run(["umount", "--lazy", self.path(name)])
        shutil.rmtree(self.directory, ignore_errors=True)

    def init(self):
        """Process id of the systemd inside, as the outside sees it."""
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                if os.readlink("/proc/%s/root" % pid) == self.path("root") and "NSpid:\t%s\t1\n" % pid in open("/proc/%s/status" % pid).read():
                    return int(pid)
            except OSError:
                continue
        return None

    def run(self, command):
        """(output, status) of a shell command inside."""
        inside = ["nsenter", "--target", str(self.init()), "--mount", "--pid", "--uts", "--ipc", "--net", "--root", "--wd",
                  "/usr/bin/env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "sh", "-c", command]
        done = subprocess.run(inside, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=LIMIT_S)
        return done.stdout.decode(errors="replace"), done.returncode

    def wait(self):
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            if self.init() and self.run("test -e /run/qubes/qubes-session-running")[1] == 0:
                return True
            time.sleep(0.2)
        return False


def check(name, image):
    with Userland(image) as userland:
        up = userland.wait()
        result(up, "%s: the graphical session starts" % name, open(userland.path("log"), errors="replace").read())
        if not up:
            return
        processes = int(userland.run("cat /proc/loadavg")[0].split()[-1])
        result(processes <= PROCESSES, "%s: %d processes were started for it" % (name, processes))
        out, _ = userland.run("systemctl --failed --no-legend --plain")
        result(not out.strip(), "%s: no unit has failed" % name, out)
        as_user = "setpriv --reuid 1000 --regid 1000 --init-groups "
        out, status = userland.run("systemctl stop qubes-gui-session; rm /run/qubes/qrexec-server.user.sock; { sleep 1; systemctl start "
                                   "qubes-gui-session; } >/dev/null 2>&1 & /etc/qubes-rpc/qubes.WaitForSession </dev/null")
        result(status == 0 and userland.run("test -S /run/qubes/qrexec-server.user.sock")[1] == 0,
               "%s: qubes.WaitForSession ends when the default user's session is there" % name, out)
        out, _ = userland.run("loginctl show-session $(loginctl show-user -p Display --value user)")
        result({"Class=user", "Type=x11", "Seat=seat0", "State=active"} <= set(out.splitlines()), "%s: logind has the session" % name, out)
        out, _ = userland.run(as_user + "env XDG_RUNTIME_DIR=/run/user/1000 systemctl --user is-system-running --wait")
        result(out == "running\n", "%s: the user's systemd runs" % name, out)
        out, status = userland.run(as_user + "env XDG_RUNTIME_DIR=/run/user/1000 dbus-send --session --print-reply "
                                   "--dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames")
        result(status == 0 and "org.freedesktop.DBus" in out, "%s: the session bus answers who asks" % name, out)
        out, _ = userland.run("cut -d: -f2 /etc/shadow | sort -u")
        result(re.fullmatch(r"(?:[!*]+\n)+", out) is not None, "%s: nobody has a password" % name, out)
        out, status = userland.run(as_user + "sudo -n id -u")
        minimal = name.endswith("-minimal")
        result(status != 0 if minimal else out.endswith("0\n"), "%s: %s" % (name, "no sudo" if minimal else "the user becomes root without a password"),
               out)


def main():
    for image in sys.argv[1:]:
        check(os.path.basename(os.path.dirname(os.path.abspath(image))), image)
    finish()


main()
