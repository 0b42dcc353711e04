#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""test_real.py ISO TEMPLATES WORK-DIRECTORY: the domain manager on the hypervisor with real templates, used by the commands
that an administrator types at dom0's console. Its state is on a disk image, so that the machine can lose its power and come
up again. TAP on stdout. HYPERVISOR=xen boots Debian's Xen for reference; ONLY=part,… runs some parts; TIME_FACTOR=4 waits four times
as long, for a busy host."""
import os
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../iso"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../harness"))
from machine import Machine
from tap import finish, result

MEDIUM = "/run/bulkhead/medium/bulkhead"
STATE = "/var/lib/bulkhead"
PACKAGE = "bulkhead-template-debian-12-minimal.rpm"
DISK_SIZE = 12 << 30
MEMORY_MIB = 7168
SLOW = float(os.environ.get("TIME_FACTOR", "1"))    # a loaded host: all limits times this
BOOT_LIMIT, START_LIMIT, LIMIT = 180 * SLOW, 180 * SLOW, 60 * SLOW
SCREEN = "DISPLAY=:0 XAUTHORITY=/run/bulkhead/Xauthority "
PASTE_OFF = "\x1b[?2004l"    # the shell writes it before a command's output; what comes before may be an echo of the command
CROWD = 10
POWER_CUT_AFTER = 6
CROWD_MEMORY_MIB = 250


def make_state_disk(path, templates):
    """An XFS with reflinks: kernels and debian-12 by links to the medium, debian-13 as files, debian-12-minimal as a package."""
    with open(path, "wb") as disk:
        disk.truncate(DISK_SIZE)
    subprocess.run(["mkfs.xfs", "-q", "-L", "state", path], check=True)
    mount = tempfile.mkdtemp(prefix="bulkhead-state.")
    subprocess.run(["mount", "-o", "loop", path, mount], check=True)
    try:
        os.symlink(MEDIUM + "/kernels", mount + "/kernels")
        for name in ("debian-12", "debian-13"):
            os.makedirs(os.path.join(mount, "templates", name))
        for file in ("root.img", "appmenus"):
            os.symlink("%s/templates/debian-12/%s" % (MEDIUM, file), os.path.join(mount, "templates/debian-12", file))
            shutil.copy(os.path.join(templates, "debian-13", file), os.path.join(mount, "templates/debian-13"))
        shutil.copy(os.path.join(templates, "debian-12-minimal", PACKAGE), mount)
    finally:
        subprocess.run(["umount", mount], check=True)
        os.rmdir(mount)


class Dom0:
    """A booted machine whose manager works on the state disk."""

    def __init__(self, iso, disk, log):
        self.machine = Machine(iso, log, os.environ.get("HYPERVISOR", "bulkhead"), "systemd.debug_shell=hvc0", MEMORY_MIB, [disk])

    def __enter__(self):
        self.machine.__enter__()
        self.up = self.machine.console.wait(r"[#$] $", BOOT_LIMIT) is not None
        self.run("systemctl stop bulkhead-domain-manager; umount %s; mount $(blkid -L state) %s" % (STATE, STATE))
        # ten at once take longer on one emulated CPU than any domain should
        self.run("systemctl start bulkhead-domain-manager; qubes-prefs default_qrexec_timeout 3600", BOOT_LIMIT)
        return self

    def __exit__(self, *args):
        self.machine.__exit__(*args)

    def run(self, command, limit=LIMIT):
        """(output, exit status). By way of a file: on a terminal the commands would show their progress, at the price of an
        emulated character each."""
        output, status = self.machine.console.run("(%s) > /tmp/out 2>&1; s=$?; cat /tmp/out; (exit $s)" % command, limit)
        if status < 0:  # an end to it, else the next command would be given its output
            self.machine.console.sock.sendall(b"\x03")
            self.machine.console.wait(r"[#$] $", LIMIT)
        return output.rpartition(PASTE_OFF)[2].replace("\r", ""), status

    def check(self, text, command, shows="", status=0, limit=LIMIT):
        """The command ends with this status and its output holds these words. Returns the output."""
        before = self.machine.seconds()[1]
        output, code = self.run(command, limit)
        took = self.machine.seconds()[1] - before
        result(code == status and shows in output, "%s (%.1f s of the processor)" % (text, took),
               "%s: status %d\n%s" % (command, code, output))
        return output


def life(dom0):
    """An AppVM, a change of its template, a disposable."""
    dom0.check("an AppVM is created", "qvm-create --class AppVM --label blue --template debian-12 work")
    dom0.check("it starts", "qvm-start work", limit=START_LIMIT)
    dom0.check("a program runs in it through qrexec", "qvm-run -p work 'echo from-$(hostname)'", "from-work")
    dom0.check("it keeps a file at home", "qvm-run -p work 'echo kept > kept; sync; cat kept'", "kept")
    dom0.check("and a file outside home", "qvm-run -p -u root work \"mkdir -p /rw/config/qubes-bind-dirs.d; "
               "echo \\\"binds+=( '/etc/kept' )\\\" > /rw/config/qubes-bind-dirs.d/50.conf; mkdir -p /rw/bind-dirs/etc; "
               "echo bound > /rw/bind-dirs/etc/kept; sync; echo done\"", "done")
    dom0.check("and changes its root", "qvm-run -p -u root work 'echo > /etc/dropped; ls /etc/dropped'", "/etc/dropped")
    dom0.check("it may not manage", "qvm-run -p work 'qrexec-client-vm dom0 admin.vm.List'", "", 126)
    dom0.check("but what policy allows it may", "echo 'admin.vm.List * work @adminvm allow' > /etc/qubes/policy.d/20-test.policy; "
               "qvm-run -p work 'qrexec-client-vm dom0 admin.vm.List | tr \\\\0 +'", "work class=AppVM state=Running")
    dom0.check("the template starts", "qvm-start debian-12", limit=START_LIMIT)
    dom0.check("a package's work is done in it", "qvm-run -p -u root debian-12 'echo new > /etc/changed; sync; dpkg --audit && echo done'",
               "done")
    dom0.check("it shuts down", "qvm-shutdown --wait debian-12", limit=START_LIMIT)
    dom0.check("the change is a revision", "ls %s/templates/debian-12" % STATE, "upper-1.img")
    dom0.check("the running domain keeps its image", "qvm-run -p work 'cat /etc/changed'", "No such file", 1)
    dom0.check("and is shown as outdated", "qvm-volume info work:root is_outdated", "True")
    dom0.check("it shuts down", "qvm-shutdown --wait work", limit=START_LIMIT)
    dom0.check("nothing of its run is left", "ls -A %s/domains/work; losetup -a" % STATE, "private.img")
    dom0.check("it starts again", "qvm-start work", limit=START_LIMIT)
    dom0.check("and has the template's change", "qvm-run -p work 'cat /etc/changed'", "new")
    dom0.check("its home is as it was", "qvm-run -p work 'cat kept'", "kept")
    dom0.check("so is what bind-dirs names", "qvm-run -p work 'cat /etc/kept'", "bound")
    dom0.check("its root is fresh", "qvm-run -p work 'ls /etc/dropped'", "No such file", 2)
    dom0.check("applications of the template are known", "qvm-appmenus --get-available work", "xterm")


def disposable(dom0):
    dom0.run("qvm-prefs work template_for_dispvms True; qubes-prefs default_dispvm work")
    before = dom0.run("xl info | grep free_memory")[0]
    dom0.check("a disposable opens, runs and ends", "qvm-run -p --dispvm=work 'echo trace > trace; cat kept; hostname'", "kept",
               limit=START_LIMIT)
    dom0.check("its files are gone", "find %s -name '*disp*' | wc -l; losetup -a | grep -c disp" % STATE, "0\n0", 1)
    dom0.check("no domain is left", "qvm-ls --raw-list; xl list | grep -c disp", "work\n0", 1)
    dom0.check("its memory is free again", "xl info | grep free_memory", before.strip())
    dom0.check("its base has no trace", "qvm-run -p work 'ls trace'", "No such file", 2)


def volumes(dom0):
    """Revisions, resize, import, clone, backup of a real domain."""
    dom0.check("home changes", "qvm-run -p work 'echo changed > kept; sync; cat kept'", "changed")
    dom0.check("shutdown", "qvm-shutdown --wait work", limit=START_LIMIT)
    dom0.check("the private volume grows", "qvm-volume resize work:private 3GiB")
    dom0.check("and is shown so", "qvm-volume info work:private size", str(3 << 30))
    dom0.check("the domain is cloned", "qvm-clone work twin; qvm-ls --raw-list", "twin")
    dom0.check("the clone shares its blocks", "filefrag -v %s/domains/twin/private.img | grep -c shared" % STATE)
    dom0.check("a volume is imported, and shrinks none", "head -c 50M /dev/zero > %s/copy; qvm-volume import twin:private %s/copy; "
               "qvm-volume info twin:private size" % (STATE, STATE), str(3 << 30), limit=START_LIMIT)
    dom0.check("the last start's state comes back", "qvm-volume revert work:private")
    dom0.check("start", "qvm-start work", limit=START_LIMIT)
    dom0.check("the old file is there", "qvm-run -p work 'cat kept'", "kept")
    backup = STATE + "/backup"
    dom0.run("qvm-run -p work 'echo later > kept; sync'")
    dom0.check("it is backed up while it runs", "qvm-backup -y %s work && qvm-backup-restore --verify-only %s" % (backup, backup),
               "all sums are right")
    dom0.check("the backup shares its blocks", "filefrag -v %s/work/private.img | grep -c shared" % backup)
    dom0.check("and is restored beside it", "qvm-backup-restore -y --rename-conflicting %s" % backup, "work is restored as work1")
    dom0.check("it starts", "qvm-start work1", limit=START_LIMIT)
    dom0.check("as the other was before its start", "qvm-run -p work1 'cat kept'", "kept")
    dom0.run("qvm-kill work1; qvm-remove -f work1; rm -r %s %s/copy; qvm-remove -f twin" % (backup, STATE))


def recipes(dom0):
    """The other two templates, and a window."""
    dom0.check("a template package is installed", "qvm-template install %s/%s && qvm-template list" % (STATE, PACKAGE), "debian-12-minimal",
               limit=START_LIMIT)
    dom0.check("domains of debian-12-minimal and debian-13 are created",
               "qvm-create -l red -t debian-12-minimal small && qvm-create -l green -t debian-13 --prop memory=500 trixie")
    dom0.check("debian-12-minimal starts", "qvm-start small", limit=START_LIMIT)
    dom0.check("and runs programs", "qvm-run -p small 'cat /etc/debian_version; type sudo'", "12.", 1)
    dom0.check("debian-13 starts", "qvm-start trixie", limit=START_LIMIT)
    dom0.check("and runs programs", "qvm-run -p trixie 'cat /etc/debian_version'", "13")
    dom0.check("a program with a window starts in it", "qvm-run trixie xterm")
    dom0.check("its window is on dom0's screen", SCREEN + "/usr/lib/bulkhead/bulkhead-demo --window trixie", limit=START_LIMIT)
    dom0.check("both go down", "qvm-shutdown --wait small trixie", limit=START_LIMIT)
    dom0.check("a template in use stays", "qvm-template remove debian-12-minimal", "small", 1)
    dom0.check("another one goes", "qvm-remove -f small; qvm-template remove debian-12-minimal && ls %s/templates" % STATE,
               "debian-12\ndebian-13", limit=START_LIMIT)


def network(dom0):
    """A domain that gives network and one that uses it."""
    dom0.check("a domain that provides network",
               "qvm-create -l red -t debian-12 --prop provides_network=True --prop netvm= sys-net")
    dom0.check("and its user", "qvm-create -l green -t debian-12 --prop netvm=sys-net client")
    dom0.check("start of the user starts both", "qvm-start client && qvm-ls --raw-list --running", "sys-net", limit=START_LIMIT)
    dom0.check("the user has its address", "ip=$(qvm-prefs client ip); qvm-run -p -u root client \"ip -o addr show eth0 | grep $ip\"",
               "inet 10.137.")
    dom0.check("and reaches its netvm", "ip=$(qvm-prefs sys-net ip); qvm-run -p client \"ping -c 3 -W 10 $ip\"", " 0% packet loss")
    dom0.check("which reaches it", "ip=$(qvm-prefs client ip); qvm-run -p sys-net \"ping -c 3 -W 10 $ip\"", " 0% packet loss")
    dom0.check("a rule for it is in the netvm's nftables", "qvm-firewall client add --before=0 drop proto=icmp; sleep 5; "
               "qvm-run -p -u root sys-net 'nft --numeric list chain ip bulkhead-firewall c'$(qvm-prefs client ip)", "ip protocol 1 drop")
    dom0.check("the netvm does not go first", "qvm-shutdown sys-net", "uses sys-net as its netvm", 1)
    dom0.check("both go down", "qvm-shutdown --wait client && qvm-shutdown --wait sys-net", limit=START_LIMIT)


def crowd(dom0):
    """Ten at once; the manager dies under them."""
    names = " ".join("c%d" % i for i in range(CROWD))
    dom0.check("ten domains are created", "for n in %s; do qvm-create -l gray -t debian-12 --prop memory=%d $n || break; done"
               % (names, CROWD_MEMORY_MIB))
    dom0.check("and start at once", "for n in %s; do qvm-start $n & done; wait; qvm-ls --raw-list --running | grep -c '^c'" % names,
               str(CROWD), limit=CROWD * START_LIMIT)
    dom0.check("each answers", "for n in %s; do qvm-run -p $n 'echo I-am-$(hostname)'; done | grep -c I-am-c" % names, str(CROWD),
               limit=CROWD * START_LIMIT)
    dom0.run("qvm-run -p c0 'echo synced > synced; sync'")
    dom0.check("the manager is killed", "kill -9 $(systemctl show -p MainPID --value bulkhead-domain-manager); sleep 2; "
               "for i in $(seq 60); do qvm-ls > /dev/null 2>&1 && break; sleep 1; done; systemctl is-active bulkhead-domain-manager", "active",
               limit=2 * LIMIT)
    dom0.check("it finds all of them", "qvm-ls --raw-list --running | grep -c '^c'", str(CROWD))
    dom0.check("and they answer", "qvm-run -p c9 'echo I-am-$(hostname)'", "I-am-c9")
    dom0.check("two tools at once: one creates, the other is told",
               "qvm-create -l red once & qvm-create -l red once; a=$?; wait $!; echo sum $((a + $?))", "sum 1")
    dom0.check("and both may change one domain", "for i in 1 2 3 4; do qvm-features once f$i $i & done; wait; "
               "qvm-features once | wc -l", "4")


def power_cut(dom0):
    """Nobody hears the end of this command."""
    dom0.run("sync; for i in $(seq 99); do qvm-create -l red cut$i; qvm-clone once n$i; done", POWER_CUT_AFTER)


def after_power_cut(dom0):
    dom0.check("the state is read without complaint", "journalctl -b -u bulkhead-domain-manager -p warning | grep -vc '^--'", "0", 1)
    dom0.check("nothing half made is left", "ls -A %s/domains | grep -c '^\\.'" % STATE, "0", 1)
    dom0.check("each domain is whole", "for n in $(qvm-ls --raw-list | grep -v dom0); do qvm-volume info $n:private >/dev/null "
               "&& qvm-prefs $n uuid >/dev/null || echo broken $n; done; qvm-ls --raw-list | grep -c '^c[0-9]$'", str(CROWD))
    dom0.check("all are halted", "qvm-ls --raw-list --running | wc -l", "1")
    dom0.check("one of them starts", "qvm-start c0", limit=START_LIMIT)
    dom0.check("with what it had written", "qvm-run -p c0 'cat synced'", "synced")


def disk_full(dom0):
    """The state's file system has no room left."""
    dom0.run("qvm-create -l red -t debian-12 --prop memory=%d full; qvm-create -l red -t debian-12 idle" % CROWD_MEMORY_MIB)
    dom0.check("a domain runs", "qvm-start full", limit=START_LIMIT)
    dom0.run("fallocate -l $(($(df --output=avail -B1 %s | tail -1) - 8000000)) %s/filler" % (STATE, STATE))
    dom0.run("dd if=/dev/zero of=%s/filler2 bs=64k" % STATE)
    dom0.check("import: a clear error", "head -c 50M /dev/zero | tr '\\0' x | qvm-volume import idle:private -", "No space left", 1)
    dom0.check("create: a clear error, or room was found, and nothing half made",
               "qvm-create -l red fuller; ls -A %s/domains | grep -c '^\\.'" % STATE, "0", 1)
    dom0.check("the domain that runs goes on", "qvm-run -p full 'echo well'", "well")
    dom0.run("rm %s/filler %s/filler2" % (STATE, STATE))
    dom0.check("with room again it works", "qvm-clone idle copy && qvm-remove -f copy idle")
    dom0.run("qvm-kill full; qvm-remove -f full fuller")


def no_store(dom0):
    """xenstored cannot be started anew while domains run: they go on, and every command says what is wrong."""
    advice = "Save your work in them and restart the computer"
    manager = "$(systemctl show -p MainPID --value bulkhead-domain-manager)"
    dom0.run("qvm-create -l red -t debian-12 --prop memory=%d lone; qvm-create -l red -t debian-12 idle" % CROWD_MEMORY_MIB)
    dom0.check("a domain runs", "qvm-start lone", limit=START_LIMIT)
    dom0.run("qvm-run -p lone 'while sleep 1; do echo beat; done' > /tmp/beats < /dev/null 2>&1 &")
    dom0.check("a program runs in it", "for i in $(seq 60); do sleep 1; test -s /tmp/beats && break; done; cat /tmp/beats", "beat",
               limit=START_LIMIT)
    dom0.check("xenstored is killed", "kill -9 $(cat /run/xen/xenstored.pid); sleep 2; qvm-ls --raw-list", "lone")
    for command in ("qvm-start idle", "qvm-shutdown --wait lone", "qvm-kill lone", "qvm-pause lone"):
        dom0.check("%s says what to do" % command.split()[0], "timeout 10 " + command, advice, 1)
    dom0.check("the running domain lives on", "before=$(wc -l < /tmp/beats); sleep 10; qvm-check --running lone && "
               "test $(wc -l < /tmp/beats) -gt $before && echo beats", "beats")
    dom0.check("so does the manager, and does not spin", "used() { awk '{print $14 + $15}' /proc/%s/stat; }; before=$(used); sleep 5; "
               "test $(($(used) - before)) -lt 100 && echo calm" % manager, "calm")
    dom0.check("one that is started anew finds the domain", "systemctl kill -s KILL bulkhead-domain-manager; for i in $(seq 30); do sleep 1; "
               "timeout 10 qvm-ls --raw-list --running && break; done", "lone")


BEFORE_CUT = (life, disposable, volumes, recipes, network, crowd)
AFTER_CUT = (after_power_cut, disk_full, no_store)


def main():
    iso, templates, work = (os.path.abspath(a) for a in sys.argv[1:4])
    only = os.environ["ONLY"].split(",") if os.environ.get("ONLY") else [part.__name__ for part in BEFORE_CUT + AFTER_CUT]
    os.makedirs(work, exist_ok=True)
    disk = os.path.join(work, "state.img")
    make_state_disk(disk, templates)
    try:
        for number, all_parts in enumerate((BEFORE_CUT, AFTER_CUT), 1):
            parts = [part for part in all_parts if part.__name__ in only]
            if not parts:
                continue
            with Dom0(iso, disk, os.path.join(work, "serial-%d.log" % number)) as dom0:
                result(dom0.up, "dom0 is up")
                for part in parts:
                    part(dom0)
                if crowd in parts:
                    power_cut(dom0)
    finally:
        os.unlink(disk)
    finish()


main()
