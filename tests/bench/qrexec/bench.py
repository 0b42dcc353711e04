#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of qrexec over the socket backend: a null call, throughput both ways, Filecopy of 1 GiB, memory."""
import os, statistics, subprocess, sys, time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../unit/qrexec"))
from rig import BIN, Rig, USER, wait_for

GIB = 1 << 30
BLAST = r"""
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
static char piece[262144];
/* answers every question alike */
static int policy(const char *path, const char *answer)
{
    struct sockaddr_un a = {AF_UNIX};
    int s = socket(AF_UNIX, SOCK_STREAM, 0), c;
    strcpy(a.sun_path, path);
    if (bind(s, (void *)&a, sizeof(a)) || listen(s, 64)) return 1;
    while ((c = accept(s, 0, 0)) >= 0) {
        if (read(c, piece, 4096) < 0 || write(c, answer, strlen(answer)) < 0) return 1;
        close(c);
    }
    return 0;
}
int main(int argc, char **argv)
{
    if (argc > 3) return policy(argv[2], argv[3]);
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


def figure(name, value, unit, goal):
    print("%-34s %10.2f %s   (%s)" % (name, value, unit, goal), flush=True)


def rss(pid):
    return [int(l.split()[1]) for l in open("/proc/%d/status" % pid) if l.startswith("VmRSS")][0]


def build(folder):
    source, program = folder + "/blast.c", folder + "/blast"
    with open(source, "w") as f:
        f.write(BLAST)
    subprocess.run(["gcc", "-O2", "-o", program, source], check=True)
    return program


def null_call(rig, work, bank, blast):
    os.symlink(blast, bank.dir + "/rpc/test.Null")
    answer = "result=allow\nuser=%s\ntarget=bank\nautostart=True\nrequested_target=bank\n" % USER
    policy = subprocess.Popen([blast, "policy", rig.dir + "/policy.sock", answer])
    wait_for(lambda: os.path.exists(rig.dir + "/policy.sock"), "the policy")
    argv, env = work.client_args("bank", "test.Null"), work.env()
    times = []
    for _ in range(300):
        t = time.perf_counter()
        pid = os.posix_spawn(argv[0], argv, env, file_actions=[(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0)])
        assert os.waitpid(pid, 0)[1] == 0
        times.append((time.perf_counter() - t) * 1000)
    policy.terminate()
    policy.wait()
    figure("null call VM to VM, median", statistics.median(times), "ms", "goal 2 ms; Qubes about 260 ms in VMs")
    figure("null call VM to VM, best", min(times), "ms", "")


def throughput(rig, work, bank, blast, size=4 * GIB):
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
        figure("throughput " + name, best, "GB/s", "goal 1 GB/s")


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
    figure("Filecopy of 1 GiB", best, "MB/s", "goal 5 x Qubes' 20-50 MB/s")


def main():
    rig = Rig()
    try:
        work, bank = rig.vm(10, "work"), rig.vm(11, "bank")
        rig.policy("work bank * allow:\n")
        blast = build(rig.dir)
        null_call(rig, work, bank, blast)
        throughput(rig, work, bank, blast)
        filecopy(work, bank)
        figure("memory of an agent", rss(bank.agent.pid) / 1024, "MiB", "goal 3 MiB")
        figure("memory of a daemon", rss(bank.daemon.pid) / 1024, "MiB", "goal 3 MiB")
    finally:
        rig.stop()


main()
