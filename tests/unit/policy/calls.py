#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Both halves of qrexec together over sockets: real calls between "domains", decided by the real policy daemon."""
import json
import os
import socket
import subprocess
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../qrexec"))
import rig  # noqa: E402  (the rig of the other half's tests)

POLICY = """\
my.Echo +no work bank deny
my.Echo * work bank allow
my.Echo * work @default allow target=bank
my.Echo * @anyvm @adminvm allow
my.Ask * work @anyvm ask default_target=bank
"""


def domain(number, **more):
    info = {"tags": [], "type": "AppVM", "template_for_dispvms": False, "default_dispvm": None, "icon": "appvm-red",
            "label": "red", "guivm": "dom0", "power_state": "Running", "uuid": f"00000000-0000-0000-0000-{number:012d}"}
    info.update(more)
    return info


class World:
    def __init__(self):
        self.rig = rig.Rig()
        top = self.rig.dir
        self.policy_file = top + "/policy.d/50-test.policy"
        for name in ("policy.d", "old", "agent"):
            os.mkdir(f"{top}/{name}")
        with open(self.policy_file, "w", encoding="utf-8") as out:
            out.write(POLICY)
        with open(top + "/info.json", "w", encoding="utf-8") as out:
            json.dump({"domains": {"dom0": domain(0, type="AdminVM"), "work": domain(1), "bank": domain(2)}}, out)
        self.socket = self.rig.base_env["QREXEC_POLICY_SOCKET"]
        self.daemon = subprocess.Popen(
            [rig.BIN + "/qrexec-policy-daemon", "--policy-path", top + "/policy.d", "--legacy-path", top + "/old",
             "--socket-path", self.socket, "--eval-socket-path", top + "/e.sock", "--gui-socket-path", top + "/g.sock",
             "--last-good", "", "--system-info", top + "/info.json"],
            env={**os.environ, "QREXEC_POLICY_RPC_DIR": top + "/agent"}, stderr=subprocess.DEVNULL)
        rig.wait_for(lambda: os.path.exists(top + "/g.sock"), "the policy daemon")
        self.answer = "deny"
        for name in ("policy.Ask", "policy.Notify"):
            server = socket.socket(socket.AF_UNIX)
            server.bind(f"{top}/agent/{name}")
            server.listen(8)
            threading.Thread(target=self.serve, args=(server,), daemon=True).start()
        self.work, self.bank = self.rig.vm(1, "work"), self.rig.vm(2, "bank")
        for name in ("my.Echo", "my.Ask"):
            self.bank.service(name, '#!/bin/sh\necho "bank: $QREXEC_REMOTE_DOMAIN $1"; cat')
        self.rig.dom0_service("my.Echo", '#!/bin/sh\necho "dom0: $QREXEC_REMOTE_DOMAIN $QREXEC_REQUESTED_TARGET_TYPE"')

    def serve(self, server):
        while True:
            client = server.accept()[0]
            while client.recv(65536):
                pass
            client.sendall(self.answer.encode())
            client.close()

    def call(self, target, service):
        done = self.work.call(target, service, input=b"hello\n")
        return done.returncode, done.stdout.decode()

    def stop(self):
        self.rig.stop()
        self.daemon.terminate()
        self.daemon.wait(10)


def test_domain_to_domain(world):
    assert world.call("bank", "my.Echo+x") == (0, "bank: work x\nhello\n")


def test_redirected(world):
    assert world.call("", "my.Echo") == (0, "bank: work \nhello\n")
    assert world.call("nosuch", "my.Echo") == (0, "bank: work \nhello\n")


def test_to_dom0(world):
    assert world.call("dom0", "my.Echo") == (0, "dom0: work name\n")
    assert world.call("@adminvm", "my.Echo") == (0, "dom0: work keyword\n")


def test_refused(world):
    assert world.call("bank", "my.Echo+no")[0] == 126
    assert world.call("bank", "my.Unheard")[0] == 126
    assert world.call("@tag:x", "my.Echo")[0] == 126


def test_asked(world):
    world.answer = "allow:bank"
    assert world.call("bank", "my.Ask+q") == (0, "bank: work q\nhello\n")
    world.answer = "deny"
    assert world.call("bank", "my.Ask+q")[0] == 126


def test_changed_policy(world):
    with open(world.policy_file, "w", encoding="utf-8") as out:
        out.write("my.Echo * work bank deny\n")
    assert world.call("bank", "my.Echo")[0] == 126
    with open(world.policy_file, "w", encoding="utf-8") as out:
        out.write("my.Echo * work bank nonsense\n")
    assert world.call("bank", "my.Echo")[0] == 126
    with open(world.policy_file, "w", encoding="utf-8") as out:
        out.write(POLICY)
    assert world.call("bank", "my.Echo")[0] == 0


def test_in_parallel(world):
    calls = [world.work.popen("bank", "my.Echo", stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) for _ in range(40)]
    assert [call.communicate(timeout=60)[0] for call in calls] == [b"bank: work \n"] * 40


def main():
    world = World()
    failed = 0
    try:
        tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
        for number, (name, test) in enumerate(tests, 1):
            try:
                test(world)
                print(f"ok {number} - {name}", flush=True)
            except (AssertionError, OSError, subprocess.SubprocessError) as error:
                failed += 1
                print(f"not ok {number} - {name}: {error!r}", flush=True)
    finally:
        world.stop()
    return 1 if failed else 0


sys.exit(main())
