#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What bulkhead-network makes of the interfaces of domains: network namespaces are the domains, veth pairs are netback and
netfront, files are xenstore. Two domains behind one that gives them network, which has a next hop itself. Needs root."""
import glob
import os
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.dirname(__file__))
from world import case, finish

PROGRAM, STORE = (os.path.join(os.getcwd(), "build/domain-manager/test", f) for f in ("bulkhead-network", "fake_xenstore.so"))
FIREWALL = os.path.join(os.getcwd(), "build/domain-manager/bulkhead-firewall")
NEXT_HOP, NETVM, FIRST, SECOND = "10.137.0.1", "10.137.0.5", "10.137.0.6", "10.137.0.7"


class Domain:
    """A network namespace, with a mount namespace in which /etc/resolv.conf is its own."""

    def __init__(self, directory, name, **keys):
        self.store = os.path.join(directory, name)
        os.mkdir(self.store)
        self.resolver = os.path.join(self.store, "resolv.conf")
        open(self.resolver, "w").close()
        for key, value in keys.items():
            self.set(key, value)
        script = "mount --bind %s /etc/resolv.conf; mount -t sysfs sysfs /sys; ip link set lo up; echo ready; exec sleep 1000" % self.resolver
        self.process = subprocess.Popen(["unshare", "--net", "--mount", "sh", "-c", script], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"

    def set(self, key, value):
        with open(os.path.join(self.store, key), "w") as f:
            f.write(value)

    def get(self, key):
        path = os.path.join(self.store, key)
        return open(path).read() if os.path.exists(path) else None

    def run(self, *command):
        done = subprocess.run(["nsenter", "--target", str(self.process.pid), "--net", "--mount", "--", *command],
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(os.environ, LD_PRELOAD=""), timeout=60)
        return done.returncode, done.stdout.decode()

    def appear(self, interface):
        """What udev does."""
        return self.run("env", "LD_PRELOAD=" + STORE, "FAKE_STORE=" + self.store, PROGRAM, interface)

    def reaches(self, address, *options):
        return self.run("ping", "-c", "1", "-W", "1", *options, address)[0] == 0


class Net:
    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="dm-network-")
        dns = {"qubesdb_qubes-primary-dns": "10.139.1.1", "qubesdb_qubes-secondary-dns": "10.139.1.2"}
        keys = lambda ip, gateway: dict({"qubesdb_qubes-ip": ip, "qubesdb_qubes-gateway": gateway}, **dns)
        make = lambda name, **more: Domain(self.directory, name, **more)
        self.next_hop = make("next-hop", **{"qubesdb_qubes-netvm-gateway": NEXT_HOP, "backend_vif_5_0_ip": NETVM})
        self.netvm = make("netvm", **keys(NETVM, NEXT_HOP), **{"qubesdb_qubes-netvm-gateway": NETVM, "backend_vif_1_0_ip": FIRST,
                                                              "backend_vif_2_0_ip": SECOND})
        self.first, self.second = (make(name, **keys(ip, NETVM)) for name, ip in (("first", FIRST), ("second", SECOND)))
        for server, client in ((self.next_hop, NETVM), (self.netvm, FIRST), (self.netvm, SECOND)):
            server.set("qubesdb_qubes-firewall_%s_0000" % client.replace(".", "@2e"), "action=accept")
        self.connect(self.next_hop, "vif5.0", self.netvm)
        self.connect(self.netvm, "vif1.0", self.first)
        self.connect(self.netvm, "vif2.0", self.second)
        return self

    def __exit__(self, *_):
        for domain in (self.next_hop, self.netvm, self.first, self.second):
            domain.process.kill()
            domain.process.wait()
        shutil.rmtree(self.directory)

    @staticmethod
    def connect(server, vif, client):
        subprocess.run(["ip", "link", "add", "wire0", "type", "veth", "peer", "name", "wire1"], check=True)
        for end, domain, name in (("wire0", server, vif), ("wire1", client, "eth0")):
            subprocess.run(["ip", "link", "set", end, "netns", str(domain.process.pid), "name", name], check=True)

    def all_appear(self):
        for domain, interface in ((self.next_hop, "vif5.0"), (self.netvm, "eth0"), (self.netvm, "vif1.0"), (self.netvm, "vif2.0"),
                                  (self.first, "eth0"), (self.second, "eth0")):
            status, output = domain.appear(interface)
            assert status == 0, (interface, output)


if os.geteuid() != 0 or subprocess.run(["unshare", "--net", "nft", "list", "ruleset"], stderr=subprocess.DEVNULL).returncode:
    print("ok 1 - network # SKIP needs root, network namespaces and nftables\n1..1")
    sys.exit(0)


@case
def interfaces():
    """addresses, routes and name servers come from dom0's keys; netback is told once the way is open"""
    with Net() as net:
        net.all_appear()
        assert "inet %s/32" % FIRST in net.first.run("ip", "-4", "addr", "show", "eth0")[1]
        routes = net.first.run("ip", "route")[1]
        assert "default via %s dev eth0" % NETVM in routes and "%s dev eth0 scope link" % NETVM in routes, routes
        assert open(net.first.resolver).read() == "nameserver 10.139.1.1\nnameserver 10.139.1.2\n"
        assert net.netvm.get("backend_vif_1_0_hotplug-status") == net.netvm.get("backend_vif_2_0_hotplug-status") == "connected"


@case
def ways():
    """a domain reaches its netvm and what is behind it, under the netvm's address; neighbours do not reach each other"""
    with Net() as net:
        net.all_appear()
        assert net.first.reaches(NETVM) and net.netvm.reaches(FIRST)
        assert net.first.reaches(NEXT_HOP), "by the netvm's address: the next hop knows no other"
        assert not net.first.reaches(SECOND)


@case
def border():
    """the netvm answers nothing but ping, and takes no packet with another's address"""
    with Net() as net:
        net.all_appear()
        listener = subprocess.Popen(["nsenter", "--target", str(net.netvm.process.pid), "--net", "python3", "-m", "http.server", "8000"],
                                    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            for who, may in ((net.netvm, True), (net.first, False)):
                for _ in range(20 if may else 1):
                    code = who.run("bash", "-c", "timeout 2 bash -c 'exec 3<>/dev/tcp/%s/8000'" % NETVM)[0]
                    if (code == 0) == may:
                        break
                    time.sleep(0.2)
                assert (code == 0) == may, "%s: %d" % (who.store, code)
        finally:
            listener.kill()
            listener.wait()
        net.first.run("ip", "addr", "add", SECOND + "/32", "dev", "eth0")
        assert not net.first.reaches(NEXT_HOP, "-I", SECOND)


@case
def firewall():
    """dom0's rules: the first that fits decides, the rest is dropped, at once after a change; a client whose rules are wrong sends nothing"""
    with Net() as net:
        base = "qubesdb_qubes-firewall_%s_" % FIRST.replace(".", "@2e")

        def rules(*texts):
            for old in glob.glob(os.path.join(net.netvm.store, base + "*")):
                os.unlink(old)
            net.netvm.set(base + "policy", "drop")
            for i, text in enumerate(texts):
                net.netvm.set(base + "%04d" % i, text)

        def apply():
            return net.netvm.run("env", "LD_PRELOAD=" + STORE, "FAKE_STORE=" + net.netvm.store, FIREWALL, FIRST)

        def opens(port):
            return net.first.run("bash", "-c", "timeout 1 bash -c 'exec 3<>/dev/tcp/%s/%d'" % (NEXT_HOP, port))[0] == 0
        rules("action=accept proto=icmp")
        net.all_appear()
        assert net.first.reaches(NEXT_HOP) and net.second.reaches(NEXT_HOP)
        net.next_hop.run("nft", "flush", "ruleset")  # it takes what the netvm lets through
        listeners = [subprocess.Popen(["nsenter", "--target", str(net.next_hop.process.pid), "--net", "python3", "-m", "http.server", str(port)],
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for port in (8000, 8001)]
        try:
            for given, ping, first, second in (
                    (["action=accept"], True, True, True),
                    (["action=accept dst4=%s/32 proto=tcp dstports=8000-8000" % NEXT_HOP], False, True, False),
                    (["action=drop proto=tcp dstports=8000-8000", "action=accept"], True, False, True),
                    (["action=accept dst4=0.0.0.0/0 proto=tcp"], False, True, True),
                    (["action=accept dsthost=localhost", "action=accept proto=icmp icmptype=8"], True, False, False),
                    (["action=accept proto=tcp dstports=8000-8001", "action=drop dst4=10.137.0.0/16"], False, True, True)):
                rules(*given)
                assert apply()[0] == 0, given
                for _ in range(20):  # the listeners take a moment to start
                    if (opens(8000), opens(8001)) == (first, second):
                        break
                    time.sleep(0.2)
                assert (net.first.reaches(NEXT_HOP), opens(8000), opens(8001)) == (ping, first, second), given
        finally:
            for listener in listeners:
                listener.kill()
                listener.wait()
        rules("action=accept specialtarget=dns")
        net.netvm.set("qubesdb_qubes-netvm-primary-dns", "10.139.1.1")
        net.netvm.set("qubesdb_qubes-netvm-secondary-dns", "10.139.1.2")
        assert apply()[0] == 0
        assert "ip daddr { 10.139.1.1, 10.139.1.2 } meta l4proto { tcp, udp } th dport 53 accept" in net.netvm.run("nft", "list", "ruleset")[1]
        for wrong in ("action=accept dsthost=no.such.host.invalid", "action=accept proto=tcp;accept", "action=maybe", "proto=tcp", "action=accept x=1",
                      "action=accept dstports=1-70000 proto=tcp"):
            rules("action=accept", wrong)
            status, output = apply()
            assert status == 1 and "nothing may pass" in output, (wrong, output)
            assert not net.first.reaches(NEXT_HOP), wrong


@case
def incomplete():
    """no keys: the interface is left alone; a vif that is nobody's is not connected; wrong use"""
    with Net() as net:
        os.unlink(os.path.join(net.first.store, "qubesdb_qubes-ip"))
        assert net.first.appear("eth0")[0] == 0
        assert "inet " not in net.first.run("ip", "-4", "addr", "show", "eth0")[1]
        os.unlink(os.path.join(net.netvm.store, "backend_vif_1_0_ip"))
        assert net.netvm.appear("vif1.0")[0] == 1 and net.netvm.get("backend_vif_1_0_hotplug-status") is None
        net.netvm.set("backend_vif_2_0_ip", "not an address")
        assert net.netvm.appear("vif2.0")[0] == 1
        assert net.netvm.appear("")[0] == 2 and net.netvm.appear("x" * 40)[0] == 2


finish()
