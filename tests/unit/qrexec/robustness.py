#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Deaths at any moment, peers that stop talking or talk nonsense, floods; over the socket backend. TAP on stdout."""
import os, random, signal, socket, struct, subprocess, sys, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import BIN, Rig, USER, children, need, rss, run_tests, same, wait_for

rig = work = bank = None
RSS_LIMIT = 3072  # KiB
LONG = 180  # seconds: nothing waits so long but on a machine that does much else
TRIGGER4, TERMINATED, REFUSED, HELLO = 0x213, 0x211, 0x203, 0x300


def works():
    same(work.call("bank", "test.Echo", input=b"x", timeout=LONG).stdout, b"x")


def descendants(pid):
    found = children(pid)
    for child in list(found):
        found += descendants(child)
    return found


def handlers():
    """what the daemon of "work" has started for calls"""
    return [p for p in map(int, filter(str.isdigit, os.listdir("/proc"))) if is_worker_of(p, work.daemon)]


def is_worker_of(pid, process):
    try:
        return open("/proc/%d/comm" % pid).read() == "qrexec-worker\n" and \
            open("/proc/%d/cmdline" % pid).read() == open("/proc/%d/cmdline" % process.pid).read()
    except OSError:
        return False


def killed_at_any_moment():
    "SIGKILL of the caller, the handler, the serving process or the service, at any moment of a call"
    random.seed(4)
    victims = {"caller": lambda c: [c.pid], "handler": lambda c: handlers(), "worker": lambda c: children(bank.keeper()),
               "service": lambda c: [s for w in children(bank.keeper()) for s in children(w)]}
    for n in range(60):
        c = work.popen("bank", "test.Slow", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                       stderr=subprocess.DEVNULL)
        time.sleep(random.random() * 0.012)
        for pid in victims[random.choice(sorted(victims))](c):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        out, _ = c.communicate(timeout=LONG)
        need((c.returncode == 0) == (out == b"done\n"), "status %d with output %r" % (c.returncode, out))
    works()


def nothing_leaks_after_deaths():
    "afterwards all ports and places are free: 200 calls at once work"
    wait_for(lambda: len(children(bank.keeper())) <= 1, "the last calls to end", LONG)  # a minute without caller
    calls = [work.popen("bank", "test.Wait", stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(200)]
    wait_for(lambda: sum(len(children(w)) > 0 for w in children(bank.keeper())) >= 200, "200 services", LONG)
    for c in calls:
        c.stdin.write(b"line\n")
        c.stdin.close()
    for c in calls:
        same((c.stdout.read(), c.wait(LONG)), (b"line\n", 0))
        c.stdout.close()


def keeper_killed():
    "without its keeper an agent or a daemon ends, and works again when it is started again"
    daemon = bank.daemon.pid
    os.kill(bank.keeper(), signal.SIGKILL)
    same(bank.agent.wait(5), 1)
    wait_for(lambda: not os.path.exists(rig.dir + "/qrexec.bank"), "the daemon to notice")
    bank.start_agent()
    bank.wait_daemon()
    same((bank.daemon.pid, bank.daemon.poll()), (daemon, None))
    works()


def agents_restart_during_calls():
    "both agents are killed while 30 calls run: all calls go on, the daemons stay"
    calls = [work.popen("bank", "test.Cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE) for _ in range(30)]
    for c in calls:
        c.stdin.write(b"1")
        c.stdin.flush()
        same(c.stdout.read(1), b"1")
    for vm in (work, bank):
        vm.agent.kill()
        vm.agent.wait()
        wait_for(lambda: not os.path.exists(rig.dir + "/qrexec." + vm.name), "the daemon to notice")
        vm.start_agent()
        vm.wait_daemon()
        same(vm.daemon.poll(), None)
    works()
    for c in calls:
        c.stdin.write(b"2")
        c.stdin.close()
        same((c.stdout.read(), c.wait(10)), (b"2", 0))
        c.stdout.close()


def caller_ends_in_every_order():
    "the caller's input and output end early, late or never, in every order; the service's status arrives"
    for service, status in (("test.Cat", 0), ("test.Echo", 7), ("test.Blast", 9)):
        for first_out in (False, True):
            for data in (b"", b"x" * 300000):
                c = work.popen("bank", service, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
                if first_out:
                    c.stdout.close()
                try:
                    c.stdin.write(data)
                    c.stdin.close()
                except BrokenPipeError:
                    pass
                if not first_out:
                    out = c.stdout.read()
                    need(service == "test.Blast" or out == data, "%d bytes" % len(out))
                    c.stdout.close()
                need(c.wait(LONG) in (status, 141), "%s: status %d" % (service, c.returncode))


def chunk_sizes():
    "around the largest chunk every length comes through unchanged"
    for size in (1, 4095, 4096, 4097, 65535, 65536, 65537, 131071, 131072, 131073):
        data = os.urandom(size)
        same(work.call("bank", "test.Cat", input=data).stdout, data)


# ---- peers of our own ----

def exactly(s, n):
    data = b""
    while len(data) < n:
        piece = s.recv(n - len(data))
        if not piece:
            raise EOFError
        data += piece
    return data


def message(s):
    kind, size = struct.unpack("<II", exactly(s, 8))
    return kind, exactly(s, size)


def pack(kind, body):
    return struct.pack("<II", kind, len(body)) + body


def trigger(service, ident, target=b"bank", source=b""):
    return pack(TRIGGER4, struct.pack("<64s64s32s", source, target, ident) + service)


class FakeAgent:
    """The agent's side of a control channel, for a daemon of its own."""

    def __init__(self, domid, version=4):
        path = "%s/vchan.%d.0.512.sock" % (rig.dir, domid)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        self.vm = rig.vm(domid, "fake%d" % domid, start=False)
        self.vm.start_daemon()
        self.s = listener.accept()[0]
        self.s.settimeout(LONG)
        listener.close()
        os.unlink(path)
        self.s.sendall(pack(HELLO, struct.pack("<I", version)))
        same(message(self.s), (HELLO, struct.pack("<I", version)))
        self.vm.wait_daemon()

    def ends(self, data):
        """the daemon ends because of this"""
        self.s.sendall(data)
        need(self.vm.daemon.wait(10) != 0, "the daemon ended as if all were well")

    def close(self):
        self.s.close()
        self.vm.stop()


def nonsense_ends_the_daemon():
    "what no honest agent sends ends its daemon, and only its daemon"
    ident = b"SOCKET1"
    old2 = pack(0x210, struct.pack("<64s32s32s", b"svc", b"bank", ident))
    old3 = pack(0x212, struct.pack("<64s32s", b"bank", ident) + b"svc\0")
    cases = [(4, old2), (3, old2), (3, trigger(b"svc\0", ident)), (2, old3), (2, pack(0x210, bytes(127))),
             (4, pack(TRIGGER4, bytes(160))), (4, trigger(b"s" * 65000 + b"\0", ident)), (4, pack(0x999, b"")),
             (4, pack(HELLO, struct.pack("<I", 4))), (4, pack(TERMINATED, struct.pack("<I", 1))),
             (4, pack(TERMINATED, struct.pack("<II", 1, 512))), (4, pack(TERMINATED, struct.pack("<II", 1, 769))),
             (4, struct.pack("<II", TRIGGER4, 0xffffffff))]
    for n, (version, data) in enumerate(cases):
        agent = FakeAgent(100 + n, version)
        agent.ends(data)
        agent.close()
    works()


def malformed_is_refused():
    "requests with odd idents or services are refused by the same 32 bytes; terminations of nothing are ignored"
    agent = FakeAgent(150)
    for service, ident in ((b"svc\0", b"a/b"), (b"svc\0", b"x" * 32), (b"svc\0", b"a\0b"), (b"+svc\0", b"ok"),
                           (b"\0", b"ok"), (b"s\0s\0", b"ok"), (b"svc", b"ok"), (b"svc\0", b"\xff")):
        agent.s.sendall(trigger(service, ident) + pack(TERMINATED, struct.pack("<II", 77, 513)))
        same(message(agent.s), (REFUSED, struct.pack("<32s", ident)))
    same(agent.vm.daemon.poll(), None)
    agent.close()


def flood():
    "10000 requests at once of an agent that reads no answer: the daemon's memory stays bounded, each is answered"
    agent = FakeAgent(160)
    agent.s.settimeout(LONG)
    total, sent, answers = 10000, 0, 0
    request = trigger(b"test.Never+" + b"a" * 1000 + b"\0", b"SOCKET1")
    agent.s.setblocking(False)
    stuck = 0
    while sent < total and stuck < 20:  # till the daemon takes no more
        try:
            if agent.s.send(request) != len(request):
                break  # half a message is stuck: it goes on below
            sent, stuck = sent + 1, 0
        except BlockingIOError:
            stuck += 1
            time.sleep(0.02)
    need(rss(agent.vm.daemon.pid) <= RSS_LIMIT, "the daemon uses %d KiB" % rss(agent.vm.daemon.pid))
    agent.s.setblocking(True)
    agent.s.settimeout(LONG)
    for _ in range(sent):
        same(message(agent.s)[0], REFUSED)
        answers += 1
    same(answers, sent)
    agent.close()
    works()


def silent_data_peers():
    "peers that join a call's data channel and then say nothing, half a message or nonsense"
    for n, (data, status) in enumerate([(b"", None), (b"\0\3", 255), (pack(HELLO, b"\1\0\0\0"), 255),
                                        (pack(HELLO, b"\4\0\0\0") + b"\x91", 255),
                                        (pack(HELLO, b"\4\0\0\0") + pack(0x191, b"text")[:-2], 255),
                                        (pack(HELLO, b"\4\0\0\0") + struct.pack("<II", 0x191, 65537), 255),
                                        (pack(HELLO, b"\4\0\0\0") + pack(0x999, b""), 255),
                                        (pack(HELLO, b"\4\0\0\0") + pack(0x193, b"\1"), 255),
                                        (pack(HELLO, b"\4\0\0\0") + pack(0x190, b"odd") + pack(0x193, b"\5\0\0\0"), 5)]):
        path = "%s/agent%d.sock" % (rig.dir, n)
        agent = socket.socket(socket.AF_UNIX)
        agent.bind(path)
        agent.listen(1)
        c = subprocess.Popen([BIN + "/qrexec-client-vm", "-a", path, "x", "svc"], stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=work.env())
        conn = agent.accept()[0]
        same(message(conn)[0], TRIGGER4)
        conn.sendall(struct.pack("<II", 200 + n, 513))
        peer = socket.socket(socket.AF_UNIX)
        wait_for(lambda: peer.connect_ex("%s/vchan.10.%d.513.sock" % (rig.dir, 200 + n)) == 0, "the data channel")
        peer.sendall(data)
        if status is None:
            time.sleep(0.2)
            same(c.poll(), None)  # it waits; its user may interrupt it
            c.terminate()
            c.wait()
        else:
            time.sleep(0.02)
            peer.close()
            same(c.wait(10), status)
        peer.close()
        conn.close()
        agent.close()


def main():
    global rig, work, bank
    rig = Rig()
    try:
        work, bank = rig.vm(10, "work"), rig.vm(11, "bank")
        for name, text in (("Echo", "cat; exit 7"), ("Slow", "sleep 0.05; echo done"), ("Wait", "read x; echo $x"),
                           ("Cat", "exec cat"), ("Blast", "head -c 500000 /dev/zero; exit 9")):
            bank.service("test." + name, "#!/bin/sh\n%s\n" % text)
        rig.policy("work bank test.* allow:\n")
        status = run_tests([killed_at_any_moment, nothing_leaks_after_deaths, keeper_killed, agents_restart_during_calls,
                            caller_ends_in_every_order, chunk_sizes, nonsense_ends_the_daemon, malformed_is_refused,
                            flood, silent_data_peers])
        if status:
            print("\n".join("# " + l for l in open(rig.dir + "/log", errors="replace").read().splitlines()[-60:]))
        return status
    finally:
        rig.stop()


sys.exit(main())
