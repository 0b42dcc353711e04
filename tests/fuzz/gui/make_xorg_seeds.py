#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""make_xorg_seeds.py DIRECTORY: write seeds for fuzz_xorg_pixels: lives of buffers, right and wrong ones."""
import os, struct, sys

CLIENT, GOOD_FD, BAD_FD, GONE, OWN_ID, WINDOW = 1, 2, 4, 8, 16, 32
ATTACH, DETACH, PUT = 0, 1, 2


def record(what, minor, body):
    request = struct.pack("<BBH", 0, minor, 1 + len(body) // 4) + body
    return struct.pack("<BB", what, len(request) // 4) + request


def attach(what=GOOD_FD | OWN_ID, w=100, h=50, pieces=((0, 5),), number=1):
    return record(what, ATTACH, struct.pack("<IHHI", number, w, h, 0) + b"".join(struct.pack("<QQ", *p) for p in pieces))


def put(*rects, what=OWN_ID | WINDOW, number=1, window=1):
    return record(what, PUT, struct.pack("<II", number, window) + b"".join(struct.pack("<hhHH", *r) for r in rects))


def detach(what=OWN_ID, number=1):
    return record(what, DETACH, struct.pack("<I", number))


SEEDS = [
    attach() + put((0, 0, 100, 50)) + detach(),
    attach() + put((0, 0, 10, 5), (20, 20, 80, 30), (99, 49, 1, 1), window=0),
    attach(pieces=((0, 2), (4096, 3))) + put((0, 0, 100, 50)) + bytes([GONE, 0]),
    attach(what=BAD_FD | OWN_ID), attach(what=OWN_ID), attach(pieces=((0, 4),)), attach(pieces=((4096, 8),)),
    attach() + attach(number=2, w=32, h=32, pieces=((4096 * 7, 1),)) + put((0, 0, 32, 32), number=2) + detach(number=2),
    attach() + put((0, 0, 101, 50)) + put((-1, 0, 1, 1)) + put((0, 0, 100, 50), (0, 0, 1, 1)),
    attach() + attach(what=GOOD_FD | OWN_ID | CLIENT) + put((0, 0, 1, 1), what=CLIENT | OWN_ID | WINDOW) + bytes([GONE | CLIENT, 0]),
]


def main():
    out = sys.argv[1]
    os.makedirs(out, exist_ok=True)
    for i, seed in enumerate(SEEDS):
        with open(os.path.join(out, "seed-%02d" % i), "wb") as f:
            f.write(seed)


main()
