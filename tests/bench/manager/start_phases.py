#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""start_phases.py ISO LOG [TEMPLATE]: what the time between `qvm-run VM xterm` and the window is spent on. Boots the ISO, starts
one domain twice (the second time its disks have their file systems) and prints the phases of the second start: seconds by
the clock since the request, and QEMU's processor seconds where dom0's side could be asked. HYPERVISOR=xen for reference."""
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../system/iso"))
from machine import Machine

BOOT_LIMIT, LIMIT = 300, 400
SCREEN = "DISPLAY=:0 XAUTHORITY=/run/bulkhead/Xauthority "
# steps that the guest's first process writes to the kernel's log, by their text
INIT_STEPS = (("kernel is up", "kernel, to its first process"), ("modules are loaded", "modules of the initramfs"),
              ("root is mounted", "root put together"), ("starting systemd", "private volume, swap, systemd starts"))
# units of the guest whose start ends a phase
UNITS = (("qubes-qrexec-agent", "systemd, to the qrexec agent"), ("qubes-xorg", "X server"), ("user@1000", "session: logind, the user's systemd"))


def measure(machine, name):
    run = lambda command: machine.console.run(command, LIMIT)[0]
    before = machine.seconds()
    run("qvm-start %s" % name)
    answered = machine.seconds()
    run("qvm-run %s xterm; %s/usr/lib/bulkhead/bulkhead-demo --window %s" % (name, SCREEN, name))
    window = machine.seconds()
    manager = run("journalctl -u bulkhead-domain-manager -o cat | grep 'domain %s' | tail -2" % name)
    guest = run("qvm-run -p -u root %s 'dmesg | grep init:; for u in %s; do systemctl show -p ActiveEnterTimestampMonotonic --value $u; "
                "done'" % (name, " ".join(u for u, _ in UNITS)))
    return before, answered, window, manager, guest


def table(before, answered, window, manager, guest):
    """(phase, seconds since the request) in order"""
    built = float(re.search(r"built as \d+ in ([\d.]+)", manager).group(1))
    running = float(re.search(r"running ([\d.]+) s", manager).group(1))
    answers = float(re.search(r"answered after ([\d.]+)", manager).group(1))
    rows = [("domain build", built), ("disks and settings in xenstore, unpause", running)]
    for text, label in INIT_STEPS:
        found = re.search(r"init: ([\d.]+) " + text, guest)
        rows.append((label, running + float(found.group(1))))
    stamps = [int(s) / 1e6 for s in re.findall(r"(?m)^(\d+)\r?$", guest)]
    rows += [(label, running + stamp) for (_, label), stamp in zip(UNITS, stamps)]
    rows += [("qrexec answers in dom0", answers), ("first window", window[0] - before[0])]
    return sorted(rows, key=lambda row: row[1])


def main():
    iso, log = sys.argv[1:3]
    template = sys.argv[3] if len(sys.argv) > 3 else "debian-12"
    with Machine(iso, log, os.environ.get("HYPERVISOR", "bulkhead"), "systemd.debug_shell=hvc0") as machine:
        if not machine.console.wait(r"[#$] $", BOOT_LIMIT):
            sys.exit("dom0 is not up")
        machine.console.run("while ! systemctl is-active -q bulkhead-session bulkhead-domain-manager; do sleep 1; done; sleep 5", LIMIT)
        machine.console.run("qvm-create -l blue -t %s work && qvm-start work && qvm-shutdown --wait work" % template, LIMIT)
        figures = measure(machine, "work")
    before, answered, window = figures[:3]
    last = 0
    print("%-45s %8s %8s" % ("phase of the second start", "takes", "ends at"))
    for label, end in table(*figures):
        print("%-45s %8.2f %8.2f" % (label, end - last, end))
        last = end
    print("processor seconds: %.1f until qrexec answers, %.1f until the window" % (answered[1] - before[1], window[1] - before[1]))


main()
