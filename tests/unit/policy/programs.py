#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""programs.py BUILD-DIR: the policy programs as scripts and qrexec see them. No root, no display. TAP on stdout."""
import hashlib
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback

BUILD = os.path.abspath(sys.argv[1])
DOM0_UUID = "00000000-0000-0000-0000-000000000000"


def domain(number, **more):
    info = {"tags": [], "type": "AppVM", "template_for_dispvms": False, "default_dispvm": "dvm", "icon": "appvm-blue",
            "label": "blue", "guivm": "dom0", "power_state": "Running", "uuid": DOM0_UUID[:-2] + f"{number:02x}"}
    info.update(more)
    return info


INFO = {"domains": {
    "dom0": domain(0, type="AdminVM", guivm=None),
    "work": domain(1, tags=["guivm-dom0"]),
    "bank": domain(2, power_state="Halted", icon="appvm-green", tags=["guivm-dom0"]),
    "dvm": domain(3, template_for_dispvms=True, icon="appvm-red"),
    "far": domain(4, type="RemoteVM", relayvm="work", transport_rpc="tr.Ssh"),
}}

POLICY = """\
svc.Allow   *   work    bank        allow user=root notify=yes
svc.Disp    *   work    @dispvm     allow
svc.Ask     *   work    @anyvm      ask default_target=bank
svc.Ask1    *   work    @anyvm      ask target=bank user=u
svc.Dom0    *   @anyvm  @default    allow target=dom0
svc.Far     *   work    far         allow user=x
svc.Far     *   bank    far         allow autostart=no
svc.From    *   far     bank        allow
svc.Deny    *   work    bank        deny notify=no
"""


class Place:
    """A policy directory, an old one, system info, and where sockets go."""

    def __init__(self, top, policy=POLICY):
        self.top = top
        self.etc = top + "/etc"
        self.run = top + "/run"
        self.old = top + "/old"
        self.info = top + "/info.json"
        for path in (self.etc, self.run, self.old, top + "/rpc"):
            os.mkdir(path)
        self.write("etc/50-test.policy", policy)
        self.write("info.json", json.dumps(INFO))

    def write(self, name, text):
        with open(f"{self.top}/{name}", "w", encoding="utf-8") as out:
            out.write(text)

    def sources(self):
        return ["--policy-dir", self.run, "--policy-dir", self.etc, "--legacy-dir", self.old]


def program(name, *args, status=0, **more):
    done = subprocess.run([f"{BUILD}/{name}", *args], capture_output=True, text=True, check=False, timeout=20, **more)
    assert done.returncode == status, (name, args, done.returncode, done.stdout, done.stderr)
    return done


class Agent(threading.Thread):
    """Plays qrexec-policy-agent: remembers what it is told, answers questions with `answer`."""

    def __init__(self, place):
        super().__init__(daemon=True)
        self.said = []
        self.answer = "deny"
        self.server = socket.socket(socket.AF_UNIX)
        self.server.bind(place.top + "/agent.sock")
        self.server.listen(16)
        for name in ("policy.Ask", "policy.Notify"):
            os.symlink(place.top + "/agent.sock", f"{place.top}/rpc/{name}")
        self.start()

    def run(self):
        while True:
            client = self.server.accept()[0]
            data = b""
            while chunk := client.recv(65536):
                data += chunk
            header, text = data.split(b"\0", 1)
            self.said.append((header.decode(), json.loads(text)))
            if header.startswith(b"policy.Ask"):
                answer = self.answer(json.loads(text)) if callable(self.answer) else self.answer
                if answer is not None:
                    client.sendall(answer.encode())
            client.close()

    def wait_for(self, count):
        wait(lambda: len(self.said) >= count)
        return self.said[count - 1]


def wait(condition):
    for _ in range(500):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("waited in vain")


class Daemon:
    def __init__(self, place, *more, agent=None, info=True):
        self.place = place
        self.agent = agent
        self.log = open(place.top + "/log", "a", encoding="utf-8")
        self.args = [f"{BUILD}/qrexec-policy-daemon", "--policy-path", place.run, "--policy-path", place.etc,
                     "--legacy-path", place.old, "--socket-path", place.top + "/p.sock",
                     "--eval-socket-path", place.top + "/e.sock", "--gui-socket-path", place.top + "/g.sock",
                     "--last-good", place.top + "/last-good", *more]
        if info:
            self.args += ["--system-info", place.info]

    def __enter__(self):
        for name in ("p", "e", "g"):
            path = f"{self.place.top}/{name}.sock"
            if os.path.exists(path):
                os.unlink(path)
        self.process = subprocess.Popen(self.args, stderr=self.log,
                                        env={**os.environ, "QREXEC_POLICY_RPC_DIR": self.place.top + "/rpc"})
        wait(lambda: os.path.exists(self.place.top + "/g.sock") or self.process.poll() is not None)
        return self

    def __exit__(self, *what):
        self.process.terminate()
        assert self.process.wait(10) in (0, 1), "the daemon crashed"
        self.log.close()

    def logged(self):
        with open(self.place.top + "/log", encoding="utf-8") as log:
            return log.read()

    def send(self, data, name="p", end=True, timeout=10):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(timeout)
        client.connect(f"{self.place.top}/{name}.sock")
        client.sendall(data)
        if end:
            client.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := client.recv(4096):
            answer += chunk
        client.close()
        return answer.decode()

    def ask(self, source, target, service, **more):
        lines = {"source": source, "intended_target": target, "service_and_arg": service, **more}
        answer = self.send("".join(f"{k}={v}\n" for k, v in lines.items()).encode() + b"\n", end=False)
        assert answer.endswith("\n")
        return answer[:-1]


def answer_of(text):
    return dict(line.split("=", 1) for line in text.split("\n"))


# ---- qrexec-policy-eval

def evaluate(place, source, target, service, *more):
    done = program("qrexec-policy-eval", *place.sources(), "--system-info", place.info, "--source", source,
                   "--service", service, "--intended-target", target, *more)
    assert done.stdout.count("\n") == 1
    return json.loads(done.stdout)


def test_eval_single(place):
    expected = {"decision": "allow", "target": "bank", "user": "root", "autostart": True, "notify": True,
                "targets_for_ask": None, "default_target": None, "error": None}
    assert evaluate(place, "work", "bank", "svc.Allow+x") == expected
    ask = evaluate(place, "work", "bank", "svc.Ask")
    assert ask["decision"] == "ask" and ask["default_target"] == "bank" and ask["error"] is None
    assert ask["targets_for_ask"] == ["@dispvm:dvm", "bank", "dvm", "far"], ask
    assert evaluate(place, "work", "@dispvm", "svc.Disp")["target"] == "@dispvm:dvm"
    assert evaluate(place, "work", "", "svc.Dom0")["target"] == "dom0"
    deny = evaluate(place, "work", "bank", "svc.Deny")
    assert deny["decision"] == "deny" and deny["notify"] is False and deny["error"].startswith("denied: ")
    assert evaluate(place, "work", "@tag:x", "svc.Ask")["error"].startswith("request: ")
    assert evaluate(place, "work", "bank", "svc.From", "--requested-source", "far")["decision"] == "allow"
    assert evaluate(place, "bank", "bank", "svc.From", "--requested-source", "far")["error"].startswith("request: ")


def test_eval_errors(place):
    place.write("etc/60-bad.policy", "svc * work bank allow\nsvc * work bank alow\n")
    bad = evaluate(place, "work", "bank", "svc.Allow")
    assert bad["decision"] == "deny"
    assert bad["error"].startswith(f"syntax: {place.etc}/60-bad.policy:2:17: "), bad
    place.write("run/60-bad.policy", "")
    assert evaluate(place, "work", "bank", "svc.Allow")["decision"] == "allow"
    place.write("run/Bad.policy", "")
    assert evaluate(place, "work", "bank", "svc.Allow")["error"].startswith("load: ")
    os.unlink(place.run + "/Bad.policy")
    place.write("info.json", "{")
    assert evaluate(place, "work", "bank", "svc.Allow")["error"].startswith("load: ")
    os.unlink(place.info)
    assert evaluate(place, "work", "bank", "svc.Allow")["error"].startswith("load: ")
    program("qrexec-policy-eval", "--source", "x", status=2)


def test_eval_batch(place):
    question = {"id": 7, "policy_dir": [place.run, place.etc], "legacy_dir": place.old, "system_info": place.info,
                "source": "work", "service": "svc.Allow+a", "intended_target": "bank"}
    with subprocess.Popen([f"{BUILD}/qrexec-policy-eval", "--batch"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as process:
        def send(line):
            process.stdin.write(line + "\n")
            process.stdin.flush()
            return json.loads(process.stdout.readline())
        answer = send(json.dumps(question))
        assert answer["id"] == 7 and answer["decision"] == "allow" and answer["user"] == "root"
        answer = send(json.dumps({**question, "id": "x", "service": "svc.Deny", "policy_dir": [place.etc]}))
        assert answer["id"] == "x" and answer["decision"] == "deny"
        answer = send("junk")
        assert answer["id"] is None and answer["error"].startswith("request: ")
        answer = send(json.dumps({"id": [1]}))
        assert answer["id"] == [1] and answer["error"].startswith("request: ")
        answer = send(json.dumps({**question, "requested_source": "far", "service": "svc.From"}))
        assert answer["decision"] == "allow"
        answer = send(json.dumps({**question, "intended_target": "b\u00e4nk" * 40}))
        assert answer["decision"] == "deny" and answer["error"]
        process.stdin.close()
        assert process.wait(10) == 0


# ---- qrexec-policy-daemon

def test_daemon_answers(place):
    with Daemon(place) as daemon:
        answer = daemon.ask("work", "bank", "svc.Allow+a")
        assert answer_of(answer) == {"user": "root", "result": "allow", "target": "bank", "autostart": "True",
                                     "target_uuid": "uuid:" + INFO["domains"]["bank"]["uuid"],
                                     "requested_target": "bank"}, answer
        answer = answer_of(daemon.ask("work", "@dispvm", "svc.Disp"))
        assert answer["target"] == "@dispvm:dvm" and answer["requested_target"] == "@dispvm"
        assert answer["target_uuid"] == "@dispvm:uuid:" + INFO["domains"]["dvm"]["uuid"]
        answer = answer_of(daemon.ask("work", "nosuch", "svc.Dom0"))
        assert answer == {"user": "DEFAULT", "result": "allow", "target": "dom0", "autostart": "True",
                          "requested_target": "@default"}
        assert daemon.ask("work", "work", "svc.Ask") == "result=deny"


def test_daemon_remote(place):
    with Daemon(place) as daemon:
        answer = answer_of(daemon.ask("bank", "far", "svc.Far+a+b"))
        assert answer == {"user": "DEFAULT", "result": "allow", "target": "work", "autostart": "False",
                          "target_uuid": "uuid:" + INFO["domains"]["work"]["uuid"], "requested_target": "far",
                          "service": "tr.Ssh+far+svc.Far+a+b"}, answer
        answer = answer_of(daemon.ask("work", "bank", "svc.From", requested_source="far"))
        assert answer["result"] == "allow" and answer["policy_source"] == "far"
        assert daemon.ask("work", "bank", "svc.From") == "result=deny"


def test_daemon_flags(place):
    with Daemon(place) as daemon:
        assert daemon.ask("work", "bank", "svc.Allow", just_evaluate="yes") == "result=allow"
        assert daemon.ask("work", "bank", "svc.Ask", just_evaluate="yes") == "result=deny"
        assert daemon.ask("work", "bank", "svc.Ask", just_evaluate="yes", assume_yes_for_ask="yes") == "result=allow"
        assert answer_of(daemon.ask("work", "bank", "svc.Ask", assume_yes_for_ask="yes"))["target"] == "bank"
        assert answer_of(daemon.ask("work", "@dispvm", "svc.Ask", assume_yes_for_ask="yes"))["target"] == "@dispvm:dvm"
        assert daemon.ask("work", "dom0", "svc.Ask", assume_yes_for_ask="yes") == "result=deny"


def test_daemon_malformed(place):
    good = b"source=work\nintended_target=bank\nservice_and_arg=svc.Allow\n"
    bad = [b"\n", b"source=work\n\n", good + b"source=work\n\n", good + b"what=x\n\n", good + b"just_evaluate=maybe\n\n",
           good + b"junk\n\n", good + b"x\0=y\n\n", good + b"requested_source=\xff\n\n", b"", b"x" * 70000]
    with Daemon(place) as daemon:
        for question in bad:
            try:
                answer = daemon.send(question)
            except (ConnectionResetError, BrokenPipeError):
                answer = ""
            assert answer == "", (question[:80], answer)
        # whole without the empty line, if the stream ends
        assert "result=allow" in daemon.send(good)
        long = daemon.send(good.replace(b"svc.Allow", b"svc.Allow+" + b"a" * 60000) + b"\n", end=False)
        assert "result=allow" in long
        # the longest relayed call does not fit into an answer
        far = b"source=bank\nintended_target=far\nservice_and_arg=svc.Far+" + b"a" * 5000 + b"\n\n"
        assert daemon.send(far) == "result=deny\n"


def test_daemon_slow_and_many(place):
    with Daemon(place) as daemon:
        idle = []
        for _ in range(1100):  # more than are kept
            client = socket.socket(socket.AF_UNIX)
            client.connect(place.top + "/p.sock")
            client.sendall(b"sour")
            idle.append(client)
        assert "result=allow" in daemon.ask("work", "bank", "svc.Allow")
        for client in idle:
            client.close()
        slow = socket.socket(socket.AF_UNIX)
        slow.connect(place.top + "/p.sock")
        for byte in b"source=work\nintended_target=bank\nservice_and_arg=svc.Disp\n\n":
            slow.sendall(bytes([byte]))
            time.sleep(0.0005)
        assert slow.recv(100).startswith(b"result=deny")
        slow.close()


def test_daemon_asks(place):
    agent = Agent(place)
    with Daemon(place) as daemon:
        agent.answer = "allow:bank"
        answer = answer_of(daemon.ask("work", "bank", "svc.Ask+arg"))
        assert answer["result"] == "allow" and answer["target"] == "bank"
        header, message = agent.said[0]
        assert header == "policy.Ask dom0 name dom0"
        assert message["source"] == "work" and message["service"] == "svc.Ask" and message["argument"] == "+arg"
        assert message["targets"] == ["@dispvm:dvm", "bank", "dvm", "far"] and message["default_target"] == "bank"
        assert message["icons"]["bank"] == "appvm-green" and message["icons"]["@dispvm:dvm"] == "dispvm-red"
        agent.answer = "allow:@dispvm:dvm"
        assert answer_of(daemon.ask("work", "bank", "svc.Ask"))["target"] == "@dispvm:dvm"
        for agent.answer in ("deny", "allow:dom0", "allow:", "", "yes", None):
            assert daemon.ask("work", "bank", "svc.Ask") == "result=deny", agent.answer
        agent.answer = "allow:bank"
        assert answer_of(daemon.ask("work", "dvm", "svc.Ask1"))["user"] == "u"


def test_daemon_does_not_wait_for_users(place):
    agent = Agent(place)
    gate = threading.Event()
    with Daemon(place) as daemon:
        agent.answer = lambda message: (gate.wait(10), "allow:bank")[1]
        results = []
        asking = threading.Thread(target=lambda: results.append(daemon.ask("work", "bank", "svc.Ask")))
        asking.start()
        agent.wait_for(1)
        for _ in range(50):
            assert "result=allow" in daemon.ask("work", "@dispvm", "svc.Disp")
        assert not results
        gate.set()
        asking.join(10)
        assert "result=allow" in results[0]


def test_question_vanishes_with_its_asker(place):
    path = place.top + "/rpc/policy.Ask"
    agent = socket.socket(socket.AF_UNIX)
    agent.bind(path)
    agent.listen(1)
    agent.settimeout(10)
    with Daemon(place):
        asker = socket.socket(socket.AF_UNIX)
        asker.connect(place.top + "/p.sock")
        asker.sendall(b"source=work\nintended_target=bank\nservice_and_arg=svc.Ask\n\n")
        shown = agent.accept()[0]
        while shown.recv(65536):
            pass
        poll = select.poll()
        poll.register(shown, select.POLLHUP)
        assert not poll.poll(200)
        asker.close()
        assert poll.poll(5000), "the agent was not told"
        shown.close()


def test_daemon_notifies(place):
    agent = Agent(place)
    with Daemon(place) as daemon:
        daemon.ask("work", "bank", "svc.Allow")
        assert agent.wait_for(1) == ("policy.Notify dom0 name dom0",
                                     {"resolution": "allow", "service": "svc.Allow", "argument": "+", "source": "work",
                                      "target": "bank"})
        daemon.ask("work", "bank", "svc.None+x")
        assert agent.wait_for(2)[1]["resolution"] == "deny"
        daemon.ask("work", "bank", "svc.Deny")
        daemon.ask("work", "bank", "svc.Allow", just_evaluate="yes")
        time.sleep(0.2)
        assert len(agent.said) == 2


def test_daemon_keeps_last_good(place):
    agent = Agent(place)
    with Daemon(place) as daemon:
        place.write("etc/60-new.policy", "svc.New * work bank allow\n")
        wait(lambda: "result=allow" in daemon.ask("work", "bank", "svc.New"))
        place.write("etc/60-new.policy", "svc.New * work bank allow\nsvc.Other * work bank alow\n")
        message = agent.wait_for(1)[1]
        while message.get("resolution") != "fail":
            message = agent.wait_for(len(agent.said) + 1)[1]
        assert message["message"].startswith(f"{place.etc}/60-new.policy:2:23: "), message
        assert "result=allow" in daemon.ask("work", "bank", "svc.New")
        assert "result=allow" in daemon.ask("work", "@dispvm", "svc.Disp")
        assert "60-new.policy:2:23: " in daemon.logged()
        os.unlink(place.etc + "/60-new.policy")
        wait(lambda: daemon.ask("work", "bank", "svc.New") == "result=deny")
        # includes count, too
        os.mkdir(place.etc + "/include")
        place.write("etc/include/one", "svc.Inc * work bank deny\n")
        place.write("etc/60-new.policy", "!include include/one\n")
        time.sleep(0.3)
        assert daemon.ask("work", "bank", "svc.Inc") == "result=deny"
        place.write("etc/include/one", "svc.Inc * work bank allow\n")
        wait(lambda: "result=allow" in daemon.ask("work", "bank", "svc.Inc"))


def test_daemon_reads_whole_files(place):
    """A file that is being written is not the policy: its first half may allow what the second denies."""
    with Daemon(place) as daemon:
        with open(place.etc + "/50-test.policy", "w", encoding="utf-8") as out:  # truncated, and kept open
            out.write("svc.Allow * work dvm deny\n")
            out.flush()
            time.sleep(0.3)
            assert "result=allow" in daemon.ask("work", "bank", "svc.Allow")
            assert "result=allow" in daemon.ask("work", "@dispvm", "svc.Disp")
            out.write("svc.Allow * work bank deny\n")
        assert daemon.ask("work", "bank", "svc.Allow") == "result=deny"
        os.symlink(place.info + ".policy", place.etc + "/10-link.policy")
        place.write("info.json.policy", "svc.Allow * work bank allow\n")
        os.link(place.info + ".policy", place.etc + "/11-link.policy")
        wait(lambda: "result=allow" in daemon.ask("work", "bank", "svc.Allow"))


def test_daemon_restart_while_broken(place):
    with Daemon(place) as daemon:
        assert "result=allow" in daemon.ask("work", "@dispvm", "svc.Disp")
    place.write("etc/60-bad.policy", "junk\n")
    with Daemon(place) as daemon:
        assert "result=allow" in daemon.ask("work", "@dispvm", "svc.Disp")
        assert "the last good policy stays in force" in daemon.logged()
    os.unlink(place.top + "/last-good")
    with Daemon(place) as daemon:
        wait(lambda: daemon.process.poll() == 1)
        assert "no valid policy to start with" in daemon.logged()


def test_daemon_info_from_manager(place):
    path = place.top + "/qubesd.internal.sock"
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen(8)
    answers = [b"0\0" + json.dumps(INFO).encode()] * 2
    changed = json.loads(json.dumps(INFO))
    changed["domains"]["bank"]["power_state"] = "Running"
    answers += [b"0\0" + json.dumps(changed).encode(), b"2\0QubesException\0\0no\0", b"0\0junk", b""]
    seen = []

    def serve():
        for answer in answers:
            client = server.accept()[0]
            seen.append(client.recv(1000))
            client.sendall(answer)
            client.close()
    threading.Thread(target=serve, daemon=True).start()
    place.write("etc/10-run.policy", "svc.Runs * work bank allow autostart=no\n")
    with Daemon(place, "--system-info-socket", path, info=False) as daemon:
        assert daemon.ask("work", "bank", "svc.Runs") == "result=deny"
        assert daemon.ask("work", "bank", "svc.Runs") == "result=deny"
        assert "result=allow" in daemon.ask("work", "bank", "svc.Runs")
        for _ in range(3):
            assert daemon.ask("work", "bank", "svc.Runs") == "result=deny"
        server.close()
        os.unlink(path)
        assert daemon.ask("work", "bank", "svc.Runs") == "result=deny"
        assert "no system info" in daemon.logged()
    assert seen[0] == b"internal.GetSystemInfo+ dom0 name dom0\0"


def test_daemon_eval_services(place):
    with Daemon(place) as daemon:
        def simple(argument, payload, service="policy.EvalSimple", name="e", caller="dom0"):
            header = f"{service}{argument} {caller} name dom0".encode() + b"\0"
            return daemon.send(header + payload, name=name)
        assert simple("+svc.Ask", b"work\0bank") == "result=allow\n"
        assert simple("+svc.Allow+x", b"work\0bank") == "result=allow\n"
        assert simple("+svc.Deny", b"work\0bank") == "result=deny\n"
        assert simple("+svc.Ask", b"work\0@dispvm") == "result=allow\n"
        for argument, payload in (("", b"work\0bank"), ("+", b"work\0bank"), ("++x", b"work\0bank"),
                                  ("+svc.Ask", b"work"), ("+svc.Ask", b"\0bank"), ("+svc.Ask", b"work\0"),
                                  ("+svc.Ask", b"w" * 32 + b"\0bank"), ("+svc.Ask", b"work\0" + b"b" * 64),
                                  ("+svc.Ask", b"wo/k\0bank"), ("+svc.Ask", b"work\0b\0nk"), ("+svc.Ask", b"")):
            assert simple(argument, payload) == "", (argument, payload)
        assert simple("+svc.Ask", b"work\0bank", "policy.EvalGUI") == ""
        assert simple("+svc.Ask", b"work\0bank", "policy.EvalGUI", "g") == "result=allow\n"
        assert simple("+svc.Ask", b"work\0dvm", "policy.EvalGUI", "g") == ""
        assert simple("+svc.Ask", b"work\0bank", "policy.EvalGUI", "g", "bank") == ""


# ---- tools

def test_exec(place):
    args = place.sources() + ["--system-info", place.info]
    env = {**os.environ, "QREXEC_POLICY_RPC_DIR": place.top + "/rpc"}
    done = program("qrexec-policy-exec", *args, "work", "bank", "svc.Allow+x", env=env)
    assert answer_of(done.stdout.rstrip("\n"))["target"] == "bank"
    assert program("qrexec-policy-exec", *args, "work", "bank", "svc.No", status=1, env=env).stdout == "result=deny\n"
    assert program("qrexec-policy-exec", *args, "--just-evaluate", "work", "bank", "svc.Allow", env=env).stdout == ""
    program("qrexec-policy-exec", *args, "--just-evaluate", "work", "bank", "svc.Ask", status=1, env=env)
    program("qrexec-policy-exec", *args, "--just-evaluate", "--assume-yes-for-ask", "work", "bank", "svc.Ask", env=env)
    agent = Agent(place)
    agent.answer = "allow:dvm"
    assert "target=dvm" in program("qrexec-policy-exec", *args, "--", "work", "bank", "svc.Ask", env=env).stdout
    program("qrexec-policy-exec", "work", status=2)
    place.write("etc/60-bad.policy", "junk\n")
    done = program("qrexec-policy-exec", *args, "work", "bank", "svc.Allow", status=1, env=env)
    assert done.stdout == "result=deny\n" and "60-bad.policy:1:5" in done.stderr
    assert agent.said[-1][1]["message"].startswith(place.etc + "/60-bad.policy:1:5: ")


def test_why(place):
    args = place.sources() + ["--system-info", place.info]
    text = program("qrexec-policy-why", *args, "work", "bank", "svc.Allow").stdout
    assert text.startswith("allow: target bank, user root\ndecided by:\n") and "50-test.policy:1: " in text
    place.write("etc/10-first.policy", "svc.Ask +x work @anyvm deny\nsvc.Ask * bank @anyvm deny\n"
                                       "svc.Ask * work @default deny\nsvc.Ask * work dvm deny\n")
    text = program("qrexec-policy-why", *args, "work", "bank", "svc.Ask").stdout
    for part in ("argument differs", "source differs", "target differs", "bank (preset)   # by", "50-test.policy:3"):
        assert part in text, text
    assert "  dvm " not in text
    text = program("qrexec-policy-why", *args, "work", "nosuch", "svc.Nothing").stdout
    assert "deny: no rule matches" in text and "counts as @default" in text


def test_lint(place):
    place.write("good", "# fine\nsvc * a b deny\n!include whatever\n")
    place.write("bad", "svc * a b deny\nsvc * a b\n\nsvc * a b maybe\n")
    program("qubes-policy-lint", place.top + "/good")
    done = program("qubes-policy-lint", "-s", place.top + "/good", place.top + "/bad", status=1)
    lines = done.stdout.splitlines()
    assert len(lines) == 2 and lines[0].startswith(place.top + "/bad:2: error: ") and lines[0].endswith(": svc * a b")
    assert lines[1].startswith(place.top + "/bad:4: error: ")
    program("qubes-policy-lint", "--include-service", "-", input="$anyvm b allow,user=x\n")
    program("qubes-policy-lint", "-", input="$anyvm b allow,user=x\n", status=1)
    assert ":0: error: " in program("qubes-policy-lint", place.top + "/none", status=1).stdout


def test_convert(place):
    place.write("old/svc.A+x", "$anyvm work allow,user=root\n")
    place.write("old/svc.A", "# all others\n$anyvm $anyvm ask\n")
    text = program("qrexec-legacy-convert", "--legacy-dir", place.old).stdout
    assert text == (f"# {place.old}/svc.A+x\nsvc.A +x @anyvm work allow user=root\nsvc.A +x @anyvm @anyvm deny\n"
                    f"svc.A +x @anyvm @adminvm deny\n\n# {place.old}/svc.A\nsvc.A * @anyvm @anyvm ask\n"), text
    program("qubes-policy-lint", "-", input=text)
    place.write("old/svc.B", "$anyvm\n")
    assert "svc.B:1:7" in program("qrexec-legacy-convert", "-d", place.old, status=1).stderr


def test_restore(place):
    saved = os.path.join(place.top, "saved")
    os.makedirs(saved + "/include")
    for name, text in (("40-saved.policy", "!include include/some\n"), ("10.policy", "broken"), ("notes", "x"),
                       ("include/some", "svc.R * work vault deny\n"), (".x.policy", "x")):
        with open(os.path.join(saved, name), "w") as f:
            f.write(text)
    dest = os.path.join(place.top, "dest")
    os.mkdir(dest)
    with open(dest + "/10.policy", "w") as f:
        f.write("svc.R * @anyvm @anyvm allow\n")
    options = ["--dest", dest, "--legacy-dir", place.old, saved]
    done = program("qrexec-policy-restore", *options)
    assert sorted(done.stdout.split()) == [dest + "/40-saved.policy", dest + "/include/some"], done.stdout
    assert "not overwriting" in done.stderr and "10.policy" in done.stderr
    assert sorted(os.listdir(dest)) == ["10.policy", "40-saved.policy", "include"]
    with open(saved + "/50-bad.policy", "w") as f:
        f.write("svc.R * work\n")
    assert "50-bad.policy:1" in program("qrexec-policy-restore", *options, status=1).stderr
    assert sorted(os.listdir(dest)) == ["10.policy", "40-saved.policy", "include"]
    program("qrexec-policy-restore", "--dest", dest, place.top + "/none", status=1)
    program("qrexec-policy-restore", status=2)


def test_graph(place):
    args = place.sources() + ["--system-info", place.info]
    text = program("qrexec-policy-graph", *args).stdout
    assert text.startswith("digraph g {\n") and text.endswith("}\n")
    assert '  "work" -> "bank" [label="svc.Allow" color=red];\n' in text and "orange" not in text
    assert '  "work" -> "dom0" [label="svc.Dom0" color=red];\n' in text
    text = program("qrexec-policy-graph", "--include-ask", "--source", "work", "bank", "--target", "bank",
                   "--service", "svc.Ask", *args).stdout
    assert text.count("->") == 1 and "orange" in text
    program("qrexec-policy-graph", "--skip-labels", "--full-output", "--output", place.top + "/g.dot", *args)
    with open(place.top + "/g.dot", encoding="utf-8") as graph:
        assert 'label=" allow user=root notify=yes" color=red' in graph.read()


def test_admin(place):
    env = {**os.environ, "QUBES_POLICY_ADMIN": f"{BUILD}/qubes-policy-admin", "QREXEC_POLICY_DIR": place.etc}
    os.mkdir(place.etc + "/include")
    place.write("etc/include/inc", "svc.I * a b deny\n")

    def policy(*args, status=0, **more):
        return program("qubes-policy", *args, status=status, env=env, **more)
    assert policy().stdout == "50-test\n"
    assert policy("-l", "include/").stdout == "inc\n"
    assert policy("--get", "50-test").stdout == POLICY
    policy("-r", "60-new", input="svc.N * a b deny\n!include include/inc\n")
    with open(place.etc + "/60-new.policy", encoding="utf-8") as new:
        assert new.read() == "svc.N * a b deny\n!include include/inc\n"
    assert sorted(os.listdir(place.etc)) == ["50-test.policy", "60-new.policy", "include"]
    done = policy("-r", "60-new", input="svc.N * a b nope\n", status=1)
    assert "PolicyAdminSyntaxException" in done.stderr and "60-new.policy:1:13" in done.stderr
    done = policy("-d", "include/inc", status=1)
    assert "not a file" in done.stderr
    done = policy("-r", "include/inc", input="junk\n", status=1)
    assert "include/inc:1:5" in done.stderr
    policy("-r", "include/inc", input="svc.J * a b deny\n")
    assert "PolicyAdminInvalidFileNameException" in policy("-r", "a.b", input="", status=1).stderr
    policy("-d", "60-new.policy")
    assert "PolicyAdminFileNotFoundException" in policy("-g", "60-new", status=1).stderr
    policy("-g", "x/y", status=2)
    policy("-g", status=2)
    os.symlink("/etc/passwd", place.etc + "/70-link.policy")
    assert "PolicyAdminInvalidFilePathException" in policy("-g", "70-link", status=1).stderr


def test_admin_services(place):
    def call(name, payload="", status=0):
        return program("qubes-policy-admin", status=status, input=payload,
                       env={"QREXEC_SERVICE_FULL_NAME": name, "QREXEC_REMOTE_DOMAIN": "mgmt",
                            "QREXEC_POLICY_DIR": place.etc})
    token = "sha256:" + hashlib.sha256(POLICY.encode()).hexdigest()
    assert call("policy.Get+50-test").stdout == token + "\n" + POLICY
    assert call("policy.GetFiles+svc.Ask").stdout == "50-test\n"
    assert call("policy.GetFiles+svc.None").stdout == ""
    for name, payload, error in (("policy.Replace+50-test", "new\n", "Token"),
                                 ("policy.Replace+50-test", "sha256:0\n", "Token"),
                                 ("policy.Replace+50-test", "what\n", "Protocol"),
                                 ("policy.Replace+50-test", "no newline", "Protocol"),
                                 ("policy.Replace+none", "sha256:0\n", "Token"),
                                 ("policy.Get+50-test", "x", "Protocol"), ("policy.List+x", "", "Protocol"),
                                 ("policy.What", "", "Protocol"), ("policy.GetFiles", "", "Protocol"),
                                 ("policy.Remove+none", "any", "FileNotFound")):
        assert call(name, payload, 1).stderr.startswith(f"PolicyAdmin{error}Exception "), (name, payload)
    assert call("policy.Replace+50-test", token + "\nsvc * a b deny\n").stdout == ""
    assert call("policy.Replace+60-x", "new\n").stdout == ""
    assert call("policy.Remove+60-x", "any").stdout == ""
    assert call("policy.List").stdout == "50-test\n"


def test_editor(place):
    env = {**os.environ, "QUBES_POLICY_ADMIN": f"{BUILD}/qubes-policy-admin", "QREXEC_POLICY_DIR": place.etc,
           "TMPDIR": place.top}
    env.pop("VISUAL", None)

    def edit(editor, *args, status=0, text=""):
        return program("qubes-policy-editor", *args, status=status, input=text, env={**env, "EDITOR": editor})
    for name, text in (("good", "svc * a b deny"), ("bad", "junk")):
        place.write(name + "-editor", f"#!/bin/sh\necho '{text}' > \"$2\"\n")
        os.chmod(f"{place.top}/{name}-editor", 0o755)
    edit("sed -i s/user=root/user=admin/", "50-test")
    with open(place.etc + "/50-test.policy", encoding="utf-8") as changed:
        assert changed.read() == POLICY.replace("user=root", "user=admin")
    edit(place.top + "/good-editor")
    assert os.path.exists(place.etc + "/30-user.policy")
    done = edit(place.top + "/bad-editor", status=1, text="x\ne\nq\n")
    assert done.stdout.count("error: ") == 2 and "nothing was changed" in done.stderr
    with open(place.etc + "/30-user.policy", encoding="utf-8") as kept:
        assert kept.read() == "svc * a b deny\n"
    edit("false", status=1)


def test_default_policy(place):
    """The files that are installed say what they should."""
    shipped = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../../qrexec/policy/default")
    names = [os.path.join(shipped, name) for name in os.listdir(shipped) if name.endswith(".policy")]
    program("qubes-policy-lint", *names)
    include = os.path.join(shipped, "include")
    program("qubes-policy-lint", "-i", *[os.path.join(include, name) for name in os.listdir(include)])
    info = json.loads(json.dumps(INFO))
    info["domains"]["tpl"] = domain(9, type="TemplateVM")
    info["domains"]["sys-net"] = domain(10)
    info["domains"]["anon"] = domain(11, tags=["anon-vm"])
    place.write("info.json", json.dumps(info))
    expected = (("work", "bank", "qubes.Filecopy", "ask", None), ("work", "@dispvm", "qubes.OpenURL", "allow", "@dispvm:dvm"),
                ("work", "bank", "qubes.OpenURL", "ask", None), ("work", "@dispvm", "qubes.VMShell", "allow", "@dispvm:dvm"),
                ("work", "bank", "qubes.VMShell", "deny", None), ("work", "@dispvm:dvm", "qubes.VMExec+ls", "deny", None),
                ("tpl", "@default", "qubes.UpdatesProxy", "allow", "sys-net"), ("work", "", "qubes.UpdatesProxy", "deny", None),
                ("work", "bank", "qubes.ClipboardPaste", "ask", None), ("work", "bank", "qubes.ConnectTCP+80", "deny", None),
                ("work", "dom0", "qubes.WindowIconUpdater", "allow", "dom0"), ("work", "bank", "qubes.GetDate", "allow", "dom0"),
                ("anon", "bank", "qubes.GetDate", "deny", None), ("work", "", "qubes.Notifications", "allow", "dom0"),
                ("work", "dom0", "admin.vm.List", "deny", None), ("work", "bank", "admin.vm.Start", "deny", None),
                ("work", "dom0", "policy.Replace+x", "deny", None), ("work", "dom0", "qubes.Filecopy", "deny", None),
                ("work", "bank", "unheard.Of", "deny", None))
    for source, target, service, decision, to in expected:
        done = program("qrexec-policy-eval", "--policy-dir", shipped, "--legacy-dir", place.old, "--system-info",
                       place.info, "--source", source, "--service", service, "--intended-target", target)
        answer = json.loads(done.stdout)
        assert (answer["decision"], answer["target"]) == (decision, to), (source, target, service, answer)


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    print(f"1..{len(tests)}")
    for number, (name, test) in enumerate(tests, 1):
        with tempfile.TemporaryDirectory() as top:
            try:
                test(Place(top))
                print(f"ok {number} - {name}", flush=True)
            except Exception:  # a test fails by any exception
                failed += 1
                print(f"not ok {number} - {name}", flush=True)
                traceback.print_exc()
                if os.path.exists(top + "/log"):
                    with open(top + "/log", encoding="utf-8") as log:
                        print("daemon's log:\n" + log.read()[-2000:], file=sys.stderr)
    return 1 if failed else 0


sys.exit(main())
