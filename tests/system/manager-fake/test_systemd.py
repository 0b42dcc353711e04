#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The D-Bus side: a stand-in for systemd that is asked for the units of domains, and the manager's own interface.
Runs itself again under dbus-run-session; that bus serves as the system bus."""
import os, sys, threading, time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
if "DM_SYSTEM_BUS" not in os.environ:
    os.environ["DM_SYSTEM_BUS"] = "1"
    os.execvp("dbus-run-session", ["dbus-run-session", "--", sys.executable, os.path.abspath(__file__)])
os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = os.environ["DBUS_SESSION_BUS_ADDRESS"]

import gi
from gi.repository import Gio, GLib
from world import World, case, finish

XML = """<node><interface name='org.freedesktop.systemd1.Manager'>
<method name='Subscribe'/>
<method name='StartUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='o' direction='out'/></method>
<method name='StopUnit'><arg type='s' direction='in'/><arg type='s' direction='in'/><arg type='o' direction='out'/></method>
<signal name='JobRemoved'><arg type='u'/><arg type='o'/><arg type='s'/><arg type='s'/></signal>
</interface></node>"""
NAME = "org.bulkhead.DomainManager1"
PATH = "/org/bulkhead/DomainManager1"


class Systemd:
    def __init__(self):
        self.calls, self.fail, self.jobs = [], set(), 0
        self.bus = Gio.bus_get_sync(Gio.BusType.SESSION)
        node = Gio.DBusNodeInfo.new_for_xml(XML)
        self.bus.register_object("/org/freedesktop/systemd1", node.interfaces[0], self.call, None, None)
        Gio.bus_own_name_on_connection(self.bus, "org.freedesktop.systemd1", 0, None, None)

    def call(self, bus, sender, path, interface, method, args, invocation):
        if method == "Subscribe":
            invocation.return_value(None)
            return
        unit = args.unpack()[0]
        self.calls.append((method, unit))
        self.jobs += 1
        job = "/org/freedesktop/systemd1/job/%d" % self.jobs
        invocation.return_value(GLib.Variant("(o)", (job,)))
        result = "failed" if unit in self.fail else "done"
        GLib.timeout_add(50, lambda: self.removed(job, unit, result))

    def removed(self, job, unit, result):
        self.bus.emit_signal(None, "/org/freedesktop/systemd1", "org.freedesktop.systemd1.Manager", "JobRemoved",
                             GLib.Variant("(uoss)", (1, job, unit, result)))
        return False


systemd = Systemd()
loop = GLib.MainLoop()
threading.Thread(target=loop.run, daemon=True).start()
client = Gio.bus_get_sync(Gio.BusType.SESSION)


def call(method, signature=None, *args):
    parameters = GLib.Variant(signature, args) if signature else None
    r = client.call_sync(NAME, PATH, NAME, method, parameters, None, 0, 10000, None)
    return r.unpack() if r else None


def wait_name():
    for _ in range(100):
        try:
            call("ListDomains")
            return
        except GLib.Error:
            time.sleep(0.05)
    raise AssertionError("the name did not appear")


@case
def units():
    """a start waits for the qrexec unit; a stop stops both units; failures are told"""
    with World(mode="systemd") as w:
        w.start(bus="system")
        w.ok("qvm-create", "-l", "green", "a-b.c")
        w.ok("qvm-start", "a-b.c")
        assert ("StartUnit", "bulkhead-qrexec@a-b.c.service") in systemd.calls
        assert ("StartUnit", "bulkhead-guid@a-b.c.service") in systemd.calls
        env = open(w.dir + "/run/domains/a-b.c").read()
        for line in ("DOMID=1", "NAME=a-b.c", "COLOR=0x73d216", "LABEL_INDEX=4", "DISPLAY=:0", "DEFAULT_USER=user"):
            assert line in env.split("\n"), env
        w.ok("qvm-shutdown", "--wait", "a-b.c")
        for unit in ("bulkhead-guid@a-b.c.service", "bulkhead-qrexec@a-b.c.service"):
            w.wait_until(lambda: ("StopUnit", unit) in systemd.calls)
        systemd.fail = {"bulkhead-guid@a-b.c.service"}
        w.ok("qvm-start", "a-b.c")
        w.ok("qvm-kill", "a-b.c")
        systemd.fail = {"bulkhead-qrexec@a-b.c.service"}
        w.bad("qvm-start", "a-b.c", says="qrexec of a-b.c did not start (failed)")
        w.wait_state("a-b.c", "Halted")


@case
def restart():
    """after a restart of the manager the units of running domains are asked for again"""
    systemd.fail = set()
    with World(mode="systemd") as w:
        w.start(bus="system")
        w.ok("qvm-create", "-l", "green", "a")
        w.ok("qvm-start", "a")
        w.stop()
        systemd.calls.clear()
        w.start(bus="system")
        end = time.time() + 3
        while len(systemd.calls) < 2 and time.time() < end:
            time.sleep(0.02)
        assert ("StartUnit", "bulkhead-qrexec@a.service") in systemd.calls
        assert w.state_of("a") == "Running"


@case
def interface():
    """org.bulkhead.DomainManager1: lists, changes, errors, events"""
    with World() as w:
        w.start(bus="system")
        wait_name()
        seen = []
        client.signal_subscribe(None, NAME, "DomainEvent", PATH, None, 0, lambda *a: seen.append(a[5].unpack()))
        call("Call", "(sss)", "admin.vm.Create.AppVM", "dom0", "name=a label=blue")
        all_domains = {d["name"]: d for d in call("ListDomains")[0]}
        assert all_domains["a"]["label"] == "blue" and all_domains["a"]["state"] == "Halted", all_domains
        call("SetProperty", "(sss)", "a", "memory", "600")
        assert ("memory", "int", "600", False) in call("GetProperties", "(s)", "a")[0]
        call("ResetProperty", "(ss)", "a", "memory")
        call("Start", "(s)", "a")
        assert w.state_of("a") == "Running"
        call("Pause", "(s)", "a")
        call("Unpause", "(s)", "a")
        call("Shutdown", "(ss)", "a", "wait")
        call("Remove", "(s)", "a")
        try:
            call("Start", "(s)", "a")
            raise AssertionError("started what is not there")
        except GLib.Error as e:
            assert "there is no domain" in e.message
        time.sleep(0.2)
        assert ("a", "domain-start", {}) in seen and ("", "domain-add", {"vm": "a"}) in seen, seen
        assert ("a", "domain-paused", {}) in seen and ("", "domain-delete", {"vm": "a"}) in seen


finish()
