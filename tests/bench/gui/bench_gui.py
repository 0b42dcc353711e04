#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Figures of the GUI path, next to the same program drawing locally in dom0, in one run. TAP lines say whether the
goals are met; the "figure:" lines are for people. Options: --quick: shorter runs; --latency: only that; --copy: the domain's server is Xvfb, and
the agent copies (else Xorg with our module, as in a domain)."""
import os, re, signal, subprocess, sys, time
from Xlib import X, display as xdisplay

TOP = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../.."))
sys.path.insert(0, os.path.join(TOP, "tests/system/gui"))
from rig import DAEMON, Rig, Tap, cpu_seconds, wait_for

CLIENT, PROBE = (os.path.join(TOP, "build/gui-agent/bench", p) for p in ("bench-client", "bench-probe"))
W, H = 1920, 1080
SECONDS = 3 if "--quick" in sys.argv else 8
PRESSES = 40 if "--quick" in sys.argv else 150
tap = Tap()


def figure(name, value):
    print("figure: %-46s %s" % (name, value), flush=True)


class Bench:
    def __init__(self, rig):
        self.rig = rig
        self.dom0 = rig.xvfb("2240x1280")
        self.x0 = rig.last_x
        rig.spawn(["dbus-run-session", "xfwm4", "--compositor=off", "--vblank=off"], name="xfwm4", DISPLAY=self.dom0)
        d = xdisplay.Display(self.dom0)
        wait_for(lambda: d.screen().root.get_full_property(d.intern_atom("_NET_SUPPORTING_WM_CHECK"), X.AnyPropertyType), 10)
        self.d0 = d
        self.guest = rig.xvfb("2240x1280") if "--copy" in sys.argv else rig.xorg()
        self.x1 = rig.last_x
        self.agent = rig.agent(self.guest, 1)
        self.daemon = rig.spawn([DAEMON, "-f", "-d", "1", "-N", "work", "-c", "0x3465a4", "-l", "6"], name="guid1",
                                DISPLAY=self.dom0, VCHAN_DOMAIN="0")
        wait_for(lambda: "connected" in rig.log("agent1"))

    def client(self, where, *args):
        p = subprocess.Popen([CLIENT] + [str(a) for a in args], stdout=subprocess.PIPE, text=True,
                             env=self.rig.env(DISPLAY=where))
        p.stdout.readline()
        return p

    def counters(self):
        """Sum of both ends' counters, asked for now."""
        out = {}
        for p, log in ((self.agent, "agent1"), (self.daemon, "guid1")):
            n = len(self.rig.log(log))
            p.send_signal(signal.SIGUSR1)
            line = wait_for(lambda: re.search(r"(stats|counters:?) (.*)\n", self.rig.log(log)[n:]), 3)
            for k, v in re.findall(r"([a-z-]+)[= ](\d+)", line.group(2)):
                out[("agent-" if log == "agent1" else "daemon-") + k] = int(v)
        return out

    def centre(self):
        """Middle of the largest client window in dom0, which gets the focus."""
        best, todo = None, [self.d0.screen().root]
        while todo:
            w = todo.pop()
            try:
                if w.get_attributes().map_state == X.IsViewable and w.get_full_property(
                        self.d0.intern_atom("WM_STATE"), X.AnyPropertyType):
                    best = w
                todo += w.query_tree().children
            except Exception:
                pass
        g = best.get_geometry()
        t = best.translate_coords(self.d0.screen().root, 0, 0)
        self.rig.run(["xdotool", "windowactivate", str(best.id)], self.dom0)
        return -t.x + g.width // 2, -t.y + g.height // 2

    def cpu(self, procs):
        return sum(cpu_seconds(p.pid) for p in procs)

    def stream(self, where, fps, procs):
        p = self.client(where, "stream", W, H, fps, SECONDS)
        wait_for(lambda: where == self.dom0 or "mapped" in self.rig.log("guid1"))
        time.sleep(0.7)
        x, y = self.centre()
        before, cpu = self.counters(), self.cpu(procs + [p])
        time.sleep(0.5)
        probe = subprocess.run([PROBE, "frames", str(x), str(y), str(SECONDS)], capture_output=True, text=True,
                               env=self.rig.env(DISPLAY=self.dom0), timeout=60).stdout
        cpu, after = self.cpu(procs + [p]) - cpu, self.counters()
        out = p.communicate(timeout=30)[0]
        drawn = re.search(r"frames (\d+) seconds ([\d.]+)", out)
        seen = re.search(r"seen (\d+) seconds ([\d.]+)", probe)
        return {"drawn": int(drawn.group(1)) / float(drawn.group(2)), "seen": int(seen.group(1)) / float(seen.group(2)),
                "cpu": cpu / SECONDS, "delta": {k: after[k] - before[k] for k in after if k in before}}

    def latency(self, where):
        p = self.client(where, "echo", 800, 600)
        time.sleep(1)
        x, y = self.centre()
        time.sleep(0.5)
        out = subprocess.run([PROBE, "key", str(x), str(y), str(PRESSES)], capture_output=True, text=True,
                             env=self.rig.env(DISPLAY=self.dom0), timeout=300).stdout
        p.kill()
        p.wait()
        time.sleep(0.3)
        return [int(v) for v in re.findall(r"(\d+)", out.replace("p95", ""))]


def private_kib(pid):
    """Anonymous memory of a process, KiB."""
    return sum(int(l.split()[1]) for l in open("/proc/%d/smaps_rollup" % pid) if l.startswith("Anonymous:"))


def show_stream(name, r):
    figure(name, "drawn %.1f/s, seen %.1f/s, CPU %.0f %%" % (r["drawn"], r["seen"], 100 * r["cpu"]))


def main():
    with Rig("bench") as rig:
        b = Bench(rig)
        dom0, both = [b.x0], [b.x0, b.x1, b.agent, b.daemon]
        idle = private_kib(b.daemon.pid)
        for fps in ((60, 0) if not "--latency" in sys.argv else ()):
            what = "1080p stream, %s" % ("60 a second" if fps else "unlimited")
            local, ours = b.stream(b.dom0, fps, dom0), b.stream(b.guest, fps, both)
            show_stream(what + ", local MIT-SHM", local)
            show_stream(what + ", from a domain", ours)
            d = ours["delta"]
            frames = max(d.get("agent-frames", 0), 1)
            shown = max(d.get("daemon-frames", 0), 1)
            figure(what + ", agent", "frames %d, bytes copied per frame %d (damaged %d), damage messages per frame %.2f" % (
                frames, d["agent-bytes-copied"] // frames, d["agent-bytes-damaged"] // frames, d["agent-rects"] / frames))
            figure(what + ", daemon", "frames %d, bytes copied per frame %d, events per frame %.2f" % (
                shown, d["daemon-bytes-copied"] // shown, d["daemon-events"] / shown))
            if fps:
                tap.ok(ours["seen"] >= 0.8 * local["seen"], "60 frames a second: at least 0.8 of the local frames are seen",
                       (ours["seen"], local["seen"]))
                tap.ok(d["agent-bytes-copied"] <= d["agent-bytes-damaged"] + W * H * 4, "agent copies no more than is damaged")
                tap.ok(d["agent-rects"] / frames <= 2 and d["daemon-events"] / shown <= 2, "at most 2 events per frame")
            else:
                figure("unlimited: share of local frames seen", "%.2f" % (ours["seen"] / max(local["seen"], 1)))
        local, ours = b.latency(b.dom0), b.latency(b.guest)
        figure("key press to pixels, local, us", "median %d, 95 %% %d, max %d" % tuple(local))
        figure("key press to pixels, from a domain, us", "median %d, 95 %% %d, max %d" % tuple(ours))
        figure("ratio of medians", "%.2f" % (ours[0] / local[0]))
        frame = 1e6 / 60
        tap.ok(ours[0] <= 1.3 * local[0] or ours[0] <= local[0] + frame,
               "key press to pixels: 1.3 of local, or local and one frame of 60 Hz", (ours, local))
        figure("daemon, anonymous memory KiB", "%d at start, %d at the end" % (idle, private_kib(b.daemon.pid)))
        figure("agent, anonymous memory KiB", private_kib(b.agent.pid))
        if tap.bad:
            rig.show_logs()
    return tap.done()


sys.exit(main())
