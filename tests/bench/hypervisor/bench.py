#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bench.py [--no-system] [--kstack] BULKHEAD BENCH.elf SYSTEM-DIR: figures of our hypervisor and of Debian's Xen, side by side.

Instruction counts come from one micro-kernel under -icount shift=0,sleep=off (repeatable at any load), the rest from
Debian's dom0 with one CPU in plain TCG, both hypervisors after each other. A figure beyond its target is marked, never
hidden; the exit status is 0 unless a machine did not come to its end.
"""
import os, re, statistics, subprocess, sys

sys.path.insert(0, "tests/harness")
from cpu_model import CPU

MACHINE_MIB = 4096
# Linux's default reads the TSC in each system call, which exits on Xen; --kstack measures with that
KSTACK = "" if "--kstack" in sys.argv else "randomize_kstack_offset=off"
XEN_WORDS = " dom0=pvh spec-ctrl=eager-fpu cpuidle=0"

# figure, unit, target (None: for information), target is a ratio to Xen's, more is better
ROWS = [
    ("hypercall", "instructions", 250, False, False), ("cpuid", "instructions", 250, False, False),
    ("evtchn_send", "instructions", 600, False, False), ("set_timer", "instructions", 400, False, False),
    ("grant_pair", "instructions", 300, False, False), ("first_instruction", "M instructions", 40, False, False),
    ("dom0_userspace", "ms", 0.4, True, False), ("dom0_exits_to_init", "exits", 60000, False, False),
    ("memory_kept", "MiB", 8, False, False), ("image", "KiB", 256, False, False), ("xl_list", "ms", None, False, False),
    ("hypercall_user", "us", None, False, False), ("domu_create", "ms", 0.4, True, False),
    ("domu_destroy", "ms", 0.5, True, False), ("domu_exits", "exits", None, False, False),
    ("event_round_trip", "us", 0.4, True, False), ("grant_map_unmap", "us", 0.3, True, False),
    ("vchan_round_trip", "us", 0.4, True, False), ("vchan", "MiB/s", 3, True, True),
    ("domain_overhead", "KiB", None, False, False), ("domain_fixed", "KiB", 64, False, False),
]

def qemu(image, words, modules, extra, limit):
    cmd = ["timeout", "-k", "2", str(limit), "qemu-system-x86_64", "-machine", "q35", "-cpu", CPU, "-device",
           "amd-iommu,intremap=on", "-smp", "1", "-display", "none", "-vga", "none", "-no-reboot", "-nic", "none",
           "-serial", "stdio", "-monitor", "none", "-kernel", image,
           "-append", "console=com1 com1=115200,8n1 noreboot loglvl=error guest_loglvl=none " + words, "-initrd", modules, *extra]
    r = subprocess.run(cmd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return r.stdout.decode("utf-8", "replace").replace("\r", "")

def figures(text):
    found = {}
    for name, value in re.findall(r"FIGURE (\S+) ([0-9.]+)", text):
        found.setdefault(name, []).append(float(value))
    return {n: statistics.median(v) for n, v in found.items()}

def micro(image, elf, xen):
    words = "dom0_mem=96M,max:96M" + (XEN_WORDS if xen else "")
    icount = ["-m", "512", "-rtc", "base=2024-01-01T00:00:00,clock=vm", "-icount"]
    f = figures(qemu(image, words, elf, icount + ["shift=0,sleep=off"], 120))
    start = figures(qemu(image, words, elf + " clock=1", icount + ["shift=3,sleep=off"], 180))
    if "first_instruction_ns" in start:
        f["first_instruction"] = start["first_instruction_ns"] / 8e6
    return f

def system(image, folder, xen):
    words = "dom0_mem=640M,max:640M loglvl=all" + (XEN_WORDS if xen else "")
    modules = "%s/vmlinux-dom0 console=hvc0 quiet panic=-1 %s test=bench,%s/dom0.cpio.gz" % (folder, KSTACK, folder)
    text = qemu(image, words, modules, ["-accel", "tcg", "-m", str(MACHINE_MIB)], 300)
    open("build/check/bench-%s.log" % ("xen" if xen else "bulkhead"), "w").write(text)
    f = figures(text)
    exits = re.findall(r"d(\d+)v0:.* exits (\d+)", text)
    if exits:
        f["dom0_exits_to_init"] = float(next(n for d, n in exits if d == "0"))
        f["domu_exits"] = float(next((n for d, n in exits if d != "0"), 0)) or None
    return f, "test: end" in text

def derive(f, image):
    """Raw figures to the table's rows and units."""
    def put(name, source, factor):
        if source in f:
            f[name] = f[source] * factor
    put("dom0_userspace", "dom0_userspace_s", 1000)
    if "memory_usable_mib" in f:
        f["memory_kept"] = MACHINE_MIB - f["memory_usable_mib"]
    put("xl_list", "xl_list_ms", 1), put("hypercall_user", "hypercall_ns", 1e-3)
    put("domu_create", "domu_create_ms", 1), put("domu_destroy", "domu_destroy_ms", 1)
    put("event_round_trip", "event_round_trip_ns", 1e-3), put("vchan_round_trip", "vchan_round_trip_ns", 1e-3)
    put("domain_overhead", "domain_overhead_kib", 1)
    if "domain_nodes" in f: # all but the page tables
        f["domain_fixed"] = f["domain_overhead_kib"] - f["domain_nodes"] * 4
    put("vchan", "vchan_to_domu_kib_s", 1 / 1024)
    if "grant_map_1_ns" in f:
        f["grant_map_unmap"] = (f["grant_map_1_ns"] + f["grant_unmap_1_ns"]) / 1000
    f["image"] = os.path.getsize(image) / 1024
    return f

def table(ours, xen):
    print("%-20s %-15s %12s %12s %8s %10s" % ("figure", "unit", "bulkhead", "Xen", "ratio", "target"))
    for name, unit, target, is_ratio, more in ROWS:
        a, b = ours.get(name), xen.get(name)
        ratio = a / b if a is not None and b else None
        value = ratio if is_ratio else a
        met = "" if target is None or value is None else " yes" if (value >= target if more else value <= target) else " NOT MET"
        shown = "" if target is None else "%s %g%s" % (">=" if more else "<=", target, "x" if is_ratio else "")
        print("%-20s %-15s %12s %12s %8s %10s%s" % (
            name, unit, "-" if a is None else "%.1f" % a, "-" if b is None else "%.1f" % b,
            "-" if ratio is None else "%.3f" % ratio, shown, met))

def main():
    args = [a for a in sys.argv[1:] if not a.startswith("--")]
    image, elf, folder = args
    reference = folder + "/xen.elf"
    os.makedirs("build/check", exist_ok=True)
    ours, xen, ended = micro(image, elf, False), micro(reference, elf, True), True
    if "--no-system" not in sys.argv:
        for f, which, is_xen in ((ours, image, False), (xen, reference, True)):
            more, ok = system(which, folder, is_xen)
            f.update(more)
            ended &= ok
    table(derive(ours, image), derive(xen, reference))
    if "hypercall" not in ours or not ended:
        print("a machine did not come to its end: see build/check/bench-*.log")
        return 1
    return 0

sys.exit(main())
