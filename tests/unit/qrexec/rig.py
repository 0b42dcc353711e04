# SPDX-License-Identifier: GPL-2.0-or-later
"""Several "domains" on one machine: qrexec over the socket backend, each domain an agent and a daemon."""
import json, os, shutil, signal, socket, struct, subprocess, sys, tempfile, threading, time, traceback

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.join(TOP, "tests/harness"))
import tap

BIN = os.path.join(TOP, "build/qrexec-socket")
USER = __import__("pwd").getpwuid(os.getuid()).pw_name

POLICY = """#!/bin/sh
# asked as: -- SOURCE TARGET SERVICE; answers from a table of "SOURCE TARGET SERVICE ANSWER-FILE" lines
shift
echo "$@" >> {dir}/policy.log
while read -r source target service answer; do
    case $1 in $source) ;; *) continue ;; esac
    case ${{2:-@default}} in $target) ;; *) continue ;; esac
    case $3 in $service) ;; *) continue ;; esac
    case $answer in
    deny) echo result=deny; exit 1 ;;
    *) t=${{answer#allow:}}; echo result=allow; echo "user=DEFAULT"; echo autostart=True
       echo "target=${{t:-$2}}"; echo "requested_target=${{2:-@default}}"; exit 0 ;;
    esac
done < {dir}/policy.table
echo result=deny
exit 1
"""


def wait_for(test, what, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if test():
            return
        time.sleep(0.005)
    raise AssertionError("waited too long for " + what)


def children(pid):
    try:
        return [int(c) for c in open("/proc/%d/task/%d/children" % (pid, pid)).read().split()]
    except OSError:
        return []


class Vm:
    def __init__(self, rig, domid, name, start=True, agent_options=()):
        self.rig, self.domid, self.name = rig, domid, name
        self.dir = os.path.join(rig.dir, name)
        self.agent = self.daemon = None
        self.agent_options = list(agent_options)
        for d in ("rpc", "rpc-config"):
            os.makedirs(os.path.join(self.dir, d))
        self.agent_socket = os.path.join(self.dir, "agent.sock")
        if start:
            self.start()

    def env(self, **more):
        env = dict(self.rig.base_env, VCHAN_DOMAIN=str(self.domid),
                   QREXEC_SERVICE_PATH=os.path.join(self.dir, "rpc"),
                   QUBES_RPC_CONFIG_PATH=os.path.join(self.dir, "rpc-config"), HOME=self.dir)
        env.update(more)
        return env

    def start_agent(self):
        self.agent = subprocess.Popen([os.path.join(BIN, "qrexec-agent"), "-a", self.agent_socket, "-S"]
                                      + self.agent_options, env=self.env(), stderr=self.rig.log)

    def start_daemon(self):
        self.daemon = subprocess.Popen(
            [os.path.join(BIN, "qrexec-daemon"), "-D", "--socket-dir=" + self.rig.dir, "-p", self.rig.policy_program,
             "-u", "00000000-0000-0000-0000-%012d" % self.domid, str(self.domid), self.name, USER],
            env=self.rig.dom0_env(), stderr=self.rig.log)

    def wait_daemon(self):
        wait_for(lambda: os.path.exists(os.path.join(self.rig.dir, "qrexec." + self.name)), "daemon of " + self.name)

    def keeper(self):
        """the process whose children serve the agent's calls; it is not the agent's child"""
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and open("/proc/%s/comm" % name).read() == "qrexec-keeper\n" and \
                        self.agent_socket in open("/proc/%s/cmdline" % name).read().split("\0"):
                    return int(name)
            except OSError:
                pass

    def start(self):
        self.start_agent()
        self.start_daemon()
        self.wait_daemon()

    def service(self, name, text):
        path = os.path.join(self.dir, "rpc", name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def config(self, name, text):
        with open(os.path.join(self.dir, "rpc-config", name), "w") as f:
            f.write(text)

    def client_args(self, *args):
        return [os.path.join(BIN, "qrexec-client-vm"), "-a", self.agent_socket] + list(args)

    def call(self, target, service, *program, input=b"", options=(), timeout=30, env=None):
        return subprocess.run(self.client_args(*options, target, service, *program), input=input,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env or self.env(), timeout=timeout)

    def popen(self, target, service, *program, options=(), **kw):
        return subprocess.Popen(self.client_args(*options, target, service, *program), env=self.env(), **kw)

    def stop(self):
        for p in (self.agent, self.daemon):
            if p and p.poll() is None:
                p.terminate()
        for p in (self.agent, self.daemon):
            if p:
                try:
                    p.wait(5)
                except subprocess.TimeoutExpired:
                    p.kill()
                    p.wait()
        self.agent = self.daemon = None


class Rig:
    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="qrexec-")
        self.log = open(os.path.join(self.dir, "log"), "ab")
        self.base_env = {k: v for k, v in os.environ.items() if not k.startswith(("QREXEC", "VCHAN", "QUBES"))}
        self.base_env.update(VCHAN_SOCKET_DIR=self.dir, QREXEC_POLICY_SOCKET=os.path.join(self.dir, "policy.sock"),
                             QUBESD_SOCKET=os.path.join(self.dir, "qubesd.sock"))
        self.policy_program = os.path.join(self.dir, "policy")
        with open(self.policy_program, "w") as f:
            f.write(POLICY.format(dir=self.dir))
        os.chmod(self.policy_program, 0o755)
        os.makedirs(os.path.join(self.dir, "dom0-rpc"))
        self.policy("")
        self.vms = []

    def policy(self, table):
        with open(os.path.join(self.dir, "policy.table.new"), "w") as f:
            f.write(table)
        os.rename(os.path.join(self.dir, "policy.table.new"), os.path.join(self.dir, "policy.table"))

    def vm(self, *args, **kw):
        vm = Vm(self, *args, **kw)
        self.vms.append(vm)
        return vm

    def dom0_env(self):
        return dict(self.base_env, VCHAN_DOMAIN="0", QREXEC_SERVICE_PATH=os.path.join(self.dir, "dom0-rpc"))

    def dom0_service(self, name, text):
        path = os.path.join(self.dir, "dom0-rpc", name)
        with open(path, "w") as f:
            f.write(text)
        os.chmod(path, 0o755)

    def client(self, *args, input=b"", timeout=30, **kw):
        return subprocess.run([os.path.join(BIN, "qrexec-client"), "--socket-dir=" + self.dir] + list(args),
                              input=input, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.dom0_env(),
                              timeout=timeout, **kw)

    def stop(self):
        for vm in self.vms:
            vm.stop()
        self.log.close()
        shutil.rmtree(self.dir, ignore_errors=True)


class Qubesd(threading.Thread):
    """A stand-in for the domain manager: records calls, answers by a function METHOD, DEST, PAYLOAD -> bytes."""

    def __init__(self, rig, answer):
        super().__init__(daemon=True)
        self.calls, self.answer = [], answer
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(os.path.join(rig.dir, "qubesd.sock"))
        self.sock.listen(16)
        self.start()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            data = b""
            while True:
                piece = conn.recv(4096)
                if not piece:
                    break
                data += piece
            header, _, payload = data.partition(b"\0")
            method, source, kind, dest = header.decode().split(" ")
            self.calls.append((method, source, kind, dest, payload))
            conn.sendall(self.answer(method, dest, payload))
            conn.close()

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


class PolicyDaemon:
    """The real policy daemon, with one policy file and the domains of the rig; for `with`."""

    def __init__(self, rig, rules):
        self.rig, self.path = rig, os.path.join(rig.dir, "policy.sock")
        folder = tempfile.mkdtemp(prefix="policy.", dir=rig.dir)
        os.mkdir(folder + "/policy.d")
        with open(folder + "/policy.d/30-test.policy", "w") as f:
            f.write(rules)
        info = {"type": "AppVM", "tags": [], "template_for_dispvms": False, "default_dispvm": None, "icon": "x",
                "power_state": "Running", "guivm": None, "label": "red", "internal": None, "relayvm": None,
                "transport_rpc": None}
        domains = {vm.name: dict(info, uuid="00000000-0000-0000-0000-%012d" % vm.domid) for vm in rig.vms}
        domains["dom0"] = dict(info, type="AdminVM", uuid="00000000-0000-0000-0000-000000000000")
        with open(folder + "/info.json", "w") as f:
            json.dump({"domains": domains}, f)
        self.args = [os.path.join(BIN, "qrexec-policy-daemon"), "--policy-path", folder + "/policy.d", "--socket-path", self.path,
                     "--eval-socket-path", folder + "/eval.sock", "--gui-socket-path", folder + "/gui.sock",
                     "--last-good", folder + "/last-good", "--system-info", folder + "/info.json"]

    def __enter__(self):
        self.process = subprocess.Popen(self.args, stderr=self.rig.log)
        wait_for(lambda: os.path.exists(self.path), "the policy daemon")
        return self

    def __exit__(self, *what):
        self.process.terminate()
        self.process.wait()
        if os.path.exists(self.path):
            os.unlink(self.path)


class PolicySocket(threading.Thread):
    """A stand-in for the policy daemon: answers by a function of the question's keys."""

    def __init__(self, rig, answer):
        super().__init__(daemon=True)
        self.questions, self.answer = [], answer
        self.path = os.path.join(rig.dir, "policy.sock")
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(self.path)
        self.sock.listen(64)
        self.start()

    def one(self, conn):
        data = b""
        while not data.endswith(b"\n\n"):
            piece = conn.recv(4096)
            if not piece:
                break
            data += piece
        keys = dict(line.split("=", 1) for line in data.decode().splitlines() if line)
        self.questions.append(keys)
        conn.sendall(self.answer(keys))
        conn.close()

    def run(self):
        while True:
            try:
                conn, _ = self.sock.accept()
            except OSError:
                return
            threading.Thread(target=self.one, args=(conn,), daemon=True).start()

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()
        os.unlink(self.path)


class Skip(Exception):
    """a test that cannot run here, and why"""


def need(condition, what):
    if not condition:
        raise AssertionError(what)


def same(got, expected):
    need(got == expected, "%r instead of %r" % (got, expected))


def rss(pid):
    """resident memory of a process, KiB"""
    return [int(l.split()[1]) for l in open("/proc/%d/status" % pid) if l.startswith("VmRSS")][0]


def run_tests(tests):
    """Those that the command line names, else all. Returns the exit status."""
    for test in tests:
        if sys.argv[1:] and test.__name__ not in sys.argv[1:]:
            continue
        name = test.__doc__ or test.__name__
        start = time.monotonic()
        try:
            test()
            tap.result(True, "%s (%.1f s)" % (name, time.monotonic() - start))
        except Skip as why:
            tap.skip(name, why)
        except Exception:
            tap.result(False, name, traceback.format_exc())
    return tap.plan()
