#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every flow of a call, end to end over the socket backend; TAP on stdout."""
import os, signal, socket, struct, subprocess, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from rig import BIN, PolicyDaemon, PolicySocket, Qubesd, Rig, Skip, USER, children, need, rss, run_tests, same, wait_for

rig = work = bank = None
ECHO = '#!/bin/sh\necho "arg=$1 from=$QREXEC_REMOTE_DOMAIN"\ncat\nexit 7\n'


def workers(vm):
    """the processes that serve the agent's calls, and one that waits for the next"""
    return children(vm.keeper())


def served(vm):
    """how many of them run a service"""
    return sum(len(children(pid)) > 0 for pid in workers(vm))


def vm_to_vm():
    "a VM calls another: argument, source name, data both ways, exit status"
    r = work.call("bank", "test.Echo+x", input=b"hello\n")
    same((r.returncode, r.stdout, r.stderr), (7, b"arg=x from=work\nhello\n", b""))


def vm_to_dom0():
    "a VM calls dom0: the requested target is told as a name or a keyword"
    r = work.call("dom0", "test.Dom0", input=b"hi")
    same((r.returncode, r.stdout), (0, b"work name dom0 hi"))
    r = work.call("$adminvm", "test.Dom0", input=b"hi")
    same((r.returncode, r.stdout), (0, b"work keyword adminvm hi"))


def refusal():
    "a refused call: status 126, a message, no service runs"
    r = work.call("bank", "test.Forbidden", input=b"hello\n")
    same((r.returncode, r.stdout, r.stderr), (126, b"", b"Request refused\n"))


def not_found():
    "a missing service: status 127"
    same(work.call("bank", "test.Missing").returncode, 127)


def dom0_to_vm():
    "dom0 runs a shell command in a VM"
    r = rig.client("-d", "work", USER + ":cat; echo err >&2; exit 3", input=b"to vm")
    same((r.returncode, r.stdout, r.stderr), (3, b"to vm", b"err\n"))


def dom0_to_vm_by_uuid():
    "dom0 finds the VM by its uuid, and the default user is filled in"
    r = rig.client("-d", "uuid:00000000-0000-0000-0000-000000000010", "DEFAULT:id -un")
    same((r.returncode, r.stdout), (0, USER.encode() + b"\n"))


def long_commands():
    "a command as long as the protocol allows; a longer one is refused"
    text = ":" + "x" * 65000
    r = rig.client("-d", "work", USER + ":true " + text)
    same(r.returncode, 0)
    same(rig.client("-d", "work", "DEFAULT:: " + "x" * (65535 - 8 - 11)).returncode, 0)
    same(rig.client("-d", "work", "DEFAULT:: " + "x" * (65535 - 8 - 10)).returncode, 125)
    same(work.call("bank", "test.Echo+" + "a" * 64000, input=b"").stdout, b"arg=" + b"a" * 64000 + b" from=work\n")


def dom0_just_exec():
    "dom0 starts a command without waiting for it"
    flag = os.path.join(work.dir, "flag")
    t = time.monotonic()
    same(rig.client("-e", "-d", "work", USER + ":sleep 2; touch " + flag).returncode, 0)
    need(time.monotonic() - t < 1.8, "it waited")
    wait_for(lambda: os.path.exists(flag), "the command")


def dom0_in_place():
    "dom0 runs its own service with its own stdio"
    r = rig.client("-d", "dom0", "DEFAULT:QUBESRPC test.Dom0+ dom0 name dom0", input=b"x")
    same((r.returncode, r.stdout), (0, b"dom0 name dom0 x"))


def dom0_local_program():
    "dom0 connects a local program with a service"
    r = rig.client("-d", "bank", "-l", "read a; echo $a > %s/got; exit 9" % rig.dir,
                   USER + ":QUBESRPC test.Echo+y dom0")
    same(r.returncode, 7)
    same(open(rig.dir + "/got").read(), "arg=y from=dom0\n")


def client_options():
    "qrexec-client: -t -T replace odd bytes, -p goes first, -E forgets the status, -w limits, -W waits for the end, -k kills"
    odd = USER + ":printf 'a\\033b\\200\\n'; printf 'c\\033d' >&2; exit 5"
    r = rig.client("-t", "-T", "-d", "work", odd)
    same((r.returncode, r.stdout, r.stderr), (5, b"a_b_\n", b"c_d"))
    r = rig.client("-E", "-d", "work", odd)
    same((r.returncode, r.stdout, r.stderr), (0, b"a\033b\200\n", b"c\033d"))
    same(rig.client("-p", "first ", "-d", "work", USER + ":cat", input=b"second").stdout, b"first second")
    same(rig.client("-w", "0", "-W", "-d", "work", USER + ":exit 4").returncode, 4)
    q = Qubesd(rig, lambda m, d, p: b"0\0")
    try:
        same(rig.client("-k", "-d", "work", USER + ":true").returncode, 0)
        same(q.calls, [("admin.vm.Kill+", "dom0", "name", "work", b"")])
    finally:
        q.stop()
        os.unlink(os.path.join(rig.dir, "qubesd.sock"))
    for bad in ([], ["-d", "work"], ["-d", "work", "-e", "-l", "x", USER + ":true"], ["-w", "x", "-d", "work", "u:c"],
                ["-c", "SOCKET1", "-d", "work", "u:c"], ["--nonsense"], ["-d", "dom0", USER + ":true"]):
        same(rig.client(*bad).returncode, 1)
    same(rig.client("-d", "nowhere", USER + ":true").returncode, 125)


def caller_options():
    "qrexec-client-vm: -p goes first, -t -T and their opposites, a socket as stdin and stdout, rings, usage"
    bank.service("test.Odd", "#!/bin/sh\ncat\nprintf 'a\\033\\n'; printf 'b\\033' >&2\n")
    r = work.call("bank", "test.Odd", input=b"2", options=["-t", "-T", "--prefix-data=1", "--buffer-size=262144"])
    same((r.returncode, r.stdout, r.stderr), (0, b"12a_\n", b"b_"))
    r = work.call("bank", "test.Odd", options=["-t", "-T", "--no-filter-escape-chars-stdout",
                                               "--no-filter-escape-chars-stderr"])
    same((r.stdout, r.stderr), (b"a\033\n", b"b\033"))
    ours, its = socket.socketpair()
    c = subprocess.Popen(work.client_args("--use-stdin-socket", "bank", "test.Echo"), stdin=its, env=work.env(),
                         stdout=subprocess.DEVNULL)
    its.close()
    ours.sendall(b"both ways\n")
    ours.shutdown(socket.SHUT_WR)
    same((ours.makefile("rb").read(), c.wait(10)), (b"arg= from=work\nboth ways\n", 7))
    ours.close()
    for bad in (["x"], ["--buffer-size=0", "x", "y"], ["--buffer-size=1G", "x", "y"], ["a" * 64, "y"], ["--odd"],
                ["--use-stdin-socket", "x", "y"], ["-a", "/nowhere", "x", "y"]):
        same(subprocess.run(work.client_args(*bad), env=work.env(), stdin=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL).returncode, 125)


def local_program_in_vm():
    "a VM's local program is the call; the real stdio stays reachable"
    r = work.call("bank", "test.Echo", "/bin/sh", "-c",
                  'read line; echo "$line" >&$SAVED_FD_1; exec >&-; cat >/dev/null; exit 0')
    same((r.returncode, r.stdout), (7, b"arg= from=work\n"))


def asked_by_socket():
    "the policy daemon's socket is asked first; its answer (after asking the user) decides target and user"
    def answer(q):
        time.sleep(0.1)
        return b"result=allow\nuser=" + USER.encode() + b"\ntarget=bank\ntarget_uuid=uuid:00000000-0000-0000-0000-" \
               b"000000000011\nautostart=True\nrequested_target=@default\nextra=ignored\n"
    p = PolicySocket(rig, answer)
    try:
        r = work.call("", "test.Echo+asked", input=b"1")
        same((r.returncode, r.stdout), (7, b"arg=asked from=work\n1"))
        same(p.questions, [{"source": "work", "intended_target": "", "service_and_arg": "test.Echo+asked"}])
    finally:
        p.stop()


def remote_source():
    "a call on behalf of a RemoteVM is asked as such, and its name is the source"
    def answer(q):
        return b"result=allow\nuser=DEFAULT\ntarget=bank\nautostart=True\nrequested_target=bank\n" \
               b"policy_source=far\nservice=test.Echo+via\n" if q.get("requested_source") == "far" else b"result=deny\n"
    p = PolicySocket(rig, answer)
    try:
        r = work.call("bank", "test.Other", options=["--source-qube=far"])
        same((r.returncode, r.stdout), (7, b"arg=via from=far\n"))
    finally:
        p.stop()


def bad_policy_answers():
    "malformed answers of the policy daemon never allow; the policy program decides then"
    answers = [b"", b"result=allow\n", b"result=deny\nuser=x\n", b"result=allow\nresult=allow\n", b"x" * 5000,
               b"result=allow\nuser=a\ntarget=bank\nautostart=yes\nrequested_target=bank\n", b"\0", b"result=maybe\n"]
    current = [b""]
    p = PolicySocket(rig, lambda q: current[0])
    try:
        for current[0] in answers:
            same(work.call("bank", "test.Forbidden").returncode, 126)
            same(work.call("bank", "test.Echo").returncode, 7)
    finally:
        p.stop()


def real_policy():
    "with the policy daemon and policy files: allow with a redirect and an argument rule, deny, unknown target"
    with PolicyDaemon(rig, "test.Echo +yes work @default allow target=bank\ntest.Echo * work bank deny\n"
                           "test.Dom0 * work @adminvm allow\n"):
        r = work.call("", "test.Echo+yes", input=b"1")
        same((r.returncode, r.stdout), (7, b"arg=yes from=work\n1"))
        same(work.call("unknown", "test.Echo+yes").returncode, 7)
        same(work.call("bank", "test.Echo+yes").returncode, 126)
        same(work.call("", "test.Echo+no").returncode, 126)
        same(work.call("@adminvm", "test.Dom0", input=b".").stdout, b"work keyword adminvm .")


def autostart():
    "a target that is not running is started by the domain manager"
    late = rig.vm(30, "late", start=False)
    late.service("test.Echo", ECHO)

    def answer(method, dest, payload):
        late.start()
        return b"0\0"
    q = Qubesd(rig, answer)
    try:
        r = work.call("late", "test.Echo+z", input=b"!")
        same((r.returncode, r.stdout), (7, b"arg=z from=work\n!"))
        same(q.calls, [("admin.vm.Start+", "dom0", "name", "late", b"")])
    finally:
        q.stop()
        os.unlink(os.path.join(rig.dir, "qubesd.sock"))


def autostart_fails():
    "a target that cannot be started: refused"
    q = Qubesd(rig, lambda m, d, p: b"2\0QubesException\0\0no memory\0")
    try:
        same(work.call("never", "test.Echo").returncode, 126)
    finally:
        q.stop()
        os.unlink(os.path.join(rig.dir, "qubesd.sock"))


def disposable():
    "a new disposable is created, started, called, and killed after the call"
    disp = rig.vm(40, "disp1234", start=False)
    disp.service("test.Echo", ECHO)

    def answer(method, dest, payload):
        if method == "admin.vm.CreateDisposable+":
            return b"0\0disp1234"
        if method == "admin.vm.Start+":
            disp.start()
        return b"0\0"
    q = Qubesd(rig, answer)
    try:
        r = work.call("@dispvm:dvm", "test.Echo+d", input=b"?")
        same((r.returncode, r.stdout), (7, b"arg=d from=work\n?"))
        wait_for(lambda: len(q.calls) == 3, "the kill")
        same([c[0] + " " + c[3] for c in q.calls],
             ["admin.vm.CreateDisposable+ dvm", "admin.vm.Start+ disp1234", "admin.vm.Kill+ disp1234"])
    finally:
        q.stop()
        os.unlink(os.path.join(rig.dir, "qubesd.sock"))


class SocketService(threading.Thread):
    """A service that is a socket: `talk` gets each connection."""

    def __init__(self, server, talk):
        super().__init__(daemon=True)
        self.server, self.talk = server, talk
        server.settimeout(20)
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.server.accept()
            except OSError:
                return
            with conn:
                self.talk(conn)


def until_end(conn):
    return b"".join(iter(lambda: conn.recv(4096), b""))


def socket_services():
    "a service that is a socket or a TCP port: descriptor, half close both ways, who ends it, by configuration"
    server = socket.socket(socket.AF_UNIX)
    server.bind(bank.dir + "/rpc/test.Socket")
    server.listen(5)
    SocketService(server, lambda conn: conn.sendall(b"<" + until_end(conn) + b">"))
    same(work.call("bank", "test.Socket+a", input=b"data").stdout, b"<test.Socket+a work\0data>")
    bank.config("test.Socket+raw", "skip-service-descriptor = true\n")
    same(work.call("bank", "test.Socket+raw", input=b"data").stdout, b"<data>")
    bank.config("test.Socket+bad", "skip-service-descriptor = maybe\n")
    same(work.call("bank", "test.Socket+bad").returncode, 125)

    tcp = socket.create_server(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    SocketService(tcp, lambda conn: conn.sendall(until_end(conn).upper()))
    for name, to in (("Port", "/dev/tcp/127.0.0.1/%d" % port), ("Host", "/dev/tcp/127.0.0.1"), ("Any", "/dev/tcp"),
                     ("Name", "/dev/tcp/localhost/%d" % port)):
        os.symlink(to, bank.dir + "/rpc/test.Tcp" + name)
        bank.config("test.Tcp" + name, "skip-service-descriptor = true\n")
    for service in ("test.TcpPort", "test.TcpHost+%d" % port, "test.TcpAny+127.0.0.1+%d" % port):
        same(work.call("bank", service, input=b"tcp").stdout, b"TCP")
    for service in ("test.TcpName", "test.TcpHost+0", "test.TcpHost+65536", "test.TcpAny+127.0.0.1", "test.TcpHost"):
        same(work.call("bank", service).returncode, 125)
    server.close()
    tcp.close()


def ends_by_configuration():
    "a socket service ends at the end of one side if its configuration says so"
    server = socket.socket(socket.AF_UNIX)
    server.bind(bank.dir + "/rpc/test.Hold")
    server.listen(5)

    def hold(conn):
        try:
            conn.sendall(b"hello")
            if conn.recv(100).startswith(b"test.Hold+service"):
                conn.shutdown(socket.SHUT_WR)
                until_end(conn)
            else:
                conn.recv(100)
                time.sleep(1)  # it ends without us
        except OSError:
            pass
    SocketService(server, hold)
    bank.config("test.Hold+client", "exit-on-client-eof = true\n")
    bank.config("test.Hold+service", "exit-on-service-eof = true\n")
    same(work.call("bank", "test.Hold+client", input=b"x").returncode, 0)
    c = work.popen("bank", "test.Hold+service", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    same((c.stdout.read(), c.wait(10)), (b"hello", 0))  # though our end of its input is open
    c.stdin.close()
    c.stdout.close()
    server.close()


def waits_for_session():
    "wait-for-session runs qubes.WaitForSession with the user first; nogui: does not"
    work.service("qubes.WaitForSession", "#!/bin/sh\nread user\necho $user from $QREXEC_REMOTE_DOMAIN >>%s/waited\n" % rig.dir)
    work.service("test.Gui", "#!/bin/sh\ncat %s/waited\n" % rig.dir)
    work.config("test.Gui", "wait-for-session = true\n")
    line = USER.encode() + b" from dom0\n"
    same(rig.client("-d", "work", USER + ":QUBESRPC test.Gui dom0").stdout, line)
    same(rig.client("-d", "work", USER + ":nogui:QUBESRPC test.Gui dom0").stdout, line)


def connect_two():
    "qrexec-client -c connects a pending request"
    # the policy program is slow; meanwhile dom0 connects the request by hand
    pending = {}

    def answer(q):
        pending["go"] = True
        time.sleep(1.5)
        return b"result=deny\n"
    p = PolicySocket(rig, answer)
    fresh = rig.vm(20, "fresh")
    try:
        c = fresh.popen("bank", "test.Echo", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        wait_for(lambda: pending, "the question")
        # idents count up from 1 in the agent
        r = rig.client("-d", "bank", "-c", "SOCKET1,fresh,20", USER + ":QUBESRPC test.Echo+c fresh")
        same(r.returncode, 0)
        same((c.wait(10), c.stdout.read()), (7, b"arg=c from=fresh\n"))
        c.stdout.close()
    finally:
        p.stop()


def big_data_both_ways():
    "16 MiB through cat, unchanged, while both directions move"
    bank.service("test.Cat", "#!/bin/sh\nexec cat\n")
    data = os.urandom(1 << 20) * 16
    r = work.call("bank", "test.Cat", input=data)
    need(r.returncode == 0 and r.stdout == data, "%d bytes came back" % len(r.stdout))


def slow_reader():
    "a reader that does not read holds the writer back; memory stays bounded"
    bank.service("test.Endless", "#!/bin/sh\nexec cat /dev/zero\n")
    c = work.popen("bank", "test.Endless", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        c.stdout.read(100000)
        time.sleep(0.5)
        need(rss(c.pid) < 3072, "client uses %d KiB" % rss(c.pid))
        for pid in workers(bank):
            need(rss(pid) < 3072, "a worker uses %d KiB" % rss(pid))
    finally:
        c.kill()
        c.wait()
        c.stdout.close()


def blocked_service_input():
    "a service that does not read its input still gets its output through"
    bank.service("test.Deaf", "#!/bin/sh\necho out; sleep 0.3; exit 5\n")
    p = work.popen("bank", "test.Deaf", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def feed():
        try:
            p.stdin.write(b"x" * 4000000)
            p.stdin.close()
        except OSError:
            pass
    t = threading.Thread(target=feed)
    t.start()
    same((p.stdout.read(), p.wait(10)), (b"out\n", 5))
    t.join()


def ends_in_every_order():
    "ends of file in every order"
    import itertools
    parts = {"stdin": "exec </dev/null", "stdout": "exec >/dev/null", "stderr": "exec 2>/dev/null"}
    for n, order in enumerate(itertools.permutations(parts)):
        lines = "\n".join("%s\nsleep 0.02" % parts[p] for p in order)
        bank.service("test.Order%d" % n, "#!/bin/sh\necho o; echo e >&2\n%s\nexit %d\n" % (lines, n + 10))
        for data in (b"", b"some\n"):
            r = work.call("bank", "test.Order%d" % n, input=data)
            same((r.returncode, r.stdout, r.stderr), (n + 10, b"o\n", b"e\n"))


def killed_service():
    "a service that dies by a signal: 128+n"
    bank.service("test.Kill", "#!/bin/sh\nkill -9 $$\n")
    same(work.call("bank", "test.Kill").returncode, 137)


def parallel_calls():
    "200 calls from one domain at once"
    # The machine is small: a starting herd of 200 processes on each side takes its time.
    bank.service("test.Wait", "#!/bin/sh\nread x\necho $x\n")
    calls = [work.popen("bank", "test.Wait", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
             for _ in range(200)]
    wait_for(lambda: served(bank) >= 200, "200 served calls", 60)
    for n, c in enumerate(calls):
        c.stdin.write(b"%d\n" % n)
        c.stdin.close()
    for n, c in enumerate(calls):
        same((c.stdout.read(), c.stderr.read(), c.wait(30)), (b"%d\n" % n, b"", 0))
        c.stdout.close()
        c.stderr.close()


def too_many_calls():
    "more calls than ports: the rest is refused, afterwards all works again"
    calls = [work.popen("bank", "test.Wait", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                        stderr=subprocess.DEVNULL) for _ in range(150)]
    calls += [rig_client(i) for i in range(150)]
    wait_for(lambda: any(c.poll() is not None for c in calls), "a refused call", 60)
    time.sleep(0.5)
    for c in calls:
        c.stdin.close()
    codes = [c.wait(30) for c in calls]
    need(set(codes) <= {0, 125, 126}, "statuses %r" % set(codes))
    need(codes.count(0) >= 100, "%d calls worked" % codes.count(0))
    same(work.call("bank", "test.Echo").returncode, 7)


def rig_client(_):
    return subprocess.Popen([BIN + "/qrexec-client", "--socket-dir=" + rig.dir, "-d", "bank",
                             USER + ":QUBESRPC test.Wait+ dom0"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, env=rig.dom0_env())


def agent_restart():
    "the agent is killed and started again: the daemon finds it, running calls go on, new ones work"
    c = work.popen("bank", "test.Cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    c.stdin.write(b"before")
    c.stdin.flush()
    same(c.stdout.read(6), b"before")
    daemon = bank.daemon.pid
    bank.agent.kill()
    bank.agent.wait()
    wait_for(lambda: not os.path.exists(rig.dir + "/qrexec.bank"), "the daemon to notice")
    bank.start_agent()
    bank.wait_daemon()
    same(bank.daemon.pid, daemon)
    c.stdin.write(b"after")
    c.stdin.close()
    same((c.stdout.read(), c.wait(10)), (b"after", 0))
    same(work.call("bank", "test.Echo").returncode, 7)


def daemon_restart():
    "the daemon is killed and started again: the agent takes the new one; calls that hang do not disturb new ones"
    # calls whose caller never comes: they wait for the data channels that later calls will get
    for _ in range(3):
        rig.client("-d", "bank", "-c", "SOCKET999999,work,10", USER + ":QUBESRPC test.Kill work")
    bank.daemon.kill()
    bank.daemon.wait()
    os.unlink(rig.dir + "/qrexec.bank")
    bank.start_daemon()
    bank.wait_daemon()
    for _ in range(4):
        same(work.call("bank", "test.Echo").returncode, 7)


def killed_client():
    "a caller that is killed leaves nothing behind"
    before = len(workers(bank))
    for _ in range(20):
        c = work.popen("bank", "test.Wait", stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        # one that is killed before it opens its data channel is waited for, half a minute
        wait_for(lambda: served(bank), "the service")
        c.kill()
        c.wait()
        c.stdin.close()
        wait_for(lambda: len(workers(bank)) <= before, "the service to end")
    same(work.call("bank", "test.Echo").returncode, 7)


def half_open():
    "clients that connect to the sockets and say nothing, or half a message, disturb nobody"
    kept = []
    for path in (work.agent_socket, rig.dir + "/qrexec.work"):
        for data in (b"", b"\x13", struct.pack("<II", 0x213, 200) + b"x" * 50, struct.pack("<II", 0x200, 0xffffffff)):
            s = socket.socket(socket.AF_UNIX)
            s.connect(path)
            s.sendall(data)
            kept.append(s)
    same(work.call("bank", "test.Echo").returncode, 7)
    for s in kept:
        s.close()


def vchan(server, client, port):
    s = socket.socket(socket.AF_UNIX)
    wait_for(lambda: s.connect_ex("%s/vchan.%d.%d.%d.sock" % (rig.dir, server, client, port)) == 0, "the vchan")
    s.settimeout(10)
    return s


def message(s):
    def exactly(n):
        data = b""
        while len(data) < n:
            piece = s.recv(n - len(data))
            need(piece, "end of stream")
            data += piece
        return data
    kind, size = struct.unpack("<II", exactly(8))
    return kind, exactly(size)


def hello(s, version):
    s.sendall(struct.pack("<III", 0x300, 4, version))
    kind, body = message(s)
    same(kind, 0x300)
    return struct.unpack("<I", body)[0]


def older_daemons():
    "an agent speaks protocol 3 and 2 with an older dom0; data messages are short in protocol 2"
    for version, domid in ((3, 70), (2, 71)):
        vm = rig.vm(domid, "old%d" % version, start=False)
        vm.start_agent()
        control = vchan(domid, 0, 512)
        same(hello(control, version), 4)
        wait_for(lambda: os.path.exists(vm.agent_socket), "the agent's socket")
        c = vm.popen("target", "svc+arg", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        kind, body = message(control)
        if version == 3:
            same((kind, len(body)), (0x212, 96 + 8))
            same((body[:64].rstrip(b"\0"), body[96:]), (b"target", b"svc+arg\0"))
            ident = body[64:96]
        else:
            same((kind, len(body)), (0x210, 128))
            same((body[:64].rstrip(b"\0"), body[64:96].rstrip(b"\0")), (b"svc+arg", b"target"))
            ident = body[96:]
        control.sendall(struct.pack("<II", 0x202, 40) + struct.pack("<II", 9, 600) + ident)
        data = vchan(domid, 9, 600)
        hello(data, version)
        same(message(data), (0x190, b""))
        limit = 4096 if version == 2 else 65536
        data.sendall(struct.pack("<II", 0x191, limit) + b"x" * limit)
        same(c.stdout.read(limit), b"x" * limit)
        data.sendall(struct.pack("<II", 0x191, limit + 1) + b"x" * 10)  # too long: the call ends
        same(c.wait(10), 255)
        same(message(control), (0x211, struct.pack("<II", 9, 600)))
        c.stdout.close()
        control.close()


def too_old_daemon():
    "a daemon that speaks an older protocol is asked nothing"
    s = socket.socket(socket.AF_UNIX)
    s.bind(rig.dir + "/qrexec.ancient")
    s.listen(1)
    c = subprocess.Popen([BIN + "/qrexec-client", "--socket-dir=" + rig.dir, "-d", "ancient", USER + ":true"],
                         env=rig.dom0_env(), stderr=subprocess.DEVNULL)
    daemon = s.accept()[0]
    same(hello(daemon, 2), 3)
    same((daemon.recv(1), c.wait(10)), (b"", 125))
    s.close()


def startup_timeout():
    "a daemon whose agent does not come: status 3"
    env = dict(rig.dom0_env(), QREXEC_STARTUP_TIMEOUT="1")
    r = subprocess.run([BIN + "/qrexec-daemon", "-q", "--socket-dir=" + rig.dir, "99", "nobody"], env=env,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
    same(r.returncode, 3)


def background():
    "a daemon in the background: its parent ends with 0 when connected"
    vm = rig.vm(50, "back", start=False)
    vm.start_agent()
    r = subprocess.run([BIN + "/qrexec-daemon", "-q", "--socket-dir=" + rig.dir, "50", "back", USER],
                       env=rig.dom0_env(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=10)
    same(r.returncode, 0)
    same(rig.client("-d", "back", "DEFAULT:echo yes").stdout, b"yes\n")
    for pid in os.popen("pgrep -f 'qrexec-daemon -q --socket-dir=%s 50 back'" % rig.dir).read().split():
        os.kill(int(pid), signal.SIGTERM)


def fork_server():
    "a user's fork server runs the calls in its session; nogui: passes it by"
    sock = rig.dir + "/fs.%s.sock" % USER
    vm = rig.vm(60, "gui", start=False, agent_options=[])
    vm.agent = subprocess.Popen([BIN + "/qrexec-agent", "-a", vm.agent_socket, "-s", rig.dir + "/fs.%s.sock"],
                                env=vm.env(), stderr=rig.log)
    vm.start_daemon()
    vm.wait_daemon()
    fs = subprocess.Popen([BIN + "/qrexec-fork-server", sock], env=vm.env(SESSION="yes"), stderr=rig.log)
    try:
        wait_for(lambda: os.path.exists(sock), "the fork server")
        vm.service("test.Env", "#!/bin/sh\necho session=$SESSION\n")
        same(rig.client("-d", "gui", USER + ":echo $SESSION").stdout, b"yes\n")
        same(rig.client("-d", "gui", USER + ":nogui:echo no$SESSION").stdout, b"no\n")
        same(rig.client("-d", "gui", USER + ":QUBESRPC test.Env+ dom0").stdout, b"session=yes\n")
    finally:
        fs.terminate()
        fs.wait()


def memory():
    "each daemon stays below 3 MiB"
    for vm in (work, bank):
        for p in (vm.agent, vm.daemon):
            need(rss(p.pid) <= 3072, "%d KiB" % rss(p.pid))


def sandbox():
    "daemon and agent run under seccomp without privileges; they cannot gain any"
    for p in (work.daemon, work.agent):
        status = dict(line.split(":\t", 1) for line in open("/proc/%d/status" % p.pid).read().splitlines()
                      if ":\t" in line)
        same((status["Seccomp"], status["NoNewPrivs"], status["CapEff"]), ("2", "1", "0" * 16))


def ordinary_user():
    "an ordinary user runs it all: agents, daemons, services, without root and PAM"
    if os.getuid() != 0:
        raise Skip("all of this is run by an ordinary user already")
    user = dict(user="nobody", group="nogroup", extra_groups=[])
    if subprocess.run(["/bin/sh", "-c", "test -x %s/qrexec-agent -a -r %s" % (BIN, __file__)], **user).returncode:
        raise Skip("the tree cannot be read by others")
    some = ["vm_to_vm", "vm_to_dom0", "refusal", "dom0_to_vm", "dom0_just_exec", "disposable", "sandbox"]
    r = subprocess.run([sys.executable, "-B", os.path.abspath(__file__)] + some, stdout=subprocess.PIPE, timeout=60,
                       env={"PATH": "/usr/bin:/bin", "HOME": "/tmp"}, **user)
    need(r.returncode == 0 and r.stdout.count(b"ok ") == len(some), r.stdout.decode())


def main():
    global rig, work, bank
    rig = Rig()
    try:
        work, bank = rig.vm(10, "work"), rig.vm(11, "bank")
        bank.service("test.Echo", ECHO)
        bank.service("test.Forbidden", "#!/bin/sh\ntouch %s/ran\n" % rig.dir)
        rig.dom0_service("test.Dom0", '#!/bin/sh\nprintf "%s %s %s " "$QREXEC_REMOTE_DOMAIN" '
                         '"$QREXEC_REQUESTED_TARGET_TYPE" "$QREXEC_REQUESTED_TARGET$QREXEC_REQUESTED_TARGET_KEYWORD"\n'
                         'cat\n')
        rig.policy("work * test.Forbidden* deny\nwork bank test.* allow:\nwork * test.Dom0 allow:@adminvm\n"
                   "work late * allow:\nwork never * allow:\nwork @dispvm:dvm * allow:\n")
        status = run_tests([
            vm_to_vm, vm_to_dom0, refusal, not_found, dom0_to_vm, dom0_to_vm_by_uuid, long_commands, dom0_just_exec, dom0_in_place,
            dom0_local_program, client_options, caller_options, local_program_in_vm, asked_by_socket, remote_source, bad_policy_answers, real_policy, autostart,
            autostart_fails, disposable, socket_services, ends_by_configuration, waits_for_session, connect_two, big_data_both_ways, slow_reader, blocked_service_input,
            ends_in_every_order, killed_service, parallel_calls, too_many_calls, agent_restart, daemon_restart,
            killed_client, half_open, older_daemons, too_old_daemon, startup_timeout, background, fork_server, memory, sandbox,
            ordinary_user])
        if status:
            print("\n".join("# " + l for l in open(rig.dir + "/log", errors="replace").read().splitlines()[-60:]))
        return status
    finally:
        rig.stop()


sys.exit(main())
