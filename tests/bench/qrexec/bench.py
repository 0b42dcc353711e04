#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""
Figures of qrexec over the socket backend: a null call, throughput both ways, Filecopy of 1 GiB, memory. TAP on
stdout: a goal that is missed is told; one missed by more than the factor SLACK fails, for a machine may be loaded.
"""
import os, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../unit/qrexec"))
from rig import BIN, PolicyDaemon, Rig, rss

GIB = 1 << 30
SLACK = 5
BLAST = r"""
#include <stdlib.h>
#include <unistd.h>
static char piece[262144];
/* without argument: nothing; "write BYTES"; "read" to the end */
int main(int argc, char **argv)
{
    long long left = argc > 2 ? atoll(argv[2]) : 0;
    if (argc > 2)
        while (left > 0) {
            ssize_t n = write(1, piece, left < (long long)sizeof(piece) ? (size_t)left : sizeof(piece));
            if (n <= 0) return 1;
            left -= n;
        }
    else if (argc > 1)
        while (read(0, piece, sizeof(piece)) > 0)
            ;
    return 0;
}
"""
count = failed = 0


def figure(name, value, unit, goal, at_most, remark=""):
    global count, failed
    count += 1
    good = value <= goal if at_most else value >= goal
    bearable = value <= goal * SLACK if at_most else value >= goal / SLACK
    failed += not bearable
    print("%s %d - %s: %.2f %s (goal: %s %g%s)%s" % ("ok" if bearable else "not ok", count, name, value, unit,
          "at most" if at_most else "at least", goal, remark, "" if good else " MISSED"), flush=True)


def build(folder):
    source, program = folder + "/blast.c", folder + "/blast"
    with open(source, "w") as f:
        f.write(BLAST)
    subprocess.run(["gcc", "-O2", "-o", program, source], check=True)
    return program


def null_call(rig, work, bank, blast):
    os.symlink(blast, bank.dir + "/rpc/test.Null")
    argv, env = work.client_args("bank", "test.Null"), work.env()
    times = []
    with PolicyDaemon(rig, "test.Null * work bank allow\n") as policy:
        for _ in range(300):
            t = time.perf_counter()
            pid = os.posix_spawn(argv[0], argv, env,
                                 file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)])
            assert os.waitpid(pid, 0)[1] == 0
            times.append((time.perf_counter() - t) * 1000)
        figure("null call VM to VM, median of 300", statistics.median(times), "ms", 2, True, "; Qubes about 260 in VMs")
        figure("null call VM to VM, best", min(times), "ms", 2, True)
        figure("memory of a policy daemon", rss(policy.process.pid) / 1024, "MiB", 3, True)


def throughput(rig, work, bank, blast, size=GIB):
    bank.service("test.Source", "#!/bin/sh\nexec %s write %d\n" % (blast, size))
    bank.service("test.Sink", "#!/bin/sh\nexec %s read\n" % blast)
    for name, command in (("to the service", "%s write %d | %s" % (
            blast, size, " ".join(work.client_args("bank", "test.Sink")))), ("from the service", "%s </dev/null | %s read" % (
                " ".join(work.client_args("bank", "test.Source")), blast))):
        best = 0
        for _ in range(3):
            t = time.perf_counter()
            subprocess.run(command, shell=True, env=work.env(), check=True)
            best = max(best, size / (time.perf_counter() - t) / 1e9)
        figure("throughput of one call " + name, best, "GB/s", 1, False)


def filecopy(work, bank):
    os.symlink(BIN + "/qfile-unpacker", bank.dir + "/rpc/qubes.Filecopy")
    path = work.dir + "/big"
    with open(path, "wb") as f:
        block = os.urandom(1 << 20)
        for _ in range(1024):
            f.write(block)
    argv = work.client_args("--buffer-size=524288", "bank", "qubes.Filecopy+", BIN + "/qfile-agent", "--", path)
    best = 0
    for _ in range(3):
        t = time.perf_counter()
        subprocess.run(argv, env=work.env(), check=True, stdin=subprocess.DEVNULL)
        best = max(best, GIB / (time.perf_counter() - t) / 1e6)
        os.unlink(bank.dir + "/QubesIncoming/work/big")
    figure("Filecopy of 1 GiB", best, "MB/s", 250, False, ": 5 times Qubes' 50")


def main():
    rig = Rig()
    try:
        work, bank = rig.vm(10, "work"), rig.vm(11, "bank")
        rig.policy("work bank * allow:\n")
        blast = build(rig.dir)
        null_call(rig, work, bank, blast)
        throughput(rig, work, bank, blast)
        filecopy(work, bank)
        figure("memory of an agent", rss(bank.agent.pid) / 1024, "MiB", 3, True)
        figure("memory of a daemon", rss(bank.daemon.pid) / 1024, "MiB", 3, True)
        figure("memory of a keeper of workers", rss(bank.keeper()) / 1024, "MiB", 3, True)
        print("1..%d" % count)
        return 1 if failed else 0
    finally:
        rig.stop()


sys.exit(main())
