#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the domain manager on the fake hypervisor: 76 domains, as on a big Qubes machine."""
import os, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.getcwd(), "tests/system/manager-fake"))
from world import World


def measure(w, name, args, n=50):
    times = []
    for _ in range(n):
        t0 = time.perf_counter()
        subprocess.run(args, env=w.env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - t0) * 1000)
    times.sort()
    print("%-38s median %7.2f ms   p95 %7.2f ms" % (name, statistics.median(times), times[int(n * .95)]), flush=True)
    return statistics.median(times)


def memory(pid):
    for line in open("/proc/%d/status" % pid):
        if line.startswith("VmRSS"):
            return int(line.split()[1])


def main():
    with World().start() as w:
        empty = memory(w.process.pid)
        t0 = time.perf_counter()
        for i in range(75):
            w.ok("qvm-create", "-l", "blue", "vm%02d" % i)
        print("%-38s %7.2f ms each" % ("qvm-create", (time.perf_counter() - t0) * 1000 / 75))
        ls = measure(w, "qvm-ls, 76 domains", ["qvm-ls"])
        measure(w, "qvm-ls -o disk, 76 domains", ["qvm-ls", "-o", "disk"])
        measure(w, "qvm-prefs NAME memory", ["qvm-prefs", "vm00", "memory"])
        measure(w, "qvm-prefs NAME memory VALUE (fsynced)", ["qvm-prefs", "vm00", "memory", "401"], 3)
        measure(w, "/bin/true, for comparison", ["/bin/true"])
        t0 = time.perf_counter()
        w.ok("qvm-start", *["vm%02d" % i for i in range(75)])
        print("%-38s %7.0f ms for 75 at once" % ("qvm-start (no hypervisor)", (time.perf_counter() - t0) * 1000))
        t0 = time.perf_counter()
        n = 2000
        for _ in range(n):
            w.call(b"internal.GetSystemInfo+ dom0 name dom0\0")
        print("%-38s %7.3f ms" % ("GetSystemInfo, 76 domains", (time.perf_counter() - t0) * 1000 / n))
        print("%-38s %7d KiB with 2 domains, %d KiB with 77" % ("memory of the manager", empty, memory(w.process.pid)))
        w.stop()
        t0 = time.perf_counter()
        w.start()
        print("%-38s %7.1f ms" % ("start of the manager, 75 running", (time.perf_counter() - t0) * 1000))
        return 0 if ls <= 10 else 1


sys.exit(main())
