#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make_seeds.py DIRECTORY: write seeds for fuzz_agent_stream: each message type alone, and whole lives of windows."""
import os, struct, sys

WINDOWS = (1, 2, 1 | 0x42 << 24, 2 | 0xa1 << 24)
BODIES = {
    130: [struct.pack("<iiIIII", 10, 40, 100, 50, 0, 0), struct.pack("<iiIIII", -5, -5, 1900, 1000, 1, 1)],
    131: [b""], 132: [struct.pack("<II", 0, 0), struct.pack("<II", 2, 1)], 133: [b""],
    134: [struct.pack("<iiIII", 30, 40, 120, 60, 0)], 136: [struct.pack("<iiII", 0, 0, 100, 50)],
    140: [b"text"], 141: [b"title".ljust(128, b"\0"), "é…ü".encode().ljust(128, b"x")], 143: [b""],
    144: [struct.pack("<9I", 0x175, 1, 1, 500, 500, 1, 1, 0, 0)],
    145: [struct.pack("<II", 1, 0), struct.pack("<II", 2, 1), struct.pack("<II", 4, 2), struct.pack("<II", 8, 0)],
    146: [b"Class".ljust(64, b"\0") + b"name".ljust(64, b"\0")],
    147: [struct.pack("<4I", 0, 100, 50, 24) + struct.pack("<5I", 1, 2, 3, 4, 5),
          struct.pack("<4I", 0, 100, 50, 24) + struct.pack("<5I", 1, 2, 0xbad, 4, 5)],
    148: [struct.pack("<I", 0x102)], 150: [struct.pack("<I", 9)], 152: [struct.pack("<I", 180)],
    153: [struct.pack("<II", 2, 2) + b"icon" * 4],
}


def message(kind, window, body):
    return struct.pack("<3I", kind, window, len(body)) + body


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    start = {minor: struct.pack("<I", 1 << 16 | minor) for minor in (4, 8, 64)}
    seeds = []
    create = message(130, 1, BODIES[130][0])
    for kind, bodies in BODIES.items():
        for body in bodies:
            for window in WINDOWS[:3:2]:
                seeds.append(b"\0" + start[64] + create + message(kind, window, body))
    life = create + message(147, 1, BODIES[147][0]) + message(141, 1, BODIES[141][0]) + message(144, 1, BODIES[144][0])
    life += message(132, 1, BODIES[132][0]) + message(136, 1, BODIES[136][0]) + message(134, WINDOWS[2], BODIES[134][0])
    popup = message(130, 2, BODIES[130][1]) + message(147, 2, BODIES[147][0]) + message(132, 2, BODIES[132][1])
    for flags in (0, 3, 8, 16):
        for minor in start:
            seeds.append(bytes([flags]) + start[minor] + life + popup + message(131, 1, b"") + message(131, 2, b""))
    # up to the harness's limits and over them: 8 windows, 400 pages
    seeds.append(b"\0" + start[64] + b"".join(message(130, n, BODIES[130][0]) for n in range(1, 11)))
    large = struct.pack("<4I", 0, 640, 480, 24) + struct.pack("<300I", *range(300))
    seeds.append(b"\0" + start[64] + create + message(147, 1, large) + message(147, 1, large) +
                 message(130, 2, BODIES[130][0]) + message(147, 2, large))
    for i, seed in enumerate(seeds):
        with open(os.path.join(out, "seed-%03d" % i), "wb") as f:
            f.write(seed)


main()
