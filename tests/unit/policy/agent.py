#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""agent.py BUILD-DIR SHOTS-DIR: qrexec-policy-agent in a display (Xvfb) and D-Bus session of its own, driven by keys
like a user. TAP on stdout.

Screenshots go to SHOTS-DIR, to be looked at: ask-asleep.png, ask-awake.png, ask-chosen.png.
"""
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

BUILD, SHOTS = map(os.path.abspath, sys.argv[1:3])
TITLE = "Allow this call"
TARGETS = {"@dispvm:dvm": "red", "bank": "green", "mail": "blue", "personal": "yellow", "sys-net": "purple",
           "untrusted": "orange", "vault": "gray"}


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def wait(condition, seconds=10.0):
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)
    return result


def window():
    return run("xdotool", "search", "--onlyvisible", "--name", TITLE).split("\n")[-1]


def gone():
    return not window()


def shot(name):
    path = f"{SHOTS}/{name}.png"
    subprocess.run(["import", "-window", "root", path], check=True)
    return path


def has_colour(path, colour):
    """Is there a good deal of exactly this colour?"""
    text = run("convert", path, "-fill", "black", "+opaque", colour, "-fill", "white", "-opaque", colour, "-format",
               "%[fx:mean*w*h]", "info:")
    return float(text) > 100


class Question:
    def __init__(self, path, source="work", colour="blue", preset="", service="qubes.Filecopy"):
        icons = {name: ("dispvm-" if name[0] == "@" else "appvm-") + label for name, label in TARGETS.items()}
        icons[source] = "appvm-" + colour
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(path)
        message = {"source": source, "service": service, "argument": "+allow-all-names",
                   "targets": list(TARGETS), "default_target": preset, "icons": icons}
        self.socket.sendall(b"policy.Ask dom0 name dom0\0" + json.dumps(message).encode())
        self.socket.shutdown(socket.SHUT_WR)

    def answered(self):
        self.socket.settimeout(0.01)
        try:
            return bool(self.socket.recv(1, socket.MSG_PEEK))
        except TimeoutError:
            return False
        finally:
            self.socket.settimeout(10)

    def answer(self):
        data = b""
        while chunk := self.socket.recv(100):
            data += chunk
        self.socket.close()
        return data.decode()


def focus():
    run("xdotool", "windowfocus", "--sync", wait(window))


def key(*keys):
    run("xdotool", "key", *keys)
    time.sleep(0.15)


def test_keys_choose_and_allow(path):
    question = Question(path)
    focus()
    wait(lambda: has_colour(shot("ask-asleep"), "#3465a4"))  # the source's
    time.sleep(0.7)
    run("xdotool", "type", "van")
    run("xdotool", "key", "--delay", "5", "BackSpace", "u", "Return")  # chooses vault, the only one shown
    wait(lambda: has_colour(shot("ask-chosen"), "#555555"))
    key("Return")  # goes on to the button
    assert not question.answered()
    key("Return")
    assert question.answer() == "allow:vault"
    wait(gone)


def test_hasty_keys_do_nothing(path):
    question = Question(path, preset="bank")
    focus()
    run("xdotool", "key", "--delay", "5", "Return", "Return", "Return", "alt+a", "Return")
    assert not question.answered() and window()
    time.sleep(0.8)
    shot("ask-awake")
    key("alt+a")
    assert question.answer() == "allow:bank"


def test_hasty_click_does_nothing(path):
    question = Question(path, preset="bank")
    run("xdotool", "mousemove", "0", "0")
    name = wait(window)
    geometry = dict(line.split("=") for line in run("xdotool", "getwindowgeometry", "--shell", name).split("\n"))
    x, y = int(geometry["X"]) + int(geometry["WIDTH"]) - 60, int(geometry["Y"]) + int(geometry["HEIGHT"]) - 40
    focus()
    run("xdotool", "mousemove", str(x), str(y), "click", "--repeat", "3", "1")
    assert not question.answered()
    time.sleep(0.8)
    assert not question.answered()
    run("xdotool", "mousemove", str(x - 200), str(y - 200), "mousemove", str(x), str(y), "click", "1")
    assert question.answer() == "allow:bank"


def test_escape_denies(path):
    question = Question(path, preset="bank")
    focus()
    key("Escape")
    assert question.answer() == "deny"
    wait(gone)


def test_one_at_a_time_and_deny_all(path):
    first = Question(path, source="evil", colour="red")
    wait(window)
    others = [Question(path, source="evil", colour="red") for _ in range(3)]
    last = Question(path, source="bank", colour="green")
    time.sleep(0.3)
    assert len(run("xdotool", "search", "--onlyvisible", "--name", TITLE).split()) == 1
    focus()
    key("Escape")
    assert first.answer() == "deny"
    focus()
    key("alt+n")  # deny all
    assert [question.answer() for question in others] == ["deny"] * 3
    wait(window)
    wait(lambda: has_colour(shot("ask-other"), "#73d216"))
    focus()
    key("Escape")
    assert last.answer() == "deny"


def test_question_vanishes_with_its_asker(path):
    question = Question(path)
    wait(window)
    question.socket.close()
    wait(gone)


def test_malformed_messages_show_nothing(path):
    for data in (b"", b"junk", b"policy.Ask dom0\0{}", b"policy.Ask dom0\0" + b"[" * 100000,
                 b"policy.Ask dom0\0" + b"x" * 2000000, b"policy.What dom0\0{}"):
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(10)
        client.connect(path)
        try:
            client.sendall(data)
            client.shutdown(socket.SHUT_WR)
            assert client.recv(10) == b""
        except (BrokenPipeError, ConnectionResetError, OSError):
            pass
        client.close()
    assert not window()


def test_notices_reach_the_desktop(path):
    """dbus-monitor sees the call, whoever would show it."""
    monitor = subprocess.Popen(["stdbuf", "-oL", "dbus-monitor", "--session",
                                "interface=org.freedesktop.Notifications,member=Notify"],
                               stdout=subprocess.PIPE, text=True)
    while "NameLost" not in monitor.stdout.readline():  # it listens from here on
        pass
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(10)
    client.connect(path)
    client.sendall(b'policy.Notify dom0 name dom0\0{"resolution":"deny","service":"s","argument":"+","source":"work",'
                   b'"target":"bank"}')
    client.shutdown(socket.SHUT_WR)
    assert client.recv(10) == b""
    client.close()
    seen = ""
    while "s to bank" not in seen:
        seen += monitor.stdout.readline()
    assert "Denied: call of work" in seen
    monitor.terminate()
    monitor.wait()


def main():
    tests = [(name, test) for name, test in globals().items() if name.startswith("test_")]
    failed = 0
    os.makedirs(SHOTS, exist_ok=True)
    with tempfile.TemporaryDirectory() as top:
        path = top + "/agent.sock"
        with subprocess.Popen([f"{BUILD}/qrexec-policy-agent", "--socket-path", path]) as agent:
            wait(lambda: os.path.exists(path))
            for number, (name, test) in enumerate(tests, 1):
                try:
                    test(path)
                    print(f"ok {number} - {name}", flush=True)
                except (AssertionError, OSError) as error:
                    failed += 1
                    shot("failed-" + name)
                    print(f"not ok {number} - {name}: {error!r}", flush=True)
                    while window():
                        focus()
                        key("Escape")
            assert agent.poll() is None, "the agent ended"
            agent.terminate()
    return 1 if failed else 0


sys.exit(main())
